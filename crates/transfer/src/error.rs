//! What goes wrong with a transfer, and with one item of it, as stable codes and sentences for a person.

use crate::{ManifestFault, ReceiptFault};
use hither_model::{ErrorCode, Failure};
use std::io;

/// Why a transfer as a whole could not go on. What happens to a single item is an [`ItemFault`] instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// Stopped for now by a person.
    #[error("the transfer is paused")]
    Paused,
    /// Stopped for good by a person.
    #[error("the transfer was canceled")]
    Canceled,
    /// The lane broke.
    #[error("the connection broke during the transfer: {0}")]
    LaneBroken(#[source] io::Error),
    /// The lane ended before the transfer did.
    #[error("the connection ended before the transfer was complete")]
    LaneEnded,
    /// The other side broke the rules of the lane.
    #[error("the other program broke the transfer protocol: {0}")]
    Breach(&'static str),
    /// An offered manifest was refused.
    #[error(transparent)]
    Manifest(#[from] ManifestFault),
    /// Nothing that was given can be sent.
    #[error("there is nothing to send: no file or folder among what was given can be read")]
    NothingToSend,
    /// Too many files and folders were given.
    #[error("more than {limit} files and folders were given; send them in several parts or as an archive")]
    TooManyItems {
        /// The most that go into one transfer.
        limit: usize,
    },
    /// The names of what was given are too long altogether.
    #[error("the list of files takes more than {limit} bytes; send them in several parts or as an archive")]
    ListTooLong {
        /// The most an encoded manifest may take, in bytes.
        limit: usize,
    },
    /// A file is larger than the inbox's file system can hold.
    #[error("{path} is larger than the file system of the inbox can hold ({size} bytes)")]
    FileTooLarge {
        /// Its path within the transfer.
        path: String,
        /// Its declared size.
        size: u64,
    },
    /// Not enough room, found out before anything was written.
    #[error("not enough room in the inbox: {needed} bytes are needed, {free} bytes can be used")]
    DiskFull {
        /// Bytes the transfer needs.
        needed: u64,
        /// Bytes that are free beyond the reserve.
        free: u64,
    },
    /// A file or directory of ours could not be used.
    #[error("cannot {action} {path}: {source}")]
    Storage {
        /// What was tried.
        action: &'static str,
        /// Of which file or directory.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The inbox was removed, moved or unmounted.
    #[error("the inbox {path} is gone or is not the same directory any more")]
    InboxGone {
        /// Where it was.
        path: String,
    },
    /// The journal of an interrupted transfer is damaged.
    #[error("the record of the interrupted transfer is damaged; it cannot go on and must be sent anew")]
    JournalDamaged,
    /// There is no such interrupted transfer for this peer (somebody else's looks the same, F12).
    #[error("there is no such interrupted transfer")]
    NothingToResume,
    /// The transfer is another one than the peer thinks.
    #[error("the interrupted transfer has other contents than the one offered now")]
    OtherManifest,
    /// The transfer was begun before; it can only be resumed.
    #[error("the transfer was begun already")]
    AlreadyBegun,
    /// Another process or thread works on it.
    #[error("the transfer is being worked on already")]
    InUse,
    /// A receipt does not match what was sent.
    #[error(transparent)]
    Receipt(#[from] ReceiptFault),
}

impl TransferError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Paused | Self::LaneBroken(_) | Self::LaneEnded => ErrorCode::Interrupted,
            Self::Canceled => ErrorCode::Canceled,
            Self::Breach(_) => ErrorCode::Misbehaved,
            Self::Manifest(fault) => fault.code(),
            Self::NothingToSend => ErrorCode::Misuse,
            Self::TooManyItems { .. } | Self::ListTooLong { .. } | Self::FileTooLarge { .. } => ErrorCode::TooLarge,
            Self::DiskFull { .. } => ErrorCode::DiskFull,
            Self::Storage { source, .. } => storage_code(source),
            Self::InboxGone { .. } | Self::JournalDamaged => ErrorCode::StorageFailed,
            Self::NothingToResume => ErrorCode::UnknownId,
            Self::OtherManifest | Self::AlreadyBegun | Self::InUse => ErrorCode::Stale,
            Self::Receipt(fault) => fault.code(),
        }
    }

    /// Whether a transfer that was agreed to may go on another time: the cause is in this device's disk, or in the lane.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Paused
            | Self::LaneBroken(_)
            | Self::LaneEnded
            | Self::DiskFull { .. }
            | Self::Storage { .. }
            | Self::InboxGone { .. }
            | Self::NothingToResume
            | Self::InUse => true,
            Self::Canceled
            | Self::Breach(_)
            | Self::Manifest(_)
            | Self::NothingToSend
            | Self::TooManyItems { .. }
            | Self::ListTooLong { .. }
            | Self::FileTooLarge { .. }
            | Self::JournalDamaged
            | Self::OtherManifest
            | Self::AlreadyBegun
            | Self::Receipt(_) => false,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self.code() {
            ErrorCode::DiskFull => "free some space or choose another inbox, then resume",
            ErrorCode::StorageFailed => "check that the inbox is mounted, writable and healthy, then resume",
            ErrorCode::Interrupted => "it goes on where it stopped when both devices are connected again",
            ErrorCode::TooLarge => "send less at once, or receive on another disk",
            ErrorCode::Misbehaved => "make sure that both devices run an up-to-date hither",
            _ => return None,
        })
    }

    pub(crate) fn storage(action: &'static str, path: impl AsRef<str>, source: impl Into<io::Error>) -> Self {
        Self::Storage { action, path: hither_model::text::printable(path.as_ref()), source: source.into() }
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        let failure = Self::new(error.code(), error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// Why one item did not make it; the others go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct ItemFault {
    /// The stable code.
    pub code: ErrorCode,
    /// Why, for a person; free of line breaks and hidden characters.
    pub why: String,
}

impl ItemFault {
    pub(crate) fn new(code: ErrorCode, why: impl Into<String>) -> Self {
        Self { code, why: why.into() }
    }

    /// The system refused to read or write.
    pub(crate) fn io(action: &str, error: &io::Error) -> Self {
        Self::new(storage_code(error), format!("cannot {action}: {error}"))
    }

    pub(crate) fn changed() -> Self {
        Self::new(ErrorCode::SourceChanged, "the file changed while it was being sent")
    }
}

/// The code for what the system says about files.
pub(crate) fn storage_code(error: &io::Error) -> ErrorCode {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
        io::ErrorKind::FileTooLarge => ErrorCode::TooLarge,
        io::ErrorKind::InvalidFilename => ErrorCode::NameRefused,
        _ => ErrorCode::StorageFailed,
    }
}
