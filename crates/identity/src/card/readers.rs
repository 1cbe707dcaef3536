//! When cards come and go, as the PC/SC service (pcscd) tells it over its local socket.
//!
//! The client library of PC/SC Lite would have to be there for hither to start at all, on machines without any reader
//! too; what is needed of its protocol is three messages (winscard_msg.h, versions 4.2 and later). Numbers are in the
//! machine's own byte order. There is no card and no PIN in any of them; no card is connected to.

use super::error::CardError;
use hither_model::{ErrorCode, Failure};
use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

const VERSION: u32 = 0x11;
const READERS_STATE: u32 = 0x12;
const WAIT_FOR_CHANGE: u32 = 0x13;

/// The service keeps a table of this many readers. How many bytes each of them has differs between its builds, and is
/// found out; a row begins with the reader's name.
const READERS: usize = 16;
const ROWS: std::ops::RangeInclusive<usize> = 176..=256;
const NAME: usize = 128;

/// After so long without another byte the table is whole.
const QUIET: Duration = Duration::from_millis(150);

/// A card is in the reader (SCARD_PRESENT).
const PRESENT: u32 = 0x04;

/// How long the service may take for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderState {
    /// Its name, cleaned for showing.
    pub name: String,
    /// Whether there is a card in it.
    pub card: bool,
    /// Counts insertions and removals: it tells two cards apart that changed places between two looks.
    pub events: u32,
}

/// What is known of readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readers {
    /// These readers are there; perhaps none.
    There(Vec<ReaderState>),
    /// There is no PC/SC service.
    NoService,
}

/// Why the service cannot be listened to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadersFault {
    /// It does not run.
    #[error("the service for card readers (pcscd) is not running")]
    NotRunning,
    /// It does not understand us.
    #[error("the service for card readers (pcscd) speaks version {0}.{1} of its protocol, which is not known here")]
    Version(i32, i32),
    /// It broke off.
    #[error("the service for card readers (pcscd) went away: {0}")]
    Broken(#[from] io::Error),
}

impl ReadersFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotRunning | Self::Version(..) | Self::Broken(_) => ErrorCode::TokenAbsent,
        }
    }
}

impl From<ReadersFault> for Failure {
    fn from(fault: ReadersFault) -> Self {
        Failure::new(fault.code(), fault.to_string()).hint("start it: systemctl start pcscd.socket")
    }
}

/// A connection to the service.
#[derive(Debug)]
pub struct ReaderWatch {
    stream: UnixStream,
    /// Bytes of a row.
    row: usize,
}

impl ReaderWatch {
    /// Where the service listens, by its own rules.
    pub fn place() -> PathBuf {
        std::env::var_os("PCSCLITE_CSOCK_NAME").map_or_else(|| "/run/pcscd/pcscd.comm".into(), PathBuf::from)
    }

    /// Connects. Starts the service where the system does so by itself.
    ///
    /// # Errors
    /// [`ReadersFault`].
    pub fn connect(place: &Path) -> Result<Self, ReadersFault> {
        let mut minor = 4;
        for _ in 0..2 {
            let mut watch = Self::open(place)?;
            match watch.greet(minor)? {
                (4, theirs, true) if theirs >= 2 => {
                    watch.measure().map_err(|_| ReadersFault::Version(4, theirs))?;
                    return Ok(watch);
                }
                // It names the version it wants, and hangs up.
                (4, theirs, false) if theirs >= 2 && theirs != minor => minor = theirs,
                (major, theirs, _) => return Err(ReadersFault::Version(major, theirs)),
            }
        }
        Err(ReadersFault::Version(4, minor))
    }

