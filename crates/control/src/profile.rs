//! A profile: the directory that holds one user's identity, trust and settings.

use crate::{
    fault::ControlError,
    place::{check_own, make_own},
};
use data_encoding::HEXLOWER;
use hither_model::{ErrorCode, Failure};
use sha2::{Digest, Sha256};
use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Where the profile lies when nobody says otherwise: the platform's data directory for hither.
///
/// # Errors
/// The system does not say where the home directory is.
pub fn default_dir() -> Result<PathBuf, Failure> {
    directories::ProjectDirs::from("", "", "hither").map(|dirs| dirs.data_dir().to_owned()).ok_or_else(|| {
        Failure::new(ErrorCode::StorageFailed, "there is no home directory, so no place for a profile")
            .hint("set HOME, or give --profile DIR")
    })
}

/// Makes the profile directory if it is missing, closed to others, and checks it if it is there.
///
/// # Errors
/// It cannot be made, belongs to somebody else, or is open to others; the failure says how to put it right.
pub fn ensure(profile: &Path) -> Result<PathBuf, ControlError> {
    let whole = std::path::absolute(profile).unwrap_or_else(|_| profile.to_owned());
    if let Some(parent) = whole.parent() {
        fs::create_dir_all(parent).map_err(|e| ControlError::Place {
            path: parent.to_owned(),
            why: format!("cannot be made: {e}"),
            fix: "choose another --profile".into(),
        })?;
    }
    make_own(&whole)?;
    check_own(&whole)?;
    Ok(settled(&whole))
}

/// The one true path of a profile, as far as it exists.
pub fn settled(profile: &Path) -> PathBuf {
    let whole = std::path::absolute(profile).unwrap_or_else(|_| profile.to_owned());
    fs::canonicalize(&whole).unwrap_or(whole)
}

/// A short name of a profile that fits into file names: 16 hexadecimal digits of the hash of its path.
pub fn mark(profile: &Path) -> String {
    let digest = Sha256::digest(settled(profile).as_os_str().as_bytes());
    HEXLOWER.encode(digest.get(..8).unwrap_or_default())
}
