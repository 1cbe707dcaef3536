//! What is offered: a tree of folders and files with sizes and times. Consent is to the hash of its bytes.
//!
//! A [`Manifest`] only exists if it keeps all rules: safe names, no clashes, parents that are folders and come before
//! their children, sizes that add up. Content is *not* in it: digests of files follow them on the lane.

mod codec;
mod summary;

use crate::{
    Limits, NameFault, NameRules, SafeName, SafeRelPath,
    name::{ClashSet, MAX_DEPTH, MAX_PATH_BYTES},
};
use hither_model::{ErrorCode, text::printable};
pub use summary::Summary;

/// When a file was last modified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mtime {
    /// Seconds since 1970; negative before.
    pub seconds: i64,
    /// Nanoseconds into that second, below 1,000,000,000.
    pub nanos: u32,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file.
    File {
        /// Its bytes; the receiver takes neither more nor less.
        size: u64,
        /// Whether its owner can run it. The receiver heeds this only if its person says so.
        executable: bool,
    },
}

/// One file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The number of the folder it lies in; `None` at the top.
    pub parent: Option<u32>,
    /// Its name.
    pub name: SafeName,
    /// File or folder.
    pub kind: Kind,
    /// Last modification.
    pub mtime: Mtime,
}

impl Entry {
    /// Bytes of content; 0 for folders.
    pub fn size(&self) -> u64 {
        match self.kind {
            Kind::Folder => 0,
            Kind::File { size, .. } => size,
        }
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder)
    }
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestFault {
    /// The bytes are not a manifest.
    #[error("the list of offered files is malformed: {0}")]
    Malformed(&'static str),
    /// More bytes than allowed.
    #[error("the list of offered files takes more than {limit} bytes")]
    Long {
        /// The limit.
        limit: usize,
    },
    /// More entries than allowed.
    #[error("more than {limit} files and folders are offered")]
    Many {
        /// The limit.
        limit: usize,
    },
    /// Sizes that no disk has.
    #[error("the offered files claim more bytes than any disk holds")]
    Sizes,
    /// A name that cannot be written safely.
    #[error("an offered name is refused: {fault} ({path})")]
    Name {
        /// Where, hidden characters escaped.
        path: String,
        /// Which rule.
        fault: NameFault,
    },
    /// Two names that some file systems take for the same.
    #[error("two offered names clash in one folder: {path}")]
    Clash {
        /// The second of them.
        path: String,
    },
}

impl ManifestFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Malformed(_) => ErrorCode::Misbehaved,
            Self::Long { .. } | Self::Many { .. } | Self::Sizes => ErrorCode::TooLarge,
            Self::Name { .. } | Self::Clash { .. } => ErrorCode::NameRefused,
        }
    }
}

/// A list of files and folders that keeps all rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    entries: Vec<Entry>,
    hash: [u8; 32],
    files: u32,
    bytes: u64,
}

impl Manifest {
    /// All entries; an item's number is its place here.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// One entry.
    pub fn entry(&self, item: u32) -> Option<&Entry> {
        self.entries.get(item as usize)
    }

