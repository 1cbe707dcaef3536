//! The numbers at the end of docs/wire.md, as the machines say them: whoever writes another implementation relies on
//! them, and a change of any formula shows here.

use super::{Machine, binding, peer};
use data_encoding::HEXLOWER;
use hither_model::{InviteId, ask::LinkText};
use hither_protocol::{
    Effect, Frame, Hello, InviteAsk, InviteUrl, Invitee, InviteeSide, Inviter, LinkHost, LinkLedger, LinkOpener,
    LinkToken, Reply, Step, known_rid, pair_key, rendezvous, session_id,
};
use std::collections::BTreeMap;

const EPOCH: u32 = 2_000_000;
const EXPIRES: u32 = 2_000_000_000;
const TOKEN: [u8; 16] = [5; 16];

/// What the page says, by name.
fn told() -> BTreeMap<String, String> {
    let page = include_str!("../../../docs/wire.md");
    let (_, section) = page.split_once("## 13. Numbers to test with").expect("the section is there");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    rows.filter(|(name, _)| *name != "value")
        .map(|(name, value)| (name.to_owned(), value.trim_matches('`').to_owned()))
        .collect()
}

/// Makes a step and says what came of it.
fn go<M>(machine: &mut Option<M>, step: Step<M>) -> Vec<Effect> {
    *machine = step.next;
    step.effects
}

fn sent(effects: &[Effect]) -> Vec<Frame> {
    effects.iter().filter_map(|e| if let Effect::Send(frame) = e { Some(frame.clone()) } else { None }).collect()
}

fn hear<M: Machine>(machine: &mut Option<M>, frames: &[Frame]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for frame in frames {
        let step = machine.take().expect("it runs").heard(1, frame.clone());
        effects.extend(go(machine, step));
    }
    effects
}

fn of_a_code(found: &mut BTreeMap<String, String>) {
    let ask = InviteAsk {
        invite: InviteId::new([7; 16]),
        name: None,
        message: None,
        known: false,
        unverified: false,
        codes: true,
        certified: None,
        codeless: false,
    };
    let (mut client, mut server) = (None, None);
    let opened = go(&mut client, Inviter::start(0, binding(1, 10, 20), ask, [0xc1; 32], 60_000));
    let Some(Effect::Open(Hello::Invite(invite))) = opened.first() else { panic!("no hello") };
    let me = InviteeSide { name: None, known: false, codeless: false };
    go(&mut server, Invitee::start(0, binding(1, 10, 20), invite.clone(), me));
    let step = server.take().map(|machine: Invitee| machine.displayed(0, [0x51; 32]));
    let commit = sent(&go(&mut server, step.expect("it runs")));
    let [Frame::Commit { c }] = commit.as_slice() else { panic!("no commitment") };
    found.insert("c".into(), c.to_string());
    let nonce_c = sent(&hear(&mut client, &commit));
    let nonce_s = sent(&hear(&mut server, &nonce_c));
    let shown = hear(&mut client, &nonce_s);
    let Some(Effect::ShowCode(code)) = shown.first() else { panic!("no code") };
    found.insert("code".into(), code.to_string());
    let step = client.take().map(|machine: Inviter| machine.confirm_code(1, true));
    let ours = sent(&go(&mut client, step.expect("it runs")));
    let step = server.take().map(|machine| machine.answer(1, Reply::Yes { same_code: true, unverified: false }));
    let theirs = sent(&go(&mut server, step.expect("it runs")));
    for (name, frames) in [("`confirm` of the dialler", &ours), ("`confirm` of the listener", &theirs)] {
        let [Frame::Confirm { mac }] = frames.as_slice() else { panic!("no confirmation") };
        found.insert(name.into(), mac.to_string());
    }
    let accepted = sent(&hear(&mut server, &ours));
    let done = hear(&mut client, &[theirs, accepted].concat());
    let Some(Effect::Admit(admission)) = done.last() else { panic!("not admitted") };
    let key = admission.pair_key().expect("a code gives a key");
    found.insert("P".into(), HEXLOWER.encode(key.as_bytes()));
    found.insert("session id".into(), admission.session().to_string());
    assert_eq!(admission.session(), session_id(&[1; 32]));
    found.insert("tag in the listener's advert".into(), HEXLOWER.encode(&rendezvous::tag(key, EPOCH, &peer(20))));
    found.insert("rendezvous id of the listener".into(), known_rid(key, EPOCH, &peer(20)).to_string());
    let resume = pair_key(&[2; 32], &binding(2, 10, 20).x());
    found.insert("R".into(), HEXLOWER.encode(resume.as_bytes()));
}

fn of_a_link(found: &mut BTreeMap<String, String>) {
    let hint = "192.168.1.20:7777".parse().expect("an address");
    let url = InviteUrl::new(peer(20), LinkToken::new(TOKEN), EXPIRES, &[hint]);
    let LinkText(text) = url.text();
    found.insert("the link, with the hint 192.168.1.20:7777".into(), text);
    found.insert("rendezvous id of the link".into(), url.keys().rid.to_string());
    let (mut client, mut server) = (None, None);
    let invite = InviteId::new([7; 16]);
    let opened = go(&mut client, LinkOpener::start(0, binding(1, 10, 20), &url, invite, (None, None), 60_000));
    let Some(Effect::Open(Hello::Link(hello))) = opened.first() else { panic!("no hello") };
    found.insert("proof in `link`".into(), hello.proof.to_string());
    let mut ledger = LinkLedger::default();
    ledger.make(0, invite, LinkToken::new(TOKEN), 60, 1).expect("the link is made");
    let step = LinkHost::start(0, 0, binding(1, 10, 20), hello.clone(), invite, None, &mut ledger);
    let proof = sent(&go(&mut server, step));
    let [Frame::LinkProof { proof }] = proof.as_slice() else { panic!("no proof") };
    found.insert("proof in `link-proof`".into(), proof.to_string());
}

#[test]
fn the_numbers_of_the_page_come_out() {
    let mut found = BTreeMap::new();
    of_a_code(&mut found);
    of_a_link(&mut found);
    assert_eq!(found, told());
}
