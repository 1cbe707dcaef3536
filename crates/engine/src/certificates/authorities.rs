//! Whom to believe about people: authorities, what their word is good for, and their lists of revoked certificates.

use crate::{state::State, store::Slot};
use hither_identity::authority::{Authority, MAX_LIST, Rules, StaleCrl};
use hither_model::{Answer, Ask, ErrorCode, Failure, text::printable};
use rustix::fs::{FileType, Mode, OFlags};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::Duration,
};

/// How long a file may take to be read: it may be on another machine.
const READING: Duration = Duration::from_secs(10);

/// Longest file of a list, in bytes: PEM is a third longer than what is in it, and has lines.
const MAX_LIST_FILE: u64 = MAX_LIST as u64 / 2 * 3;

/// A list that came as the path of its file: real ones have megabytes, more than a request may have.
async fn list_in(path: &str) -> Result<Vec<u8>, Failure> {
    let (name, path) = (printable(path), path.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        // Neither a pipe nor a device is waited for.
        let file =
            rustix::fs::open(Path::new(&path), OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty())?;
        if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("it is no file"));
        }
        let mut all = Vec::new();
        File::from(file).take(MAX_LIST_FILE + 1).read_to_end(&mut all)?;
        Ok(all)
    });
    let unread = |why: String| Failure::new(ErrorCode::StorageFailed, format!("{name} cannot be read: {why}"));
    match tokio::time::timeout(READING, read).await {
        Ok(Ok(read)) => read.map_err(|error| unread(error.to_string())),
        Ok(Err(error)) => Err(unread(error.to_string())),
        Err(_) => Err(unread("it takes too long".into())),
    }
}

/// PEM as it is, or DER that came as base64.
fn bytes(text: &str) -> Result<Vec<u8>, Failure> {
    if text.trim_start().starts_with("-----BEGIN") {
        return Ok(text.as_bytes().to_vec());
    }
    let bare: String = text.split_ascii_whitespace().collect();
    data_encoding::BASE64
        .decode(bare.as_bytes())
        .map_err(|_| Failure::new(ErrorCode::Misuse, "that is neither PEM nor DER as base64"))
}

impl State {
    /// Requests about authorities.
    pub(crate) async fn authorities_asked(&mut self, ask: Ask) -> Result<Answer, Failure> {
        let list = match &ask {
            Ask::AddRevocations { crl } if crl.starts_with('/') => list_in(crl).await?,
            Ask::AddRevocations { crl } => bytes(crl)?,
            _ => vec![],
        };
        let (unix, was_open) = (self.clock.unix(), self.open_to_colleagues());
        let set = &mut self.certificates.authorities;
        let note = match ask {
            Ask::AddAuthority { certificate } => {
                let authority = Authority::read(&bytes(&certificate)?, unix)?;
                let note = format!("{} is trusted for people", authority.name());
                set.add(authority)?;
                note
            }
            Ask::SetAuthority { authority, invite, codeless } => {
                let found = set.find(&authority)?;
                let (id, name) = (found.id().to_owned(), found.name().to_owned());
                let before = set.rules(&id)?;
                let rules =
                    Rules { invite: invite.unwrap_or(before.invite), codeless: codeless.unwrap_or(before.codeless) };
                set.set_rules(&id, rules)?;
                format!("{name}: may invite {}, in place of a code {}", on(rules.invite), on(rules.codeless))
            }
            Ask::RemoveAuthority { authority } => {
                let gone = set.remove(&authority)?;
                format!("{} is not trusted for people any more", gone.name())
            }
            Ask::AddRevocations { .. } => {
                let of = set.put_crl(&list, unix)?;
                format!("the list of revoked certificates of {} was taken over", of.name())
            }
            _ => return Ok(Answer::Authorities { rows: self.authority_rows() }),
        };
        self.note("trust", None, None, note);
        let written = self.keeper.save_now(Slot::Authorities, &self.certificates.authorities).await;
        if self.open_to_colleagues() != was_open {
            // Another advert, with or without a way in.
            self.announce().await;
        }
        self.tell(hither_model::News::Identities);
        match written {
            Ok(Ok(())) => Ok(Answer::Authorities { rows: self.authority_rows() }),
            _ => Err(Failure::new(ErrorCode::StorageFailed, "the decision could not be written to disk")),
        }
    }

    /// The settings say whether lists that are out of date are good enough.
    pub(crate) fn align_stale_crl(&mut self) {
        let accept = self.settings.borrow().certificates.stale_crl;
        self.certificates.authorities.set_stale_crl(if accept { StaleCrl::Accept } else { StaleCrl::Refuse });
    }
}

fn on(rule: bool) -> &'static str {
    if rule { "yes" } else { "no" }
}
