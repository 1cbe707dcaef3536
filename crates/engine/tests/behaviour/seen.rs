//! What adverts may and may not do: they are hints. They change no trust and no stored address, open no connection by
//! themselves, and end no session.

use crate::lab::{
    Agent, Seat,
    ear::{Ear, random, shown},
    in_touch,
    outsider::Outsider,
    paired, part, start, two, yes,
};
use hither_discovery::{sightings::Sighting, txt::Txt};
use hither_model::{Ask, ErrorCode, Medium, News, PeerId, Presence, Rid, Trust, row::Visibility};
use hither_protocol::{PairKey, tag};
use std::net::UdpSocket;

/// The secret an agent shares with somebody, as its profile holds it.
pub(crate) fn pair_key(of: &Agent, with: &PeerId) -> PairKey {
    let text = std::fs::read_to_string(of.seat.dir.path().join("people")).unwrap();
    let people: serde_json::Value = serde_json::from_str(text.split_once('\n').unwrap().1).unwrap();
    serde_json::from_value(people[with.to_string()]["pair_key"].clone()).unwrap()
}

/// The advert by which `bo` recognises `ana`.
async fn recognisable(ear: &mut Ear, ana: &Agent, bo: &Agent) -> Sighting {
    let key = pair_key(bo, &ana.peer);
    let known = |s: &Sighting| s.txt.tags.contains(&tag(&key, s.txt.epoch, &ana.peer));
    ear.advert("an advert with her tag", |s| known(s) && s.routes.iter().any(|r| r.port() == ana.port)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d5_a_copied_tag_leads_to_an_alarm_and_changes_nothing() {
    let (mut ana, mut bo) = paired("d5").await;
    part(&mut ana, &mut bo).await;
    let mut ear = Ear::start().await;
    let hers = recognisable(&mut ear, &ana, &bo).await;
    let ana = ana.stop().await;
    let mallory = Outsider::new().listen();
    ear.announce(mallory.port, Txt { rid: Some(Rid::new(random())), ..hers.txt }).await;
    let at = format!("127.0.0.1:{}", mallory.port);
    let her = PeerId::to_string(&bo.people().await[0].peer);
    bo.sees_row("the copy", |row| row.peer == her && row.routes.contains(&at)).await;
    let before = bo.people().await;
    let invite = bo.invite(&her).await;
    let failure = bo.ended(invite).await;
    assert_eq!(failure.code, ErrorCode::IdentityChanged, "{failure:?}");
    assert!(bo.alarm().await.contains("does not hold"));
    assert_eq!(bo.people().await, before, "trust is as it was");
    let stored = std::fs::read_to_string(bo.seat.dir.path().join("people")).unwrap();
    assert!(!stored.contains(&at), "and so are the addresses");
    let mut ana = ana.start().await;
    bo.sees_row("the real one", |row| row.peer == her && row.media.contains(&Medium::Route)).await;
    bo.invite(&her).await;
    let question = ana.question().await;
    ana.ask(yes(&question)).await;
    bo.accepted().await;
    ear.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_a_spoofed_goodbye_for_a_friend_leaves_her_session_and_her_row_alone() {
    let (mut ana, mut bo) = paired("d6").await;
    let cy = start("Cy d6").await;
    let stranger = bo.sees(&cy.name).await.peer;
    let mut ear = Ear::start().await;
    let hers = recognisable(&mut ear, &ana, &bo).await;
    bo.sees_row("her advert", |row| row.peer == ana.peer.to_string() && row.media.contains(&Medium::Mdns)).await;
    bo.forget_news();
    let link = UdpSocket::bind("127.0.0.1:0").unwrap();
    link.send_to(&goodbye(&hers.instance.to_string()), "224.0.0.251:5353").unwrap();
    // Somebody else's true goodbye comes after it and takes as long, so both have had their effect.
    cy.stop().await;
    bo.hear("the stranger is gone", |news| match news {
        News::PeerRemoved { peer } if peer.peer == stranger => Some(()),
        _ => None,
    })
    .await;
    let row = bo.row_of(&ana.peer).await.expect("she stays on the list");
    assert_eq!((row.presence, row.trust), (Presence::Near, Trust::Verified));
    assert!(!bo.has_heard(|n| matches!(n, News::SessionClosed { .. } | News::Session { .. })));
    in_touch(&mut ana, &mut bo).await;
    ear.stop().await;
}

/// A multicast DNS response that says that an instance is gone (RFC 6762 section 10.1).
fn goodbye(instance: &str) -> Vec<u8> {
    let labels = |packet: &mut Vec<u8>, name: &[&str]| {
        for label in name {
            packet.push(u8::try_from(label.len()).unwrap());
            packet.extend_from_slice(label.as_bytes());
        }
        packet.push(0);
    };
    let mut packet = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    labels(&mut packet, &["_hither", "_tcp", "local"]);
    packet.extend_from_slice(&[0, 12, 0, 1, 0, 0, 0, 0]);
    let mut name = Vec::new();
    labels(&mut name, &[instance, "_hither", "_tcp", "local"]);
    packet.extend_from_slice(&u16::try_from(name.len()).unwrap().to_be_bytes());
    packet.extend_from_slice(&name);
    packet
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d7_a_stranger_with_a_friends_name_is_marked() {
    let (ana, mut bo) = paired("d7").await;
    let twin = ana.name.to_uppercase();
    let ear = Ear::start().await;
    let mallory = Outsider::new().listen();
    ear.announce(mallory.port, shown(&twin, Rid::new(random()))).await;
    let row = bo.sees(&twin).await;
    assert_eq!((row.trust, row.resembles.as_deref()), (Trust::New, Some(ana.name.as_str())));
    assert_eq!(bo.row_of(&ana.peer).await.unwrap().trust, Trust::Verified, "the friend is who she was");
    ear.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_12_nothing_is_sent_to_a_device_before_the_person_invites_it() {
    let mut ana = start("Ana r1_12").await;
    let trap = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let port = trap.local_addr().unwrap().port();
    let ear = Ear::start().await;
    let name = format!("Trap {}", std::process::id());
    ear.announce(port, shown(&name, Rid::new(random()))).await;
    ana.sees(&name).await;
    ana.ask(Ask::Near).await;
    ana.ask(Ask::Status).await;
    assert_eq!(trap.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "being seen is no reason to call");
    let invite = ana.invite(&name).await;
    let trap = tokio::net::TcpListener::from_std(trap).unwrap();
    crate::lab::within("the call", trap.accept()).await.unwrap();
    ana.ask(Ask::Withdraw { invite }).await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::Canceled, "also while it is being called");
    ear.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_hides_disappears_at_once_and_comes_back_when_shown() {
    let (mut ana, mut bo) = two("hide").await;
    ana.sees(&bo.name).await;
    let visible = |visibility| Ask::SetVisibility { visibility, name: None, seconds: None };
    bo.ask(visible(Visibility::Nobody)).await;
    let name = bo.name.clone();
    ana.hear("it is gone", |n| matches!(n, News::PeerRemoved { peer } if peer.name == name).then_some(())).await;
    ana.forget_news();
    bo.ask(visible(Visibility::Everyone)).await;
    ana.sees(&bo.name).await;
    bo.sees(&ana.name).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_visible_to_friends_shows_strangers_no_name_and_no_way_in() {
    let mut seat = Seat::new("Bo shy");
    seat.settings.visibility = Visibility::Known;
    let (bo, mut ana) = (seat.start().await, start("Ana shy").await);
    let at = format!("127.0.0.1:{}", bo.port);
    let row = ana.sees_row("somebody", |row| row.routes.contains(&at)).await;
    assert!(!row.name.contains("Bo") && row.trust == Trust::New, "{row:?}");
    let failure = ana
        .try_ask(Ask::Invite { peer: row.peer, message: None, timeout: None, unverified: false, identity: None })
        .await
        .unwrap_err();
    assert_eq!(failure.code, ErrorCode::AccessDenied);
    assert!(failure.hint.is_some_and(|h| h.contains("link")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_friend_is_recognised_and_reached_while_strangers_are_shut_out() {
    let (mut ana, mut bo) = paired("friend").await;
    part(&mut ana, &mut bo).await;
    let mut seat = bo.stop().await;
    seat.settings.visibility = Visibility::Known;
    let mut bo = seat.start().await;
    let (peer, at) = (bo.peer.to_string(), format!("127.0.0.1:{}", bo.port));
    ana.sees_row("the friend", |row| row.peer == peer && row.routes.contains(&at)).await;
    ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    bo.ask(yes(&question)).await;
    ana.accepted().await;
}
