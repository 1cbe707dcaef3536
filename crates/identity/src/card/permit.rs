//! The value without which no card is touched (R1.15): made by [`Cards::permit`](super::Cards::permit) from a gate that
//! declares and grants `sharedUserCertificates`, looked at again at every use, dead for good once the capability was
//! taken away.

use hither_capability::{Capability, Denied, Gate};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

/// May list tokens and use the keys on them, until the capability is revoked.
///
/// ```compile_fail
/// let forged = hither_identity::card::SharedCertificates { revoked: Default::default() };
/// ```
#[derive(Debug, Clone)]
pub struct SharedCertificates {
    revoked: Arc<AtomicBool>,
}

impl SharedCertificates {
    /// Whether it still holds.
    ///
    /// # Errors
    /// [`Denied::Revoked`].
    pub fn check(&self) -> Result<(), Denied> {
        match self.revoked.load(Ordering::Acquire) {
            true => Err(Denied::Revoked(Capability::SharedUserCertificates)),
            false => Ok(()),
        }
    }
}

/// Makes permits and takes them all back.
#[derive(Debug, Default)]
pub(super) struct Permits {
    current: Mutex<Arc<AtomicBool>>,
}

impl Permits {
    pub(super) fn make(&self, gate: &Gate) -> Result<SharedCertificates, Denied> {
        gate.allows(Capability::SharedUserCertificates)?;
        let current = self.current.lock().unwrap_or_else(|poison| poison.into_inner());
        Ok(SharedCertificates { revoked: Arc::clone(&current) })
    }

    pub(super) fn revoke(&self) {
        let mut current = self.current.lock().unwrap_or_else(|poison| poison.into_inner());
        current.store(true, Ordering::Release);
        *current = Arc::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_capability::Manifest;
    use std::collections::BTreeSet;

    #[test]
    fn r1_15_without_the_capability_there_is_no_permit_and_a_revoked_one_stays_dead() {
        let manifest = Manifest::parse("capabilities = [\"sharedUserCertificates\"]").unwrap();
        let nothing = Manifest::parse("capabilities = []").unwrap();
        let permits = Permits::default();
        let revoked = BTreeSet::from([Capability::SharedUserCertificates]);
        assert!(permits.make(&Gate::new(manifest.clone(), revoked, false)).is_err());
        assert!(permits.make(&Gate::new(nothing, BTreeSet::new(), false)).is_err());
        let gate = Gate::new(manifest, BTreeSet::new(), false);
        let permit = permits.make(&gate).unwrap();
        permit.check().unwrap();
        permits.revoke();
        assert!(permit.check().is_err());
        permits.make(&gate).unwrap().check().unwrap();
        assert!(permit.check().is_err());
    }
}
