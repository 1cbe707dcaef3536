//! Whether the system hides the radio's own address. Linux keeps that in `/etc/bluetooth/main.conf`: without `Privacy`
//! there, everything that can be connected to shows the address the maker gave the radio, which never changes. No
//! program can change that for itself; it can only know, say so, and advertise in a way that cannot be connected to.

/// With `Privacy`, the kernel keeps one private address for so long at most, also when an advert is replaced by another
/// one. An id that is replaced earlier may be linked to the next one by the address; after this time, both change in the
/// same instant. It is fifteen minutes, and what the kernel's timer comes late: its wheel rounds a time like that up to
/// the next 16 s with 250 ticks a second, 33 s with 1,000, 41 s with 100 and 110 s with 300. (Without `Privacy`, adverts
/// that cannot be connected to get a new address with every id.)
pub const ADDRESS_LASTS: std::time::Duration = std::time::Duration::from_secs(900 + 110);

/// Where BlueZ is configured.
#[cfg(target_os = "linux")]
const MAIN_CONF: &str = "/etc/bluetooth/main.conf";
/// A configuration larger than this is not one.
#[cfg(target_os = "linux")]
const MAX_BYTES: u64 = 256 * 1024;

/// Whether BlueZ with this configuration shows a private address that changes wherever it can be connected to.
///
/// The `limited-…` modes do not count: they show the radio's own address while an advert is discoverable.
pub fn keeps_private(main_conf: &str) -> bool {
    let mut general = false;
    let mut private = false;
    for line in main_conf.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            general = section.split(']').next().is_some_and(|name| name == "General");
        } else if let Some((key, value)) = line.split_once('=').filter(|_| general && !line.starts_with(['#', ';'])) {
            // The last one counts.
            if key.trim() == "Privacy" {
                private = matches!(value.trim(), "device" | "network" | "on");
            }
        }
    }
    private
}

/// The same for this machine. A configuration that is not there, or that this user may not read, hides nothing for all
/// that is known. Reads one small file.
#[cfg(target_os = "linux")]
pub fn here() -> bool {
    use std::io::Read;
    let mut text = String::new();
    let read = std::fs::File::open(MAIN_CONF).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    read.is_ok() && keeps_private(&text)
}

/// The same for this machine: not known on this system.
#[cfg(not(target_os = "linux"))]
pub fn here() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mode_that_always_hides_the_address_counts() {
        for (mode, private) in [
            ("device", true),
            ("network", true),
            ("on", true),
            ("limited-device", false),
            ("limited-network", false),
            ("off", false),
            ("", false),
        ] {
            assert_eq!(keeps_private(&format!("[General]\nName = x\nPrivacy = {mode}\n")), private, "{mode:?}");
        }
    }

    #[test]
    fn what_is_commented_out_or_in_another_section_does_not_count() {
        assert!(!keeps_private(""));
        assert!(!keeps_private("Privacy=device"));
        assert!(!keeps_private("[General]\n#Privacy = device\n; Privacy = device"));
        assert!(!keeps_private("[General]\n[LE]\nPrivacy=device"));
        assert!(!keeps_private("[General]\nPrivacy=device\nPrivacy=off"), "the last one counts");
        assert!(keeps_private("# x\n[Policy]\nA=1\n[General]\r\n  Privacy  =  device  \r\n[LE]\n"));
    }
}
