//! Which command may ask what. Each command of the shell belongs to one permission set; an [`Ask`] that comes in by
//! another set's command is refused, so that a window without a permission cannot borrow it from the next command.

use crate::picked::Tokens;
use hither_model::{Ask, ErrorCode, Failure};
use std::path::{Path, PathBuf};

/// The permission sets that carry questions to the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Who is near, invites, sessions, messages, transfers, trust.
    Proximity,
    /// Certificates to be known by.
    Certificates,
    /// The agent's settings, capabilities and history.
    Settings,
    /// No page may ask it: it names paths, or belongs to a connection that the page does not have.
    Nobody,
}

impl Room {
    /// The permission set's name, as in `src-tauri/permissions`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proximity => "proximity",
            Self::Certificates => "shared-user-certificates",
            Self::Settings => "settings",
            Self::Nobody => "none",
        }
    }
}

/// The permission set a question belongs to.
#[allow(clippy::too_many_lines, reason = "a table: every question has its line")]
pub const fn room(ask: &Ask) -> Room {
    match ask {
        Ask::Near
        | Ask::Look
        | Ask::SetVisibility { .. }
        | Ask::Invite { .. }
        | Ask::ConfirmCode { .. }
        | Ask::Withdraw { .. }
        | Ask::MakeLink { .. }
        | Ask::Links
        | Ask::RevokeLink { .. }
        | Ask::OpenLink { .. }
        | Ask::Inbox
        | Ask::Accept { .. }
        | Ask::Decline { .. }
        | Ask::Sessions
        | Ask::Session { .. }
        | Ask::Close { .. }
        | Ask::Say { .. }
        | Ask::Messages { .. }
        | Ask::Unexpose { .. }
        | Ask::Unforward { .. }
        | Ask::Lent
        | Ask::Transfers
        | Ask::Transfer { .. }
        | Ask::Items { .. }
        | Ask::Pause { .. }
        | Ask::Resume { .. }
        | Ask::Cancel { .. }
        | Ask::TrustList
        | Ask::TrustSet { .. }
        | Ask::Doctor { .. } => Room::Proximity,
        // A PIN or a choice among certificates is a question like others, but only a window that may use certificates
        // answers it.
        Ask::Pin { .. }
        | Ask::Choose { .. }
        | Ask::Identities { .. }
        | Ask::Tokens
        | Ask::UseIdentity { .. }
        | Ask::ImportIdentity { .. }
        | Ask::RemoveIdentity { .. }
        | Ask::Authorities
        | Ask::AddAuthority { .. }
        | Ask::SetAuthority { .. }
        | Ask::RemoveAuthority { .. }
        | Ask::AddRevocations { .. }
        | Ask::RenewCertificate
        | Ask::RotateKey { .. }
        | Ask::KeepKey { .. }
        | Ask::ExportCertificate => Room::Certificates,
        Ask::Status
        | Ask::Stop
        | Ask::Drain
        | Ask::Capabilities
        | Ask::SetCapability { .. }
        | Ask::Settings
        | Ask::Set { .. }
        | Ask::History { .. }
        | Ask::EraseHistory { .. } => Room::Settings,
        Ask::Send { .. }
        | Ask::Expose { .. }
        | Ask::Forward { .. }
        | Ask::Receive { .. }
        | Ask::Watching { .. }
        | Ask::RegisterModule { .. }
        | Ask::UnregisterModule { .. } => Room::Nobody,
    }
}

/// Lets a question in that came by the command of `by`. Where it names a folder, the page has given a token of one
/// that the person picked; the folder takes its place.
///
/// # Errors
/// `AccessDenied`: it belongs to another permission set, or names a path instead of something that was picked.
pub fn admit(by: Room, ask: Ask, tokens: &Tokens) -> Result<Ask, Failure> {
    let of = room(&ask);
    if of != by || of == Room::Nobody {
        let why = format!("this cannot be asked by the command of \"{}\"", by.name());
        return Err(Failure::new(ErrorCode::AccessDenied, why));
    }
    Ok(match ask {
        Ask::Accept { question, always, same_code, unverified, to: Some(token), executable, identity } => {
            let to = Some(folder(&token, tokens)?);
            Ask::Accept { question, always, same_code, unverified, to, executable, identity }
        }
        Ask::Set { mut change } => {
            if let Some(token) = change.inbox {
                change.inbox = Some(folder(&token, tokens)?);
            }
            Ask::Set { change }
        }
        other => other,
    })
}

fn folder(token: &Path, tokens: &Tokens) -> Result<PathBuf, Failure> {
    let token = token.to_str().unwrap_or_default();
    let mut found = tokens.paths(&[token.to_owned()])?;
    found.pop().ok_or_else(|| Failure::new(ErrorCode::Misuse, "no folder was chosen"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::ask::SettingsChange;

    #[test]
    fn a_question_comes_in_only_by_the_command_of_its_own_set() {
        let tokens = Tokens::default();
        for (ask, own) in [
            (Ask::Near, Room::Proximity),
            (Ask::Tokens, Room::Certificates),
            (Ask::Stop, Room::Settings),
            (Ask::SetCapability { name: "proximity".into(), granted: true }, Room::Settings),
        ] {
            for by in [Room::Proximity, Room::Certificates, Room::Settings, Room::Nobody] {
                let outcome = admit(by, ask.clone(), &tokens);
                assert_eq!(outcome.is_ok(), by == own, "{ask:?} by {by:?}");
                assert!(outcome.is_ok() || outcome.unwrap_err().code == ErrorCode::AccessDenied);
            }
        }
    }

    #[test]
    fn no_command_takes_paths_to_send_from_the_page() {
        let ask = Ask::Send { peer: "a".into(), paths: vec!["/etc/passwd".into()] };
        for by in [Room::Proximity, Room::Certificates, Room::Settings, Room::Nobody] {
            assert_eq!(admit(by, ask.clone(), &Tokens::default()).unwrap_err().code, ErrorCode::AccessDenied);
        }
    }

    #[test]
    fn a_folder_is_named_by_its_token_and_never_by_its_path() {
        let mut tokens = Tokens::default();
        let picked = tokens.hand_out(PathBuf::from("/home/ana/Pictures"), None);
        let set = |inbox: &str| Ask::Set {
            change: SettingsChange { inbox: Some(PathBuf::from(inbox)), ..SettingsChange::default() },
        };
        assert_eq!(
            admit(Room::Settings, set(&picked.token), &tokens).unwrap(),
            set("/home/ana/Pictures"),
            "the token stands for the folder"
        );
        for path in ["/etc", "", "p999", "../p1"] {
            assert_eq!(admit(Room::Settings, set(path), &tokens).unwrap_err().code, ErrorCode::AccessDenied, "{path}");
        }
    }
}
