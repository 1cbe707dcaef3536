//! The practice device: somebody to try hither with when nobody is near. It lives in a throw-away profile, shows a name
//! to everyone, accepts every invite after printing the code, echoes messages, and sends received files back.
//!
//! It is an ordinary agent with an ordinary client in the same process: what it does, any client could do.

use hither_control::{Client, NewsFeed};
use hither_model::{
    Answer, Ask, ErrorCode, Failure, News, PeerId, TransferId,
    row::{Direction, MessageRow, QuestionKind, QuestionRow},
    text,
};
use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The name it shows unless another is given.
pub(crate) const NAME: &str = "practice device";
/// Longest echo, bytes, with the words before it: what a message may have.
const LONGEST: usize = 64 * 1024;

/// A profile that is removed when the value is dropped.
pub(crate) fn profile() -> Result<TempDir, Failure> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("hither-practice-").permissions(fs::Permissions::from_mode(0o700)).tempdir().map_err(|e| {
        Failure::new(ErrorCode::StorageFailed, format!("no place for a throw-away profile: {e}"))
            .hint("make room in the directory for temporary files, or set TMPDIR")
    })
}

/// Plays the other person until `stop`.
pub(crate) async fn play(profile: PathBuf, stop: CancellationToken) {
    let outcome = stop.run_until_cancelled(async {
        let client = Client::connect(&profile).await?;
        let news = client.news().await?;
        Player { client, profile, arriving: HashMap::new() }.follow(news).await
    });
    if let Some(Err(failure)) = outcome.await {
        tell(&format!("the practice device gives up: {failure}"));
    }
}

struct Player {
    client: Client,
    profile: PathBuf,
    /// Who sends what is arriving.
    arriving: HashMap<TransferId, PeerId>,
}

impl Player {
    async fn follow(mut self, mut news: NewsFeed) -> Result<(), Failure> {
        loop {
            let outcome = match news.next().await? {
                News::Snapshot { questions, .. } => self.answer_all(questions).await,
                News::Question { question } => self.answer(question).await,
                News::Message { message } if message.direction == Direction::In => self.echo(message).await,
                News::Done { transfer, .. } => self.send_back(transfer).await,
                News::Dropped { transfer, .. } => {
                    self.arriving.remove(&transfer);
                    Ok(())
                }
                News::Stopping => return Ok(()),
                _ => Ok(()),
            };
            if let Err(failure) = outcome {
                tell(&format!("practice device: {failure}"));
            }
        }
    }

    async fn answer_all(&mut self, questions: Vec<QuestionRow>) -> Result<(), Failure> {
        for question in questions {
            self.answer(question).await?;
        }
        Ok(())
    }

    async fn answer(&mut self, question: QuestionRow) -> Result<(), Failure> {
        let name = text::printable(&question.name);
        match (question.kind, &question.code) {
            (QuestionKind::Invite | QuestionKind::KeyChanged, Some(code)) => {
                tell(&format!("{name} invites this device; the code here is {code}"));
            }
            (QuestionKind::Invite | QuestionKind::KeyChanged, None) => tell(&format!("{name} invites this device")),
            (QuestionKind::Transfer, _) => tell(&format!("{name} offers files")),
            (QuestionKind::Pin | QuestionKind::ChooseCertificate | QuestionKind::InsertCard, _) => return Ok(()),
        }
        let to = match question.transfer {
            Some(transfer) => {
                self.arriving.insert(transfer, question.peer);
                Some(self.folder_of(transfer)?)
            }
            None => None,
        };
        let accept = Ask::Accept {
            question: question.id.to_string(),
            always: false,
            same_code: question.code.is_some(),
            unverified: question.code.is_none(),
            to,
            executable: false,
            grant: None,
            identity: None,
        };
        match self.client.ask(accept).await {
            // Somebody else at this device was quicker, or it lapsed.
            Err(failure) if matches!(failure.code, ErrorCode::Stale | ErrorCode::UnknownId) => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    async fn echo(&mut self, message: MessageRow) -> Result<(), Failure> {
        let mut echo = format!("you said: {}", message.text);
        echo.truncate(echo.floor_char_boundary(LONGEST));
        self.client.ask(Ask::Say { to: message.session.to_string(), text: echo }).await.map(drop)
    }

    /// Offers what came in one transfer to whoever sent it.
    async fn send_back(&mut self, transfer: TransferId) -> Result<(), Failure> {
        let Some(peer) = self.arriving.remove(&transfer) else { return Ok(()) };
        let paths = entries(&self.folder_of(transfer)?)?;
        if paths.is_empty() {
            return Ok(());
        }
        if let Answer::Offered { items, .. } = self.client.ask(Ask::Send { peer: peer.to_string(), paths }).await? {
            tell(&format!("sends back {items} item(s)"));
        }
        Ok(())
    }

    /// Each transfer goes into a folder of its own, so that only its things are sent back.
    fn folder_of(&self, transfer: TransferId) -> Result<PathBuf, Failure> {
        let folder = self.profile.join("inbox").join(transfer.to_string());
        fs::create_dir_all(&folder).map_err(|e| failed(&folder, &e))?;
        Ok(folder)
    }
}

/// What lies in a folder, without what a transfer keeps there while it runs.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let listed = || -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if !entry.file_name().to_string_lossy().starts_with('.') {
                paths.push(entry.path());
            }
        }
        paths.sort();
        Ok(paths)
    };
    listed().map_err(|e| failed(folder, &e))
}

fn failed(path: &Path, e: &io::Error) -> Failure {
    Failure::new(ErrorCode::StorageFailed, format!("{}: {e}", path.display()))
}

/// Standard error is where a person follows what the practice device does.
fn tell(line: &str) {
    if writeln!(io::stderr(), "{line}").is_err() {
        tracing::info!("{line}");
    }
}
