//! A thread of its own that writes remembered files in the order they were handed over, so that an fsync never stalls
//! the engine. Where durability matters the caller waits for the receipt.

use super::sealed;
use serde::Serialize;
use std::{collections::HashMap, io, path::PathBuf, sync::mpsc, thread::JoinHandle};
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
        }
    }
}

/// Told when a file is on disk.
type Receipt = oneshot::Sender<io::Result<()>>;

enum Job {
    Write { slot: Slot, bytes: Vec<u8>, written: Option<Receipt> },
    Append { path: PathBuf, line: Vec<u8> },
}

/// Hands files to the writing thread.
#[derive(Debug)]
pub(crate) struct Keeper {
    dir: PathBuf,
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread for the profile directory.
    pub(crate) fn start(dir: PathBuf) -> io::Result<Self> {
        let (jobs, inbox) = mpsc::channel();
        let at = dir.clone();
        let thread = std::thread::Builder::new().name("keeper".into()).spawn(move || run(&at, &inbox))?;
        Ok(Self { dir, jobs: Some(jobs), thread: Some(thread) })
    }

    /// Reads a file of the profile; see [`sealed::load`].
    pub(crate) fn load<T: serde::de::DeserializeOwned>(&self, slot: Slot) -> Result<Option<T>, sealed::StoreFault> {
        let (name, version) = slot.file();
        sealed::load(&self.dir.join(name), name, version)
    }

    /// Writes a file soon.
    pub(crate) fn save<T: Serialize>(&self, slot: Slot, value: &T) {
        self.write(slot, value, None);
    }

    /// Writes a file; the receiver hears when it is on disk.
    pub(crate) fn save_now<T: Serialize>(&self, slot: Slot, value: &T) -> oneshot::Receiver<io::Result<()>> {
        let (written, receipt) = oneshot::channel();
        self.write(slot, value, Some(written));
        receipt
    }

    fn write<T: Serialize>(&self, slot: Slot, value: &T, written: Option<Receipt>) {
        let (name, version) = slot.file();
        let bytes = sealed::seal(name, version, value);
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Job::Write { slot, bytes, written });
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

fn run(dir: &std::path::Path, inbox: &mpsc::Receiver<Job>) {
    while let Ok(first) = inbox.recv() {
        // Of several versions of one file waiting, only the last needs writing; all of them are then answered.
        let mut waiting: HashMap<Slot, (Vec<u8>, Vec<Receipt>)> = HashMap::new();
        let mut lines: HashMap<PathBuf, Vec<u8>> = HashMap::new();
        for job in std::iter::once(first).chain(inbox.try_iter()) {
            match job {
                Job::Write { slot, bytes, written } => {
                    let entry = waiting.entry(slot).or_default();
                    entry.0 = bytes;
                    entry.1.extend(written);
                }
                Job::Append { path, line } => lines.entry(path).or_default().extend(line),
            }
        }
        for (slot, (bytes, written)) in waiting {
            let outcome = sealed::write(&dir.join(slot.file().0), &bytes);
            if let Err(error) = &outcome {
                tracing::error!(?slot, %error, "could not be written");
            }
            for receipt in written {
                let _ = receipt.send(outcome.as_ref().copied().map_err(|e| io::Error::new(e.kind(), e.to_string())));
            }
        }
        for (path, lines) in lines {
            if let Err(error) = append(&path, &lines) {
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
        let keeper = Keeper::start(dir.path().to_owned()).unwrap();
        keeper.save(Slot::Runs, &1);
        keeper.save_now(Slot::Runs, &2).await.unwrap().unwrap();
        assert_eq!(keeper.load::<i32>(Slot::Runs).unwrap(), Some(2));
    }

    #[test]
    fn dropping_the_keeper_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let keeper = Keeper::start(dir.path().to_owned()).unwrap();
        for n in 0..100 {
            keeper.save(Slot::People, &n);
        }
        drop(keeper);
        assert_eq!(Keeper::start(dir.path().to_owned()).unwrap().load::<i32>(Slot::People).unwrap(), Some(99));
    }
}
