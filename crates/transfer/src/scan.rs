//! The sender's walk through what it was given: regular files and folders only, no link is ever followed.
//!
//! What cannot be sent is skipped and reported ([`Skipped`]), never silently: links, FIFOs, sockets, devices, what cannot
//! be read, and names that no receiver could write. Files are not opened here; that they are still what they were is
//! checked when they are sent.

use crate::{
    Entry, Kind, Limits, Manifest, ManifestFault, Mtime, NameRules, SafeName, Stop, TransferError, manifest::Builder,
};
use hither_model::{ErrorCode, row::FailedItem, text::printable};
use rustix::{
    fs::{self, AtFlags, CWD, FileType, Mode, OFlags, Stat},
    io::Errno,
};
use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

/// Something that is not sent, and why.
pub type Skipped = FailedItem;

/// Most skipped things that are listed one by one; the rest is one line.
const MAX_SKIPPED: usize = 1_000;

/// What can be sent of what was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    pub(crate) manifest: Manifest,
    /// Where each entry at the top comes from, in their order.
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) skipped: Vec<Skipped>,
}

impl Scan {
    /// What is offered.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether another scan found the same: the same files of the same size and time, by the same names, in the same
    /// folders. When a folder was touched last says nothing about what is in it.
    pub fn found_the_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.manifest.entries(), other.manifest.entries());
        let same = |(a, b): (&Entry, &Entry)| {
            (a.parent, &a.name, a.kind) == (b.parent, &b.name, b.kind) && (a.is_folder() || a.mtime == b.mtime)
        };
        self.roots == other.roots && ours.len() == theirs.len() && ours.iter().zip(theirs).all(same)
    }

    /// What is left out, at most 1,000 of them and a line for the rest.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }
}

/// Walks the given files and folders, in the order given; within a folder, by name.
///
/// # Errors
/// Nothing to send, too much, or stopped.
pub fn scan(paths: &[PathBuf], limits: &Limits, stop: &Stop) -> Result<Scan, TransferError> {
    let mut walk = Walk { builder: Builder::new(limits), roots: Vec::new(), skipped: Vec::new(), more: 0, stop };
    for path in paths {
        walk.given(path, limits.rules).map_err(|error| capped(error, limits))?;
    }
    if walk.builder.len() == 0 {
        return Err(TransferError::NothingToSend);
    }
    let manifest = walk.builder.finish()?;
    if manifest.encode().len() > limits.manifest_bytes {
        return Err(TransferError::ListTooLong { limit: limits.manifest_bytes });
    }
    if walk.more > 0 {
        let why = format!("{} more were skipped", walk.more);
        walk.skipped.push(Skipped { path: "…".to_owned(), code: ErrorCode::StorageFailed, why });
    }
    Ok(Scan { manifest, roots: walk.roots, skipped: walk.skipped })
}

fn capped(error: TransferError, limits: &Limits) -> TransferError {
    match error {
        TransferError::Manifest(ManifestFault::Many { .. }) => TransferError::TooManyItems { limit: limits.items },
        other => other,
    }
}

struct Walk<'a> {
    builder: Builder,
    roots: Vec<PathBuf>,
    skipped: Vec<Skipped>,
    more: usize,
    stop: &'a Stop,
}

