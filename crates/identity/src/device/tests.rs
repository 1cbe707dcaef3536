//! The identity on disk: made once, kept, guarded, and never made anew by mistake.

use super::*;
use hither_model::{ErrorCode, Failure, KeyPlace};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
};
use tempfile::TempDir;

/// 2030-01-01, unix seconds.
const NOW: u64 = 1_893_456_000;

/// Names the directory for [`an_identity_is_made_where_the_environment_says`].
const CHILD: &str = "HITHER_TEST_IDENTITY_DIRECTORY";

struct Profile {
    _place: TempDir,
    dir: PathBuf,
}

impl Profile {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("deep/identity");
        Self { _place: place, dir }
    }

    fn load(&self) -> Result<DeviceKey, IdentityError> {
        self.load_at(NOW)
    }

    fn load_at(&self, now: u64) -> Result<DeviceKey, IdentityError> {
        DeviceKey::load_or_create_at(&self.dir, &keep::of_session, now)
    }

    fn key(&self) -> PathBuf {
        self.dir.join(KEY)
    }

    fn certificate(&self) -> PathBuf {
        self.dir.join(CERTIFICATE)
    }

    /// What is on disk, to see that a refusal changes nothing.
    fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(&self.dir).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        files.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap_or_default())).collect()
    }

    /// Loading is refused for this reason, with this remedy, and changes nothing.
    fn refuses(&self, expected: fn(&IdentityError) -> bool, remedy: &str) {
        let before = self.contents();
        let error = self.load().unwrap_err();
        assert!(expected(&error), "{error:?}");
        assert!(error.hint().contains(remedy), "{}", error.hint());
        assert_eq!(self.contents(), before);
        assert_eq!(Failure::from(error).code, ErrorCode::KeyUnusable);
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

fn open_up(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn an_identity_is_made_once_and_found_again() {
    let profile = Profile::new();
    let made = profile.load().unwrap();
    assert_eq!((mode(&profile.dir), mode(&profile.key()), mode(&profile.certificate())), (0o700, 0o600, 0o600));
    let again = profile.load().unwrap();
    assert_eq!((made.peer_id(), made.certificate()), (again.peer_id(), again.certificate()));
    assert_eq!(profile.contents().len(), 2, "nothing else is left behind");
    assert_ne!(Profile::new().load().unwrap().peer_id(), made.peer_id());
}

#[test]
fn the_certificate_says_nothing_about_the_device() {
    let device = Profile::new().load().unwrap();
    let facts = device.facts();
    assert_eq!((facts.subject.as_str(), facts.issuer.as_str(), facts.key.as_str()), ("CN=hither", "CN=hither", "p256"));
    assert_eq!((facts.not_before.as_str(), facts.not_after.as_str()), ("2029-12-31T00:00:00Z", "2040-01-01T00:00:00Z"));
    assert_eq!(facts.spki_sha256, device.peer_id());
    device.certified_key().keys_match().unwrap();
    assert_eq!(certificate::judge(&[&device.certificate()], NOW).unwrap().peer_id, device.peer_id());
    assert_eq!(pem::decode(LABEL, device.certificate_pem().as_bytes()).unwrap().as_slice(), &*device.certificate());
}

#[test]
fn renewal_keeps_the_identity() {
    let profile = Profile::new();
    let device = profile.load().unwrap();
    let (id, before, key) = (device.peer_id(), device.certificate(), fs::read(profile.key()).unwrap());
    let device = device.renewed().unwrap();
    assert_eq!(device.peer_id(), id);
    assert_ne!(device.certificate(), before);
    assert_eq!(device.certified_key().cert, [device.certificate()]);
    assert_eq!(fs::read(profile.key()).unwrap(), key);
    let again = DeviceKey::load_or_create(&profile.dir).unwrap();
    assert_eq!((again.peer_id(), again.certificate()), (id, device.certificate()));
}

#[test]
fn a_missing_or_lapsed_certificate_is_made_again_for_the_same_key() {
    let profile = Profile::new();
    let made = profile.load().unwrap();
    fs::remove_file(profile.certificate()).unwrap();
    let reissued = profile.load().unwrap();
    assert_eq!(reissued.peer_id(), made.peer_id());
    assert_ne!(reissued.certificate(), made.certificate());

    assert_eq!(profile.load_at(NOW + LASTS_S - 31 * DAY_S).unwrap().certificate(), reissued.certificate());
    let renewed = profile.load_at(NOW + LASTS_S - 29 * DAY_S).unwrap();
    assert_ne!(renewed.certificate(), reissued.certificate());
    assert_eq!(renewed.peer_id(), made.peer_id());
    let clock_was_wrong = profile.load_at(NOW).unwrap();
    assert_ne!(clock_was_wrong.certificate(), renewed.certificate());
    certificate::judge(&[&clock_was_wrong.certificate()], NOW).unwrap();
}

#[test]
fn n6_a_clock_that_was_never_set_makes_a_certificate_that_is_good_later() {
    let device = Profile::new().load_at(0).unwrap();
    certificate::judge(&[&device.certificate()], NOW).unwrap();
}

#[test]
fn its_signature_is_checked_by_its_certificate_or_bare_key() {
    let device = Profile::new().load().unwrap();
    let signature = device.sign(b"receipt").unwrap();
    certificate::verify(&device.certificate(), b"receipt", &signature).unwrap();
    certificate::verify(device.spki(), b"receipt", &signature).unwrap();
    assert!(certificate::verify(device.spki(), b"receipts", &signature).is_err());
    assert_eq!(format!("{device:?}"), format!("DeviceKey {{ peer_id: {:?}, .. }}", device.peer_id()));
}

#[test]
fn x6_files_open_to_others_are_refused_with_the_command_that_closes_them() {
    let profile = Profile::new();
    profile.load().unwrap();
    for bad in [0o644, 0o640, 0o604, 0o660, 0o601] {
        open_up(&profile.key(), bad);
        let command = format!("chmod 600 '{}'", profile.key().display());
        profile.refuses(|e| matches!(e, IdentityError::Exposed { .. }), &command);
    }
    open_up(&profile.key(), 0o600);
    open_up(&profile.certificate(), 0o622);
    profile.refuses(|e| matches!(e, IdentityError::Exposed { .. }), "chmod 600");
    open_up(&profile.certificate(), 0o644);
    profile.load().expect("a certificate is public");
    for bad in [0o755, 0o750, 0o701, 0o777] {
        open_up(&profile.dir, bad);
        let command = format!("chmod 700 '{}'", profile.dir.display());
        profile.refuses(|e| matches!(e, IdentityError::Exposed { .. }), &command);
    }
}

#[test]
fn x6_a_damaged_key_is_never_replaced_by_a_new_identity() {
    let profile = Profile::new();
    profile.load().unwrap();
    let whole = fs::read(profile.key()).unwrap();
    let other_kind = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
    let cases: [&[u8]; 6] =
        [b"", &whole[..whole.len() / 2], &whole[1..], &[0; 300], &whole.repeat(200), other_kind.as_bytes()];
    for spoiled in cases {
        fs::write(profile.key(), spoiled).unwrap();
        profile.refuses(|e| matches!(e, IdentityError::KeyDamaged { .. }), "backup");
    }
    fs::remove_file(profile.certificate()).unwrap();
    profile.refuses(|e| matches!(e, IdentityError::KeyDamaged { .. }), "backup");
}

#[test]
fn x6_a_lost_key_is_never_replaced_by_a_new_identity() {
    let profile = Profile::new();
    profile.load().unwrap();
    fs::remove_file(profile.key()).unwrap();
    profile.refuses(|e| matches!(e, IdentityError::KeyMissing { .. }), "backup");
}

#[test]
fn x6_a_damaged_certificate_is_refused_until_it_is_removed() {
    let profile = Profile::new();
    let made = profile.load().unwrap();
    let whole = fs::read(profile.certificate()).unwrap();
    for spoiled in
        [b"".as_slice(), &whole[..whole.len() - 40], b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"]
    {
        fs::write(profile.certificate(), spoiled).unwrap();
        profile.refuses(|e| matches!(e, IdentityError::CertificateDamaged { .. }), "rm '");
    }
    fs::remove_file(profile.certificate()).unwrap();
    assert_eq!(profile.load().unwrap().peer_id(), made.peer_id());
}

#[test]
fn t2_the_public_certificate_of_somebody_else_is_refused_beside_our_key() {
    let (ours, theirs) = (Profile::new(), Profile::new());
    ours.load().unwrap();
    theirs.load().unwrap();
    fs::copy(theirs.certificate(), ours.certificate()).unwrap();
    ours.refuses(|e| matches!(e, IdentityError::Mismatch { .. }), "rm '");
}

#[test]
fn x6_links_pipes_and_directories_are_not_followed() {
    for name in [KEY, CERTIFICATE] {
        let profile = Profile::new();
        profile.load().unwrap();
        let (path, away) = (profile.dir.join(name), profile.dir.parent().unwrap().join("away"));
        fs::rename(&path, &away).unwrap();
        symlink(&away, &path).unwrap();
        profile.refuses(|e| matches!(e, IdentityError::WrongKind { wanted: "file", .. }), "move");
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let error = profile.load().unwrap_err();
        assert!(matches!(error, IdentityError::WrongKind { .. }), "{error:?}");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(profile.load(), Err(IdentityError::WrongKind { .. })));
    }
    let profile = Profile::new();
    profile.load().unwrap();
    let link = profile.dir.with_file_name("link");
    symlink(&profile.dir, &link).unwrap();
    let error = DeviceKey::load_or_create(&link).unwrap_err();
    assert!(matches!(error, IdentityError::WrongKind { wanted: "directory", .. }), "{error:?}");
    let error = DeviceKey::load_or_create(&profile.key()).unwrap_err();
    assert!(matches!(error, IdentityError::WrongKind { wanted: "directory", .. }), "{error:?}");
    let error = DeviceKey::load_or_create(&profile.key().join("below")).unwrap_err();
    assert!(matches!(error, IdentityError::WrongKind { .. } | IdentityError::Storage { .. }), "{error:?}");
}

#[test]
fn two_at_once_make_one_identity() {
    let profile = Profile::new();
    let dir = profile.dir.as_path();
    let load = || DeviceKey::load_or_create(dir).unwrap().peer_id();
    let ids: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn x6_no_file_mode_mask_opens_or_locks_the_files() {
    // The mask belongs to a whole process, so a process of its own gets it.
    for mask in ["000", "077"] {
        let profile = Profile::new();
        let status = Command::new("sh")
            .arg("-c")
            .arg(format!(
                "umask {mask} && exec \"$0\" --exact device::tests::an_identity_is_made_where_the_environment_says"
            ))
            .arg(std::env::current_exe().unwrap())
            .env(CHILD, &profile.dir)
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
        assert_eq!((mode(&profile.dir), mode(&profile.key())), (0o700, 0o600), "umask {mask}");
        profile.load().unwrap();
    }
}

/// The other half of the test above; by itself there is nothing to make.
#[test]
fn an_identity_is_made_where_the_environment_says() {
    if let Some(dir) = std::env::var_os(CHILD) {
        DeviceKey::load_or_create(Path::new(&dir)).unwrap();
    }
}

#[test]
fn an_identity_moves_to_another_machine_with_its_password_and_never_over_another_one() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let device = DeviceKey::load_or_create(&old.path().join("p")).unwrap();
    assert_eq!(device.kept_in(), KeyPlace::File);
    let password = |text: &str| Pin::new(text.into()).unwrap();
    assert!(matches!(
        device.export(&password("too short")),
        Err(IdentityError::Import(crate::ImportFault::PasswordShort))
    ));
    let text = device.export(&password("correct horse battery")).unwrap();
    assert!(text.contains("BEGIN ENCRYPTED PRIVATE KEY") && !text.contains("BEGIN PRIVATE KEY"));

    let place = new.path().join("p");
    let wrong = DeviceKey::import(&place, text.as_bytes(), &password("incorrect horse battery"));
    assert!(matches!(wrong, Err(IdentityError::Import(crate::ImportFault::PasswordWrong))));
    let moved = DeviceKey::import(&place, text.as_bytes(), &password("correct horse battery")).unwrap();
    assert_eq!(moved.peer_id(), device.peer_id());
    assert_eq!(DeviceKey::load_or_create(&place).unwrap().peer_id(), device.peer_id());
    let again = DeviceKey::import(&place, text.as_bytes(), &password("correct horse battery"));
    assert!(matches!(again, Err(IdentityError::Occupied { .. })));
}
