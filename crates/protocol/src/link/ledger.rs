//! The inviter's book of links that are out: made → proven (bound to one device) → confirmed → consumed, or expired,
//! revoked, burned. Only this device's clock counts, and only forward: time that was seen to pass has passed, also when
//! the clock is turned back (I12). Expired, unknown and used links look alike from outside (I2).

use super::{LinkToken, acceptor_proof};
use crate::{
    digest::Digest,
    invite::Alarm,
    pairing::Binding,
    rendezvous::{LinkKeys, link_keys},
};
use hither_model::{ErrorCode, Failure, InviteId, PeerId, Rid, row::LinkRow};
use serde::{Deserialize, Serialize};

/// Longest life of a link, in seconds: a day.
pub const MAX_SECONDS: u64 = 86_400;

/// Most uses of one link.
pub const MAX_USES: u32 = 100;

/// Most links that are good at one time.
pub const MAX_LINKS: usize = 64;

/// So many wrong proofs make a link worthless.
pub const WRONG_PROOFS: u8 = 5;

/// Dead links that are still listed.
const MAX_DEAD: usize = 64;

/// Why the ledger does not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerFault {
    /// No life, or more than a day.
    #[error("a link lives for a second at least and a day at most")]
    Lifetime,
    /// No use, or more than [`MAX_USES`].
    #[error("a link can be used {MAX_USES} times at most")]
    Uses,
    /// [`MAX_LINKS`] are out.
    #[error("too many links are out; revoke some first")]
    Full,
    /// The id or the token is in use.
    #[error("this link exists already")]
    Exists,
    /// No such link.
    #[error("there is no such link")]
    Unknown,
    /// Expired, revoked, burned or used up.
    #[error("this link is not good any more")]
    Gone,
    /// Consumed before it was proven and confirmed.
    #[error("this link was not proven and confirmed")]
    NotConfirmed,
}

impl LedgerFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Lifetime | Self::Uses | Self::Exists | Self::NotConfirmed => ErrorCode::Misuse,
            Self::Full => ErrorCode::Busy,
            Self::Unknown => ErrorCode::UnknownId,
            Self::Gone => ErrorCode::Stale,
        }
    }
}

impl From<LedgerFault> for Failure {
    fn from(fault: LedgerFault) -> Self {
        Failure::new(fault.code(), fault.to_string())
    }
}

