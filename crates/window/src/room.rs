//! Which command may ask what. Each command of the shell belongs to one permission set; an [`Ask`] that comes in by
//! another set's command is refused, so that a window without a permission cannot borrow it from the next command.

use crate::picked::Tokens;
use hither_model::{
    Ask, ErrorCode, Failure,
    ask::{GrantAsk, OutboxAsk},
    row::{Allows, GrantTerms},
};
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
        // It names paths: the shell sends what was picked.
        Ask::Outbox(OutboxAsk::Post { .. })
        // A service of this machine is lent by the shell, which asks the person outside the page. So is a place here
        // where programs reach somebody else's: the page takes what is free.
        | Ask::Grant(GrantAsk::Give { terms: GrantTerms { allows: Allows::Service { .. }, .. }, .. })
        | Ask::Accept { grant: Some(GrantTerms { allows: Allows::Service { .. }, .. }), .. }
        | Ask::Forward { bind: Some(_), .. } => Room::Nobody,
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
        | Ask::Forward { bind: None, .. }
        | Ask::Unforward { .. }
        | Ask::Lent
        | Ask::Outbox(_)
        | Ask::Grant(_)
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
        | Ask::Held
        | Ask::EraseHistory { .. } => Room::Settings,
        Ask::Send { .. }
        | Ask::Expose { .. }
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
    let mut ask = ask;
    match &mut ask {
        Ask::Accept { to, grant, .. } => {
            put(to, tokens)?;
            if let Some(terms) = grant {
                put_in(terms, tokens)?;
            }
        }
        Ask::Grant(GrantAsk::Give { terms, .. }) => put_in(terms, tokens)?,
        Ask::Set { change } => put(&mut change.inbox, tokens)?,
        _ => {}
    }
    Ok(ask)
}

/// Puts the folder that was picked in the place of its token.
fn put(place: &mut Option<PathBuf>, tokens: &Tokens) -> Result<(), Failure> {
    if let Some(token) = place {
        *token = folder(token, tokens)?;
    }
    Ok(())
}

fn put_in(terms: &mut GrantTerms, tokens: &Tokens) -> Result<(), Failure> {
    match &mut terms.allows {
        Allows::Files { to, .. } => put(to, tokens),
        Allows::Service { .. } => Ok(()),
    }
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

    fn files(to: &str) -> GrantTerms {
        GrantTerms { allows: Allows::Files { bytes: None, to: Some(to.into()) }, until: None, here: false }
    }

    fn accepts(to: Option<&str>, grant: Option<GrantTerms>) -> Ask {
        Ask::Accept {
            question: "q".into(),
            always: false,
            same_code: false,
            unverified: false,
            to: to.map(PathBuf::from),
            executable: false,
            grant,
            identity: None,
        }
    }

    #[test]
    fn the_folder_of_a_grant_is_one_that_was_picked() {
        let mut tokens = Tokens::default();
        let picked = tokens.hand_out(PathBuf::from("/home/ana/Inbox"), None).token;
        let gives = |to: &str| Ask::Grant(GrantAsk::Give { peer: "a".into(), terms: files(to) });
        assert_eq!(admit(Room::Proximity, gives(&picked), &tokens).unwrap(), gives("/home/ana/Inbox"));
        let both = accepts(Some(&picked), Some(files(&picked)));
        let wanted = accepts(Some("/home/ana/Inbox"), Some(files("/home/ana/Inbox")));
        assert_eq!(admit(Room::Proximity, both, &tokens).unwrap(), wanted);
        for bad in [gives("/etc"), accepts(None, Some(files("/etc"))), accepts(Some("/etc"), None)] {
            assert_eq!(admit(Room::Proximity, bad, &tokens).unwrap_err().code, ErrorCode::AccessDenied);
        }
    }

    #[test]
    fn no_page_lends_a_service_or_chooses_where_one_of_others_is_reached() {
        let name: hither_model::LentName = "ssh".parse().unwrap();
        let lends =
            GrantTerms { allows: Allows::Service { name: name.clone(), times: None }, until: None, here: false };
        let forward =
            |bind: Option<&str>| Ask::Forward { peer: "a".into(), name: name.clone(), bind: bind.map(str::to_owned) };
        let expose = Ask::Expose {
            name: name.clone(),
            target: "127.0.0.1:22".into(),
            to: vec!["a".into()],
            lasts: hither_model::row::Lasting::Always,
            seconds: None,
        };
        let grant = Ask::Grant(GrantAsk::Give { peer: "a".into(), terms: lends.clone() });
        for ask in [expose, grant, accepts(None, Some(lends)), forward(Some("127.0.0.1:5432"))] {
            for by in [Room::Proximity, Room::Certificates, Room::Settings, Room::Nobody] {
                assert_eq!(admit(by, ask.clone(), &Tokens::default()).unwrap_err().code, ErrorCode::AccessDenied);
            }
        }
        assert!(admit(Room::Proximity, forward(None), &Tokens::default()).is_ok(), "the agent takes a free port");
    }

    #[test]
    fn what_is_to_be_sent_later_names_its_paths_only_in_the_shell() {
        let post = OutboxAsk::Post {
            to: vec!["a".into()],
            paths: vec!["/etc/passwd".into()],
            seconds: None,
            priority: None,
            cost: None,
            group: None,
        };
        for by in [Room::Proximity, Room::Settings, Room::Nobody] {
            let refused = admit(by, Ask::Outbox(post.clone()), &Tokens::default()).unwrap_err();
            assert_eq!(refused.code, ErrorCode::AccessDenied);
        }
        assert!(admit(Room::Proximity, Ask::Outbox(OutboxAsk::List), &Tokens::default()).is_ok());
    }
}
