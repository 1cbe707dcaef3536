//! Services that are lent by a grant and not by a leave: so many connections, each counted before it is made (`grants`).

use super::{Loans, Party, carry::reach, lending::not_lent};
use crate::state::State;
use hither_model::{
    ErrorCode, Failure, GrantId, LentName, News, PeerId,
    row::{BorrowerRow, Lasting},
};
use std::{collections::BTreeMap, io, net::SocketAddr};
use tokio::{net::TcpStream, sync::oneshot};

/// Connects to a service once that it is counted is on disk.
pub(super) async fn reach_counted(
    target: SocketAddr,
    counted: Option<oneshot::Receiver<io::Result<()>>>,
) -> Result<TcpStream, Failure> {
    if let Some(counted) = counted
        && !matches!(counted.await, Ok(Ok(())))
    {
        return Err(Failure::new(ErrorCode::StorageFailed, "the other device cannot write down that it is used"));
    }
    reach(target).await
}

impl Loans {
    /// Who has connections to a service by a grant, and how many.
    fn open_by_grant(&self, service: &LentName) -> BTreeMap<PeerId, u32> {
        let mut open = BTreeMap::new();
        for carried in self.carried.values().filter(|carried| carried.grant.is_some()) {
            if let Party::Lent(name, peer) = &carried.party
                && name == service
            {
                *open.entry(*peer).or_default() += 1;
            }
        }
        open
    }
}

impl State {
    /// Where a device may connect to by a grant.
    pub(super) fn granted(&mut self, name: &LentName, peer: &PeerId) -> Result<(SocketAddr, Option<GrantId>), Failure> {
        let target = self.loans.table.find(name).map(|lent| lent.target);
        match (target, self.grant_for(name, peer)) {
            (Some(target), Some(grant)) => Ok((target, Some(grant))),
            (Some(_), None) if self.has_used_up(name, peer) => Err(used_up()),
            _ => Err(not_lent()),
        }
    }

    /// A grant is over: connections by it end.
    pub(crate) fn end_connections_by(&mut self, grant: &GrantId) {
        self.give_up(|reaching| reaching.lend.grant == Some(*grant));
        self.loans.break_off(|carried| carried.grant == Some(*grant));
    }

    /// Grants for a service came or went: with the last of them, and the last connection by one, it is lent no more.
    pub(crate) fn holders_changed(&mut self, name: &LentName) {
        let held = self.grants.holds(name) || !self.loans.open_by_grant(name).is_empty();
        if self.loans.table.find(name).is_none() {
            return;
        }
        if self.loans.table.hold(name, held) {
            self.tell(News::Unexposed { name: name.clone(), why: "the grants for it are over".into() });
        } else {
            self.tell_exposed(name);
        }
        self.keep_loans();
    }

    /// Rows of those who use a service by a grant.
    pub(super) fn borrowers_by_grant(&self, name: &LentName) -> Vec<BorrowerRow> {
        let open = self.loans.open_by_grant(name);
        let mut holders = self.holders_of(name);
        for peer in open.keys() {
            holders.entry(*peer).or_insert(None);
        }
        let row = |(peer, until): (PeerId, Option<u64>)| BorrowerRow {
            peer,
            name: self.name_of(&peer),
            lasts: if until.is_some() { Lasting::For } else { Lasting::Always },
            until,
            open: open.get(&peer).copied().unwrap_or_default(),
        };
        holders.into_iter().map(row).collect()
    }
}

/// Who used up a grant knew of the service; others learn nothing.
fn used_up() -> Failure {
    Failure::new(ErrorCode::AccessDenied, "it was opened as often as you were allowed to")
        .hint("ask them for another grant: `hither grant service`")
}
