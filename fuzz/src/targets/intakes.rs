//! What an open session puts together from several frames: requests, manifests, messages. A script of bytes says what the
//! peer sends, as [`crate::machines`] does for invites.

use hither_model::TransferId;
use hither_protocol::{
    Digest, MAX_FRAME, encode_payload,
    session::{FetchIntake, FetchPlan, Frame, Inbound, MAX_ITEMS, OfferIntake, Outbox, ResumePoint},
};
use std::collections::BTreeSet;

/// What is left of a script; nothing left counts as zeros.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> u8 {
        self.byte().unwrap_or(0)
    }

    /// Small numbers mostly, and those at the edges.
    fn wide(&mut self) -> u64 {
        match self.number() {
            small @ 0..=199 => u64::from(small),
            middle @ 200..=239 => u64::from(middle) * 500,
            edge => u64::MAX.rotate_right(u32::from(edge)) >> (edge % 8),
        }
    }

    fn item(&mut self) -> u32 {
        u32::try_from(self.wide()).unwrap_or(u32::MAX)
    }

    fn ranges(&mut self) -> Vec<(u32, u32)> {
        let mut from = 0_u32;
        let count = self.number() % 8;
        (0..count)
            .map(|_| {
                let (skip, length) = (self.item(), self.item());
                let range = (from.wrapping_add(skip), from.wrapping_add(skip).wrapping_add(length));
                from = range.1;
                range
            })
            .collect()
    }
}

#[derive(Default)]
struct Peer {
    fetch: FetchIntake,
    offer: Option<(OfferIntake, u64)>,
    inbound: Inbound,
    taken: BTreeSet<u64>,
    outbox: Outbox,
    unsaid: BTreeSet<u64>,
    last: u64,
}

/// Plays a script.
pub(crate) fn session(bytes: &[u8]) {
    let mut script = Script(bytes);
    let mut peer = Peer::default();
    while let Some(step) = script.byte() {
        match step % 6 {
            0 => peer.fetches(&mut script),
            1 => peer.offers(&mut script),
            2 => peer.adds_a_part(&mut script),
            3 => peer.ends_the_offer(),
            4 => peer.says(script.wide()),
            _ => peer.hears(&mut script),
        }
    }
}

fn transfer(n: u8) -> TransferId {
    TransferId::new([n & 1; 16])
}

impl Peer {
    fn fetches(&mut self, script: &mut Script<'_>) {
        let (flags, count) = (script.number(), script.number() % 4);
        let point = |script: &mut Script<'_>| ResumePoint {
            item: script.item(),
            offset: script.wide(),
            prefix: Digest([flags; 32]),
        };
        let frame = Frame::Fetch {
            transfer: transfer(flags),
            points: (0..count).map(|_| point(script)).collect(),
            done: script.ranges(),
            only: (flags & 2 != 0).then(|| script.ranges()),
            more: flags & 4 != 0,
        };
        match self.fetch.take(frame) {
            Ok(Some(plan)) => same_in_frames(&plan),
            Ok(None) => {}
            // The session ends; here another one begins.
            Err(_) => self.fetch = FetchIntake::new(),
        }
    }

    fn offers(&mut self, script: &mut Script<'_>) {
        let size = script.wide();
        let manifest_hash = Digest([1; 32]);
        let (items, bytes) = (script.wide(), script.wide());
        let offer = Frame::Offer { transfer: transfer(0), items, bytes, manifest_bytes: size, manifest_hash };
        self.offer = OfferIntake::begin(&offer).ok().map(|intake| (intake, size));
    }

    fn adds_a_part(&mut self, script: &mut Script<'_>) {
        let length = usize::from(script.number()).min(script.0.len());
        let (text, rest) = script.0.split_at(length);
        script.0 = rest;
        let sound = length % 3 == 0;
        let part = if sound { "aGl0".repeat(length / 3) } else { String::from_utf8_lossy(text).into_owned() };
        if let Some((intake, _)) = &mut self.offer
            && intake.part(&part).is_err()
        {
            self.offer = None;
        }
    }

    fn ends_the_offer(&mut self) {
        if let Some((intake, size)) = self.offer.take()
            && let Ok(manifest) = intake.end()
        {
            assert_eq!(manifest.len() as u64, size);
        }
    }

    fn says(&mut self, number: u64) {
        match self.inbound.take(number) {
            Ok(new) => assert!(!new || self.taken.insert(number), "message {number} was taken twice"),
            Err(_) => assert_eq!(number, 0),
        }
        let kept = serde_json::to_string(&self.inbound).expect("it is stored");
        assert_eq!(serde_json::from_str::<Inbound>(&kept).ok().as_ref(), Some(&self.inbound));
    }

    /// We say something, or the peer has stored something.
    fn hears(&mut self, script: &mut Script<'_>) {
        let how = script.number();
        if how & 1 == 0 {
            let text = "\u{1}x".repeat(usize::from(how) << (how % 9));
            if self.outbox.say(text).is_ok() {
                self.last += 1;
                self.unsaid.insert(self.last);
            }
        } else {
            let number = script.wide();
            match self.outbox.said(number) {
                Ok(new) => assert_eq!(new, self.unsaid.remove(&number)),
                Err(_) => assert!(number == 0 || number > self.last),
            }
        }
        let again = self.outbox.resend();
        let numbers: Vec<u64> =
            again.iter().filter_map(|f| if let Frame::Say { number, .. } = f { Some(*number) } else { None }).collect();
        assert!(numbers.iter().eq(&self.unsaid), "what is not said is sent again, in order");
        assert!(again.iter().all(|frame| frame.check().is_ok() && encode_payload(frame, MAX_FRAME).is_ok()));
    }
}

/// A request that was taken is the same after another way over the wire.
fn same_in_frames(plan: &FetchPlan) {
    for list in [Some(&plan.done), plan.only.as_ref()].into_iter().flatten() {
        assert!(list.iter().all(|(first, last)| first <= last && u64::from(*last) < MAX_ITEMS));
        assert!(list.windows(2).all(|two| matches!(two, [a, b] if a.1 < b.0)), "ranges rise");
    }
    let mut intake = FetchIntake::new();
    let mut again = None;
    for frame in plan.clone().frames(transfer(1)) {
        assert!(again.is_none(), "nothing follows the last part");
        assert!(encode_payload(&frame, MAX_FRAME).is_ok(), "each part fits a frame");
        again = intake.take(frame).expect("what was taken is taken again");
    }
    assert_eq!(again.as_ref(), Some(plan));
}

/// Scripts in which everything comes to its end.
pub(crate) fn session_seeds() -> Vec<Vec<u8>> {
    vec![
        vec![0, 0, 1, 3, 5, 2, 0, 2, 4, 1, 0, 6, 1, 1, 2, 0, 0, 0],
        vec![0, 2, 0, 0, 1, 3, 4],
        vec![1, 6, 2, 9, 2, 6, b'a', b'b', b'c', b'd', b'e', b'f', 3],
        vec![1, 3, 1, 1, 2, 3, 0, 0, 0, 3, 1, 4, 1, 1, 2, 5, 0, 0, 0, 0, 0],
        vec![4, 1, 4, 3, 4, 2, 4, 2, 4, 0, 4, 255, 4, 240],
        vec![5, 2, 5, 4, 5, 1, 1, 5, 3, 1, 5, 1, 9, 5, 200],
    ]
}
