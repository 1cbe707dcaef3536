//! When each capability was last used, and by what: to the minute, for a person who wonders what needs it.

use super::{Keeper, Slot};
use hither_capability::Capability;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Written at most so often, seconds.
const COARSE: u64 = 60;

/// One use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastUse {
    /// Seconds since 1970, rounded down to a minute.
    pub(crate) at: u64,
    /// What used it.
    pub(crate) by: String,
}

/// The last use of each.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Uses {
    last: BTreeMap<Capability, LastUse>,
    #[serde(skip)]
    written: u64,
    #[serde(skip)]
    unwritten: bool,
}

impl Uses {
    /// Notes a use; the disk hears of it once a minute at most.
    pub(crate) fn note(&mut self, keeper: &Keeper, capability: Capability, by: String, unix: u64) {
        let fresh = LastUse { at: unix - unix % COARSE, by };
        if self.last.get(&capability) != Some(&fresh) {
            self.last.insert(capability, fresh);
            self.unwritten = true;
        }
        if unix.saturating_sub(self.written) >= COARSE {
            self.keep(keeper, unix);
        }
    }

    /// Writes what was not written yet.
    pub(crate) fn keep(&mut self, keeper: &Keeper, unix: u64) {
        if std::mem::take(&mut self.unwritten) {
            self.written = unix;
            keeper.save(Slot::Uses, self);
        }
    }

    /// The last use of a capability.
    pub(crate) fn of(&self, capability: Capability) -> Option<&LastUse> {
        self.last.get(&capability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_use_is_coarse_and_written_once_a_minute() {
        let dir = tempfile::tempdir().unwrap();
        let on_disk = || {
            let again = Keeper::start(dir.path().to_owned(), || {}).unwrap();
            again.load::<Uses>(Slot::Uses).unwrap().and_then(|u| u.of(Capability::Proximity).cloned())
        };
        let mut uses = Uses::default();
        let mut note = |by: &str, unix| {
            let keeper = Keeper::start(dir.path().to_owned(), || {}).unwrap();
            uses.note(&keeper, Capability::Proximity, by.into(), unix);
            uses.of(Capability::Proximity).cloned()
        };
        let first = Some(LastUse { at: 960, by: "discovery".into() });
        assert_eq!(note("discovery", 1_000), first);
        assert_eq!(on_disk(), first);
        assert_eq!(note("Ana", 1_030), Some(LastUse { at: 1_020, by: "Ana".into() }));
        assert_eq!(on_disk(), first, "not within the minute");
        note("Ana", 1_061);
        assert_eq!(on_disk(), Some(LastUse { at: 1_020, by: "Ana".into() }));
    }
}
