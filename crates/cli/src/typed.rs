//! One line as it is typed or handed over. Read without a buffer, so that nothing of a secret stays behind in one and
//! nothing is taken that belongs to the next question; wiped when dropped; and given up without a trace when whoever
//! asked waits no longer, so that what is typed later goes to the question on the screen.

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::{Errno, read, retry_on_intr},
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr},
};
use std::{
    fs::File,
    io::{self, IsTerminal, PipeReader},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};
use zeroize::Zeroizing;

/// Longest line that is read, bytes.
const LONGEST: usize = 16 * 1024;

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard input.
    Input,
    /// The terminal of this process, whatever standard input is.
    Terminal,
}

impl Source {
    /// Where the person types, if there is one.
    pub(crate) fn person() -> Option<Self> {
        if io::stdin().is_terminal() {
            return Some(Self::Input);
        }
        (io::stderr().is_terminal() && File::open("/dev/tty").is_ok()).then_some(Self::Terminal)
    }

    fn open(self) -> io::Result<OwnedFd> {
        match self {
            Self::Input => io::stdin().as_fd().try_clone_to_owned(),
            Self::Terminal => Ok(File::open("/dev/tty")?.into()),
        }
    }
}

/// The next line with its end, or what there was before the input ended. Dropped, it reads no more.
pub(crate) async fn line(from: Source) -> io::Result<Zeroizing<String>> {
    // The thread that reads notices when `_held` is gone.
    let (given_up, _held) = io::pipe()?;
    let input = from.open()?;
    let read = tokio::task::spawn_blocking(move || read_line(input.as_fd(), &given_up));
    read.await.map_err(io::Error::other)?
}

fn read_line(input: BorrowedFd<'_>, given_up: &PipeReader) -> io::Result<Zeroizing<String>> {
    // Never grown: a copy that is left behind would not be wiped.
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = Zeroizing::new([0]);
    while line.len() < LONGEST {
        wait(input, given_up.as_fd())?;
        if retry_on_intr(|| read(input, &mut byte[..]))? == 0 {
            break;
        }
        line.push(byte[0]);
        if byte[0] == b'\n' {
            break;
        }
    }
    // The error of the standard library would carry the bytes.
    let text = std::str::from_utf8(&line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Waits until there is something to read, or nobody waits for it.
fn wait(input: BorrowedFd<'_>, given_up: BorrowedFd<'_>) -> io::Result<()> {
    let mut both = [PollFd::from_borrowed_fd(input, PollFlags::IN), PollFd::from_borrowed_fd(given_up, PollFlags::IN)];
    match retry_on_intr(|| poll(&mut both, None)) {
        Ok(_) | Err(Errno::INVAL) => {}
        Err(e) => return Err(e.into()),
    }
    if both[1].revents().is_empty() { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
}

/// A terminal that does not show what is typed; as it was when dropped.
pub(crate) struct Quiet {
    terminal: OwnedFd,
    before: Termios,
}

impl Quiet {
    pub(crate) fn on(source: Source) -> io::Result<Self> {
        let terminal = source.open()?;
        let before = tcgetattr(&terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is nobody to tell if the terminal is gone.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn given(bytes: &[u8]) -> OwnedFd {
        let (read, mut write) = io::pipe().unwrap();
        write.write_all(bytes).unwrap();
        read.into()
    }

    #[test]
    fn a_line_ends_at_its_end_at_the_end_of_the_input_or_at_the_limit() {
        let (given_up, _held) = io::pipe().unwrap();
        let line = |input: &OwnedFd| read_line(input.as_fd(), &given_up).map(|line| line.to_string());
        let input = given(b"y\nrest");
        assert_eq!([line(&input).unwrap(), line(&input).unwrap(), line(&input).unwrap()], ["y\n", "rest", ""]);
        assert_eq!(line(&given(&[b'x'; 40_000])).unwrap().len(), 16 * 1024);
        assert!(!format!("{:?}", line(&given(b"12\xff34\n")).unwrap_err()).contains("34"));
    }

    #[test]
    fn nobody_takes_what_is_typed_after_the_question_is_gone() {
        let (given_up, held) = io::pipe().unwrap();
        drop(held);
        let input = given(b"1234\n");
        assert!(read_line(input.as_fd(), &given_up).is_err());
        let (given_up, _held) = io::pipe().unwrap();
        assert_eq!(read_line(input.as_fd(), &given_up).unwrap().as_str(), "1234\n");
    }
}
