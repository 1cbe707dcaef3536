//! A terminal with a person at it: what is on the screen is waited for, never for a time.

use rustix::{
    fs::{Mode, OFlags, open},
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};
use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::ExitStatus,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

/// After so long a test has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Terminal {
    keys: File,
    screen: mpsc::UnboundedReceiver<Vec<u8>>,
    child: Child,
    seen: String,
    /// Everything up to here was waited for.
    upto: usize,
}

impl Terminal {
    /// Runs the command at a terminal.
    pub fn run(mut command: Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let copy = |fd: &OwnedFd| fd.try_clone().unwrap();
        command.stdin(copy(&theirs)).stdout(copy(&theirs)).stderr(theirs).env("NO_COLOR", "1").kill_on_drop(true);
        let child = command.spawn().unwrap();
        // The end of the program is the end of the screen only if no copy is left here.
        drop(command);
        let (tell, screen) = mpsc::unbounded_channel();
        let keys = File::from(ours);
        let mut eyes = keys.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(length @ 1..) = eyes.read(&mut bytes) {
                if tell.send(bytes[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { keys, screen, child, seen: String::new(), upto: 0 }
    }

    /// Waits until this is on the screen, below what was waited for before.
    pub async fn sees(&mut self, words: &str) {
        loop {
            if let Some(at) = self.seen[self.upto..].find(words) {
                self.upto += at + words.len();
                return;
            }
            let more = timeout(PATIENCE, self.screen.recv()).await.unwrap_or_default();
            let Some(more) = more else { panic!("{words:?} is not on the screen:\n{}", &self.seen) };
            self.seen.push_str(&String::from_utf8_lossy(&more));
        }
    }

    pub fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Presses Ctrl-C.
    pub fn interrupts(&self) {
        let pid = Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
    }

    /// Whether what is typed is shown.
    pub fn echoes(&self) -> bool {
        tcgetattr(&self.keys).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// Waits for the end of the program: its status, and all that was on the screen.
    pub async fn ends(mut self) -> (ExitStatus, String) {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it does not end").unwrap();
        while let Some(more) = timeout(PATIENCE, self.screen.recv()).await.unwrap_or_default() {
            self.seen.push_str(&String::from_utf8_lossy(&more));
        }
        (status, self.seen)
    }
}
