//! Grants of files: so many bytes, until a moment, in one network; used without a question, never twice, and over at once
//! when they are taken back.

use crate::{
    lab::{Agent, Seat, in_touch, pair, paired, start, two, yes},
    transfers::{done, dropped, is, names, row, send},
};
use hither_engine::{Cost, Network};
use hither_model::{
    Answer, Ask, ErrorCode, News, TransferId, TransferState,
    ask::{GrantAsk, TrustChoice},
    row::{Allows, GrantOver, GrantRow, GrantTerms, QuestionRow},
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{SystemTime, UNIX_EPOCH},
};

pub(crate) fn unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn files(bytes: u64) -> GrantTerms {
    GrantTerms { allows: Allows::Files { bytes: Some(bytes), to: None }, until: None, here: false }
}

fn give(to: &Agent, terms: GrantTerms) -> Ask {
    Ask::Grant(GrantAsk::Give { peer: to.peer.to_string(), terms })
}

/// `from` gives `to` a grant.
pub(crate) async fn given(from: &Agent, to: &Agent, terms: GrantTerms) -> GrantRow {
    let Answer::Grants { mut rows } = from.ask(give(to, terms)).await else { panic!("no grant") };
    rows.remove(0)
}

pub(crate) async fn grants(agent: &Agent) -> Vec<GrantRow> {
    let Answer::Grants { rows } = agent.ask(Ask::Grant(GrantAsk::List)).await else { panic!("no list") };
    rows
}

pub(crate) async fn revoke(agent: &Agent, grant: &GrantRow) {
    agent.ask(Ask::Grant(GrantAsk::Revoke { id: grant.grant.to_string() })).await;
}

/// What the history says of grants, newest first.
pub(crate) async fn told(agent: &Agent) -> Vec<String> {
    let ask = Ask::History { peer: None, limit: 50, search: None };
    let Answer::History { rows, .. } = agent.ask(ask).await else { panic!("no history") };
    rows.into_iter().filter(|row| row.what == "grant").map(|row| row.detail).collect()
}

/// Waits until a grant is as wanted.
pub(crate) async fn becomes(agent: &mut Agent, what: &str, fits: impl Fn(&GrantRow) -> bool) {
    if grants(agent).await.iter().any(&fits) {
        return;
    }
    agent.hear(what, |n| matches!(n, News::Grant { row } if fits(row)).then_some(())).await;
}

/// Sends so many bytes under a name, without waiting for anything.
async fn sends(from: &Agent, to: &Agent, name: &str, len: usize) -> TransferId {
    send(from, to, from.file(name, 5, len)).await
}