    /// Number of entries.
    pub fn items(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    /// Number of files.
    pub fn files(&self) -> u32 {
        self.files
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// BLAKE3 of the encoded manifest: what the receiver's person says yes to.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The names that lead to an item, outermost first.
    pub fn path(&self, item: u32) -> Option<SafeRelPath> {
        let mut names = Vec::new();
        let mut at = Some(item);
        while let Some(entry) = at.and_then(|number| self.entry(number)) {
            names.push(entry.name.clone());
            at = entry.parent;
        }
        names.reverse();
        SafeRelPath::from_names(names).ok()
    }

    /// An item's path as text, `/` between names; empty if there is no such item.
    pub fn path_text(&self, item: u32) -> String {
        self.path(item).map(|path| path.to_string()).unwrap_or_default()
    }

    /// The top entry that an item lies in.
    pub fn top(&self, item: u32) -> u32 {
        let mut at = item;
        while let Some(parent) = self.entry(at).and_then(|entry| entry.parent) {
            at = parent;
        }
        at
    }
}

/// Where the names of one folder are counted: the folder's number, or this for the top.
const TOP: u32 = u32::MAX;

/// Builds a manifest entry by entry; each is checked against all before it.
pub(crate) struct Builder {
    rules: NameRules,
    max_items: usize,
    entries: Vec<Entry>,
    /// Depth and bytes of the path, of each entry that is a folder.
    reach: Vec<(u8, u16)>,
    clashes: ClashSet,
    files: u32,
    bytes: u64,
}

impl Builder {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            rules: limits.rules,
            max_items: limits.items.min(u32::MAX as usize - 1),
            entries: Vec::new(),
            reach: Vec::new(),
            clashes: ClashSet::new(),
            files: 0,
            bytes: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn limit(&self) -> usize {
        self.max_items
    }

    /// Whether a name at the top is taken.
    pub(crate) fn top_is_taken(&self, name: &str) -> bool {
        self.clashes.contains(TOP, name)
    }

    /// Adds an entry and says its number.
    pub(crate) fn push(
        &mut self,
        parent: Option<u32>,
        name: &str,
        kind: Kind,
        mtime: Mtime,
    ) -> Result<u32, ManifestFault> {
        if self.entries.len() >= self.max_items {
            return Err(ManifestFault::Many { limit: self.max_items });
        }
        if mtime.nanos >= 1_000_000_000 {
            return Err(ManifestFault::Malformed("a time is not a time"));
        }
        let (depth, above) = match parent {
            None => (0, 0),
            Some(parent) => match self.entries.get(parent as usize).zip(self.reach.get(parent as usize)) {
                Some((entry, reach)) if entry.is_folder() => (reach.0, reach.1 + 1),
                _ => return Err(ManifestFault::Malformed("a parent is not a folder that came before")),
            },
        };
        let fault = |fault| ManifestFault::Name { path: self.place_of(parent, name), fault };
        let safe = SafeName::new(name, self.rules).map_err(fault)?;
        if usize::from(depth) >= MAX_DEPTH {
            return Err(fault(NameFault::Deep));
        }
        let length = usize::from(above) + name.len();
        let reach = u16::try_from(length).ok().filter(|_| length <= MAX_PATH_BYTES);
        let reach = reach.ok_or_else(|| fault(NameFault::LongPath))?;
        let bytes = match kind {
            Kind::Folder => Some(self.bytes),
            Kind::File { size, .. } => self.bytes.checked_add(size).filter(|sum| i64::try_from(*sum).is_ok()),
        };
        let bytes = bytes.ok_or(ManifestFault::Sizes)?;
        if !self.clashes.insert(parent.unwrap_or(TOP), name) {
            return Err(ManifestFault::Clash { path: self.place_of(parent, name) });
        }
        self.bytes = bytes;
        self.files += u32::from(!matches!(kind, Kind::Folder));
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry { parent, name: safe, kind, mtime });
        self.reach.push((depth + 1, reach));
        Ok(number)
    }

    /// The finished manifest.
    pub(crate) fn finish(self) -> Result<Manifest, ManifestFault> {
        if self.entries.is_empty() {
            return Err(ManifestFault::Malformed("it is empty"));
        }
        let mut manifest = Manifest { entries: self.entries, hash: [0; 32], files: self.files, bytes: self.bytes };
        manifest.hash = blake3::hash(&manifest.encode()).into();
        Ok(manifest)
    }

    fn place_of(&self, parent: Option<u32>, name: &str) -> String {
        let mut path = printable(name);
        let mut at = parent;
        while let Some(entry) = at.and_then(|number| self.entries.get(number as usize)) {
            path = format!("{}/{path}", entry.name);
            at = entry.parent;
        }
        hither_model::text::shortened(&path, 512)
    }
}
