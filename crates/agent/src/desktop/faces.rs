//! Which clients are windows, and whether somebody looks at one.

use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::watch;

/// The windows that are connected. Cloneable; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Faces(Arc<watch::Sender<BTreeMap<u64, bool>>>);

impl Faces {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeMap::new())))
    }

    /// A client says whether somebody looks at it; that it says so at all makes it a window.
    pub(crate) fn watching(&self, client: u64, seen: bool) {
        self.0.send_if_modified(|windows| windows.insert(client, seen) != Some(seen));
    }

    /// A client left.
    pub(crate) fn gone(&self, client: u64) {
        self.0.send_if_modified(|windows| windows.remove(&client).is_some());
    }

    /// Whether a window is connected.
    pub(crate) fn any(&self) -> bool {
        !self.0.borrow().is_empty()
    }

    /// Whether somebody looks at one.
    pub(crate) fn seen(&self) -> bool {
        self.0.borrow().values().any(|seen| *seen)
    }

    /// Hears of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<BTreeMap<u64, bool>> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_until_its_connection_ends() {
        let faces = Faces::new();
        assert!(!faces.any());
        faces.watching(1, false);
        assert!(faces.any() && !faces.seen());
        faces.watching(2, true);
        faces.watching(1, true);
        faces.watching(1, false);
        assert!(faces.seen());
        faces.gone(2);
        assert!(faces.any() && !faces.seen());
        faces.gone(1);
        assert!(!faces.any());
    }
}
