//! Sockets that the service manager has bound for us (`LISTEN_FDS`), told apart by the names of the unit file
//! (`LISTEN_FDNAMES`): `control` and `peer`.

use hither_model::{ErrorCode, Failure};
use listenfd::ListenFd;
use std::{env, net::TcpListener, os::unix::net::UnixListener};

/// What was handed over.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    pub(crate) control: Option<UnixListener>,
    pub(crate) peer: Vec<TcpListener>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Control,
    Peer,
}

/// Takes what the service manager handed over, if it did.
///
/// # Errors
/// A socket of another name or kind than expected.
pub(crate) fn inherited() -> Result<Inherited, Failure> {
    let names = env::var("LISTEN_FDNAMES").ok();
    let mut handed = ListenFd::from_env();
    let mut inherited = Inherited::default();
    for (at, role) in roles(names.as_deref(), handed.len())?.into_iter().enumerate() {
        let wrong = |e: std::io::Error| misuse(format!("inherited socket {at} is not of the kind its name says: {e}"));
        match role {
            Role::Control if inherited.control.is_some() => return Err(misuse("two control sockets".into())),
            Role::Control => inherited.control = handed.take_unix_listener(at).map_err(wrong)?,
            Role::Peer => inherited.peer.extend(handed.take_tcp_listener(at).map_err(wrong)?),
        }
    }
    Ok(inherited)
}

fn roles(names: Option<&str>, count: usize) -> Result<Vec<Role>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = names.unwrap_or_default().split(':').collect();
    if names.len() != count {
        return Err(misuse(format!("{count} inherited sockets, but {} names for them", names.len())));
    }
    names
        .into_iter()
        .map(|name| match name {
            "control" => Ok(Role::Control),
            "peer" => Ok(Role::Peer),
            other => Err(misuse(format!("an inherited socket has the unknown name {other:?}"))),
        })
        .collect()
}

fn misuse(why: String) -> Failure {
    Failure::new(ErrorCode::Misuse, why)
        .hint("give the sockets FileDescriptorName=control or =peer in their unit files")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inherited_sockets_are_told_apart_by_name_alone() {
        assert_eq!(roles(None, 0).unwrap(), []);
        assert_eq!(roles(Some("peer:control"), 2).unwrap(), [Role::Peer, Role::Control]);
        for (names, count) in [(None, 1), (Some("control"), 2), (Some("control:unknown"), 2), (Some("x"), 1)] {
            assert!(roles(names, count).is_err(), "{names:?} was taken for {count}");
        }
    }
}
