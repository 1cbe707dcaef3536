//! Every card, token and HSM that is there, and the way to a credential on one. Blocks: see [`super`].

use super::{
    credential::CardCredential,
    error::CardError,
    key::CardKey,
    modules::{Found, Unusable},
    permit::{Permits, SharedCertificates},
    pin::Pin,
    process::{Host, Limits, Program},
    token::{CardCertificate, Token, TokenName},
    wire::{Answer, Request},
};
use hither_capability::{Denied, Gate};
use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

/// What is there now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf {
    /// Tokens, with their certificates.
    pub tokens: Vec<Token>,
    /// Modules that could not be asked, and why. Modules without a token are not among them.
    pub faults: Vec<Unusable>,
}

/// How a key is unlocked. Made for one attempt.
pub enum Unlock {
    /// With this PIN. `last_try`: the person has confirmed that the last try may be used up.
    Pin {
        /// What was typed.
        pin: Pin,
        /// Whether the last try may be spent.
        last_try: bool,
    },
    /// On the reader's or token's own keys, if it has a protected authentication path; else not at all, for a token that
    /// needs no login.
    There {
        /// Whether the last try may be spent.
        last_try: bool,
    },
}

/// Cards, tokens and HSMs. One for each agent.
pub struct Cards {
    program: Program,
    limits: Limits,
    permits: Permits,
    modules: Mutex<Modules>,
}

#[derive(Default)]
struct Modules {
    hosts: Vec<Arc<Host>>,
    unusable: Vec<Unusable>,
}

impl Cards {
    /// No process is started before something is asked of a token.
    pub fn new(program: Program, limits: Limits, found: Found) -> Self {
        let cards = Self { program, limits, permits: Permits::default(), modules: Mutex::default() };
        cards.refresh(found);
        cards
    }

    /// Takes over what was found anew. Modules that stay keep their process; others lose it.
    pub fn refresh(&self, found: Found) {
        let mut modules = self.modules();
        let mut hosts: Vec<Arc<Host>> = Vec::with_capacity(found.modules.len());
        for source in found.modules {
            let known = modules.hosts.iter().find(|host| host.source == source).cloned();
            let fresh = || Arc::new(Host::new(source.clone(), self.program.clone(), self.limits));
            hosts.push(known.unwrap_or_else(fresh));
        }
        let kept = |host: &Arc<Host>| hosts.iter().any(|other| Arc::ptr_eq(host, other));
        modules.hosts.iter().filter(|host| !kept(host)).for_each(|host| host.cancel());
        *modules = Modules { hosts, unusable: found.unusable };
    }

    /// Permission to use cards, as long as the gate grants `sharedUserCertificates`.
    ///
    /// # Errors
    /// [`Denied`] when it is not declared or was revoked.
    pub fn permit(&self, gate: &Gate) -> Result<SharedCertificates, Denied> {
        self.permits.make(gate)
    }

    /// The capability was taken away: every permit is dead, every login over, every process ended.
    pub fn revoke(&self) {
        self.permits.revoke();
        self.end_all();
    }

    /// Ends every process. Logins are over; the next question starts what it needs.
    pub fn end_all(&self) {
        self.modules().hosts.iter().for_each(|host| host.cancel());
    }

    /// What is there now: all modules are asked at the same time, each within the limit for listing.
    ///
    /// # Errors
    /// [`CardError::Denied`]. What a single module does wrong is in [`Shelf::faults`].
    pub fn list(&self, permit: &SharedCertificates) -> Result<Shelf, CardError> {
        permit.check()?;
        let (hosts, faults) = {
            let modules = self.modules();
            (modules.hosts.clone(), modules.unusable.clone())
        };
        let mut shelf = Shelf { tokens: Vec::new(), faults };
        let asked = thread::scope(|scope| {
            let asking: Vec<_> = hosts.iter().map(|host| scope.spawn(|| self.listed(host))).collect();
            asking.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
        });
        for (host, listed) in hosts.iter().zip(asked) {
            match listed {
                Ok(Ok(tokens)) => shelf.tokens.extend(tokens),
                Ok(Err(why)) => shelf.faults.push(Unusable { name: host.source.name.clone(), why }),
                Err(_) => return Err(CardError::Process("a thread ended unexpectedly".into())),
            }
        }
        permit.check()?;
        Ok(shelf)
    }

    fn listed(&self, host: &Host) -> Result<Vec<Token>, CardError> {
        match host.ask(&Request::List, None, self.limits.list)?.0 {
            Answer::Listed(tokens) => Ok(tokens),
            Answer::Failed(fault, words) => Err(fault.into_error(words, host.source.path(), "", (0, 0))),
            _ => Err(CardError::Process("it answered something else".into())),
        }
    }

    /// Logs in to a token for one of its certificates. Call it before dialling, so that no peer sees half a handshake.
    /// The PIN is tried once and is in no memory of this process when this returns.
    ///
    /// A key that wants its PIN for every signature is unlocked for one; unlock again for another.
    ///
    /// # Errors
    /// [`CardError`]: nothing is tried again by itself.
    pub fn unlock(
        &self,
        permit: &SharedCertificates,
        token: &Token,
        certificate: &CardCertificate,
        how: Unlock,
    ) -> Result<CardCredential, CardError> {
        permit.check()?;
        let host = self.host(&token.name.module).ok_or_else(|| self.gone(&token.name))?;
        let prepared = CardKey::prepare(token, certificate)?;
        let (pin, last_try) = match how {
            Unlock::Pin { pin, last_try } => (Some(pin), last_try),
            Unlock::There { last_try } => (None, last_try),
        };
        let limit = if token.pad { self.limits.pad } else { self.limits.login };
        let TokenName { serial, label, .. } = token.name.clone();
        let request = Request::Unlock { serial, label, key: certificate.key.clone(), pin, last_try };
        let (answer, generation) = host.ask(&request, None, limit)?;
        drop(request);
        match answer {
            Answer::Unlocked { lease, each_time } => {
                let limit = if token.pad && each_time { self.limits.pad } else { self.limits.sign };
                let key = prepared.unlocked(host, (generation, lease), each_time, permit.clone(), limit);
                permit.check()?;
                Ok(CardCredential::new(key))
            }
            Answer::Failed(fault, words) => {
                Err(fault.into_error(words, host.source.path(), &token.name.label, (token.min_pin, token.max_pin)))
            }
            _ => Err(CardError::Process("it answered something else".into())),
        }
    }

    /// Ends what a token's module is doing now, such as waiting for a PIN on its own keys: whoever waits for it gets
    /// [`CardError::Canceled`]. Other logins of the same module are over too.
    pub fn cancel(&self, token: &TokenName) {
        if let Some(host) = self.host(&token.module) {
            host.cancel();
        }
    }

    /// The processes there are, by id: none while no token is used.
    pub fn processes(&self) -> Vec<u32> {
        self.modules().hosts.iter().filter_map(|host| host.pid()).collect()
    }

    fn host(&self, module: &Path) -> Option<Arc<Host>> {
        self.modules().hosts.iter().find(|host| host.source.path() == module).cloned()
    }

    fn gone(&self, token: &TokenName) -> CardError {
        CardError::Absent { token: CardError::words(&token.label) }
    }

    fn modules(&self) -> MutexGuard<'_, Modules> {
        self.modules.lock().unwrap_or_else(|poison| poison.into_inner())
    }
}

impl Drop for Cards {
    fn drop(&mut self) {
        self.end_all();
    }
}
