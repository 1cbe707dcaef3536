//! The clock and the disk.

use super::{fail, ok, warn};
use hither_model::row::CheckRow;
use std::{path::Path, time::Duration};
use tokio::process::Command;

/// Free space below which receiving is likely to fail, bytes.
const LITTLE: u64 = 256 << 20;

/// Whether the system says its clock is set from the network. Certificates and epochs tolerate two days (docs/security).
pub(super) async fn clock() -> CheckRow {
    let run = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let known = tokio::time::timeout(Duration::from_secs(2), run).await.ok().and_then(Result::ok);
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    // Before the year in which this was written, the clock is certainly wrong.
    if unix < 1_767_225_600 {
        return fail("clock", "the clock is years behind", "set the date; certificates look not yet valid otherwise");
    }
    match known.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).as_deref() {
        Some("yes") => ok("clock", "set from the network"),
        Some("no") => warn(
            "clock",
            "not set from the network",
            "known devices find each other by the quarter hour: check the time",
        ),
        _ => ok("clock", "plausible; the system does not tell whether it is set from the network"),
    }
}

/// Whether the inbox is there and has room.
pub(super) fn inbox(path: &Path) -> CheckRow {
    let existing = path.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(existing) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let text = format!("{} has {} MiB free", path.display(), free >> 20);
            if free < LITTLE {
                warn("inbox", text, "make room, or name another folder in settings.toml")
            } else {
                ok("inbox", text)
            }
        }
        Err(errno) => {
            fail("inbox", format!("{}: {errno}", path.display()), "name a folder you can write to in settings.toml")
        }
    }
}
