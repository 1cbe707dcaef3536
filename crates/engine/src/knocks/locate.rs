//! Where a device is that is heard by radio: asked over GATT after the person has chosen to invite it, and told only if
//! we hold a value that opens its door. What comes back is dialled like an address heard on the network, under a grant of
//! its own.

use super::KnockId;
use crate::{calling::persist, event::Event, state::State};
use hither_capability::{Consent, radio_address};
use hither_discovery::ble::{Ble, RadioAddress, Routes};
use hither_model::{Blame, ErrorCode, Failure, News, Rid};
use std::{net::SocketAddr, sync::Arc};

/// Radios of one device that are tried.
const MAX_RADIOS: usize = 2;

/// What the other side told.
pub(crate) type Located = Result<(RadioAddress, Routes), Failure>;

impl State {
    /// Whether a failed attempt is to be followed by asking the device itself; if so, it is asked.
    pub(super) fn locate_instead(&mut self, id: KnockId, failure: &Failure) -> bool {
        let radio = self.dials.get(&id).is_some_and(|dial| !dial.way.radio.is_empty());
        let network = failure.code.blame() == Blame::Network;
        radio && network && self.locate(id)
    }

    /// Asks a device for its routes; false if there is no radio to do it with.
    pub(super) fn locate(&mut self, id: KnockId) -> bool {
        let (Some(dial), Some(ble)) = (self.dials.get_mut(&id), self.radio.ble.clone()) else { return false };
        // Once: what it tells is all there is.
        let radio = std::mem::take(&mut dial.way.radio);
        let (rids, cancel, events) = (dial.way.rids.clone(), dial.cancel.clone(), self.events.clone());
        self.tasks.spawn(async move {
            let outcome = tokio::select! {
                outcome = ask(&ble, &radio, &rids) => outcome,
                () = cancel.cancelled() => return,
            };
            let _ = events.send(Event::Located { knock: id, outcome: Box::new(outcome) }).await;
        });
        true
    }

    /// The device has told where it is, or has not.
    pub(crate) async fn located(&mut self, id: KnockId, outcome: Located) {
        let Some(dial) = self.dials.get(&id) else { return };
        let device = dial.device;
        let outcome = outcome.and_then(|(source, told)| {
            let listens = told.port != 0;
            let addresses = told.addresses.iter().filter(|_| listens);
            let mut routes: Vec<SocketAddr> = addresses.map(|ip| SocketAddr::new(*ip, told.port)).collect();
            // Where no network joins the two, the radio does.
            routes.extend(told.psm.map(|psm| {
                let mut radio = radio_address(*source.as_bytes());
                radio.set_port(psm);
                radio
            }));
            if routes.is_empty() { Err(apart()) } else { Ok(routes) }
        });
        let now = self.clock.now();
        let granted = outcome.and_then(|routes| {
            let grant = self.gate.dial(Consent::new(device.to_string(), routes.clone(), now), now)?;
            Ok((grant, routes))
        });
        match granted {
            Ok((grant, routes)) => self.dial_routes(id, Arc::new(grant), routes),
            Err(failure) => {
                let Some(dial) = self.dials.remove(&id) else { return };
                self.dial_failed(&dial.device, &failure).await;
                self.tell(News::InviteEnded { invite: dial.invite, failure });
            }
        }
    }
}

/// Heard by radio and not reached otherwise.
pub(super) fn apart() -> Failure {
    Failure::new(ErrorCode::Unreachable, "that device is heard by Bluetooth, but no network joins the two")
        .hint("bring both devices onto one network (a phone's hotspot will do), then try again")
}

async fn ask(ble: &Ble, radio: &[RadioAddress], rids: &[Rid]) -> Located {
    let mut worst = apart();
    for source in radio.iter().take(MAX_RADIOS) {
        for rid in rids {
            match persist(|| ble.knock(*source, *rid)).await {
                Ok(routes) => return Ok((*source, routes)),
                Err(error) => worst = error.into(),
            }
        }
    }
    Err(worst)
}
