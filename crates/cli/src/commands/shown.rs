//! The certificate of ours that a server sees if it asks for one (R3.19, R5.18): imported from a file, or on a card with
//! `sharedUserCertificates` (R1.15). It is named by the person, never picked here, and unlocked before anybody is dialled, so that no
//! server sees half a handshake. A card's key stays in the process of the card's software.

use super::{outward::Way, unlock};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    prompt::{self, Source},
};
use hither_capability::{Gate, Reach};
use hither_identity::{
    Credential, Keyring, Wallet,
    card::{
        CardCertificate, CardCredential, CardError, Cards, Directories, Limits, Pin, Program, Registered, Shelf, Token,
        Tries, Unlock, discover,
    },
};
use hither_model::{Answer, Ask, ErrorCode, Failure, text::printable};
use hither_socket::OutwardControl;
use std::{env, path::PathBuf, sync::Arc};

/// Shortest beginning of an id that counts.
const SHORTEST: usize = 6;

/// An unlocked certificate on a card; to be held until the server has seen it. The card's process ends with it.
pub(super) struct OnCard {
    credential: Arc<CardCredential>,
    _cards: Arc<Cards>,
}

impl OnCard {
    /// What the card said, where a connection failed by it.
    pub(super) fn reason(shown: Option<&Self>, halt: Halt) -> Halt {
        match shown.and_then(|shown| shown.credential.failure()) {
            Some(fault) => Failure::from(fault).into(),
            None => halt,
        }
    }
}

impl Way {
    /// Puts the certificate that the person named into the settings.
    pub(super) async fn show(
        &self,
        desk: &Desk<'_>,
        control: &mut OutwardControl,
        gate: &Gate,
        permission: &Reach,
    ) -> Result<Option<OnCard>, Halt> {
        let Some(named) = &self.identity else { return Ok(None) };
        let named = named.trim().to_lowercase();
        let (credential, card): (Arc<dyn Credential>, _) = match named.split_once('-') {
            Some(("file", _)) if named.len() >= SHORTEST => (imported(desk, named).await?, None),
            Some(("card", _)) if named.len() >= SHORTEST => {
                let card = self.unlocked(desk, gate, permission, &named).await?;
                (Arc::clone(&card.credential) as Arc<dyn Credential>, Some(card))
            }
            _ => {
                // The device's own key is for devices: servers could tell by it that two visitors are one.
                let failure =
                    Failure::new(ErrorCode::UnknownId, "a server is shown an imported certificate or one on a card");
                return Err(failure
                    .hint("`hither identity list` shows them; their ids begin with file- or card-")
                    .into());
            }
        };
        control.set_client_certificate(Some(credential), permission).map_err(Failure::from)?;
        Ok(card)
    }

    async fn unlocked(&self, desk: &Desk<'_>, gate: &Gate, permission: &Reach, named: &str) -> Result<OnCard, Halt> {
        permission.permits_shared_certificates().map_err(Failure::from)?;
        let Answer::Settings { settings } = desk.client().await?.ask(Ask::Settings).await? else {
            return Err(unexpected());
        };
        let added = settings.modules.iter().map(|path| Registered { path: PathBuf::from(path), network: false });
        let home = env::var_os("HOME").map(PathBuf::from);
        let found = discover(&Directories::system(home.as_deref()), &added.collect::<Vec<_>>());
        let cards = Arc::new(Cards::new(Program::default(), Limits::default(), found));
        let permit = cards.permit(gate).map_err(Failure::from)?;
        let (asked, list) = (Arc::clone(&cards), permit.clone());
        let shelf = aside(desk, move || asked.list(&list)).await?;
        let (token, certificate) = on_card(&shelf, named)?;
        let how = self.pin(desk, &token).await?;
        let asked = Arc::clone(&cards);
        let credential = aside(desk, move || asked.unlock(&permit, &token, &certificate, how)).await?;
        Ok(OnCard { credential: Arc::new(credential), _cards: cards })
    }

