//! What is lent and what is used, as the faces list it.

use super::{ForwardId, Party};
use crate::state::State;
use hither_model::{
    Answer, LentName, News,
    row::{BorrowerRow, ExposedRow, ForwardingRow},
};

fn counted(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl State {
    pub(super) fn exposed_row(&self, name: &LentName) -> Option<ExposedRow> {
        let lent = self.loans.table.find(name)?;
        let open = |peer| counted(self.loans.open(|party| *party == Party::Lent(name.clone(), peer)));
        let borrower = |(peer, until): (&_, &super::table::Until)| {
            let (lasts, until) = until.told();
            BorrowerRow { peer: *peer, name: self.name_of(peer), lasts, until, open: open(*peer) }
        };
        let mut to: Vec<BorrowerRow> = lent.to.iter().map(borrower).collect();
        let by_leave = |peer: &_| lent.to.contains_key(peer);
        to.extend(self.borrowers_by_grant(name).into_iter().filter(|row| !by_leave(&row.peer)));
        let open = to.iter().map(|row| row.open).sum();
        Some(ExposedRow { name: name.clone(), target: lent.target.to_string(), to, open, served: lent.served })
    }

    pub(super) fn forwarding_row(&self, id: ForwardId) -> Option<ForwardingRow> {
        let forwarding = self.loans.forwards.get(&id)?;
        Some(ForwardingRow {
            name: forwarding.name.clone(),
            peer: forwarding.peer,
            peer_name: self.name_of(&forwarding.peer),
            bind: forwarding.bind.to_string(),
            open: counted(self.loans.open(|party| *party == Party::Borrowed(id))),
            served: forwarding.served,
            trouble: forwarding.trouble.clone(),
        })
    }

    pub(crate) fn exposed_rows(&self) -> Vec<ExposedRow> {
        self.loans.table.iter().filter_map(|(name, _)| self.exposed_row(name)).collect()
    }

    pub(crate) fn forwarding_rows(&self) -> Vec<ForwardingRow> {
        self.loans.forwards.keys().filter_map(|id| self.forwarding_row(*id)).collect()
    }

    /// Everything.
    pub(crate) fn lent(&self) -> Answer {
        Answer::Lent { exposed: self.exposed_rows(), forwarding: self.forwarding_rows() }
    }

    pub(super) fn tell_exposed(&self, name: &LentName) {
        if let Some(exposed) = self.exposed_row(name) {
            self.tell(News::Exposed { exposed });
        }
    }

    pub(super) fn tell_forwarding(&self, id: ForwardId) {
        if let Some(forwarding) = self.forwarding_row(id) {
            self.tell(News::Forwarding { forwarding });
        }
    }
}
