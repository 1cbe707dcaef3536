//! What is remembered of tasks and of sockets: a file each in `held/` of the profile (0600), written whole or not at all. The
//! sockets themselves are in the service manager's store, under the name of their file (R4.22).

use data_encoding::HEXLOWER;
use hither_broker::{Condition, Start};
use hither_model::row::HeldKind;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// The version of the files.
const VERSION: u32 = 1;
/// Largest file that is read, bytes: a context in base64 and its words.
const CAP: u64 = 256 * 1024;

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) app: String,
    pub(super) start: Start,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) condition: Option<Condition>,
}

impl Task {
    /// The same words have the same id, so that a program may say them at each of its starts.
    pub(super) fn new(app: String, start: Start, condition: Option<Condition>) -> Self {
        let words = serde_json::to_vec(&(&app, &start, &condition)).unwrap_or_default();
        Self { id: digest(&[&words]), app, start, condition }
    }
}

/// A socket, without its descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) app: String,
    pub(super) id: String,
    pub(super) task: String,
    pub(super) kind: HeldKind,
    /// Base64, as it came.
    pub(super) context: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) keep_alive: Option<u64>,
    /// Since when, seconds since 1970.
    pub(super) at: u64,
    pub(super) woken: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
}

impl Record {
    pub(super) fn key(&self) -> String {
        key(&self.app, &self.id)
    }
}

/// The name of a socket here and in the store of descriptors.
pub(super) fn key(app: &str, id: &str) -> String {
    format!("{}{}", super::PREFIX, digest(&[app.as_bytes(), id.as_bytes()]))
}

fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    HEXLOWER.encode(hash.finalize().get(..16).unwrap_or_default())
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    what: T,
}

/// The files.
#[derive(Debug)]
pub(super) struct Book {
    dir: PathBuf,
}

impl Book {
    pub(super) fn open(profile: &Path) -> io::Result<Self> {
        let dir = profile.join("held");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        Ok(Self { dir })
    }

    pub(super) fn tasks(&self) -> Vec<Task> {
        self.all("task-")
    }

    pub(super) fn records(&self) -> Vec<Record> {
        self.all(super::PREFIX)
    }

    pub(super) fn keep_task(&self, task: &Task) -> io::Result<()> {
        self.write(&format!("task-{}", task.id), task)
    }

    pub(super) fn keep(&self, record: &Record) -> io::Result<()> {
        self.write(&record.key(), record)
    }

    pub(super) fn forget_task(&self, id: &str) {
        self.remove(&format!("task-{id}"));
    }

    pub(super) fn forget(&self, key: &str) {
        self.remove(key);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn write<T: Serialize + Clone>(&self, name: &str, what: &T) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(&serde_json::to_vec(&Versioned { version: VERSION, what: what.clone() })?)?;
        file.as_file().sync_all()?;
        file.persist(self.path(name)).map_err(|e| e.error)?;
        Ok(())
    }

    fn remove(&self, name: &str) {
        let path = self.path(name);
        if let Err(e) = fs::remove_file(&path)
            && e.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("{} stays behind: {e}", path.display());
        }
    }

    /// A file that cannot be read is left alone, and what it was about is not held.
    fn all<T: DeserializeOwned>(&self, prefix: &str) -> Vec<T> {
        let files = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let named = files.filter(|file| {
            let name = file.file_name();
            let name = name.to_string_lossy();
            name.starts_with(prefix) && name.ends_with(".json")
        });
        named
            .filter_map(|file| match read(&file.path()) {
                Ok(what) => Some(what),
                Err(e) => {
                    tracing::warn!("{} cannot be used: {e}", file.path().display());
                    None
                }
            })
            .collect()
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    if fs::metadata(path)?.len() > CAP {
        return Err(io::Error::other("it is too long"));
    }
    let read: Versioned<T> = serde_json::from_slice(&fs::read(path)?)?;
    match read.version {
        VERSION => Ok(read.what),
        other => Err(io::Error::other(format!("it is of version {other}, and this hither knows {VERSION}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_again_and_damaged_or_newer_files_are_left_alone() {
        let top = tempfile::tempdir().unwrap();
        let book = Book::open(top.path()).unwrap();
        let start = Start::Command { program: "/bin/true".into(), args: vec!["a b".into()] };
        let task = Task::new("org.example".into(), start, Some(Condition::InternetAvailable));
        let record = Record {
            app: "org.example".into(),
            id: "a".into(),
            task: task.id.clone(),
            kind: HeldKind::Datagram,
            context: "AAEC".into(),
            keep_alive: Some(5),
            at: 7,
            woken: 1,
            why: None,
        };
        book.keep_task(&task).unwrap();
        book.keep(&record).unwrap();
        fs::write(top.path().join("held/held-ff.json"), "{").unwrap();
        let newer = fs::read_to_string(book.path(&record.key())).unwrap().replace(r#""version":1"#, r#""version":2"#);
        fs::write(top.path().join("held/held-ee.json"), newer).unwrap();
        assert_eq!((book.tasks(), book.records()), (vec![task.clone()], vec![record.clone()]));
        book.forget(&record.key());
        book.forget_task(&task.id);
        assert!(book.tasks().is_empty() && book.records().is_empty());
        assert!(top.path().join("held/held-ee.json").exists());
    }

    #[test]
    fn names_of_two_apps_or_sockets_are_never_the_same() {
        assert_ne!(key("a", "bc"), key("ab", "c"));
        assert_eq!(key("a", "b").len(), "held-".len() + 32);
    }
}
