//! Ways through the proxy of the house (R3.7, R6.2): HTTP CONNECT and SOCKS 5. The proxy gets the name and moves bytes;
//! TLS is always end to end inside. Its replies are at most 16 KiB and come within 10 s, or it is given up.
//!
//! What is *not* here: automatic configuration scripts, and proxies reached by TLS themselves.

mod choice;
mod http;
mod socks;

pub use choice::{Environment, Proxies, Proxy, ProxyFault, ProxyKind};

use crate::{
    HostName, SignIn,
    credential::{Reply, resource},
    outward::ServerError,
};
use hither_model::{ErrorCode, SocketErrorStatus};
use std::{fmt, io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::timeout,
};

/// Longest reply of a proxy, bytes.
const MAX_REPLY: usize = 16 * 1024;
/// How long a proxy may take to answer. The way on to the server is in it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the proxy did not let us through. Nothing the proxy wrote is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// It wants to know who we are.
    #[error("the proxy asks for a user name and password ({0})")]
    NeedsCredential(Offered),
    /// It did not take who we are.
    #[error("the proxy did not accept the user name or password")]
    CredentialRefused,
    /// It answered with another HTTP status.
    #[error("the proxy refused the connection (HTTP {0})")]
    Status(u16),
    /// It gave a reason of SOCKS.
    #[error("the proxy could not make the connection: {}", socks::words(*.0))]
    Socks(u8),
    /// What it answered is not what a proxy answers.
    #[error("the proxy's answer makes no sense: {0}")]
    Garbled(&'static str),
    /// It did not answer in time.
    #[error("the proxy did not answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// The connection to it broke.
    #[error("the connection to the proxy broke: {0}")]
    Broken(io::Error),
}

/// Names of the schemes a proxy or server offered, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offered(pub Vec<&'static str>);

impl Offered {
    pub(crate) fn of<'a>(schemes: impl Iterator<Item = &'a str>) -> Self {
        let known = ["basic", "digest", "negotiate", "ntlm", "bearer"];
        let mut all: Vec<_> = schemes.filter_map(|scheme| known.into_iter().find(|known| *known == scheme)).collect();
        all.dedup();
        Self(all)
    }
}

impl fmt::Display for Offered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "an unknown way" } else { "" })?;
        f.write_str(&self.0.join(", "))
    }
}

impl ProxyError {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NeedsCredential(_) | Self::CredentialRefused => ErrorCode::AccessDenied,
            Self::Status(504) | Self::Socks(6) | Self::Silent => ErrorCode::TimedOut,
            Self::Status(_) | Self::Socks(_) => ErrorCode::Unreachable,
            Self::Garbled(_) => ErrorCode::Misbehaved,
            Self::Broken(_) => ErrorCode::Interrupted,
        }
    }

    /// The socket's own word (R7.4).
    pub fn status(&self) -> SocketErrorStatus {
        match self {
            Self::NeedsCredential(_) | Self::CredentialRefused | Self::Status(_) | Self::Garbled(_) => {
                SocketErrorStatus::HttpInvalidServerResponse
            }
            Self::Socks(reply) => socks::status(*reply),
            Self::Silent => SocketErrorStatus::ConnectionTimedOut,
            Self::Broken(cause) => crate::status::of_io(cause),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NeedsCredential(_) => "give a user name and password for the proxy",
            Self::CredentialRefused => "check the user name and password for the proxy",
            Self::Status(_) | Self::Socks(_) => "ask whoever runs the proxy whether it may reach this server",
            Self::Garbled(_) => "check that a proxy listens at this address, and which kind",
            Self::Silent | Self::Broken(_) => "check the proxy, or connect without it",
        }
    }
}

/// Asks the proxy at the other end of `tcp` for a way to the server.
///
/// # Errors
/// [`ProxyError`]; [`ProxyError::NeedsCredential`] also where a credential is at hand: then it is tried once more.
pub(crate) async fn pass<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    proxy: &Proxy,
    to: &HostName,
    port: u16,
    asked: Option<&Reply>,
    sign_in: Option<&SignIn>,
) -> Result<Outcome, ServerError> {
    let work = async {
        match proxy.kind() {
            ProxyKind::Http => http::pass(stream, proxy, &resource(to.canonical(), port), asked, sign_in).await,
            ProxyKind::Socks5 => socks::pass(stream, proxy, to, port).await.map(|()| Outcome::Through),
        }
    };
    timeout(PATIENCE, work).await.unwrap_or(Err(ProxyError::Silent)).map_err(ServerError::Proxy)
}

/// How asking a proxy ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The way is open.
    Through,
    /// It asks, and we have an answer: connect again and give it.
    Asks(Vec<crate::credential::Challenge>),
}

/// Reads until the empty line that ends a head, and not a byte more.
async fn head<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Vec<u8>, ProxyError> {
    let mut head = Vec::with_capacity(512);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_REPLY {
            return Err(ProxyError::Garbled("it is longer than 16 KiB"));
        }
        let byte = stream.read_u8().await.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof if !head.is_empty() => ProxyError::Garbled("it ends in the middle"),
            _ => ProxyError::Broken(error),
        })?;
        head.push(byte);
    }
    Ok(head)
}

#[cfg(test)]
mod tests;
