//! What each side of a transfer believes of the other: bytes that were verified, receipts that account for every item,
//! answers to offers that are open; and nothing else.

use crate::{
    lab::{
        Agent,
        ear::{Ear, random},
        outsider::{Held, Outsider, befriend},
        paired, part, start, yes,
    },
    transfers::{done, dropped, names, row, send},
};
use data_encoding::BASE64;
use hither_identity::DeviceKey;
use hither_model::{Answer, Ask, ErrorCode, LaneId, News, Rid, TransferId, TransferState};
use hither_protocol::{
    Digest,
    session::{Frame, Purpose, offer_frames},
};
use hither_socket::BlockingLane;
use hither_transfer::{Limits, Ranges, Receipt, Stop, scan};
use std::{io::Write, path::PathBuf, sync::Arc};

/// Somebody in a session with a fresh agent, with the key that is theirs.
pub(crate) struct Mallory {
    pub(crate) held: Held,
    pub(crate) who: Outsider,
    pub(crate) key: Arc<DeviceKey>,
    _dir: tempfile::TempDir,
}

pub(crate) async fn intruder(case: &str) -> (Mallory, Agent) {
    let mut bo = start(&format!("Bo {case}")).await;
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(bo.port).await;
    ear.stop().await;
    let dir = tempfile::tempdir().unwrap();
    let key = Arc::new(DeviceKey::load_or_create(&dir.path().join("identity")).unwrap());
    let who = Outsider::with(Arc::clone(&key));
    let held = befriend(&who, "Mallory", &mut bo, rid).await;
    (Mallory { held, who, key, _dir: dir }, bo)
}

/// Offers what is at a path; the items are as scanned.
pub(crate) async fn offer_of(held: &mut Held, path: PathBuf) -> (TransferId, hither_transfer::Scan) {
    let scan = scan(&[path], &Limits::default(), &Stop::new()).unwrap();
    let id = TransferId::new(random());
    let list = scan.manifest();
    let frames = offer_frames(id, list.items().into(), list.bytes(), &list.encode(), Digest(list.hash())).unwrap();
    for frame in frames {
        held.post(&frame).await;
    }
    (id, scan)
}

/// Makes the lane of a transfer that was fetched.
pub(crate) async fn lane(held: &mut Held, bo: &Agent, transfer: TransferId) -> BlockingLane {
    let (lane, rid) = (LaneId::new(random()), Rid::new(random()));
    held.post(&Frame::OpenLane { lane, rid, purpose: Purpose::Bulk { transfer } }).await;
    let may_come = |frame: &Frame| match frame {
        Frame::LaneAnswer { lane: answered, ok, .. } if *answered == lane => Some(*ok),
        _ => None,
    };
    assert!(held.hear("leave to come", may_come).await);
    held.on_lanes.dial_known(bo.port, rid, held.theirs).await.into_blocking().unwrap()
}

/// Says these bytes on a lane, and its end.
pub(crate) async fn say_on(mut lane: BlockingLane, bytes: Vec<u8>) -> BlockingLane {
    let said = tokio::task::spawn_blocking(move || {
        lane.write_all(&bytes).unwrap();
        lane.flush().unwrap();
        lane.finish().unwrap();
        lane
    });
    said.await.unwrap()
}

/// Everything posted before has been dealt with.
pub(crate) async fn fence(held: &mut Held, bo: &mut Agent, number: u64) {
    let text = format!("fence {number}");
    held.post(&Frame::Say { number, text: text.clone() }).await;
    bo.hears(&text).await;
}

async fn offered(held: &mut Held) {
    held.hear("the offer", |f| matches!(f, Frame::OfferEnd { .. }).then_some(())).await;
}

async fn gift(mallory: &mut Mallory, bo: &Agent) -> TransferId {
    let file = bo.file("gift", 7, 100_000);
    let ask = Ask::Send { peer: mallory.who.peer().to_string(), paths: vec![file] };
    let Answer::Offered { transfer, .. } = bo.ask(ask).await else { panic!("not offered") };
    offered(&mut mallory.held).await;
    transfer
}

