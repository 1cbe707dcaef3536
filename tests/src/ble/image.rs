//! The first and only file system of the machine: programs with their libraries, kernel modules in the order in which
//! they are loaded, and an init of a few lines.
//!
//! Programs of this workspace are stripped copies (a debug build is mostly names).

use super::{
    cpio::{Entry, Tree},
    parts::{Parts, output},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
};

/// Kernel modules that are wanted, in this order, each after those it depends on. What the kernel has built in, or does
/// not have, is passed over. The first three before ECDH: it tests itself when it is loaded and needs them.
const MODULES: &[&str] = &[
    "ctr",
    "sha512_generic",
    "drbg",
    "cmac",
    "ecdh_generic",
    "ecb",
    "af_alg",
    "algif_hash",
    "algif_skcipher",
    "virtio_pci",
    "virtio_console",
    "rfkill",
    "bluetooth",
    "hci_vhci",
    "veth",
];

/// The guest's first program. The last line of the kernel's log then tells how it ended.
const INIT: &str = r#"#!/bin/busybox sh
export PATH=/opt:/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mkdir -p /dev/pts /run/dbus /run/netns /tmp /root /var/lib/bluetooth
/bin/busybox mount -t devpts pts /dev/pts
/bin/busybox mount -t tmpfs run /run
/bin/busybox mkdir -p /run/dbus /run/netns
/bin/busybox --install -s /bin
while read -r module; do
  insmod "/modules/$module.ko" || echo "the module $module was not loaded"
done </modules/order
ip link set lo up
ble-guest /dev/vport0p1
echo "the guest's last word: $?"
poweroff -f
"#;

/// A bootable file system on disk.
#[derive(Debug, Clone)]
pub struct Image {
    /// The archive.
    pub path: PathBuf,
    /// What it was made of.
    pub parts: Parts,
}

impl Image {
    /// Builds the image of this name with these programs of ours (each goes to `/opt`).
    ///
    /// # Errors
    /// What could not be read, copied or written.
    pub fn build(parts: &Parts, name: &str, ours: &[PathBuf]) -> Result<Self, String> {
        let mut tree = Tree::default();
        let mut libraries = BTreeSet::new();
        for program in &parts.programs {
            tree.put(&guest_path(program), file(program)?);
            closure(program, &mut libraries)?;
        }
        for program in ours {
            let called = program.file_name().ok_or("a program without a name")?.to_string_lossy().into_owned();
            tree.put(&format!("/opt/{called}"), file(&stripped(parts, program, &called)?)?);
            closure(program, &mut libraries)?;
        }
        for library in &libraries {
            tree.put(&library.to_string_lossy(), file(library)?);
        }
        for settings in &parts.settings {
            tree.put(&settings.to_string_lossy(), plain(fs::read(settings).map_err(|e| e.to_string())?));
        }
        load_modules(parts, &mut tree)?;
        accounts(&mut tree);
        let path = parts.place.join(format!("{name}.cpio"));
        let write = || {
            let mut out = BufWriter::new(fs::File::create(&path)?);
            tree.write(&mut out)?;
            out.flush()
        };
        write().map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(Self { path, parts: parts.clone() })
    }
}

fn accounts(tree: &mut Tree) {
    tree.put("/init", Entry::File { executable: true, content: INIT.as_bytes().to_vec() });
    let users = "root:x:0:0:root:/root:/bin/sh\nmessagebus:x:100:100::/run/dbus:/bin/false\n";
    tree.put("/etc/passwd", plain(users.into()));
    tree.put("/etc/group", plain("root:x:0:\nmessagebus:x:100:\nbluetooth:x:101:\nnetdev:x:102:\n".into()));
    tree.put("/etc/nsswitch.conf", plain("passwd: files\ngroup: files\nhosts: files\n".into()));
    tree.put("/etc/hosts", plain("127.0.0.1 localhost\n::1 localhost\n".into()));
    tree.put("/etc/machine-id", plain("0123456789abcdef0123456789abcdef\n".into()));
    for dir in ["/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/sbin", "/usr/sbin"] {
        if !tree.has(dir) {
            tree.put(dir, Entry::Directory);
        }
    }
}

/// Where a program of the host lies in the guest: busybox must be in `/bin`, and has an `ip` of its own there.
fn guest_path(program: &Path) -> String {
    let path = program.to_string_lossy();
    match program.file_name().and_then(|n| n.to_str()) {
        Some("busybox") => "/bin/busybox".to_owned(),
        Some("ip") => "/opt/ip".to_owned(),
        _ => path.into_owned(),
    }
}