impl Walk<'_> {
    fn given(&mut self, path: &Path, rules: NameRules) -> Result<(), TransferError> {
        // `..` and the like have no name of their own; their real path has.
        let real = match path.file_name() {
            Some(_) => path.to_owned(),
            None => std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
        };
        let Some(name) = real.file_name() else {
            self.skip(path, ErrorCode::NameRefused, "it has no name");
            return Ok(());
        };
        let Some(name) = name.to_str() else {
            self.skip(path, ErrorCode::NameRefused, "its name is not UTF-8");
            return Ok(());
        };
        let found = self.look(&real);
        let Some((kind, mtime)) = found else { return Ok(()) };
        let free = self.free_name(name, matches!(kind, Kind::Folder), rules);
        if let Some(number) = self.push(None, &free, kind, mtime, &real)? {
            self.roots.push(real.clone());
            if matches!(kind, Kind::Folder) {
                self.folder(number, real)?;
            }
        }
        Ok(())
    }

    /// The name itself, or with a number if another given path has the same.
    fn free_name(&self, name: &str, folder: bool, rules: NameRules) -> String {
        let mut free = name.to_owned();
        let mut number = 2;
        while self.builder.top_is_taken(&free)
            && let Ok(safe) = SafeName::new(name, rules)
        {
            free = safe.numbered(number, folder).as_str().to_owned();
            number += 1;
        }
        free
    }

    /// All that is below a folder; no recursion, so that depth costs no stack.
    fn folder(&mut self, number: u32, path: PathBuf) -> Result<(), TransferError> {
        let mut waiting = vec![(number, path)];
        while let Some((folder, path)) = waiting.pop() {
            self.stop.check()?;
            let names = match listing(&path, self.builder.limit()) {
                Ok(Some(names)) => names,
                Ok(None) => return Err(TransferError::TooManyItems { limit: self.builder.limit() }),
                Err(error) => {
                    self.skip(&path, ErrorCode::StorageFailed, &format!("its contents cannot be read: {error}"));
                    continue;
                }
            };
            let mut below = Vec::new();
            for name in names {
                let child = path.join(&name);
                let Some(text) = name.to_str() else {
                    self.skip(&child, ErrorCode::NameRefused, "its name is not UTF-8");
                    continue;
                };
                let Some((kind, mtime)) = self.look(&child) else { continue };
                if let Some(number) = self.push(Some(folder), text, kind, mtime, &child)?
                    && matches!(kind, Kind::Folder)
                {
                    below.push((number, child));
                }
            }
            waiting.extend(below.into_iter().rev());
        }
        Ok(())
    }

    fn look(&mut self, path: &Path) -> Option<(Kind, Mtime)> {
        match inspect(path) {
            Ok(found) => Some(found),
            Err((code, why)) => {
                self.skip(path, code, &why);
                None
            }
        }
    }

    /// Adds an entry; `None` if no receiver could write its name.
    fn push(
        &mut self,
        parent: Option<u32>,
        name: &str,
        kind: Kind,
        mtime: Mtime,
        path: &Path,
    ) -> Result<Option<u32>, TransferError> {
        match self.builder.push(parent, name, kind, mtime) {
            Ok(number) => Ok(Some(number)),
            Err(ManifestFault::Name { fault, .. }) => {
                self.skip(path, ErrorCode::NameRefused, &fault.to_string());
                Ok(None)
            }
            Err(ManifestFault::Clash { .. }) => {
                self.skip(
                    path,
                    ErrorCode::NameRefused,
                    "its name differs from another one only in case or composition",
                );
                Ok(None)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    fn skip(&mut self, path: &Path, code: ErrorCode, why: &str) {
        if self.skipped.len() >= MAX_SKIPPED {
            self.more += 1;
            return;
        }
        let path = printable(&path.to_string_lossy());
        self.skipped.push(Skipped { path, code, why: why.to_owned() });
    }
}

/// The names in a folder, sorted; `None` if there are more than `limit`. The folder itself must not be a link.
fn listing(path: &Path, limit: usize) -> Result<Option<Vec<OsString>>, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = fs::openat(CWD, path, flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in fs::Dir::read_from(folder)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
        if names.len() > limit {
            return Ok(None);
        }
    }
    names.sort_unstable();
    Ok(Some(names))
}

/// What there is at a path, or why it is not sent.
fn inspect(path: &Path) -> Result<(Kind, Mtime), (ErrorCode, String)> {
    let stat = fs::statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| (ErrorCode::StorageFailed, format!("it cannot be looked at: {error}")))?;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Kind::Folder,
        FileType::RegularFile => {
            fs::accessat(CWD, path, fs::Access::READ_OK, AtFlags::EACCESS)
                .map_err(|error| (ErrorCode::StorageFailed, format!("it cannot be read: {error}")))?;
            Kind::File { size: u64::try_from(stat.st_size).unwrap_or(0), executable: stat.st_mode & 0o100 != 0 }
        }
        other => return Err((ErrorCode::Misuse, format!("{} are not sent", plural(other)))),
    };
    Ok((kind, mtime_of(&stat)))
}

fn plural(kind: FileType) -> &'static str {
    match kind {
        FileType::Symlink => "links",
        FileType::Fifo => "FIFOs",
        FileType::Socket => "sockets",
        FileType::BlockDevice | FileType::CharacterDevice => "devices",
        _ => "files of this kind",
    }
}

/// The time of last modification.
pub(crate) fn mtime_of(stat: &Stat) -> Mtime {
    Mtime { seconds: stat.st_mtime, nanos: u32::try_from(stat.st_mtime_nsec).unwrap_or(0) }
}
