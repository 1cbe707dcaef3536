//! A channel as a stream. It is closed in both directions at once, by either side; the library below does not notice that
//! when the system says it in its own way: the socket is reported as hung up for ever, and reading it finds nothing,
//! neither an end nor an error. Whoever waits for it then would be woken without end, so the end is looked for here.

use bluer::l2cap::Stream;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is asked of the system's end of a channel.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {
    /// Whether there is somebody at the other end.
    fn connected(&self) -> bool;
}

impl Socket for Stream {
    fn connected(&self) -> bool {
        self.peer_addr().is_ok()
    }
}

/// A channel.
pub(super) struct Channel<S>(S);

impl<S: Socket> Channel<S> {
    pub(super) fn new(socket: S) -> Self {
        Self(socket)
    }
}

impl<S: Socket> AsyncRead for Channel<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        if read.is_ready() || self.0.connected() {
            return read;
        }
        // What came between the two looks is read; if there is nothing, this is the end.
        match Pin::new(&mut self.0).poll_read(cx, buf) {
            Poll::Pending => Poll::Ready(Ok(())),
            read => read,
        }
    }
}

impl<S: Socket> AsyncWrite for Channel<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    /// Says nothing about its end by itself, as the system's does.
    struct Mute {
        stream: DuplexStream,
        connected: bool,
    }

    impl Socket for Mute {
        fn connected(&self) -> bool {
            self.connected
        }
    }

    impl AsyncRead for Mute {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let read = Pin::new(&mut self.stream).poll_read(cx, buf);
            if read.is_pending() {
                // Hung up for ever: whoever waits is woken at once.
                cx.waker().wake_by_ref();
            }
            read
        }
    }

    impl AsyncWrite for Mute {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.stream).poll_write(cx, bytes)
        }
        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_flush(cx)
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_channel_that_was_closed_is_read_to_its_end() {
        let (stream, mut other) = tokio::io::duplex(64);
        other.write_all(b"the last words").await.unwrap();
        let mut channel = Channel::new(Mute { stream, connected: false });
        let mut all = Vec::new();
        channel.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"the last words");
    }

    #[tokio::test]
    async fn an_open_channel_is_waited_for() {
        let (stream, mut other) = tokio::io::duplex(64);
        let mut channel = Channel::new(Mute { stream, connected: true });
        let speaking = async {
            tokio::task::yield_now().await;
            other.write_all(b"late").await.unwrap();
        };
        let mut bytes = [0; 4];
        let (read, ()) = tokio::join!(channel.read_exact(&mut bytes), speaking);
        assert_eq!((read.unwrap(), &bytes), (4, b"late"));
    }
}
