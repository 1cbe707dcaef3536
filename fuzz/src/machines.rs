//! The four machines of invites and links, two against each other, with a script for everything between and around
//! them: what the network delivers, drops and repeats, what a hostile end says instead, what the persons do, the time.
//! Whatever happens, a machine ends once, with its last word; and nobody is admitted whom no person meant.
//!
//! Scripts are bytes: one that chooses the scene, then steps of one byte and what they need. What is *not* here: the
//! driver's own limits (`hither_protocol::limits`).

mod invites;
mod links;
mod side;
#[cfg(test)]
mod vectors;

use hither_model::PeerId;
use hither_protocol::{Binding, Digest, Frame, Hello, No, Taken};
use side::{Machine, Side};

/// Plays a script.
pub(crate) fn invite_machines(bytes: &[u8]) {
    let mut script = Script(bytes);
    let Some(scene) = script.byte() else { return };
    if scene & 1 == 0 {
        invites::play(scene, &mut script);
    } else {
        links::play(scene, &mut script);
    }
}

/// Steps of a script. Those above [`LOST`] are for the persons and the machines' drivers.
mod step {
    pub(super) const TO_SERVER: u8 = 0;
    pub(super) const TO_CLIENT: u8 = 1;
    pub(super) const DROP: u8 = 2;
    pub(super) const REPEAT: u8 = 3;
    pub(super) const SAY_TO_SERVER: u8 = 4;
    pub(super) const SAY_TO_CLIENT: u8 = 5;
    pub(super) const WAIT: u8 = 6;
    pub(super) const LOST: u8 = 7;
    pub(super) const DISPLAYED: u8 = 8;
    pub(super) const QUEUED: u8 = 9;
    pub(super) const ANSWER: u8 = 10;
    pub(super) const COMPARED: u8 = 11;
    pub(super) const WITHDRAW: u8 = 12;
    pub(super) const REFUSE: u8 = 13;
    pub(super) const CONSUMED: u8 = 14;
    pub(super) const AGAIN: u8 = 15;
    pub(super) const SWAP: u8 = 16;
    pub(super) const VOUCH: u8 = 17;
    pub(super) const COUNT: u8 = 18;
}

/// What is left of a script.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Nothing left counts as zeros.
    fn number(&mut self) -> u8 {
        self.byte().unwrap_or(0)
    }

    fn step(&mut self) -> Option<u8> {
        self.byte().map(|byte| byte % step::COUNT)
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::from(self.number()).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        (length > 0).then(|| String::from_utf8_lossy(text).into_owned())
    }
}

/// Two machines and the network between them.
struct Duel<C, S> {
    client: Side<C>,
    server: Side<S>,
    now: u64,
    /// Everything 32 bytes long that was said: a hostile end says it again in other places.
    heard: Vec<Digest>,
}

impl<C: Machine, S: Machine> Duel<C, S> {
    fn new() -> Self {
        Self { client: Side::default(), server: Side::default(), now: 1000, heard: Vec::new() }
    }

    /// A step of the network or of time; whether it was one.
    fn network(&mut self, step: u8, script: &mut Script<'_>) -> bool {
        let now = self.now;
        match step {
            step::TO_SERVER => self.deliver(true, false),
            step::TO_CLIENT => self.deliver(false, false),
            step::DROP => {
                let outbox = if script.number() & 1 == 0 { &mut self.client.outbox } else { &mut self.server.outbox };
                outbox.pop_front();
            }
            step::REPEAT => self.deliver(script.number() & 1 == 0, true),
            step::SAY_TO_SERVER => {
                let frame = self.forged(script);
                self.server.act(|machine| machine.heard(now, frame));
            }
            step::SAY_TO_CLIENT => {
                let frame = self.forged(script);
                self.client.act(|machine| machine.heard(now, frame));
            }
            step::WAIT => {
                self.now += u64::from(script.number()) * 500;
                self.client.tick(self.now);
                self.server.tick(self.now);
            }
            step::LOST if script.number() & 1 == 0 => self.client.act(Machine::lost),
            step::LOST => self.server.act(Machine::lost),
            _ => return false,
        }
        true
    }

    /// Takes the oldest frame that one end said to the other; one to be repeated stays.
    fn deliver(&mut self, to_server: bool, stays: bool) {
        let now = self.now;
        let outbox = if to_server { &mut self.client.outbox } else { &mut self.server.outbox };
        let frame = if stays { outbox.front().cloned() } else { outbox.pop_front() };
        let Some(frame) = frame else { return };
        self.heard.extend(digests(&frame));
        match to_server {
            true => self.server.act(|machine| machine.heard(now, frame)),
            false => self.client.act(|machine| machine.heard(now, frame)),
        }
    }

    /// A frame that nobody here said.
    fn forged(&self, script: &mut Script<'_>) -> Frame {
        let kind = script.number() % 13;
        let digest = match script.number() {
            byte @ 0..=127 => Digest([byte; 32]),
            at => self.heard.get(usize::from(at - 128)).copied().unwrap_or(Digest([at; 32])),
        };
        let why = usize::from(script.number());
        match kind {
            0 => Frame::Waiting,
            1 => Frame::Commit { c: digest },
            2 => Frame::NonceC { n: digest },
            3 => Frame::NonceS { n: digest },
            4 => Frame::NoCode,
            5 => Frame::Confirm { mac: digest },
            6 => Frame::Accepted { name: script.text(), certified: None },
            7 => Frame::Welcome { name: script.text() },
            8 => Frame::No { why: NOES[why % NOES.len()] },
            9 => {
                let whys = [Taken::Withdrawn, Taken::Expired, Taken::CodesDiffer, Taken::LinkOnly, Taken::Certificate];
                Frame::Withdraw { why: whys[why % whys.len()] }
            }
            10 => Frame::LinkProof { proof: digest },
            11 => Frame::Resumed,
            _ => Frame::Here { name: script.text(), port: 7 },
        }
    }

    /// What must hold between two ends of one connection, once both have ended.
    fn agree(&self) {
        if let (Some(ours), Some(theirs)) = (&self.client.admission, &self.server.admission) {
            assert_eq!(ours.session(), theirs.session(), "one connection, two sessions");
            assert!(ours.is_inviter() && !theirs.is_inviter());
            if let (Some(a), Some(b)) = (ours.pair_key(), theirs.pair_key()) {
                assert_eq!(a.as_bytes(), b.as_bytes());
            }
        }
    }
}

const NOES: [No; 7] =
    [No::Declined, No::Busy, No::Expired, No::LinkOnly, No::CodesDiffer, No::Unknown, No::Certificate];

fn digests(frame: &Frame) -> Option<Digest> {
    match frame {
        Frame::Commit { c } => Some(*c),
        Frame::NonceC { n } | Frame::NonceS { n } => Some(*n),
        Frame::Confirm { mac } => Some(*mac),
        Frame::LinkProof { proof } => Some(*proof),
        _ => None,
    }
}

fn peer(n: u8) -> PeerId {
    PeerId::new([n; 32])
}

fn binding(exporter: u8, client: u8, server: u8) -> Binding {
    Binding::new([exporter; 32], peer(client), peer(server))
}

/// The hello as it is after its way over the wire.
fn over_the_wire(hello: &Hello) -> Hello {
    let bytes = hither_protocol::encode_payload(hello, hither_protocol::MAX_HELLO).expect("a hello fits its frame");
    hither_protocol::parse_lenient(&bytes).expect("a hello can be read").expect("its kind is known")
}

/// Scripts of whole meetings.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    [invites::seeds(), links::seeds()].concat()
}
