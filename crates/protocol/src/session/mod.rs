//! What is said in an open session, on its first connection: JSON frames with the kind in `t`, at most
//! [`crate::MAX_FRAME`] bytes each. Either side may speak at any time; the first frame each way is [`Frame::Keys`]. Bulk and
//! pipes run in lanes, which are connections of their own and carry no frames.
//!
//! Call [`Frame::check`] on everything that was parsed.

mod check;
mod fetch;
mod liveness;
mod messages;
mod offer;

pub use check::{
    MAX_HEIR, MAX_ITEMS, MAX_MANIFEST, MAX_PART, MAX_POINTS, MAX_RANGES, MAX_RECEIPT, MAX_SERVICE, MAX_SIGNATURE,
    MAX_TEXT, MAX_WHY,
};
pub use fetch::{FetchIntake, FetchPlan};
pub use liveness::{Beat, CALM_AFTER_MS, CALM_DEAD_MS, CALM_GAP_MS, CALM_PING_MS, DEAD_MS, Liveness, PING_MS};
pub use messages::{Inbound, Outbox, SayFault};
pub use offer::{OfferIntake, offer_frames};

use crate::{certified::Blob, digest::Digest, frame::Vocabulary, radio::ResolvingKey};
use hither_model::{ErrorCode, LaneId, PeerId, Rid, TransferId};
use serde::{Deserialize, Deserializer, Serialize};

