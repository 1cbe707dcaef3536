//! A virtual display. It runs outside the lab's hosts: displays tell each other apart by process ids in lock files, and
//! a host has process ids of its own. Programs on hosts reach it by its socket in the file system.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// A display that nobody sees; ends when dropped.
#[derive(Debug)]
pub struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Starts one of this size in pixels.
    ///
    /// # Panics
    /// When it does not start.
    pub fn of(width: u32, height: u32) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", UNTIL_THE_PIPE_CLOSES, "display", &format!("{width}x{height}x24")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().unwrap_or_else(|e| panic!("Xvfb did not start: {e}"));
        let mut number = String::new();
        if let Some(out) = server.stdout.take() {
            let _ = BufReader::new(out).read_line(&mut number);
        }
        let display = Self { server, name: format!(":{}", number.trim()) };
        assert!(display.name.len() > 1, "Xvfb named no display");
        display
    }

    /// What `DISPLAY` has to say.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

/// Ends the display also when the test's process is killed.
const UNTIL_THE_PIPE_CLOSES: &str = "Xvfb -displayfd 1 -screen 0 \"$1\" -nolisten tcp & server=$!; exec 1>&-; cat >/dev/null; kill $server; wait $server";
