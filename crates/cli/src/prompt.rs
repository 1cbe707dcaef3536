//! Asking the person. Questions go to standard error; answers come from standard input, or from the terminal where
//! standard input is something else. No answer is a no. A question that is given up leaves the terminal as it was.

pub(crate) use crate::typed::Source;
use crate::{desk::Desk, halt::Halt, screen::Screen, typed};
use hither_model::{ErrorCode, Failure};
use std::io::{self, IsTerminal};
use zeroize::Zeroizing;

/// Whether there is somebody who can be asked.
pub(crate) fn attended() -> bool {
    Source::person().is_some()
}

/// Asks a question that is answered by yes or no; anything but a yes is a no. The answer may also be handed over on
/// standard input; the terminal is asked when that has ended.
pub(crate) async fn yes(desk: &Desk<'_>, question: &str) -> Result<bool, Halt> {
    let mut asked = Asked::draw(desk.screen, &format!("{question} [y/N] "))?;
    let mut line = typed::line(Source::Input).await.map_err(unread)?;
    if line.is_empty() && !io::stdin().is_terminal() && io::stderr().is_terminal() {
        line = typed::line(Source::Terminal).await.map_err(unread)?;
    }
    asked.open = !line.ends_with('\n');
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Reads one line that is not to be seen: from the terminal without echo if standard input is one, else as it is handed
/// over. Without its end.
pub(crate) async fn secret(desk: &Desk<'_>, prompt: &str) -> Result<Zeroizing<String>, Halt> {
    if io::stdin().is_terminal() {
        return Ok(hidden(desk, Source::Input, prompt).await?.unwrap_or_default());
    }
    typed::line(Source::Input).await.map(whole).map_err(unread)
}

/// Asks the person for something that is not to be seen. `None` if they end the input instead (Ctrl-D).
pub(crate) async fn hidden(desk: &Desk<'_>, source: Source, prompt: &str) -> Result<Option<Zeroizing<String>>, Halt> {
    // Quiet before the prompt is there: nobody types blindly into a terminal that still echoes.
    let quiet = typed::Quiet::on(source).map_err(unread)?;
    let mut asked = Asked::draw(desk.screen, prompt)?;
    asked.quiet = Some(quiet);
    let line = typed::line(source).await.map_err(unread)?;
    Ok(if line.is_empty() { None } else { Some(whole(line)) })
}

/// Asks the person for a line that may be seen. `None` if they end the input instead (Ctrl-D).
pub(crate) async fn open(desk: &Desk<'_>, source: Source, prompt: &str) -> Result<Option<String>, Halt> {
    let mut asked = Asked::draw(desk.screen, prompt)?;
    let line = typed::line(source).await.map_err(unread)?;
    asked.open = !line.ends_with('\n');
    Ok(if line.is_empty() { None } else { Some(line.trim().to_owned()) })
}

/// The line without its end. What is before it stays: a password may begin or end with a space.
fn whole(mut line: Zeroizing<String>) -> Zeroizing<String> {
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    line
}

fn unread(e: io::Error) -> Halt {
    Failure::new(ErrorCode::StorageFailed, format!("the answer cannot be read: {e}")).into()
}

/// A prompt on the screen. When it is dropped, the terminal is as it was and the line of the prompt has ended, whether
/// there was an answer or not.
struct Asked<'a> {
    screen: &'a Screen,
    open: bool,
    quiet: Option<typed::Quiet>,
}

impl<'a> Asked<'a> {
    fn draw(screen: &'a Screen, prompt: &str) -> Result<Self, Halt> {
        screen.draw(prompt)?;
        Ok(Self { screen, open: true, quiet: None })
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.quiet = None;
        if self.open {
            // If nobody can be told, the next line fails too and says so.
            let _ = self.screen.draw("\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_keeps_its_spaces_and_loses_its_line_end() {
        for (line, text) in [(" a b \r\n", " a b "), ("123456", "123456"), ("\n", "")] {
            assert_eq!(whole(Zeroizing::new(line.into())).as_str(), text);
        }
    }
}
