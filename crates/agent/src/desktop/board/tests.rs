//! What is raised for which news, and what is not.

use super::*;
use hither_model::{ErrorCode, Failure, PeerId, Trust, Verified, row::QuestionKind};

const ID: TransferId = TransferId::new([7; 16]);

fn board() -> Board {
    Board::new(Tongue::English, true)
}

fn question(n: u8) -> QuestionRow {
    let (id, peer) = (QuestionId::new([n; 8]), PeerId::new([n; 32]));
    let blank = QuestionRow::new(id, QuestionKind::Invite, peer, format!("Peer {n}"));
    QuestionRow { code: Some("123456".into()), ..blank }
}

fn known(n: u8) -> QuestionRow {
    QuestionRow { trust: Trust::Verified, proven: Verified::Stored, code: None, ..question(n) }
}

fn offer(n: u8) -> QuestionRow {
    QuestionRow {
        kind: QuestionKind::Transfer,
        code: None,
        items: Some(2),
        bytes: Some(2048),
        names: vec!["photo.jpg".into(), "b".into()],
        transfer: Some(ID),
        ..known(n)
    }
}

fn asked(row: QuestionRow) -> News {
    News::Question { question: row }
}

fn message(text: &str) -> News {
    let message = MessageRow {
        session: SessionId::new([4; 16]),
        peer: PeerId::new([4; 32]),
        name: "Ana".into(),
        direction: Direction::In,
        text: text.into(),
        delivered: true,
        at: 0,
        number: 1,
    };
    News::Message { message }
}

fn transfer(n: u8, direction: Direction, state: TransferState) -> TransferRow {
    TransferRow {
        transfer: TransferId::new([n; 16]),
        peer: PeerId::new([4; 32]),
        name: "Ana".into(),
        direction,
        state,
        why: None,
        title: "photo.jpg".into(),
        done: 0,
        total: 10,
        items_done: 0,
        items: 1,
        failed: vec![],
        receipt: false,
        path: None,
        at: 1_000,
    }
}

fn moved(board: &mut Board, n: u8, direction: Direction) {
    board.hear(&News::Transfer { transfer: transfer(n, direction, TransferState::Moving) }, 1_000);
}

fn done(n: u8) -> News {
    News::Done { transfer: TransferId::new([n; 16]), items: 1, bytes: 10, path: Some("/in/photo.jpg".into()) }
}

fn dropped(n: u8, code: ErrorCode) -> News {
    News::Dropped { transfer: TransferId::new([n; 16]), failure: Failure::new(code, "why so") }
}

fn shown(effects: &[Effect]) -> Vec<(Topic, &Note)> {
    effects.iter().filter_map(|e| if let Effect::Show(topic, note) = e { Some((*topic, note)) } else { None }).collect()
}

