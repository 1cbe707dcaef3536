//! Calls: at start and after a network change we ring the last known routes of known devices, so that both sides see
//! each other at once and without multicast. It is the only thing hither dials by itself.

use crate::{calling::Dialling, event::Event, state::State};
use hither_capability::{Consent, is_place, is_web};
use hither_model::{PeerId, SessionId};
use hither_protocol::{Frame, Hello, session};
use hither_socket::Expected;
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// Devices called at one time: those seen last.
const MAX_CALLS: usize = 32;
/// How long the other side may take to answer the call.
const ANSWER: Duration = Duration::from_secs(5);

impl State {
    /// Rings known devices where they were last reached. Nobody is rung while we want to be seen by nobody.
    pub(crate) fn call_known(&mut self) {
        if self.visibility() == hither_model::row::Visibility::Nobody {
            return;
        }
        let mut known: Vec<(u64, PeerId, Vec<SocketAddr>)> = self
            .people
            .known()
            .filter(|(_, person, _)| !person.routes.is_empty())
            .map(|(peer, person, _)| (person.last_seen, *peer, person.routes.clone()))
            .collect();
        known.sort_by(|a, b| b.cmp(a));
        for (_, peer, routes) in known.into_iter().take(MAX_CALLS) {
            self.call(peer, routes);
        }
    }

    fn call(&mut self, peer: PeerId, routes: Vec<SocketAddr>) {
        let now = self.clock.now();
        let consent = Consent::reconnect(peer.to_string(), routes.clone(), now);
        let Ok(grant) = self.gate.dial(consent, now) else { return };
        let rids = self.known_rids(&peer, None);
        let dialling = Dialling {
            grant: Arc::new(grant),
            routes,
            rids,
            expected: Expected::Only(peer),
            me: self.credential(),
            profile: self.profile(),
            ble: None,
            web: None,
        };
        let (events, port) = (self.events.clone(), self.port());
        let cancel = self.cancel.child_token();
        self.tasks.spawn(async move {
            tokio::select! {
                () = ring(peer, dialling, port, events) => {}
                () = cancel.cancelled() => {}
            }
        });
    }

    /// The other side of a session asks whether our port can be reached from here: we try its address (doctor).
    pub(crate) fn dial_back(&mut self, session: SessionId, port: u16) {
        let Some(open) = self.sessions.get_mut(&session) else { return };
        let Some(mut target) = open.link.as_ref().map(|l| l.remote) else { return };
        // One at a time: it costs us a connection attempt.
        if std::mem::replace(&mut open.dialling_back, true) {
            return;
        }
        let now = self.clock.now();
        target.set_port(port);
        let consent = Consent::reconnect(session.to_string(), vec![target], now);
        let (elsewhere, by_web) = (!is_place(target), is_web(target));
        let permitted = self.gate.dial(consent, now).and_then(|grant| grant.permits(target));
        let events = self.events.clone();
        self.tasks.spawn(async move {
            let outcome = match permitted {
                Err(_) if by_web => {
                    Err("the two devices speak through a web server, whose address is not the device's".to_owned())
                }
                Err(_) if elsewhere => Err("no network joins the two devices; they speak by Bluetooth".to_owned()),
                Err(denied) => Err(denied.to_string()),
                Ok(()) => match tokio::time::timeout(ANSWER, tokio::net::TcpStream::connect(target)).await {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err("no answer within 5 seconds; a firewall may drop it".to_owned()),
                },
            };
            let (reached, why) = (outcome.is_ok(), outcome.err());
            let _ = events.send(Event::DialBack { session, reached, why }).await;
        });
    }

    pub(crate) fn dial_back_done(&mut self, session: SessionId, reached: bool, why: Option<String>) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.dialling_back = false;
            session.post(session::Frame::DialBackResult { reached, why });
        }
    }

    /// The other side tells whether it reached our port.
    pub(crate) fn dialled_back(&mut self, session: SessionId, reached: bool, why: Option<String>) {
        if let Some(waiting) = self.dial_backs.remove(&session) {
            let _ = waiting.send(if reached { Ok(()) } else { Err(why.unwrap_or_else(|| "not reached".into())) });
        }
    }
}

async fn ring(peer: PeerId, dialling: Dialling, port: u16, events: tokio::sync::mpsc::Sender<Event>) {
    let Ok((mut wire, route)) = dialling.run().await else { return };
    let answer = tokio::time::timeout(ANSWER, async {
        wire.say(&Hello::Presence { name: None, port }).await?;
        wire.next().await
    });
    if let Ok(Ok(Frame::Here { port, .. })) = answer.await {
        // The scope of a link-local address stays.
        let mut route = route;
        if port != 0 {
            route.set_port(port);
        }
        let _ = events.send(Event::Called { peer, route }).await;
    }
}
