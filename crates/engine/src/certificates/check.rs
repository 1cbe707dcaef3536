//! What the doctor says about certificates: only of what is in use here, from what was seen last; no card is touched.

use crate::{
    asks::doctor::{fail, ok, warn},
    state::State,
};
use hither_capability::Capability;
use hither_identity::card::Readers;
use hither_model::row::CheckRow;

impl State {
    /// Lines about cards and authorities, none where nobody uses any.
    pub(crate) fn certificate_checks(&self) -> Vec<CheckRow> {
        self.card_check().into_iter().chain(self.organisation_check()).collect()
    }

    fn card_check(&self) -> Option<CheckRow> {
        let current = self.current_identity().filter(|id| id.starts_with("card-"));
        let looked = self.certificates.looked.as_ref();
        if current.is_none() && looked.is_none_or(|looked| looked.tokens().is_empty()) {
            return None;
        }
        if let Err(denied) = self.gate.allows(Capability::SharedUserCertificates) {
            let fix = "run `hither capability grant sharedUserCertificates`";
            return Some(warn("cards", denied.to_string(), fix));
        }
        if matches!(self.certificates.readers, Some(Readers::NoService)) {
            let fix = "start it (systemctl start pcscd.socket) unless your token is no smart card";
            return Some(warn("cards", "the service for card readers (pcscd) is not running", fix));
        }
        let shelf = looked.and_then(|looked| looked.shelf.as_ref());
        if let Some(fault) = shelf.and_then(|shelf| shelf.faults.first()) {
            let name = hither_model::text::printable(&fault.name);
            return Some(warn("cards", format!("{name}: {}", fault.why), fault.why.hint()));
        }
        let there = |id: &String| looked.is_some_and(|looked| looked.candidates().iter().any(|c| c.id == *id));
        match &current {
            Some(id) if looked.is_some() && !there(id) => {
                let fix = "insert it, or choose another certificate with `hither identity use`";
                Some(warn("cards", "the card with the certificate in use is not there", fix))
            }
            _ => {
                let labels: Vec<String> = looked
                    .map(|looked| {
                        looked.tokens().iter().map(|t| hither_model::text::printable(&t.name.label)).collect()
                    })
                    .unwrap_or_default();
                let seen = if labels.is_empty() { "not looked at yet".to_owned() } else { labels.join(", ") };
                Some(ok("cards", seen))
            }
        }
    }

    fn organisation_check(&self) -> Option<CheckRow> {
        let organisation = self.settings.borrow().certificates.organisation;
        let unix = self.clock.unix();
        let set = &self.certificates.authorities;
        let stale = set
            .iter()
            .any(|(authority, _)| set.crls(authority.id()).is_ok_and(|mut lists| lists.any(|list| list.stale(unix))));
        if organisation && set.is_empty() {
            let why = "organisation mode is on and no authority is trusted: nobody can invite this device";
            return Some(fail("organisation", why, "run `hither trust ca add FILE`, or switch organisation mode off"));
        }
        if stale {
            let why = "a list of revoked certificates is out of date: people it covers are refused";
            return Some(warn("authorities", why, "run `hither trust ca crl FILE` with a newer one"));
        }
        organisation.then(|| ok("organisation", format!("people of {} authorities may invite", set.len())))
    }
}
