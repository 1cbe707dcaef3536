//! What certificates there are: imported files and tokens, looked up on a thread for blocking work. Whoever wants to know
//! waits for the look that begins after the wish.

use super::errand::ErrandId;
use crate::{asks::Reply, event::Event, state::State};
use hither_capability::Denied;
use hither_identity::{
    IdentityError, Kept, Keyring, Wallet,
    card::{CardError, Cards, SharedCertificates, Shelf, Token},
    picker::{Candidate, Filter, Keeper, pick},
};
use hither_model::{ErrorCode, Failure};
use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

/// What somebody saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looked {
    /// Tokens, and modules that could not be asked; or why none may be.
    pub(crate) shelf: Option<Shelf>,
    /// Why tokens were not looked at.
    pub(crate) denied: Option<Denied>,
    /// Imported certificates.
    pub(crate) files: Vec<Kept>,
    /// When, seconds since 1970.
    pub(crate) unix: u64,
}

/// Who waits for a look.
pub(crate) enum Wish {
    /// A face wants the list of identities.
    Rows { filter: Filter, reply: Reply },
    /// A face wants the tokens.
    Tokens { reply: Reply },
    /// A face wants another certificate in use.
    Use { identity: String, reply: Reply },
    /// A face wants an imported certificate forgotten.
    Remove { identity: String, reply: Reply },
    /// An errand goes on.
    Errand(ErrandId),
    /// Cards came or went.
    Changed,
}

/// Imported certificates. Opened at the first use: it may speak to the desktop's keyring.
pub(crate) struct Pouch {
    directory: PathBuf,
    /// Whether the desktop's keyring may be used: not for practice on one machine.
    keyring: bool,
    wallet: OnceLock<Wallet>,
}

impl Pouch {
    pub(super) fn new(directory: PathBuf, keyring: bool) -> Self {
        Self { directory, keyring, wallet: OnceLock::new() }
    }

    /// The wallet, made if it is not there. Blocks.
    pub(super) fn wallet(&self) -> Result<&Wallet, IdentityError> {
        if let Some(wallet) = self.wallet.get() {
            return Ok(wallet);
        }
        let keyring = if self.keyring { Keyring::of_session().map(Arc::new) } else { None };
        let wallet = Wallet::open(&self.directory, keyring)?;
        Ok(self.wallet.get_or_init(|| wallet))
    }

    /// What is in it; a wallet that was never used is not made.
    fn list(&self) -> Vec<Kept> {
        if !self.directory.exists() {
            return vec![];
        }
        let listed = self.wallet().and_then(Wallet::list);
        listed.inspect_err(|error| tracing::warn!(%error, "imported certificates cannot be read")).unwrap_or_default()
    }
}

fn look(cards: &Cards, permit: Result<SharedCertificates, Denied>, pouch: &Pouch, unix: u64) -> Looked {
    let files = pouch.list();
    let permit = match permit {
        Ok(permit) => permit,
        Err(denied) => return Looked { shelf: None, denied: Some(denied), files, unix },
    };
    match cards.list(&permit) {
        Ok(shelf) => Looked { shelf: Some(shelf), denied: None, files, unix },
        Err(CardError::Denied(denied)) => Looked { shelf: None, denied: Some(denied), files, unix },
        Err(error) => {
            tracing::warn!(%error, "tokens cannot be listed");
            Looked { shelf: Some(Shelf::default()), denied: None, files, unix }
        }
    }
}

impl Looked {
    pub(crate) fn tokens(&self) -> &[Token] {
        self.shelf.as_ref().map_or(&[], |shelf| &shelf.tokens)
    }

