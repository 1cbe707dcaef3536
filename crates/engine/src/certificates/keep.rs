//! Importing and forgetting certificates, choosing the one in use, where the device's own key is kept, and registering
//! modules.

use super::{
    registered,
    rows::{ASK, LOCAL},
    shelf::{Looked, Wish},
};
use crate::{asks::Reply, state::State};
use hither_identity::{
    card::{Pin, Program},
    import_apart,
    picker::Unfit,
};
use hither_model::{Answer, Ask, ErrorCode, Failure, KeyPlace, News, ask::SecretText};
use std::{path::PathBuf, sync::Arc};
use zeroize::Zeroizing;

impl State {
    /// Requests about certificates that look at what is there; they answer later.
    pub(crate) fn certificates_asked(&mut self, ask: Ask, reply: Reply) {
        // Files and passwords do not print themselves.
        tracing::trace!(?ask, "asked about certificates");
        match ask {
            Ask::Identities { all, hardware, issuer } => {
                let filter =
                    hither_identity::picker::Filter { expired: all, duplicates: all, hardware_only: hardware, issuer };
                self.look_for(Wish::Rows { filter, reply });
            }
            Ask::Tokens => self.look_for(Wish::Tokens { reply }),
            Ask::UseIdentity { identity } => self.use_identity(identity, reply),
            Ask::ImportIdentity { file, password } => self.import_identity(&file, password, reply),
            Ask::RemoveIdentity { identity } => self.look_for(Wish::Remove { identity, reply }),
            Ask::KeepKey { place } => self.keep_key(place, reply),
            other => {
                let why = format!("that cannot be asked here: {other:?}");
                let _ = reply.send(Err(Failure::new(ErrorCode::Misuse, why)));
            }
        }
    }

    fn use_identity(&mut self, identity: String, reply: Reply) {
        let chosen = match identity.trim() {
            LOCAL => None,
            ASK => Some(ASK.to_owned()),
            _ => return self.look_for(Wish::Use { identity, reply }),
        };
        self.use_from_now(chosen);
        let _ = reply.send(Ok(Answer::Done));
    }

    pub(super) fn use_named(&mut self, looked: &Looked, identity: &str) -> Result<Answer, Failure> {
        let local = self.my_id.to_string().starts_with(&identity.trim().to_lowercase()) && identity.trim().len() >= 4;
        if local {
            self.use_from_now(None);
            return Ok(Answer::Done);
        }
        let candidate = looked.named(identity)?;
        if let Err(why) = &candidate.usable {
            return Err(unusable(why));
        }
        self.use_from_now(Some(candidate.id));
        Ok(Answer::Done)
    }

    fn use_from_now(&mut self, identity: Option<String>) {
        self.settings.send_if_modified(|settings| {
            let changed = settings.certificates.identity != identity;
            settings.certificates.identity = identity;
            changed
        });
        self.tell(News::Identities);
    }

    /// Moves the device's own key. May wait for a person who unlocks the keyring; the end of the agent does not wait: what
    /// is left then is put in order at the next start.
    fn keep_key(&self, place: KeyPlace, reply: Reply) {
        let (key, news) = (Arc::clone(&self.me), self.news.downgrade());
        tokio::task::spawn_blocking(move || {
            let kept = key.keep(place).map(|()| Answer::Done).map_err(Failure::from);
            // Also after a move that failed: it may have come half way.
            if let Some(news) = news.upgrade() {
                let _ = news.send(News::Identities);
            }
            let _ = reply.send(kept);
        });
    }

    fn import_identity(&mut self, file: &SecretText, password: Option<SecretText>, reply: Reply) {
        let bare: Zeroizing<String> = Zeroizing::new(file.0.split_ascii_whitespace().collect());
        let Ok(bytes) = data_encoding::BASE64.decode(bare.as_bytes()).map(Zeroizing::new) else {
            let _ = reply.send(Err(Failure::new(ErrorCode::Misuse, "the file did not come as base64")));
            return;
        };
        // An empty password is none.
        let password = password.and_then(|mut text| Pin::new(std::mem::take(&mut text.0)));
        let pouch = Arc::clone(&self.certificates.pouch);
        let handle = self.news.clone();
        self.tasks.spawn_blocking(move || {
            let kept = import_apart(&Program::default(), &bytes, password.as_ref())
                .map_err(Failure::from)
                .and_then(|imported| Ok(pouch.wallet()?.keep(&imported)?));
            let answer = kept.map(|_| Answer::Done);
            if answer.is_ok() {
                let _ = handle.send(News::Identities);
            }
            let _ = reply.send(answer);
        });
    }

    pub(super) fn remove_named(&mut self, looked: &Looked, identity: &str, reply: Reply) {
        let candidate = match looked.named(identity) {
            Ok(candidate) if candidate.id.starts_with("file-") => candidate,
            Ok(_) => {
                let failure = Failure::new(ErrorCode::Misuse, "only imported certificates can be forgotten here")
                    .hint("a card is changed with its own software");
                let _ = reply.send(Err(failure));
                return;
            }
            Err(failure) => return drop(reply.send(Err(failure))),
        };
        if self.current_identity().as_deref() == Some(candidate.id.as_str()) {
            self.use_from_now(None);
        }
        let (pouch, news) = (Arc::clone(&self.certificates.pouch), self.news.clone());
        self.tasks.spawn_blocking(move || {
            let removed = pouch.wallet().and_then(|wallet| wallet.remove(&candidate.id));
            if removed.is_ok() {
                let _ = news.send(News::Identities);
            }
            let _ = reply.send(removed.map(|_| Answer::Done).map_err(Failure::from));
        });
    }

    /// Registers a module, or takes one out.
    pub(crate) fn module_asked(&mut self, path: PathBuf, network: Option<bool>) -> Result<Answer, Failure> {
        if network.is_some() && (path.is_relative() || path.to_str().is_none()) {
            return Err(Failure::new(ErrorCode::Misuse, "a module is named by its full path, in UTF-8"));
        }
        let was_there = self.settings.send_if_modified(|settings| {
            let certificates = &mut settings.certificates;
            let known = |list: &Vec<PathBuf>| list.contains(&path);
            let before = known(&certificates.modules) || known(&certificates.network_modules);
            certificates.modules.retain(|other| *other != path);
            certificates.network_modules.retain(|other| *other != path);
            match network {
                Some(true) => certificates.network_modules.push(path.clone()),
                Some(false) => certificates.modules.push(path.clone()),
                None => {}
            }
            before || network.is_some()
        });
        if !was_there {
            return Err(Failure::new(ErrorCode::UnknownId, "no module is registered under that path"));
        }
        let registered = registered(&self.settings.borrow().certificates);
        self.certificates.cards.refresh(hither_identity::card::discover(&super::directories(), &registered));
        self.tell(News::Identities);
        Ok(Answer::Done)
    }
}

/// A certificate that is there and of no use.
pub(crate) fn unusable(why: &Unfit) -> Failure {
    let code = match why {
        Unfit::Blocked => ErrorCode::PinBlocked,
        _ => ErrorCode::KeyUnusable,
    };
    Failure::new(code, why.to_string()).hint("choose another certificate; `hither identity list` shows them")
}
