//! A systemd of a user, for real: in namespaces of its own (mounts, processes, network, control groups), so that it sees
//! nothing of this machine's and leaves nothing behind. Needs root and cgroup v2.

use crate::{program, run::children_of};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// What runs as process 1 there. `$1`: the control group, from outside; `$2`: the home directory.
const INSIDE: &str = r#"
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system "/run/user/$(id -u)"
chmod 700 "/run/user/$(id -u)"
umount -l /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
export HOME="$1" XDG_RUNTIME_DIR="/run/user/$(id -u)"
unset XDG_CONFIG_HOME XDG_DATA_HOME DBUS_SESSION_BUS_ADDRESS NOTIFY_SOCKET HITHER_PROFILE DISPLAY WAYLAND_DISPLAY
/lib/systemd/systemd --user --show-status=no >/dev/null 2>"$1/systemd.log" &
while ! systemctl --user --wait is-system-running >/dev/null 2>&1; do
  kill -0 $! || { echo "failed"; exit 1; }
  # Until its socket is there; then `--wait` waits.
  [ -S "$XDG_RUNTIME_DIR/systemd/private" ] && break
done
systemctl --user --wait is-system-running >/dev/null 2>&1 || true
echo ready
cat >/dev/null
"#;

/// A running systemd of a user. Everything it runs ends with it.
#[derive(Debug)]
pub struct Systemd {
    outer: Child,
    /// Process 1 of it, seen from here.
    first: u32,
    group: PathBuf,
    home: tempfile::TempDir,
    hither: PathBuf,
}

impl Systemd {
    /// Starts one; `Err` says why none can run here.
    ///
    /// # Errors
    /// A reason to skip a test.
    pub fn start() -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("a systemd in namespaces needs root".into());
        }
        if !Path::new("/lib/systemd/systemd").is_file() {
            return Err("there is no systemd here".into());
        }
        let hither = program::hither()?;
        let root = cgroup2().ok_or("no cgroup v2 is mounted here")?;
        let group = root.join(format!("hither-test-{}", std::process::id()));
        fs::create_dir(&group).map_err(|e| format!("no control group can be made: {e}"))?;
        let home = tempfile::tempdir().map_err(|e| e.to_string())?;
        let mut outer = Command::new("sh")
            .arg("-c")
            .arg(r#"echo $$ >"$1/cgroup.procs" && exec unshare --mount --pid --net --cgroup --fork --kill-child sh -c "$3" sh "$2""#)
            .args([Path::new("sh"), &group, home.path()])
            .arg(INSIDE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|e| e.to_string())?;
        let mut said = String::new();
        let read = outer.stdout.take().map(|out| BufReader::new(out).read_line(&mut said));
        let first = children_of(outer.id()).first().copied().unwrap_or_default();
        let running = Self { outer, first, group, home, hither };
        match (read, said.trim()) {
            (Some(Ok(_)), "ready") => Ok(running),
            _ => Err(format!("systemd does not run in a namespace here: {}", running.log())),
        }
    }

    /// What systemd complained about.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("systemd.log")).unwrap_or_default()
    }

    /// The home directory of the user there.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A command there.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first.to_string(), "--mount", "--pid", "--net", "--cgroup"]);
        command.args(["env", "-i"]).arg(format!("HOME={}", self.home.path().display()));
        command.arg(format!("XDG_RUNTIME_DIR=/run/user/{}", rustix::process::geteuid().as_raw()));
        command.arg(format!("PATH={}", std::env::var("PATH").unwrap_or_default()));
        command.arg(program).stdin(Stdio::null());
        command
    }

    /// Runs `systemctl --user` there and gives what it said.
    ///
    /// # Panics
    /// When it refuses.
    pub fn systemctl(&self, words: &[&str]) -> String {
        let done = self.command("systemctl").arg("--user").args(words).output();
        said(&format!("systemctl --user {}", words.join(" ")), done)
    }

    /// Runs `hither --json` there and gives the last line.
    ///
    /// # Panics
    /// When it fails.
    pub fn hither(&self, words: &[&str]) -> Value {
        let done = self.command(&self.hither).arg("--json").args(words).output();
        let said = said(&format!("hither {}", words.join(" ")), done);
        said.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
    }

    /// The program under test.
    pub fn program(&self) -> &Path {
        &self.hither
    }

    /// The agent's process there; `None` if none runs.
    pub fn agent(&self) -> Option<u32> {
        self.systemctl(&["show", "--property=MainPID", "--value", "hither.service"])
            .trim()
            .parse()
            .ok()
            .filter(|pid| *pid != 0)
    }

    /// Adds settings to the service, as an administrator does.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn override_service(&self, text: &str) {
        let dir = self.home.path().join(".config/systemd/user/hither.service.d");
        fs::create_dir_all(&dir).expect("a directory for settings");
        fs::write(dir.join("test.conf"), text).expect("settings of the service");
        self.systemctl(&["daemon-reload"]);
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        drop(self.outer.stdin.take());
        let _ = self.outer.wait();
        remove(&self.group);
    }
}

fn said(what: &str, done: std::io::Result<Output>) -> String {
    let done = done.unwrap_or_else(|e| panic!("{what}: {e}"));
    let (out, errors) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{what} failed: {out}{errors}");
    out.into_owned()
}

/// Where the one hierarchy of control groups is mounted.
fn cgroup2() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?;
    line.split(' ').nth(1).map(PathBuf::from)
}

/// Control groups are removed from below; their files are not.
fn remove(group: &Path) {
    for inner in fs::read_dir(group).into_iter().flatten().flatten() {
        if inner.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&inner.path());
        }
    }
    let _ = fs::remove_dir(group);
}
