//! The lending side: a person says what is lent, and each connection of another device is decided anew.
//!
//! Whatever the reason is, a device hears the same refusal: it does not learn what is lent to others, or whether there
//! is anything of that name at all.

use super::{
    Leave, MAX_OPEN_EACH, NOTE_EVERY, Party, Report, Seats,
    carry::break_off,
    granted::reach_counted,
    now,
    table::{MAX_SECONDS, Until},
};
use crate::{event::Event, lanes::Use, state::State};
use hither_capability::spelt;
use hither_model::{
    Answer, ErrorCode, Failure, GrantId, LaneId, LentName, PeerId, Rid, SessionId, Verified, row::Lasting,
    text::printable,
};
use hither_socket::{Channel, Proven};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A connection of another device to a service here.
pub(crate) struct Lend {
    pub(super) name: LentName,
    pub(super) peer: PeerId,
    /// The grant it is by, if there is no leave.
    pub(super) grant: Option<GrantId>,
    seat: Seats,
    /// Connected to the target, once it is.
    local: Option<TcpStream>,
}

/// A target that is being connected to.
pub(super) struct Reaching {
    pub(super) session: SessionId,
    pub(super) rid: Rid,
    pub(super) lend: Lend,
    _cancel: DropGuard,
}

/// What a device may connect to.
struct May {
    lent: LentName,
    peer: PeerId,
    target: SocketAddr,
    grant: Option<GrantId>,
}

impl State {
    /// A person lends a service.
    pub(crate) fn expose(
        &mut self,
        name: &LentName,
        target: &str,
        to: &[String],
        lasts: Lasting,
        seconds: Option<u64>,
    ) -> Result<Answer, Failure> {
        let target = spelt(target).and_then(|target| self.gate.lend(target)?.target());
        let target = target.inspect_err(|denied| tracing::info!(%denied, "a service was not lent"))?;
        if self.is_our_own(target) {
            return Err(Failure::new(ErrorCode::AccessDenied, format!("{target} is hither's own"))
                .hint("lend the service itself, not the way to another one"));
        }
        if to.is_empty() && !self.grants.holds(name) {
            return Err(Failure::new(ErrorCode::Misuse, "it has to be said to whom the service is lent")
                .hint("name devices with `--to`, or give a grant first: `hither grant service`"));
        }
        let mut leaves = Vec::with_capacity(to.len());
        for wanted in to {
            leaves.push(self.leave(wanted, lasts, seconds)?);
        }
        self.loans.table.lend(name, target, &leaves)?;
        for (peer, until) in leaves {
            let who = self.name_of(&peer);
            let how_long = match until {
                Until::Closed(_) => "until the session ends".to_owned(),
                Until::Time { .. } => format!("for {} seconds", seconds.unwrap_or_default()),
                Until::Always => "until it is taken back".to_owned(),
            };
            self.note("lent", Some(peer), Some(who), format!("lent the service {name} ({target}) {how_long}"));
        }
        self.loans.table.hold(name, self.grants.holds(name));
        self.keep_loans();
        self.tell_exposed(name);
        Ok(Answer::Lent { exposed: self.exposed_row(name).into_iter().collect(), forwarding: vec![] })
    }

    /// Who it is, and for how long: somebody whose key was verified.
    fn leave(&self, wanted: &str, lasts: Lasting, seconds: Option<u64>) -> Result<(PeerId, Until), Failure> {
        let unverified = || {
            let message = format!("{} is not verified; services are lent to verified devices only", printable(wanted));
            Failure::new(ErrorCode::AccessDenied, message).hint("invite it again and compare the code")
        };
        let verified =
            |session: &SessionId| self.sessions.get(session).is_some_and(|s| s.kept.verified != Verified::No);
        if lasts == Lasting::UntilClosed {
            let session = self.session_for_new(wanted)?;
            let peer = self.sessions.get(&session).filter(|_| verified(&session)).map(|s| s.kept.peer);
            return Ok((peer.ok_or_else(unverified)?, Until::Closed(session)));
        }
        let peer = self.peer_named(wanted)?;
        let known = self.people.find(&peer).is_some_and(crate::store::Person::is_known);
        if !known && !self.sessions_with(&peer).iter().any(verified) {
            return Err(unverified());
        }
        match (lasts, seconds) {
            (Lasting::For, Some(seconds @ 1..=MAX_SECONDS)) => Ok((peer, Until::after(seconds, now(self.clock)))),
            (Lasting::Always, None) => Ok((peer, Until::Always)),
            _ => Err(Failure::new(ErrorCode::Misuse, "that is no time a service can be lent for")
                .hint("between a second and 30 days; or `--always`")),
        }
    }

