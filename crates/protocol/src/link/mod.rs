//! Invite links (SECURITY 3.3): a bearer secret that robots open, so opening one does nothing. Whoever redeems it is the
//! TLS client, checks the inviter's key against the link before saying anything, then proves on this very connection that
//! it holds the link; the inviter proves that it made it; and the inviter's person still has to say yes.
//!
//! What is *not* here: storage. The [`LinkLedger`] is a value; whoever keeps it writes it with mode 0600.

mod host;
mod ledger;
mod opener;
mod route;
mod token;
mod url;

pub use host::LinkHost;
pub use ledger::{LedgerFault, LinkLedger, MAX_LINKS, MAX_SECONDS, MAX_USES, WRONG_PROOFS};
pub use opener::LinkOpener;
pub use route::{RouteFault, WebRoute};
pub use token::LinkToken;
pub use url::{InviteUrl, LinkFault, MAX_HINTS, MAX_URL, is_dialable_hint};

use crate::{digest::Digest, pairing::Binding, rendezvous::LinkKeys};

/// What the redeemer says to prove that it holds the link, on this connection.
pub(crate) fn acceptor_proof(keys: &LinkKeys, binding: &Binding) -> Digest {
    Digest(binding.mac(&keys.acceptor, b"acceptor"))
}

/// What the inviter says to prove that it made the link, on this connection.
pub(crate) fn inviter_proof(keys: &LinkKeys, binding: &Binding) -> Digest {
    Digest(binding.mac(&keys.inviter, b"inviter"))
}

#[cfg(test)]
mod tests;