/// What is said in an open session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "kebab-case")]
pub enum Frame {
    /// First, each way: the short-lived key that lanes of this session are proven with.
    Keys {
        /// SHA-256 of the SubjectPublicKeyInfo of my session certificate.
        lane: PeerId,
        /// The name I show.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// By which my Bluetooth adverts are recognised; for devices that were met, nobody else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        radio: Option<ResolvingKey>,
    },
    /// I shall have another key soon: known peers only, at the opening of each session until then.
    Heir {
        /// What the present key and the next one signed (a statement of succession), at most
        /// [`MAX_HEIR`] bytes.
        statement: Blob,
    },
    /// That next key is stored here.
    HeirKept {
        /// Its id.
        heir: PeerId,
    },
    /// Are you there?
    Ping {
        /// To be repeated.
        n: u64,
    },
    /// Yes.
    Pong {
        /// As in the ping.
        n: u64,
    },
    /// A text message.
    Say {
        /// 1, 2, 3 … within a session and direction; the same when sent again.
        number: u64,
        /// At most 64 KiB.
        text: String,
    },
    /// The message is stored here.
    Said {
        /// Which.
        number: u64,
    },
    /// Files are offered; the manifest follows in parts.
    Offer {
        /// Names the transfer; used once.
        transfer: TransferId,
        /// Files and folders.
        items: u64,
        /// Bytes of all files.
        bytes: u64,
        /// Bytes of the manifest.
        manifest_bytes: u64,
        /// BLAKE3 of the manifest: what is consented to.
        manifest_hash: Digest,
    },
    /// A piece of the manifest.
    OfferPart {
        /// Of which offer.
        transfer: TransferId,
        /// Base64 of 128 KiB at most.
        part: String,
    },
    /// The manifest is complete.
    OfferEnd {
        /// Of which offer.
        transfer: TransferId,
    },
    /// The person, or the program, decided about an offer.
    OfferAnswer {
        /// Which offer.
        transfer: TransferId,
        /// Whether it is taken.
        ok: bool,
        /// Why not; absent if it is a word this version does not know.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
        code: Option<ErrorCode>,
        /// Why not, for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Receiver: send now, from here on. Several frames are one request as long as they say `more`.
    Fetch {
        /// Which transfer.
        transfer: TransferId,
        /// Items that are here in part.
        points: Vec<ResumePoint>,
        /// Items that are here, as ranges, both ends included.
        done: Vec<(u32, u32)>,
        /// If present: nothing but these.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<Vec<(u32, u32)>>,
        /// Another frame belongs to this request.
        #[serde(default)]
        more: bool,
    },
    /// Sender: bytes are on their way.
    Moving {
        /// Which transfer.
        transfer: TransferId,
    },
    /// Receiver: so much is on disk, verified; totals so far.
    Kept {
        /// Which transfer.
        transfer: TransferId,
        /// Items.
        items: u64,
        /// Bytes.
        bytes: u64,
    },
    /// An item did not make it; the others go on.
    ItemFailed {
        /// Which transfer.
        transfer: TransferId,
        /// Which item, by its place in the manifest.
        item: u32,
        /// The stable code; [`ErrorCode::Incompatible`] for a word this version does not know.
        #[serde(deserialize_with = "some_code")]
        code: ErrorCode,
        /// Why, for a person.
        why: String,
    },
    /// Receiver: what is on disk, signed.
    Receipt {
        /// Which transfer.
        transfer: TransferId,
        /// Base64.
        receipt: String,
        /// Base64.
        signature: String,
    },
    /// Stop for now.
    Pause {
        /// Which transfer.
        transfer: TransferId,
    },
    /// Stop for good.
    Cancel {
        /// Which transfer.
        transfer: TransferId,
        /// Why, for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// I am about to dial a lane.
    OpenLane {
        /// Names the lane; used once.
        lane: LaneId,
        /// What its ClientHello will show.
        rid: Rid,
        /// What it is for.
        purpose: Purpose,
    },
    /// Whether the lane may come.
    LaneAnswer {
        /// Which.
        lane: LaneId,
        /// Whether it may.
        ok: bool,
        /// Why not; absent if it is a word this version does not know.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_code")]
        code: Option<ErrorCode>,
        /// Why not, for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Please try whether you reach me at the address you see me at, on this port.
    DialBack {
        /// TCP port.
        port: u16,
    },
    /// Whether it worked.
    DialBackResult {
        /// A TCP connection came about.
        reached: bool,
        /// Why not, for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Nothing new from here; what was begun may end.
    Drain,
    /// Nothing is left to end here.
    Drained,
    /// Over.
    Close {
        /// Why, for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

/// What a lane is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "kebab-case")]
pub enum Purpose {
    /// The bytes of a transfer.
    Bulk {
        /// Which.
        transfer: TransferId,
    },
    /// Any program's bytes, both ways.
    Pipe {
        /// Which of several pipes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// One connection to a service that the other side lends.
    Service {
        /// What it is called there.
        name: String,
        /// Only whether it is lent: nothing is connected, and no lane follows.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ask: bool,
    },
}

/// How much of an item is here already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePoint {
    /// Its place in the manifest.
    pub item: u32,
    /// Bytes that are here.
    pub offset: u64,
    /// BLAKE3 of those bytes.
    pub prefix: Digest,
}

impl Vocabulary for Frame {
    const WORDS: &'static [&'static str] = &[
        "keys",
        "heir",
        "heir-kept",
        "ping",
        "pong",
        "say",
        "said",
        "offer",
        "offer-part",
        "offer-end",
        "offer-answer",
        "fetch",
        "moving",
        "kept",
        "item-failed",
        "receipt",
        "pause",
        "cancel",
        "open-lane",
        "lane-answer",
        "dial-back",
        "dial-back-result",
        "drain",
        "drained",
        "close",
    ];
}

/// A code, if it is one this version knows: a newer peer's words are no reason to end a session.
fn known_code<'de, D: Deserializer<'de>>(d: D) -> Result<Option<ErrorCode>, D::Error> {
    let word = Option::<String>::deserialize(d)?;
    Ok(word.and_then(|word| ErrorCode::ALL.iter().copied().find(|code| code.name() == word)))
}

fn some_code<'de, D: Deserializer<'de>>(d: D) -> Result<ErrorCode, D::Error> {
    known_code(d).map(|code| code.unwrap_or(ErrorCode::Incompatible))
}

#[cfg(test)]
mod tests;