fn plain(content: Vec<u8>) -> Entry {
    Entry::File { executable: false, content }
}

fn file(path: &Path) -> Result<Entry, String> {
    let content = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(Entry::File { executable: true, content })
}

/// Adds the libraries that a program is linked with, as the host's own loader finds them.
fn closure(program: &Path, into: &mut BTreeSet<PathBuf>) -> Result<(), String> {
    // Its exit status says "not a dynamic program" too, which is no fault.
    let out = Command::new("ldd").arg(program).env("LC_ALL", "C").output().map_err(|e| format!("ldd: {e}"))?;
    let text = String::from_utf8_lossy(&out.stdout);
    if let Some(line) = text.lines().find(|line| line.contains("not found")) {
        return Err(format!("{}: {}", program.display(), line.trim()));
    }
    let paths = text.split_whitespace().filter(|word| word.starts_with('/') && word.contains(".so"));
    into.extend(paths.map(PathBuf::from));
    Ok(())
}

/// A stripped copy, made anew when the program is newer.
fn stripped(parts: &Parts, program: &Path, name: &str) -> Result<PathBuf, String> {
    let dir = parts.place.join("stripped");
    fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
    let copy = dir.join(name);
    let made = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).ok();
    if made(&copy).is_none() || made(&copy) <= made(program) {
        output(Command::new("strip").arg("-o").arg(&copy).arg(program))?;
    }
    Ok(copy)
}

/// Puts the wanted modules and their order into the tree.
fn load_modules(parts: &Parts, tree: &mut Tree) -> Result<(), String> {
    let mut found = BTreeMap::new();
    search(&parts.modules.join("kernel"), &mut found).map_err(|e| format!("{}: {e}", parts.modules.display()))?;
    let mut order = Vec::new();
    for name in MODULES {
        load(name, &found, &mut order, tree)?;
    }
    for name in ["virtio_console", "hci_vhci", "bluetooth"] {
        if !order.iter().any(|have| have == name) {
            return Err(format!("the kernel {} has no module {name}", parts.kernel.display()));
        }
    }
    tree.put("/modules/order", plain((order.join("\n") + "\n").into_bytes()));
    Ok(())
}

fn load(name: &str, found: &BTreeMap<String, PathBuf>, order: &mut Vec<String>, tree: &mut Tree) -> Result<(), String> {
    let Some(path) = found.get(name) else { return Ok(()) };
    if order.iter().any(|have| have == name) {
        return Ok(());
    }
    let content = unpacked(path)?;
    for needed in needs(&content) {
        load(&needed, found, order, tree)?;
    }
    order.push(name.to_owned());
    tree.put(&format!("/modules/{name}.ko"), plain(content));
    Ok(())
}

/// Module files by the names the kernel calls them.
fn search(dir: &Path, found: &mut BTreeMap<String, PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            search(&path, found)?;
        } else if let Some((name, _)) = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.split_once(".ko")) {
            found.insert(name.replace('-', "_"), path.clone());
        }
    }
    Ok(())
}

fn unpacked(path: &Path) -> Result<Vec<u8>, String> {
    let tool = match path.extension().and_then(|e| e.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        _ => return fs::read(path).map_err(|e| format!("{}: {e}", path.display())),
    };
    output(Command::new(tool).arg("-dc").arg(path))
}

/// The modules that a module says it depends on (`depends=a,b` among the zero-ended strings of its section .modinfo).
fn needs(module: &[u8]) -> Vec<String> {
    let mark = b"\0depends=";
    let Some(at) = module.windows(mark.len()).position(|window| window == mark) else { return Vec::new() };
    let rest = module.get(at + mark.len()..).unwrap_or_default();
    let list = rest.split(|byte| *byte == 0).next().unwrap_or_default();
    let list = String::from_utf8_lossy(list);
    list.split(',').filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_names_what_it_needs() {
        assert_eq!(needs(b"x\0license=GPL\0depends=crc16,ecdh-generic\0name=b\0"), ["crc16", "ecdh_generic"]);
        assert_eq!(needs(b"\0depends=\0"), [""; 0]);
        assert_eq!(needs(b"nothing"), [""; 0]);
    }
}
