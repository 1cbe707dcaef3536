//! SOCKS 5 (RFC 1928), with user name and password (RFC 1929) only where there is a credential for this proxy. Names are
//! looked up by the proxy.

use super::{Proxy, ProxyError};
use crate::HostName;
use hither_model::SocketErrorStatus;
use std::net::IpAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

const VERSION: u8 = 5;
const NOBODY: u8 = 0;
const PASSWORD: u8 = 2;
const NOTHING_SUITS: u8 = 0xff;

pub(super) async fn pass<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    proxy: &Proxy,
    to: &HostName,
    port: u16,
) -> Result<(), ProxyError> {
    let methods: &[u8] = if proxy.credential().is_some() { &[NOBODY, PASSWORD] } else { &[NOBODY] };
    let mut hello = vec![VERSION, u8::try_from(methods.len()).unwrap_or(0)];
    hello.extend_from_slice(methods);
    send(stream, &hello).await?;
    match take::<S, 2>(stream).await? {
        [VERSION, NOBODY] => {}
        [VERSION, PASSWORD] => sign_in(stream, proxy).await?,
        [VERSION, NOTHING_SUITS] if proxy.credential().is_some() => return Err(ProxyError::CredentialRefused),
        [VERSION, NOTHING_SUITS] => return Err(ProxyError::NeedsCredential(super::Offered::default())),
        _ => return Err(ProxyError::Garbled("it is not SOCKS 5")),
    }
    let mut request = vec![VERSION, 1, 0];
    match to.literals().first() {
        Some(IpAddr::V4(ip)) => request.extend([&[1][..], &ip.octets()].concat()),
        Some(IpAddr::V6(ip)) => request.extend([&[4][..], &ip.octets()].concat()),
        None => {
            let name = to.canonical().as_bytes();
            request.extend([3, u8::try_from(name.len()).map_err(|_| ProxyError::Garbled("the name is too long"))?]);
            request.extend_from_slice(name);
        }
    }
    request.extend(port.to_be_bytes());
    send(stream, &request).await?;
    let [version, reply, _, kind] = take::<S, 4>(stream).await?;
    if version != VERSION {
        return Err(ProxyError::Garbled("it is not SOCKS 5"));
    }
    if reply != 0 {
        return Err(ProxyError::Socks(reply));
    }
    // The address the proxy speaks from: of no interest, but in the way.
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(take::<S, 1>(stream).await?[0]),
        _ => return Err(ProxyError::Garbled("it names an unknown kind of address")),
    };
    let mut rest = [0; 257];
    let rest = rest.get_mut(..length + 2).ok_or(ProxyError::Garbled("it names an unknown kind of address"))?;
    stream.read_exact(rest).await.map_err(ProxyError::Broken)?;
    Ok(())
}

/// RFC 1929: each part at most 255 bytes.
async fn sign_in<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, proxy: &Proxy) -> Result<(), ProxyError> {
    let credential = proxy.credential().ok_or(ProxyError::Garbled("it asks for what was not offered"))?;
    let (user, secret) = (credential.user().as_bytes(), credential.secret().as_bytes());
    let length = |part: &[u8]| u8::try_from(part.len()).map_err(|_| ProxyError::CredentialRefused);
    let mut request = Zeroizing::new(Vec::with_capacity(3 + user.len() + secret.len()));
    request.extend_from_slice(&[1, length(user)?]);
    request.extend_from_slice(user);
    request.push(length(secret)?);
    request.extend_from_slice(secret);
    send(stream, &request).await?;
    match take::<S, 2>(stream).await? {
        [_, 0] => Ok(()),
        _ => Err(ProxyError::CredentialRefused),
    }
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> Result<(), ProxyError> {
    stream.write_all(bytes).await.map_err(ProxyError::Broken)?;
    stream.flush().await.map_err(ProxyError::Broken)
}

async fn take<S: AsyncRead + Unpin, const N: usize>(stream: &mut S) -> Result<[u8; N], ProxyError> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await.map_err(ProxyError::Broken)?;
    Ok(bytes)
}

/// The reply in words (RFC 1928 section 6).
pub(super) fn words(reply: u8) -> &'static str {
    match reply {
        2 => "its rules forbid it",
        3 => "the network is unreachable",
        4 => "the host is unreachable",
        5 => "the server refused it",
        6 => "it took too long",
        7 | 8 => "it cannot do that",
        _ => "it failed",
    }
}

/// The reply as a socket's word.
pub(super) fn status(reply: u8) -> SocketErrorStatus {
    match reply {
        3 => SocketErrorStatus::NetworkIsUnreachable,
        4 => SocketErrorStatus::UnreachableHost,
        5 => SocketErrorStatus::ConnectionRefused,
        6 => SocketErrorStatus::ConnectionTimedOut,
        8 => SocketErrorStatus::AddressFamilyNotSupported,
        _ => SocketErrorStatus::Unknown,
    }
}
