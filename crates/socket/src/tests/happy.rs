//! What works between two devices that behave.

use super::*;
use crate::{Admits, PeerStream, Signing};
use hither_model::ProtectionLevel;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn r3_13_both_ends_hand_over_what_was_asked_and_checked() {
    let (here, there) = (key(), key());
    let mut host = Host::start(&there, Expected::Only(here.peer_id()));
    let near = host.call(&here, Expected::Only(there.peer_id())).await.unwrap().known().unwrap();
    let far = host.arrival().await.known().unwrap();
    for (channel, other) in [(&near, &there), (&far, &here)] {
        assert_eq!(channel.requested(), ProtectionLevel::Tls13);
        assert!(channel.verify(ProtectionLevel::Tls13));
        let used = channel.negotiated();
        assert_eq!(
            (used.version.as_str(), used.kx.as_str(), used.alpn.as_str()),
            ("TLS1.3", "X25519MLKEM768", "hither/1")
        );
        assert_eq!(used.cipher, "TLS13_AES_256_GCM_SHA384");
        assert_eq!(channel.peer(), other.peer_id());
        assert_eq!(channel.peer_certificate().spki_sha256, other.peer_id());
        assert_eq!(channel.peer_certificate_der(), other.certified_key().cert[0].as_ref());
        assert_eq!(channel.proof().rid, RID);
    }
    assert!(near.is_client() && !far.is_client());
    assert_eq!((near.local_addr(), near.remote_addr()), (far.remote_addr(), far.local_addr()));
    let label = "EXPORTER-Channel-Binding";
    assert_eq!(near.exporter(label, b"").unwrap(), far.exporter(label, b"").unwrap());
    assert_ne!(near.exporter(label, b"").unwrap(), near.exporter(label, b"x").unwrap());
}

#[tokio::test]
async fn frames_go_both_ways_and_the_end_is_told_from_a_break() {
    let (mut near, mut far) = pair().await;
    near.write_frame(b"ping").await.unwrap();
    assert_eq!(far.read_frame(10).await.unwrap().unwrap(), b"ping");
    let large = vec![7; 1_000_000];
    let (sent, got) = tokio::join!(far.write_frame(&large), near.read_frame(1 << 20));
    sent.unwrap();
    assert!(got.unwrap().unwrap() == large);
    assert_eq!((near.meter().bytes_out(), near.meter().bytes_in()), (far.meter().bytes_in(), far.meter().bytes_out()));
    let (closed, end) = tokio::join!(near.close(), far.read_frame(10));
    closed.unwrap();
    assert_eq!(end.unwrap(), None);
}

#[tokio::test]
async fn r3_8_the_peer_receives_every_byte_and_then_the_end() {
    let (mut near, mut far) = pair().await;
    far.write_frame(b"never read by the one who closes").await.unwrap();
    let closing = async {
        for n in 0..200_u32 {
            near.write_frame(&n.to_be_bytes().repeat(1000)).await.unwrap();
        }
        near.close().await.unwrap();
    };
    let reading = async {
        for n in 0..200_u32 {
            assert_eq!(far.read_frame(4000).await.unwrap().unwrap()[..4], n.to_be_bytes());
        }
        assert_eq!(far.read_frame(4000).await.unwrap(), None);
        far.close().await.unwrap();
    };
    tokio::join!(closing, reading);
}

#[tokio::test]
async fn a_stranger_gets_a_few_small_frames_until_it_is_admitted() {
    struct Yes(PeerId);
    impl Admits for Yes {
        fn peer(&self) -> PeerId {
            self.0
        }
    }
    let (here, there) = (key(), key());
    let mut host = Host::start(&there, Expected::Anyone);
    let mut near = host.call(&here, Expected::Anyone).await.unwrap().stranger().unwrap();
    let mut far = host.arrival().await.stranger().unwrap();
    assert!(near.write_frame(&[1; 4097]).await.is_err());
    for n in 0..64 {
        near.write_frame(&[n; 4096]).await.unwrap();
        assert_eq!(far.read_frame(usize::MAX).await.unwrap().unwrap(), [n; 4096]);
    }
    assert!(matches!(near.write_frame(b"one more").await, Err(SocketError::TooManyFrames(64))));
    let mut near = near.admitted(&Yes(there.peer_id())).unwrap();
    near.write_frame(&[9; 10_000]).await.unwrap();
    assert!(matches!(far.read_frame(usize::MAX).await, Err(SocketError::FrameTooLarge { size: 10_000, limit: 4096 })));
    assert!(matches!(far.read_frame(usize::MAX).await, Err(SocketError::Dead)));
}

