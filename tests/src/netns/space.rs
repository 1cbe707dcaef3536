//! The namespaces of one host, kept alive by a process that ends as soon as the pipe to it closes.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A network namespace, and for hosts also mounts, processes and a host name.
#[derive(Debug)]
pub(super) struct Space {
    keeper: Child,
    pid: u32,
    whole: bool,
}

impl Space {
    /// A network and nothing else: for the bridge.
    pub(super) fn switch() -> Result<Self, String> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-ec", "echo $$; exec cat >/dev/null"]);
        Self::keep(command, false)
    }

    /// A host: its own network, mounts, processes and name.
    pub(super) fn host(name: &str, program: Option<&Path>) -> Result<Self, String> {
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-ec"]);
        command.arg(HOST).arg("host").arg(name);
        command.args(program);
        Self::keep(command, true)
    }

    fn keep(mut command: Command, whole: bool) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut keeper = command.spawn().map_err(|e| format!("unshare: {e}"))?;
        let mut line = String::new();
        if let Some(out) = keeper.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(|e| e.to_string())?;
        }
        if line.is_empty() {
            let out = keeper.wait_with_output().map_err(|e| e.to_string())?;
            return Err(format!("a host did not start: {}", String::from_utf8_lossy(&out.stderr).trim()));
        }
        let pid = if whole { only_child(keeper.id()) } else { Some(keeper.id()) };
        pid.map(|pid| Self { keeper, pid, whole })
            .ok_or_else(|| "the host's first process is not to be found".to_owned())
    }

    /// The process that keeps it, by its id in our own process namespace.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Runs a script in it; any failing command ends the script.
    pub(super) fn shell(&self, script: &str) -> Result<(), String> {
        run_in(self.pid, self.whole, "sh", &["-ec", script]).map(drop)
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Runs a program in the namespaces of `pid` and gives its standard output.
pub(super) fn run_in(pid: u32, whole: bool, program: &str, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new("nsenter");
    command.args(["-t", &pid.to_string(), "-n"]);
    if whole {
        command.args(["-m", "-u", "-p"]);
    }
    command.arg("--").arg(program).args(args).stdin(Stdio::null());
    let out = command.output().map_err(|e| format!("nsenter: {e}"))?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let _ = std::io::stdout().write_all(&out.stdout);
    Err(format!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&out.stderr).trim()))
}

fn only_child(parent: u32) -> Option<u32> {
    let entries = std::fs::read_dir("/proc").ok()?;
    let pids = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let mut children = pids.filter(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|p| p.trim() == parent.to_string()))
    });
    children.next()
}

/// What the first process of a host does: a name, a `/run` of its own, the program under test at a fixed place that
/// every user of the host can reach; then it waits for the end of its standard input.
const HOST: &str = r#"
hostname "$1" 2>/dev/null || true
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/bin /run/lock /run/people
if [ -n "${2:-}" ]; then : >/run/bin/hither; mount --bind "$2" /run/bin/hither; fi
echo up
exec cat >/dev/null
"#;