fn fetch(transfer: TransferId) -> Frame {
    Frame::Fetch { transfer, points: vec![], done: vec![], only: None, more: false }
}

/// A receipt of which only the signature is good: it speaks of no item at all.
fn empty_receipt(mallory: &Mallory, bo: &Agent, transfer: TransferId) -> Frame {
    let scan = scan(&[bo.seat.dir.path().join("gift")], &Limits::default(), &Stop::new()).unwrap();
    let root = *blake3::hash(b"").as_bytes();
    let (manifest, kept) = (scan.manifest().hash(), Ranges::new());
    let receipt = Receipt { transfer, manifest, root, received_at: 1, kept, failed: vec![] }.encode();
    let signature = BASE64.encode(&mallory.key.sign(&receipt).unwrap());
    Frame::Receipt { transfer, receipt: BASE64.encode(&receipt), signature }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_of_which_nothing_came_is_not_kept() {
    let (mut mallory, mut bo) = intruder("nothing").await;
    let held = &mut mallory.held;
    let (id, _) = offer_of(held, bo.file("bait", 1, 1_000)).await;
    let question = bo.offer().await;
    bo.ask(yes(&question)).await;
    held.hear("fetch", |f| matches!(f, Frame::Fetch { .. }).then_some(())).await;
    let lane = lane(held, &bo, id).await;
    let _lane = say_on(lane, vec![5]).await;
    let receipt = held
        .hear("the receipt", |f| match f {
            Frame::Receipt { receipt, .. } => Some(receipt.clone()),
            _ => None,
        })
        .await;
    let receipt = Receipt::decode(&BASE64.decode(receipt.as_bytes()).unwrap()).unwrap();
    assert_eq!((receipt.items(), receipt.failed), (0, vec![(0, ErrorCode::Truncated)]));
    assert_eq!(dropped(&mut bo, id).await, ErrorCode::Truncated);
    let row = row(&bo, id).await;
    assert_eq!((row.state, row.items_done, row.failed.len()), (TransferState::Dropped, 0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_leaves_items_out_is_not_believed() {
    let (mut mallory, mut bo) = intruder("empty receipt").await;
    let id = gift(&mut mallory, &bo).await;
    mallory.held.post(&Frame::OfferAnswer { transfer: id, ok: true, code: None, why: None }).await;
    mallory.held.post(&fetch(id)).await;
    mallory.held.hear("a lane", |f| matches!(f, Frame::OpenLane { .. }).then_some(())).await;
    let receipt = empty_receipt(&mallory, &bo, id);
    mallory.held.post(&receipt).await;
    assert_eq!(dropped(&mut bo, id).await, ErrorCode::DigestWrong);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_for_what_was_never_fetched_is_passed_over() {
    let (mut mallory, mut bo) = intruder("early receipt").await;
    let id = gift(&mut mallory, &bo).await;
    let receipt = empty_receipt(&mallory, &bo, id);
    mallory.held.post(&receipt).await;
    fence(&mut mallory.held, &mut bo, 1).await;
    assert_eq!(row(&bo, id).await.state, TransferState::Offered);
    mallory.held.post(&Frame::OfferAnswer { transfer: id, ok: true, code: None, why: None }).await;
    mallory.held.post(&receipt).await;
    fence(&mut mallory.held, &mut bo, 2).await;
    assert_eq!(row(&bo, id).await.state, TransferState::Accepted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_to_an_offer_that_was_taken_back_changes_nothing() {
    let (mut mallory, mut bo) = intruder("late yes").await;
    let id = gift(&mut mallory, &bo).await;
    bo.ask(Ask::Cancel { transfer: id.to_string() }).await;
    mallory.held.post(&Frame::OfferAnswer { transfer: id, ok: true, code: None, why: None }).await;
    fence(&mut mallory.held, &mut bo, 1).await;
    assert_eq!(row(&bo, id).await.state, TransferState::Dropped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_cannot_undo_what_it_signed_for() {
    let (mut ana, mut bo) = paired("signed").await;
    let id = send(&ana, &bo, ana.file("kept", 5, 1_000)).await;
    let question = bo.offer().await;
    bo.ask(yes(&question)).await;
    done(&mut ana, id).await;
    part(&mut ana, &mut bo).await;
    let bo = Outsider::in_the_place_of(&bo.stop().await);
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(ana.port).await;
    let asking = bo.invite(ana.port, rid, "Bo").await;
    let answer = async {
        let question = ana.question().await;
        ana.ask(yes(&question)).await;
    };
    let (mut held, ()) = tokio::join!(asking.session(), answer);
    let why = Some("never mind".into());
    held.post(&Frame::OfferAnswer { transfer: id, ok: false, code: None, why }).await;
    held.post(&Frame::Kept { transfer: id, items: 0, bytes: 0 }).await;
    fence(&mut held, &mut ana, 1).await;
    let row = row(&ana, id).await;
    assert_eq!((row.state, row.items_done), (TransferState::Kept, 1));
    ear.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_ended_with_its_session_cannot_be_fetched_in_the_next() {
    let (mut mallory, mut bo) = intruder("withdrawn").await;
    let id = gift(&mut mallory, &bo).await;
    for _ in 0..2 {
        bo.ask(Ask::Close { session: mallory.who.peer().to_string() }).await;
    }
    bo.closed().await;
    assert_eq!(dropped(&mut bo, id).await, ErrorCode::Withdrawn);
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(bo.port).await;
    ear.stop().await;
    let mut asking = mallory.who.invite(bo.port, rid, "Mallory").await;
    asking.code().await;
    let question = bo.question().await;
    bo.ask(yes(&question)).await;
    asking.confirm();
    let mut held = asking.session().await;
    held.post(&fetch(id)).await;
    let answer = |frame: &Frame| match frame {
        Frame::OpenLane { .. } => Some(false),
        Frame::Cancel { transfer, .. } => Some(*transfer == id),
        _ => None,
    };
    assert!(held.hear("it is over", answer).await, "not a lane");
    assert_eq!(row(&bo, id).await.state, TransferState::Dropped);
    let seat = bo.stop().await;
    assert_eq!(names(&seat.dir.path().join("outgoing")), [""; 0], "nor is there anything to send");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_hundred_requests_at_once_make_one_lane() {
    let (mut mallory, bo) = intruder("requests").await;
    let id = gift(&mut mallory, &bo).await;
    for _ in 0..600 {
        mallory.held.post(&fetch(id)).await;
    }
    mallory.held.post(&Frame::Say { number: 1, text: "that was all".into() }).await;
    let mut lanes = 0;
    let count = |frame: &Frame| {
        lanes += usize::from(matches!(frame, Frame::OpenLane { .. }));
        matches!(frame, Frame::Said { .. }).then_some(())
    };
    mallory.held.hear("the last word is stored", count).await;
    assert_eq!(lanes, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_lists_items_twice_over_its_parts_ends_the_session() {
    let (mut mallory, mut bo) = intruder("parts").await;
    let transfer = gift(&mut mallory, &bo).await;
    for done in [vec![(0, 5), (8, 9)], vec![(9, 12)]] {
        mallory.held.post(&Frame::Fetch { transfer, points: vec![], done, only: None, more: true }).await;
    }
    assert!(bo.closed().await.contains("broke the protocol"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offers_taken_back_at_once_are_not_asked_about() {
    let (mut mallory, mut bo) = intruder("taken back").await;
    let file = bo.file("bait", 1, 1_000);
    for _ in 0..20 {
        let (transfer, _) = offer_of(&mut mallory.held, file.clone()).await;
        mallory.held.post(&Frame::Cancel { transfer, why: None }).await;
    }
    let (id, _) = offer_of(&mut mallory.held, file).await;
    // Of the others some were asked about for a moment: their end came after their question.
    let asked = |news: &News| match news {
        News::Question { question } if question.transfer == Some(id) => Some(()),
        _ => None,
    };
    bo.hear("the one that stands is asked about", asked).await;
    let open: Vec<_> = bo.open_questions().await.iter().map(|question| question.transfer).collect();
    assert_eq!(open, [Some(id)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_failures_with_long_names_fit_into_the_list_of_transfers() {
    let (mut mallory, mut bo) = intruder("long names").await;
    let held = &mut mallory.held;
    let top = bo.seat.dir.path().join("d".repeat(250));
    let deep = (0..3).fold(top.clone(), |dir, _| dir.join("e".repeat(250)));
    std::fs::create_dir_all(&deep).unwrap();
    for n in 0..1_000 {
        std::fs::write(deep.join(format!("{n:04}{}", "f".repeat(245))), b"x").unwrap();
    }
    let (id, scan) = offer_of(held, top).await;
    let question = bo.offer().await;
    bo.ask(yes(&question)).await;
    held.hear("fetch", |f| matches!(f, Frame::Fetch { .. }).then_some(())).await;
    let lane = lane(held, &bo, id).await;
    let list = scan.manifest();
    let files = (0..list.items()).filter(|item| list.entry(*item).is_some_and(|e| !e.is_folder()));
    let mut said: Vec<u8> = files.flat_map(|item| fail(item, "SourceChanged")).collect();
    said.push(5);
    let _lane = say_on(lane, said).await;
    dropped(&mut bo, id).await;
    let rows = bo.transfers().await;
    assert!(serde_json::to_vec(&rows).unwrap().len() < 8_000, "five hundred of these fit into one answer");
    assert!(rows[0].why.as_ref().unwrap().contains("1000 item(s) failed"), "{:?}", rows[0].why);
    let Answer::Transfers { rows } = bo.ask(Ask::Transfer { transfer: id.to_string() }).await else { panic!() };
    let bytes = serde_json::to_vec(&rows).unwrap().len();
    assert!(rows[0].failed.len() > 100 && bytes < 1 << 20, "{} in {bytes}", rows[0].failed.len());
}

pub(crate) fn fail(item: u32, code: &str) -> Vec<u8> {
    let mut frame = vec![4];
    frame.extend(item.to_be_bytes());
    frame.push(u8::try_from(code.len()).unwrap());
    frame.extend(code.as_bytes());
    frame
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_failures_than_a_receipt_can_list_hold_it_up_and_lose_nothing() {
    let (mut mallory, mut bo) = intruder("too long").await;
    let held = &mut mallory.held;
    let folder = bo.seat.dir.path().join("many");
    std::fs::create_dir(&folder).unwrap();
    for n in 0..11_000 {
        std::fs::write(folder.join(format!("{n:05}")), b"").unwrap();
    }
    let (id, scan) = offer_of(held, folder).await;
    let question = bo.offer().await;
    bo.ask(yes(&question)).await;
    held.hear("fetch", |f| matches!(f, Frame::Fetch { .. }).then_some(())).await;
    let lane = lane(held, &bo, id).await;
    let mut said: Vec<u8> = (1..scan.manifest().items()).flat_map(|item| fail(item, "SourceChanged")).collect();
    said.push(5);
    let said = say_on(lane, said);
    // It says of each that it failed, and is listened to.
    let paused = held.hear("it is paused", |f| matches!(f, Frame::Pause { transfer } if *transfer == id).then_some(()));
    let (_lane, ()) = tokio::join!(said, paused);
    let row = row(&bo, id).await;
    assert_eq!(row.state, TransferState::Paused);
    assert!(row.why.unwrap().contains("too many"));
    bo.ask(Ask::Resume { transfer: id.to_string() }).await;
    held.hear("it is tried again", |f| matches!(f, Frame::Fetch { .. }).then_some(())).await;
}
