//! A sender and a receiver in one process with a socket pair as the lane, and lanes that misbehave on purpose.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this")]

use hither_model::{PeerId, TransferId};
use hither_transfer::{
    Choices, Inbox, Limits, Outgoing, Plan, ReceiveEvent, Received, Receiving, SendEvent, SendOutcome, Sender, Stop,
    TransferError, scan,
};
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
};

pub const PEER: PeerId = PeerId::new([9; 32]);
pub const ID: TransferId = TransferId::new([7; 16]);

/// Directories for one exchange.
pub struct Pair {
    home: Home,
}

enum Home {
    Ours(tempfile::TempDir),
    Given(PathBuf),
}

/// What both ends said.
pub struct Said {
    pub sent: Result<SendOutcome, TransferError>,
    pub received: Result<Received, TransferError>,
    pub send_events: Vec<SendEvent>,
    pub receive_events: Vec<ReceiveEvent>,
}

impl Pair {
    pub fn new() -> Self {
        Self::made(Home::Ours(memory_or_disk()))
    }

    /// In a directory that is there, and maybe was used before.
    pub fn within(home: &Path) -> Self {
        Self::made(Home::Given(home.to_owned()))
    }

    fn made(home: Home) -> Self {
        let pair = Self { home };
        for path in [pair.source(), pair.inbox_path(), pair.store()] {
            std::fs::create_dir_all(path).unwrap();
        }
        pair
    }

    pub fn home(&self) -> &Path {
        match &self.home {
            Home::Ours(home) => home.path(),
            Home::Given(home) => home,
        }
    }

    pub fn source(&self) -> PathBuf {
        self.home().join("source")
    }

    pub fn inbox_path(&self) -> PathBuf {
        self.home().join("inbox")
    }

    pub fn store(&self) -> PathBuf {
        self.home().join("store")
    }

    pub fn inbox(&self) -> Inbox {
        Inbox::open(&self.inbox_path(), &Limits::default()).unwrap()
    }

    /// Writes a file below the source directory.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.source().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Offers things below the source directory.
    pub fn offer(&self, names: &[&str]) -> Sender {
        self.offer_as(ID, names)
    }

    pub fn offer_as(&self, id: TransferId, names: &[&str]) -> Sender {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.source().join(name)).collect();
        let found = scan(&paths, &Limits::default(), &Stop::new()).unwrap();
        Sender::new(Outgoing::create(&self.store(), id, PEER, found).unwrap())
    }

    pub fn begin(&self, sender: &Sender) -> Receiving {
        self.begin_with(sender, Choices::default()).unwrap()
    }

    pub fn begin_with(&self, sender: &Sender, choices: Choices) -> Result<Receiving, TransferError> {
        let outgoing = sender.outgoing();
        let manifest = outgoing.manifest().encode();
        Receiving::begin(&self.inbox(), outgoing.transfer(), outgoing.peer(), &manifest, choices)
    }

    pub fn resume(&self, sender: &Sender) -> Result<Receiving, TransferError> {
        let outgoing = sender.outgoing();
        Receiving::resume(&self.inbox(), outgoing.transfer(), outgoing.peer(), outgoing.manifest().hash())
    }

    /// All that is in the inbox.
    pub fn landed(&self) -> BTreeMap<String, Option<Vec<u8>>> {
        tree(&self.inbox_path())
    }
}

/// A directory in memory where there is one: waiting for a busy disk proves nothing here.
fn memory_or_disk() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A transfer with nothing in its way, from the first frame to the last.
pub fn exchange(sender: &mut Sender, receiving: &mut Receiving) -> Said {
    let plan = receiving.plan(&Stop::new()).unwrap();
    run(sender, receiving, &plan, |lane| lane, |lane| lane)
}

/// One lane, with something between each end and the stream.
pub fn run<W: Write + Send, R: Read>(
    sender: &mut Sender,
    receiving: &mut Receiving,
    plan: &Plan,
    over: impl FnOnce(UnixStream) -> W + Send,
    under: impl FnOnce(UnixStream) -> R,
) -> Said {
    let (near, far) = UnixStream::pair().unwrap();
    let mut send_events = Vec::new();
    let mut receive_events = Vec::new();
    let events = &mut send_events;
    let (sent, received) = thread::scope(|scope| {
        let sending = scope.spawn(move || {
            let mut lane = over(near);
            sender.run(&mut lane, plan, &mut |event| events.push(event), &Stop::new())
        });
        let mut lane = under(far);
        let received = receiving.run(&mut lane, &mut |event| receive_events.push(event), &Stop::new());
        drop(lane);
        (sending.join().unwrap(), received)
    });
    Said { sent, received, send_events, receive_events }
}

/// Files with their bytes and folders, by path.
pub fn tree(root: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path.symlink_metadata().unwrap().is_dir() {
                found.insert(name, None);
                waiting.push(path);
            } else {
                found.insert(name, Some(std::fs::read(&path).unwrap_or_default()));
            }
        }
    }
    found
}

/// Bytes that differ everywhere and are the same every time.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for chunk in out.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
    out
}

/// Passes so many bytes, then does something once, then goes on (or fails if it is told to).
pub struct Turn<L, F> {
    pub lane: L,
    pub left: usize,
    pub then: Option<F>,
    pub breaks: bool,
}

impl<L, F: FnOnce()> Turn<L, F> {
    pub fn at(lane: L, left: usize, then: F) -> Self {
        Self { lane, left, then: Some(then), breaks: false }
    }

    /// How many bytes may pass now.
    fn turn(&mut self, wanted: usize) -> io::Result<usize> {
        if self.left == 0 {
            if let Some(then) = self.then.take() {
                then();
            }
            if self.breaks {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            return Ok(wanted);
        }
        Ok(wanted.min(self.left))
    }
}

impl<L: Read, F: FnOnce()> Read for Turn<L, F> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.turn(room.len())?;
        let count = self.lane.read(&mut room[..count])?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}

impl<L: Write, F: FnOnce()> Write for Turn<L, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.turn(bytes.len())?;
        let count = self.lane.write(&bytes[..count])?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lane.flush()
    }
}

/// A lane that breaks after so many bytes.
pub fn cut<L>(lane: L, left: usize) -> Turn<L, fn()> {
    Turn { lane, left, then: None, breaks: true }
}

/// A lane that gives a byte at a time.
pub struct Trickle<R>(pub R);

impl<R: Read> Read for Trickle<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = room.len().min(1);
        self.0.read(&mut room[..count])
    }
}
