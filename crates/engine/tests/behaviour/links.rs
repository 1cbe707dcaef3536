//! Invite links: good once, worthless afterwards, and silent about why.

use crate::lab::{
    Agent, Seat,
    ear::random,
    in_touch, no,
    outsider::{Outsider, Turn, read, write},
    start, two, yes,
};
use hither_model::{Answer, Ask, ErrorCode, InviteId, Rid, Trust, Verified, ask::LinkText};
use hither_protocol::{Digest, Ending, Frame, Hello, InviteUrl, LinkHello};

async fn link(bo: &Agent, expires: Option<u64>) -> (InviteId, LinkText, InviteUrl) {
    let Answer::Link { invite, url, .. } = bo.ask(Ask::MakeLink { expires, uses: None }).await else {
        panic!("no link")
    };
    let parsed = InviteUrl::parse(&url.0).unwrap();
    (invite, url, parsed)
}

async fn state_of(bo: &Agent, invite: InviteId) -> String {
    let Answer::Links { rows } = bo.ask(Ask::Links).await else { panic!("no links") };
    rows.into_iter().find(|row| row.invite == invite).map(|row| row.state).unwrap()
}

/// What somebody hears who dials with that value: the words of the refusal.
async fn turned_away(port: u16, rid: Rid) -> String {
    Outsider::new().dial(port, rid).await.unwrap_err().to_string()
}

