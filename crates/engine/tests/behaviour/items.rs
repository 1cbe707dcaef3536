//! The items of a transfer as a face lists them: before the yes, on their way, and long after.

use crate::{
    lab::{Agent, no, paired, yes},
    resume::under_way,
    transfers::{done, dropped, is, row, send},
};
use hither_model::{Answer, Ask, ErrorCode, ItemState, TransferId, TransferState, row::ItemRow};
use std::fs;

async fn items(agent: &Agent, id: TransferId, after: u64, limit: u32) -> (Vec<ItemRow>, u64) {
    let Answer::Items { rows, total } = agent.ask(Ask::Items { transfer: id.to_string(), after, limit }).await else {
        panic!("no items")
    };
    (rows, total)
}

fn all_are(rows: &[ItemRow], state: ItemState) -> bool {
    rows.iter().all(|row| row.state == state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_are_listed_in_pages_before_the_yes_after_the_end_and_after_a_restart() {
    let (mut ana, mut bo) = paired("items").await;
    let folder = ana.seat.dir.path().join("many");
    fs::create_dir(&folder).unwrap();
    for n in 0..1_200 {
        fs::write(folder.join(format!("{n:04}")), [7; 3]).unwrap();
    }
    let id = send(&ana, &bo, folder).await;
    let question = bo.offer().await;
    for agent in [&ana, &bo] {
        let (rows, total) = items(agent, id, 0, 50_000).await;
        assert_eq!((rows.len(), total), (1_000, 1_201), "a page has an end");
        assert!(all_are(&rows, ItemState::Waiting));
        assert_eq!((rows[0].path.as_str(), rows[0].folder, rows[0].bytes), ("many", true, 0));
        assert_eq!((rows[1].path.as_str(), rows[1].folder, rows[1].bytes), ("many/0000", false, 3));
    }
    bo.ask(yes(&question)).await;
    done(&mut bo, id).await;
    done(&mut ana, id).await;
    let there = row(&bo, id).await;
    assert_eq!(there.path, Some(bo.inbox().join("many").display().to_string()));
    let here = row(&ana, id).await;
    assert!(there.at > 1_600_000_000 && here.path.is_none());
    // Each side notes the time by its own clock.
    for (agent, at) in [(ana.again().await, here.at), (bo.again().await, there.at)] {
        let (first, _) = items(&agent, id, 0, 700).await;
        let (second, total) = items(&agent, id, 700, 700).await;
        assert_eq!((first.len(), second.len(), total), (700, 501, 1_201));
        let numbers: Vec<u64> = first.iter().chain(&second).map(|row| row.index).collect();
        assert_eq!(numbers, (0..1_201).collect::<Vec<_>>());
        assert!(all_are(&first, ItemState::Kept) && all_are(&second, ItemState::Kept));
        assert_eq!(items(&agent, id, 1_201, 10).await, (vec![], 1_201));
        assert_eq!(row(&agent, id).await.at, at);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_on_its_way_is_told_from_those_that_wait_and_a_canceled_one_has_failed() {
    let (mut ana, mut bo, id, _) = under_way("item moves").await;
    is(&mut ana, id, TransferState::Moving).await;
    for agent in [&ana, &bo] {
        let (rows, _) = items(agent, id, 0, 10).await;
        assert!(matches!(rows[0].state, ItemState::Moving | ItemState::Kept), "{rows:?}");
    }
    bo.ask(Ask::Cancel { transfer: id.to_string() }).await;
    is(&mut bo, id, TransferState::Dropped).await;
    is(&mut ana, id, TransferState::Dropped).await;
    let (rows, _) = items(&bo, id, 0, 10).await;
    assert_eq!((rows[0].state, rows[0].why.as_deref()), (ItemState::Failed, Some("canceled here")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_nobody_consented_to_is_not_kept() {
    let (mut ana, mut bo) = paired("no list").await;
    let file = ana.file("unwanted", 1, 10);
    let id = send(&ana, &bo, file).await;
    let question = bo.offer().await;
    bo.ask(no(&question)).await;
    dropped(&mut bo, id).await;
    dropped(&mut ana, id).await;
    assert_eq!(bo.refused(Ask::Items { transfer: id.to_string(), after: 0, limit: 1 }).await, ErrorCode::Stale);
    assert_eq!(bo.refused(Ask::Items { transfer: "ffff".into(), after: 0, limit: 1 }).await, ErrorCode::UnknownId);
}
