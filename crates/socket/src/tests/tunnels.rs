//! Connections whose bytes travel another way than TCP.

use super::*;
use crate::{Tunnel, dial_through};
use hither_capability::{Denied, radio_address};
use tokio::net::TcpStream;

const ANA: [u8; 6] = [0xc0, 1, 2, 3, 4, 5];
const BO: [u8; 6] = [0xc0, 6, 7, 8, 9, 10];

/// Carries bytes between two ends, as two radios would.
fn carry(mut one: TcpStream, mut two: TcpStream) {
    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut one, &mut two).await });
}

#[tokio::test]
async fn two_devices_meet_through_a_tunnel_as_they_do_over_tcp() {
    let (here, there) = (key(), key());
    let mut host = Host::start(&there, Expected::Only(here.peer_id()));
    let (outward, near_end) = Tunnel::to(radio_address(BO)).unwrap();
    let (inward, far_end) = Tunnel::to(radio_address(ANA)).unwrap();
    carry(near_end, far_end);
    host.tunnels.send(inward).await.unwrap();
    let (grant, profile) = (grant(radio_address(BO)), Profile::default());
    let dialled = dial_through(&grant, outward, RID, &here, Expected::Only(there.peer_id()), &profile).await;
    let (mut near, mut far) = (dialled.unwrap().known().unwrap(), host.arrival().await.known().unwrap());
    assert_eq!((near.remote_addr(), far.remote_addr()), (radio_address(BO), radio_address(ANA)));
    assert_eq!((near.peer(), far.peer()), (there.peer_id(), here.peer_id()));
    near.write_frame(&[5; 100_000]).await.unwrap();
    assert_eq!(far.read_frame(1 << 20).await.unwrap().unwrap(), [5; 100_000]);
    let (closed, end) = tokio::join!(near.close(), far.read_frame(10));
    closed.unwrap();
    assert_eq!(end.unwrap(), None);
}

#[tokio::test]
async fn a_radio_that_nobody_agreed_to_is_not_used_and_no_radio_is_dialled_over_ip() {
    let (here, there) = (key(), key());
    let (tunnel, _end) = Tunnel::to(radio_address(BO)).unwrap();
    let (only, profile) = (Expected::Only(there.peer_id()), Profile::default());
    let outcome = dial_through(&grant(radio_address(ANA)), tunnel, RID, &here, only, &profile).await;
    assert!(matches!(outcome, Err(SocketError::Denied(Denied::OtherAddress { .. }))), "{outcome:?}");
    let mut place = radio_address(BO);
    place.set_port(4_000);
    let outcome = dial(&grant(place), place, RID, &here, only, &profile).await;
    assert!(matches!(outcome, Err(SocketError::Denied(Denied::Address { .. }))), "{outcome:?}");
}

#[tokio::test]
async fn a_lane_runs_through_a_tunnel() {
    use std::io::{Read, Write};
    let (here, there) = (key(), key());
    let mut host = Host::start(&there, Expected::Only(here.peer_id()));
    let (outward, near_end) = Tunnel::to(radio_address(BO)).unwrap();
    let (inward, far_end) = Tunnel::to(radio_address(ANA)).unwrap();
    carry(near_end, far_end);
    host.tunnels.send(inward).await.unwrap();
    let (grant, profile) = (grant(radio_address(BO)), Profile::default());
    let dialled = dial_through(&grant, outward, RID, &here, Expected::Only(there.peer_id()), &profile).await;
    let (near, far) = (dialled.unwrap().known().unwrap(), host.arrival().await.known().unwrap());
    let (mut near, mut far) = (near.into_blocking().unwrap(), far.into_blocking().unwrap());
    let sending = tokio::task::spawn_blocking(move || near.write_all(&[6; 300_000]).and_then(|()| near.finish()));
    let mut got = Vec::new();
    let reading = tokio::task::spawn_blocking(move || far.read_to_end(&mut got).map(|_| got));
    sending.await.unwrap().unwrap();
    assert!(reading.await.unwrap().unwrap() == [6; 300_000]);
}
