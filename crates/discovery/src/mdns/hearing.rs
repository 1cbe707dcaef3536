//! What comes out of the mDNS thread: adverts of others, echoes of ours, and more than can be read.

use super::{
    Heard,
    actor::{Actor, wall},
    daemon::{Daemon, Signal},
};
use crate::{announce::instance_of, fault::DiscoveryError, onlink::Claim, sightings::Advert, txt::Txt};
use hither_model::InstanceId;
use mdns_sd::{ResolvedService, ScopedIp, ServiceEvent};
use std::time::Duration;
use tokio::time::Instant;

/// What can be answered from the thread's memory is asked for again only while it holds fewer adverts than this: all of
/// them come at once, and its queue holds 1,000 events.
const REPEATABLE: usize = 300;
/// A thread that holds more adverts than this is started again, to be rid of a flood (D1).
const MAX_HELD: usize = 2_048;
/// Shortest time between two such restarts.
const RELIEF_EVERY: Duration = Duration::from_secs(3);
/// After rows were pushed off the list, it is made anew: after this time, then twice that, and so on up to the longest.
const AFTERMATH: Duration = Duration::from_secs(10);
const LONGEST_AFTERMATH: Duration = Duration::from_secs(640);
/// A device that fell silent may come back without saying so: the link is asked again after these times.
const ASK_AGAIN: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(50)];
/// Events handled before requests get their turn.
const BURST: usize = 256;

/// What was heard, and what follows from it.
#[derive(Default)]
pub(super) struct Hearing {
    /// Adverts that the thread holds, roughly.
    held: usize,
    /// Our label was heard with another host behind it.
    contested: bool,
    /// When the thread was last started again to be rid of a flood.
    relieved: Option<Instant>,
    /// When the list is made anew after rows were pushed off it, and how long that takes the next time.
    aftermath: Option<Instant>,
    aftermath_pause: Option<Duration>,
    /// When the link is asked again, and how often that was done.
    ask_again: Option<(Instant, usize)>,
    own: Option<Instant>,
    others: Option<Instant>,
}

impl Hearing {
    /// A new thread holds nothing.
    pub(super) fn start_over(&mut self) {
        self.held = 0;
    }

    /// When something is to be done next.
    pub(super) fn wake(&self) -> Option<Instant> {
        [self.aftermath, self.ask_again.map(|(at, _)| at)].into_iter().flatten().min()
    }
}

