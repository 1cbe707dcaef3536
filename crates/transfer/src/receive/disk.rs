//! A thread that writes and hashes large files while the lane's own thread goes on reading (and decrypting).
//!
//! Buffers travel to it and back; there are a few, so a slow disk slows the lane down and memory stays flat. What was
//! written is pushed towards the disk all along by a second thread, so that the last synchronisation is short and a power
//! cut costs little.

use crate::wire::Chunk;
use std::{
    fs::File,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel},
    },
    thread::{self, JoinHandle},
};

/// Buffers on their way at once.
const BUFFERS: usize = 6;
/// Bytes between two pushes towards the disk.
const PUSH: u64 = 32 << 20;

enum Job {
    Open(File, Box<blake3::Hasher>),
    Write(Chunk),
    Close,
}

/// A file that comes back from the thread.
pub(super) struct Landed {
    pub(super) file: File,
    pub(super) hasher: Box<blake3::Hasher>,
    /// Why not all bytes were written.
    pub(super) error: Option<io::Error>,
}

/// The near end of the thread. Dropping it waits until everything that was handed over is written.
pub(super) struct Disk {
    jobs: Option<SyncSender<Job>>,
    landed: Receiver<Landed>,
    spares: Receiver<Vec<u8>>,
    made: usize,
    failed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Disk {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let (jobs, work) = sync_channel(BUFFERS);
        let (land, landed) = channel();
        let (give, spares) = channel();
        let failed = Arc::new(AtomicBool::new(false));
        let worker = Worker { land, give, failed: Arc::clone(&failed), push: Push::start() };
        let thread = thread::Builder::new().name("hither disk".to_owned()).spawn(move || worker.run(&work))?;
        Ok(Self { jobs: Some(jobs), landed, spares, made: 0, failed, thread: Some(thread) })
    }

    /// Hands a file over, with the hash of what precedes its position.
    pub(super) fn open(&self, file: File, hasher: Box<blake3::Hasher>) -> io::Result<()> {
        self.send(Job::Open(file, hasher))
    }

    /// A buffer to read the next bytes into; waits for one if all are on their way.
    pub(super) fn spare(&mut self) -> io::Result<Vec<u8>> {
        if let Ok(spare) = self.spares.try_recv() {
            return Ok(spare);
        }
        if self.made < BUFFERS {
            self.made += 1;
            return Ok(Chunk::room());
        }
        self.spares.recv().map_err(|_| gone())
    }

    /// Hands bytes over. `false` if an earlier write failed: close the file to learn why.
    pub(super) fn write(&self, chunk: Chunk) -> io::Result<bool> {
        self.send(Job::Write(chunk))?;
        Ok(!self.failed.load(Ordering::Relaxed))
    }

    /// Waits until all bytes are written and takes the file back.
    pub(super) fn close(&self) -> io::Result<Landed> {
        self.send(Job::Close)?;
        self.landed.recv().map_err(|_| gone())
    }

    fn send(&self, job: Job) -> io::Result<()> {
        self.jobs.as_ref().ok_or_else(gone)?.send(job).map_err(|_| gone())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the disk thread is gone")
}

struct Worker {
    land: Sender<Landed>,
    give: Sender<Vec<u8>>,
    failed: Arc<AtomicBool>,
    push: Option<Push>,
}

impl Worker {
    fn run(self, work: &Receiver<Job>) {
        let mut open: Option<Landed> = None;
        let mut since = 0;
        for job in work {
            match (job, &mut open) {
                (Job::Open(file, hasher), _) => {
                    self.failed.store(false, Ordering::Relaxed);
                    since = 0;
                    open = Some(Landed { file, hasher, error: None });
                }
                (Job::Write(chunk), Some(open)) => {
                    since += chunk.bytes().len() as u64;
                    self.write(open, &chunk);
                    // Nobody waiting for buffers any more is fine.
                    let _ = self.give.send(chunk.into_room());
                    if since >= PUSH {
                        since = 0;
                        self.push.iter().for_each(|push| push.file(&open.file));
                    }
                }
                (Job::Write(_), None) => {}
                (Job::Close, _) => {
                    if let Some(landed) = open.take() {
                        let _ = self.land.send(landed);
                    }
                }
            }
        }
    }

    fn write(&self, open: &mut Landed, chunk: &Chunk) {
        if open.error.is_some() {
            return;
        }
        open.hasher.update(chunk.bytes());
        if let Err(error) = open.file.write_all(chunk.bytes()) {
            self.failed.store(true, Ordering::Relaxed);
            open.error = Some(error);
        }
    }
}

/// Pushes files towards the disk without keeping anybody waiting.
struct Push(SyncSender<File>);

impl Push {
    fn start() -> Option<Self> {
        let (files, work) = sync_channel::<File>(1);
        let pushing = move || {
            for file in work {
                // What goes wrong here goes wrong again, and is told, when the file is finished.
                let _ = file.sync_data();
            }
        };
        thread::Builder::new().name("hither push".to_owned()).spawn(pushing).ok().map(|_| Self(files))
    }

    fn file(&self, file: &File) {
        if let Ok(again) = file.try_clone()
            && let Err(TrySendError::Disconnected(_)) = self.0.try_send(again)
        {
            tracing::debug!("the pushing thread is gone");
        }
    }
}
