//! What is remembered on disk: damaged, it is repaired from its backup or refused, and never taken for nothing.

use crate::lab::{Seat, paired, start};
use hither_model::{Ask, ErrorCode, Trust, ask::TrustChoice};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

async fn refusal(seat: Seat) -> (Seat, hither_model::Failure) {
    match seat.try_start().await {
        Ok(agent) => panic!("{} started", agent.name),
        Err(refused) => refused,
    }
}

/// A profile that knows somebody, with the file that says so and its backup.
async fn met(case: &str) -> (Seat, PathBuf, PathBuf) {
    let (ana, bo) = paired(case).await;
    ana.ask(Ask::Close { session: bo.peer.to_string() }).await;
    // A second version of the file, so that the first is its backup.
    ana.ask(Ask::TrustSet { peer: bo.peer.to_string(), to: TrustChoice::Known }).await;
    let seat = ana.stop().await;
    let people = seat.dir.path().join("people");
    let backup = seat.dir.path().join("people.bak");
    (seat, people, backup)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n5_a_trust_store_damaged_together_with_its_backup_stops_the_start_and_stays_as_it_is() {
    let (seat, people, backup) = met("n5").await;
    for damage in [&b""[..], b"hither people 1 00\n{}", b"\xff\xfe\0", b"{}"] {
        fs::write(&people, damage).unwrap();
        fs::write(&backup, damage).unwrap();
        let (_, failure) = refusal(Seat { dir: seat_copy(&seat), ..Seat::new("Copy n5") }).await;
        assert_eq!(failure.code, ErrorCode::StorageFailed, "{failure:?}");
        assert!(failure.hint.is_some_and(|h| h.contains("people")), "it names the file");
        assert_eq!(fs::read(&people).unwrap(), damage);
    }
}

/// The same profile under another path.
fn seat_copy(seat: &Seat) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(seat.dir.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n5_a_damaged_trust_store_is_repaired_from_its_backup() {
    let (seat, people, _) = met("n5 bak").await;
    let whole = fs::read(&people).unwrap();
    fs::write(&people, &whole[..whole.len() / 2]).unwrap();
    let ana = seat.start().await;
    let known = ana.people().await;
    assert_eq!((known.len(), known[0].trust), (1, Trust::Verified));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n5_a_store_of_a_newer_or_older_version_is_refused_whatever_its_backup_says() {
    let (mut seat, people, _) = met("n5 version").await;
    let text = fs::read_to_string(&people).unwrap();
    for version in ["0", "2", "4294967295"] {
        fs::write(&people, text.replacen("hither people 1 ", &format!("hither people {version} "), 1)).unwrap();
        let (back, failure) = refusal(seat).await;
        assert_eq!(failure.code, ErrorCode::StorageFailed);
        let which = if version == "0" { "an older version" } else { "a newer version" };
        assert!(failure.message.contains(which) && failure.message.contains("knows 1"), "{}", failure.message);
        seat = back;
    }
    fs::write(&people, text).unwrap();
    assert_eq!(seat.start().await.people().await.len(), 1, "nothing was lost by refusing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n5_no_other_remembered_file_is_taken_for_empty_when_damaged() {
    let (mut seat, ..) = met("n5 all").await;
    for name in ["sessions", "transfers", "links", "runs", "traces"] {
        let (path, backup) = (seat.dir.path().join(name), seat.dir.path().join(format!("{name}.bak")));
        let before = (fs::read(&path).ok(), fs::read(&backup).ok());
        for path in [&path, &backup] {
            fs::write(path, b"not what was written").unwrap();
        }
        let (back, failure) = refusal(seat).await;
        assert_eq!(failure.code, ErrorCode::StorageFailed, "{name}");
        seat = back;
        for (path, bytes) in [(path, before.0), (backup, before.1)] {
            match bytes {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
        }
    }
    seat.start().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x6_a_damaged_or_exposed_key_stops_the_start_and_no_new_identity_is_made() {
    let ana = start("Ana x6").await;
    let peer = ana.peer;
    let seat = ana.stop().await;
    let key = seat.dir.path().join("identity").join("device.key");
    let text = fs::read(&key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let (seat, failure) = refusal(seat).await;
    assert_eq!(failure.code, ErrorCode::KeyUnusable, "{failure:?}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, &text[..text.len() / 2]).unwrap();
    let (seat, failure) = refusal(seat).await;
    assert_eq!(failure.code, ErrorCode::KeyUnusable, "{failure:?}");
    fs::write(&key, &text).unwrap();
    assert_eq!(seat.start().await.peer, peer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_tells_what_happened_without_a_word_of_the_messages() {
    let (ana, mut bo) = paired("history").await;
    ana.says(&bo.peer.to_string(), "a private word").await;
    bo.hears("a private word").await;
    let bo = bo.again().await;
    let hither_model::Answer::History { rows, .. } =
        bo.ask(Ask::History { peer: None, limit: 100, search: None }).await
    else {
        panic!("no history")
    };
    assert!(rows.iter().any(|row| row.what == "met" && row.peer == Some(ana.peer)), "{rows:?}");
    let file = fs::read_to_string(bo.seat.dir.path().join("history.jsonl")).unwrap();
    assert!(!file.contains("private"));
}
