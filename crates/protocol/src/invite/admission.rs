//! The permit to open a session. Only the machines of this crate make one, after a person's yes and the last frame.

use crate::{pairing::Binding, rendezvous::PairKey};
use hither_model::{DisplayName, InviteId, PeerId, SessionId, Verified};

/// A person's yes, bound to one proven key and one connection. It cannot be copied and cannot be made elsewhere.
#[derive(Debug)]
pub struct Admission {
    peer: PeerId,
    verified: Verified,
    name: Option<DisplayName>,
    pair_key: Option<PairKey>,
    session: SessionId,
    invite: InviteId,
    inviter: bool,
}

impl Admission {
    /// Made by whoever dialled.
    pub(crate) fn of_client(b: &Binding, invite: InviteId, verified: Verified, name: Option<DisplayName>) -> Self {
        Self::new(b, b.server(), invite, verified, name)
    }

    /// Made by whoever listened.
    pub(crate) fn of_server(b: &Binding, invite: InviteId, verified: Verified, name: Option<DisplayName>) -> Self {
        Self::new(b, b.client(), invite, verified, name)
    }

    fn new(b: &Binding, peer: PeerId, invite: InviteId, verified: Verified, name: Option<DisplayName>) -> Self {
        let pair_key = match verified {
            Verified::Code | Verified::Link | Verified::Certificate => Some(b.pair_key()),
            Verified::Stored | Verified::No => None,
        };
        Self { peer, verified, name, pair_key, session: b.session(), invite, inviter: peer == b.server() }
    }

    /// Who is let in.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// How their key was proven: `Code`, `Link`, `Stored`, `Certificate`, or `No` (once, unverified).
    pub fn verified(&self) -> Verified {
        self.verified
    }

    /// The name that was in the question (invitee), or that came with the yes (inviter).
    pub fn name(&self) -> Option<&DisplayName> {
        self.name.as_ref()
    }

    /// What the two share from now on, in place of any earlier one. Only after a code, a link or a certificate: a stored key keeps what
    /// it has, and an unverified meeting stores nothing.
    pub fn pair_key(&self) -> Option<&PairKey> {
        self.pair_key.as_ref()
    }

    /// The session to be opened; both ends have the same.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The invite that led here.
    pub fn invite(&self) -> InviteId {
        self.invite
    }

    /// Whether this end dialled.
    pub fn is_inviter(&self) -> bool {
        self.inviter
    }
}
