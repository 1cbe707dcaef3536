//! `hither connect`: a stream to any server, its protection asked for and checked. Standard input goes there, what comes back
//! goes to standard output; both ends' ends are kept. What is in use is told on standard error.

use super::{
    network,
    outward::{Way, revoked},
    pipe::Out,
    shown::OnCard,
};
use crate::{desk::Desk, halt::Halt, words};
use clap::{Args, ValueEnum};
use hither_model::{ErrorCode, Failure, Negotiated, ProtectionLevel, text};
use hither_socket::{HostName, ProxyError, ServerError, SocketProtectionLevel, StreamSocket};
use serde::Serialize;
use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf, copy, split};

/// What is taken at once of what a server sends, bytes.
const AT_ONCE: usize = 256 * 1024;

/// A stream to any server, its protection asked for and checked.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither connect example.org 443 --level tls13")]
pub(crate) struct Connect {
    /// A name or an address
    host: String,
    /// A port, or the name of a service
    service: String,
    /// The least protection that is acceptable
    #[arg(long, value_enum, default_value_t = Level::Tls12)]
    level: Level,
    /// Begin in the clear; after a line `.` on standard input, protect the rest (STARTTLS)
    #[arg(long)]
    upgrade: bool,
    /// The name the certificate must be for, if it is not the host's
    #[arg(long, value_name = "H", requires = "upgrade")]
    validate_host: Option<String>,
    #[command(flatten)]
    way: Way,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Plain,
    Tls12,
    Tls13,
}

impl Level {
    fn level(self) -> ProtectionLevel {
        match self {
            Self::Plain => ProtectionLevel::Plain,
            Self::Tls12 => ProtectionLevel::Tls12,
            Self::Tls13 => ProtectionLevel::Tls13,
        }
    }
}

#[derive(Serialize)]
struct Connected<'a> {
    event: &'static str,
    requested: ProtectionLevel,
    negotiated: Option<&'a Negotiated>,
    remote: String,
    by_proxy: bool,
}

impl Connect {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        if self.upgrade && self.level == Level::Plain {
            let message = "an upgrade asks for a level with protection";
            return Err(Failure::new(ErrorCode::Misuse, message)
                .hint("leave --level out, or say tls12 or tls13")
                .into());
        }
        let gate = self.way.gate(desk).await?;
        let permission = Way::permission(desk, &gate).await?;
        let host = host(&self.host)?;
        let mut socket = StreamSocket::new(permission.clone());
        self.way.set(socket.control(), &host, self.level != Level::Plain, &permission)?;
        let shown = self.way.show(desk, socket.control(), &gate, &permission).await?;
        let level = if self.upgrade { ProtectionLevel::Plain } else { self.level.level() };
        let opened = self.open(desk, &mut socket, &host, SocketProtectionLevel::from(level)).await;
        opened.map_err(|halt| OnCard::reason(shown.as_ref(), halt))?;
        tell(desk, &socket)?;
        if self.upgrade {
            let validate = self.validate_host.as_deref().unwrap_or(&self.host);
            plain(&mut socket).await?;
            let level = SocketProtectionLevel::from(self.level.level());
            socket.upgrade(level, &self::host(validate)?).await.map_err(Failure::from)?;
            tell(desk, &socket)?;
        }
        let known = socket.information().clone();
        let (sent, received) = tokio::select! {
            moved = pump(socket) => moved?,
            why = revoked(desk, self.way.stands_on(known.private)) => return Err(why.into()),
            why = network::distrusted(desk, known) => return Err(why.into()),
        };
        desk.screen.remark(&format!("ended: {} sent, {} received", words::size(sent), words::size(received)))
    }
}

impl Connect {
    /// Connects; once more if the proxy asks who we are and there is an answer.
    async fn open(
        &self,
        desk: &Desk<'_>,
        socket: &mut StreamSocket,
        host: &HostName,
        level: SocketProtectionLevel,
    ) -> Result<(), Halt> {
        match socket.connect(host, &self.service, level).await {
            Err(asks @ ServerError::Proxy(ProxyError::NeedsCredential(_))) => {
                self.way.answer_proxy(desk, socket.control(), asks.into()).await?;
                Ok(socket.connect(host, &self.service, level).await.map_err(Failure::from)?)
            }
            other => Ok(other.map_err(Failure::from)?),
        }
    }
}

fn host(name: &str) -> Result<HostName, Failure> {
    HostName::new(name).map_err(|fault| Failure::new(ErrorCode::Misuse, format!("{}: {fault}", text::printable(name))))
}

