//! Grants as the faces list them, and in the words of the history.

use super::{
    is_known,
    ledger::{Allowance, Now},
    now,
};
use crate::state::State;
use hither_model::{
    GrantId, News,
    row::{Allows, GrantRow},
};

impl State {
    /// The row of one.
    pub(super) fn grant_row(&self, id: &GrantId) -> Option<GrantRow> {
        Some(self.row_of(id, self.grants.ledger.find(id)?, now(self.clock)))
    }

    /// All of them, the oldest first.
    pub(super) fn grant_rows(&self) -> Vec<GrantRow> {
        let at = now(self.clock);
        let mut rows: Vec<GrantRow> = self.grants.ledger.iter().map(|(id, one)| self.row_of(id, one, at)).collect();
        rows.sort_by_key(|row| (row.at, row.grant));
        rows
    }

    fn row_of(&self, id: &GrantId, one: &Allowance, at: Now) -> GrantRow {
        // Without a session it is enough that this machine is in the network.
        let here = |place| self.is_here(place, &one.peer) || !self.has_link(&one.peer);
        let in_place = one.place.as_ref().is_none_or(|place| self.surroundings.is_in(&place.uuid) && here(place));
        GrantRow {
            grant: *id,
            peer: one.peer,
            name: self.name_of(&one.peer),
            allows: one.allows.clone(),
            used: one.used(),
            at: one.at,
            until: one.until,
            network: one.place.as_ref().map(|place| place.name.clone()),
            usable: one.is_good(at) && in_place && is_known(self.people.find(&one.peer)),
            over: one.over.map(|(why, _)| why),
        }
    }

    fn has_link(&self, peer: &hither_model::PeerId) -> bool {
        self.sessions_with(peer).iter().any(|id| self.sessions.get(id).is_some_and(|s| s.link.is_some()))
    }

    pub(super) fn tell_grant(&self, id: &GrantId) {
        if let Some(row) = self.grant_row(id) {
            self.tell(News::Grant { row });
        }
    }

    /// A line of history about one.
    pub(super) fn note_grant(&mut self, id: &GrantId, what: &str) {
        let Some(peer) = self.grants.ledger.find(id).map(|one| one.peer) else { return };
        let who = self.name_of(&peer);
        self.note("grant", Some(peer), Some(who), what.to_owned());
    }
}

/// What a grant allows.
pub(super) fn sentence(one: &Allowance, unix: u64) -> String {
    let what = match &one.allows {
        Allows::Files { bytes, to } => {
            let much = bytes.map_or_else(|| "any number of bytes".into(), |bytes| format!("up to {bytes} bytes"));
            let into = to.as_ref().map_or_else(|| "the inbox".into(), |to| to.display().to_string());
            format!("send {much} into {into}")
        }
        Allows::Service { name, times: Some(1) } => format!("open the service {name} once"),
        Allows::Service { name, times: Some(times) } => format!("open the service {name} {times} times"),
        Allows::Service { name, times: None } => format!("open the service {name}"),
    };
    let until = one.until.map(|until| format!(", for {}", span(until.saturating_sub(unix)))).unwrap_or_default();
    let place = one.place.as_ref().map(|place| format!(", in the network {} only", place.name)).unwrap_or_default();
    format!("{what}{until}{place}")
}

/// About how long that is.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::ledger::Place;
    use hither_model::PeerId;

    #[test]
    fn what_is_allowed_is_said_in_one_line() {
        let at = Now { mono: 0, unix: 1_000 };
        let place = Some(Place { uuid: "u".into(), name: "Home".into() });
        let files = Allows::Files { bytes: Some(2_000), to: Some("/in".into()) };
        let given = Allowance::new(PeerId::new([1; 32]), files, Some(1_000 + 3 * 86_400), place, at);
        assert_eq!(sentence(&given, 1_000), "send up to 2000 bytes into /in, for 3 days, in the network Home only");
        let twice = Allows::Service { name: "ssh".parse().unwrap(), times: Some(2) };
        let given = Allowance::new(PeerId::new([1; 32]), twice, Some(1_090), None, at);
        assert_eq!(sentence(&given, 1_000), "open the service ssh 2 times, for 90 seconds");
    }
}
