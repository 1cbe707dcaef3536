//! Tells when something about the interfaces changed, so that looking at them all the time is not needed. Linux says so
//! on a netlink socket (rtnetlink(7)); elsewhere there is no watch, and looks are more frequent.
//!
//! Nothing of the messages is read: the next look finds out.

use std::io;

/// Hears of changes.
#[derive(Debug)]
pub(crate) struct Watch {
    // Netlink is a datagram socket like any other once it is bound; this type is only the way to wait for it.
    #[cfg(target_os = "linux")]
    socket: tokio::net::UnixDatagram,
}

#[cfg(target_os = "linux")]
impl Watch {
    /// Starts listening. Needs a Tokio runtime.
    ///
    /// # Errors
    /// The system does not allow it.
    pub(crate) fn open() -> io::Result<Self> {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, netlink::SocketAddrNetlink, socket_with};
        /// Links (1), IPv4 addresses (5) and IPv6 addresses (9), as bits of the groups of rtnetlink(7).
        const GROUPS: u32 = 1 | 1 << 4 | 1 << 8;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // Protocol 0 is NETLINK_ROUTE.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        Ok(Self { socket: tokio::net::UnixDatagram::from_std(socket.into())? })
    }

    /// Returns when something changed since the last call. Cancel safe.
    pub(crate) async fn changed(&self) {
        let mut buffer = [0; 64];
        // More than fits was said: a change as well.
        let overrun = |error: &io::Error| error.raw_os_error() == Some(rustix::io::Errno::NOBUFS.raw_os_error());
        match self.socket.recv(&mut buffer).await {
            Err(error) if !overrun(&error) => {
                tracing::debug!(%error, "changes of interfaces are not told any more");
                std::future::pending().await
            }
            _ => while self.socket.try_recv(&mut buffer).is_ok() {},
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Watch {
    /// There is none.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) async fn changed(&self) {
        std::future::pending().await
    }
}
