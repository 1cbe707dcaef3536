//! What the window remembers between two starts: its place and the chosen language. One small file in the profile; if
//! it is damaged or missing, the window begins anew.

use crate::shell::held;
use hither_window::place::{Area, Kept};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// More than this is not ours.
const LARGEST: u64 = 16 * 1024;

/// The file and what is in it.
#[derive(Debug)]
pub(crate) struct Remembered {
    file: PathBuf,
    kept: Mutex<Kept>,
}

impl Remembered {
    /// Reads the file of a profile.
    pub(crate) fn of(profile: &Path) -> Self {
        let file = profile.join("window.json");
        let small = fs::metadata(&file).is_ok_and(|m| m.len() <= LARGEST);
        let text = if small { fs::read_to_string(&file).unwrap_or_default() } else { String::new() };
        Self { file, kept: Mutex::new(serde_json::from_str(&text).unwrap_or_default()) }
    }

    /// The language the person chose.
    pub(crate) fn language(&self) -> Option<String> {
        held(&self.kept).language.clone()
    }

    /// Where the window was, and whether it was maximised.
    pub(crate) fn place(&self) -> (Option<Area>, bool) {
        let kept = held(&self.kept);
        (kept.area, kept.maximized)
    }

    /// Remembers a language, or that there is none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn set_language(&self, language: Option<String>) -> io::Result<()> {
        self.change(|kept| kept.language = language)
    }

    /// Remembers where the window is. A maximised window's size is not remembered: the size before is.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn set_place(&self, area: Area, maximized: bool) -> io::Result<()> {
        self.change(|kept| {
            kept.maximized = maximized;
            if !maximized {
                kept.area = Some(area);
            }
        })
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) -> io::Result<()> {
        let mut kept = held(&self.kept);
        let before = kept.clone();
        change(&mut kept);
        if *kept == before && self.file.exists() {
            return Ok(());
        }
        let text = serde_json::to_vec_pretty(&*kept)?;
        let new = self.file.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(new, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_remembered_and_a_damaged_file_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let area = Area { x: 1.0, y: 2.0, width: 700.0, height: 500.0 };
        let before = Remembered::of(dir.path());
        before.set_language(Some("ko".into())).unwrap();
        before.set_place(area, false).unwrap();
        before.set_place(Area { width: 1280.0, ..area }, true).unwrap();
        let after = Remembered::of(dir.path());
        assert_eq!((after.language().as_deref(), after.place()), (Some("ko"), (Some(area), true)));
        fs::write(dir.path().join("window.json"), "{").unwrap();
        assert_eq!(Remembered::of(dir.path()).place(), (None, false));
    }
}
