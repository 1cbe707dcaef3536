//! What requests change in the settings goes to disk; who asked hears whether it got there. A disk that says no is the
//! failure of that request and no reason to end: the change holds for this run, and the next request tries again.

use crate::{engine::Chosen, settings::Settings};
use hither_model::Failure;
use std::{convert::Infallible, path::Path, sync::Arc, time::Duration};
use tokio::sync::{Notify, watch};

/// How long a disk may take before a change of the settings is answered all the same.
const WITHIN: Duration = Duration::from_secs(5);

/// How the last attempt to write went.
#[derive(Debug, Clone)]
struct Attempt {
    number: u64,
    chosen: Chosen,
    failure: Option<Failure>,
}

/// What is on disk, for those who wait for it. Cloneable; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Saved {
    last: watch::Receiver<Attempt>,
    again: Arc<Notify>,
}

impl Saved {
    /// Waits until these settings are on disk: an answer says that they are.
    ///
    /// # Errors
    /// They could not be written.
    pub(crate) async fn until(&self, wanted: Chosen) -> Result<(), Failure> {
        let mut last = self.last.clone();
        let before = last.borrow_and_update().clone();
        let from = if before.failure.is_some() {
            // The disk may have room again.
            self.again.notify_one();
            before.number + 1
        } else {
            before.number
        };
        let written = last.wait_for(|attempt| attempt.number >= from && attempt.chosen == wanted);
        match tokio::time::timeout(WITHIN, written).await {
            Ok(Ok(attempt)) => attempt.failure.clone().map_or(Ok(()), |failure| {
                let said = failure.hint.clone().unwrap_or_default();
                Err(failure.hint(format!("{said}; it holds until the agent ends, and is written with the next change")))
            }),
            Ok(Err(_)) => Ok(()),
            Err(_) => {
                tracing::warn!("the settings are not on disk yet");
                Ok(())
            }
        }
    }
}

/// Writes what requests change.
#[derive(Debug)]
pub(crate) struct Saving {
    stored: Settings,
    last: watch::Sender<Attempt>,
    again: Arc<Notify>,
}

impl Saving {
    /// Begins with what is on disk, and what this run began with.
    pub(crate) fn new(stored: Settings, begun: Chosen) -> (Self, Saved) {
        let (last, saved) = watch::channel(Attempt { number: 0, chosen: begun, failure: None });
        let again = Arc::new(Notify::new());
        (Self { stored, last, again: Arc::clone(&again) }, Saved { last: saved, again })
    }

    /// Follows the settings; never returns.
    pub(crate) async fn follow<K: Clone + Into<Chosen>>(
        mut self,
        profile: &Path,
        mut kept: watch::Receiver<K>,
    ) -> Infallible {
        let again = Arc::clone(&self.again);
        loop {
            tokio::select! {
                changed = kept.changed() => if changed.is_err() {
                    return std::future::pending().await;
                },
                () = again.notified() => {}
            }
            let now: Chosen = kept.borrow_and_update().clone().into();
            self.take(profile, now);
        }
    }

    fn take(&mut self, profile: &Path, now: Chosen) {
        let before = self.last.borrow().clone();
        adopt(&mut self.stored, &before.chosen, &now);
        let failure = self.stored.save(profile).err();
        if let Some(failure) = &failure {
            tracing::error!("{}", failure.message);
        }
        self.last.send_replace(Attempt { number: before.number + 1, chosen: now, failure });
    }
}

/// Takes over what changed, and only that: what the command line said for this run is not kept by accident.
fn adopt(stored: &mut Settings, before: &Chosen, now: &Chosen) {
    if now.name != before.name {
        stored.name.clone_from(&now.name);
    }
    if now.visibility != before.visibility {
        stored.visibility = now.visibility;
    }
    if now.inbox != before.inbox {
        stored.inbox.clone_from(&now.inbox);
    }
    if now.revoked != before.revoked {
        stored.revoked.clone_from(&now.revoked);
    }
    if now.interfaces != before.interfaces {
        stored.interfaces.clone_from(&now.interfaces);
    }
    if now.allow_tls12 != before.allow_tls12 {
        stored.allow_tls12 = now.allow_tls12;
    }
    if now.certificates != before.certificates {
        stored.certificates.clone_from(&now.certificates);
    }
    if now.bluetooth != before.bluetooth {
        stored.bluetooth.clone_from(&now.bluetooth);
    }
    if now.notifications != before.notifications {
        stored.notifications = now.notifications;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_engine::Bluetooth;
    use hither_model::{DisplayName, ErrorCode, row::Visibility};

    fn chosen(stored: &Settings) -> Chosen {
        Chosen {
            name: DisplayName::new("Ana").ok(),
            visibility: Visibility::Everyone,
            inbox: "/elsewhere".into(),
            allow_tls12: true,
            revoked: vec![],
            interfaces: stored.interfaces.clone(),
            notifications: true,
            certificates: Default::default(),
            bluetooth: Default::default(),
        }
    }

    #[test]
    fn only_what_changed_is_taken_over_into_the_settings() {
        let mut stored = Settings::fresh(Path::new("/p"));
        let before = chosen(&stored);
        let fresh = stored.clone();
        adopt(&mut stored, &before, &before.clone());
        assert_eq!(stored, fresh);
        adopt(&mut stored, &before, &Chosen { revoked: vec!["listen".into()], ..before.clone() });
        let mut with = fresh;
        with.revoked = vec!["listen".into()];
        assert_eq!(stored, with);
        let bluetooth = Bluetooth { on: false, adapter: None, near_only: true };
        adopt(&mut stored, &before, &Chosen { bluetooth: bluetooth.clone(), ..before.clone() });
        with.bluetooth = bluetooth;
        assert_eq!(stored, with);
    }

    #[tokio::test]
    async fn f8_a_full_disk_fails_the_request_and_the_next_one_writes_both() {
        let top = tempfile::tempdir().unwrap();
        let stored = Settings::fresh(top.path());
        stored.save(top.path()).unwrap();
        let begun = chosen(&stored);
        let (tell, kept) = watch::channel(begun.clone());
        let (saving, saved) = Saving::new(stored, begun.clone());
        let profile = top.path().to_owned();
        let following = tokio::spawn(async move { saving.follow(&profile, kept).await });
        saved.until(begun.clone()).await.unwrap();
        // Not even root can write a file where a directory is.
        let in_the_way = top.path().join("settings.toml.new");
        std::fs::create_dir(&in_the_way).unwrap();
        let first = Chosen { notifications: false, ..begun };
        tell.send_replace(first.clone());
        for _ in 0..2 {
            let failure = saved.until(first.clone()).await.unwrap_err();
            assert_eq!(failure.code, ErrorCode::StorageFailed);
            assert!(failure.hint.unwrap().contains("until the agent ends"));
        }
        std::fs::remove_dir(&in_the_way).unwrap();
        saved.until(first.clone()).await.unwrap();
        assert!(!Settings::load(top.path()).unwrap().notifications);
        let second = Chosen { visibility: Visibility::Nobody, ..first };
        tell.send_replace(second.clone());
        saved.until(second).await.unwrap();
        assert_eq!(Settings::load(top.path()).unwrap().visibility, Visibility::Nobody);
        following.abort();
    }
}
