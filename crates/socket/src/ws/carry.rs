//! A WebSocket as the way of two devices' bytes (P6, P7): what one end of a [`Tunnel`](crate::Tunnel) says travels in binary
//! messages to the other. The devices' own TLS is inside; whoever opens the outer one in between proves and reads nothing.
//!
//! A WebSocket has no half-closed state, and a stream of ours needs one: an empty message says that its sender's direction
//! has ended. When both have, the WebSocket is closed. Pings keep web servers from ending what is silent for a while.

use super::{StreamWebSocket, WebSocketError};
use futures_util::{SinkExt, StreamExt, stream::SplitSink, stream::SplitStream};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message as Wire,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

/// The sub-protocol of devices' streams.
pub const PEER_PROTOCOL: &str = "hither-1";
/// Largest message that is taken of another device, bytes; ours are smaller.
pub const PEER_MESSAGE: usize = 256 * 1024;

/// Most bytes of one message that is sent.
const CHUNK: usize = 64 * 1024;
/// Silence after which a ping goes out: web servers end what is silent for a minute.
const PING: Duration = Duration::from_secs(20);
/// Silence after which the other end counts as gone (P7).
const SILENT: Duration = Duration::from_secs(60);
/// Pings and pongs that are taken within [`WINDOW`] (P7).
const MAX_CONTROL: u32 = 64;
const WINDOW: Duration = Duration::from_secs(10);
/// How long the last words may take.
const PARTING: Duration = Duration::from_secs(2);

/// What both directions know of each other.
#[derive(Default)]
struct Ends {
    ours: AtomicBool,
    theirs: AtomicBool,
}

impl Ends {
    fn ours(&self) -> bool {
        self.ours.load(Ordering::Acquire)
    }

    fn theirs(&self) -> bool {
        self.theirs.load(Ordering::Acquire)
    }

    fn both(&self) -> bool {
        self.ours() && self.theirs()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> StreamWebSocket<S> {
    /// Carries bytes between this WebSocket and `end`, the other end of a [`Tunnel`](crate::Tunnel), until both directions
    /// ended or something broke; then both are closed. For a WebSocket nothing was read from yet.
    ///
    /// # Errors
    /// [`WebSocketError`]: text came (closed with 1003), a message was too large (1009), too many pings, silence for a minute,
    /// bytes behind the end of their direction (1002), or the connection broke.
    pub async fn carry(self, mut end: TcpStream) -> Result<(), WebSocketError> {
        let (limit, ends) = (self.limit, Ends::default());
        let (mut sink, mut stream) = self.socket.split();
        let (from, to) = end.split();
        let outcome = tokio::select! {
            outcome = outward(&mut sink, from, &ends, limit) => outcome,
            outcome = inward(&mut stream, to, &ends, limit) => outcome,
        };
        drop(end);
        if let Ok(socket) = sink.reunite(stream) {
            let _ = timeout(PARTING, part(socket, outcome.as_ref().err())).await;
        }
        outcome
    }
}

/// From the tunnel into messages, and a ping where there is nothing to say.
async fn outward<S: AsyncRead + AsyncWrite + Unpin>(
    sink: &mut SplitSink<WebSocketStream<S>, Wire>,
    mut from: ReadHalf<'_>,
    ends: &Ends,
    limit: usize,
) -> Result<(), WebSocketError> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let message = tokio::select! {
            count = from.read(&mut buffer), if !ends.ours() => {
                let count = count.map_err(WebSocketError::Aborted)?;
                ends.ours.store(count == 0, Ordering::Release);
                Wire::binary(buffer.get(..count).unwrap_or_default().to_vec())
            }
            () = tokio::time::sleep(PING) => Wire::Ping(Vec::new().into()),
        };
        sink.send(message).await.map_err(|error| WebSocketError::of(error, limit))?;
        if ends.both() {
            return Ok(());
        }
    }
}

/// From messages into the tunnel.
async fn inward<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut SplitStream<WebSocketStream<S>>,
    mut to: WriteHalf<'_>,
    ends: &Ends,
    limit: usize,
) -> Result<(), WebSocketError> {
    let (mut control, mut since) = (0, Instant::now());
    loop {
        let heard = tokio::select! {
            heard = stream.next() => heard,
            () = sleep_until(Instant::now() + SILENT) => return Err(WebSocketError::TimedOut),
        };
        match heard {
            Some(Ok(Wire::Binary(bytes))) if ends.theirs() => {
                let what = if bytes.is_empty() { "a second end" } else { "bytes behind the end" };
                return Err(WebSocketError::Misbehaved(format!("{what} of its direction")));
            }
            Some(Ok(Wire::Binary(bytes))) if bytes.is_empty() => {
                ends.theirs.store(true, Ordering::Release);
                to.shutdown().await.map_err(WebSocketError::Aborted)?;
                if ends.both() {
                    return Ok(());
                }
            }
            Some(Ok(Wire::Binary(bytes))) => to.write_all(&bytes).await.map_err(WebSocketError::Aborted)?,
            Some(Ok(Wire::Ping(_) | Wire::Pong(_))) => {
                if since.elapsed() >= WINDOW {
                    (control, since) = (0, Instant::now());
                }
                control += 1;
                if control > MAX_CONTROL {
                    return Err(WebSocketError::Misbehaved("more pings than anybody needs".into()));
                }
            }
            Some(Ok(Wire::Text(_))) => return Err(WebSocketError::UnexpectedText),
            // 1000 and 1001 are ends; any other code says that something went wrong.
            Some(Ok(Wire::Close(frame))) => {
                return match frame.map_or(1005, |frame| u16::from(frame.code)) {
                    1000 | 1001 | 1005 => Ok(()),
                    code => Err(WebSocketError::Misbehaved(format!("it closed with code {code}"))),
                };
            }
            Some(Ok(Wire::Frame(_))) => {}
            Some(Err(error)) => return Err(WebSocketError::of(error, limit)),
            None => return Err(WebSocketError::Closed),
        }
    }
}

/// Says why it ends and waits for the other end's word, so that what is on its way arrives.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocketStream<S>, error: Option<&WebSocketError>) {
    let code = match error {
        None | Some(WebSocketError::Aborted(_)) => CloseCode::Normal,
        Some(error) => CloseCode::from(error.close_code()),
    };
    if socket.close(Some(CloseFrame { code, reason: "".into() })).await.is_ok() {
        while let Some(Ok(_)) = socket.next().await {}
    }
}

#[cfg(test)]
mod tests;
