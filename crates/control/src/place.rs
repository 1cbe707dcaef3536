//! Where the control socket of a profile lies, and whether that place is safe.
//!
//! `$XDG_RUNTIME_DIR/hither/<hash of the profile's path>/control.sock`, else `<profile>/run/control.sock`. Every
//! directory of ours on that way belongs to this user, is closed to others (0700) and is no symbolic link (A2). Sockets
//! without a file (abstract ones) are not used: anyone could take their name.

use crate::{fault::ControlError, profile, user};
use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

/// Longest path of a Unix socket, bytes (108 with the closing zero).
const MAX_PATH: usize = 107;

/// A directory that holds, or will hold, a control socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    base: Option<PathBuf>,
    dir: PathBuf,
}

impl Place {
    /// Where the agent of this profile puts its socket.
    ///
    /// # Errors
    /// The path would be too long for a socket.
    pub fn of(profile: &Path) -> Result<Self, ControlError> {
        match env::var_os("XDG_RUNTIME_DIR") {
            Some(dir) if usable(Path::new(&dir)) => Self::below(Path::new(&dir), profile),
            _ => Self::within(profile),
        }
    }

    /// Where a client looks, in this order: an agent that was started in other surroundings (by a timer, say) may have
    /// chosen another place.
    pub fn candidates(profile: &Path) -> Vec<Self> {
        let system = PathBuf::from(format!("/run/user/{}", user::ours()));
        let roots = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).into_iter().chain([system]);
        let mut places: Vec<Self> =
            roots.filter(|root| usable(root)).filter_map(|root| Self::below(&root, profile).ok()).collect();
        places.extend(Self::within(profile).ok());
        places.dedup();
        places
    }

    /// The place below a runtime directory.
    ///
    /// # Errors
    /// The path would be too long for a socket.
    pub fn below(runtime: &Path, profile: &Path) -> Result<Self, ControlError> {
        let base = runtime.join("hither");
        Self { dir: base.join(profile::mark(profile)), base: Some(base) }.fitting()
    }

    /// The place within the profile itself.
    ///
    /// # Errors
    /// The path would be too long for a socket.
    pub fn within(profile: &Path) -> Result<Self, ControlError> {
        Self { base: None, dir: profile::settled(profile).join("run") }.fitting()
    }

    /// The socket's path.
    pub fn socket(&self) -> PathBuf {
        self.dir.join("control.sock")
    }

    /// The path of the socket beside it, for programs that hand sockets over.
    pub fn broker(&self) -> PathBuf {
        self.dir.join("broker.sock")
    }

    /// Makes what is missing, closed to others, and checks what is there.
    ///
    /// # Errors
    /// A directory belongs to somebody else, is open to others, or is not a directory.
    pub fn prepare(&self) -> Result<(), ControlError> {
        if let Some(base) = &self.base {
            make_own(base)?;
        }
        make_own(&self.dir)
    }

    /// Checks what is there, for a client; `false` if there is nothing.
    ///
    /// # Errors
    /// As [`Place::prepare`].
    pub fn check(&self) -> Result<bool, ControlError> {
        for dir in self.base.iter().chain([&self.dir]) {
            match fs::symlink_metadata(dir) {
                Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    return Ok(false);
                }
                _ => check_own(dir)?,
            }
        }
        Ok(true)
    }

    fn fitting(self) -> Result<Self, ControlError> {
        let path = self.socket();
        let length = path.as_os_str().len();
        if length > MAX_PATH { Err(ControlError::PathTooLong { path, length }) } else { Ok(self) }
    }
}

/// A runtime directory counts only if it is ours and nobody else may put things into it.
fn usable(runtime: &Path) -> bool {
    runtime.is_absolute()
        && fs::metadata(runtime).is_ok_and(|m| m.is_dir() && m.uid() == user::ours() && m.mode() & 0o022 == 0)
}

/// Makes a directory that only this user can enter, or checks the one that is there.
///
/// # Errors
/// As [`check_own`], or it cannot be made.
pub fn make_own(dir: &Path) -> Result<(), ControlError> {
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Ok(()) => check_own(dir),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => check_own(dir),
        Err(e) => Err(ControlError::Place {
            path: dir.to_owned(),
            why: format!("cannot be made: {e}"),
            fix: "choose another --profile, or make room and permission there".into(),
        }),
    }
}

/// Checks that a directory is a real one, belongs to this user and is closed to others. Links are not followed.
///
/// # Errors
/// [`ControlError::Place`] says what is wrong and how to put it right.
pub fn check_own(dir: &Path) -> Result<(), ControlError> {
    let wrong = |why: String, fix: String| Err(ControlError::Place { path: dir.to_owned(), why, fix });
    let shown = dir.display();
    let found = match fs::symlink_metadata(dir) {
        Ok(found) => found,
        Err(e) => return wrong(format!("cannot be looked at: {e}"), "see why with `ls -ld`".into()),
    };
    if found.file_type().is_symlink() {
        return wrong("is a symbolic link".into(), format!("remove it: `rm {shown}`"));
    }
    if !found.is_dir() {
        return wrong("is not a directory".into(), format!("move it away: `mv {shown} {shown}.old`"));
    }
    if found.uid() != user::ours() {
        return wrong(format!("belongs to another user (uid {})", found.uid()), format!("move {shown} away"));
    }
    if found.mode() & 0o077 != 0 {
        return wrong(
            format!("is open to other users (mode {:04o})", found.mode() & 0o7777),
            format!("close it: `chmod 700 {shown}`"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn why(dir: &Path) -> String {
        check_own(dir).unwrap_err().to_string()
    }

    #[test]
    fn a2_a_directory_that_is_open_a_link_or_a_file_is_refused_and_says_why() {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("d");
        make_own(&dir).unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
        for mode in [0o777, 0o755, 0o710, 0o701] {
            fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
            assert!(why(&dir).contains("open to other users"), "{mode:o} was taken");
            assert!(make_own(&dir).is_err(), "{mode:o} was taken over");
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
        let link = top.path().join("l");
        symlink(&dir, &link).unwrap();
        assert!(why(&link).contains("symbolic link"));
        assert!(make_own(&link).is_err());
        let file = top.path().join("f");
        fs::write(&file, "").unwrap();
        assert!(why(&file).contains("not a directory"));
    }

    #[test]
    fn a2_a_directory_of_another_user_is_refused() {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("d");
        make_own(&dir).unwrap();
        if std::os::unix::fs::chown(&dir, Some(65_534), None).is_ok() {
            assert!(why(&dir).contains("belongs to another user"));
        } else {
            assert!(why(Path::new("/")).contains("belongs to another user"), "the root directory is root's");
        }
    }

    #[test]
    fn a_place_too_long_for_a_socket_is_told_before_anything_is_made() {
        let long = PathBuf::from(format!("/tmp/{}", "x".repeat(120)));
        let error = Place::within(&long).unwrap_err();
        assert!(error.to_string().contains("too long"), "{error}");
        assert!(Place::below(Path::new("/run/user/1000"), &long).is_ok(), "the hash keeps it short");
    }

    #[test]
    fn two_profiles_have_two_places_and_one_profile_has_one() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("a")).unwrap();
        let runtime = top.path();
        let a = Place::below(runtime, &top.path().join("a")).unwrap();
        assert_ne!(a, Place::below(runtime, &top.path().join("b")).unwrap());
        assert_eq!(a, Place::below(runtime, &top.path().join("a/../a")).unwrap());
    }
}
