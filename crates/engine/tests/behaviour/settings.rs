//! What a person sets while the agent runs, and what a face is told of this device.

use crate::lab::{Agent, paired, start};
use hither_model::{
    Answer, Ask, DisplayName, ErrorCode, News,
    ask::SettingsChange,
    row::{CapabilityRow, InterfacesRow, MeRow, SettingsRow, Visibility},
};

async fn settings(agent: &Agent) -> SettingsRow {
    let Answer::Settings { settings } = agent.ask(Ask::Settings).await else { panic!("no settings") };
    settings
}

async fn proximity(agent: &Agent) -> CapabilityRow {
    let Answer::Capabilities { rows } = agent.ask(Ask::Capabilities).await else { panic!("no capabilities") };
    rows.into_iter().find(|row| row.name == "proximity").unwrap()
}

async fn me(agent: &mut Agent) -> MeRow {
    agent
        .hear("who I am", |news| match news {
            News::Me { me } => Some(me.clone()),
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_set_holds_at_once_and_what_is_not_named_stays() {
    let ana = start("Ana sets").await;
    let before = settings(&ana).await;
    assert!(before.notifications && !before.allow_tls12);
    let inbox = ana.seat.dir.path().join("other inbox");
    let change = SettingsChange {
        inbox: Some(inbox.clone()),
        allow_tls12: Some(true),
        interfaces: Some(InterfacesRow { exclude: vec!["eth9".into()], ..before.interfaces.clone() }),
        ..SettingsChange::default()
    };
    ana.ask(Ask::Set { change }).await;
    let after = settings(&ana).await;
    assert_eq!(after.inbox, inbox.display().to_string());
    assert!(inbox.is_dir() && after.allow_tls12 && after.notifications);
    assert_eq!(after.interfaces.exclude, ["eth9"]);
    let kept = ana.handle.settings().borrow().clone();
    assert_eq!((kept.inbox, kept.allow_tls12), (inbox, true), "the agent hears of it, to write it down");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_makes_no_sense_changes_nothing() {
    let ana = start("Ana sets badly").await;
    let before = settings(&ana).await;
    let interfaces = |name: &str| InterfacesRow { include: vec![name.into()], ..InterfacesRow::default() };
    for (change, code) in [
        (SettingsChange { inbox: Some("inbox".into()), ..Default::default() }, ErrorCode::Misuse),
        (SettingsChange { inbox: Some("/dev/null/in".into()), ..Default::default() }, ErrorCode::StorageFailed),
        (SettingsChange { interfaces: Some(interfaces("a b")), ..Default::default() }, ErrorCode::Misuse),
        (SettingsChange { interfaces: Some(interfaces(&"x".repeat(16))), ..Default::default() }, ErrorCode::Misuse),
    ] {
        let change = SettingsChange { allow_tls12: Some(true), notifications: Some(false), ..change };
        assert_eq!(ana.refused(Ask::Set { change }).await, code);
        assert_eq!(settings(&ana).await, before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_face_hears_what_others_see_of_this_device_and_until_when() {
    let mut ana = start("Ana for a while").await;
    let name = DisplayName::new("Ana B").ok();
    let show = |visibility, seconds| Ask::SetVisibility { visibility, name: name.clone(), seconds };
    ana.ask(show(Visibility::Known, None)).await;
    assert_eq!(
        me(&mut ana).await,
        MeRow { peer: ana.peer, name: name.clone(), visibility: Visibility::Known, until: None }
    );
    ana.ask(show(Visibility::Everyone, Some(600))).await;
    let until = me(&mut ana).await.until.unwrap();
    let Answer::Status { status } = ana.ask(Ask::Status).await else { panic!("no status") };
    assert_eq!(status.until, Some(until));
    let (News::Snapshot { me: shown, .. }, _) = ana.handle.news().await.unwrap() else { panic!("no snapshot") };
    assert_eq!((shown.until, shown.visibility), (Some(until), Visibility::Everyone));
    // Made shorter: it falls back to what it was before it was everyone.
    ana.ask(show(Visibility::Everyone, Some(1))).await;
    assert!(me(&mut ana).await.until.unwrap() < until);
    assert_eq!(me(&mut ana).await, MeRow { peer: ana.peer, name, visibility: Visibility::Known, until: None });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_capability_tells_who_used_it_last_also_after_a_restart() {
    let (ana, bo) = paired("used").await;
    let row = proximity(&ana).await;
    assert_eq!(row.last_by, Some(format!("session with {}", bo.name)));
    assert!(row.last_used.is_some_and(|at| at > 1_600_000_000 && at % 60 == 0));
    ana.ask(Ask::SetCapability { name: "proximity".into(), granted: false }).await;
    let ana = {
        let mut seat = ana.stop().await;
        seat.settings.revoked = vec!["proximity".into()];
        seat.start().await
    };
    let again = proximity(&ana).await;
    assert_eq!((again.used_by, again.last_by), (vec![], row.last_by));
    assert!(again.last_used >= row.last_used);
}
