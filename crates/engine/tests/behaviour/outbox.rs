//! What is put into the outbox: it waits for devices that are away, goes when they come, and is kept through everything.

use crate::{
    lab::{Agent, no, pair, paired, part, start, yes},
    transfers::{is, names},
};
use hither_engine::{Cost, Network};
use hither_model::{
    Answer, Ask, CostPolicy, ErrorCode, News, OutboxId, OutboxState, Priority, TransferState, WaitsFor,
    ask::OutboxAsk,
    row::{GroupRow, HistoryRow, OutboxRow, QuestionKind, QuestionRow},
};
use std::{fs, path::PathBuf};

pub(crate) fn post(to: &[&Agent], path: PathBuf) -> OutboxAsk {
    OutboxAsk::Post {
        to: to.iter().map(|agent| agent.peer.to_string()).collect(),
        paths: vec![path],
        seconds: None,
        priority: None,
        cost: None,
        group: None,
    }
}

pub(crate) async fn rows(agent: &Agent, ask: OutboxAsk) -> Vec<OutboxRow> {
    let Answer::Outbox { rows, .. } = agent.ask(Ask::Outbox(ask)).await else { panic!("no rows") };
    rows
}

async fn groups(agent: &Agent, ask: OutboxAsk) -> Vec<GroupRow> {
    let Answer::Outbox { groups, .. } = agent.ask(Ask::Outbox(ask)).await else { panic!("no groups") };
    groups
}

async fn posted(agent: &Agent, to: &Agent, path: PathBuf) -> OutboxId {
    rows(agent, post(&[to], path)).await[0].entry
}

fn held(entry: OutboxId, back: bool) -> OutboxAsk {
    OutboxAsk::Change { entry: entry.to_string(), priority: None, cost: None, seconds: None, held: Some(back) }
}

/// Waits until an entry is as wanted, and gives its row.
pub(crate) async fn becomes(
    agent: &mut Agent,
    id: OutboxId,
    what: &str,
    fits: impl Fn(&OutboxRow) -> bool,
) -> OutboxRow {
    if let Some(row) = rows(agent, OutboxAsk::List).await.into_iter().find(|row| row.entry == id && fits(row)) {
        return row;
    }
    agent
        .hear(what, |news| match news {
            News::Outbox { entry } if entry.entry == id && fits(entry) => Some(entry.clone()),
            _ => None,
        })
        .await
}

pub(crate) async fn stands(agent: &mut Agent, id: OutboxId, state: OutboxState) -> OutboxRow {
    becomes(agent, id, state.word(), |row| row.state == state).await
}

async fn waits(agent: &mut Agent, id: OutboxId, what: WaitsFor) -> OutboxRow {
    becomes(agent, id, what.word(), |row| row.waits == Some(what)).await
}

async fn history(agent: &Agent) -> Vec<HistoryRow> {
    let Answer::History { rows, .. } = agent.ask(Ask::History { peer: None, limit: 100, search: None }).await else {
        panic!("no history")
    };
    rows
}

/// The next invite.
async fn invite(agent: &mut Agent) -> QuestionRow {
    agent
        .hear("an invite", |news| match news {
            News::Question { question } if question.kind == QuestionKind::Invite => Some(question.clone()),
            _ => None,
        })
        .await
}

/// Two agents that met, and have no session now.
async fn met(case: &str) -> (Agent, Agent) {
    let (mut ana, mut bo) = paired(case).await;
    part(&mut ana, &mut bo).await;
    ana.forget_news();
    bo.forget_news();
    (ana, bo)
}

