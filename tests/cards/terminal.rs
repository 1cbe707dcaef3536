//! A command at a terminal, for what is typed without being seen. `script` (util-linux) makes the terminal.

use crate::rig::skipped;
use hither_tests::Seat;
use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

/// A running command, and what its terminal shows.
pub(crate) struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Receiver<Vec<u8>>,
    shown: Vec<u8>,
    /// What was waited for already.
    read: usize,
}

impl Terminal {
    /// Starts `hither` with these arguments; `None`, said aloud, where there is no `script`.
    pub(crate) fn of(seat: &Seat, args: &[&str]) -> Option<Self> {
        if !hither_tests::program::on_path("script") {
            skipped("script is not installed (util-linux)");
            return None;
        }
        let words: Vec<String> = args.iter().map(|word| format!("'{word}'")).collect();
        let mut command = seat.command("script");
        command.args(["-qec", &format!("{} {}", seat.program().display(), words.join(" ")), "/dev/null"]);
        command.env("NO_COLOR", "1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let keys = child.stdin.take().expect("stdin is piped");
        let mut out = child.stdout.take().expect("stdout is piped");
        let (to, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = out.read(&mut buffer) {
                let _ = to.send(buffer[..n].to_vec());
            }
        });
        Some(Self { child, keys, screen, shown: Vec::new(), read: 0 })
    }

    /// Waits for a prompt that was not waited for yet, and types a line.
    pub(crate) fn answer(&mut self, prompt: &str, line: &str) {
        let deadline = Instant::now() + crate::people_rig::PATIENCE;
        let wanted = prompt.as_bytes();
        loop {
            let new = &self.shown[self.read..];
            if let Some(at) = new.windows(wanted.len()).position(|window| window == wanted) {
                self.read += at + wanted.len();
                break;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(more) => self.shown.extend(more),
                Err(_) => panic!("no {prompt:?} on the screen:\n{}", String::from_utf8_lossy(&self.shown)),
            }
        }
        self.keys.write_all(format!("{line}\n").as_bytes()).expect("it is read");
        self.keys.flush().expect("it is read");
    }

    /// Waits for the end: all that was shown, and whether the command succeeded.
    pub(crate) fn end(mut self, within: Duration) -> (String, bool) {
        let deadline = Instant::now() + within;
        while let Ok(more) = self.screen.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.shown.extend(more);
        }
        let shown = String::from_utf8_lossy(&self.shown).into_owned();
        assert!(Instant::now() < deadline, "it does not end:\n{shown}");
        (shown, self.child.wait().expect("it ended").success())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
