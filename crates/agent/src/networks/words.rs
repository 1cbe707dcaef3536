//! What the person says of a network, in `networks.json` of a profile, by the connection's UUID. Written by the command line, read by
//! whoever looks at the networks.

use hither_model::{ErrorCode, Failure};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The file.
pub(super) const FILE: &str = "networks.json";
/// Longest file, bytes.
const MAX_FILE: u64 = 64 * 1024;

/// The person's words for one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub struct Said {
    /// Whether it counts as private.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// Whether it is paid by the byte, or limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metered: Option<bool>,
}

/// How they are found in the file: a word alone is that on privacy.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Private(bool),
    Words {
        #[serde(default)]
        private: Option<bool>,
        #[serde(default)]
        metered: Option<bool>,
    },
}

impl From<Kept> for Said {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Private(private) => Self { private: Some(private), metered: None },
            Kept::Words { private, metered } => Self { private, metered },
        }
    }
}

/// The person's words, by UUID.
///
/// # Errors
/// [`ErrorCode::StorageFailed`] if the file cannot be read or is damaged.
pub fn words(profile: &Path) -> Result<BTreeMap<String, Said>, Failure> {
    let path = profile.join(FILE);
    let failed = |why: String| Failure::new(ErrorCode::StorageFailed, format!("{}: {why}", path.display()));
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(failed(error.to_string())),
        Ok(found) if found.len() > MAX_FILE => return Err(failed("it is too long".into())),
        Ok(_) => {}
    }
    let text = fs::read(&path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))
}

/// Keeps the person's words for a connection in the place of those before; none are forgotten.
///
/// # Errors
/// As [`words`], and if they cannot be written.
pub fn say(profile: &Path, uuid: &str, said: Said) -> Result<(), Failure> {
    let mut all = words(profile)?;
    match said == Said::default() {
        false => all.insert(uuid.to_owned(), said),
        true => all.remove(uuid),
    };
    let written = || -> io::Result<()> {
        let next: PathBuf = profile.join(format!("{FILE}.{}", std::process::id()));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        file.write_all(&serde_json::to_vec(&all)?)?;
        file.sync_all()?;
        fs::rename(&next, profile.join(FILE))
    };
    written().map_err(|error| Failure::new(ErrorCode::StorageFailed, format!("{FILE}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: Said = Said { private: Some(true), metered: None };

    #[test]
    fn r1_6_the_persons_word_is_kept_and_forgotten() {
        let profile = tempfile::tempdir().unwrap();
        assert!(words(profile.path()).unwrap().is_empty());
        let dear = Said { private: None, metered: Some(true) };
        say(profile.path(), "a", PRIVATE).unwrap();
        say(profile.path(), "b", dear).unwrap();
        say(profile.path(), "a", Said::default()).unwrap();
        assert_eq!(words(profile.path()).unwrap(), BTreeMap::from([("b".to_owned(), dear)]));
        fs::write(profile.path().join(FILE), "{").unwrap();
        assert!(words(profile.path()).is_err() && say(profile.path(), "c", PRIVATE).is_err());
    }

    #[test]
    fn a_word_alone_is_read_as_that_on_privacy() {
        let profile = tempfile::tempdir().unwrap();
        fs::write(profile.path().join(FILE), r#"{"a":true,"b":{"metered":false}}"#).unwrap();
        let all = words(profile.path()).unwrap();
        assert_eq!((all["a"], all["b"].metered), (PRIVATE, Some(false)));
    }
}