#[tokio::test]
async fn an_admission_is_for_one_device() {
    struct Wrong;
    impl Admits for Wrong {
        fn peer(&self) -> PeerId {
            PeerId::new([0; 32])
        }
    }
    let (here, there) = (key(), key());
    let host = Host::start(&there, Expected::Anyone);
    let near = host.call(&here, Expected::Anyone).await.unwrap().stranger().unwrap();
    assert!(matches!(near.admitted(&Wrong), Err(SocketError::Misuse(_))));
}

#[tokio::test]
async fn a_slow_signature_is_made_aside() {
    let (here, there) = (key(), key());
    let profile = Profile { signing: Signing::Aside, ..Profile::default() };
    let mut host = Host::with(&there, Expected::Only(here.peer_id()), profile.clone(), Caps::default());
    let near = dial(&grant(host.at), host.at, RID, &here, Expected::Only(there.peer_id()), &profile).await.unwrap();
    assert_eq!(near.peer(), there.peer_id());
    assert_eq!(host.arrival().await.peer(), here.peer_id());
}

#[tokio::test]
async fn both_address_families_get_the_same_port_and_a_taken_one_is_told() {
    let any = ["127.0.0.1:0".parse().unwrap(), "[::1]:0".parse().unwrap()];
    let bind = |addrs: &[SocketAddr]| {
        StreamSocketListener::bind(gate().listen().unwrap(), addrs, StreamSocketControl::default())
    };
    let listener = bind(&any).unwrap();
    let [v4, v6] = listener.local_addrs() else { panic!("two addresses") };
    assert!(v4.is_ipv4() && v6.is_ipv6() && v4.port() == v6.port() && v4.port() != 0);
    let taken = bind(&[*v4]).unwrap_err();
    assert_eq!(taken.status(), hither_model::SocketErrorStatus::AddressAlreadyInUse);
    assert!(matches!(bind(&[]), Err(SocketError::Misuse(_))));
}

#[tokio::test]
async fn r3_28_round_trip_times_come_from_the_system() {
    let (mut near, mut far) = pair().await;
    near.write_frame(b"x").await.unwrap();
    far.read_frame(10).await.unwrap();
    let times = near.statistics();
    assert!(times.smoothed > 0 && times.max >= times.smoothed && times.min <= times.max, "{times:?}");
}

#[tokio::test]
async fn split_halves_work_on_their_own_and_batches_leave_together() {
    let (near, far) = pair().await;
    let (mut reader, mut writer) = near.split();
    let (mut echo_in, mut echo_out) = far.split();
    let echo = tokio::spawn(async move {
        while let Some(frame) = echo_in.read_frame(1 << 16).await.unwrap() {
            echo_out.write_frame(&frame).await.unwrap();
        }
        echo_out.close().await.unwrap();
    });
    for n in 0..1000_u32 {
        writer.feed(&n.to_be_bytes()).unwrap();
    }
    assert_eq!(writer.queued(), 8000);
    let reading = async {
        for n in 0..1000_u32 {
            assert_eq!(reader.read_frame(4).await.unwrap().unwrap(), n.to_be_bytes());
        }
        assert_eq!(reader.read_frame(4).await.unwrap(), None);
    };
    let writing = async {
        writer.flush().await.unwrap();
        writer.close().await.unwrap();
    };
    tokio::join!(reading, writing);
    echo.await.unwrap();
}

#[tokio::test]
async fn a_link_ends_the_connection_and_does_not_keep_it() {
    let (near, mut far) = pair().await;
    let (mut reader, writer) = near.split();
    let link = reader.link();
    let pending = tokio::spawn(async move { reader.read_frame(10).await });
    tokio::task::yield_now().await;
    link.abort();
    assert!(matches!(pending.await.unwrap(), Err(SocketError::Interrupted(_))));
    drop(writer);
    assert!(matches!(far.read_frame(10).await, Err(SocketError::Interrupted(_))));
    link.abort();
    assert_eq!(link.proof().rid, RID);
}

