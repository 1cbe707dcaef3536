//! Streams through the control socket: half-close, breaks, and clients that leave while they wait.

mod bench;

use bench::{bench, put};
use hither_control::{PipeAsk, message::FromClient};
use hither_model::ErrorCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_pipe_keeps_half_close_and_counts_both_ways() {
    let bench = bench(|_| {});
    let pipe = bench.client().await.pipe(PipeAsk::Connect { peer: "Ana".into(), name: None }).await.unwrap();
    let mut far = bench.paper.far.lock().unwrap().take().unwrap();
    let sent = vec![7; 300_000];
    let (input, out) = (sent.clone(), tokio::io::duplex(1 << 20));
    let (output, mut read) = out;
    let pumped = tokio::spawn(async move { pipe.pump(&input[..], output).await });
    let mut heard = Vec::new();
    far.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, sent, "their end of file comes while our direction is still open");
    far.write_all(b"and back").await.unwrap();
    far.shutdown().await.unwrap();
    let mut back = Vec::new();
    read.read_to_end(&mut back).await.unwrap();
    assert_eq!(back, b"and back");
    let moved = pumped.await.unwrap().unwrap();
    assert_eq!((moved.sent, moved.received), (300_000, 8));
}

#[tokio::test]
async fn t9_a_pipe_that_breaks_is_a_failure_and_never_an_end() {
    let bench = bench(|_| {});
    let pipe = bench.client().await.pipe(PipeAsk::Connect { peer: "Ana".into(), name: None }).await.unwrap();
    let far = bench.paper.far.lock().unwrap().take().unwrap();
    let (keep_open, input) = tokio::io::duplex(64);
    drop(far); // their end of file is clean, but what we send can no longer be delivered
    let pumped = tokio::spawn(async move { pipe.pump(input, tokio::io::sink()).await });
    let mut keep_open = keep_open;
    keep_open.write_all(b"lost").await.unwrap();
    keep_open.shutdown().await.unwrap();
    assert_eq!(pumped.await.unwrap().unwrap_err().code, ErrorCode::Interrupted);
    let refused = bench.client().await.pipe(PipeAsk::Connect { peer: "Nobody".into(), name: None }).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::UnknownId);
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_for_a_stream_is_gone_for_the_engine() {
    let bench = bench(|_| {});
    let mut left = bench.paper.left.subscribe();
    let waits = FromClient::Pipe { id: 1, ask: PipeAsk::Listen { from: None, name: None } };
    let (reader, mut writer) = bench.greeted().await;
    put(&mut writer, &waits).await;
    drop((reader, writer));
    left.recv().await.unwrap();
}
