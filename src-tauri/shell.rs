//! What the shell holds while it runs: the way to the agent, tokens for files, what waits for the page. No state of the
//! domain is here; whatever is lost with this process the agent still has.

use crate::{agent::Reach, remembered::Remembered};
use hither_model::ask::LinkText;
use hither_window::{Desktop, Go, Picked, Tokens, locale, tray::Words};
use std::{
    env,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tauri::async_runtime::JoinHandle;
use tokio::sync::watch;

/// The label of the window people use. Events and permissions are for this one.
pub(crate) const MAIN: &str = "main";

/// The shell's state, shared by commands, window events and the tray.
#[derive(Debug)]
pub(crate) struct Shell {
    /// The way to the agent.
    pub(crate) reach: Reach,
    /// The profile's directory.
    pub(crate) profile: PathBuf,
    usual: bool,
    /// What is remembered between two starts.
    pub(crate) remembered: Remembered,
    tokens: Mutex<Tokens>,
    waiting: Mutex<Waiting>,
    opening: Mutex<Opening>,
    watcher: Mutex<Option<JoinHandle<()>>>,
    focus: watch::Sender<bool>,
    tray: AtomicBool,
    contrast: AtomicBool,
}

/// When the window began to open.
#[derive(Debug)]
struct Opening {
    began: Instant,
    before: bool,
}

/// What came before there was a page to tell.
#[derive(Debug, Default)]
struct Waiting {
    ready: bool,
    link: Option<LinkText>,
    offered: Vec<Picked>,
    go: Option<Go>,
}

/// What a page that has become ready is told.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// A link waits to be taken.
    pub(crate) link: bool,
    /// Files to find a device for.
    pub(crate) offered: Vec<Picked>,
    /// What to show.
    pub(crate) go: Option<Go>,
}

impl Shell {
    /// The shell of a profile; `usual` if it is the one that is meant when nobody names one.
    pub(crate) fn new(profile: PathBuf, usual: bool, began: Instant) -> Arc<Self> {
        Arc::new(Self {
            reach: Reach::new(profile.clone()),
            remembered: Remembered::of(&profile),
            profile,
            usual,
            opening: Mutex::new(Opening { began, before: false }),
            tokens: Mutex::default(),
            waiting: Mutex::default(),
            watcher: Mutex::default(),
            focus: watch::Sender::new(false),
            tray: AtomicBool::new(false),
            contrast: AtomicBool::new(false),
        })
    }

    /// The profile, if it is not the usual one.
    pub(crate) fn other_profile(&self) -> Option<&Path> {
        (!self.usual).then_some(&self.profile)
    }