    /// A person takes it back.
    pub(crate) fn unexpose(&mut self, name: &LentName, to: Option<&str>) -> Result<Answer, Failure> {
        let peer = to.map(|wanted| self.peer_named(wanted)).transpose()?;
        let over = self.loans.table.end(|lent, to, _| lent == name && peer.is_none_or(|peer| peer == *to));
        let granted = self.end_service_grants(name, peer.as_ref(), "the service was taken back");
        if over.is_empty() && !granted {
            return Err(Failure::new(ErrorCode::UnknownId, format!("no service {name} is lent"))
                .hint("run `hither exposed` to see what is"));
        }
        self.leaves_over(over, "taken back");
        Ok(Answer::Done)
    }

    /// Whether an address is one of hither's own: lent, it would lead back to a device near, and round and round (W6).
    pub(super) fn is_our_own(&self, target: SocketAddr) -> bool {
        let listens = self.listen.iter().chain(&self.web.bound).any(|own| own.port() == target.port());
        listens || self.loans.forwards.values().any(|forward| forward.bind == target)
    }

    /// Whether the device on the other end of the session may use that service now, and where it is.
    fn may_use(&mut self, session: SessionId, name: &str) -> Result<May, Failure> {
        self.takes_new(session)?;
        let (lent, peer) = self
            .sessions
            .get(&session)
            .filter(|s| s.kept.verified != Verified::No)
            .and_then(|s| Some((name.parse::<LentName>().ok()?, s.kept.peer)))
            .ok_or_else(not_lent)?;
        let (target, grant) = match self.loans.table.admits(&lent, &peer, now(self.clock)) {
            Some(target) => (target, None),
            None => self.granted(&lent, &peer)?,
        };
        if self.is_our_own(target) {
            tracing::debug!(%target, "a service that is lent leads back to another device");
            return Err(not_lent());
        }
        let target = self.gate.lend(target).and_then(|grant| grant.target());
        Ok(May { lent, peer, target: target.map_err(|_| not_lent())?, grant })
    }

