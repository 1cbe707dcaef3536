//! Whether the agent of a profile runs without anybody starting it: as units of the user's systemd, or, where there is
//! none, by an entry of the desktop's autostart (R4.1, R4.20, R4.24). A person chooses it; nothing here does by itself.
//!
//! What is *not* here: what an agent does that was started so (`supervisor`, `rest`, `activation`).

mod systemd;
mod units;

use hither_control::{Place, profile};
use hither_model::{ErrorCode, Failure};
use serde::Serialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use units::Unit;

/// When the agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Only when a face starts it.
    Off,
    /// From login on.
    Always,
    /// A window or a command starts it, and it ends when there is nothing to do and nobody can see this device.
    OnDemand,
}

/// Who sees to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The user's systemd: sockets are kept over a restart, and an agent that crashed or hangs is started again.
    Systemd,
    /// The desktop, at login: an agent that crashed is started by the next face and not before.
    Autostart,
}

/// What is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Background {
    /// When the agent runs.
    pub when: When,
    /// Who sees to it, or would.
    pub by: By,
    /// A device that calls starts it too.
    pub calls: bool,
    /// The files that say so.
    pub files: Vec<PathBuf>,
}

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program, a full path.
    pub path: PathBuf,
    /// The profile.
    pub profile: PathBuf,
}

/// What is set up for this profile.
///
/// # Errors
/// There is no home directory.
pub fn state(profile: &Path) -> Result<Background, Failure> {
    let names = Names::of(profile)?;
    let there = |file: &PathBuf| file.is_file();
    if names.autostart.is_file() {
        let files = vec![names.autostart];
        return Ok(Background { when: When::Always, by: By::Autostart, calls: false, files });
    }
    let ours = [&names.service, &names.socket, &names.calls];
    let files: Vec<PathBuf> = ours.into_iter().filter(|f| there(f)).cloned().collect();
    let when = match files.len() {
        0 => When::Off,
        _ if names.wanted().is_symlink() => When::Always,
        _ => When::OnDemand,
    };
    let by = if when != When::Off || systemd::answers() { By::Systemd } else { By::Autostart };
    let calls = names.calls.with_file_name("sockets.target.wants").join(names.calls_name()).is_symlink();
    Ok(Background { when, by, calls, files })
}

/// Sets it up, or takes it away. With `calls`, a device that calls at this port starts the agent too. No agent of this profile may run: the new one would find its socket taken.
///
/// # Errors
/// The files cannot be written, systemd refuses, or [`When::OnDemand`] is wanted where there is no systemd.
pub fn set(program: &Program, when: When, calls: Option<u16>) -> Result<Background, Failure> {
    let names = Names::of(&program.profile)?;
    let managed = systemd::answers();
    if when != When::Always || managed {
        remove(&names.autostart)?;
    }
    match (when, managed) {
        (When::Off, _) => {
            if managed && names.service.is_file() {
                calls_end(&names)?;
                systemd::run(&["disable", "--now", &names.socket_name(), &names.service_name()])?;
            }
            remove(&names.calls)?;
            remove(&names.service)?;
            remove(&names.socket)?;
            if managed {
                systemd::run(&["daemon-reload"])?;
            }
        }
        (_, true) => {
            let place = Place::of(&program.profile)?;
            let (control, broker) = (place.socket(), place.broker());
            let unit = Unit { program, control: &control, broker: &broker, on_demand: when == When::OnDemand };
            profile::ensure(&program.profile)?;
            write(&names.service, &unit.service())?;
            write(&names.socket, &unit.socket())?;
            calls_end(&names)?;
            remove(&names.calls)?;
            if let Some(port) = calls {
                let six = Path::new("/proc/net/if_inet6").exists();
                write(&names.calls, &units::peer_socket(port, six, &names.service_name()))?;
            }
            systemd::run(&["daemon-reload"])?;
            if when == When::OnDemand {
                systemd::run(&["disable", "--now", &names.service_name()])?;
                systemd::run(&["enable", "--now", &names.socket_name()])?;
                if calls.is_some() {
                    systemd::run(&["enable", "--now", &names.calls_name()])?;
                }
            } else {
                systemd::run(&["enable", "--now", &names.socket_name(), &names.service_name()])?;
            }
        }
        (When::Always, false) => write(&names.autostart, &units::autostart(program))?,
        (When::OnDemand, false) => {
            return Err(Failure::new(ErrorCode::Misuse, "there is no systemd for this user, so no socket to wait at")
                .hint("`hither background on` starts the agent at login instead"));
        }
    }
    state(&program.profile)
}

fn calls_end(names: &Names) -> Result<(), Failure> {
    if names.calls.is_file() { systemd::run(&["disable", "--now", &names.calls_name()]) } else { Ok(()) }
}

/// The unit whose socket devices call, if there is one for this profile.
pub(crate) fn calls_unit(profile: &Path) -> Option<String> {
    let names = Names::of(profile).ok()?;
    names.calls.is_file().then(|| names.calls_name())
}

/// Devices that call start nothing any more, and find nobody: nobody may be called (`proximity` is revoked).
pub(crate) fn calls_no_more(unit: &str) {
    if let Err(failure) = systemd::run(&["disable", "--now", unit]) {
        tracing::warn!("devices can still call: {failure}");
    }
}

/// The files of one profile. The usual profile has the plain names; another one its hash in them.
struct Names {
    stem: String,
    service: PathBuf,
    socket: PathBuf,
    /// The socket that devices call.
    calls: PathBuf,
    autostart: PathBuf,
}

impl Names {
    fn of(profile: &Path) -> Result<Self, Failure> {
        let usual = profile::default_dir().is_ok_and(|usual| profile::settled(&usual) == profile::settled(profile));
        let stem = if usual { "hither".to_owned() } else { format!("hither-{}", profile::mark(profile)) };
        let config = directories::BaseDirs::new()
            .ok_or_else(|| Failure::new(ErrorCode::StorageFailed, "there is no home directory").hint("set HOME"))?
            .config_dir()
            .to_owned();
        let units = config.join("systemd/user");
        Ok(Self {
            service: units.join(format!("{stem}.service")),
            socket: units.join(format!("{stem}.socket")),
            calls: units.join(format!("{stem}-peer.socket")),
            autostart: config.join("autostart").join(format!("dev.{}.agent.desktop", stem.replace('-', "."))),
            stem,
        })
    }

    fn service_name(&self) -> String {
        format!("{}.service", self.stem)
    }

    fn socket_name(&self) -> String {
        format!("{}.socket", self.stem)
    }

    fn calls_name(&self) -> String {
        format!("{}-peer.socket", self.stem)
    }

    /// The link by which systemd starts the service at login.
    fn wanted(&self) -> PathBuf {
        self.service.with_file_name("default.target.wants").join(self.service_name())
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let fault = |e: io::Error| fault(path, "written", &e);
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir).map_err(fault)?;
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(fault)?;
    io::Write::write_all(&mut file, text.as_bytes()).map_err(fault)?;
    file.persist(path).map_err(|e| fault(e.error))?;
    Ok(())
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(fault(path, "removed", &e)),
        _ => Ok(()),
    }
}

fn fault(path: &Path, what: &str, e: &io::Error) -> Failure {
    Failure::new(ErrorCode::StorageFailed, format!("{} cannot be {what}: {e}", path.display()))
        .hint("make room and permission there")
}
