//! Asking the person. Questions go to standard error; answers come from standard input, or from the terminal when
//! standard input has ended. No answer is a no.

use crate::{desk::Desk, halt::Halt};
use hither_model::{ErrorCode, Failure};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal, Read},
};

/// Longest line that is read, bytes.
const LONGEST: u64 = 16 * 1024;

/// Whether there is somebody who can be asked.
pub(crate) fn attended() -> bool {
    io::stdin().is_terminal() || (io::stderr().is_terminal() && File::open("/dev/tty").is_ok())
}

/// Asks a question that is answered by yes or no; anything but a yes is a no.
pub(crate) async fn yes(desk: &Desk<'_>, question: &str) -> Result<bool, Halt> {
    desk.screen.draw(&format!("{question} [y/N] "))?;
    let line = blocking(|| {
        let mut line = read_line(&mut io::stdin().lock())?;
        if line.is_empty() && !io::stdin().is_terminal() && io::stderr().is_terminal() {
            line = read_line(&mut BufReader::new(File::open("/dev/tty")?))?;
        }
        Ok(line)
    })
    .await?;
    if !line.ends_with('\n') {
        desk.screen.draw("\n")?;
    }
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Reads one line that is not to be seen: from the terminal without echo, else from standard input.
pub(crate) async fn secret(desk: &Desk<'_>, prompt: &str) -> Result<String, Halt> {
    let terminal = io::stdin().is_terminal();
    if terminal {
        desk.screen.draw(prompt)?;
    }
    let line = blocking(move || {
        let _quiet = if terminal { Some(Quiet::new()?) } else { None };
        read_line(&mut io::stdin().lock())
    })
    .await?;
    if terminal {
        desk.screen.draw("\n")?;
    }
    Ok(line.trim().to_owned())
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    from.take(LONGEST).read_line(&mut line)?;
    Ok(line)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Halt> {
    let failed = |why: String| Failure::new(ErrorCode::StorageFailed, format!("the answer cannot be read: {why}"));
    let read = tokio::task::spawn_blocking(work).await.map_err(|e| failed(e.to_string()))?;
    Ok(read.map_err(|e| failed(e.to_string()))?)
}

/// A terminal that does not show what is typed; as it was when dropped.
struct Quiet(Termios);

impl Quiet {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is nobody to tell if the terminal is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_cut() {
        let long = [b'x'; 40_000];
        assert_eq!(read_line(&mut &long[..]).unwrap().len(), 16 * 1024);
        assert_eq!(read_line(&mut &b"y\nrest"[..]).unwrap(), "y\n");
        assert!(read_line(&mut &b""[..]).unwrap().is_empty());
    }
}
