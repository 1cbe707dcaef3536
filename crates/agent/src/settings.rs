//! What a person has set, in `settings.toml` of the profile.
//!
//! The file is versioned and written atomically. One that is damaged, has an unknown word in it, or comes from a newer
//! hither is refused with the fix: it is never taken for an empty one, since that could show a device that was hidden
//! (N5). For the same reason every setting but the name must be there, and the last line is one of them. A file of an
//! earlier version is read, and kept as it was beside the new one (`settings.toml.vN`, the last one only).

use hither_engine::{Bluetooth, Certificates, Interfaces};
use hither_model::{DisplayName, ErrorCode, Failure, row::Visibility};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The version of the file this hither writes.
const VERSION: u32 = 5;
/// Capabilities a person has to grant before they are used: revoked in a profile that never said anything about them.
const BY_HAND: [&str; 2] = ["internetClientServer", "enterpriseAuthentication"];
/// Largest file that is read, bytes.
const CAP: u64 = 256 * 1024;

/// The settings of one profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    version: u32,
    /// The name shown to everyone, if one was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// Who may see this device.
    pub visibility: Visibility,
    /// Where received files go: an absolute path.
    pub inbox: PathBuf,
    /// Permit TLS 1.2 (with extended master secret) towards older devices.
    pub allow_tls12: bool,
    /// Whether the agent raises notifications.
    pub notifications: bool,
    /// Capabilities that were revoked, by name.
    pub revoked: Vec<String>,
    /// Network interfaces for discovery.
    pub interfaces: Interfaces,
    /// Certificates of people, ours and others'.
    pub certificates: Certificates,
    /// Bluetooth LE.
    pub bluetooth: Bluetooth,
}

#[derive(Deserialize)]
struct OnlyVersion {
    version: u32,
}

/// The files of version 1, which had nothing about notifications, of 2, which had nothing about certificates, of 3,
/// which had nothing about Bluetooth, and of 4, which knew no capability that a person has to grant first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Earlier {
    version: u32,
    #[serde(default)]
    name: Option<DisplayName>,
    visibility: Visibility,
    inbox: PathBuf,
    allow_tls12: bool,
    #[serde(default)]
    notifications: Option<bool>,
    revoked: Vec<String>,
    interfaces: Interfaces,
    #[serde(default)]
    certificates: Option<Certificates>,
    #[serde(default)]
    bluetooth: Option<Bluetooth>,
}

impl Earlier {
    fn settings(self) -> Option<Settings> {
        let Self { version, name, visibility, inbox, allow_tls12, notifications, revoked, interfaces, .. } = self;
        let (notifications, certificates, bluetooth) = match (version, notifications, self.certificates, self.bluetooth)
        {
            (1, None, None, None) => (true, Certificates::default(), Bluetooth::default()),
            (2, Some(said), None, None) => (said, Certificates::default(), Bluetooth::default()),
            (3, Some(said), Some(certificates), None) => (said, certificates, Bluetooth::default()),
            (4, Some(said), Some(certificates), Some(bluetooth)) => (said, certificates, bluetooth),
            _ => return None,
        };
        let mut revoked = revoked;
        revoked.retain(|name| !BY_HAND.contains(&name.as_str()));
        revoked.extend(BY_HAND.map(str::to_owned));
        Some(Settings {
            version: VERSION,
            name,
            visibility,
            inbox,
            allow_tls12,
            notifications,
            revoked,
            interfaces,
            certificates,
            bluetooth,
        })
    }
}

impl Settings {
    /// The settings of a profile that has none yet.
    pub fn fresh(profile: &Path) -> Self {
        let downloads = directories::UserDirs::new().and_then(|dirs| dirs.download_dir().map(|d| d.join("hither")));
        Self {
            version: VERSION,
            name: None,
            visibility: Visibility::Known,
            inbox: downloads.unwrap_or_else(|| profile.join("inbox")),
            allow_tls12: false,
            notifications: true,
            revoked: BY_HAND.map(str::to_owned).to_vec(),
            interfaces: Interfaces::default(),
            certificates: Certificates::default(),
            bluetooth: Bluetooth::default(),
        }
    }