    /// The other side wants to use a service, or (`ask`) only to know whether it may.
    pub(crate) fn service_wanted(&mut self, session: SessionId, lane: LaneId, rid: Rid, name: &str, ask: bool) {
        let May { lent, peer, target, grant } = match self.may_use(session, name) {
            Ok(may) => may,
            Err(failure) => {
                self.note_refused(session, name);
                return self.answer_lane(session, lane, Err(failure));
            }
        };
        if ask {
            return self.answer_lane(session, lane, Ok(()));
        }
        let of_peer = |party: &Party| matches!(party, Party::Lent(_, to) if *to == peer);
        let of_lanes = |purpose: &Use| matches!(purpose, Use::Lend(lend) if lend.peer == peer);
        let taken = self.loans.open(of_peer)
            + self.loans.reaching.values().filter(|r| r.lend.peer == peer).count()
            + self.lanes.values().filter(|l| of_lanes(&l.purpose)).count();
        let seat = Arc::clone(&self.loans.seats_lent).try_acquire_owned();
        let (true, Ok(seat)) = (taken < MAX_OPEN_EACH, seat) else {
            let busy = Failure::new(ErrorCode::Busy, "there are too many connections to services at once");
            return self.answer_lane(session, lane, Err(busy));
        };
        let cancel = CancellationToken::new();
        // Counted before the service hears of it.
        let counted = grant.map(|grant| self.connecting_by(&grant));
        let lend = Lend { name: lent, peer, grant, seat: vec![seat], local: None };
        let reaching = Reaching { session, rid, lend, _cancel: cancel.clone().drop_guard() };
        self.loans.reaching.insert(lane, reaching);
        let (events, stop) = (self.events.clone(), self.cancel.clone());
        self.tasks.spawn(async move {
            let outcome = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = cancel.cancelled() => return,
                outcome = reach_counted(target, counted) => outcome,
            };
            let _ = events.send(Event::Services(Report::Reached { lane, outcome })).await;
        });
    }

    /// Connects to those targets no more.
    pub(super) fn give_up(&mut self, fits: impl Fn(&Reaching) -> bool) {
        for (lane, reaching) in self.loans.reaching.extract_if(|_, reaching| fits(reaching)).collect::<Vec<_>>() {
            self.connected_by(reaching.lend.grant, false);
            self.answer_lane(reaching.session, lane, Err(not_lent()));
        }
    }

    /// Somebody wanted what is not lent to them. However often they try, it is one line a minute.
    fn note_refused(&mut self, session: SessionId, name: &str) {
        let (now, name) = (self.clock.now(), printable(name));
        tracing::debug!(session = %session.short(), name, "the use of a service was refused");
        if self.loans.refused_at.is_some_and(|at| at + NOTE_EVERY > now) {
            return;
        }
        self.loans.refused_at = Some(now);
        let Some(peer) = self.sessions.get(&session).map(|s| s.kept.peer) else { return };
        let who = self.name_of(&peer);
        tracing::info!(peer = %peer.short(), name, "somebody wants a service that is not lent to them");
        self.note("lent", Some(peer), Some(who), format!("was refused a service {name:?}, which is not lent to them"));
    }

    /// The target took the connection: now the lane may come.
    pub(super) fn target_reached(&mut self, lane: LaneId, outcome: Result<TcpStream, Failure>) {
        // Taken back meanwhile, it is not there.
        let Some(Reaching { session, rid, mut lend, .. }) = self.loans.reaching.remove(&lane) else { return };
        match outcome {
            Ok(local) => {
                lend.local = Some(local);
                self.await_lane(session, lane, rid, Use::Lend(Box::new(lend)));
            }
            Err(failure) => {
                tracing::debug!(name = %lend.name, %failure, "a service that is lent does not answer");
                self.connected_by(lend.grant, false);
                self.answer_lane(session, lane, Err(failure));
            }
        }
    }

    /// The lane of a connection to a service here stands.
    pub(crate) fn lend_on(&mut self, session: SessionId, lend: Lend, channel: Channel<Proven>) {
        let Lend { name, peer, grant, seat, local: Some(local) } = lend else { return };
        let stands = match grant {
            Some(grant) => self.grant_stands(&grant) && self.loans.table.find(&name).is_some(),
            None => self.loans.table.admits(&name, &peer, now(self.clock)).is_some(),
        };
        if !stands {
            self.connected_by(grant, false);
            return break_off(local);
        }
        let party = Party::Lent(name.clone(), peer);
        let begins = self.loans.open(|other| *other == party) == 0;
        let (now, noted) = (self.clock.now(), (name.clone(), peer));
        let lately = self.loans.noted.get(&noted).is_some_and(|at| at + NOTE_EVERY > now);
        if begins && !lately {
            self.loans.noted.insert(noted, now);
            let who = self.name_of(&peer);
            self.note("lent", Some(peer), Some(who), format!("uses the service {name}"));
        }
        self.loans.table.count(&name);
        self.carry(Leave { session, grant }, party, local, channel, seat);
        self.connected_by(grant, true);
    }

    /// No lane came for it.
    pub(crate) fn lend_failed(&mut self, lend: Lend) {
        self.connected_by(lend.grant, false);
        if let Some(local) = lend.local {
            break_off(local);
        }
    }
}

/// What every refused device hears.
pub(super) fn not_lent() -> Failure {
    Failure::new(ErrorCode::Declined, "no service of that name is lent to you")
        .hint("ask them to run `hither expose` for you")
}
