//! A link: whoever redeems it against whoever made it, and others who try the same link.
//!
//! Bits of the scene: 2 the two ends are on different connections, 4 the other end is not the link's maker, 8 the link
//! can be used twice.

use super::{Duel, NOES, Script, Side, binding, over_the_wire, peer, side::Yes, step};
use hither_model::{DisplayName, InviteId, PeerId, Verified};
use hither_protocol::{
    Digest, Effect, Ending, Hello, InviteUrl, LinkHello, LinkHost, LinkLedger, LinkOpener, LinkToken,
};

const INVITE: InviteId = InviteId::new([7; 16]);
const UNIX: u64 = 1_000_000;
const SECONDS: u64 = 600;
const MAKER: u8 = 20;

struct Scene {
    ledger: LinkLedger,
    url: InviteUrl,
    uses: u32,
    /// Who has used it.
    used: Vec<PeerId>,
    /// An earlier visitor's connection, which is still open.
    earlier: Option<Side<LinkHost>>,
}

pub(super) fn play(scene: u8, script: &mut Script<'_>) {
    let (split, stranger) = (scene & 2 != 0, scene & 4 != 0);
    let uses = if scene & 8 != 0 { 2 } else { 1 };
    let token = || LinkToken::new([5; 16]);
    let mut ledger = LinkLedger::default();
    let expires = ledger.make(UNIX, INVITE, token(), SECONDS, uses).expect("the link is made");
    let url = InviteUrl::new(peer(MAKER), token(), u32::try_from(expires).unwrap_or(u32::MAX), &[]);
    let mut scene = Scene { ledger, url, uses, used: Vec::new(), earlier: None };
    let mut duel: Duel<LinkOpener, LinkHost> = Duel::new();
    let other_end = if stranger { 30 } else { MAKER };
    let name = DisplayName::new("Ana").ok();
    duel.client.take(LinkOpener::start(duel.now, binding(1, 10, other_end), &scene.url, INVITE, (name, None), 60_000));
    if stranger {
        assert!(duel.client.opened.is_none() && duel.client.sent == 0, "not a word to somebody else (I4)");
        return assert_eq!(duel.client.ending, Some(Ending::NotTheInviter));
    }
    let Some(Hello::Link(hello)) = duel.client.opened.as_ref().map(over_the_wire) else { panic!("no hello") };
    host(&mut duel, &mut scene, if split { 2 } else { 1 }, 10, hello);
    while let Some(step) = script.step() {
        if !duel.network(step, script) {
            person(&mut duel, &mut scene, step, script);
        }
        judge(&duel, split);
    }
    let left = scene.uses - u32::try_from(scene.used.len()).unwrap_or(u32::MAX);
    assert!(scene.ledger.rows(UNIX).iter().all(|row| row.uses_left <= left));
}

/// Somebody knocks at the maker's with this hello.
fn host(duel: &mut Duel<LinkOpener, LinkHost>, scene: &mut Scene, exporter: u8, client: u8, hello: LinkHello) {
    let at = unix(duel.now);
    let step = LinkHost::start(duel.now, at, binding(exporter, client, MAKER), hello, INVITE, None, &mut scene.ledger);
    if step.next.is_none() {
        let asked = step.effects.iter().any(|effect| matches!(effect, Effect::AskPerson(_)));
        assert!(!asked, "nobody is asked about a link that is not good (I2)");
    }
    scene.earlier = Some(std::mem::take(&mut duel.server)).filter(|side| side.machine.is_some());
    duel.server.take(step);
}

fn unix(now: u64) -> u64 {
    UNIX + now / 1000
}

fn person(duel: &mut Duel<LinkOpener, LinkHost>, scene: &mut Scene, step: u8, script: &mut Script<'_>) {
    let (now, at) = (duel.now, unix(duel.now));
    match step {
        step::DISPLAYED => duel.server.act(|machine| machine.displayed(now)),
        step::QUEUED => duel.server.act(|machine| machine.queued(now)),
        step::ANSWER => {
            let yes = script.number() & 1 == 0;
            let said = yes.then_some(Yes { same_code: false, unverified: false });
            duel.server.say(said, |machine| machine.answer(now, at, yes, &mut scene.ledger));
        }
        step::CONSUMED => consumed(duel, scene, script.number() & 1 == 0),
        step::WITHDRAW => duel.client.act(|machine| machine.withdraw(now)),
        step::REFUSE => {
            let why = NOES[usize::from(script.number()) % NOES.len()];
            duel.server.act(|machine| machine.refuse(now, why));
        }
        step::COMPARED => {
            let _ = scene.ledger.revoke(&INVITE);
        }
        step::AGAIN => again(duel, scene, script),
        step::SWAP => {
            if let Some(earlier) = scene.earlier.take() {
                scene.earlier = Some(std::mem::replace(&mut duel.server, earlier));
            }
        }
        _ => {}
    }
}

