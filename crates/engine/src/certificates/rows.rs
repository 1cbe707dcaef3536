//! Certificates, tokens and authorities as the faces show them.

use super::shelf::Looked;
use crate::state::State;
use hither_identity::{
    card::{Readers, ReadersFault, Token, Tries},
    picker::{Candidate, Filter, Keeper, Unfit, pick},
};
use hither_model::{
    Answer, Failure, KeyPlace,
    row::{AuthorityRow, IdentityRow, PinRow, TokenFault, TokenRow, TokenState, TokenTries, Usable},
};

/// Names the device's own key where a certificate is named.
pub(crate) const LOCAL: &str = "local";
/// Asks the person each time.
pub(crate) const ASK: &str = "ask";

pub(crate) fn tries(tries: Tries) -> TokenTries {
    match tries {
        Tries::Plenty => TokenTries::Plenty,
        Tries::Few => TokenTries::Few,
        Tries::Last => TokenTries::Last,
        Tries::Blocked => TokenTries::Blocked,
    }
}

/// The question for a token's PIN.
pub(crate) fn pin_row(token: &Token, subject: &str, reason: &str, before: Option<String>) -> PinRow {
    PinRow {
        token: token.name.label.clone(),
        reader: token.reader.clone(),
        subject: subject.to_owned(),
        reason: reason.to_owned(),
        tries: tries(token.tries),
        pad: token.pad,
        min: token.min_pin,
        max: token.max_pin,
        before,
    }
}

fn token_state(token: &Token) -> TokenState {
    match token.tries {
        Tries::Blocked => TokenState::Blocked,
        _ if token.login_required && !token.pin_set => TokenState::Blocked,
        _ if token.login_required => TokenState::Locked,
        _ => TokenState::Ready,
    }
}

impl State {
    /// One candidate, as the faces show it.
    pub(crate) fn candidate_row(&self, candidate: &Candidate, looked: &Looked) -> IdentityRow {
        let Candidate { id, keeper, facts, hardware, usable, expired, .. } = candidate;
        let (source, token, kept) = match keeper {
            Keeper::Local => ("local", None, KeyPlace::File.word()),
            Keeper::File => {
                let kept = looked.files.iter().find(|kept| kept.id == *id).map_or(KeyPlace::File, |kept| kept.place);
                ("file", None, kept.word())
            }
            Keeper::Card { token, .. } => ("card", Some(token.clone()), "token"),
        };
        IdentityRow {
            id: id.clone(),
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            not_before: facts.not_before.clone(),
            not_after: facts.not_after.clone(),
            key: facts.key.clone(),
            source: source.to_owned(),
            usable: usable.as_ref().map_or_else(|why: &Unfit| Usable::No(why.to_string()), |()| Usable::Yes(true)),
            current: self.current_identity().as_deref() == Some(id.as_str()),
            fingerprint: facts.spki_sha256,
            token,
            kept: kept.to_owned(),
            hardware: *hardware,
            expired: *expired,
        }
    }

    /// The device's own key.
    pub(crate) fn local_row(&self) -> IdentityRow {
        let facts = self.me.facts();
        IdentityRow {
            id: self.my_id.short(),
            subject: facts.subject,
            issuer: facts.issuer,
            not_before: facts.not_before,
            not_after: facts.not_after,
            key: facts.key,
            source: LOCAL.into(),
            usable: Usable::Yes(true),
            current: self.current_identity().is_none(),
            fingerprint: self.my_id,
            token: None,
            kept: self.me.kept_in().word().into(),
            hardware: false,
            expired: false,
        }
    }

    /// What the settings say is in use; `None` for the device's key alone.
    pub(crate) fn current_identity(&self) -> Option<String> {
        self.settings.borrow().certificates.identity.clone()
    }

    pub(super) fn identity_rows(&self, looked: &Looked, filter: &Filter) -> Answer {
        let picked = pick(looked.candidates(), filter);
        let mut rows = vec![];
        if !filter.hardware_only && filter.issuer.is_none() {
            rows.push(self.local_row());
        }
        rows.extend(picked.iter().map(|candidate| self.candidate_row(candidate, looked)));
        Answer::Identities { rows }
    }

    pub(super) fn token_rows(&self, looked: &Looked) -> Result<Answer, Failure> {
        if let Some(denied) = &looked.denied {
            return Err(denied.clone().into());
        }
        let candidates = looked.candidates();
        let row = |token: &Token| {
            let ids: Vec<String> = token.certificates.iter().map(|c| c.id(&token.name)).collect();
            let certificates =
                candidates.iter().filter(|c| ids.contains(&c.id)).map(|c| self.candidate_row(c, looked)).collect();
            TokenRow {
                token: token.name.label.clone(),
                serial: token.name.serial.clone(),
                reader: token.reader.clone(),
                manufacturer: token.manufacturer.clone(),
                model: token.model.clone(),
                state: token_state(token),
                tries: tries(token.tries),
                pad: token.pad,
                hardware: token.hardware,
                certificates,
            }
        };
        let rows: Vec<TokenRow> = looked.tokens().iter().map(row).collect();
        let faults = looked.shelf.iter().flat_map(|shelf| &shelf.faults);
        let faults = faults.map(|fault| TokenFault {
            module: hither_model::text::printable(&fault.name),
            why: format!("{}; {}", fault.why, fault.why.hint()),
        });
        let mut faults: Vec<TokenFault> = faults.collect();
        // Whoever has a token that works without it does not miss the service.
        if rows.is_empty() && matches!(self.certificates.readers, Some(Readers::NoService)) {
            let failure: Failure = ReadersFault::NotRunning.into();
            let why = format!("{}; {}", failure.message, failure.hint.unwrap_or_default());
            faults.push(TokenFault { module: "pcscd".into(), why });
        }
        Ok(Answer::Tokens { rows, faults })
    }

    pub(super) fn authority_rows(&self) -> Vec<AuthorityRow> {
        let (set, unix) = (&self.certificates.authorities, self.clock.unix());
        let row = |(authority, rules): (&hither_identity::authority::Authority, hither_identity::authority::Rules)| {
            let lists: Vec<_> = set.crls(authority.id()).map(Iterator::collect).unwrap_or_default();
            AuthorityRow {
                id: authority.id().to_owned(),
                subject: authority.facts().subject.clone(),
                not_after: authority.facts().not_after.clone(),
                invite: rules.invite,
                codeless: rules.codeless,
                crl_until: lists.iter().map(|list| list.next_update()).min(),
                crl_stale: lists.iter().any(|list| list.stale(unix)),
            }
        };
        set.iter().map(row).collect()
    }
}
