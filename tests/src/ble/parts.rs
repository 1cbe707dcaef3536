//! What the machine is made of and where that lies on this host. Whatever is missing is said with what to do about it.

use crate::program::on_path;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The pieces found on this host.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Where images and unpacked kernels are kept: `ble-machine` in the target directory.
    pub place: PathBuf,
    /// The kernel.
    pub kernel: PathBuf,
    /// Its modules, `lib/modules/VERSION`.
    pub modules: PathBuf,
    /// Programs that go into every image, each at the path it has here.
    pub programs: Vec<PathBuf>,
    /// Settings of the bus and of bluetoothd, each at the path it has here.
    pub settings: Vec<PathBuf>,
}

/// Programs of the guest: the places where distributions put them, and the package that has them.
const PROGRAMS: &[(&[&str], &str)] = &[
    (&["/bin/busybox", "/usr/bin/busybox"], "busybox-static"),
    (&["/usr/bin/dbus-daemon"], "dbus-daemon"),
    (&["/usr/bin/dbus-send"], "dbus-bin"),
    (&["/usr/libexec/bluetooth/bluetoothd", "/usr/lib/bluetooth/bluetoothd"], "bluez"),
    (&["/usr/bin/bluetoothctl"], "bluez"),
    (&["/usr/bin/btmgmt"], "bluez"),
    (&["/usr/bin/btmon"], "bluez"),
    (&["/usr/bin/btvirt"], "bluez-test-tools"),
    (&["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"], "iproute2"),
];

/// Settings of the guest: the places where distributions put them, and the package that has them.
const SETTINGS: &[(&[&str], &str)] = &[
    (&["/usr/share/dbus-1/system.conf"], "dbus-system-bus-common"),
    (&["/etc/dbus-1/system.d/bluetooth.conf", "/usr/share/dbus-1/system.d/bluetooth.conf"], "bluez"),
];

impl Parts {
    /// Looks for everything.
    ///
    /// # Errors
    /// The first thing that is missing, and what to do.
    pub fn find() -> Result<Self, String> {
        if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
            return Err("the machine is a PC with Linux; this host is another one".to_owned());
        }
        for tool in ["qemu-system-x86_64", "setpriv", "ldd", "strip"] {
            if !on_path(tool) {
                return Err(format!("the tool `{tool}` is missing: run `script/bootstrap ble`"));
            }
        }
        let place = place()?;
        let (kernel, modules) = kernel(&place.join("kernel"))
            .ok_or("there is no kernel for the machine: run `script/bootstrap ble`, which downloads Debian's")?;
        let programs = PROGRAMS.iter().map(|(places, package)| first(places, package)).collect::<Result<_, _>>()?;
        let settings = SETTINGS.iter().map(|(places, package)| first(places, package)).collect::<Result<_, _>>()?;
        Ok(Self { place, kernel, modules, programs, settings })
    }
}

/// `ble-machine` beside the profile directory in which this test was built.
fn place() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let target =
        own.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file()).ok_or("there is no target directory")?;
    let place = target.join("ble-machine");
    fs::create_dir_all(&place).map_err(|e| format!("{}: {e}", place.display()))?;
    Ok(place)
}

fn first(places: &[&str], package: &str) -> Result<PathBuf, String> {
    let found = places.iter().map(PathBuf::from).find(|path| path.is_file());
    let named = places.first().copied().unwrap_or_default();
    found.ok_or_else(|| format!("{named} is missing (package {package}): run `script/bootstrap ble`"))
}

/// The newest kernel in a directory into which a kernel package was unpacked.
fn kernel(dir: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut kernels: Vec<PathBuf> = fs::read_dir(dir.join("boot")).ok()?.filter_map(|e| Some(e.ok()?.path())).collect();
    kernels.sort();
    kernels.into_iter().rev().find_map(|kernel| {
        let version = kernel.file_name()?.to_str()?.strip_prefix("vmlinuz-")?.to_owned();
        let modules = ["lib/modules", "usr/lib/modules"].map(|place| dir.join(place).join(&version));
        Some((kernel, modules.into_iter().find(|path| path.is_dir())?))
    })
}

/// Runs a command that has to succeed and gives its standard output.
pub(super) fn output(command: &mut Command) -> Result<Vec<u8>, String> {
    let out = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    let said = String::from_utf8_lossy(&out.stderr);
    if out.status.success() { Ok(out.stdout) } else { Err(format!("{command:?}: {}", said.trim())) }
}