impl Actor {
    pub(super) fn last_heard(&self) -> Heard {
        let ago = |at: Option<Instant>| at.map(|at| u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX));
        Heard { own_ms_ago: ago(self.hearing.own), others_ms_ago: ago(self.hearing.others) }
    }

    pub(super) async fn switch_browsing(&mut self, on: bool) -> Result<(), DiscoveryError> {
        self.grant.check()?;
        if self.browsing == on {
            return Ok(());
        }
        self.browsing = on;
        self.hearing.held = 0;
        if !on {
            self.table.clear();
        }
        match (&mut self.daemon, on) {
            (Some(daemon), true) => daemon.browse().await,
            (Some(daemon), false) => daemon.stop_browse().await,
            (None, _) => Ok(()),
        }
    }

    /// Asks the link again, unless so many answer that the answer would not fit.
    pub(super) async fn ask_link(&mut self) -> Result<(), DiscoveryError> {
        self.grant.check()?;
        match &mut self.daemon {
            Some(daemon) if self.browsing && self.hearing.held < REPEATABLE => {
                self.hearing.held = 0;
                daemon.browse().await
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn verify(&mut self, instance: InstanceId) {
        if self.grant.check().is_err() {
            return;
        }
        if let Some(daemon) = &self.daemon
            && let Err(error) = daemon.verify(instance).await
        {
            tracing::debug!(%error, "cannot ask a device whether it is still there");
        }
    }

    pub(super) async fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::Service(event) => self.service(event),
            Signal::Own(event) => self.own_event(event).await,
            Signal::Overrun => {
                tracing::debug!("more was heard than could be read; starting over");
                self.restart_quietly().await;
            }
            Signal::Dead => self.fail(DiscoveryError::Silent).await,
        }
        // A burst is read in one go, before the queue of 1,000 events runs over.
        for _ in 0..BURST {
            let Some(event) = self.daemon.as_ref().and_then(Daemon::waiting) else { break };
            self.service(event);
        }
        if std::mem::take(&mut self.hearing.contested) {
            self.give_way().await;
        }
        if self.table.take_pushed_out() && self.hearing.aftermath.is_none() {
            let pause = self.hearing.aftermath_pause.unwrap_or(AFTERMATH);
            self.hearing.aftermath = Some(Instant::now() + pause);
            self.hearing.aftermath_pause = Some(LONGEST_AFTERMATH.min(pause * 2));
        }
        let may_restart = self.hearing.relieved.is_none_or(|at| at.elapsed() >= RELIEF_EVERY);
        if self.hearing.held > MAX_HELD && may_restart {
            tracing::warn!("a flood of adverts; forgetting them");
            self.hearing.relieved = Some(Instant::now());
            self.restart_quietly().await;
        }
    }

    fn service(&mut self, event: ServiceEvent) {
        match event {
            ServiceEvent::SearchStarted(_) => {
                let rest = self.daemon.as_mut().map(Daemon::rest).unwrap_or_default();
                rest.into_iter().for_each(|event| self.service(event));
            }
            ServiceEvent::ServiceFound(..) => self.hearing.held += 1,
            ServiceEvent::ServiceResolved(resolved) => self.resolved(&resolved),
            ServiceEvent::ServiceRemoved(_, name) => {
                self.hearing.held = self.hearing.held.saturating_sub(1);
                let Some(instance) = instance_of(&name) else { return };
                if self.table.knows(instance) {
                    self.table.remove(instance);
                    let [first, ..] = ASK_AGAIN;
                    self.hearing.ask_again.get_or_insert((Instant::now() + first, 1));
                }
            }
            _ => {}
        }
    }

    fn resolved(&mut self, resolved: &ResolvedService) {
        let Some(instance) = instance_of(&resolved.fullname) else { return };
        if self.table.is_own(instance) {
            self.hearing.own = Some(Instant::now());
            self.hearing.contested |= self.advertised.is_contested(&resolved.fullname, &resolved.host);
            return;
        }
        let properties = resolved.txt_properties.iter().map(|p| (p.key(), p.val()));
        let txt = match Txt::parse(properties) {
            Ok(txt) => txt,
            // The TXT record may be still on its way; if it is wrong, the row stays as it was (D4).
            Err(fault) => return tracing::debug!(%instance, %fault, "an advert was dropped"),
        };
        self.hearing.others = Some(Instant::now());
        let claims = resolved.addresses.iter().filter_map(claim).collect();
        self.table.heard(wall(), Advert { instance, port: resolved.port, claims, txt });
    }

    /// Does what is due: makes the list anew, asks the link again.
    pub(super) async fn mind(&mut self) {
        let now = Instant::now();
        if self.hearing.aftermath.is_some_and(|at| at <= now) {
            self.hearing.aftermath = None;
            self.restart_quietly().await;
        }
        let Some((at, next)) = self.hearing.ask_again.filter(|(at, _)| *at <= now) else { return };
        self.hearing.ask_again = ASK_AGAIN.get(next).map(|pause| (at + *pause, next + 1));
        if let Err(error) = self.ask_link().await {
            tracing::debug!(%error, "cannot ask the link again");
        }
    }
}

fn claim(address: &ScopedIp) -> Option<Claim> {
    match address {
        ScopedIp::V4(v4) => {
            let heard_on = v4.interface_ids().iter().map(|i| i.index).take(16).collect();
            Some(Claim { ip: (*v4.addr()).into(), heard_on })
        }
        ScopedIp::V6(v6) => Some(Claim { ip: (*v6.addr()).into(), heard_on: vec![v6.scope_id().index] }),
        _ => None,
    }
}
