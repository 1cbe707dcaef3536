//! How fast a WebSocket's stream is beside the TLS stream it runs on: `stream_ratio MEBIBYTES ROUNDS`, both ways in turn, on loopback
//! in one process. The server is rustls and tungstenite without any of ours. One line of JSON.

use hither_capability::{Gate, Manifest, Networks, Reach};
use hither_socket::{
    HostName, Roots, SocketProtectionLevel, StreamSocket,
    ws::{StreamWebSocket, WebSocketControl, WebSocketUrl},
};
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs, pki_types::PrivatePkcs8KeyDer};
use std::{
    io::{self, Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
    time::Instant,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{self, Message};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What is written at once, bytes.
const BLOCK: usize = 64 * 1024;

/// Serves one caller: so many blocks, as messages or as they are.
fn serve(listener: &TcpListener, config: Arc<ServerConfig>, blocks: usize, web: bool) -> Result<(), Failure> {
    let (tcp, _) = listener.accept()?;
    tcp.set_nodelay(true)?;
    let mut stream = StreamOwned::new(ServerConnection::new(config)?, tcp);
    let block = tungstenite::Bytes::from(vec![7; BLOCK]);
    if web {
        let mut socket = tungstenite::accept(stream).map_err(|error| error.to_string())?;
        (0..blocks).try_for_each(|_| socket.send(Message::Binary(block.clone())))?;
        // Until the other end has gone.
        while socket.read().is_ok() {}
    } else {
        stream.read_exact(&mut [0])?;
        (0..blocks).try_for_each(|_| stream.write_all(&block))?;
        stream.conn.send_close_notify();
        stream.flush()?;
    }
    Ok(())
}

/// Reads so many bytes; how many a second came.
async fn drain(stream: &mut (impl AsyncRead + Unpin), bytes: usize) -> Result<f64, Failure> {
    let (mut buffer, mut left, began) = (vec![0; BLOCK], bytes, Instant::now());
    while left > 0 {
        match stream.read(&mut buffer).await? {
            0 => return Err("it ended early".into()),
            count => left = left.saturating_sub(count),
        }
    }
    Ok(bytes as f64 / began.elapsed().as_secs_f64())
}

async fn measure(
    permission: &Reach,
    roots: &Roots,
    config: &Arc<ServerConfig>,
    blocks: usize,
    web: bool,
) -> Result<f64, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let config = Arc::clone(config);
    let server = thread::spawn(move || serve(&listener, config, blocks, web));
    let speed = if web {
        let mut control = WebSocketControl::default();
        control.outward()?.set_roots(roots.clone())?;
        let url = WebSocketUrl::parse(&format!("wss://localhost:{port}/"))?;
        let mut stream = StreamWebSocket::connect(permission, &control, &url).await?;
        drain(&mut stream, blocks * BLOCK).await?
    } else {
        let mut stream = StreamSocket::new(permission.clone());
        stream.control().set_roots(roots.clone())?;
        let host = HostName::new("localhost")?;
        stream.connect(&host, &port.to_string(), SocketProtectionLevel::Tls13).await?;
        stream.write_all(b".").await?;
        stream.flush().await?;
        drain(&mut stream, blocks * BLOCK).await?
    };
    server.join().map_err(|_| "the server ended unexpectedly")??;
    Ok(speed)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let number = |at, usual| std::env::args().nth(at).map_or(Ok(usual), |text| text.parse::<usize>());
    let (blocks, rounds) = (number(1, 1024)? * (1 << 20) / BLOCK, number(2, 5)?.max(1));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    let config = Arc::new(config);
    let roots = Roots::exclusive(made.cert.pem().as_bytes())?;
    let manifest = Manifest::parse(r#"capabilities = ["internetClient"]"#)?;
    let permission = Gate::new(manifest, Default::default(), true).reach(Networks::public())?;
    let (mut tls, mut web) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        tls.push(measure(&permission, &roots, &config, blocks, false).await?);
        web.push(measure(&permission, &roots, &config, blocks, true).await?);
    }
    let median = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default() / 1e6
    };
    let (tls, web) = (median(tls), median(web));
    writeln!(io::stdout(), "{{\"tls\":{tls:.0},\"websocket\":{web:.0},\"ratio\":{:.3}}}", web / tls)?;
    Ok(())
}
