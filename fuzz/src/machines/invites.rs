//! An invite: inviter against invitee.
//!
//! Bits of the scene: 2 somebody is in between (two connections, three keys), 4 the inviter knows the key, 8 the invitee
//! knows it, 16 the inviter settles for no code, 32 the inviter's budget of runs is spent, 64 the inviter takes a
//! certificate in place of a code, 128 the invitee does.

use super::{Duel, NOES, Script, binding, over_the_wire, side::Yes, step};
use hither_model::{DisplayName, InviteId, Verified};
use hither_protocol::{Blob, Certified, Hello, InviteAsk, Invitee, InviteeSide, Inviter, Reply};

const NONCE_C: [u8; 32] = [0xc1; 32];
const NONCE_S: [u8; 32] = [0x51; 32];

pub(super) fn play(scene: u8, script: &mut Script<'_>) {
    let between = scene & 2 != 0;
    let (ours, theirs) =
        if between { (binding(1, 10, 30), binding(2, 30, 20)) } else { (binding(1, 10, 20), binding(1, 10, 20)) };
    let ask = InviteAsk {
        invite: InviteId::new([7; 16]),
        name: DisplayName::new("Ana").ok(),
        message: script.text(),
        known: scene & 4 != 0,
        unverified: scene & 16 != 0,
        codes: scene & 32 == 0,
        certified: (scene & 64 != 0).then(certificate),
        codeless: scene & 64 != 0,
    };
    let me = InviteeSide { name: DisplayName::new("Ben").ok(), known: scene & 8 != 0, codeless: scene & 128 != 0 };
    let (known, waived, codeless) = (ask.known, ask.unverified, scene & 192 == 192);
    let mut duel: Duel<Inviter, Invitee> = Duel::new();
    duel.client.take(Inviter::start(duel.now, ours, ask, NONCE_C, 60_000));
    let hello = duel.client.opened.as_ref().map(over_the_wire);
    let Some(Hello::Invite(invite)) = hello else { panic!("an inviter opens with an invite") };
    duel.server.take(Invitee::start(duel.now, theirs, invite, me));
    while let Some(step) = script.step() {
        if !duel.network(step, script) {
            person(&mut duel, step, script);
        }
        judge(&duel, between, known, waived, codeless);
    }
}

fn person(duel: &mut Duel<Inviter, Invitee>, step: u8, script: &mut Script<'_>) {
    let now = duel.now;
    match step {
        step::DISPLAYED => duel.server.act(|machine| machine.displayed(now, NONCE_S)),
        step::QUEUED => duel.server.act(|machine| machine.queued(now)),
        step::ANSWER => {
            let how = script.number();
            let yes = Yes { same_code: how & 1 != 0, unverified: how & 2 != 0 };
            let (reply, said) = match how & 12 {
                4 => (Reply::No, None),
                8 => (Reply::Different, None),
                _ => (Reply::Yes { same_code: yes.same_code, unverified: yes.unverified }, Some(yes)),
            };
            let certified = (how & 16 != 0).then(certificate);
            duel.server.say(said, |mut machine| {
                machine.certify(certified);
                machine.answer(now, reply)
            });
        }
        step::COMPARED => {
            let same = script.number() & 1 == 0;
            let said = same.then_some(Yes { same_code: true, unverified: false });
            duel.client.say(said, |machine| machine.confirm_code(now, same));
        }
        step::VOUCH => duel.client.act(|mut machine| {
            machine.vouched();
            hither_protocol::Step { effects: vec![], next: Some(machine) }
        }),
        step::WITHDRAW => duel.client.act(|machine| machine.withdraw(now)),
        step::REFUSE => {
            let why = NOES[usize::from(script.number()) % NOES.len()];
            duel.server.act(|machine| machine.refuse(now, why));
        }
        _ => {}
    }
}

fn certificate() -> Box<Certified> {
    Box::new(Certified { chain: vec![Blob(vec![0x30; 8])], signature: Blob(vec![7; 64]) })
}

