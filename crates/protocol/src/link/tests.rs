//! Links: their text, the two machines, the ledger.

mod machines;
mod text;

use super::*;
use crate::pairing::Binding;
use hither_model::{InviteId, PeerId};

fn peer(n: u8) -> PeerId {
    PeerId::new([n; 32])
}

fn token() -> LinkToken {
    LinkToken::new([0x5a; 16])
}

fn invite() -> InviteId {
    InviteId::new([7; 16])
}

/// From device 1, who redeems, to device 2, who made the link.
fn binding(exporter: u8) -> Binding {
    Binding::new([exporter; 32], peer(1), peer(2))
}

fn url() -> InviteUrl {
    InviteUrl::new(peer(2), token(), 2_000_000_000, &["192.168.1.20:4455".parse().unwrap()])
}

fn ledger(uses: u32) -> LinkLedger {
    let mut ledger = LinkLedger::default();
    ledger.make(1000, invite(), token(), 600, uses).unwrap();
    ledger
}
