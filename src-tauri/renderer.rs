//! Chooses before GTK starts how WebKit is to draw: which machines need plain painting, and why, is in
//! [`hither_window::renderer`].
//!
//! The variable must be there when the process begins (changing one's own environment is unsafe once there are
//! threads), so the program replaces itself by itself, once.

use hither_window::renderer::Machine;
use std::{env, fs, os::unix::process::CommandExt, path::Path, process::Command};

const SWITCH: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Begins anew with plain painting where that is needed; otherwise, and if that fails, just returns.
pub(crate) fn choose() {
    let Some(why) = machine().paints_plainly() else { return };
    tracing::info!("WebKit is to paint plainly: {why}");
    let mut arguments = env::args_os();
    let (Some(name), Ok(program)) = (arguments.next(), env::current_exe()) else { return };
    let failed = Command::new(program).arg0(name).args(arguments).env(SWITCH, "1").exec();
    tracing::warn!("the window may be slow or stay blank: WebKit could not be told to paint plainly: {failed}");
}

fn machine() -> Machine {
    let decided = env::var_os(SWITCH).is_some();
    Machine {
        decided,
        nvidia: Path::new("/proc/driver/nvidia/version").exists(),
        renders: fs::read_dir("/dev/dri").is_ok_and(|nodes| {
            nodes.filter_map(Result::ok).any(|node| node.file_name().to_string_lossy().starts_with("renderD"))
        }),
        guest: !decided && is_guest(),
    }
}

/// Whether the processor says that it is a virtual machine's.
fn is_guest() -> bool {
    let Ok(text) = fs::read_to_string("/proc/cpuinfo") else { return false };
    let flags = text.lines().find(|line| line.starts_with("flags"));
    flags.is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"))
}
