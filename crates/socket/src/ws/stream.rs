//! A WebSocket as a stream of bytes (R5.1): binary messages only, their bounds mean nothing. Works on our own sockets and on
//! what a [`WebSocketDoor`](super::WebSocketDoor) let in.

use super::{WebSocketControl, WebSocketError, WebSocketInformation, WebSocketUrl, open::open};
use crate::{Names, StreamSocket};
use futures_util::{Sink, Stream};
use hither_capability::Reach;
use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message as Wire,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

/// Most bytes of one message that is sent.
const CHUNK: usize = 64 * 1024;

/// Bytes over a WebSocket. The end of a direction is a close frame: unlike TCP, a WebSocket has no half-closed state, and
/// what the other end still sends after our end is given up.
pub struct StreamWebSocket<S = StreamSocket> {
    pub(super) socket: WebSocketStream<S>,
    information: WebSocketInformation,
    pub(super) limit: usize,
    rest: Vec<u8>,
    taken: usize,
    ended: bool,
    failed: bool,
}

impl StreamWebSocket {
    /// Connects with these settings.
    ///
    /// # Errors
    /// [`WebSocketError`].
    pub async fn connect(
        permission: &Reach,
        control: &WebSocketControl,
        url: &WebSocketUrl,
    ) -> Result<Self, WebSocketError> {
        let mut information = WebSocketInformation::default();
        let socket = open(permission, &Names::system(), control, url, &mut information, |stream| stream).await?;
        Ok(Self::on(socket, information, control.max_message))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> StreamWebSocket<S> {
    pub(super) fn on(socket: WebSocketStream<S>, information: WebSocketInformation, limit: usize) -> Self {
        Self { socket, information, limit, rest: Vec::new(), taken: 0, ended: false, failed: false }
    }

    /// What is known.
    pub fn information(&self) -> &WebSocketInformation {
        &self.information
    }

    fn fail(&mut self, cx: &mut Context<'_>, error: WebSocketError) -> io::Error {
        self.failed = true;
        let frame = CloseFrame { code: CloseCode::from(error.close_code()), reason: "".into() };
        // As far as it goes without waiting.
        let mut socket = Pin::new(&mut self.socket);
        if let Poll::Ready(Ok(())) = socket.as_mut().poll_ready(cx) {
            let _ = socket.as_mut().start_send(Wire::Close(Some(frame)));
            let _ = socket.poll_flush(cx);
        }
        let kind = match &error {
            WebSocketError::Aborted(cause) => cause.kind(),
            WebSocketError::Closed => io::ErrorKind::ConnectionAborted,
            _ => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, error)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for StreamWebSocket<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let rest = self.rest.get(self.taken..).unwrap_or_default();
            if !rest.is_empty() {
                let count = rest.len().min(buf.remaining());
                buf.put_slice(rest.get(..count).unwrap_or_default());
                self.taken += count;
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            if self.failed {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            let error = match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Wire::Binary(bytes))) => {
                    (self.rest, self.taken) = (bytes.into(), 0);
                    continue;
                }
                // 1000 and 1001 are ends; any other code says that something went wrong.
                Some(Ok(Wire::Close(frame))) => match frame.map_or(1005, |frame| u16::from(frame.code)) {
                    1000 | 1001 | 1005 => {
                        self.ended = true;
                        continue;
                    }
                    code => WebSocketError::Misbehaved(format!("it closed with code {code}")),
                },
                Some(Ok(Wire::Text(_))) => WebSocketError::UnexpectedText,
                Some(Ok(_)) => continue,
                Some(Err(error)) => WebSocketError::of(error, self.limit),
                None => WebSocketError::Closed,
            };
            return Poll::Ready(Err(self.fail(cx, error)));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for StreamWebSocket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        if self.failed {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let limit = self.limit;
        let wrong = |error| io::Error::from(ServerOr(WebSocketError::of(error, limit)));
        ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(wrong)?;
        let part = from.get(..from.len().min(CHUNK)).unwrap_or_default();
        Pin::new(&mut self.socket).start_send(Wire::binary(part.to_vec())).map_err(wrong)?;
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let limit = self.limit;
        Pin::new(&mut self.socket).poll_flush(cx).map_err(|error| ServerOr(WebSocketError::of(error, limit)).into())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(Pin::new(&mut self.socket).poll_close(cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => match WebSocketError::of(error, self.limit) {
                WebSocketError::Closed => Poll::Ready(Ok(())),
                other => Poll::Ready(Err(ServerOr(other).into())),
            },
        }
    }
}

/// An error on its way into `std::io`.
struct ServerOr(WebSocketError);

impl From<ServerOr> for io::Error {
    fn from(ServerOr(error): ServerOr) -> Self {
        match error {
            WebSocketError::Aborted(cause) => cause,
            WebSocketError::Server(error) => error.into(),
            other => Self::new(io::ErrorKind::ConnectionAborted, other),
        }
    }
}

impl<S> fmt::Debug for StreamWebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWebSocket").field("information", &self.information).finish_non_exhaustive()
    }
}
