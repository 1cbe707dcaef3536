//! What reaches the engine from its tasks.

use crate::{
    certificates::{ErrandId, Looked, Shown, Unlocked},
    door::Purpose,
    knocks::{KnockId, Located, Silence, Wire},
    outbox, services,
    sessions::{Generation, Redialled},
    transfers::Report,
};
use hither_model::{Failure, LaneId, PeerId, SessionId, TransferId};
use hither_protocol::{Admission, Certified, Frame, Hello, session};
use hither_socket::{Channel, Proven, SocketError};
use std::net::SocketAddr;

/// A connection we made for an invite, or why there is none.
pub(crate) type Dialled = Result<Connected, Failure>;

/// A connection we made for an invite.
pub(crate) struct Connected {
    pub(crate) wire: Wire,
    pub(crate) route: SocketAddr,
    /// Who we are by a certificate, proven for this connection, and what was shown.
    pub(crate) certified: Option<(Box<Certified>, Shown)>,
}

/// One event.
pub(crate) enum Event {
    /// From the multicast DNS room.
    Discovery(hither_discovery::mdns::Event),
    /// From the Bluetooth room.
    Radio(hither_discovery::ble::Event),
    /// A device that is heard by radio told where it is, or did not.
    Located { knock: KnockId, outcome: Box<Located> },
    /// Somebody connected and said what for.
    Hello { wire: Box<Wire>, purpose: Purpose, from: SocketAddr, hello: Hello },
    /// Somebody connected to a lane.
    LaneArrived { lane: LaneId, channel: Box<Channel<Proven>> },
    /// Dialling for an invite is over.
    Dialled { knock: KnockId, outcome: Box<Dialled> },
    /// A frame of an invite.
    KnockHeard { knock: KnockId, frame: Frame },
    /// Nothing more will be heard of it.
    KnockSilent { knock: KnockId, why: Silence },
    /// The channel of an admitted peer.
    Admitted { knock: KnockId, admission: Box<Admission>, channel: Result<Box<Channel<Proven>>, SocketError> },
    /// A call to or from a known device is over: it is near.
    Called { peer: PeerId, route: SocketAddr },
    /// Our yes to a resume from the other side is out.
    Resumed { session: SessionId, outcome: Box<Redialled> },
    /// A frame of a session.
    SessionHeard { session: SessionId, generation: Generation, frame: session::Frame },
    /// The session's connection is gone.
    SessionLost { session: SessionId, generation: Generation, why: String },
    /// An attempt to take a session up again is over.
    Redialled { session: SessionId, outcome: Box<Redialled> },
    /// Dialling a lane is over.
    LaneDialled { lane: LaneId, outcome: Result<Box<Channel<Proven>>, Failure> },
    /// What certificates there are is known.
    Looked(Box<Looked>),
    /// A key was unlocked, or not.
    Unlocked { errand: ErrandId, unlocked: Unlocked },
    /// A key has signed for an answer.
    Proven { errand: ErrandId, proof: Box<Result<(Box<Certified>, Shown), Failure>> },
    /// An answer goes out without a certificate after all.
    Uncertified { errand: ErrandId },
    /// Cards came or went.
    Readers(hither_identity::card::Readers),
    /// Remembered files are on disk.
    Written,
    /// A pipe is not open any more.
    PipeEnded,
    /// About services that are lent.
    Services(services::Report),
    /// That a grant is used for an offer is on disk, or could not be written.
    GrantUsed { transfer: TransferId, written: bool },
    /// From the outbox's threads.
    Outbox(outbox::Report),
    /// From a transfer's thread.
    Transfer { transfer: TransferId, report: Report },
    /// The other side asked whether our port can be reached from there, and this came of it.
    DialBack { session: SessionId, reached: bool, why: Option<String> },
}
