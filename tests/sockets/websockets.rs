//! WebSockets with Python's `websockets` at the other end, as server and as client, and through nginx.

use crate::lab::{Lab, Program, free_port, have, have_python, permission};
use hither_socket::{
    PasswordCredential, Roots,
    ws::{
        MessageWebSocket, MessageWebSocketReceiveMode, Received, StreamWebSocket, WebSocketControl, WebSocketDoor,
        WebSocketError, WebSocketMessage, WebSocketUrl,
    },
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

/// Sends messages back; `close` makes it close with a code of its own, `parts` send two messages in frames.
const SERVER: &str = r#"
import asyncio, ssl, sys, websockets

async def handler(socket, path=None):
    async for message in socket:
        if message == "close":
            await socket.close(4001, "as you wish")
            return
        if message == "parts":
            await socket.send(["one ☺ ", "", "two ", "three"])
            await socket.ping()
            await socket.send([b"a" * 100_000, b"b" * 100_000])
            continue
        await socket.send(message)

async def main(port, secure, options):
    context = None
    if secure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("server.pem", "server.key")
    async with websockets.serve(handler, "127.0.0.1", port, ssl=context, max_size=None, **options):
        await asyncio.Future()

options = {"subprotocols": ["tea", "coffee"]} if "tea" in sys.argv else {}
if "basic" in sys.argv:
    options["create_protocol"] = websockets.basic_auth_protocol_factory(realm="house", credentials=("ana", "hunter2"))
asyncio.run(main(int(sys.argv[1]), "clear" not in sys.argv, options))
"#;

pub(crate) fn server(lab: &Lab, words: &[&str]) -> (Program, u16) {
    let port = free_port();
    let script = lab.write("server.py", SERVER).display().to_string();
    let number = port.to_string();
    let args = [&[script.as_str(), number.as_str()][..], words].concat();
    (lab.start(port, "/usr/bin/python3", &args), port)
}

fn client(lab: &Lab) -> MessageWebSocket {
    let mut socket = MessageWebSocket::new(permission());
    let roots = Roots::exclusive(&lab.read("ca.pem")).expect("authorities");
    socket.control().outward().expect("fresh").set_roots(roots).expect("fresh");
    socket
}

fn url(port: u16) -> WebSocketUrl {
    WebSocketUrl::parse(&format!("wss://localhost:{port}/")).expect("an address")
}

fn text(text: &str) -> WebSocketMessage {
    WebSocketMessage::Text(text.to_owned())
}

#[tokio::test]
async fn r5_1_and_r5_17_messages_go_to_python_and_back() {
    if !(have(&["openssl"]) && have_python("websockets")) {
        return;
    }
    let lab = Lab::new();
    let (_server, port) = server(&lab, &["tea"]);
    let mut socket = client(&lab);
    socket.control().set_supported_protocols(&["water", "coffee"]).expect("fresh");
    socket.connect(&url(port)).await.expect("a WebSocket");
    assert_eq!(socket.information().protocol.as_deref(), Some("coffee"));
    assert!(socket.information().stream.negotiated.is_some(), "R5.17");
    let large = WebSocketMessage::Binary((0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect());
    for message in [text("hello ☺"), text(""), WebSocketMessage::Binary(vec![]), large] {
        socket.send(message.clone()).await.expect("it takes it");
        assert!(socket.receive().await.expect("it comes back") == Received::Message(message));
    }
    socket.control().message_type = hither_socket::ws::SocketMessageType::Utf8;
    socket.send_nonfinal_frame(b"in ").await.expect("a part");
    socket.send_final_frame(b"parts").await.expect("the last part");
    assert_eq!(socket.receive().await.expect("it comes back"), Received::Message(text("in parts")));
    socket.send(text("close")).await.expect("it takes it");
    let closed = Received::Closed { code: 4001, reason: "as you wish".into() };
    assert_eq!(socket.receive().await.expect("an end in order"), closed);
}

#[tokio::test]
async fn r5_4_messages_of_python_come_in_parts_or_whole() {
    if !(have(&["openssl"]) && have_python("websockets")) {
        return;
    }
    let lab = Lab::new();
    let (_server, port) = server(&lab, &[]);
    let large = [vec![b'a'; 100_000], vec![b'b'; 100_000]].concat();
    for mode in [MessageWebSocketReceiveMode::FullMessage, MessageWebSocketReceiveMode::PartialMessage] {
        let mut socket = client(&lab);
        socket.control().set_receive_mode(mode).expect("fresh");
        socket.connect(&url(port)).await.expect("a WebSocket");
        socket.send(text("parts")).await.expect("it takes it");
        let (mut words, mut bytes, mut parts, mut whole) = (String::new(), Vec::new(), 0, 0);
        while whole < 2 {
            match socket.receive().await.expect("it comes") {
                Received::Message(WebSocketMessage::Text(text)) => (words, whole) = (text, whole + 1),
                Received::Message(WebSocketMessage::Binary(all)) => (bytes, whole) = (all, whole + 1),
                Received::Part { message: WebSocketMessage::Text(text), complete } => {
                    words.push_str(&text);
                    whole += u8::from(complete);
                    assert!(!complete || words.ends_with("three"));
                }
                Received::Part { message: WebSocketMessage::Binary(part), complete } => {
                    bytes.extend(part);
                    parts += 1;
                    whole += u8::from(complete);
                    assert!(!complete || bytes.len() == large.len());
                }
                Received::Closed { code, .. } => panic!("{code}"),
            }
        }
        assert!(words == "one ☺ two three" && bytes == large);
        assert_eq!(parts > 2, mode == MessageWebSocketReceiveMode::PartialMessage, "not frame by frame: as it arrives");
        socket.close(1000, "").await.expect("an end in order");
    }
}

#[tokio::test]
async fn r6_2_python_gets_the_password_only_after_it_asked_and_only_the_right_one_helps() {
    if !(have(&["openssl"]) && have_python("websockets")) {
        return;
    }
    let lab = Lab::new();
    let (_server, port) = server(&lab, &["basic"]);
    let resource = format!("localhost:{port}");
    let credential = |secret: &str| {
        let credential = PasswordCredential::new(&resource, "ana", Zeroizing::new(secret.to_owned()));
        Some(credential.expect("a credential"))
    };
    let mut socket = client(&lab);
    assert!(matches!(socket.connect(&url(port)).await, Err(WebSocketError::NeedsCredential(_))));
    socket.control().set_server_credential(credential("wrong")).expect("not connected");
    assert!(matches!(socket.connect(&url(port)).await, Err(WebSocketError::CredentialRefused)));
    socket.control().set_server_credential(credential("hunter2")).expect("not connected");
    socket.connect(&url(port)).await.expect("a WebSocket");
}

#[tokio::test]
async fn r5_1_a_stream_of_bytes_goes_through_nginx_to_python_and_back() {
    if !(have(&["openssl", "nginx"]) && have_python("websockets")) {
        return;
    }
    let lab = Lab::new();
    let (_server, inner) = server(&lab, &["clear"]);
    let (_nginx, port) = lab.nginx(&format!(
        "location / {{ proxy_pass http://127.0.0.1:{inner}; proxy_http_version 1.1;\n\
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }}"
    ));
    let mut control = WebSocketControl::default();
    let roots = Roots::exclusive(&lab.read("ca.pem")).expect("authorities");
    control.outward().expect("fresh").set_roots(roots).expect("fresh");
    let mut stream = StreamWebSocket::connect(&permission(), &control, &url(port)).await.expect("a stream");
    let sent: Vec<u8> = (0..500_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let mut back = vec![0; sent.len()];
    let (mut from, mut to) = tokio::io::split(&mut stream);
    let (wrote, read) = tokio::join!(
        async {
            to.write_all(&sent).await?;
            to.flush().await
        },
        from.read_exact(&mut back)
    );
    wrote.expect("it takes them");
    read.expect("they come back");
    assert!(back == sent);
    stream.shutdown().await.expect("an end");
}

#[tokio::test]
async fn r5_18_nginx_in_front_of_python_gets_the_client_certificate_or_lets_nobody_in() {
    if !(have(&["openssl", "nginx"]) && have_python("websockets")) {
        return;
    }
    let lab = Lab::new();
    let (_server, inner) = server(&lab, &["clear"]);
    let (_nginx, port) = lab.nginx(&format!(
        "ssl_client_certificate {}; ssl_verify_client on;\n\
         location / {{ proxy_pass http://127.0.0.1:{inner}; proxy_http_version 1.1;\n\
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }}",
        lab.at("ca.pem").display()
    ));
    let mut stranger = client(&lab);
    let error = stranger.connect(&url(port)).await.expect_err("nobody said who we are");
    assert!(matches!(error, WebSocketError::Refused { status: 400, .. }), "{error}");
    let mut known = client(&lab);
    let mine = crate::servers::client_certificate(&lab);
    let stream = known.control().outward().expect("fresh");
    stream.set_client_certificate(Some(mine), &permission()).expect("it is a file's");
    known.connect(&url(port)).await.expect("a WebSocket");
    known.send(text("hello")).await.expect("it takes it");
    assert_eq!(known.receive().await.expect("it comes back"), Received::Message(text("hello")));
}

/// Connects to our door, says what it is told, and prints what it hears.
const CLIENT: &str = r#"
import asyncio, sys, websockets

async def main(url, protocols):
    try:
        async with websockets.connect(url, subprotocols=protocols or None) as socket:
            await socket.send(b"hello")
            print("heard", (await socket.recv()).decode(), socket.subprotocol)
    except websockets.exceptions.InvalidStatusCode as error:
        print("refused", error.status_code, error.headers.get("Sec-WebSocket-Protocol"))

asyncio.run(main(sys.argv[1], sys.argv[2:]))
"#;

#[tokio::test]
async fn r5_7_python_is_let_in_or_told_what_is_expected() {
    if !(have(&["openssl"]) && have_python("websockets")) {
        return;
    }
    let lab = Lab::new();
    let script = lab.write("client.py", CLIENT);
    for (offered, said) in
        [(&["coffee", "tea"][..], "heard hello tea\n"), (&["coffee"], "refused 400 tea\n"), (&[], "refused 400 tea\n")]
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let door = WebSocketDoor {
            protocols: vec!["tea".into()],
            hosts: vec![format!("127.0.0.1:{port}")],
            origins: Vec::new(),
            max_message: 1 << 20,
        };
        let serving = tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.expect("a call");
            let Ok(mut stream) = door.admit(tcp).await else { return };
            let mut bytes = [0; 5];
            stream.read_exact(&mut bytes).await.expect("a message");
            stream.write_all(&bytes).await.expect("an answer");
            stream.flush().await.expect("it is sent");
            // Until the other end closes.
            let _ = stream.read(&mut bytes).await;
        });
        let mut python = tokio::process::Command::new("/usr/bin/python3");
        python.arg(&script).arg(format!("ws://127.0.0.1:{port}/")).args(offered);
        let out = python.output().await.expect("python");
        serving.await.expect("a server");
        assert_eq!(String::from_utf8_lossy(&out.stdout), said, "{}", String::from_utf8_lossy(&out.stderr));
    }
}