/// The driver stores the ledger, or fails to.
fn consumed(duel: &mut Duel<LinkOpener, LinkHost>, scene: &mut Scene, works: bool) {
    let (now, at) = (duel.now, unix(duel.now));
    let Some(visitor) = duel.server.machine.as_ref().map(LinkHost::peer) else { return };
    if !std::mem::take(&mut duel.server.consume) {
        duel.server.act(|machine| machine.consumed(now, works));
        return assert!(duel.server.machine.is_some(), "nothing was to be used up");
    }
    let done = works && scene.ledger.consume(at, &INVITE, &visitor).is_ok();
    if done {
        assert!(!scene.used.contains(&visitor), "used twice by one device");
        scene.used.push(visitor);
        duel.server.stored = true;
        assert!(scene.used.len() <= scene.uses as usize, "used more often than allowed (I3)");
    }
    duel.server.act(|machine| machine.consumed(now, done));
}

/// The same link on another connection: by the same device, by another, or with a wrong proof.
fn again(duel: &mut Duel<LinkOpener, LinkHost>, scene: &mut Scene, script: &mut Script<'_>) {
    let how = script.number();
    let (exporter, client) = (3 + (how & 3), 10 + (how >> 2 & 3));
    let step = LinkOpener::start(duel.now, binding(exporter, client, MAKER), &scene.url, INVITE, (None, None), 60_000);
    let Some(Effect::Open(Hello::Link(mut hello))) = step.effects.into_iter().next() else { return };
    if how & 16 != 0 {
        hello.proof = Digest([how; 32]);
    }
    host(duel, scene, exporter, client, hello);
    // The first visitor's connection is another one.
    duel.client = Side::default();
}

fn judge(duel: &Duel<LinkOpener, LinkHost>, split: bool) {
    for admission in duel.client.admission.iter().chain(&duel.server.admission) {
        assert_eq!(admission.verified(), Verified::Link);
    }
    if duel.server.admission.is_some() {
        assert!(duel.server.yes.is_some() && duel.server.stored, "admitted before the person's yes was on disk");
    }
    if split {
        assert!(duel.client.admission.is_none(), "a proof for another connection was taken");
        return;
    }
    duel.agree();
}

/// Scripts that lead to each ending.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    use step::*;
    let yes = [TO_CLIENT, DISPLAYED, ANSWER, 0, CONSUMED, 0, TO_CLIENT, TO_SERVER];
    let whole = |scene: u8, steps: &[u8]| [&[scene], steps].concat();
    vec![
        whole(1, &yes),
        whole(9, &[&[QUEUED][..], &yes, &[AGAIN, 4, ANSWER, 0, CONSUMED, 0, SAY_TO_SERVER, 7, 0, 0, 0]].concat()),
        whole(1, &[TO_CLIENT, ANSWER, 1, TO_CLIENT]),
        whole(1, &[TO_CLIENT, ANSWER, 0, CONSUMED, 1, TO_CLIENT]),
        whole(1, &[TO_CLIENT, AGAIN, 4, AGAIN, 0, ANSWER, 0, COMPARED, CONSUMED, 0]),
        whole(1, &[AGAIN, 16, AGAIN, 16, AGAIN, 16, AGAIN, 16, AGAIN, 16, AGAIN, 0]),
        whole(1, &[WAIT, 25, WAIT, 130]),
        whole(3, &[TO_CLIENT, ANSWER, 0]),
        whole(5, &[]),
        whole(1, &[WITHDRAW, TO_SERVER]),
        whole(1, &[SAY_TO_CLIENT, 10, 3, 0, SAY_TO_CLIENT, 6, 0, 0, 0]),
        whole(3, &[SAY_TO_CLIENT, 10, 3, 0, SAY_TO_CLIENT, 6, 0, 0, 0]),
        // The same device again, after its use; the last word before the yes.
        whole(1, &[&yes[..], &[AGAIN, 0, ANSWER, 0, CONSUMED, 0, SAY_TO_SERVER, 7, 0, 0, 0]].concat()),
        whole(1, &[SAY_TO_SERVER, 7, 0, 0, 0]),
        // Two connections of one device, and of two, before either is through.
        whole(9, &[AGAIN, 0, ANSWER, 0, SWAP, ANSWER, 0, CONSUMED, 0, SWAP, CONSUMED, 0]),
        whole(9, &[AGAIN, 4, ANSWER, 0, SWAP, ANSWER, 0, CONSUMED, 0, SWAP, CONSUMED, 0, AGAIN, 8]),
        whole(1, &[AGAIN, 4, ANSWER, 0, SWAP, ANSWER, 0, CONSUMED, 0, SWAP, CONSUMED, 0]),
    ]
}
