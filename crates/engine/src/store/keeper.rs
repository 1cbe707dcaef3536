//! A thread of its own that writes remembered files in the order they were handed over, so that an fsync never stalls
//! the engine. Where durability matters the caller waits for the receipt. Large files that change often are handed over
//! again only when their last version is on disk: [`Keeper::is_writing`], [`Stale`].

use super::sealed::{self, Form};
use serde::Serialize;
use std::{
    collections::{HashMap, HashSet},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};
use tokio::sync::oneshot;

/// Which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    /// Devices met.
    People,
    /// Open sessions.
    Sessions,
    /// Transfers.
    Transfers,
    /// Invite links.
    Links,
    /// Pairing runs spent.
    Runs,
    /// Small things: the last port.
    Traces,
    /// Last uses of capabilities.
    Uses,
    /// Certificate authorities trusted for people.
    Authorities,
    /// Services that are lent beyond a session.
    Lent,
    /// What devices may do without a question.
    Grants,
    /// By which friends recognise this device's Bluetooth adverts.
    Radio,
    /// What waits to be sent.
    Outbox,
}

impl Slot {
    /// File name and kind, and format version.
    pub(crate) const fn file(self) -> (&'static str, u32) {
        match self {
            Self::People => ("people", 1),
            Self::Sessions => ("sessions", 1),
            Self::Transfers => ("transfers", 1),
            Self::Links => ("links", 1),
            Self::Runs => ("runs", 1),
            Self::Traces => ("traces", 1),
            Self::Uses => ("uses", 1),
            Self::Authorities => ("authorities", 1),
            Self::Lent => ("lent", 1),
            Self::Grants => ("grants", 1),
            Self::Radio => ("radio", 1),
            Self::Outbox => ("outbox", 1),
        }
    }

    /// The same with the steps from earlier versions. All are in their first one yet: whoever raises a version adds the
    /// step from the one before here.
    const fn form(self) -> Form {
        let (kind, version) = self.file();
        Form { kind, version, steps: &[] }
    }
}

/// Told when a file is on disk.
type Receipt = oneshot::Sender<io::Result<()>>;

/// Files handed over and not yet on disk.
type Writing = Arc<Mutex<HashSet<Slot>>>;

/// A file that is to be written anew, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Stale {
    is_stale: bool,
    receipts: Vec<Receipt>,
}

impl Stale {
    /// What is on disk is not what should be.
    pub(crate) fn mark(&mut self) {
        self.is_stale = true;
    }

    /// The same; the receiver hears when it is.
    pub(crate) fn mark_and_wait(&mut self) -> oneshot::Receiver<io::Result<()>> {
        let (written, receipt) = oneshot::channel();
        self.is_stale = true;
        self.receipts.push(written);
        receipt
    }

    /// Whether it must be written; those who wait come with it.
    pub(crate) fn take(&mut self) -> Option<Vec<Receipt>> {
        std::mem::take(&mut self.is_stale).then(|| std::mem::take(&mut self.receipts))
    }
}

enum Job {
    Write { slot: Slot, bytes: Vec<u8>, written: Vec<Receipt> },
    Append { path: PathBuf, line: Vec<u8> },
    Replace { path: PathBuf, lines: Vec<u8> },
}

/// Hands files to the writing thread.
#[derive(Debug)]
pub(crate) struct Keeper {
    dir: PathBuf,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    writing: Writing,
}