    fn open(place: &Path) -> Result<Self, ReadersFault> {
        let stream = UnixStream::connect(place).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ReadersFault::NotRunning,
            _ => ReadersFault::Broken(error),
        })?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, row: 0 })
    }

    fn greet(&mut self, minor: i32) -> io::Result<(i32, i32, bool)> {
        let body = [4_i32.to_ne_bytes(), minor.to_ne_bytes(), [0; 4]].concat();
        self.send(VERSION, &body)?;
        let mut answer = [0; 12];
        self.stream.read_exact(&mut answer)?;
        let [major, minor, status] = words(answer);
        Ok((major.cast_signed(), minor.cast_signed(), status == 0))
    }

    fn send(&mut self, command: u32, body: &[u8]) -> io::Result<()> {
        let size = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.stream.write_all(&[&size.to_ne_bytes(), &command.to_ne_bytes(), body].concat())
    }

    /// Finds out how long a row is: asks for the table and takes what comes.
    fn measure(&mut self) -> io::Result<()> {
        self.send(READERS_STATE, &[])?;
        let mut table = [0; READERS * 256 + 1];
        let mut length = self.stream.read(&mut table)?;
        self.stream.set_read_timeout(Some(QUIET))?;
        while let Some(room) = table.get_mut(length..).filter(|room| !room.is_empty()) {
            match self.stream.read(room) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => break,
                Err(error) => return Err(error),
            }
        }
        self.stream.set_read_timeout(Some(PATIENCE))?;
        self.row = length / READERS;
        match length.is_multiple_of(READERS) && ROWS.contains(&self.row) {
            true => Ok(()),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn table(&mut self) -> io::Result<Vec<ReaderState>> {
        let mut table = vec![0; READERS * self.row];
        self.stream.read_exact(&mut table)?;
        Ok(table.chunks_exact(self.row.max(1)).filter_map(reader).collect())
    }

    /// The readers that are there now.
    ///
    /// # Errors
    /// [`ReadersFault::Broken`].
    pub fn readers(&mut self) -> Result<Vec<ReaderState>, ReadersFault> {
        self.send(READERS_STATE, &[])?;
        Ok(self.table()?)
    }

    /// Tells the readers now and after every change, until `hear` says `false` or the service goes away. What happens
    /// while `hear` is at work is not lost.
    ///
    /// # Errors
    /// [`ReadersFault::Broken`].
    pub fn follow(mut self, mut hear: impl FnMut(Vec<ReaderState>) -> bool) -> Result<(), ReadersFault> {
        loop {
            // The service answers with what is there now, and later with eight bytes when that has changed.
            self.stream.set_read_timeout(Some(PATIENCE))?;
            self.send(WAIT_FOR_CHANGE, &[])?;
            if !hear(self.table()?) {
                return Ok(());
            }
            self.stream.set_read_timeout(None)?;
            self.stream.read_exact(&mut [0; 8])?;
        }
    }
}

fn words(bytes: [u8; 12]) -> [u32; 3] {
    let mut words = [0; 3];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_ne_bytes(*bytes);
    }
    words
}

/// One row of the table; `None` if it is free.
fn reader(row: &[u8]) -> Option<ReaderState> {
    let (name, rest) = row.split_at_checked(NAME)?;
    let name = name.split(|byte| *byte == 0).next().filter(|name| !name.is_empty())?;
    let [events, state, _] = words(*rest.first_chunk::<12>()?);
    Some(ReaderState { name: CardError::words(&String::from_utf8_lossy(name)), card: state & PRESENT != 0, events })
}

/// Ends the watching when dropped.
#[derive(Debug)]
pub struct Watching {
    stop: std::sync::mpsc::SyncSender<()>,
    current: std::sync::Arc<std::sync::Mutex<Option<UnixStream>>>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.stop.try_send(());
        if let Some(stream) = &*self.current.lock().unwrap_or_else(|poison| poison.into_inner()) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Watches on a thread of its own, and tells `hear` each time what is there now; survives the service's restarts. While
/// there is no service it looks again every `pause`.
///
/// # Errors
/// When no thread can be started.
pub fn watch_readers(
    place: PathBuf,
    pause: Duration,
    mut hear: impl FnMut(Readers) + Send + 'static,
) -> io::Result<Watching> {
    let (stop, stopped) = std::sync::mpsc::sync_channel(1);
    let current = std::sync::Arc::new(std::sync::Mutex::new(None));
    let watching = Watching { stop, current: std::sync::Arc::clone(&current) };
    let over = move || !matches!(stopped.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty));
    thread::Builder::new().name("readers".into()).spawn(move || {
        let mut silent = false;
        while !over() {
            if let Ok(watch) = ReaderWatch::connect(&place) {
                let twin = watch.stream.try_clone().ok();
                *current.lock().unwrap_or_else(|poison| poison.into_inner()) = twin;
                silent = false;
                let _ = watch.follow(|readers| {
                    hear(Readers::There(readers));
                    !over()
                });
            }
            if over() {
                return;
            }
            if !silent {
                silent = true;
                hear(Readers::NoService);
            }
            thread::sleep(pause);
        }
    })?;
    Ok(watching)
}
