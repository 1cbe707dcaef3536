//! HTTP CONNECT (RFC 9110 section 9.3.6). Redirects are not followed, bodies are not read.

use super::{MAX_REPLY, Offered, Outcome, Proxy, ProxyError, head};
use crate::{
    SignIn,
    credential::{Asked, Challenge, Reply, answerable, authorization, challenges},
};
use data_encoding::HEXLOWER;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

/// Asks for `to` (`host:port`); `asked` is what the proxy wanted to know the last time.
pub(super) async fn pass<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    proxy: &Proxy,
    to: &str,
    asked: Option<&Reply>,
    sign_in: Option<&SignIn>,
) -> Result<Outcome, ProxyError> {
    let answer = match asked {
        Some(Reply::Password(asked)) => Some(answer(proxy, to, asked)?),
        Some(Reply::Token(token)) => Some(Zeroizing::new(format!("Negotiate {}", **token))),
        None => None,
    };
    let line = answer.map(|value| Zeroizing::new(format!("Proxy-Authorization: {}\r\n", *value)));
    let sent_answer = line.is_some();
    let line = line.as_deref().map_or("", String::as_str);
    let request = Zeroizing::new(format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{line}\r\n"));
    stream.write_all(request.as_bytes()).await.map_err(ProxyError::Broken)?;
    stream.flush().await.map_err(ProxyError::Broken)?;
    let reply = head(stream).await?;
    match status(&reply)? {
        200..=299 => Ok(Outcome::Through),
        407 if sent_answer => Err(ProxyError::CredentialRefused),
        407 => {
            let offered = offered(&reply);
            let names = Offered::of(offered.iter().map(|challenge| challenge.scheme.as_str()));
            match answerable(&offered, proxy.credential(), sign_in) {
                true => Ok(Outcome::Asks(offered)),
                false => Err(ProxyError::NeedsCredential(names)),
            }
        }
        other => Err(ProxyError::Status(other)),
    }
}

fn answer(proxy: &Proxy, to: &str, asked: &[Challenge]) -> Result<Zeroizing<String>, ProxyError> {
    let names = || ProxyError::NeedsCredential(Offered::of(asked.iter().map(|challenge| challenge.scheme.as_str())));
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| names())?;
    let nonce = HEXLOWER.encode(&nonce);
    let credential = proxy.credential().ok_or_else(names)?;
    authorization(asked, credential, Asked { method: "CONNECT", uri: to, nonce: &nonce }).ok_or_else(names)
}

/// The status of `HTTP/1.x NNN …`.
pub(super) fn status(head: &[u8]) -> Result<u16, ProxyError> {
    let line = head.get(..head.len().min(MAX_REPLY)).unwrap_or_default();
    let line = line.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let text = std::str::from_utf8(line).map_err(|_| ProxyError::Garbled("it is not HTTP"))?;
    let rest = text.strip_prefix("HTTP/1.").ok_or(ProxyError::Garbled("it is not HTTP"))?;
    let number = rest.split(' ').nth(1).filter(|number| number.len() == 3);
    let number = number.and_then(|number| number.parse().ok()).filter(|number| (100..=599).contains(number));
    number.ok_or(ProxyError::Garbled("it has no status"))
}

/// All challenges of the head.
fn offered(head: &[u8]) -> Vec<Challenge> {
    let text = String::from_utf8_lossy(head);
    let values = text.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("proxy-authenticate").then_some(value)
    });
    values.flat_map(challenges).collect()
}
