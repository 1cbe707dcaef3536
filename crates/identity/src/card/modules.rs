//! Which PKCS#11 modules there are, as p11-kit describes them (pkcs11.conf(5)), and which of them may be loaded.
//!
//! A module is code that will see PINs. It is loaded only if nobody but root could have put it where it is, or if the
//! person registered its path in so many words. A path out of a link, the environment or a user's own description file
//! is never enough (S10, CVE-2023-38408).

use super::error::CardError;
use rustix::fs::FileType;
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Longest description file that is read, in bytes, and most of them in a directory.
const MAX_FILE: u64 = 64 * 1024;
const MAX_FILES: usize = 128;

/// The name by which description files allow or forbid themselves to this program (`enable-in`, `disable-in`).
const PROGRAM: &str = "hither";

/// Modules that only pass on what other modules have; p11-kit's proxy also crashes when it is ended in use.
const RELAYS: &[&str] = &["p11-kit-proxy.so", "p11-kit-client.so", "pkcs11-spy.so"];

/// Where descriptions and modules are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Directories of `*.module` files; what a later one says about a module of the same file name wins.
    pub descriptions: Vec<PathBuf>,
    /// Where a module named without its directory is looked for; the first one that has it wins.
    pub modules: Vec<PathBuf>,
}

impl Directories {
    /// The system's, and the person's own description directory under `home`.
    pub fn system(home: Option<&Path>) -> Self {
        let mut descriptions: Vec<PathBuf> =
            ["/usr/share/p11-kit/modules", "/usr/local/share/p11-kit/modules", "/etc/pkcs11/modules"]
                .map(PathBuf::from)
                .to_vec();
        descriptions.extend(home.map(|home| home.join(".config/pkcs11/modules")));
        let triplet = format!("/usr/lib/{}-linux-gnu/pkcs11", std::env::consts::ARCH);
        let modules = [&triplet, "/usr/lib64/pkcs11", "/usr/lib/pkcs11", "/usr/local/lib/pkcs11"];
        Self { descriptions, modules: modules.map(PathBuf::from).to_vec() }
    }
}

/// A module the person named by its path. Whoever keeps the settings keeps these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its full path.
    pub path: PathBuf,
    /// Whether it needs the network: an HSM at the other end of a wire does.
    pub network: bool,
}

/// A module that may be loaded. Made only by [`discover`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModuleSource {
    /// Its name for people: that of its description, or of its file.
    pub name: String,
    path: PathBuf,
    network: bool,
    registered: bool,
}

impl ModuleSource {
    /// Its full path, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it may use the network.
    pub fn network(&self) -> bool {
        self.network
    }

    /// Whether the person registered it; else the system describes it.
    pub fn registered(&self) -> bool {
        self.registered
    }

    /// Looks again whether it may be loaded: right before it is.
    pub(super) fn vet(&self) -> Result<(), CardError> {
        let trusted = if self.registered { Trusted::Person } else { Trusted::Root };
        vetted(&self.path, trusted).map(drop).map_err(|why| CardError::Refused { module: shown(&self.path), why })
    }
}

/// A module that was described or registered and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Its name for people.
    pub name: String,
    /// Why not.
    pub why: CardError,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Modules that may be loaded, each file once.
    pub modules: Vec<ModuleSource>,
    /// Others, for whoever looks for the reason.
    pub unusable: Vec<Unusable>,
}

/// Finds every module that is described or registered. Reads files; loads nothing.
pub fn discover(directories: &Directories, registered: &[Registered]) -> Found {
    let mut found = Found::default();
    let mut add = |name: String, path: &Path, network: bool, person: bool| {
        let trusted = if person { Trusted::Person } else { Trusted::Root };
        match vetted(path, trusted) {
            Ok(path) if found.modules.iter().any(|known| known.path == path) => {}
            Ok(path) => found.modules.push(ModuleSource { name, path, network, registered: person }),
            Err(why) => {
                let why = match path.exists() {
                    true => CardError::Refused { module: shown(path), why },
                    false => CardError::NoModule { module: shown(path), why },
                };
                found.unusable.push(Unusable { name, why });
            }
        }
    };
    for module in registered {
        let name = module.path.file_stem().unwrap_or_default().to_string_lossy();
        add(CardError::words(&name), &module.path, module.network, true);
    }
    for (name, fields) in descriptions(&directories.descriptions) {
        if let Some(path) = wanted(&fields).and_then(|module| resolved(module, &directories.modules)) {
            add(CardError::words(&name), &path, false, false);
        }
    }
    found
}

