//! A connection whose bytes travel some other way than TCP: by radio, or in a WebSocket. The socket code keeps its one kind of stream, and
//! the other end of a pair inside this process carries the bytes on.

use std::{io, net::SocketAddr};
use tokio::net::TcpStream;

/// One end, as TLS uses it.
#[derive(Debug)]
pub struct Tunnel {
    pub(crate) end: TcpStream,
    /// Whom it leads to: a radio's address ([`hither_capability::radio_address`]), or the name of a route through a web
    /// server ([`hither_capability::web_address`]).
    pub(crate) remote: SocketAddr,
}

impl Tunnel {
    /// A tunnel to `remote`, and the end whose bytes the caller carries there and back. Needs a tokio runtime.
    ///
    /// # Errors
    /// The system's, when it has no descriptors left.
    pub fn to(remote: SocketAddr) -> io::Result<(Self, TcpStream)> {
        let (end, other) = pair()?;
        Ok((Self { end, remote }, other))
    }
}

/// Two ends of a stream that no other process can reach.
#[cfg(unix)]
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    use std::os::{fd::OwnedFd, unix::net::UnixStream};
    let (one, two) = UnixStream::pair()?;
    let stream = |end: UnixStream| {
        end.set_nonblocking(true)?;
        // A connected stream socket is one whatever its family; only options and addresses of TCP are missing.
        TcpStream::from_std(std::net::TcpStream::from(OwnedFd::from(end)))
    };
    Ok((stream(one)?, stream(two)?))
}
