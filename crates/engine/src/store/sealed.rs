//! One file: a header line `hither KIND VERSION BLAKE3` and a JSON body whose digest the header holds. One of an earlier
//! version is brought forward step by step, and kept as it was beside the new one (`KIND.vN`, the last one only).

use hither_model::{ErrorCode, Failure};
use rustix::fs::{CWD, Mode, OFlags, RenameFlags};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Largest file that is read: far above what the caps elsewhere allow to be written.
const MAX_BYTES: u64 = 512 << 20;
/// The end of a file's name until it is whole.
const NEW: &str = ".new";

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
    #[error(
        "{path} was written by {age} version of hither: it has format {found}, hither {program} knows {known}",
        age = if found > known { "a newer" } else { "an older" },
        program = env!("CARGO_PKG_VERSION")
    )]
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
            StoreFault::Version { found, known, .. } if found > known => {
                "update hither to the version that wrote it, or choose another --profile; nothing was changed"
                    .to_owned()
            }
            StoreFault::Version { path, .. } => format!(
                "start a hither in between once, which brings it forward; moving {} away makes hither forget what it held",
                path.display()
            ),
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

/// What makes the content of one version that of the next.
pub(crate) type Step = fn(Value) -> Result<Value, String>;

/// What a file is: its kind, the version that is written, and the steps from the earlier ones, oldest first; the last
/// leads to the present one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) kind: &'static str,
    pub(crate) version: u32,
    pub(crate) steps: &'static [Step],
}

impl Form {
    /// The steps from that version on; `None` if it is none that can be read.
    fn forward(&self, found: u32) -> Option<&'static [Step]> {
        let missing = usize::try_from(self.version.checked_sub(found)?).ok()?;
        self.steps.get(self.steps.len().checked_sub(missing)?..)
    }
}

/// The file's content; its backup's, if the file is damaged or missing; `None` only if neither exists.
pub(crate) fn load<T: DeserializeOwned>(path: &Path, form: Form) -> Result<Option<T>, StoreFault> {
    let main = read(path, form);
    match main {
        Ok(Some(value)) => Ok(Some(value)),
        Err(fault @ (StoreFault::Version { .. } | StoreFault::Io { .. })) => Err(fault),
        other => match (other, read(&backup(path), form)) {
            (Ok(_), Ok(None)) => Ok(None),
            (_, Ok(Some(value))) => {
                tracing::warn!(path = %path.display(), "damaged or missing; its backup is used");
                Ok(Some(value))
            }
            (Err(fault), _) | (Ok(_), Err(fault)) => Err(fault),
        },
    }
}

fn read<T: DeserializeOwned>(path: &Path, form: Form) -> Result<Option<T>, StoreFault> {
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
    if words.next() != Some("hither") || words.next() != Some(form.kind) {
        return Err(damaged("its header is of another kind"));
    }
    let found: u32 = words.next().and_then(|w| w.parse().ok()).ok_or_else(|| damaged("it has no version"))?;
    let Some(steps) = form.forward(found) else {
        return Err(StoreFault::Version { path: path.to_owned(), found, known: form.version });
    };
    if words.next() != Some(blake3::hash(body.as_bytes()).to_hex().as_str()) {
        return Err(damaged("its digest does not match"));
    }
    if steps.is_empty() {
        return serde_json::from_str(body).map(Some).map_err(|e| damaged(&e.to_string()));
    }
    put_aside(path, found, &text).map_err(io)?;
    let mut value: Value = serde_json::from_str(body).map_err(|e| damaged(&e.to_string()))?;
    for step in steps {
        value = step(value).map_err(|why| damaged(&why))?;
    }
    serde_json::from_value(value).map(Some).map_err(|e| damaged(&e.to_string()))
}