    /// The tokens that are out.
    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        held(&self.tokens)
    }

    /// A window opens: the first one began with the program, each later one now.
    pub(crate) fn opens(&self) {
        let mut opening = held(&self.opening);
        if std::mem::replace(&mut opening.before, true) {
            opening.began = Instant::now();
        }
    }

    /// Nobody waits for a window yet.
    pub(crate) fn in_background(&self) {
        held(&self.opening).before = true;
    }

    /// How long the window has been opening, or open.
    pub(crate) fn opened_for(&self) -> Duration {
        held(&self.opening).began.elapsed()
    }

    /// Puts a new watcher in the place of the old one, which ends.
    pub(crate) fn watch_by(&self, watcher: JoinHandle<()>) {
        if let Some(old) = held(&self.watcher).replace(watcher) {
            old.abort();
        }
    }

    /// The window is gone: nobody watches, and what comes now waits for the next page.
    pub(crate) fn page_gone(&self) {
        held(&self.waiting).ready = false;
        self.focus.send_replace(false);
        if let Some(old) = held(&self.watcher).take() {
            old.abort();
        }
    }

    /// Keeps a link for the person's decision; a second one takes its place. Says whether a page is there to be told.
    pub(crate) fn keep_link(&self, link: LinkText) -> bool {
        let mut waiting = held(&self.waiting);
        waiting.link = Some(link);
        waiting.ready
    }

    /// Takes the link that waits.
    pub(crate) fn take_link(&self) -> Option<LinkText> {
        held(&self.waiting).link.take()
    }

    /// Keeps files for a page to come; gives them back if a page is there.
    pub(crate) fn offer(&self, picked: Vec<Picked>) -> Option<Vec<Picked>> {
        let mut waiting = held(&self.waiting);
        if waiting.ready {
            return Some(picked);
        }
        waiting.offered.extend(picked);
        None
    }

    /// Keeps what to show for a page to come; gives it back if a page is there.
    pub(crate) fn go(&self, go: Go) -> Option<Go> {
        let mut waiting = held(&self.waiting);
        if waiting.ready {
            return Some(go);
        }
        waiting.go = Some(go);
        None
    }

    /// The page listens now: what waited for it.
    pub(crate) fn page_ready(&self) -> Pending {
        let mut waiting = held(&self.waiting);
        waiting.ready = true;
        Pending { link: waiting.link.is_some(), offered: std::mem::take(&mut waiting.offered), go: waiting.go.take() }
    }

    /// Whether somebody looks at the window.
    pub(crate) fn focused(&self, seen: bool) {
        self.focus.send_if_modified(|before| std::mem::replace(before, seen) != seen);
    }

    /// Hears whether somebody looks at the window.
    pub(crate) fn focus(&self) -> watch::Receiver<bool> {
        self.focus.subscribe()
    }

    /// Whether there is a tray.
    pub(crate) fn tray(&self) -> bool {
        self.tray.load(Ordering::Relaxed)
    }

    /// There is a tray, or none any more.
    pub(crate) fn set_tray(&self, there: bool) {
        self.tray.store(there, Ordering::Relaxed);
    }

    /// The desktop asks for high contrast, or does not. Says whether that is new.
    pub(crate) fn set_contrast(&self, high: bool) -> bool {
        self.contrast.swap(high, Ordering::Relaxed) != high
    }

    /// The parts of the desktop's description that do not come from the toolkit.
    pub(crate) fn desktop(&self) -> Desktop {
        Desktop {
            chosen_language: self.remembered.language(),
            languages: languages(),
            scale: 1.0,
            dark: false,
            contrast: if self.contrast.load(Ordering::Relaxed) {
                hither_window::Contrast::More
            } else {
                hither_window::Contrast::Normal
            },
            reduced_motion: false,
            tray: self.tray(),
            autostart: crate::entries::autostart(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The tray's words in the person's language.
    pub(crate) fn words(&self) -> Words {
        let chosen = self.remembered.language();
        let languages = languages();
        Words::of(chosen.iter().chain(&languages).map(String::as_str))
    }
}

/// The languages of the system, best first.
fn languages() -> Vec<String> {
    let variables = ["LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"].map(|name| env::var(name).ok());
    locale::languages(variables.each_ref().map(|value| value.as_deref()))
}

/// What a lock protects; a thread that ended while it had it has left it whole.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::View;

    #[test]
    fn what_comes_before_the_page_is_told_once_when_it_is_ready() {
        let dir = tempfile::tempdir().unwrap();
        let shell = Shell::new(dir.path().to_owned(), false, Instant::now());
        let link = LinkText("hither://i/1#A".into());
        assert!(!shell.keep_link(link.clone()), "nobody is there to be told");
        let go = Go { view: View::Near, id: None };
        assert_eq!(shell.go(go.clone()), None);
        let pending = shell.page_ready();
        assert!(pending.link && pending.go == Some(go.clone()));
        assert!(shell.keep_link(link.clone()), "now there is a page");
        assert_eq!(shell.go(go.clone()), Some(go));
        assert_eq!((shell.take_link(), shell.take_link()), (Some(link), None), "it can be taken once");
        let again = shell.page_ready();
        assert!(!again.link && again.go.is_none());
    }
}
