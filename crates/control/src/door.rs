//! The listening end of the control socket: opened once, removed at the end.

use crate::{fault::ControlError, place::Place, user};
use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixListener as StdListener,
    },
    path::{Path, PathBuf},
};
use tokio::net::{UnixListener, UnixStream};

/// A bound control socket. Clients may connect from now on; they are served when [`crate::serve`] runs.
#[derive(Debug)]
pub struct Door {
    pub(crate) listener: UnixListener,
    made: Option<Made>,
}

#[derive(Debug)]
struct Made {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Door {
    /// Binds the socket (0600) in its checked directory (0700). One that a killed agent left behind is replaced: the
    /// caller holds the profile's lock, so nobody can be listening on it (A5). Must be called within a runtime.
    ///
    /// # Errors
    /// The place is not safe, something that is no socket lies there, or the system refuses.
    pub fn open(place: &Place) -> Result<Self, ControlError> {
        Self::open_at(place, place.socket())
    }

    /// The same for the socket of the broker.
    ///
    /// # Errors
    /// As [`Door::open`].
    pub fn open_broker(place: &Place) -> Result<Self, ControlError> {
        Self::open_at(place, place.broker())
    }

    /// The next process of this very user; whoever belongs to another one is dropped before a byte is read (A1).
    ///
    /// # Errors
    /// No connection can be taken now.
    pub async fn next(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            match user::check(&stream, user::ours()) {
                Ok(()) => return Ok(stream),
                Err(e) => tracing::warn!("client refused: {e}"),
            }
        }
    }

    fn open_at(place: &Place, path: PathBuf) -> Result<Self, ControlError> {
        place.prepare()?;
        let fault = |e: io::Error| refusal(&path, &e);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_socket() => fs::remove_file(&path).map_err(fault)?,
            Ok(_) => {
                return Err(ControlError::Place {
                    why: "is in the way and is not a socket".into(),
                    fix: format!("move it away: `mv {0} {0}.old`", path.display()),
                    path,
                });
            }
            Err(_) => {}
        }
        let listener = UnixListener::bind(&path).map_err(fault)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(fault)?;
        let found = fs::symlink_metadata(&path).map_err(fault)?;
        let made = Made { device: found.dev(), inode: found.ino(), path };
        Ok(Self { listener, made: Some(made) })
    }

    /// Takes over a socket that the service manager has bound. It stays in place at the end.
    ///
    /// # Errors
    /// The system refuses.
    pub fn adopt(listener: StdListener) -> Result<Self, ControlError> {
        let fault = |e: io::Error| refusal(Path::new("inherited control socket"), &e);
        listener.set_nonblocking(true).map_err(fault)?;
        Ok(Self { listener: UnixListener::from_std(listener).map_err(fault)?, made: None })
    }
}

fn refusal(path: &Path, e: &io::Error) -> ControlError {
    ControlError::Place {
        path: path.to_owned(),
        why: format!("cannot be used as a socket: {e}"),
        fix: "choose another --profile, or make room and permission there".into(),
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let Some(made) = &self.made else { return };
        let ours = fs::symlink_metadata(&made.path).is_ok_and(|m| (m.dev(), m.ino()) == (made.device, made.inode));
        if ours && let Err(e) = fs::remove_file(&made.path) {
            tracing::debug!(path = %made.path.display(), "control socket stays behind: {e}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a5_a_socket_left_by_a_killed_agent_is_replaced_and_ours_is_removed_at_the_end() {
        let top = tempfile::tempdir().unwrap();
        let place = Place::within(top.path()).unwrap();
        let first = Door::open(&place).unwrap();
        let left = place.socket();
        assert_eq!(fs::metadata(&left).unwrap().mode() & 0o777, 0o600);
        let second = Door::open(&place).unwrap();
        drop(first);
        assert!(left.exists(), "the first door does not remove the second one's socket");
        drop(second);
        assert!(!left.exists());
    }

    #[tokio::test]
    async fn a2_something_else_in_the_sockets_place_is_not_touched() {
        let top = tempfile::tempdir().unwrap();
        let place = Place::within(top.path()).unwrap();
        place.prepare().unwrap();
        fs::write(place.socket(), "precious").unwrap();
        assert!(Door::open(&place).is_err());
        assert_eq!(fs::read(place.socket()).unwrap(), b"precious");
    }
}
