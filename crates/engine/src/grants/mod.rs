//! What devices may do here without asking again: so many bytes of files, so many connections to a service, until a day, in one
//! network. A person gives it, sees it in a list, and takes it back at once.
//!
//! The counting is `ledger`'s. Whoever uses a grant waits until the use is on disk, so that a crash gives nothing twice. Only
//! the device that proved the very key it was given to uses it, in a session that is verified. What is *not* here: leaves
//! to use a service as often as one likes (`services`), and `hither receive` (`transfers`), which lasts as long as it runs.

mod files;
mod gone;
mod ledger;
mod lent;
mod rows;

use crate::{
    clock::{Clock, random},
    networks::Network,
    questions::{Asker, Terms},
    state::State,
    store::{Keeper, Person, Slot},
};
use hither_model::{
    Answer, ErrorCode, Failure, GrantId, LentName, PeerId, QuestionId, Trust, Verified,
    ask::GrantAsk,
    row::{Allows, GrantTerms},
    text::{printable, shortened},
};
use ledger::{Allowance, Ledger, Now, Place};
use std::net::IpAddr;
use tokio::sync::oneshot;

/// How often the time that was seen is written down while a grant waits for its end, seconds.
const WRITE_EVERY: u64 = 3_600;

/// Longest path of a folder, bytes: all grants fit into one answer.
const MAX_PATH: usize = 1_024;
/// Longest name of a network that is remembered, characters.
const MAX_NAME: usize = 64;

/// All of it.
pub(crate) struct Grants {
    ledger: Ledger,
    /// When it was written last, seconds since 1970.
    written: u64,
}

impl Grants {
    /// What was given in earlier runs.
    ///
    /// # Errors
    /// A damaged file, or one of another version: it is left as it is.
    pub(crate) fn load(keeper: &Keeper, clock: Clock) -> Result<Self, Failure> {
        let ledger: Ledger = keeper.load(Slot::Grants).map_err(Failure::from)?.unwrap_or_default();
        Ok(Self { ledger: ledger.revived(now(clock)), written: clock.unix() })
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        self.ledger.deadline()
    }

    /// Whether somebody has a grant for a service that is not over.
    pub(crate) fn holds(&self, service: &LentName) -> bool {
        !self.ledger.holders(service).is_empty()
    }
}

fn now(clock: Clock) -> Now {
    Now { mono: clock.now(), unix: clock.unix() }
}

/// What is kept of a decision.
type Written = oneshot::Receiver<std::io::Result<()>>;

impl State {
    /// A request about grants.
    pub(crate) async fn grant_asked(&mut self, ask: GrantAsk) -> Result<Answer, Failure> {
        self.grants_due();
        match ask {
            GrantAsk::List => Ok(Answer::Grants { rows: self.grant_rows() }),
            GrantAsk::Give { peer, terms } => {
                let peer = self.peer_named(&peer)?;
                let id = self.give(peer, &terms).await?;
                Ok(Answer::Grants { rows: self.grant_row(&id).into_iter().collect() })
            }
            GrantAsk::Revoke { id } => {
                let id = self.grants.ledger.named(&id)?;
                self.grants.ledger.revoke(&id, self.clock.unix())?;
                let written = self.keep_grants();
                self.end_grant(&id, "it was revoked");
                match written.await {
                    Ok(Ok(())) => Ok(Answer::Grants { rows: self.grant_row(&id).into_iter().collect() }),
                    _ => Err(unwritten()),
                }
            }
        }
    }

    /// Gives a grant, by the word of the person here.
    ///
    /// # Errors
    /// They are not verified; the terms make no sense; there are too many; it cannot be written.
    pub(crate) async fn give(&mut self, peer: PeerId, terms: &GrantTerms) -> Result<GrantId, Failure> {
        let at = now(self.clock);
        sensible(terms, at.unix)?;
        if !self.is_trusted(&peer) {
            let message = format!("{} is not verified; grants are for verified devices only", self.name_of(&peer));
            return Err(Failure::new(ErrorCode::AccessDenied, message).hint("invite it and compare the code first"));
        }
        let place = if terms.here { Some(self.place(&peer)?) } else { None };
        let given = Allowance::new(peer, terms.allows.clone(), terms.until, place, at);
        let (id, what) = (GrantId::new(random()), rows::sentence(&given, at.unix));
        self.grants.ledger.give(id, given)?;
        if !matches!(self.keep_grants().await, Ok(Ok(()))) {
            let _ = self.grants.ledger.revoke(&id, at.unix);
            return Err(unwritten());
        }
        self.note_grant(&id, &format!("was given the grant {}: {what}", id.short()));
        self.tell_grant(&id);
        if let Allows::Service { name, .. } = &terms.allows {
            self.holders_changed(name);
        }
        Ok(id)
    }

    /// Whether a grant may be given along with the answer to a question: to whoever has proven their key.
    pub(crate) fn may_grant(&self, question: QuestionId, asker: Asker, terms: &Terms) -> Result<(), Failure> {
        let Some(wanted) = &terms.grant else { return Ok(()) };
        sensible(wanted, self.clock.unix())?;
        let rows = self.questions.rows(self.clock.now());
        let row = rows.iter().find(|row| row.id == question).ok_or_else(|| crate::asks::stale("that question"))?;
        let proven = match asker {
            Asker::Invite => row.proven != Verified::No || (row.code.is_some() && terms.same_code),
            Asker::Transfer(_) => self.is_trusted(&row.peer),
            Asker::Errand(_) => {
                return Err(Failure::new(ErrorCode::Misuse, "that question is not one a grant can be given with"));
            }
        };
        if terms.unverified || !proven {
            let message = "a grant is given only to a device whose key is known or whose code was compared";
            return Err(Failure::new(ErrorCode::AccessDenied, message).hint("accept it without a grant"));
        }
        if wanted.here && self.surroundings.here().is_empty() {
            return Err(nowhere());
        }
        Ok(())
    }

