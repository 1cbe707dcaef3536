//! The misbehaving module of `module.c`, compiled on the spot, in front of SoftHSM.

use crate::{
    rig::{cards, first, skipped},
    soft::Soft,
};
use hither_identity::card::{Cards, Limits};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// SoftHSM behind a module that misbehaves.
pub(crate) struct Bad {
    pub(crate) soft: Soft,
    pub(crate) module: PathBuf,
}

impl Bad {
    /// A token of label `work` and this PIN; `None`, said aloud, where it cannot be had.
    pub(crate) fn new(pin: &str) -> Option<Self> {
        let Some(compiler) = first(&["/usr/bin/cc", "/usr/local/bin/cc", "/usr/bin/gcc"]) else {
            skipped("there is no C compiler for the module that misbehaves (build-essential)");
            return None;
        };
        let soft = Soft::new("work", pin)?;
        let module = soft.dir.path().join("bad.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("cards/module.c");
        let flags = ["-std=gnu17", "-shared", "-fPIC", "-w", "-o"];
        crate::rig::run(Command::new(compiler).args(flags).arg(&module).arg(source));
        Some(Self { soft, module })
    }

    /// Cards that misbehave so.
    pub(crate) fn cards(&self, mischief: &str, limits: Limits) -> Cards {
        self.cards_with(mischief, limits, &[])
    }

    pub(crate) fn cards_with(&self, mischief: &str, limits: Limits, more: &[(&str, &Path)]) -> Cards {
        let own = self.variables(mischief);
        let mut variables: Vec<(&str, &Path)> = own.iter().map(|(name, value)| (*name, value.as_path())).collect();
        variables.extend_from_slice(more);
        cards(&self.module, &variables, limits)
    }

    /// What its process needs in its environment.
    pub(crate) fn variables(&self, mischief: &str) -> [(&'static str, PathBuf); 5] {
        [
            ("SOFTHSM2_CONF", self.soft.conf()),
            ("CARD_BEHIND", self.soft.module.clone()),
            ("CARD_LOGINS", self.file("logins")),
            ("CARD_SIGNS", self.file("signs")),
            ("CARD_MISCHIEF", mischief.into()),
        ]
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.soft.dir.path().join(name)
    }

    /// How long each signature took the token, in the order they were made.
    pub(crate) fn signs(&self) -> Vec<Duration> {
        let text = fs::read_to_string(self.file("signs")).unwrap_or_default();
        text.lines().map(|line| Duration::from_nanos(line.parse().expect("a number"))).collect()
    }

    /// How often a PIN was tried.
    pub(crate) fn logins(&self) -> usize {
        fs::read_to_string(self.file("logins")).map_or(0, |text| text.lines().count())
    }
}
