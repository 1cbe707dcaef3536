//! Lanes for bulk data.

use super::*;
use crate::BlockingLane;
use std::{
    io::{ErrorKind, Read, Write},
    thread,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn lanes() -> (BlockingLane, BlockingLane) {
    let (near, far) = pair().await;
    (near.into_blocking().unwrap(), far.into_blocking().unwrap())
}

/// Bytes that repeat at no round distance.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8 ^ (n / 65_521) as u8).collect()
}

#[tokio::test]
async fn a_blocking_lane_moves_64_mib_intact() {
    let (mut near, mut far) = lanes().await;
    let data = pattern(64 << 20);
    let expected = data.clone();
    let sender = thread::spawn(move || {
        // Headers of a few bytes between large blocks, as a transfer writes them.
        for block in data.chunks(1_000_003) {
            near.write_all(&[1, 2, 3]).unwrap();
            near.write_all(block).unwrap();
        }
        near.finish().unwrap();
        near.meter().bytes_out()
    });
    for block in expected.chunks(1_000_003) {
        let mut header = [0; 3];
        far.read_exact(&mut header).unwrap();
        let mut got = vec![0; block.len()];
        far.read_exact(&mut got).unwrap();
        assert!(header == [1, 2, 3] && got == block);
    }
    assert_eq!(far.read(&mut [0; 10]).unwrap(), 0);
    assert_eq!(far.meter().bytes_in(), sender.join().unwrap());
}

#[tokio::test]
async fn one_byte_reads_and_writes_of_a_lane_work_in_both_directions() {
    let (mut near, mut far) = lanes().await;
    let data = pattern(20_000);
    for byte in &data {
        near.write_all(&[*byte]).unwrap();
    }
    near.finish().unwrap();
    near.finish().unwrap();
    let mut got = Vec::new();
    let mut byte = [0; 1];
    while far.read(&mut byte).unwrap() == 1 {
        got.extend(byte);
    }
    assert!(got == data);
    far.write_all(b"thanks").unwrap();
    far.finish().unwrap();
    let mut answer = String::new();
    near.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "thanks");
    assert!(near.write(b"late").is_err());
}

#[tokio::test]
async fn a_lane_and_a_stream_speak_the_same_tls() {
    let (near, far) = pair().await;
    let (mut lane, mut stream) = (near.into_blocking().unwrap(), far.into_stream());
    let data = pattern(3_000_000);
    let expected = data.clone();
    let blocking = thread::spawn(move || {
        lane.write_all(&data).unwrap();
        lane.finish().unwrap();
        let mut back = Vec::new();
        lane.read_to_end(&mut back).unwrap();
        back
    });
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await.unwrap();
    assert!(got == expected);
    stream.write_all(&got).await.unwrap();
    stream.shutdown().await.unwrap();
    let back = tokio::task::spawn_blocking(|| blocking.join().unwrap()).await.unwrap();
    assert!(back == expected);
}

#[tokio::test]
async fn nothing_is_lost_when_a_channel_with_unread_bytes_becomes_a_lane() {
    let (near, mut far) = pair().await;
    let (reader, mut writer) = near.split();
    // Two frames in one record, then a record more.
    writer.feed(b"first").unwrap();
    writer.feed(b"second").unwrap();
    writer.flush().await.unwrap();
    writer.write_frame(&pattern(50_000)).await.unwrap();
    drop((reader, writer)); // so that missing bytes are an error and not a wait
    assert_eq!(far.read_frame(10).await.unwrap().unwrap(), b"first");
    let mut far = far.into_blocking().unwrap();
    let mut got = vec![0; 4 + 6 + 4 + 50_000];
    far.read_exact(&mut got).unwrap();
    assert!(got == [&[0, 0, 0, 6][..], b"second", &50_000_u32.to_be_bytes(), &pattern(50_000)].concat());
}

#[tokio::test]
async fn t9_a_lane_that_is_cut_off_is_not_a_finished_one() {
    let (mut near, mut far) = lanes().await;
    near.write_all(b"half of").unwrap();
    near.flush().unwrap();
    drop(near);
    let mut got = Vec::new();
    assert_eq!(far.read_to_end(&mut got).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(got, b"half of");
    assert!(far.read(&mut [0; 4]).is_err(), "and it stays so");
}

#[tokio::test]
async fn a_blocked_lane_is_ended_from_another_thread() {
    let (mut near, far) = lanes().await;
    let handle = near.abort_handle();
    let blocked = thread::spawn(move || near.read(&mut [0; 10]));
    handle.abort();
    assert!(blocked.join().unwrap().is_err());
    let handle = far.abort_handle();
    let mut far = far;
    let blocked = thread::spawn(move || far.write_all(&vec![0; 64 << 20]));
    handle.abort();
    assert!(blocked.join().unwrap().is_err());
}

#[tokio::test]
async fn a_fresh_lane_may_send_256_gib() {
    let (near, _far) = lanes().await;
    let remaining = near.remaining();
    assert!((255 << 30..256 << 30).contains(&remaining), "{remaining}");
}

#[tokio::test]
async fn t8_a_key_update_in_a_lane_ends_it() {
    let (lane, mut far) = adversary::against_library().await;
    let mut lane = lane.into_blocking().unwrap();
    far.tls.refresh_traffic_keys().unwrap();
    far.push().await;
    let read = tokio::task::spawn_blocking(move || lane.read(&mut [0; 10])).await.unwrap();
    let error: SocketError = *read.unwrap_err().into_inner().unwrap().downcast().unwrap();
    assert!(matches!(error, SocketError::Misbehaved(_)), "{error}");
}
