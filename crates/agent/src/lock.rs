//! One agent per profile: an advisory lock that the kernel releases when its holder dies, however it dies (A5).

use hither_control::{OPENING, Place};
use hither_model::{ErrorCode, Failure};
use rustix::fs::{FlockOperation, OFlags, flock};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::{fs::OpenOptionsExt, net::UnixStream},
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long one that is on its way out is waited for: longer than its end may take (N7).
const LEAVING: Duration = Duration::from_secs(5);

/// Held by an agent from before it takes the profile until its control socket is there. A client that finds the profile
/// taken but no socket waits for this lock instead of trying again and again (see `hither-control`, `start`).
#[derive(Debug)]
pub(crate) struct Opening {
    _file: File,
}

impl Opening {
    /// Waits for its turn: agents that open at the same time do so one after the other.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(crate) fn begin(profile: &Path) -> Result<Self, Failure> {
        let path = profile.join(OPENING);
        let file = open(&path).and_then(|file| {
            flock(&file, FlockOperation::LockExclusive)?;
            Ok(file)
        });
        file.map(|file| Self { _file: file }).map_err(|e| fault(&path, &e))
    }
}

/// Holding this is being the agent of the profile.
#[derive(Debug)]
pub(crate) struct ProfileLock {
    _file: File,
}

impl ProfileLock {
    /// Takes the lock of the profile. One that is on its way out, its control socket gone already, is waited for; the
    /// caller holds [`Opening`], so that none is on its way in.
    ///
    /// # Errors
    /// Another agent holds it (the failure names its process), or the file cannot be opened.
    pub(crate) fn take(profile: &Path) -> Result<Self, Failure> {
        let path = profile.join("agent.lock");
        let fault = |e: io::Error| fault(&path, &e);
        let mut file = open(&path).map_err(fault)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let leaving = if is_served(profile) { None } else { outlived(&path, LEAVING) };
                file = leaving.ok_or_else(|| taken(&mut file))?;
            }
            Err(e) => return Err(fault(e.into())),
        }
        note_process(&mut file).map_err(fault)?;
        Ok(Self { _file: file })
    }
}

/// Whether somebody takes calls for this profile.
fn is_served(profile: &Path) -> bool {
    Place::candidates(profile).iter().any(|place| UnixStream::connect(place.socket()).is_ok())
}

/// The lock once its holder is gone, if that is soon.
fn outlived(path: &Path, soon: Duration) -> Option<File> {
    let file = open(path).ok()?;
    let (sender, receiver) = mpsc::channel();
    // If it is not soon, this thread ends with the process.
    thread::spawn(move || sender.send(flock(&file, FlockOperation::LockExclusive).ok().map(|()| file)));
    receiver.recv_timeout(soon).ok().flatten()
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)
}

fn fault(path: &Path, e: &io::Error) -> Failure {
    use rustix::io::Errno;
    // What network disks answer that keep no locks. Two agents of one profile would ruin it, so that none starts.
    let cannot = [Errno::NOLCK, Errno::NOSYS, Errno::NOTSUP, Errno::INVAL].map(|errno| Some(errno.raw_os_error()));
    let fix = match cannot.contains(&e.raw_os_error()) {
        true => "this disk cannot keep two agents apart: choose a --profile on a disk of this machine",
        false => "make room and permission there, or choose another --profile",
    };
    Failure::new(ErrorCode::StorageFailed, format!("{}: the lock cannot be taken: {e}", path.display())).hint(fix)
}

fn note_process(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn taken(file: &mut File) -> Failure {
    let mut text = String::new();
    let process = match file.take(32).read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok()) {
        Some(id) => format!(" (process {id})"),
        None => String::new(),
    };
    Failure::new(ErrorCode::Misuse, format!("an agent already runs for this profile{process}"))
        .hint("use it, or end it with `hither stop`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a5_a_second_agent_is_told_who_holds_the_profile_and_the_lock_goes_with_its_holder() {
        let top = tempfile::tempdir().unwrap();
        let first = ProfileLock::take(top.path()).unwrap();
        let place = Place::of(top.path()).unwrap();
        place.prepare().unwrap();
        let _served = std::os::unix::net::UnixListener::bind(place.socket()).unwrap();
        let failure = ProfileLock::take(top.path()).unwrap_err();
        assert_eq!(failure.code, ErrorCode::Misuse);
        assert!(failure.message.contains(&format!("process {}", std::process::id())), "{}", failure.message);
        drop(first);
        ProfileLock::take(top.path()).unwrap();
    }

    #[test]
    fn a5_an_agent_that_takes_no_calls_any_more_is_waited_for() {
        let top = tempfile::tempdir().unwrap();
        let first = ProfileLock::take(top.path()).unwrap();
        let ending = thread::spawn(move || drop(first));
        ProfileLock::take(top.path()).unwrap();
        ending.join().unwrap();
    }

    #[test]
    fn a2_a_lock_that_is_a_link_is_refused() {
        let top = tempfile::tempdir().unwrap();
        let other = top.path().join("precious");
        std::fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&other, top.path().join("agent.lock")).unwrap();
        assert_eq!(ProfileLock::take(top.path()).unwrap_err().code, ErrorCode::StorageFailed);
        assert_eq!(std::fs::read(&other).unwrap(), b"precious");
    }

    #[test]
    fn a_disk_that_cannot_lock_is_no_place_for_a_profile_and_that_is_said() {
        use rustix::io::Errno;
        for errno in [Errno::NOLCK, Errno::NOSYS, Errno::NOTSUP] {
            let failure = fault(Path::new("/net/p/agent.lock"), &errno.into());
            assert_eq!(failure.code, ErrorCode::StorageFailed);
            assert!(failure.hint.unwrap().contains("a disk of this machine"), "{errno}");
        }
        assert!(fault(Path::new("/p"), &Errno::ROFS.into()).hint.unwrap().contains("make room"));
    }
}
