//! When it is worth looking at the networks again: signals on the system's bus, and a new file with the person's words.

use super::{
    PATIENCE,
    bus::{FIREWALL, MANAGER, MODEM_3GPP, MODEMS, call, connect},
    words::FILE,
};
use futures_core::Stream;
use rustix::fs::inotify;
use std::{fs::File, future::poll_fn, io, path::Path, pin::Pin, time::Duration};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe,
    time::{sleep, timeout},
};
use zbus::{MessageStream, message::Type};

const BUS: &str = "org.freedesktop.DBus";
/// How long signals are gathered before it is looked again.
const SETTLING: Duration = Duration::from_millis(300);
/// How often it is looked where the system does not tell of files.
const READING: Duration = Duration::from_secs(2);

/// Hears when something about networks may have changed. What changes after [`Self::listen`] is not missed.
pub struct Changes {
    signals: Option<MessageStream>,
    words: Option<pipe::Receiver>,
}

impl Changes {
    /// Listens on the system's bus, if there is one, and to the directory of the profile.
    pub async fn listen(profile: &Path) -> Self {
        let signals = timeout(PATIENCE, signals()).await.ok().and_then(Result::ok);
        Self { signals, words: words(profile).ok() }
    }

    /// Returns when it is worth looking again. Cancellation safe.
    pub async fn next(&mut self) {
        let Self { signals, words } = self;
        tokio::select! {
            () = signal(signals) => sleep(SETTLING).await,
            () = said(words) => {}
        }
    }
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").finish_non_exhaustive()
    }
}

/// Only what says something new about networks: a wireless card tells of its neighbours all day.
async fn signals() -> zbus::Result<MessageStream> {
    let bus = connect().await?;
    let stream = MessageStream::from(&bus);
    let changed = |of: &str| format!("type='signal',sender='{MANAGER}',member='PropertiesChanged',arg0='{of}'");
    for rule in [
        changed(MANAGER),
        changed(&format!("{MANAGER}.Connection.Active")),
        changed(&format!("{MANAGER}.IP4Config")),
        changed(&format!("{MANAGER}.IP6Config")),
        changed(&format!("{MANAGER}.Device")),
        format!("type='signal',sender='{MANAGER}',member='Updated'"),
        format!("type='signal',sender='{FIREWALL}',interface='{FIREWALL}'"),
        format!("type='signal',sender='{MODEMS}',member='PropertiesChanged',arg0='{MODEM_3GPP}'"),
        format!("type='signal',member='NameOwnerChanged',arg0='{MANAGER}'"),
        format!("type='signal',member='NameOwnerChanged',arg0='{FIREWALL}'"),
    ] {
        call(&bus, BUS, "/org/freedesktop/DBus", BUS, "AddMatch", &(rule,)).await?;
    }
    Ok(stream)
}

async fn signal(signals: &mut Option<MessageStream>) {
    let Some(stream) = signals else { return std::future::pending().await };
    loop {
        match poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await {
            Some(Ok(message)) if message.message_type() == Type::Signal => return,
            Some(Ok(_)) => {}
            // The bus is gone, and with it whoever knew: look once more.
            Some(Err(_)) | None => {
                *signals = None;
                return;
            }
        }
    }
}

/// The file is replaced as a whole, so the directory is watched. What tells of it is read like a pipe.
fn words(profile: &Path) -> io::Result<pipe::Receiver> {
    let watched = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
    inotify::add_watch(&watched, profile, inotify::WatchFlags::MOVED_TO)?;
    pipe::Receiver::from_file_unchecked(File::from(watched))
}

async fn said(words: &mut Option<pipe::Receiver>) {
    let Some(watched) = words else { return sleep(READING).await };
    let mut events = [0; 4096];
    loop {
        match watched.read(&mut events).await {
            Ok(count @ 1..) if names_ours(events.get(..count).unwrap_or_default()) => return,
            Ok(1..) => {}
            Ok(0) | Err(_) => return *words = None,
        }
    }
}

/// Whether one of the files that came into the directory is that with the person's words: names end with a zero byte.
fn names_ours(events: &[u8]) -> bool {
    events.windows(FILE.len() + 1).any(|part| part.strip_prefix(FILE.as_bytes()) == Some(&[0]))
}

#[cfg(test)]
mod tests {
    use super::{super::Said, *};

    #[tokio::test]
    async fn r1_6_a_word_of_the_person_is_heard_of_at_once_and_other_files_are_not() {
        let profile = tempfile::tempdir().unwrap();
        let mut watched = words(profile.path()).ok();
        let replaced = |name: &str| {
            std::fs::write(profile.path().join("next"), "").unwrap();
            std::fs::rename(profile.path().join("next"), profile.path().join(name)).unwrap();
        };
        replaced("settings.toml");
        assert!(poll_once(said(&mut watched)).await.is_none());
        super::super::say(profile.path(), "a", Said { private: Some(true), metered: None }).unwrap();
        said(&mut watched).await;
        replaced("settings.toml");
        replaced(FILE);
        said(&mut watched).await;
        assert!(watched.is_some());
    }

    async fn poll_once(future: impl Future<Output = ()>) -> Option<()> {
        tokio::select! {
            biased;
            () = future => Some(()),
            () = async { for _ in 0..8 { tokio::task::yield_now().await } } => None,
        }
    }
}
