//! Callers that are many, slow or silent (T5, T6), and a grant that ends.

use super::*;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep},
};

/// The beginning of a record that never ends.
const BEGINNING: &[u8] = &[22, 3, 1, 2, 0, 1];

#[tokio::test]
async fn t5_a_known_device_connects_past_a_crowd_of_slow_callers() {
    let (here, there) = (key(), key());
    let profile = Profile { handshake: Duration::from_secs(2), ..Profile::default() };
    let caps = Caps { per_source: usize::MAX, ..Caps::default() };
    let mut host = Host::with(&there, Expected::Only(here.peer_id()), profile, caps);
    let mut crowd = Vec::new();
    for _ in 0..200 {
        let mut slow = TcpStream::connect(host.at).await.unwrap();
        // Some were turned away by now.
        let _ = slow.write_all(BEGINNING).await;
        crowd.push(slow);
    }
    let started = Instant::now();
    host.call(&here, Expected::Only(there.peer_id())).await.unwrap();
    assert_eq!(host.arrival().await.peer(), here.peer_id());
    assert!(started.elapsed() < Duration::from_secs(2), "it had to wait for the others");
    for mut slow in crowd {
        assert!(matches!(slow.read(&mut [0; 1]).await, Ok(0) | Err(_)), "a slow caller was answered");
    }
}

#[tokio::test(start_paused = true)]
async fn t5_the_clock_is_absolute_so_a_byte_now_and_then_buys_no_time() {
    let there = key();
    let host = Host::start(&there, Expected::Anyone);
    let mut slow = TcpStream::connect(host.at).await.unwrap();
    let started = Instant::now();
    let (mut from, mut to) = slow.split();
    let dripping = async {
        for byte in BEGINNING.iter().chain([0; 300].iter()) {
            if to.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        () = dripping => {}
        end = from.read_u8() => assert!(end.is_err()),
    }
    assert!((9..=12).contains(&started.elapsed().as_secs()), "closed after {:?}", started.elapsed());
    assert!(host.nobody_came().await);
}

#[tokio::test]
async fn t6_idle_callers_are_bounded_and_leave_no_trace() {
    let there = key();
    let profile = Profile { handshake: Duration::from_secs(1), ..Profile::default() };
    let host = Host::with(&there, Expected::Anyone, profile.clone(), Caps::default());
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(TcpStream::connect(host.at).await.unwrap());
    }
    for mut caller in idle {
        assert!(matches!(caller.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    }
    host.call(&key(), Expected::Only(there.peer_id())).await.unwrap();
}

#[tokio::test]
async fn a_revoked_grant_stops_the_listener_and_leaves_accepted_connections_alone() {
    let (here, there) = (key(), key());
    let mut gate = gate();
    let listener = StreamSocketListener::bind(
        gate.listen().unwrap(),
        &["127.0.0.1:0".parse().unwrap()],
        StreamSocketControl::default(),
    )
    .unwrap();
    let at = listener.local_addrs()[0];
    let (out, mut arrivals) = mpsc::channel(1);
    let door = Arc::new(OneDoor(Entry { credential: there, expected: Expected::Anyone, reserved: false }));
    let serving =
        tokio::spawn(listener.serve(door, Profile::default(), Caps::default(), CancellationToken::new(), out));
    let mut near =
        dial(&grant(at), at, RID, &here, Expected::Anyone, &Profile::default()).await.unwrap().stranger().unwrap();
    let mut far = arrivals.recv().await.unwrap().connected.stranger().unwrap();
    gate.revoke(hither_capability::Capability::Proximity);
    assert!(dial(&grant(at), at, RID, &here, Expected::Anyone, &Profile::default()).await.is_err());
    assert!(matches!(serving.await.unwrap(), Err(SocketError::Denied(_))));
    near.write_frame(b"still here").await.unwrap();
    assert_eq!(far.read_frame(100).await.unwrap().unwrap(), b"still here");
}
