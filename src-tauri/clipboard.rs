//! The clipboard, read and written only on a person's key press or click.

use crate::main_thread::on_main;
use gtk::{TargetEntry, TargetFlags, gdk, gdk_pixbuf::Pixbuf, gio, glib, prelude::*};
use hither_model::{ErrorCode, Failure};
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tauri::{AppHandle, Runtime};
use tokio::sync::oneshot;

/// How long the program that owns the clipboard may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Longest text that is taken, in bytes.
const LONGEST: usize = 1 << 20;
/// Pasted pictures are removed after a week: a transfer may have to be resumed until then.
const PICTURES_STAY: Duration = Duration::from_hours(7 * 24);
/// What clipboard histories look for.
const SECRET: &str = "x-kde-passwordManagerHint";

/// What was in the clipboard.
#[derive(Debug)]
pub(crate) enum Found {
    /// Files, or an image that was made one.
    Files(Vec<PathBuf>),
    /// Text.
    Text(String),
    /// Nothing that can be sent.
    Nothing,
}

enum Raw {
    Files(Vec<PathBuf>),
    Png(Vec<u8>),
    Text(String),
    Nothing,
}

fn board() -> gtk::Clipboard {
    gtk::Clipboard::get(&gdk::SELECTION_CLIPBOARD)
}

/// What is in the clipboard: files before an image before text.
///
/// # Errors
/// The program that owns it does not answer, or a picture cannot be stored.
pub(crate) async fn read<R: Runtime>(app: &AppHandle<R>, profile: &Path) -> Result<Found, Failure> {
    match on_main(app, Some(ANSWER_WITHIN), ask).await? {
        Raw::Files(paths) => Ok(Found::Files(paths)),
        Raw::Png(bytes) => match store(&profile.join("pasted"), &bytes) {
            Ok(path) => Ok(Found::Files(vec![path])),
            Err(e) => Err(Failure::new(ErrorCode::StorageFailed, format!("the picture could not be stored: {e}"))),
        },
        Raw::Text(text) if text.len() > LONGEST => {
            Err(Failure::new(ErrorCode::TooLarge, "the text is longer than 1 MiB").hint("send it as a file"))
        }
        Raw::Text(text) => Ok(Found::Text(text)),
        Raw::Nothing => Ok(Found::Nothing),
    }
}

fn ask(answer: oneshot::Sender<Raw>) {
    board().request_uris(move |board, uris| {
        let paths: Vec<PathBuf> = uris.iter().filter_map(|uri| gio::File::for_uri(uri).path()).collect();
        if !paths.is_empty() {
            drop(answer.send(Raw::Files(paths)));
            return;
        }
        board.request_image(move |board, image| {
            if let Some(png) = image.and_then(png) {
                drop(answer.send(Raw::Png(png)));
                return;
            }
            board.request_text(move |_, text| {
                let text = text.filter(|text| !text.is_empty());
                drop(answer.send(text.map_or(Raw::Nothing, |text| Raw::Text(text.to_owned()))));
            });
        });
    });
}

fn png(image: &Pixbuf) -> Option<Vec<u8>> {
    image.save_to_bufferv("png", &[]).ok()
}

/// Stores a picture under a name that says when it was pasted, in a folder nobody else can read.
fn store(folder: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let now = glib::DateTime::now_local().and_then(|now| now.format("%Y-%m-%d %H.%M.%S"));
    let when = now.map_or_else(|_| "now".to_owned(), |text| text.to_string());
    for attempt in 1..100 {
        let more = if attempt == 1 { String::new() } else { format!(" {attempt}") };
        let path = folder.join(format!("Pasted image {when}{more}.png"));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => return file.write_all(bytes).map(|()| path),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Removes pictures that were pasted long ago.
pub(crate) fn tidy(profile: &Path) {
    let Ok(entries) = fs::read_dir(profile.join("pasted")) else { return };
    for entry in entries.filter_map(Result::ok) {
        let changed = entry.metadata().and_then(|m| m.modified()).unwrap_or_else(|_| SystemTime::now());
        if changed.elapsed().is_ok_and(|age| age > PICTURES_STAY) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// Puts a text into the clipboard; a secret one is marked for clipboard histories.
///
/// # Errors
/// The window ends, or the desktop refuses.
pub(crate) async fn write<R: Runtime>(app: &AppHandle<R>, text: String, secret: bool) -> Result<(), Failure> {
    let put = move |answer: oneshot::Sender<bool>| {
        let targets: Vec<TargetEntry> = ["UTF8_STRING", "text/plain;charset=utf-8", "text/plain", "STRING", "TEXT"]
            .into_iter()
            .map(|name| TargetEntry::new(name, TargetFlags::empty(), 0))
            .chain(secret.then(|| TargetEntry::new(SECRET, TargetFlags::empty(), 1)))
            .collect();
        let put = board().set_with_data(&targets, move |_, selection, which| {
            if which == 1 {
                selection.set(&selection.target(), 8, b"secret");
            } else {
                selection.set_text(&text);
            }
        });
        answer.send(put).ok();
    };
    if on_main(app, Some(ANSWER_WITHIN), put).await? {
        return Ok(());
    }
    Err(Failure::new(ErrorCode::AccessDenied, "the clipboard could not be written"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn pasted_pictures_are_private_and_never_written_over_another() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("pasted");
        let first = store(&folder, b"a").unwrap();
        let second = store(&folder, b"b").unwrap();
        assert_ne!(first, second);
        assert_eq!(fs::read(&first).unwrap(), b"a");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&first)), (0o700, 0o600));
        tidy(dir.path());
        assert!(first.exists(), "what was just pasted stays");
        let old = OpenOptions::new().write(true).open(&first).unwrap();
        old.set_modified(SystemTime::now() - PICTURES_STAY - Duration::from_secs(60)).unwrap();
        tidy(dir.path());
        assert!(!first.exists() && second.exists());
    }
}