    /// The grant that was given with the yes to an invite, now that the session stands.
    pub(crate) async fn give_to_admitted(&mut self, peer: PeerId, terms: &Terms, verified: Verified) {
        let Some(wanted) = terms.grant.as_ref().filter(|_| verified != Verified::No) else { return };
        if let Err(failure) = self.give(peer, wanted).await {
            let name = self.name_of(&peer);
            self.alarm(format!("{name} was not given the grant: {}", failure.message), Some(peer));
        }
    }

    /// Whether a device's key is known here, and was compared or vouched for.
    fn is_trusted(&self, peer: &PeerId) -> bool {
        self.people.find(peer).is_some_and(|person| person.is_known() && person.trust != Trust::Blocked)
    }

    /// Whether the device is here now, over sessions that are verified.
    fn is_proven(&self, peer: &PeerId) -> bool {
        let open: Vec<_> = self.sessions_with(peer).into_iter().filter_map(|id| self.sessions.get(&id)).collect();
        let verified = open.iter().all(|session| session.kept.verified != Verified::No);
        self.is_trusted(peer) && verified && open.iter().any(|session| session.is_up())
    }

    /// The network in which the device is; without a session, the one this machine is in.
    fn place(&self, peer: &PeerId) -> Result<Place, Failure> {
        let here = self.surroundings.here();
        let with_them = here.iter().find(|network| self.meets_in(network, peer));
        let network = match (here, with_them) {
            ([], _) => return Err(nowhere()),
            (_, Some(network)) | ([network], None) => network,
            (several, None) => {
                let names: Vec<String> = several.iter().map(|network| printable(&network.name)).collect();
                let message = format!("this machine is in several networks: {}", names.join(", "));
                return Err(Failure::new(ErrorCode::Misuse, message)
                    .hint("give the grant while there is a session with the device in the one you mean"));
            }
        };
        Ok(Place { uuid: network.uuid.clone(), name: shortened(&network.name, MAX_NAME) })
    }

    /// Whether a grant for that network is good now: this machine is in it, and the device too.
    fn is_here(&self, place: &Place, peer: &PeerId) -> bool {
        self.surroundings.is_in(&place.uuid)
            && self.surroundings.here().iter().any(|n| n.uuid == place.uuid && self.meets_in(n, peer))
    }

    /// Whether a session with the device goes through that network.
    fn meets_in(&self, network: &Network, peer: &PeerId) -> bool {
        let sessions = self.sessions_with(peer).into_iter().filter_map(|id| self.sessions.get(&id));
        let remotes: Vec<IpAddr> = sessions.filter_map(|s| s.link.as_ref()).map(|link| link.remote.ip()).collect();
        !remotes.is_empty() && remotes.iter().all(|ip| on_link(*ip) || network.holds(ip.to_canonical()))
    }

    /// Writes them; the receiver hears when it is done.
    fn keep_grants(&mut self) -> Written {
        self.grants.written = self.clock.unix();
        self.keeper.save_now(Slot::Grants, &self.grants.ledger)
    }

    /// Writes them once more before the end: the time that was seen.
    pub(crate) fn keep_grants_last(&mut self) {
        self.grants.ledger.pass(now(self.clock));
        drop(self.keep_grants());
    }
}

/// Addresses that reach no farther than the cable.
fn on_link(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// What nobody can mean.
fn sensible(terms: &GrantTerms, unix: u64) -> Result<(), Failure> {
    let misuse = |message: &str, hint: &str| Err(Failure::new(ErrorCode::Misuse, message.to_owned()).hint(hint));
    if terms.until.is_some_and(|until| until <= unix) {
        return misuse("a grant cannot end in the past", "say a later day");
    }
    match &terms.allows {
        Allows::Files { bytes: Some(0), .. } | Allows::Service { times: Some(0), .. } => {
            misuse("a grant for nothing is none", "say how much, or leave it out for no limit")
        }
        Allows::Files { to: Some(to), .. } if to.as_os_str().len() > MAX_PATH => {
            misuse("the path of that folder is too long for a grant", "choose a folder nearer to the root")
        }
        Allows::Files { to: Some(to), .. } if !to.is_absolute() => {
            misuse("the folder of a grant has to be named from the root on", "give an absolute path")
        }
        _ => Ok(()),
    }
}

fn nowhere() -> Failure {
    Failure::new(ErrorCode::Misuse, "it is not known which network this machine is in")
        .hint("NetworkManager has to tell; give the grant without the restriction to this network")
}

fn unwritten() -> Failure {
    Failure::new(ErrorCode::StorageFailed, "the decision could not be written to disk")
        .hint("check that the profile can be written and that the disk is not full")
}

/// Whether somebody known is behind a row of the list.
fn is_known(person: Option<&Person>) -> bool {
    person.is_some_and(Person::is_known)
}
