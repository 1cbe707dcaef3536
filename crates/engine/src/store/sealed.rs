//! One file: a header line `hither KIND VERSION BLAKE3` and a JSON body whose digest the header holds.

use hither_model::{ErrorCode, Failure};
use rustix::fs::{CWD, Mode, OFlags, RenameFlags};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Largest file that is read: far above what the caps elsewhere allow to be written.
const MAX_BYTES: u64 = 512 << 20;

/// Why a remembered file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFault {
    /// The file and its backup are damaged.
    #[error("{path} is damaged ({why}), and so is its backup")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Written by another version.
    #[error("{path} was written by another version of hither (format {found}, this program knows {known})")]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<StoreFault> for Failure {
    fn from(fault: StoreFault) -> Self {
        let hint = match &fault {
            StoreFault::Damaged { path, .. } => format!(
                "restore {} from a backup of yours; moving it away makes hither forget what it held, on your decision",
                path.display()
            ),
            StoreFault::Version { .. } => "start the hither version that wrote it, or update this one".to_owned(),
            StoreFault::Io { path, .. } => format!("check that {} can be read and written by you", path.display()),
        };
        Failure::new(ErrorCode::StorageFailed, fault.to_string()).hint(hint)
    }
}

fn backup(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".bak");
    name.into()
}

/// The file's content; its backup's, if the file is damaged or missing; `None` only if neither exists.
pub(crate) fn load<T: DeserializeOwned>(path: &Path, kind: &str, version: u32) -> Result<Option<T>, StoreFault> {
    let main = read(path, kind, version);
    match main {
        Ok(Some(value)) => Ok(Some(value)),
        Err(fault @ (StoreFault::Version { .. } | StoreFault::Io { .. })) => Err(fault),
        other => match (other, read(&backup(path), kind, version)) {
            (Ok(_), Ok(None)) => Ok(None),
            (_, Ok(Some(value))) => {
                tracing::warn!(path = %path.display(), "damaged or missing; its backup is used");
                Ok(Some(value))
            }
            (Err(fault), _) | (Ok(_), Err(fault)) => Err(fault),
        },
    }
}

fn read<T: DeserializeOwned>(path: &Path, kind: &str, version: u32) -> Result<Option<T>, StoreFault> {
    let io = |source| StoreFault::Io { path: path.to_owned(), source };
    let damaged = |why: &str| StoreFault::Damaged { path: path.to_owned(), why: why.to_owned() };
    let file = match rustix::fs::open(path, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(io(errno.into())),
    };
    let mut text = String::new();
    match file.take(MAX_BYTES).read_to_string(&mut text) {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::InvalidData => return Err(damaged("it is not text")),
        Err(e) => return Err(io(e)),
    }
    let (header, body) = text.split_once('\n').ok_or_else(|| damaged("it has no header"))?;
    let mut words = header.split(' ');
    if words.next() != Some("hither") || words.next() != Some(kind) {
        return Err(damaged("its header is of another kind"));
    }
    let found: u32 = words.next().and_then(|w| w.parse().ok()).ok_or_else(|| damaged("it has no version"))?;
    if found != version {
        return Err(StoreFault::Version { path: path.to_owned(), found, known: version });
    }
    if words.next() != Some(blake3::hash(body.as_bytes()).to_hex().as_str()) {
        return Err(damaged("its digest does not match"));
    }
    serde_json::from_str(body).map(Some).map_err(|e| damaged(&e.to_string()))
}

/// The bytes of a file with this content.
pub(crate) fn seal<T: Serialize>(kind: &str, version: u32, value: &T) -> Vec<u8> {
    let body = serde_json::to_string(value).unwrap_or_default();
    format!("hither {kind} {version} {}\n{body}", blake3::hash(body.as_bytes()).to_hex()).into_bytes()
}

/// Writes the file: fsynced under another name, then renamed over the old one, which becomes the backup.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    match rustix::fs::unlink(&temporary) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(e) => return Err(e.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(&temporary, flags, Mode::RUSR | Mode::WUSR)?);
    file.write_all(bytes)?;
    file.sync_all()?;
    // The old file takes the temporary's place in one step, so that at every moment a whole file has the name.
    match rustix::fs::renameat_with(CWD, &temporary, CWD, path, RenameFlags::EXCHANGE) {
        Ok(()) => std::fs::rename(&temporary, backup(path))?,
        Err(rustix::io::Errno::NOENT) => std::fs::rename(&temporary, path)?,
        Err(_) => {
            std::fs::copy(path, backup(path))?;
            std::fs::rename(&temporary, path)?;
        }
    }
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(dir: &tempfile::TempDir) -> PathBuf {
        dir.path().join("people")
    }

    #[test]
    fn what_was_written_is_read_back_and_only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        write(&at(&dir), &seal("people", 1, &vec![1, 2, 3])).unwrap();
        assert_eq!(load::<Vec<i32>>(&at(&dir), "people", 1).unwrap(), Some(vec![1, 2, 3]));
        assert_eq!(std::fs::metadata(at(&dir)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn n5_a_damaged_file_gives_way_to_its_backup_and_never_to_nothing() {
        let dir = tempfile::tempdir().unwrap();
        write(&at(&dir), &seal("people", 1, &"old")).unwrap();
        write(&at(&dir), &seal("people", 1, &"new")).unwrap();
        let whole = std::fs::read(at(&dir)).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(at(&dir), &whole[..cut]).unwrap();
            assert_eq!(load::<String>(&at(&dir), "people", 1).unwrap().as_deref(), Some("old"), "cut at {cut}");
        }
        std::fs::remove_file(at(&dir)).unwrap();
        assert_eq!(load::<String>(&at(&dir), "people", 1).unwrap().as_deref(), Some("old"));
        std::fs::write(backup(&at(&dir)), b"garbage").unwrap();
        assert!(matches!(load::<String>(&at(&dir), "people", 1), Err(StoreFault::Damaged { .. })));
    }

    #[test]
    fn n5_another_schema_is_refused_even_if_a_backup_would_fit() {
        let dir = tempfile::tempdir().unwrap();
        write(&at(&dir), &seal("people", 1, &"old")).unwrap();
        write(&at(&dir), &seal("people", 2, &"newer")).unwrap();
        assert!(matches!(load::<String>(&at(&dir), "people", 1), Err(StoreFault::Version { found: 2, .. })));
    }

    #[test]
    fn a_profile_without_the_file_is_new() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load::<String>(&at(&dir), "people", 1).unwrap(), None);
    }
}
