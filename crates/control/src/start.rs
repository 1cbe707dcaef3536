//! Starting the agent that is installed beside a client. The client waits for the agent's `ready` line, not for time
//! to pass; two clients that start one at the same time take turns.

use crate::{
    fault::ControlError,
    frame::{Cut, Reader},
    profile,
};
use hither_model::{ErrorCode, Failure};
use rustix::fs::{FlockOperation, flock};
use serde::Deserialize;
use std::{
    env,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{net::UnixStream, process::Command};

/// How long an agent may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// Longest first line of an agent.
const LINE_CAP: usize = 64 * 1024;

/// A file in the profile that an agent has locked (`flock`) from before it takes the profile until its socket is there.
pub const OPENING: &str = "opening.lock";

/// How an agent is started.
#[derive(Debug, Clone)]
pub struct Start {
    /// The program; it is run as `PROGRAM agent --detached --json --profile DIR`.
    pub program: PathBuf,
}

/// The program that can be an agent: this very one if it is called `hither`, else the `hither` that lies beside it.
///
/// # Errors
/// There is none.
pub fn agent_program() -> Result<PathBuf, Failure> {
    let missing = |why: String| Failure::from(ControlError::NotStarted(why));
    let own = env::current_exe().map_err(|e| missing(format!("where this program lies is not known: {e}")))?;
    let beside = own.with_file_name(format!("hither{}", env::consts::EXE_SUFFIX));
    if beside.is_file() { Ok(beside) } else { Err(missing(format!("{} is not there", beside.display()))) }
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum FirstLine {
    Ready {},
    Error {
        #[serde(flatten)]
        failure: Failure,
    },
}

impl Start {
    /// Starts an agent for the profile and waits until it is ready; `false` if another client was quicker.
    ///
    /// # Errors
    /// The agent's own failure, or that it ended or stayed silent.
    pub(crate) async fn run(&self, profile: &Path) -> Result<bool, Failure> {
        let profile = profile::ensure(profile)?;
        let _turn = lock(&profile, "start.lock").await?;
        if runs(&profile).await {
            return Ok(false);
        }
        match self.spawn(&profile).await {
            Ok(()) => Ok(true),
            Err(failure) => {
                // Perhaps another agent was quicker, started by a person or a service manager: let it open its socket.
                drop(lock(&profile, OPENING).await?);
                if runs(&profile).await { Ok(false) } else { Err(failure) }
            }
        }
    }

    async fn spawn(&self, profile: &Path) -> Result<(), Failure> {
        let mut child = Command::new(&self.program)
            .args(["agent", "--detached", "--json", "--profile"])
            .arg(profile)
            .current_dir(profile)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| ControlError::NotStarted(format!("{}: {e}", self.program.display())))?;
        let Some(stdout) = child.stdout.take() else {
            return Err(ControlError::NotStarted("its output cannot be read".into()).into());
        };
        let mut lines = Reader::new(stdout, Cut::Lines, LINE_CAP);
        let first = tokio::time::timeout(READY_WITHIN, lines.message::<FirstLine>()).await;
        match first {
            Ok(Ok(Some(FirstLine::Ready {}))) => Ok(()),
            Ok(Ok(Some(FirstLine::Error { failure }))) => Err(failure),
            Ok(Ok(None)) => Err(ControlError::NotStarted("it ended before it was ready".into()).into()),
            Ok(Err(e)) => Err(ControlError::NotStarted(e.to_string()).into()),
            Err(_) => Err(ControlError::NotStarted("it was not ready within 20 seconds".into()).into()),
        }
    }
}

/// Waits for a lock. One client at a time starts an agent; the kernel ends the turn of one that dies.
async fn lock(profile: &Path, name: &str) -> Result<File, Failure> {
    let path = profile.join(name);
    let turn = move || -> io::Result<File> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    };
    let fault = |e: String| Failure::new(ErrorCode::StorageFailed, format!("the agent cannot be started: {e}"));
    tokio::task::spawn_blocking(turn).await.map_err(|e| fault(e.to_string()))?.map_err(|e| fault(e.to_string()))
}

/// Whether somebody listens on the profile's socket; nothing is said.
async fn runs(profile: &Path) -> bool {
    for place in crate::Place::candidates(profile) {
        if matches!(place.check(), Ok(true)) && UnixStream::connect(place.socket()).await.is_ok() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// `/bin/sh agent --detached …`, run in the profile directory, runs the script of that name there.
    fn shell(profile: &Path, script: &str) -> Start {
        crate::profile::ensure(profile).unwrap();
        fs::write(profile.join("agent"), script).unwrap();
        Start { program: "/bin/sh".into() }
    }

    #[tokio::test]
    async fn the_ready_line_ends_the_wait_and_an_error_line_is_passed_on() {
        let top = tempfile::tempdir().unwrap();
        let profile = top.path().join("p");
        let ready = shell(&profile, r#"echo '{"event":"ready","peer":"x"}'"#);
        assert!(ready.run(&profile).await.unwrap());
        let refuses = shell(&profile, r#"echo '{"event":"error","code":"KeyUnusable","message":"m","hint":"h"}'"#);
        let failure = refuses.run(&profile).await.unwrap_err();
        assert_eq!((failure.code, failure.hint.as_deref()), (ErrorCode::KeyUnusable, Some("h")));
        let dies = shell(&profile, "exit 1");
        assert_eq!(dies.run(&profile).await.unwrap_err().code, ErrorCode::NoAgent);
    }

    #[tokio::test]
    async fn an_agent_that_was_quicker_is_waited_for_until_its_socket_is_there() {
        let top = tempfile::tempdir().unwrap();
        let profile = top.path().join("p");
        let late = shell(&profile, r#"echo '{"event":"error","code":"Misuse","message":"already runs"}'"#);
        let other = File::create(profile.join(OPENING)).unwrap();
        flock(&other, FlockOperation::LockExclusive).unwrap();
        let place = crate::Place::within(&profile).unwrap();
        let opens = async {
            // The other agent is on its way: it has the lock, and opens only while somebody waits for it.
            tokio::task::yield_now().await;
            let door = crate::Door::open(&place).unwrap();
            drop(other);
            door
        };
        let (started, _door) = tokio::join!(late.run(&profile), opens);
        assert!(!started.unwrap());
        let nobody = top.path().join("q");
        let late = shell(&nobody, r#"echo '{"event":"error","code":"Misuse","message":"already runs"}'"#);
        assert_eq!(late.run(&nobody).await.unwrap_err().code, ErrorCode::Misuse);
    }

    #[tokio::test]
    async fn the_agent_is_given_its_profile_and_nothing_to_read() {
        let top = tempfile::tempdir().unwrap();
        let profile = top.path().join("p");
        shell(&profile, r#"cat; echo "$@" > args; echo '{"event":"ready"}'"#).run(&profile).await.unwrap();
        let args = fs::read_to_string(profile.join("args")).unwrap();
        let whole = fs::canonicalize(&profile).unwrap();
        assert_eq!(args.trim(), format!("--detached --json --profile {}", whole.display()));
    }
}
