//! The log: to standard error, or to `agent.log` in the profile when nobody watches. `HITHER_LOG` is the filter.
//!
//! Peers' words may be in it, so that every hidden character is written as an escape, whatever wrote it. Secrets never
//! get here: the types that hold them do not print them.

use hither_model::text;
use rustix::fs::OFlags;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    panic::{self, PanicHookInfo},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// The log file is put aside at this size, bytes; one older file is kept.
const FULL: u64 = 1024 * 1024;

/// Logs to standard error. `verbosity` counts the `-v` on the command line; `HITHER_LOG` comes before it.
pub fn to_stderr(verbosity: u8) {
    let stderr = || Escaping(io::stderr());
    let builder = tracing_subscriber::fmt().with_env_filter(filter(verbosity)).with_ansi(false);
    let _ = builder.with_writer(stderr).with_target(verbosity > 0).try_init();
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| match harmless(panic) {
        true => tracing::debug!("{panic}"),
        false => usual(panic),
    }));
}

/// Logs to `agent.log` in the profile, panics included.
///
/// # Errors
/// The file cannot be opened.
pub(crate) fn to_file(profile: &Path, verbosity: u8) -> io::Result<()> {
    let log = RotatingFile::open(profile.join("agent.log"), FULL)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter(verbosity)).with_ansi(false);
    let _ = builder.with_writer(Shared(Mutex::new(log))).try_init();
    panic::set_hook(Box::new(|panic| match harmless(panic) {
        true => tracing::debug!("{panic}"),
        false => tracing::error!("{panic}"),
    }));
    Ok(())
}

/// Whether it is the one of bluez-async that ends a task of its own and nothing else: it lets go of a stream of signals
/// that has just ended by itself (docs/known-issues.md).
fn harmless(panic: &PanicHookInfo<'_>) -> bool {
    panic
        .location()
        .is_some_and(|place| place.file().contains("bluez-async") && place.file().ends_with("messagestream.rs"))
}

fn filter(verbosity: u8) -> EnvFilter {
    let usual = match verbosity {
        0 => "warn",
        1 => "warn,hither_agent=info,hither_engine=info,hither_discovery=info,hither_socket=info,hither_control=info",
        _ => {
            "info,hither_agent=debug,hither_engine=debug,hither_discovery=debug,hither_socket=debug,\
              hither_control=debug,hither_transfer=debug,hither_identity=debug"
        }
    };
    match std::env::var("HITHER_LOG") {
        Ok(wanted) => EnvFilter::try_new(&wanted).unwrap_or_else(|_| EnvFilter::new(usual)),
        Err(_) => EnvFilter::new(usual),
    }
}

/// Escapes hidden characters of each event.
struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(text::printable_lines(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

struct Shared(Mutex<RotatingFile>);

impl<'a> MakeWriter<'a> for Shared {
    type Writer = Escaping<Turn<'a>>;

    fn make_writer(&'a self) -> Self::Writer {
        Escaping(Turn(&self.0))
    }
}

struct Turn<'a>(&'a Mutex<RotatingFile>);

impl Write for Turn<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).append(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct RotatingFile {
    path: PathBuf,
    file: File,
    size: u64,
    full: u64,
}

impl RotatingFile {
    fn open(path: PathBuf, full: u64) -> io::Result<Self> {
        let file = append_to(&path)?;
        let size = file.metadata()?.len();
        Ok(Self { path, file, size, full })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.size > 0 && self.size + bytes.len() as u64 > self.full {
            match fs::rename(&self.path, self.path.with_extension("log.1")) {
                Ok(()) => {}
                // Somebody else put it aside; the rest is written where it can be found.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // On a disk that says no, the log ends rather than grows.
                Err(error) => return Err(error),
            }
            self.file = append_to(&self.path)?;
            self.size = 0;
        }
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m10_a_peers_escapes_reach_no_log() {
        let mut out = Vec::new();
        Escaping(&mut out).write_all("name \u{1b}[31mAna\u{202e}\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "name \\u{1b}[31mAna\\u{202e}\n");
    }

    #[test]
    fn a_full_log_is_put_aside_and_only_one_old_one_is_kept() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("agent.log");
        let mut log = RotatingFile::open(path.clone(), 100).unwrap();
        for line in 0..50 {
            log.append(format!("line {line:04}\n").as_bytes()).unwrap();
        }
        drop(log);
        let mut again = RotatingFile::open(path.clone(), 100).unwrap();
        again.append(b"after a restart\n").unwrap();
        let mut names: Vec<_> = fs::read_dir(top.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["agent.log", "agent.log.1"]);
        for name in names {
            let found = fs::metadata(top.path().join(name)).unwrap();
            assert!(found.len() <= 100);
            assert_eq!(std::os::unix::fs::MetadataExt::mode(&found) & 0o777, 0o600);
        }
        assert!(fs::read_to_string(path).unwrap().ends_with("after a restart\n"));
    }

    #[test]
    fn a_log_that_somebody_took_away_begins_again_when_it_is_its_turn() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("agent.log");
        let mut log = RotatingFile::open(path.clone(), 30).unwrap();
        log.append(b"twenty bytes of text\n").unwrap();
        fs::remove_file(&path).unwrap();
        log.append(b"and twenty bytes more\n").unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "and twenty bytes more\n");
        assert!(!top.path().join("agent.log.1").exists());
    }
}