    /// Reads the settings of the profile; a profile without any gets fresh ones, which are not written yet.
    ///
    /// # Errors
    /// The file cannot be read or cannot be understood.
    pub fn load(profile: &Path) -> Result<Self, Failure> {
        let path = file(profile);
        let text = match read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::fresh(profile)),
            Err(e) => {
                return Err(Failure::new(
                    ErrorCode::StorageFailed,
                    format!("{}: the settings cannot be read: {e}", path.display()),
                )
                .hint(aside(&path)));
            }
        };
        let version = toml::from_str(&text).map_or(VERSION, |OnlyVersion { version }| version);
        let settings = Self::parse(&text).map_err(|why| {
            let fix = match version > VERSION {
                true => format!("start the hither that wrote them, or update this one; {}", afresh(&path)),
                false => aside(&path),
            };
            Failure::new(ErrorCode::StorageFailed, format!("{}: {why}", path.display())).hint(fix)
        })?;
        if version < VERSION {
            put_aside(profile, version, &text).map_err(|e| {
                let why = format!("{}: the settings of version {version} cannot be kept: {e}", path.display());
                Failure::new(ErrorCode::StorageFailed, why).hint("make room and permission there; nothing was changed")
            })?;
        }
        Ok(settings)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let damaged = |e: toml::de::Error| format!("the settings are damaged: {}", e.message());
        let OnlyVersion { version } = toml::from_str(text).map_err(damaged)?;
        let settings: Self = match version {
            VERSION => toml::from_str(text).map_err(damaged)?,
            1..VERSION => {
                let earlier = toml::from_str::<Earlier>(text).map_err(damaged)?;
                earlier.settings().ok_or("the settings are damaged: what is in them is not of their version")?
            }
            _ if version > VERSION => {
                return Err(format!(
                    "the settings are of version {version}, which a newer hither wrote; hither {} reads up to {VERSION}",
                    env!("CARGO_PKG_VERSION")
                ));
            }
            _ => return Err(format!("the settings are of version {version}, which no hither wrote")),
        };
        if !settings.inbox.is_absolute() {
            return Err("the inbox must be an absolute path".into());
        }
        if settings.bluetooth.adapter.as_deref().is_some_and(|named| !is_radio_address(named)) {
            return Err("the Bluetooth adapter must be named by its address, such as 00:11:22:aa:bb:cc".into());
        }
        Ok(settings)
    }

    /// Writes the settings so that a crash leaves either the old file or the new one.
    ///
    /// # Errors
    /// The disk says no.
    pub fn save(&self, profile: &Path) -> Result<(), Failure> {
        let path = file(profile);
        let fault = |why: String| {
            Failure::new(ErrorCode::StorageFailed, format!("{}: the settings cannot be written: {why}", path.display()))
                .hint("make room and permission there")
        };
        let text = toml::to_string(self).map_err(|e| fault(e.to_string()))?;
        write(profile, &path, &text).map_err(|e| fault(e.to_string()))
    }
}

/// Gives a whole file its name; what could not be written whole does not stay.
fn write(profile: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let whole = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut out = options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(&new)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&new, path)
    };
    whole().inspect_err(|_| drop(fs::remove_file(&new)))?;
    File::open(profile)?.sync_all()
}