/// Every link that is out. Holds secrets: written with mode 0600, never shown.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct LinkLedger {
    links: Vec<Link>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Link {
    invite: InviteId,
    rid: Rid,
    /// Wiped as soon as the link is dead.
    token: Option<LinkToken>,
    expires: u64,
    /// Seconds it has left, as of `seen`.
    left: u64,
    seen: u64,
    uses: u32,
    claims: Vec<Claim>,
    wrong_proofs: u8,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum End {
    NotYet,
    Consumed,
    Expired,
    Revoked,
    Burned,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Claim {
    peer: PeerId,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    Proven,
    Confirmed,
    Consumed,
}

/// A proof was not taken. Whoever tried is told the same in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) alarm: Option<Alarm>,
}

impl LinkLedger {
    /// Writes down a new link that lives for `seconds` and can be used `uses` times; says when it ends.
    ///
    /// # Errors
    /// [`LedgerFault::Lifetime`], [`LedgerFault::Uses`], [`LedgerFault::Full`], [`LedgerFault::Exists`].
    pub fn make(
        &mut self,
        unix: u64,
        invite: InviteId,
        token: LinkToken,
        seconds: u64,
        uses: u32,
    ) -> Result<u64, LedgerFault> {
        self.sweep(unix);
        let rid = link_keys(&token).rid;
        if !(1..=MAX_SECONDS).contains(&seconds) {
            return Err(LedgerFault::Lifetime);
        }
        if !(1..=MAX_USES).contains(&uses) {
            return Err(LedgerFault::Uses);
        }
        if self.links.iter().any(|link| link.invite == invite || link.rid == rid) {
            return Err(LedgerFault::Exists);
        }
        if self.links.iter().filter(|link| link.end == End::NotYet).count() >= MAX_LINKS {
            return Err(LedgerFault::Full);
        }
        let expires = unix.saturating_add(seconds);
        let (token, claims) = (Some(token), Vec::new());
        let (left, seen, end) = (seconds, unix, End::NotYet);
        self.links.push(Link { invite, rid, token, expires, left, seen, uses, claims, wrong_proofs: 0, end });
        Ok(expires)
    }

    /// The link behind a knock; `None` for unknown, used and expired ones alike.
    pub fn find(&mut self, unix: u64, rid: &Rid) -> Option<InviteId> {
        self.sweep(unix);
        self.links.iter().find(|link| link.end == End::NotYet && link.rid == *rid).map(|link| link.invite)
    }

    /// Every `rid` that is answered at present.
    pub fn rids(&mut self, unix: u64) -> Vec<(Rid, InviteId)> {
        self.sweep(unix);
        self.links.iter().filter(|link| link.end == End::NotYet).map(|link| (link.rid, link.invite)).collect()
    }

    /// Judges a proof on one connection, and binds the link to its key.
    pub(crate) fn prove(
        &mut self,
        unix: u64,
        invite: &InviteId,
        binding: &Binding,
        proof: &Digest,
    ) -> Result<LinkKeys, Refused> {
        self.sweep(unix);
        let quiet = Refused { alarm: None };
        let link = self.links.iter_mut().find(|link| link.invite == *invite).ok_or(quiet)?;
        let keys = link.token.as_ref().map(link_keys).ok_or(quiet)?;
        if !acceptor_proof(&keys, binding).same(&proof.0) {
            return Err(Refused { alarm: link.wrong_proof() });
        }
        let peer = binding.client();
        match link.claims.iter().find(|claim| claim.peer == peer) {
            Some(Claim { stage: Stage::Consumed, .. }) => return Err(quiet),
            Some(_) => {}
            None if link.claims.len() >= link.uses as usize => {
                return Err(Refused { alarm: Some(Alarm::SecondDevice { invite: link.invite, peer }) });
            }
            None => link.claims.push(Claim { peer, stage: Stage::Proven }),
        }
        Ok(keys)
    }

    /// The person said yes to this device.
    pub(crate) fn confirm(&mut self, unix: u64, invite: &InviteId, peer: &PeerId) -> Result<(), LedgerFault> {
        let claim = self.claim(unix, invite, peer)?;
        claim.stage = claim.stage.max(Stage::Confirmed);
        Ok(())
    }

    /// Uses the link up, once, for a device that proved it and that the person confirmed. Store and fsync the ledger
    /// before going on: this is the step that happens once even if the machine stops in the middle.
    ///
    /// # Errors
    /// [`LedgerFault::Unknown`], [`LedgerFault::Gone`], [`LedgerFault::NotConfirmed`].
    pub fn consume(&mut self, unix: u64, invite: &InviteId, peer: &PeerId) -> Result<(), LedgerFault> {
        let claim = self.claim(unix, invite, peer)?;
        match claim.stage {
            Stage::Proven => return Err(LedgerFault::NotConfirmed),
            Stage::Consumed => return Err(LedgerFault::Gone),
            Stage::Confirmed => claim.stage = Stage::Consumed,
        }
        if let Some(link) = self.links.iter_mut().find(|link| link.invite == *invite && link.uses_left() == 0) {
            link.over(End::Consumed);
        }
        Ok(())
    }

    /// Makes a link worthless.
    ///
    /// # Errors
    /// [`LedgerFault::Unknown`], or [`LedgerFault::Gone`] if it is dead already.
    pub fn revoke(&mut self, invite: &InviteId) -> Result<(), LedgerFault> {
        let link = self.links.iter_mut().find(|link| link.invite == *invite).ok_or(LedgerFault::Unknown)?;
        if link.end != End::NotYet {
            return Err(LedgerFault::Gone);
        }
        link.over(End::Revoked);
        Ok(())
    }

    /// Lets time pass; says whether anything expired or was dropped, so that the ledger should be stored.
    pub fn sweep(&mut self, unix: u64) -> bool {
        let mut changed = false;
        for link in &mut self.links {
            link.left = link.left.saturating_sub(unix.saturating_sub(link.seen));
            link.seen = unix;
            if link.end == End::NotYet && (link.left == 0 || unix >= link.expires) {
                link.over(End::Expired);
                changed = true;
            }
        }
        let dead = self.links.iter().filter(|link| link.end != End::NotYet).count();
        for _ in MAX_DEAD..dead {
            if let Some(oldest) = self.links.iter().position(|link| link.end != End::NotYet) {
                self.links.remove(oldest);
                changed = true;
            }
        }
        changed
    }

    /// Every link as it is shown, oldest first.
    pub fn rows(&mut self, unix: u64) -> Vec<LinkRow> {
        self.sweep(unix);
        self.links.iter().map(Link::row).collect()
    }

    fn claim(&mut self, unix: u64, invite: &InviteId, peer: &PeerId) -> Result<&mut Claim, LedgerFault> {
        self.sweep(unix);
        let link = self.links.iter_mut().find(|link| link.invite == *invite).ok_or(LedgerFault::Unknown)?;
        if link.end != End::NotYet {
            return Err(LedgerFault::Gone);
        }
        link.claims.iter_mut().find(|claim| claim.peer == *peer).ok_or(LedgerFault::NotConfirmed)
    }
}

impl Link {
    fn over(&mut self, end: End) {
        self.end = end;
        self.token = None;
    }

    fn wrong_proof(&mut self) -> Option<Alarm> {
        self.wrong_proofs = self.wrong_proofs.saturating_add(1);
        if self.wrong_proofs < WRONG_PROOFS {
            return None;
        }
        self.over(End::Burned);
        Some(Alarm::Burned { invite: self.invite })
    }

    fn uses_left(&self) -> u32 {
        let used = self.claims.iter().filter(|claim| claim.stage == Stage::Consumed).count();
        self.uses.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
    }

    fn row(&self) -> LinkRow {
        let state = match self.end {
            End::Consumed => "consumed",
            End::Expired => "expired",
            End::Revoked => "revoked",
            End::Burned => "burned",
            End::NotYet => match self.claims.iter().map(|claim| claim.stage).filter(|s| *s != Stage::Consumed).max() {
                Some(Stage::Confirmed) => "confirmed",
                Some(_) => "proven",
                None => "made",
            },
        };
        let uses_left = if self.end == End::NotYet { self.uses_left() } else { 0 };
        LinkRow { invite: self.invite, expires: self.expires, uses_left, state: state.to_owned() }
    }
}