fn network(uuid: &str, addresses: &[(&str, u8)]) -> Network {
    let addresses = addresses.iter().map(|(ip, prefix)| (ip.parse().unwrap(), *prefix)).collect();
    Network { uuid: uuid.into(), name: format!("The {uuid}"), private: true, cost: Cost::Free, addresses }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f15_what_a_grant_covers_comes_without_a_question_and_what_it_does_not_is_asked_about() {
    let (mut ana, mut bo) = paired("granted").await;
    let grant = given(&bo, &ana, files(3_000_000)).await;
    assert_eq!((grant.used, grant.usable, grant.over), (0, true, None));
    bo.forget_news();
    let program = ana.file("one", 7, 1_000_000);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let first = send(&ana, &bo, program).await;
    done(&mut bo, first).await;
    let mode = fs::metadata(bo.inbox().join("one")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0, "a grant never keeps the executable bit");
    becomes(&mut bo, "a third is used", |row| row.used == 1_000_000 && row.usable).await;
    assert!(!bo.was_asked());
    let large = sends(&ana, &bo, "large", 2_000_001).await;
    let question = bo.offer().await;
    assert_eq!(question.transfer, Some(large), "a byte too much");
    let rest = sends(&ana, &bo, "rest", 2_000_000).await;
    done(&mut bo, rest).await;
    done(&mut ana, rest).await;
    becomes(&mut bo, "all is used", |row| row.over == Some(GrantOver::Used) && row.used == 3_000_000).await;
    let more = sends(&ana, &bo, "more", 1).await;
    assert_eq!(bo.offer().await.transfer, Some(more));
    let (history, id) = (told(&bo).await, grant.grant.short());
    let expected = [
        format!("used the grant {id}: sends rest, 2000000 bytes"),
        format!("used the grant {id}: sends one, 1000000 bytes"),
        format!("was given the grant {id}: send up to 3000000 bytes into the inbox"),
    ];
    assert_eq!(history, expected);
    assert_eq!(names(&bo.stop().await.settings.inbox), ["one", "rest"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_names_its_folder_and_an_empty_file_is_not_for_nothing() {
    let (ana, mut bo) = paired("folder").await;
    let to = bo.seat.dir.path().join("from ana");
    let allows = Allows::Files { bytes: Some(8_192), to: Some(to.clone()) };
    given(&bo, &ana, GrantTerms { allows, ..files(1) }).await;
    for name in ["a", "b"] {
        let id = sends(&ana, &bo, name, 0).await;
        done(&mut bo, id).await;
    }
    sends(&ana, &bo, "c", 0).await;
    bo.offer().await;
    let relative = Allows::Files { bytes: None, to: Some("here".into()) };
    assert_eq!(bo.refused(give(&ana, GrantTerms { allows: relative, ..files(1) })).await, ErrorCode::Misuse);
    assert_eq!(bo.refused(give(&ana, files(0))).await, ErrorCode::Misuse);
    assert_eq!(bo.refused(give(&ana, GrantTerms { until: Some(unix()), ..files(1) })).await, ErrorCode::Misuse);
    let _seat = bo.stop().await;
    assert_eq!(names(&to), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_for_this_network_is_good_in_no_other_and_only_for_whoever_is_in_it_too() {
    let (ana, mut bo) = paired("place").await;
    let here = GrantTerms { here: true, ..files(1_000_000) };
    let failure = bo.try_ask(give(&ana, here.clone())).await.unwrap_err();
    assert!(failure.message.contains("not known which network"), "{failure}");
    let home = network("home", &[("127.0.0.1", 8), ("::1", 128)]);
    let office = network("office", &[("192.0.2.1", 24)]);
    bo.handle.networks_are(vec![office.clone(), home.clone()]).await;
    let grant = given(&bo, &ana, here).await;
    assert_eq!((grant.network.as_deref(), grant.usable), (Some("The home"), true), "where they are together");
    let first = sends(&ana, &bo, "first", 10).await;
    done(&mut bo, first).await;
    bo.handle.networks_are(vec![office]).await;
    assert!(!grants(&bo).await[0].usable);
    let second = sends(&ana, &bo, "second", 10).await;
    assert_eq!(bo.offer().await.transfer, Some(second));
    // This machine is in it, but the other one comes from elsewhere.
    bo.handle.networks_are(vec![network("home", &[("192.0.2.1", 24)])]).await;
    let third = sends(&ana, &bo, "third", 10).await;
    assert_eq!(bo.offer().await.transfer, Some(third));
    bo.handle.networks_are(vec![home]).await;
    let fourth = sends(&ana, &bo, "fourth", 10).await;
    done(&mut bo, fourth).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n6_a_grant_is_over_when_its_time_is() {
    let (ana, mut bo) = paired("expiry").await;
    given(&bo, &ana, GrantTerms { until: Some(unix() + 2), ..files(1_000_000) }).await;
    becomes(&mut bo, "it expires", |row| row.over == Some(GrantOver::Expired) && !row.usable).await;
    let late = sends(&ana, &bo, "late", 10).await;
    assert_eq!(bo.offer().await.transfer, Some(late));
    assert!(told(&bo).await[0].ends_with("no more: its time is over"));
    let mut bo = bo.again().await;
    bo.hear("it is offered again", |n| matches!(n, News::Question { .. }).then_some(())).await;
    assert_eq!(grants(&bo).await[0].over, Some(GrantOver::Expired));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_what_came_by_a_grant_ends_with_it_in_the_middle() {
    let (mut ana, mut bo) = paired("revoked").await;
    let grant = given(&bo, &ana, files(1 << 30)).await;
    let other = given(&bo, &ana, files(2 << 30)).await;
    let path = ana.seat.dir.path().join("film");
    fs::File::create(&path).unwrap().set_len(512 << 20).unwrap();
    let id = send(&ana, &bo, path).await;
    is(&mut bo, id, TransferState::Moving).await;
    let used = |rows: Vec<GrantRow>| rows.into_iter().find(|row| row.grant == grant.grant).map(|row| row.used);
    assert_eq!(used(grants(&bo).await), Some(512 << 20), "of the one with less left, and reserved");
    revoke(&bo, &grant).await;
    assert_eq!(dropped(&mut bo, id).await, ErrorCode::Withdrawn);
    assert_eq!(dropped(&mut ana, id).await, ErrorCode::Withdrawn);
    becomes(&mut bo, "it is over", |row| row.over == Some(GrantOver::Revoked) && row.used == 0).await;
    let again = Ask::Grant(GrantAsk::Revoke { id: grant.grant.to_string() });
    assert_eq!(bo.refused(again).await, ErrorCode::Stale);
    bo.forget_news();
    let small = sends(&ana, &bo, "small", 10).await;
    done(&mut bo, small).await;
    revoke(&bo, &other).await;
    sends(&ana, &bo, "smaller", 10).await;
    bo.offer().await;
    assert_eq!(names(&bo.stop().await.settings.inbox), ["small"], "nothing is left of what was not whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_what_was_used_is_used_in_the_next_life_too() {
    let (mut ana, bo) = paired("lives").await;
    given(&bo, &ana, files(1_000_000)).await;
    let mut bo = bo.again().await;
    in_touch(&mut ana, &mut bo).await;
    let first = sends(&ana, &bo, "first", 600_000).await;
    done(&mut bo, first).await;
    let mut bo = bo.again().await;
    in_touch(&mut ana, &mut bo).await;
    assert_eq!(grants(&bo).await[0].used, 600_000);
    bo.forget_news();
    let second = sends(&ana, &bo, "second", 600_000).await;
    assert_eq!(bo.offer().await.transfer, Some(second));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n5_a_file_of_grants_of_a_later_version_stops_the_start_and_stays_as_it_is() {
    let (ana, bo) = paired("later").await;
    given(&bo, &ana, files(1)).await;
    let seat = bo.stop().await;
    let path = seat.dir.path().join("grants");
    let later = fs::read_to_string(&path).unwrap().replacen("hither grants 1 ", "hither grants 2 ", 1);
    fs::write(&path, &later).unwrap();
    let Err((_seat, failure)) = seat.try_start().await else { panic!("it started") };
    assert_eq!(failure.code, ErrorCode::StorageFailed);
    assert!(failure.message.contains("version of hither"), "{failure}");
    assert_eq!(fs::read_to_string(&path).unwrap(), later);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_blocked_or_forgotten_has_no_grant_any_more() {
    for (case, to, left) in [("blocked", TrustChoice::Blocked, 1), ("forgotten", TrustChoice::Forget, 0)] {
        let (ana, bo) = paired(case).await;
        given(&bo, &ana, files(1_000)).await;
        bo.ask(Ask::TrustSet { peer: ana.peer.to_string(), to }).await;
        let rows = grants(&bo).await;
        assert_eq!(rows.len(), left, "{case}");
        assert!(rows.iter().all(|row| row.over == Some(GrantOver::Revoked) && !row.usable));
        assert_eq!(grants(&bo.again().await).await.len(), left, "{case}");
    }
}

/// A yes with a grant.
fn with(question: &QuestionRow, grant: GrantTerms, compared: bool) -> Ask {
    let Ask::Accept { question: id, always, to, executable, identity, .. } = yes(question) else { unreachable!() };
    let (same_code, unverified) = (compared, !compared);
    Ask::Accept { question: id, always, same_code, unverified, to, executable, identity, grant: Some(grant) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_given_with_the_yes_to_an_invite_holds_in_the_session_that_follows() {
    let (mut ana, mut bo) = two("sheet").await;
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let question = bo.question().await;
    ana.code().await;
    assert_eq!(bo.refused(with(&question, files(1_000), false)).await, ErrorCode::AccessDenied, "without comparing");
    assert_eq!(bo.refused(with(&question, files(0), true)).await, ErrorCode::Misuse);
    bo.ask(with(&question, files(1_000_000), true)).await;
    ana.ask(Ask::ConfirmCode { invite, same: true }).await;
    ana.accepted().await;
    bo.accepted().await;
    becomes(&mut bo, "it is given", |row| row.usable).await;
    bo.forget_news();
    let first = sends(&ana, &bo, "first", 1_000).await;
    done(&mut bo, first).await;
    assert!(!bo.was_asked());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_given_with_the_yes_to_files_is_for_those_that_follow() {
    let (ana, mut bo) = paired("more").await;
    let first = sends(&ana, &bo, "first", 1_000_000).await;
    let question = bo.offer().await;
    bo.ask(with(&question, files(5_000), true)).await;
    done(&mut bo, first).await;
    assert_eq!(grants(&bo).await[0].used, 0, "that one had its own yes");
    let second = sends(&ana, &bo, "second", 5_000).await;
    done(&mut bo, second).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_a_grant_goes_with_the_device_to_its_next_key_and_to_no_other() {
    let (mut ana, mut bo) = paired("next key").await;
    given(&bo, &ana, files(1_000_000)).await;
    ana.ask(Ask::RotateKey { now: false }).await;
    in_touch(&mut ana, &mut bo).await;
    ana.ask(Ask::RotateKey { now: true }).await;
    bo.closed().await;
    let mut ana = ana.again().await;
    bo.forget_news();
    ana.sees(&bo.name).await;
    ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    bo.ask(yes(&question)).await;
    ana.accepted().await;
    bo.accepted().await;
    assert_eq!(grants(&bo).await[0].peer, ana.peer);
    let id = sends(&ana, &bo, "file", 1_000).await;
    done(&mut bo, id).await;
    // The same name under a key that nobody signed for has nothing.
    let mut other: Agent = Seat::new("Ana next key").start().await;
    pair(&mut other, &mut bo).await;
    in_touch(&mut other, &mut bo).await;
    let id = sends(&other, &bo, "file", 1_000).await;
    assert_eq!(bo.offer().await.transfer, Some(id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_device_that_was_verified_is_given_a_grant() {
    let (mut ana, mut bo) = two("unverified").await;
    ana.sees(&bo.name).await;
    ana.invite_with(&bo.name, None, true).await;
    let question = bo.question().await;
    let Ask::Accept { question: id, to, identity, .. } = yes(&question) else { unreachable!() };
    let (always, same_code, unverified, executable) = (false, false, true, false);
    bo.ask(Ask::Accept { question: id, always, same_code, unverified, to, executable, identity, grant: None }).await;
    ana.accepted().await;
    bo.accepted().await;
    assert_eq!(bo.refused(give(&ana, files(1_000))).await, ErrorCode::AccessDenied);
    let cy = start("Cy unverified").await;
    assert_eq!(bo.refused(give(&cy, files(1_000))).await, ErrorCode::UnknownId, "and nobody who was never met");
    sends(&ana, &bo, "file", 10).await;
    let question = bo.offer().await;
    assert_eq!(bo.refused(with(&question, files(1), true)).await, ErrorCode::AccessDenied);
    assert_eq!(row(&bo, question.transfer.unwrap()).await.state, TransferState::Offered, "and the question stands");
}