#[tokio::test]
async fn a_stream_is_closed_one_direction_at_a_time() {
    let (near, far) = pair().await;
    let (mut near, mut far): (PeerStream, PeerStream) = (near.into_stream(), far.into_stream());
    near.write_all(b"question").await.unwrap();
    near.shutdown().await.unwrap();
    let mut heard = String::new();
    far.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "question");
    far.write_all(&vec![b'a'; 300_000]).await.unwrap();
    far.shutdown().await.unwrap();
    let mut answer = Vec::new();
    near.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer.len(), 300_000);
    assert!(near.write_all(b"late").await.is_err());
}

#[tokio::test]
async fn m2_one_byte_at_a_time_makes_the_same_frames() {
    let (near, mut far) = pair().await;
    let mut near = near.into_stream();
    let writing = async {
        for byte in [0, 0, 0, 2, b'h', b'i', 0, 0, 0, 1, b'!'] {
            near.write_all(&[byte]).await.unwrap();
            near.flush().await.unwrap();
        }
        near.shutdown().await.unwrap();
    };
    let reading = async {
        assert_eq!(far.read_frame(2).await.unwrap().unwrap(), b"hi");
        assert_eq!(far.read_frame(2).await.unwrap().unwrap(), b"!");
        assert_eq!(far.read_frame(2).await.unwrap(), None);
    };
    tokio::join!(writing, reading);
}

#[tokio::test]
async fn r3_9_a_read_cancelled_within_a_frame_kills_the_channel_but_not_a_half() {
    for halves in [false, true] {
        let (near, mut far) = pair().await;
        let mut near = near.into_stream();
        near.write_all(&[0, 0, 0, 2, b'h']).await.unwrap();
        let rest = async {
            near.write_all(b"i").await.unwrap();
        };
        if halves {
            let (mut reader, _writer) = far.split();
            cancelled(reader.read_frame(9)).await;
            let (frame, ()) = tokio::join!(reader.read_frame(9), rest);
            assert_eq!(frame.unwrap().unwrap(), b"hi");
        } else {
            cancelled(far.read_frame(9)).await;
            rest.await;
            assert!(matches!(far.read_frame(9).await, Err(SocketError::Dead)));
            assert!(matches!(far.write_frame(b"x").await, Err(SocketError::Dead)));
        }
    }
}

/// Polls until the bytes that are there have been taken, then drops the future.
async fn cancelled<T>(work: impl Future<Output = T>) {
    let mut work = Box::pin(work);
    for _ in 0..20 {
        let done = tokio::select! {
            biased;
            _ = &mut work => true,
            () = tokio::task::yield_now() => false,
        };
        assert!(!done, "it was to be pending");
    }
}

#[tokio::test]
async fn r3_9_a_write_cancelled_midway_kills_the_connection() {
    let (mut near, _far) = pair().await;
    cancelled(near.write_frame(&vec![1; 30_000_000])).await;
    assert!(matches!(near.write_frame(b"x").await, Err(SocketError::Dead)));
    let (near, _far) = pair().await;
    let (mut reader, mut writer) = near.split();
    cancelled(writer.write_frame(&vec![1; 30_000_000])).await;
    assert!(matches!(writer.flush().await, Err(SocketError::Dead)));
    assert!(matches!(reader.read_frame(9).await, Err(SocketError::Dead)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn m2_however_the_bytes_are_cut_the_same_frames_come_out(
        frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..3000), 1..8),
        cuts in proptest::collection::vec(1_usize..2000, 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (near, mut far) = pair().await;
            let mut near = near.into_stream();
            let bytes: Vec<u8> = frames.iter().flat_map(|f| [&(f.len() as u32).to_be_bytes()[..], f].concat()).collect();
            let writing = async {
                let (mut rest, mut cuts) = (bytes.as_slice(), cuts.iter().cycle());
                while !rest.is_empty() {
                    let (now, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                    near.write_all(now).await.unwrap();
                    rest = later;
                }
                near.shutdown().await.unwrap();
            };
            let reading = async {
                for frame in &frames {
                    assert_eq!(&far.read_frame(3000).await.unwrap().unwrap(), frame);
                }
                assert_eq!(far.read_frame(3000).await.unwrap(), None);
            };
            tokio::join!(writing, reading);
        });
    }
}
