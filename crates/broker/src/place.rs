//! Where the agent listens for programs that hand sockets over: `broker.sock` beside its control socket, a Unix socket that
//! only this user can open (0600, in directories with 0700).

use crate::fault::BrokerError;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::{
    env, fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// The variable that tells a started program where the broker is.
pub const SOCKET: &str = "HITHER_BROKER";
/// The variable that tells a started program its task.
pub const TASK: &str = "HITHER_TASK";

/// Where the broker is: what [`SOCKET`] says, else beside the control socket of the profile that `HITHER_PROFILE` names, else of
/// the usual one. Other languages ask `hither held --socket`.
///
/// # Errors
/// There is no home directory.
pub fn usual_place() -> Result<PathBuf, BrokerError> {
    if let Some(named) = env::var_os(SOCKET) {
        return Ok(PathBuf::from(named));
    }
    let usual = || directories::ProjectDirs::from("", "", "hither").map(|dirs| dirs.data_dir().to_owned());
    let profile = env::var_os("HITHER_PROFILE").map(PathBuf::from).or_else(usual);
    let profile = profile.ok_or_else(|| BrokerError::NoAgent("a home directory".into()))?;
    Ok(of_profile(&profile))
}

fn of_profile(profile: &Path) -> PathBuf {
    let whole = std::path::absolute(profile).unwrap_or_else(|_| profile.to_owned());
    let settled = fs::canonicalize(&whole).unwrap_or(whole);
    let digest = Sha256::digest(settled.as_os_str().as_bytes());
    let mark = HEXLOWER.encode(digest.get(..8).unwrap_or_default());
    let system = PathBuf::from(format!("/run/user/{}", rustix::process::geteuid().as_raw()));
    let roots = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).into_iter().chain([system]);
    let within = settled.join("run/broker.sock");
    roots.map(|root| root.join("hither").join(&mark).join("broker.sock")).find(|path| path.exists()).unwrap_or(within)
}
