//! Sockets that the service manager has bound for us (`LISTEN_FDS`), told apart by the names of the unit file
//! (`LISTEN_FDNAMES`): `control` (two sockets, told apart by the names of their files), `peer`, and `held-…`, which is another
//! program's. One of any other name is closed.

use crate::held;
use hither_model::{ErrorCode, Failure};
use listenfd::ListenFd;
use rustix::net::{AddressFamily, SocketType};
use std::{
    collections::BTreeSet,
    env,
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixListener},
};

/// What was handed over.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    pub(crate) control: Option<UnixListener>,
    /// For programs that hand sockets over.
    pub(crate) broker: Option<UnixListener>,
    pub(crate) peer: Vec<TcpListener>,
    /// Those of other programs, by name.
    pub(crate) held: Vec<(String, OwnedFd)>,
    /// Names that mean nothing here.
    pub(crate) unknown: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Role {
    Control,
    Peer,
    Held(String),
    Unknown(String),
}

/// Takes what the service manager handed over, if it did.
///
/// # Errors
/// A socket of ours is of another kind than its name says.
pub(crate) fn inherited() -> Result<Inherited, Failure> {
    let names = env::var("LISTEN_FDNAMES").ok();
    let mut handed = ListenFd::from_env();
    let (mut inherited, mut peers) = (Inherited::default(), BTreeSet::new());
    for (at, role) in roles(names.as_deref(), handed.len())?.into_iter().enumerate() {
        let wrong = |e: std::io::Error| misuse(format!("inherited socket {at} is not of the kind its name says: {e}"));
        match role {
            Role::Control => inherited.place(handed.take_unix_listener(at).map_err(wrong)?)?,
            Role::Peer => {
                let socket = handed.take_tcp_listener(at).map_err(wrong)?;
                // The same one comes twice after a crash: from its unit and from the store.
                let new =
                    |socket: &TcpListener| rustix::fs::fstat(socket).is_ok_and(|found| peers.insert(found.st_ino));
                inherited.peer.extend(socket.filter(new));
            }
            Role::Held(name) => inherited.held.extend(socket(&mut handed, at).map(|socket| (name, socket))),
            Role::Unknown(name) => {
                drop(socket(&mut handed, at));
                inherited.unknown.push(name);
            }
        }
    }
    Ok(inherited)
}

impl Inherited {
    fn place(&mut self, listener: Option<UnixListener>) -> Result<(), Failure> {
        let Some(listener) = listener else { return Ok(()) };
        let address = listener.local_addr().ok();
        let file = address.as_ref().and_then(|at| at.as_pathname()).and_then(|path| path.file_name());
        let place = if file.is_some_and(|name| name == "broker.sock") { &mut self.broker } else { &mut self.control };
        match place.replace(listener) {
            None => Ok(()),
            Some(_) => Err(misuse("two control sockets".into())),
        }
    }
}

/// A socket of whatever kind.
fn socket(handed: &mut ListenFd, at: usize) -> Option<OwnedFd> {
    let kinds = [AddressFamily::INET, AddressFamily::UNIX]
        .into_iter()
        .flat_map(|family| [SocketType::STREAM, SocketType::DGRAM, SocketType::SEQPACKET].map(|kind| (family, kind)));
    let mut taken = kinds.map(|(family, kind)| {
        handed.take_custom(at, family.as_raw().into(), kind.as_raw().cast_signed(), "socket").ok().flatten()
    });
    taken.find_map(|socket: Option<OwnedFd>| socket)
}

fn roles(names: Option<&str>, count: usize) -> Result<Vec<Role>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = names.map(|names| names.split(':').collect()).unwrap_or_default();
    if names.len() != count {
        return Err(misuse(format!("{count} inherited sockets, but {} names for them", names.len())));
    }
    let role = |name: &str| match name {
        "control" => Role::Control,
        "peer" => Role::Peer,
        held if held.starts_with(held::PREFIX) => Role::Held(held.to_owned()),
        other => Role::Unknown(other.to_owned()),
    };
    Ok(names.into_iter().map(role).collect())
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
        let others = [Role::Held("held-0a".into()), Role::Unknown("stored".into())];
        assert_eq!(roles(Some("held-0a:stored"), 2).unwrap(), others);
        for (names, count) in [(None, 1), (Some("control"), 2), (Some("x:y"), 1)] {
            assert!(roles(names, count).is_err(), "{names:?} was taken for {count}");
        }
    }
}