/// Keeps the file of an earlier version as it was, in place of one that is older still.
fn put_aside(profile: &Path, version: u32, text: &str) -> io::Result<()> {
    let beside = |version| profile.join(format!("settings.toml.v{version}"));
    write(profile, &beside(version), text)?;
    for older in 0..version {
        match fs::remove_file(beside(older)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Six pairs of hexadecimal digits with colons between them.
fn is_radio_address(text: &str) -> bool {
    let pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
    text.split(':').count() == 6 && text.split(':').all(pair)
}

fn file(profile: &Path) -> PathBuf {
    profile.join("settings.toml")
}

fn aside(path: &Path) -> String {
    format!("put it right; {}", afresh(path))
}

fn afresh(path: &Path) -> String {
    format!("or start with fresh settings: `mv {0} {0}.old`", path.display())
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(CAP + 1).read_to_string(&mut text)?;
    if text.len() as u64 > CAP { Err(io::Error::other("larger than settings can be")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_the_disk() {
        let top = tempfile::tempdir().unwrap();
        let mut settings = Settings::fresh(top.path());
        settings.name = Some(DisplayName::new("Ana \"Banana\" 한").unwrap());
        settings.visibility = Visibility::Nobody;
        settings.revoked = vec!["discovery".into()];
        settings.interfaces.exclude = vec!["eth1".into()];
        settings.interfaces.virtual_too = true;
        settings.bluetooth = Bluetooth { on: false, adapter: Some("00:11:22:aa:bb:cc".into()), near_only: true };
        settings.save(top.path()).unwrap();
        settings.save(top.path()).unwrap();
        assert_eq!(Settings::load(top.path()).unwrap(), settings);
        let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(file(top.path())).unwrap());
        assert_eq!(mode & 0o777, 0o600);
        assert!(!top.path().join("settings.toml.new").exists());
    }

    /// Word for word what hither 0.1 wrote.
    const FIRST: &str = "version = 1
name = \"Ana\"
visibility = \"nobody\"
inbox = \"/home/ana/in\"
allow_tls12 = true
revoked = [\"proximity\"]

[interfaces]
include = [\"eth0\"]
exclude = []
virtual = true
";

    #[test]
    fn settings_of_the_version_before_are_read_whole_and_written_as_the_new_one() {
        let top = tempfile::tempdir().unwrap();
        fs::write(file(top.path()), FIRST).unwrap();
        let settings = Settings::load(top.path()).unwrap();
        assert_eq!(settings.name, DisplayName::new("Ana").ok());
        assert_eq!((settings.visibility, settings.allow_tls12), (Visibility::Nobody, true));
        assert_eq!(
            (settings.inbox.to_str(), settings.revoked.join(" ").as_str()),
            (Some("/home/ana/in"), "proximity internetClientServer enterpriseAuthentication"),
            "what a person has to grant first is not there by itself"
        );
        assert_eq!((settings.interfaces.include.len(), settings.interfaces.virtual_too), (1, true));
        assert!(settings.notifications, "on until somebody switches them off");
        let second = FIRST.replace("version = 1", "version = 2").replace("revoked", "notifications = false\nrevoked");
        let read = Settings::parse(&second).unwrap();
        assert_eq!((read.notifications, &read.certificates), (false, &Certificates::default()));
        assert!(Settings::parse(&second.replace("version = 2", "version = 1")).is_err(), "a mixture is damage");
        let third = second.replace("version = 2", "version = 3");
        assert!(Settings::parse(&third).is_err(), "no certificates in it");
        let third = third
            + "\n[certificates]\nidentity = \"ask\"\nmodules = []\nnetwork_modules = []\norganisation = true\ncard_bound = false\nstale_crl = false\n";
        let read = Settings::parse(&third).unwrap();
        assert_eq!(
            (read.notifications, read.certificates.organisation, read.certificates.card_bound),
            (false, true, false)
        );
        assert_eq!(read.bluetooth, Bluetooth { on: true, adapter: None, near_only: false });
        assert!(
            Settings::parse(&third.replace("version = 3", "version = 4")).is_err(),
            "no word about Bluetooth in it"
        );
        let fourth = third.replace("version = 3", "version = 4") + "\n[bluetooth]\non = false\nnear_only = true\n";
        let read = Settings::parse(&fourth).unwrap();
        assert_eq!((read.bluetooth.on, read.bluetooth.near_only, read.revoked.len()), (false, true, 3));
        settings.save(top.path()).unwrap();
        assert!(fs::read_to_string(file(top.path())).unwrap().contains("version = 5\n"));
        assert_eq!(Settings::load(top.path()).unwrap(), settings);
        assert_eq!(fs::read_to_string(top.path().join("settings.toml.v1")).unwrap(), FIRST, "kept as it was");
        for (text, version) in [(&fourth, 4), (&fourth, 4)] {
            fs::write(file(top.path()), text).unwrap();
            Settings::load(top.path()).unwrap().save(top.path()).unwrap();
            assert_eq!(fs::read_to_string(top.path().join(format!("settings.toml.v{version}"))).unwrap(), *text);
        }
        assert!(!top.path().join("settings.toml.v1").exists(), "the last one only");
        for end in 0..FIRST.trim_end().len() {
            assert!(Settings::parse(&FIRST[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn n5_settings_that_are_damaged_newer_or_misspelt_are_refused_and_stay_as_they_are() {
        let top = tempfile::tempdir().unwrap();
        let good = toml::to_string(&Settings::fresh(top.path())).unwrap();
        for bad in [
            String::new(),
            good.replace("version = 5", "version = 6"),
            good.replace("version = 5", "version = 0"),
            // What the new version must say is not optional in it, and unknown to the old one.
            good.replace("notifications = true\n", ""),
            good.replace("near_only = false", ""),
            good.replace("near_only", "adapter = \"hci0\"\nnear_only"),
            good.replace("near_only", "adapter = \"00:11:22:aa:bb:cc:dd\"\nnear_only"),
            good.replace("version = 5", "version = 1"),
            good.replace("version = 5", "version = 2"),
            good.replace("version = 5", "version = 3"),
            good.replace("visibility", "visibilty"),
            good.replace("\"known\"", "\"nob\""),
            good.replace("inbox = \"/", "inbox = \""),
            good.replace("version = 5", "version = 5\nname = \"a\u{202e}b\""),
            good.replace("[interfaces]", "[interfaces]\nsurplus = 1"),
        ] {
            fs::write(file(top.path()), &bad).unwrap();
            let failure = Settings::load(top.path()).unwrap_err();
            assert_eq!(failure.code, ErrorCode::StorageFailed, "{bad:?} was taken");
            assert!(failure.hint.unwrap().contains("mv "), "the fix is named");
            assert_eq!(fs::read_to_string(file(top.path())).unwrap(), bad);
        }
        fs::write(file(top.path()), [0xff, 0xfe]).unwrap();
        assert!(Settings::load(top.path()).is_err());
    }

    #[test]
    fn n5_a_cut_off_file_is_refused_wherever_it_was_cut() {
        let mut settings = Settings::fresh(Path::new("/p"));
        settings.visibility = Visibility::Nobody;
        settings.revoked = vec!["discovery".into()];
        let whole = toml::to_string(&settings).unwrap();
        let whole = whole.trim_end();
        assert_eq!(Settings::parse(whole).unwrap(), settings);
        for end in 0..whole.len() {
            assert!(Settings::parse(&whole[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn n5_settings_of_a_newer_hither_are_refused_with_both_versions_and_stay() {
        let top = tempfile::tempdir().unwrap();
        let newer = toml::to_string(&Settings::fresh(top.path())).unwrap().replace("version = 5", "version = 99");
        fs::write(file(top.path()), &newer).unwrap();
        let failure = Settings::load(top.path()).unwrap_err();
        let Failure { message, hint, .. } = failure;
        assert!(
            message.contains("version 99") && message.contains("up to 5") && message.contains("newer"),
            "{message}"
        );
        assert!(hint.is_some_and(|hint| hint.contains("mv ")));
        assert_eq!(fs::read_to_string(file(top.path())).unwrap(), newer);
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), 1, "and nothing is put beside it");
    }

    #[test]
    fn f8_settings_that_could_not_be_written_leave_the_old_ones_and_nothing_half() {
        let top = tempfile::tempdir().unwrap();
        let mut settings = Settings::fresh(top.path());
        settings.save(top.path()).unwrap();
        // A directory where the new file has to be written: no user, not even root, can.
        fs::create_dir(top.path().join("settings.toml.new")).unwrap();
        settings.notifications = false;
        let failure = settings.save(top.path()).unwrap_err();
        assert_eq!(failure.code, ErrorCode::StorageFailed);
        assert!(Settings::load(top.path()).unwrap().notifications);
    }
}