    /// The PIN, as it is typed or handed over; none where the token wants none here. One wrong PIN is one try, and nothing is
    /// tried twice.
    async fn pin(&self, desk: &Desk<'_>, token: &Token) -> Result<Unlock, Halt> {
        let name = &token.name.label;
        let mut last_try = false;
        match token.tries {
            Tries::Blocked => return Err(Failure::from(CardError::PinBlocked { token: name.clone() }).into()),
            Tries::Last => {
                last_try = match Source::person().filter(|_| !self.pin_stdin) {
                    Some(source) => unlock::last_try(desk, source).await?,
                    None => false,
                };
                if !last_try {
                    return Err(Failure::from(CardError::LastTry { token: name.clone() }).into());
                }
            }
            Tries::Plenty | Tries::Few => {}
        }
        if !token.login_required {
            return Ok(Unlock::There { last_try });
        }
        if token.pad {
            desk.screen.remark("enter the PIN on the reader…")?;
            return Ok(Unlock::There { last_try });
        }
        let words = format!("PIN of “{}” (it is not shown): ", printable(name));
        let typed = match (self.pin_stdin, Source::person()) {
            (true, _) => Some(prompt::secret(desk, &words).await?),
            (false, Some(source)) => prompt::hidden(desk, source, &words).await?,
            (false, None) => {
                let failure = Failure::new(ErrorCode::TokenLocked, "nobody is here to type the PIN");
                return Err(failure.hint("add --pin-stdin and make it the first line of standard input").into());
            }
        };
        let pin = typed.and_then(|mut typed| Pin::new(std::mem::take(&mut *typed)));
        let pin = pin.ok_or_else(|| Failure::new(ErrorCode::Canceled, "no PIN was typed; no try was spent"))?;
        Ok(Unlock::Pin { pin, last_try })
    }
}

/// An imported one. Its key may be with the keyring, which may ask the person.
async fn imported(desk: &Desk<'_>, named: String) -> Result<Arc<dyn Credential>, Halt> {
    let directory = desk.profile().join("identities");
    let missing = || Failure::new(ErrorCode::UnknownId, "there is no such certificate");
    if !directory.is_dir() {
        return Err(missing().hint("`hither identity list` shows them").into());
    }
    let load = move || -> Result<Arc<dyn Credential>, Failure> {
        let wallet = Wallet::open(&directory, Keyring::of_session().map(Arc::new))?;
        let kept = wallet.list()?;
        let mut fitting = kept.iter().filter(|kept| kept.id.starts_with(&named));
        match (fitting.next(), fitting.next()) {
            (Some(one), None) => Ok(Arc::new(wallet.load(&one.id)?)),
            (None, _) => Err(missing().hint("`hither identity list` shows them")),
            (Some(_), Some(_)) => Err(several()),
        }
    };
    aside(desk, load).await
}

fn on_card(shelf: &Shelf, named: &str) -> Result<(Token, CardCertificate), Failure> {
    let all = shelf.tokens.iter().flat_map(|token| token.certificates.iter().map(move |one| (token, one)));
    let mut fitting = all.filter(|(token, one)| one.id(&token.name).starts_with(named));
    match (fitting.next(), fitting.next()) {
        (Some((token, one)), None) => Ok((token.clone(), one.clone())),
        (None, _) => Err(Failure::new(ErrorCode::TokenAbsent, "the card with this certificate is not there")
            .hint("insert it; `hither card list` shows what is there")),
        (Some(_), Some(_)) => Err(several()),
    }
}

fn several() -> Failure {
    Failure::new(ErrorCode::UnknownId, "it could be several certificates").hint("give more of its id")
}

/// On a thread that may wait for a card or a keyring.
async fn aside<T: Send + 'static, E: Into<Failure> + Send + 'static>(
    desk: &Desk<'_>,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Halt> {
    let work = async {
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|e| Failure::new(ErrorCode::Internal, e.to_string()))?.map_err(Into::into)
    };
    desk.unless_interrupted(work).await
}
