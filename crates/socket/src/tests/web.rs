//! Connections between devices whose bytes travel in a WebSocket, with somebody in between who is not to be trusted.

use super::*;
use crate::{
    Tunnel, dial_through,
    outward::tests::lab::permission,
    ws::{PEER_MESSAGE, PEER_PROTOCOL, StreamWebSocket, WebSocketControl, WebSocketDoor, WebSocketUrl},
};
use hither_capability::{is_web, web_address};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What somebody in between does with the bytes of one direction.
type Meddle = fn(&mut Vec<u8>);

/// A web server that hands what it gets on to `host`, after `meddle` had its way with what the host says.
async fn web_server(host: &Host, meddle: Meddle) -> WebSocketUrl {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let door = WebSocketDoor {
        protocols: vec![PEER_PROTOCOL.into()],
        hosts: vec![format!("localhost:{port}")],
        origins: vec![],
        max_message: PEER_MESSAGE,
    };
    let tunnels = host.tunnels.clone();
    tokio::spawn(async move {
        for n in 0.. {
            let (tcp, _) = listener.accept().await.unwrap();
            let stream = door.admit(tcp).await.unwrap();
            let (tunnel, far) = Tunnel::to(web_address([n; 12])).unwrap();
            let (between, near) = Tunnel::to(web_address([n; 12])).unwrap();
            tokio::spawn(relay(between.end, far, meddle));
            tokio::spawn(stream.carry(near));
            tunnels.send(tunnel).await.unwrap();
        }
    });
    WebSocketUrl::parse(&format!("ws://localhost:{port}/hither")).unwrap()
}

async fn relay(mut here: TcpStream, mut there: TcpStream, meddle: Meddle) {
    let ((mut from_here, mut to_here), (mut from_there, mut to_there)) = (here.split(), there.split());
    let up = tokio::io::copy(&mut from_here, &mut to_there);
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from_there.read(&mut buffer).await {
            let mut bytes = buffer[..count].to_vec();
            meddle(&mut bytes);
            to_here.write_all(&bytes).await?;
        }
        to_here.shutdown().await
    };
    let _ = tokio::join!(up, down);
}

async fn call(url: &WebSocketUrl, me: &Arc<dyn Credential>, whom: PeerId) -> Result<Connected, SocketError> {
    let mut control = WebSocketControl::default();
    control.set_in_clear(true).unwrap();
    control.set_supported_protocols(&[PEER_PROTOCOL]).unwrap();
    control.set_max_message_size(PEER_MESSAGE).unwrap();
    let stream = StreamWebSocket::connect(&permission(), &control, url).await.unwrap();
    let (tunnel, end) = Tunnel::to(web_address([0xff; 12])).unwrap();
    tokio::spawn(stream.carry(end));
    let grant = grant(web_address([0xff; 12]));
    dial_through(&grant, tunnel, RID, me, Expected::Only(whom), &Profile::default()).await
}

#[tokio::test]
async fn p6_two_devices_meet_inside_a_websocket_and_each_direction_ends_by_itself() {
    let (here, there) = (key(), key());
    let mut host = Host::start(&there, Expected::Only(here.peer_id()));
    let url = web_server(&host, |_| {}).await;
    let near = call(&url, &here, there.peer_id()).await.unwrap().known().unwrap();
    let far = host.arrival().await.known().unwrap();
    assert!(is_web(far.remote_addr()), "the web server's address is nobody's");
    assert_eq!((near.peer(), far.peer()), (there.peer_id(), here.peer_id()));
    let (mut near, mut far) = (near.into_stream(), far.into_stream());
    near.write_all(&[5; 300_000]).await.unwrap();
    near.shutdown().await.unwrap();
    let mut heard = Vec::new();
    far.read_to_end(&mut heard).await.unwrap();
    assert!(heard == [5; 300_000]);
    far.write_all(b"thank you").await.unwrap();
    far.shutdown().await.unwrap();
    let mut answer = String::new();
    near.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "thank you");
}

#[tokio::test]
async fn p6_who_answers_in_place_of_the_device_does_not_hold_its_key() {
    let (here, there, proxy) = (key(), key(), key());
    let host = Host::start(&proxy, Expected::Anyone);
    let url = web_server(&host, |_| {}).await;
    let outcome = call(&url, &here, there.peer_id()).await;
    assert!(matches!(outcome, Err(SocketError::IdentityChanged { .. })), "{outcome:?}");
    assert!(host.nobody_came().await);
}

#[tokio::test]
async fn p6_bytes_that_are_put_in_or_changed_on_the_way_end_the_connection() {
    let (here, there) = (key(), key());
    let flip: Meddle = |bytes| bytes.last_mut().into_iter().for_each(|byte| *byte ^= 1);
    for meddle in [flip, |bytes| bytes.extend_from_slice(b"GET / HTTP/1.1\r\n\r\n"), |bytes| bytes.insert(0, 22)] {
        let host = Host::start(&there, Expected::Only(here.peer_id()));
        let url = web_server(&host, meddle).await;
        let refused = match call(&url, &here, there.peer_id()).await {
            Err(_) => true,
            // What was put in behind the handshake breaks the first read.
            Ok(connected) => connected.known().unwrap().read_frame(100).await.is_err(),
        };
        assert!(refused);
    }
}