/// Two strangers on one machine: a link holds no loopback address, but who is heard there is tried.
async fn strangers(case: &str) -> (Agent, Agent) {
    let (mut ana, bo) = two(case).await;
    ana.sees(&bo.name).await;
    (ana, bo)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_leads_to_a_verified_session_after_the_persons_yes_and_is_used_up() {
    let (mut ana, mut bo) = strangers("link").await;
    let (invite, text, url) = link(&bo, None).await;
    assert_eq!(state_of(&bo, invite).await, "made");
    ana.ask(Ask::OpenLink { url: text.clone(), identity: None }).await;
    let question = bo.question().await;
    assert_eq!((question.peer, question.proven, &question.code), (ana.peer, Verified::Link, &None));
    assert_eq!(state_of(&bo, invite).await, "proven");
    bo.ask(yes(&question)).await;
    assert_eq!(ana.accepted().await.1, Verified::Link);
    assert_eq!(bo.accepted().await.1, Verified::Link);
    assert_eq!((state_of(&bo, invite).await.as_str(), bo.people().await[0].trust), ("consumed", Trust::Verified));
    in_touch(&mut ana, &mut bo).await;
    turned_away(bo.port, url.keys().rid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_link_that_robots_fetched_is_still_good() {
    let mut bo = start("Bo i1").await;
    let (invite, text, url) = link(&bo, None).await;
    for _ in 0..2 {
        let silent = Outsider::new().dial(bo.port, url.keys().rid).await.unwrap();
        silent.close().await.unwrap();
    }
    // Reading it, even by the engine of somebody who only looks, changes nothing.
    assert_eq!(InviteUrl::parse(&text.0).unwrap().inviter(), bo.peer);
    assert_eq!(state_of(&bo, invite).await, "made");
    assert!(!bo.was_asked());
    let asking = Outsider::new().open(bo.port, &url).await.unwrap();
    let question = bo.question().await;
    bo.ask(yes(&question)).await;
    asking.session().await;
    assert_eq!(bo.accepted().await.1, Verified::Link);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_expired_revoked_used_and_unknown_links_look_alike_and_open_no_dialog() {
    let mut bo = start("Bo i2").await;
    let (used, _, used_url) = link(&bo, None).await;
    let asking = Outsider::new().open(bo.port, &used_url).await.unwrap();
    let question = bo.question().await;
    bo.ask(yes(&question)).await;
    asking.session().await;
    let (revoked, _, revoked_url) = link(&bo, None).await;
    bo.ask(Ask::RevokeLink { invite: revoked.to_string() }).await;
    let (expired, _, expired_url) = link(&bo, Some(1)).await;
    let mut clock = tokio::time::interval(std::time::Duration::from_millis(50));
    while state_of(&bo, expired).await != "expired" {
        clock.tick().await;
    }
    let unknown = turned_away(bo.port, Rid::new(random())).await;
    for (invite, state, url) in
        [(used, "consumed", used_url), (revoked, "revoked", revoked_url), (expired, "expired", expired_url)]
    {
        assert_eq!(state_of(&bo, invite).await, state);
        assert_eq!(turned_away(bo.port, url.keys().rid).await, unknown, "{state}");
    }
    assert!(!bo.was_asked());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_a_link_that_has_just_expired_is_not_answered_either() {
    let bo = start("Bo i2 late").await;
    let (_, _, url) = link(&bo, Some(1)).await;
    // Nobody asks the engine anything in the meantime.
    let past = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(u64::from(url.expires()));
    let mut clock = tokio::time::interval(std::time::Duration::from_millis(50));
    while std::time::SystemTime::now() < past {
        clock.tick().await;
    }
    let unknown = turned_away(bo.port, Rid::new(random())).await;
    let outcome = Outsider::new().dial(bo.port, url.keys().rid).await;
    assert_eq!(outcome.map(|_| "it was let in").map_err(|e| e.to_string()), Err(unknown));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i4_the_opener_stops_before_a_word_when_somebody_else_answers() {
    let mut ana = start("Ana i4").await;
    let bo = start("Bo i4").await;
    let (_, _, url) = link(&bo, None).await;
    let mut mallory = Outsider::new().listen();
    // Whatever way leads there, the key in the link must be at its end.
    let outcome =
        Outsider::new().dial_as(mallory.port, url.keys().rid, hither_socket::Expected::Only(url.inviter())).await;
    assert_eq!(outcome.map(|_| ()).unwrap_err().code(), ErrorCode::IdentityChanged);
    assert!(mallory.arrived.try_recv().is_err(), "nothing was handed over");
    assert!(!ana.was_asked());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_a_refused_opener_of_a_link_is_muted() {
    let mut bo = start("Bo i10 link").await;
    let (_, _, url) = link(&bo, None).await;
    let mallory = Outsider::new();
    let mut asking = mallory.open(bo.port, &url).await.unwrap();
    let question = bo.question().await;
    bo.ask(no(&question)).await;
    assert_eq!(asking.over().await, Ending::Declined);
    let mut again = mallory.open(bo.port, &url).await.unwrap();
    assert_eq!(again.over().await, Ending::Declined);
    assert!(!bo.was_asked());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i12_a_clock_that_was_turned_does_not_bring_a_dead_link_back_nor_stop_new_ones() {
    let bo = start("Bo i12").await;
    let (early, _, early_url) = link(&bo, None).await;
    let (late, _, late_url) = link(&bo, None).await;
    let seat = bo.stop().await;
    // As if the clock stood two days ahead when the first was made and dead, and two days behind for the second.
    rewrite(&seat, |row| {
        if row["invite"] == early.to_string() {
            shift(row, 2 * 86_400);
            row["end"] = "expired".into();
            row["token"] = serde_json::Value::Null;
        } else {
            shift(row, -2 * 86_400);
        }
    });
    let mut bo = seat.start().await;
    assert_eq!((state_of(&bo, early).await.as_str(), state_of(&bo, late).await.as_str()), ("expired", "expired"));
    for url in [early_url, late_url] {
        turned_away(bo.port, url.keys().rid).await;
    }
    let (_, _, fresh) = link(&bo, None).await;
    let asking = Outsider::new().open(bo.port, &fresh).await.unwrap();
    let question = bo.question().await;
    bo.ask(yes(&question)).await;
    asking.session().await;
}

fn shift(row: &mut serde_json::Value, seconds: i64) {
    for field in ["expires", "seen"] {
        row[field] = (row[field].as_i64().unwrap() + seconds).into();
    }
}

/// Changes the book of links on disk.
fn rewrite(seat: &Seat, mut change: impl FnMut(&mut serde_json::Value)) {
    let path = seat.dir.path().join("links");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut book: serde_json::Value = serde_json::from_str(text.split_once('\n').unwrap().1).unwrap();
    book["links"].as_array_mut().unwrap().iter_mut().for_each(&mut change);
    let body = book.to_string();
    std::fs::write(&path, format!("hither links 1 {}\n{body}", blake3::hash(body.as_bytes()).to_hex())).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i13_a_link_accepted_and_taken_back_at_once_leaves_both_with_the_same() {
    let (mut ana, mut bo) = strangers("i13 link").await;
    let (_, text, _) = link(&bo, None).await;
    let Answer::Inviting { invite } = ana.ask(Ask::OpenLink { url: text, identity: None }).await else {
        panic!("not opened")
    };
    let question = bo.question().await;
    let (_, withdrawn) = tokio::join!(bo.try_ask(yes(&question)), ana.try_ask(Ask::Withdraw { invite }));
    bo.question_gone().await;
    if withdrawn.is_ok() {
        assert_eq!(ana.ended(invite).await.code, ErrorCode::Canceled);
        assert_eq!((ana.sessions().await, bo.sessions().await), (vec![], vec![]));
        assert_eq!(bo.people().await, [], "nothing is stored");
    } else {
        assert_eq!(ana.accepted().await, bo.accepted().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i15_the_makers_own_link_is_refused_with_the_reason() {
    let bo = start("Bo i15").await;
    let (invite, text, _) = link(&bo, None).await;
    let failure = bo.try_ask(Ask::OpenLink { url: text, identity: None }).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::Misuse);
    assert_eq!(failure.message, "this invite link was made by this device");
    assert_eq!(state_of(&bo, invite).await, "made", "and it is still good");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_device_with_the_same_link_is_refused_and_the_maker_alarmed() {
    let mut bo = start("Bo thief").await;
    let (_, _, url) = link(&bo, None).await;
    let first = Outsider::new().open(bo.port, &url).await.unwrap();
    let question = bo.question().await;
    let mut second = Outsider::new().open(bo.port, &url).await.unwrap();
    assert_eq!(second.over().await, Ending::LinkDead, "it hears what anybody hears");
    assert!(bo.alarm().await.contains("a second device"));
    bo.ask(yes(&question)).await;
    first.session().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_wrong_proofs_burn_a_link_and_the_maker_is_told() {
    let mut bo = start("Bo burn").await;
    let (invite, _, url) = link(&bo, None).await;
    for _ in 0..5 {
        let mut channel = Outsider::new().dial(bo.port, url.keys().rid).await.unwrap();
        let guess = Hello::Link(LinkHello { name: None, proof: Digest(random()), certified: None });
        write(&mut channel, &guess).await.unwrap();
        let heard: Option<Frame> = read(&mut channel).await;
        assert_eq!(heard, Some(Frame::No { why: hither_protocol::No::Expired }));
    }
    assert!(bo.alarm().await.contains("worthless"));
    assert_eq!(state_of(&bo, invite).await, "burned");
    assert!(!bo.was_asked());
    turned_away(bo.port, url.keys().rid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_a_damaged_link_is_refused_before_anything_is_dialled() {
    let (ana, bo) = strangers("i7").await;
    let (_, text, _) = link(&bo, None).await;
    let whole = text.0;
    for bad in [
        format!("{whole}AA"),
        whole.replace("hither://i/1#", "hither://i/2#"),
        whole[..60].to_owned(),
        whole.replace('#', "?x=1#"),
    ] {
        let code = ana.refused(Ask::OpenLink { url: LinkText(bad), identity: None }).await;
        assert!(matches!(code, ErrorCode::Misuse | ErrorCode::Incompatible), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_holds_no_address_of_an_interface_that_was_left_out() {
    let mut seat = Seat::new("Bo hints");
    seat.mdns = false;
    let every = hither_discovery::interfaces::list().unwrap().into_iter().map(|i| i.name).filter(|n| n != "lo");
    seat.settings.interfaces.exclude = every.collect();
    let bo = seat.start().await;
    let (_, _, url) = link(&bo, None).await;
    assert_eq!(url.hints(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_question_that_waits_behind_another_is_told_to_wait() {
    let mut bo = start("Bo queue").await;
    let ((_, _, one), (_, _, two)) = (link(&bo, None).await, link(&bo, None).await);
    let first = Outsider::new().open(bo.port, &one).await.unwrap();
    let shown = bo.question().await;
    let mut second = Outsider::new().open(bo.port, &two).await.unwrap();
    assert!(matches!(second.turn().await, Turn::Waiting));
    assert!(!bo.was_asked(), "one at a time");
    bo.ask(yes(&shown)).await;
    first.session().await;
    let shown = bo.question().await;
    bo.ask(yes(&shown)).await;
    second.session().await;
}