    /// Every certificate a person could be known by, the device's own left out.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let files =
            self.files.iter().filter_map(|k| Candidate::here(k.id.clone(), Keeper::File, &k.certificate, self.unix));
        let cards = self.tokens().iter().flat_map(|token| {
            token.certificates.iter().filter_map(|certificate| Candidate::on_card(token, certificate, self.unix))
        });
        files.chain(cards).collect()
    }

    /// The candidate with this id or unambiguous beginning of one (five characters after its kind at least).
    pub(crate) fn named(&self, wanted: &str) -> Result<Candidate, Failure> {
        let all = Filter { expired: true, duplicates: true, ..Filter::default() };
        let wanted = wanted.trim().to_lowercase();
        let candidates = pick(self.candidates(), &all);
        let mut found = candidates.into_iter().filter(|c| wanted.len() >= 6 && c.id.starts_with(&wanted));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(Failure::new(ErrorCode::UnknownId, format!("{wanted:?} could be several"))
                .hint("give more of its id; `hither identity list` shows them")),
            (None, _) => Err(absent(&wanted)),
        }
    }
}

/// A certificate that is not there now.
pub(crate) fn absent(id: &str) -> Failure {
    let id = hither_model::text::printable(id);
    if id.starts_with("card-") {
        Failure::new(ErrorCode::TokenAbsent, format!("the card with the certificate {id} is not there"))
            .hint("insert it; `hither card list` shows what is there")
    } else {
        Failure::new(ErrorCode::UnknownId, format!("there is no certificate {id:?}"))
            .hint("`hither identity list` shows them")
    }
}

impl State {
    /// Looks, and then grants the wish.
    pub(crate) fn look_for(&mut self, wish: Wish) {
        self.look_for_all(vec![wish]);
    }

    /// Looks once, and then grants them all.
    pub(super) fn look_for_all(&mut self, wishes: Vec<Wish>) {
        if !self.certificates.wishes.is_empty() {
            // What is being looked at may have changed since it was asked.
            return self.certificates.next_wishes.extend(wishes);
        }
        self.certificates.wishes = wishes;
        self.look();
    }

    fn look(&mut self) {
        let certificates = &self.certificates;
        let permit = certificates.cards.permit(&self.gate);
        let (cards, pouch) = (Arc::clone(&certificates.cards), Arc::clone(&certificates.pouch));
        let (events, unix) = (self.events.clone(), self.clock.unix());
        if permit.is_ok() {
            self.watch_readers();
        }
        self.tasks.spawn(async move {
            let looked = tokio::task::spawn_blocking(move || look(&cards, permit, &pouch, unix)).await;
            let _ = events.send(Event::Looked(Box::new(looked.unwrap_or_default()))).await;
        });
    }

    /// What is there is known.
    pub(crate) async fn looked(&mut self, looked: Looked) {
        let looked = Arc::new(looked);
        let before = self.certificates.looked.replace(Arc::clone(&looked));
        let changed = before.is_some_and(|before| before.shelf != looked.shelf || before.files != looked.files);
        if changed {
            self.tell(hither_model::News::Identities);
        }
        for candidate in looked.candidates() {
            if let Keeper::Card { token, .. } = candidate.keeper {
                self.certificates.seen.insert(candidate.id, (token, candidate.facts.subject));
            }
        }
        self.cards_seen(&looked);
        for wish in std::mem::take(&mut self.certificates.wishes) {
            self.grant(wish, &looked).await;
        }
        self.certificates.wishes = std::mem::take(&mut self.certificates.next_wishes);
        if !self.certificates.wishes.is_empty() {
            self.look();
        }
    }

    async fn grant(&mut self, wish: Wish, looked: &Arc<Looked>) {
        match wish {
            Wish::Rows { filter, reply } => drop(reply.send(Ok(self.identity_rows(looked, &filter)))),
            Wish::Tokens { reply } => drop(reply.send(self.token_rows(looked))),
            Wish::Use { identity, reply } => drop(reply.send(self.use_named(looked, &identity))),
            Wish::Remove { identity, reply } => self.remove_named(looked, &identity, reply),
            Wish::Errand(errand) => self.errand_looked(errand, looked).await,
            Wish::Changed => {}
        }
    }
}