impl Keeper {
    /// Starts the thread for the profile directory, which is this agent's alone; it calls `on_written` whenever files are
    /// on disk.
    pub(crate) fn start(dir: PathBuf, on_written: impl Fn() + Send + 'static) -> io::Result<Self> {
        sealed::sweep(&dir);
        let (jobs, inbox) = mpsc::channel();
        let (at, writing) = (dir.clone(), Writing::default());
        let under_way = Arc::clone(&writing);
        let thread = std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || run(&at, &inbox, &under_way, &on_written))?;
        Ok(Self { dir, jobs: Some(jobs), thread: Some(thread), writing })
    }

    /// Reads a file of the profile; see [`sealed::load`].
    pub(crate) fn load<T: serde::de::DeserializeOwned>(&self, slot: Slot) -> Result<Option<T>, sealed::StoreFault> {
        let form = slot.form();
        sealed::load(&self.dir.join(form.kind), form)
    }

    /// Writes a file soon.
    pub(crate) fn save<T: Serialize>(&self, slot: Slot, value: &T) {
        self.write(slot, value, vec![]);
    }

    /// Whether an earlier version of the file is on its way to the disk. True to the word only for files that are never
    /// handed over while it says so.
    pub(crate) fn is_writing(&self, slot: Slot) -> bool {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner).contains(&slot)
    }

    /// Writes a file; the receiver hears when it is on disk.
    pub(crate) fn save_now<T: Serialize>(&self, slot: Slot, value: &T) -> oneshot::Receiver<io::Result<()>> {
        let (written, receipt) = oneshot::channel();
        self.write(slot, value, vec![written]);
        receipt
    }

    /// Writes a file; all who wait hear when it is on disk.
    pub(crate) fn write<T: Serialize>(&self, slot: Slot, value: &T, written: Vec<Receipt>) {
        let (name, version) = slot.file();
        let bytes = sealed::seal(name, version, value);
        if let Some(jobs) = &self.jobs {
            self.writing.lock().unwrap_or_else(PoisonError::into_inner).insert(slot);
            let _ = jobs.send(Job::Write { slot, bytes, written });
        }
    }

    /// Writes a file of lines anew.
    pub(crate) fn replace(&self, path: PathBuf, lines: Vec<u8>) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Job::Replace { path, lines });
        }
    }

    /// Appends a line to a file.
    pub(crate) fn append(&self, path: PathBuf, line: Vec<u8>) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Job::Append { path, line });
        }
    }
}

impl Drop for Keeper {
    /// Waits until everything handed over is on disk.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(dir: &std::path::Path, inbox: &mpsc::Receiver<Job>, writing: &Writing, on_written: &dyn Fn()) {
    while let Ok(first) = inbox.recv() {
        // Of several versions of one file waiting, only the last needs writing; all of them are then answered.
        let mut waiting: HashMap<Slot, (Vec<u8>, Vec<Receipt>)> = HashMap::new();
        let mut lines: HashMap<PathBuf, (bool, Vec<u8>)> = HashMap::new();
        for job in std::iter::once(first).chain(inbox.try_iter()) {
            match job {
                Job::Write { slot, bytes, written } => {
                    let entry = waiting.entry(slot).or_default();
                    entry.0 = bytes;
                    entry.1.extend(written);
                }
                Job::Append { path, line } => lines.entry(path).or_default().1.extend(line),
                Job::Replace { path, lines: all } => drop(lines.insert(path, (true, all))),
            }
        }
        for (slot, (bytes, written)) in waiting {
            let outcome = sealed::write(&dir.join(slot.file().0), &bytes);
            if let Err(error) = &outcome {
                tracing::error!(?slot, %error, "could not be written");
            }
            writing.lock().unwrap_or_else(PoisonError::into_inner).remove(&slot);
            for receipt in written {
                let _ = receipt.send(outcome.as_ref().copied().map_err(|e| io::Error::new(e.kind(), e.to_string())));
            }
        }
        on_written();
        for (path, (anew, lines)) in lines {
            let outcome = if anew { sealed::write(&path, &lines) } else { append(&path, &lines) };
            if let Err(error) = outcome {
                tracing::warn!(path = %path.display(), %error, "could not be written");
            }
        }
    }
}

fn append(path: &std::path::Path, lines: &[u8]) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = std::fs::File::from(rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?);
    io::Write::write_all(&mut file, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_receipt_comes_only_when_the_file_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = Keeper::start(dir.path().to_owned(), || {}).unwrap();
        keeper.save(Slot::Runs, &1);
        keeper.save_now(Slot::Runs, &2).await.unwrap().unwrap();
        assert_eq!(keeper.load::<i32>(Slot::Runs).unwrap(), Some(2));
    }

    #[test]
    fn dropping_the_keeper_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = Keeper::start(dir.path().to_owned(), || {}).unwrap();
        for n in 0..100 {
            keeper.save(Slot::People, &n);
        }
        drop(keeper);
        assert_eq!(Keeper::start(dir.path().to_owned(), || {}).unwrap().load::<i32>(Slot::People).unwrap(), Some(99));
    }
}
