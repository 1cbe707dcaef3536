//! Sessions that both sides still want, so that an agent that was restarted takes them up again.

use crate::certificates::Shown;
use hither_model::{
    DisplayName, PeerId, SessionId, Verified,
    row::{CertifiedRow, MessageRow},
};
use hither_protocol::{
    WebRoute,
    rendezvous::PairKey,
    session::{Inbound, Outbox},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

/// One session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptSession {
    pub(crate) peer: PeerId,
    pub(crate) name: DisplayName,
    pub(crate) verified: Verified,
    /// Whether we invited: that side redials first.
    pub(crate) inviter: bool,
    /// Names the session in the rendezvous value when it is taken up again.
    pub(crate) resume_key: PairKey,
    pub(crate) routes: Vec<SocketAddr>,
    /// The web server through which the other side can be reached, as the link that led here said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) web: Option<WebRoute>,
    pub(crate) opened: u64,
    pub(crate) outbox: Outbox,
    pub(crate) inbound: Inbound,
    /// Who they proved to be by a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certified: Option<Box<CertifiedRow>>,
    /// The certificate we showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shown: Option<Shown>,
    /// The last messages of both sides.
    pub(crate) messages: VecDeque<MessageRow>,
}

/// All of them.
pub(crate) type KeptSessions = BTreeMap<SessionId, KeptSession>;