#[test]
fn a_first_meeting_shows_the_code_and_cannot_be_accepted_from_a_notification() {
    let mut board = board();
    let id = question(1).id;
    board.hear(&asked(QuestionRow { message: Some("let me in".into()), ..question(1) }), 0);
    let effects = board.sync(0);
    let [(topic, note)] = shown(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!((topic, note.buttons.as_slice()), (Topic::Question(id), &[Button::Open, Button::Decline][..]));
    assert!(note.body.contains("123 456") && note.body.contains("let me in"), "{}", note.body);
    assert_eq!(board.pressed(topic, "accept"), None, "whatever the server says");
    assert_eq!(board.pressed(topic, "decline"), Some(Deed::Answer { question: id, yes: false }));
}

#[test]
fn only_a_device_met_before_with_its_stored_key_is_accepted_from_a_notification() {
    let accepts = |row: QuestionRow| {
        let mut board = board();
        board.hear(&asked(row), 0);
        board.sync(0).iter().any(|e| matches!(e, Effect::Show(_, note) if note.buttons.contains(&Button::Accept)))
    };
    assert!(accepts(known(1)) && accepts(offer(1)));
    assert!(accepts(QuestionRow { trust: Trust::Known, ..known(1) }));
    for row in [
        question(1),
        QuestionRow { code: Some("1".into()), ..known(1) },
        QuestionRow { proven: Verified::No, ..known(1) },
        QuestionRow { trust: Trust::New, ..known(1) },
        QuestionRow { trust: Trust::Changed, ..known(1) },
        QuestionRow { kind: QuestionKind::KeyChanged, ..known(1) },
        QuestionRow { kind: QuestionKind::Pin, ..known(1) },
    ] {
        assert!(!accepts(row.clone()), "{row:?}");
    }
}

#[test]
fn i9_a_flood_of_invites_is_one_notification_that_cannot_be_accepted() {
    let mut board = board();
    board.hear(&asked(known(200)), 0);
    for n in 0..100 {
        board.hear(&asked(question(n)), 0);
    }
    let effects = board.sync(0);
    let shown = shown(&effects);
    assert_eq!(shown.len(), 2, "all strangers together, and the one we know: {shown:?}");
    let (topic, note) = shown.into_iter().find(|(topic, _)| *topic == Topic::Strangers).unwrap();
    assert_eq!(note.buttons, [Button::Open]);
    assert!(note.summary.contains("100"));
    assert_eq!(board.pressed(topic, "default"), Some(Deed::Open { view: View::Near, id: None }));
}

#[test]
fn i9_invites_that_come_and_go_pop_up_three_times_a_minute() {
    let mut board = board();
    let mut pops = 0;
    for n in 0..200u8 {
        let now = u64::from(n) * 200;
        board.hear(&asked(question(n)), 0);
        pops += shown(&board.sync(now)).len();
        board.hear(&News::QuestionGone { id: question(n).id, why: "withdrawn".into(), code: None }, 0);
        board.sync(now + 100);
    }
    assert_eq!(pops, 3, "within 40 seconds");
    board.hear(&asked(question(201)), 0);
    assert_eq!(shown(&board.sync(40_000)), []);
    assert_eq!(board.due(), Some(60_000), "it is not forgotten");
    assert_eq!(shown(&board.sync(60_000)).len(), 1);
}

#[test]
fn a_question_that_is_gone_takes_its_notification_along() {
    let mut board = board();
    board.hear(&asked(known(1)), 0);
    board.hear(&asked(offer(2)), 0);
    assert_eq!(shown(&board.sync(0)).len(), 2);
    board.hear(&News::QuestionGone { id: known(1).id, why: "accepted".into(), code: None }, 0);
    assert_eq!(board.sync(10), [Effect::Close(Topic::Question(known(1).id))]);
    let me = hither_model::row::MeRow {
        peer: PeerId::new([1; 32]),
        name: None,
        visibility: hither_model::row::Visibility::Known,
        until: None,
    };
    let empty = News::Snapshot { me, peers: vec![], questions: vec![], sessions: vec![], transfers: vec![] };
    board.hear(&empty, 0);
    assert_eq!(board.sync(20), [Effect::Close(Topic::Question(offer(2).id))], "also after news were lost");
}

#[test]
fn messages_of_a_session_share_a_notification_that_is_replaced_at_most_once_a_second() {
    let mut board = board();
    for n in 0..50 {
        board.hear(&message(&format!("text {n}")), 0);
        let effects = board.sync(n);
        assert_eq!(effects.len(), usize::from(n == 0), "{effects:?}");
    }
    assert_eq!(board.due(), Some(CALM));
    let effects = board.sync(CALM);
    let [(topic, note)] = shown(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!((note.summary.as_str(), note.body.as_str()), ("Ana (50)", "text 49"));
    let Some(Deed::Open { view: View::Session, id: Some(id) }) = board.pressed(topic, "open") else { panic!("open") };
    assert_eq!(id, "04".repeat(16));
    board.hear(&message("next"), 0);
    assert!(matches!(&board.sync(CALM + 1)[..], [Effect::Show(_, note)] if note.summary == "Ana"));
}

#[test]
fn m10_a_hostile_text_is_cut_and_its_hidden_characters_shown() {
    let mut board = board();
    board.hear(&message(&format!("\u{202e}{}\u{0}", "x".repeat(60_000))), 0);
    let effects = board.sync(0);
    let [(_, note)] = shown(&effects)[..] else { panic!("{effects:?}") };
    assert!(note.body.starts_with("\\u{202e}") && note.body.chars().count() <= 200);
}

#[test]
fn nothing_is_raised_while_somebody_looks_but_alarms() {
    let mut board = board();
    board.hear(&asked(known(1)), 0);
    assert_eq!(board.sync(0).len(), 1);
    board.hush(Hush::Seen);
    assert_eq!(board.sync(1), [Effect::Close(Topic::Question(known(1).id))]);
    moved(&mut board, 3, Direction::In);
    for news in [asked(known(2)), message("hello"), done(3)] {
        board.hear(&news, 2_000);
    }
    assert_eq!(board.sync(2), []);
    let alarm = News::Alarm { message: "Bo shows another key".into(), peer: None };
    board.hear(&alarm, 0);
    assert!(matches!(&board.sync(3)[..], [Effect::Show(Topic::Alarm, _)]));
    board.hush(Hush::No);
    assert_eq!(board.sync(4), [], "what was there while somebody looked was seen");
    board.hear(&asked(known(3)), 0);
    assert_eq!(board.sync(5).len(), 1);
    board.hush(Hush::Off);
    assert_eq!(board.sync(6).len(), 2, "switched off, all are closed");
    board.hear(&alarm, 0);
    board.hear(&message("x"), 0);
    assert_eq!(board.sync(7), []);
}

#[test]
fn what_was_received_is_told_with_its_folder_and_what_was_sent_only_if_it_took_a_while() {
    let mut board = board();
    moved(&mut board, 1, Direction::In);
    board.hear(&done(1), 1_001);
    let effects = board.sync(0);
    let [(topic, note)] = shown(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!((note.summary.as_str(), note.body.as_str()), ("Received from Ana", "photo.jpg"));
    assert_eq!(board.pressed(topic, "folder"), Some(Deed::Folder { path: "/in/photo.jpg".into() }));
    assert_eq!(board.pressed(topic, "folder"), None, "pressed once");
    moved(&mut board, 2, Direction::Out);
    board.hear(&done(2), 1_003);
    assert_eq!(board.sync(1), []);
    moved(&mut board, 2, Direction::Out);
    board.hear(&done(2), 1_030);
    assert!(matches!(&board.sync(2)[..], [Effect::Show(_, note)] if note.summary == "Sent to Ana"));
    board.hear(&done(9), 1_030);
    assert_eq!(board.sync(3), [], "an end of nothing we know");
}

#[test]
fn a_failed_transfer_is_told_but_not_what_the_person_did() {
    use Direction::{In, Out};
    for (direction, code, told) in [
        (In, ErrorCode::DiskFull, true),
        (Out, ErrorCode::Declined, true),
        (Out, ErrorCode::Withdrawn, true),
        (In, ErrorCode::Canceled, false),
        (Out, ErrorCode::Canceled, false),
        (In, ErrorCode::Declined, false),
        (In, ErrorCode::Withdrawn, false),
        (In, ErrorCode::Expired, false),
    ] {
        let mut board = board();
        board.hear(&News::Transfer { transfer: transfer(1, direction, TransferState::Accepted) }, 0);
        board.hear(&dropped(1, code), 1_000);
        assert_eq!(shown(&board.sync(0)).len(), usize::from(told), "{direction:?} {code}");
    }
}

#[test]
fn many_ends_are_one_notification() {
    let mut board = board();
    for n in 0..20 {
        moved(&mut board, n, Direction::In);
        board.hear(&done(n), 1_000);
    }
    let effects = board.sync(0);
    assert!(matches!(&shown(&effects)[..], [(Topic::Transfers, note)] if note.summary.contains("20")), "{effects:?}");
    moved(&mut board, 30, Direction::In);
    board.hear(&done(30), 2_000);
    let effects = board.sync(9_000);
    assert!(effects.contains(&Effect::Close(Topic::Transfers)), "those are history");
    assert!(matches!(&shown(&effects)[..], [(Topic::Transfer(_), _)]), "{effects:?}");
}

#[test]
fn a_notification_that_was_closed_does_not_come_again() {
    let mut board = board();
    board.hear(&asked(question(1)), 0);
    board.hear(&asked(question(2)), 0);
    board.sync(0);
    board.dismissed(Topic::Strangers);
    assert_eq!(board.sync(5_000), []);
    board.hear(&asked(question(1)), 0);
    assert_eq!(board.sync(10_000), [], "nor when its row changes");
    board.hear(&asked(question(3)), 0);
    assert!(matches!(&board.sync(20_000)[..], [Effect::Show(Topic::Question(id), _)] if *id == question(3).id));
}

#[test]
fn without_a_window_nothing_offers_to_open_one() {
    let mut board = Board::new(Tongue::Korean, false);
    for row in [question(1), known(2), offer(3)] {
        board.hear(&asked(row), 0);
    }
    let effects = board.sync(0);
    assert_eq!(shown(&effects).len(), 3);
    assert!(shown(&effects).iter().all(|(_, note)| !note.buttons.contains(&Button::Open)));
    assert_eq!(board.pressed(Topic::Question(known(2).id), "default"), None);
}

#[test]
fn a_new_server_gets_what_is_still_wanted() {
    let mut board = board();
    board.hear(&asked(known(1)), 0);
    board.sync(0);
    board.wiped();
    assert_eq!(shown(&board.sync(1)).len(), 1);
    board.hear(&News::Stopping, 0);
    assert_eq!(board.sync(2), [Effect::Close(Topic::Question(known(1).id))], "at the end all are closed");
}