fn shown(path: &Path) -> String {
    CardError::words(&path.to_string_lossy())
}

type Fields = BTreeMap<String, String>;

/// Every description by the name of its file, the directories laid over one another.
fn descriptions(directories: &[PathBuf]) -> BTreeMap<String, Fields> {
    let mut all: BTreeMap<String, Fields> = BTreeMap::new();
    for directory in directories {
        let Ok(entries) = fs::read_dir(directory) else { continue };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())).take(MAX_FILES) {
            let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".module")) else { continue };
            let small = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() <= MAX_FILE);
            let Some(text) = small.then(|| fs::read_to_string(&path).ok()).flatten() else { continue };
            all.entry(name.to_owned()).or_default().extend(fields(&text));
        }
    }
    all
}

/// `name: value` lines; `#` begins a comment.
fn fields(text: &str) -> Fields {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(':')).map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned())).collect()
}

/// The module's file, unless the description is of something else than keys or is not meant for this program.
fn wanted(fields: &Fields) -> Option<&str> {
    let says = |key: &str| fields.get(key).map_or("", String::as_str);
    let listed = |key: &str| says(key).split([',', ' ']).any(|name| name.trim() == PROGRAM);
    let module = fields.get("module").filter(|module| !module.is_empty())?;
    let file = Path::new(module).file_name()?.to_str()?;
    let allowed = says("trust-policy") != "yes"
        && !listed("disable-in")
        && (!fields.contains_key("enable-in") || listed("enable-in"))
        && !RELAYS.contains(&file);
    allowed.then_some(module)
}

fn resolved(module: &str, directories: &[PathBuf]) -> Option<PathBuf> {
    let path = Path::new(module);
    if path.is_absolute() {
        return Some(path.to_owned());
    }
    // A bare name only: nothing climbs out of the directories.
    let name = path.file_name().filter(|name| Path::new(name) == path)?;
    let mut candidates = directories.iter().map(|directory| directory.join(name));
    candidates.clone().find(|path| path.exists()).or_else(|| candidates.next())
}

/// Whose files are trusted besides root's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trusted {
    Root,
    Person,
}

/// The real path, if the file and every directory above it can be changed by nobody else.
fn vetted(path: &Path, trusted: Trusted) -> Result<PathBuf, String> {
    if !path.is_absolute() {
        return Err("its path is not a full one".into());
    }
    let real = path.canonicalize().map_err(|error| error.to_string())?;
    let me = rustix::process::geteuid().as_raw();
    for (at, part) in real.ancestors().enumerate() {
        let meta = fs::symlink_metadata(part).map_err(|error| error.to_string())?;
        let kind = FileType::from_raw_mode(meta.mode());
        if kind != if at == 0 { FileType::RegularFile } else { FileType::Directory } {
            return Err("it is not a plain file".into());
        }
        if meta.uid() != 0 && !(trusted == Trusted::Person && meta.uid() == me) {
            return Err(format!("{} belongs to user {}", shown(part), meta.uid()));
        }
        // In a sticky directory nobody can exchange what belongs to others.
        let sticky = at > 0 && meta.mode() & 0o1000 != 0 && trusted == Trusted::Person;
        if meta.mode() & 0o022 != 0 && !sticky {
            return Err(format!("others may change {}", shown(part)));
        }
    }
    Ok(real)
}

#[cfg(test)]
#[path = "modules/tests.rs"]
mod tests;