fn network(cost: Cost) -> Vec<Network> {
    let addresses = vec![("192.0.2.1".parse().unwrap(), 24)];
    vec![Network { uuid: "lan".into(), name: "lan".into(), private: true, cost, addresses }]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_device_goes_when_it_comes_and_one_invite_is_enough_for_all() {
    let (mut ana, bo) = met("comes").await;
    let bo_id = bo.peer;
    let (one, two) = (ana.file("letter", 7, 200_000), ana.file("photo", 8, 300_000));
    let (to, seat) = (bo.peer, bo.stop().await);
    let ask = |path: PathBuf| OutboxAsk::Post {
        to: vec![to.to_string()],
        paths: vec![path],
        seconds: None,
        priority: None,
        cost: None,
        group: None,
    };
    let first = rows(&ana, ask(one)).await.remove(0);
    let second = rows(&ana, ask(two)).await.remove(0).entry;
    assert_eq!((first.state, first.title.as_str(), first.peer), (OutboxState::Waiting, "letter", bo_id));
    waits(&mut ana, first.entry, WaitsFor::Device).await;
    let mut bo = seat.start().await;
    let question = invite(&mut bo).await;
    assert_eq!(question.message.as_deref(), Some("to send you: letter, and 1 more"));
    assert_eq!(question.code, None, "they know each other");
    waits(&mut ana, second, WaitsFor::Person).await;
    bo.ask(yes(&question)).await;
    for _ in 0..2 {
        let offer = bo.offer().await;
        bo.ask(yes(&offer)).await;
    }
    for id in [first.entry, second] {
        let row = stands(&mut ana, id, OutboxState::Sent).await;
        is(&mut bo, row.transfer.unwrap(), TransferState::Kept).await;
    }
    assert_eq!(fs::read(bo.inbox().join("letter")).unwrap(), vec![7; 200_000]);
    assert_eq!(fs::read(bo.inbox().join("photo")).unwrap(), vec![8; 300_000]);
    assert!(!bo.has_heard(|n| matches!(n, News::Question { .. })), "and nothing more was asked");
    assert_eq!(rows(&ana, OutboxAsk::Tidy).await.len(), 2);
    assert!(rows(&ana, OutboxAsk::List).await.is_empty());
    let ana = ana.stop().await;
    assert!(names(&ana.dir.path().join("outgoing")).is_empty(), "no list is left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_invite_is_not_repeated_until_the_person_says_so() {
    let (mut ana, mut bo) = met("declined").await;
    let file = ana.file("letter", 7, 1_000);
    let id = posted(&ana, &bo, file).await;
    let question = invite(&mut bo).await;
    bo.ask(no(&question)).await;
    waits(&mut ana, id, WaitsFor::Word).await;
    let mut ana = ana.again().await;
    waits(&mut ana, id, WaitsFor::Word).await;
    assert!(!bo.was_asked());
    // Whoever said no is not asked by the same device for a while, or until the agent there starts again.
    let mut bo = bo.again().await;
    ana.sees(&bo.name).await;
    rows(&ana, held(id, false)).await;
    let question = invite(&mut bo).await;
    bo.ask(yes(&question)).await;
    let offer = bo.offer().await;
    bo.ask(no(&offer)).await;
    let row = stands(&mut ana, id, OutboxState::Failed).await;
    assert!(row.why.unwrap().contains("declined"), "an offer that is declined has failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_10_what_waits_and_what_moves_is_there_after_every_restart() {
    let (ana, bo) = met("r6_10").await;
    let file = ana.file("film", 3, 48 << 20);
    let ask = post(&[&bo], file);
    let bo = bo.stop().await;
    let id = rows(&ana, ask).await[0].entry;
    let mut ana = ana.again().await.again().await;
    waits(&mut ana, id, WaitsFor::Device).await;
    let mut bo = bo.start().await;
    let question = invite(&mut bo).await;
    bo.ask(yes(&question)).await;
    let mut offer = bo.offer().await;
    ana = ana.again().await;
    // The offer is the same one; it is asked about again if the connection was lost before.
    while let Some(again) = bo.open_questions().await.into_iter().find(|q| q.kind == QuestionKind::Transfer) {
        offer = again;
        if bo.try_ask(yes(&offer)).await.is_ok() {
            break;
        }
    }
    let transfer = offer.transfer.unwrap();
    is(&mut bo, transfer, TransferState::Moving).await;
    ana = ana.again().await;
    let row = stands(&mut ana, id, OutboxState::Sent).await;
    assert_eq!(row.transfer, Some(transfer), "the same transfer all the while");
    is(&mut bo, transfer, TransferState::Kept).await;
    assert_eq!(fs::metadata(bo.inbox().join("film")).unwrap().len(), 48 << 20);
    assert_eq!(names(&bo.stop().await.settings.inbox), ["film"], "and it came once");
    let ana = ana.again().await;
    assert_eq!(rows(&ana, OutboxAsk::List).await[0].state, OutboxState::Sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_14_a_network_that_costs_too_much_pauses_what_moves_until_it_does_not() {
    let (mut ana, mut bo) = paired("r6_14").await;
    let file = ana.file("film", 3, 96 << 20);
    let id = posted(&ana, &bo, file).await;
    let offer = bo.offer().await;
    let transfer = offer.transfer.unwrap();
    bo.ask(yes(&offer)).await;
    is(&mut ana, transfer, TransferState::Moving).await;
    ana.handle.networks_are(network(Cost::Dear)).await;
    let why = |n: &News| match n {
        News::Transfer { transfer } if transfer.state == TransferState::Paused => transfer.why.clone(),
        _ => None,
    };
    assert_eq!(ana.hear("it is paused", why).await, "costed network");
    let other = ana.file("other", 3, 10);
    let other = posted(&ana, &bo, other).await;
    waits(&mut ana, other, WaitsFor::Unmetered).await;
    let always = OutboxAsk::Change {
        entry: other.to_string(),
        priority: None,
        cost: Some(CostPolicy::Always),
        seconds: None,
        held: None,
    };
    assert_eq!(rows(&ana, always).await[0].cost, CostPolicy::Always);
    bo.offer().await;
    ana.handle.networks_are(network(Cost::Metered)).await;
    stands(&mut ana, id, OutboxState::Sent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_15_a_serial_group_and_a_priority_say_who_goes_first() {
    let (mut ana, mut bo) = met("r6_15").await;
    let group = OutboxAsk::Group { group: "rows".into(), serial: true };
    assert!(groups(&ana, group.clone()).await[0].serial);
    assert_eq!(groups(&ana, group).await.len(), 1, "making it again gives the one there is");
    let mut ids = vec![];
    for (name, priority) in [("first", Priority::Low), ("second", Priority::Default), ("third", Priority::High)] {
        let path = ana.file(name, 1, 1_000);
        let ask = OutboxAsk::Post {
            to: vec![bo.peer.to_string()],
            paths: vec![path],
            seconds: None,
            priority: Some(priority),
            cost: None,
            group: Some("rows".into()),
        };
        ids.push(rows(&ana, ask).await[0].entry);
    }
    let question = invite(&mut bo).await;
    bo.ask(yes(&question)).await;
    for name in ["third", "second", "first"] {
        let offer = bo.offer().await;
        assert_eq!(offer.names, [name]);
        assert_eq!(bo.open_questions().await.len(), 1, "one at a time");
        bo.ask(yes(&offer)).await;
    }
    for id in ids {
        stands(&mut ana, id, OutboxState::Sent).await;
    }
    assert_eq!(groups(&ana, OutboxAsk::Ungroup { group: "rows".into() }).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_16_the_same_for_the_same_device_is_refused_and_so_is_who_was_never_met() {
    let (ana, bo) = met("r6_16").await;
    let file = ana.file("once", 1, 1_000);
    posted(&ana, &bo, file.clone()).await;
    assert_eq!(ana.refused(Ask::Outbox(post(&[&bo], file.clone()))).await, ErrorCode::Busy);
    let mut ana = ana;
    let eve = start("Eve r6_16").await;
    ana.sees(&eve.name).await;
    let to = |name: &str| OutboxAsk::Post {
        to: vec![name.into()],
        paths: vec![file.clone()],
        seconds: None,
        priority: None,
        cost: None,
        group: None,
    };
    let failure = ana.try_ask(Ask::Outbox(to(&eve.name))).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::UnknownId);
    assert!(failure.message.contains("never met") && failure.hint.unwrap().contains("invite"));
    assert_eq!(ana.refused(Ask::Outbox(to("nobody"))).await, ErrorCode::UnknownId);
    let gone = ana.seat.dir.path().join("not there");
    assert_eq!(ana.refused(Ask::Outbox(post(&[&bo], gone))).await, ErrorCode::Misuse);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r6_18_one_post_to_three_is_one_batch_and_its_end_is_noted_once() {
    let mut ana = start("Ana r6_18").await;
    let mut others = vec![];
    for name in ["Bo r6_18", "Cy r6_18", "Di r6_18"] {
        let mut other = start(name).await;
        pair(&mut ana, &mut other).await;
        others.push(other);
    }
    let file = ana.file("slides", 5, 3 << 20);
    let to: Vec<&Agent> = others.iter().collect();
    let all = rows(&ana, post(&to, file)).await;
    assert_eq!(all.len(), 3);
    for (n, other) in others.iter_mut().enumerate() {
        let offer = other.offer().await;
        other.ask(if n == 2 { no(&offer) } else { yes(&offer) }).await;
    }
    for row in &all {
        let refused = row.peer == others[2].peer;
        stands(&mut ana, row.entry, if refused { OutboxState::Failed } else { OutboxState::Sent }).await;
    }
    for other in &others[..2] {
        assert_eq!(fs::read(other.inbox().join("slides")).unwrap(), vec![5; 3 << 20]);
    }
    let noted = || async {
        let rows = history(&ana).await;
        rows.into_iter()
            .filter(|row| row.what == "outbox" && row.detail.contains("sent to"))
            .map(|row| row.detail)
            .collect()
    };
    let lines: Vec<String> = noted().await;
    assert_eq!(lines, ["slides: sent to 2 of 3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_or_vanished_meanwhile_fails_and_says_so_and_go_sends_what_is_there_now() {
    let (mut ana, mut bo) = met("changed").await;
    let (changed, gone) = (ana.file("changed", 1, 1_000), ana.file("gone", 1, 1_000));
    let (changed_id, gone_id) = (posted(&ana, &bo, changed.clone()).await, posted(&ana, &bo, gone.clone()).await);
    fs::write(&changed, "another content").unwrap();
    fs::remove_file(&gone).unwrap();
    let question = invite(&mut bo).await;
    bo.ask(yes(&question)).await;
    let row = stands(&mut ana, changed_id, OutboxState::Failed).await;
    assert!(row.why.unwrap().contains("changed"));
    let row = stands(&mut ana, gone_id, OutboxState::Failed).await;
    assert!(row.why.unwrap().contains("not there any more"));
    assert!(bo.open_questions().await.is_empty(), "nothing of it was offered");
    rows(&ana, held(changed_id, false)).await;
    let offer = bo.offer().await;
    bo.ask(yes(&offer)).await;
    stands(&mut ana, changed_id, OutboxState::Sent).await;
    is(&mut bo, offer.transfer.unwrap(), TransferState::Kept).await;
    assert_eq!(fs::read(bo.inbox().join("changed")).unwrap(), b"another content");
}