/// Keeps a file of an earlier version as it was, in place of one that is older still.
fn put_aside(path: &Path, version: u32, text: &str) -> io::Result<()> {
    let beside = |version: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".v{version}"));
        PathBuf::from(name)
    };
    if fs::read(beside(version)).ok().as_deref() != Some(text.as_bytes()) {
        let new = fresh(&beside(version), text.as_bytes())?;
        fs::rename(&new, beside(version))?;
    }
    for older in 0..version {
        match fs::remove_file(beside(older)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// The bytes of a file with this content.
pub(crate) fn seal<T: Serialize>(kind: &str, version: u32, value: &T) -> Vec<u8> {
    let body = serde_json::to_string(value).unwrap_or_default();
    format!("hither {kind} {version} {}\n{body}", blake3::hash(body.as_bytes()).to_hex()).into_bytes()
}

/// Writes the file: fsynced under another name, then renamed over the old one, which becomes the backup.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let temporary = fresh(path, bytes)?;
    // The old file takes the temporary's place in one step, so that at every moment a whole file has the name.
    match rustix::fs::renameat_with(CWD, &temporary, CWD, path, RenameFlags::EXCHANGE) {
        Ok(()) => fs::rename(&temporary, backup(path))?,
        Err(rustix::io::Errno::NOENT) => fs::rename(&temporary, path)?,
        Err(_) => {
            fs::copy(path, backup(path))?;
            fs::rename(&temporary, path)?;
        }
    }
    File::open(dir)?.sync_all()
}

/// A file beside `path`, fsynced, with the name it has until it is given its own. If that fails nothing of it stays: on a
/// full disk it would be in the way of everything else.
fn fresh(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(NEW);
    let temporary = PathBuf::from(temporary);
    match rustix::fs::unlink(&temporary) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(e) => return Err(e.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::open(&temporary, flags, Mode::RUSR | Mode::WUSR)?);
    match file.write_all(bytes).and_then(|()| file.sync_all()) {
        Ok(()) => Ok(temporary),
        Err(error) => {
            let _ = fs::remove_file(&temporary);
            Err(error)
        }
    }
}

/// Removes what an end without warning left of files that were being written. Whoever calls has the profile for itself.
pub(crate) fn sweep(profile: &Path) {
    for entry in fs::read_dir(profile).into_iter().flatten().flatten() {
        let half = entry.file_name().as_encoded_bytes().ends_with(NEW.as_bytes());
        if half && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FIRST: Form = Form { kind: "people", version: 1, steps: &[] };
    /// Two versions on: names became a list, then a list of objects.
    const THIRD: Form = Form { kind: "people", version: 3, steps: &[list, objects] };

    fn list(old: Value) -> Result<Value, String> {
        old.is_string().then(|| json!([old])).ok_or_else(|| "no name".into())
    }

    fn objects(old: Value) -> Result<Value, String> {
        let names = old.as_array().ok_or("no list")?;
        Ok(names.iter().map(|name| json!({ "name": name })).collect())
    }

    fn at(dir: &tempfile::TempDir) -> PathBuf {
        dir.path().join("people")
    }

    #[test]
    fn what_was_written_is_read_back_and_only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        write(&at(&dir), &seal("people", 1, &vec![1, 2, 3])).unwrap();
        assert_eq!(load::<Vec<i32>>(&at(&dir), FIRST).unwrap(), Some(vec![1, 2, 3]));
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
            assert_eq!(load::<String>(&at(&dir), FIRST).unwrap().as_deref(), Some("old"), "cut at {cut}");
        }
        std::fs::remove_file(at(&dir)).unwrap();
        assert_eq!(load::<String>(&at(&dir), FIRST).unwrap().as_deref(), Some("old"));
        std::fs::write(backup(&at(&dir)), b"garbage").unwrap();
        assert!(matches!(load::<String>(&at(&dir), FIRST), Err(StoreFault::Damaged { .. })));
    }

    #[test]
    fn n5_another_schema_is_refused_even_if_a_backup_would_fit() {
        let dir = tempfile::tempdir().unwrap();
        write(&at(&dir), &seal("people", 1, &"old")).unwrap();
        write(&at(&dir), &seal("people", 2, &"newer")).unwrap();
        assert!(matches!(load::<String>(&at(&dir), FIRST), Err(StoreFault::Version { found: 2, .. })));
    }

    #[test]
    fn a_profile_without_the_file_is_new() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load::<String>(&at(&dir), FIRST).unwrap(), None);
    }

    #[test]
    fn n5_an_older_version_is_brought_forward_and_stays_beside_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let beside = |version| dir.path().join(format!("people.v{version}"));
        let ana = json!([{ "name": "Ana" }]);
        write(&at(&dir), &seal("people", 1, &"Ana")).unwrap();
        let first = fs::read(at(&dir)).unwrap();
        for _ in 0..2 {
            assert_eq!(load::<Value>(&at(&dir), THIRD).unwrap(), Some(ana.clone()));
            assert_eq!(fs::read(beside(1)).unwrap(), first);
            assert_eq!(fs::read(at(&dir)).unwrap(), first, "written only with the next change");
        }
        write(&at(&dir), &seal("people", 2, &["Ana"])).unwrap();
        assert_eq!(load::<Value>(&at(&dir), THIRD).unwrap(), Some(ana.clone()));
        assert!(beside(2).exists() && !beside(1).exists(), "the last one only");
        write(&at(&dir), &seal("people", 3, &ana)).unwrap();
        assert_eq!(load::<Value>(&at(&dir), THIRD).unwrap(), Some(ana));
        assert!(beside(2).exists(), "it stays after the file is new");
        let other = tempfile::tempdir().unwrap();
        write(&at(&other), &seal("people", 2, &7)).unwrap();
        assert!(matches!(load::<Value>(&at(&other), THIRD), Err(StoreFault::Damaged { .. })), "what fits no step");
    }

    #[test]
    fn n5_another_version_is_named_with_ours_and_what_to_do() {
        let fault = |found| {
            let failure = Failure::from(StoreFault::Version { path: "/p/people".into(), found, known: 3 });
            (failure.message, failure.hint.unwrap())
        };
        let (newer, hint) = fault(4);
        assert!(
            newer.contains("a newer version") && newer.contains("format 4") && newer.contains("knows 3"),
            "{newer}"
        );
        assert!(newer.contains(env!("CARGO_PKG_VERSION")) && hint.contains("update"), "{newer}; {hint}");
        let (older, hint) = fault(1);
        assert!(older.contains("an older version") && hint.contains("in between"), "{older}; {hint}");
    }

    #[test]
    fn what_was_being_written_when_the_agent_was_killed_is_swept_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["people.new", "settings.toml.new", "people", "new"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        fs::create_dir(dir.path().join("folder.new")).unwrap();
        sweep(dir.path());
        let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["folder.new", "new", "people"]);
    }
}
