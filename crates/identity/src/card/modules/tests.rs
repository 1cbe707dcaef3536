//! Descriptions as they are found on real systems, and files that must not be loaded.

use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("system")).unwrap();
        fs::create_dir(dir.path().join("user")).unwrap();
        fs::create_dir(dir.path().join("lib")).unwrap();
        Self { dir }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(path)
    }

    fn file(&self, path: &str, text: &str) -> PathBuf {
        fs::write(self.at(path), text).unwrap();
        fs::set_permissions(self.at(path), PermissionsExt::from_mode(0o644)).unwrap();
        self.at(path)
    }

    fn directories(&self) -> Directories {
        Directories { descriptions: vec![self.at("system"), self.at("user")], modules: vec![self.at("lib")] }
    }

    fn described(&self) -> Vec<(String, PathBuf)> {
        descriptions(&self.directories().descriptions)
            .into_iter()
            .filter_map(|(name, fields)| Some((name, resolved(wanted(&fields)?, &self.directories().modules)?)))
            .collect()
    }
}

#[test]
fn a_description_names_a_module_and_the_persons_own_wins() {
    let place = Place::new();
    place.file("lib/one.so", "");
    place.file("system/one.module", "# a comment\nmodule: one.so\n");
    place.file("system/two.module", "module: /opt/two.so");
    place.file("user/two.module", "module: /opt/other.so\npriority: 3");
    place.file("system/notes.txt", "module: /opt/never.so");
    assert_eq!(
        place.described(),
        [("one".into(), place.at("lib/one.so")), ("two".into(), PathBuf::from("/opt/other.so"))]
    );
}

#[test]
fn stores_of_authorities_and_modules_for_others_are_left_alone() {
    let place = Place::new();
    place.file("system/a.module", "module: /a.so\ntrust-policy: yes");
    place.file("system/b.module", "module: /b.so\nenable-in: firefox, evolution");
    place.file("system/c.module", "module: /c.so\ndisable-in: hither");
    place.file("system/d.module", "module: p11-kit-proxy.so");
    place.file("system/e.module", "remote: |ssh host p11-kit remote /x.so");
    place.file("system/f.module", "module: ../../etc/f.so");
    place.file("system/g.module", "module: /g.so\nenable-in: hither");
    assert_eq!(place.described(), [("g".into(), PathBuf::from("/g.so"))]);
}

#[test]
fn s10_a_module_that_others_could_have_put_there_is_not_loaded() {
    let place = Place::new();
    let module = place.file("lib/mine.so", "");
    // The temporary directory is open to everybody: enough for what a person registered, not for what a file describes.
    place.file("user/mine.module", &format!("module: {}", module.display()));
    let found = discover(&place.directories(), &[]);
    assert!(found.modules.is_empty(), "{found:?}");
    assert!(matches!(found.unusable[0].why, CardError::Refused { .. }), "{found:?}");

    let mine = |path: PathBuf| [Registered { path, network: false }];
    let found = discover(&Directories { descriptions: vec![], modules: vec![] }, &mine(module.clone()));
    assert_eq!(found.modules.len(), 1, "{found:?}");
    assert!(found.modules[0].registered());
    found.modules[0].vet().unwrap();

    fs::set_permissions(&module, PermissionsExt::from_mode(0o666)).unwrap();
    assert!(matches!(found.modules[0].vet(), Err(CardError::Refused { .. })), "it is looked at again");
    let none = Directories { descriptions: vec![], modules: vec![] };
    assert!(discover(&none, &mine(module)).modules.is_empty());
    assert!(discover(&none, &mine("relative.so".into())).modules.is_empty());
    let absent = discover(&none, &mine("/nonexistent.so".into()));
    assert!(matches!(absent.unusable[0].why, CardError::NoModule { .. }), "{absent:?}");
}

#[test]
fn the_same_file_is_one_module_however_it_is_named() {
    let place = Place::new();
    let module = place.file("lib/real.so", "");
    symlink(&module, place.at("lib/other.so")).unwrap();
    let both = [module.clone(), place.at("lib/other.so")].map(|path| Registered { path, network: true });
    let found = discover(&Directories { descriptions: vec![], modules: vec![] }, &both);
    assert_eq!(found.modules.len(), 1);
    assert_eq!(found.modules[0].path(), module);
    assert!(found.modules[0].network());
}