fn judge(duel: &Duel<Inviter, Invitee>, between: bool, known: bool, waived: bool, codeless: bool) {
    let same = |yes: Option<Yes>| yes.is_some_and(|yes| yes.same_code);
    if duel.client.confirmed || duel.server.confirmed {
        assert!(same(duel.client.yes) && same(duel.server.yes), "a confirmation that one person has not given");
        assert!(!between, "somebody in between was not noticed");
    }
    if let Some(admission) = &duel.client.admission {
        match admission.verified() {
            Verified::Code => assert!(duel.client.confirmed),
            Verified::Stored => assert!(known),
            Verified::No => assert!(waived),
            Verified::Certificate => assert!(codeless),
            other => panic!("an invite gives {other}"),
        }
    }
    if let Some(admission) = &duel.server.admission {
        let yes = duel.server.yes.expect("nobody is admitted without a yes");
        match admission.verified() {
            Verified::Code => assert!(yes.same_code && duel.server.confirmed),
            Verified::Stored => {}
            Verified::No => assert!(yes.unverified),
            Verified::Certificate => assert!(codeless),
            other => panic!("an invite gives {other}"),
        }
    }
    if !between {
        duel.agree();
    }
}

/// Scripts that lead to each ending.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    use step::*;
    let code = [DISPLAYED, TO_CLIENT, TO_SERVER, TO_CLIENT];
    let sames = [COMPARED, 0, ANSWER, 1, TO_SERVER, TO_CLIENT, TO_CLIENT, TO_SERVER];
    let whole = |scene: u8, steps: &[u8]| [&[scene, 0], steps].concat();
    vec![
        whole(0, &[&code[..], &sames].concat()),
        whole(
            0,
            &[&[QUEUED, TO_CLIENT][..], &code, &[ANSWER, 1, TO_CLIENT, COMPARED, 0, TO_SERVER, TO_CLIENT]].concat(),
        ),
        whole(0, &[&code[..], &[ANSWER, 9, TO_CLIENT]].concat()),
        whole(0, &[&code[..], &[COMPARED, 1, TO_SERVER]].concat()),
        whole(0, &[&code[..], &[WAIT, 130]].concat()),
        whole(2, &[&code[..], &sames].concat()),
        whole(12, &[DISPLAYED, TO_CLIENT, ANSWER, 0, TO_CLIENT, TO_SERVER]),
        whole(16, &[DISPLAYED, TO_CLIENT, ANSWER, 2, TO_CLIENT, TO_SERVER]),
        whole(192, &[DISPLAYED, TO_CLIENT, ANSWER, 16, VOUCH, TO_CLIENT, TO_SERVER]),
        whole(192, &[DISPLAYED, TO_CLIENT, ANSWER, 16, TO_CLIENT, TO_SERVER]),
        whole(192, &[DISPLAYED, TO_CLIENT, ANSWER, 0, TO_CLIENT, TO_SERVER]),
        whole(32, &[DISPLAYED, TO_CLIENT, TO_SERVER]),
        whole(0, &[REFUSE, 3, TO_CLIENT]),
        whole(0, &[WITHDRAW, TO_SERVER]),
        // Confirmations that nobody gave: made up, one's own sent back, a nonce, the commitment.
        whole(0, &[&code[..], &[COMPARED, 0, SAY_TO_CLIENT, 5, 9, 0, SAY_TO_CLIENT, 6, 0, 0, 0]].concat()),
        whole(0, &[&code[..], &[COMPARED, 0, REPEAT, 0, SAY_TO_CLIENT, 5, 131, 0, SAY_TO_CLIENT, 6, 0, 0, 0]].concat()),
        whole(0, &[&code[..], &[SAY_TO_SERVER, 5, 128, 0, ANSWER, 1, SAY_TO_SERVER, 7, 0, 0, 0]].concat()),
        whole(0, &[&code[..], &[ANSWER, 1, REPEAT, 1, SAY_TO_SERVER, 5, 131, 0, SAY_TO_SERVER, 7, 0, 0, 0]].concat()),
        // Yes without having compared; a code waived that was not to be waived; words out of order.
        whole(0, &[&code[..], &[ANSWER, 0, COMPARED, 0, TO_SERVER, TO_CLIENT]].concat()),
        whole(0, &[SAY_TO_CLIENT, 4, 0, 0, SAY_TO_CLIENT, 6, 0, 0, 0]),
        whole(16, &[DISPLAYED, TO_CLIENT, ANSWER, 0, TO_CLIENT, TO_SERVER]),
        whole(0, &[SAY_TO_CLIENT, 6, 0, 0, 0, SAY_TO_SERVER, 7, 0, 0, 0]),
        [&[0, 5][..], b"hello", &[DISPLAYED, SAY_TO_SERVER, 2, 0x51, 0]].concat(),
    ]
}
