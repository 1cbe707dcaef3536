//! Chooses before GTK starts how WebKit is to draw: which machines need plain painting, and why, is in
//! [`hither_window::renderer`].

use gtk::glib;
use hither_window::renderer::Machine;
use std::{env, fs, path::Path};

const SWITCH: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// Has WebKit paint plainly where that is needed. To be called before there is a second thread: one's own environment
/// cannot be changed safely while another thread may read it.
pub(crate) fn choose() {
    let Some(why) = machine().paints_plainly() else { return };
    tracing::info!("WebKit is to paint plainly: {why}");
    if let Err(e) = glib::setenv(SWITCH, "1", true) {
        tracing::warn!("the window may be slow or stay blank: WebKit could not be told to paint plainly: {e}");
    }
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
