//! What two agents say to each other: frames, the short code, invites, links, open sessions, limits.
//!
//! Pure state machines. What is *not* here: sockets, files, clocks, randomness. Whoever drives a machine gives it the
//! time, fresh nonces and the frames it heard, and carries out the effects it returns, in order. Times called `now` are
//! milliseconds of a monotonic clock; times called `unix` are seconds since 1970.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod breach;
pub mod certified;
pub mod digest;
pub mod frame;
pub mod hello;
pub mod invite;
mod kdf;
pub mod limits;
pub mod link;
pub mod pairing;
pub mod radio;
pub mod rendezvous;
pub mod session;

pub use breach::Breach;
pub use certified::{Blob, Certified};
pub use digest::Digest;
pub use frame::{Decoder, FrameFault, MAX_FRAME, MAX_HELLO, Vocabulary, encode, encode_payload, parse, parse_lenient};
pub use hello::{Frame, Hello, Invite, LinkHello, No, Taken};
pub use invite::{
    Admission, Alarm, Effect, Ending, InviteAsk, Invitee, InviteeSide, Inviter, Need, Question, Reply, Step, Unfit,
};
pub use limits::{Asker, Backoff, Over, Place, Questions, RunBudget, RunNumber};
pub use link::{
    InviteUrl, LedgerFault, LinkFault, LinkHost, LinkLedger, LinkOpener, LinkToken, RouteFault, WebRoute,
    is_dialable_hint,
};
pub use pairing::{Binding, Code};
pub use radio::ResolvingKey;
pub use rendezvous::{LinkKeys, PairKey, epoch, known_rid, link_keys, pair_key, session_id, tag};
