//! What is too much (SECURITY: caps on count and manifest bytes, checked before anything is allocated).

use crate::NameRules;

/// The most that is accepted or offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Files and folders in one transfer: 100,000.
    pub items: usize,
    /// Bytes of an encoded manifest: 16 MiB.
    pub manifest_bytes: usize,
    /// Bytes to leave free on the inbox's file system: 64 MiB, or a hundredth of it where that is less.
    pub reserve: u64,
    /// Which names can be written here.
    pub rules: NameRules,
}

impl Default for Limits {
    fn default() -> Self {
        Self { items: 100_000, manifest_bytes: 16 << 20, reserve: 64 << 20, rules: NameRules::here() }
    }
}

/// Files up to this many bytes are synchronised to disk in batches; larger ones by themselves, and only those resume
/// in their middle.
pub(crate) const SMALL_FILE: u64 = 1 << 20;
/// Files in a batch.
pub(crate) const BATCH_ITEMS: usize = 512;
/// Bytes in a batch.
pub(crate) const BATCH_BYTES: u64 = 32 << 20;
/// Files of a batch that are noted in the journal together, and bytes: what a killed receiver has to get again.
pub(crate) const NOTE_ITEMS: usize = 64;
pub(crate) const NOTE_BYTES: u64 = 4 << 20;
/// Bytes read from a file, hashed and written at once.
pub(crate) const CHUNK: usize = 256 << 10;
/// Progress is told about this often, in bytes.
pub(crate) const PROGRESS: u64 = 1 << 20;