fn tell(desk: &Desk<'_>, socket: &StreamSocket) -> Result<(), Halt> {
    let known = socket.information();
    let connected = Connected {
        event: "connected",
        requested: known.requested.unwrap_or(ProtectionLevel::Plain),
        negotiated: known.negotiated.as_ref(),
        remote: known.remote_address.map(|address| address.to_string()).unwrap_or_default(),
        by_proxy: known.by_proxy,
    };
    if desk.screen.json() {
        // Standard output belongs to the server's bytes.
        let line = serde_json::to_string(&connected).map_err(std::io::Error::from)?;
        return desk.screen.aside(&line);
    }
    let how = match connected.negotiated {
        Some(used) => format!("{}, {}, {}", used.version, used.cipher, used.kx),
        None => "in the clear".to_owned(),
    };
    let by = if connected.by_proxy { " (the proxy)" } else { "" };
    desk.screen
        .aside(&format!("connected to {}{by}; asked for {}, in use: {how}", connected.remote, connected.requested))
}

/// Lines in the clear, until a line of standard input that is a single dot.
async fn plain(socket: &mut StreamSocket) -> Result<(), Halt> {
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, stdin, stdout};
    // One byte at a time: what follows the dot belongs to the protected part.
    let mut input = BufReader::with_capacity(1, stdin());
    let (mut line, mut out, mut bytes) = (Vec::new(), stdout(), [0; 4096]);
    loop {
        tokio::select! {
            read = input.read_until(b'\n', &mut line) => {
                let ended = read? == 0;
                if ended || matches!(&line[..], b".\n" | b".\r\n") {
                    return Ok(out.flush().await?);
                }
                socket.write_all(&line).await.map_err(failed)?;
                socket.flush().await.map_err(failed)?;
                line.clear();
            }
            read = socket.read(&mut bytes) => match read.map_err(failed)? {
                0 => return Err(Failure::new(ErrorCode::Interrupted, "the server ended the connection before the upgrade").into()),
                count => {
                    out.write_all(bytes.get(..count).unwrap_or_default()).await?;
                    out.flush().await?;
                }
            },
        }
    }
}

/// All that is there, up to the length of the buffer, and whether it was the end: each write to standard output is handed to
/// another thread, which for one TLS record at a time would cost more than the record.
async fn fill(from: &mut (impl AsyncRead + Unpin), buffer: &mut [u8]) -> (usize, Option<std::io::Result<()>>) {
    let mut into = ReadBuf::new(buffer);
    let ended = poll_fn(|cx| {
        loop {
            let before = into.filled().len();
            match Pin::new(&mut *from).poll_read(cx, &mut into) {
                Poll::Pending if before > 0 => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Ok(())) if into.filled().len() == before => return Poll::Ready(Some(Ok(()))),
                Poll::Ready(Ok(())) if into.remaining() == 0 => return Poll::Ready(None),
                Poll::Ready(Ok(())) => {}
            }
        }
    });
    let ended = ended.await;
    (into.filled().len(), ended)
}

/// Both directions, each to its end.
async fn pump(socket: StreamSocket) -> Result<(u64, u64), Halt> {
    let meter = Arc::clone(socket.meter());
    let (mut from, mut to) = split(socket);
    let sending = async {
        copy(&mut tokio::io::stdin(), &mut to).await?;
        to.shutdown().await
    };
    let receiving = async {
        let mut out = Out { to: tokio::io::stdout(), last: true };
        let mut buffer = vec![0; AT_ONCE];
        loop {
            let (count, ended) = fill(&mut from, &mut buffer).await;
            out.write_all(buffer.get(..count).unwrap_or_default()).await?;
            if let Some(ended) = ended {
                ended?;
                return out.shutdown().await;
            }
            out.flush().await?;
        }
    };
    tokio::pin!(sending, receiving);
    // A server that has said its last word may leave us with input nobody reads: its end is the end.
    tokio::select! {
        sent = &mut sending => {
            sent.map_err(failed)?;
            receiving.await.map_err(failed)?;
        }
        received = &mut receiving => received.map_err(failed)?,
    }
    Ok((meter.bytes_out(), meter.bytes_in()))
}

/// An error on the way of bytes: the socket's own, or our standard streams'.
fn failed(error: std::io::Error) -> Halt {
    if error.kind() == std::io::ErrorKind::BrokenPipe && error.get_ref().is_none() {
        return Halt::Unread;
    }
    Failure::from(ServerError::from(error)).into()
}
