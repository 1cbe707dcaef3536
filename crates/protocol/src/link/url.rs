//! The text of an invite link: `hither://i/1#` and base64url without padding of
//! version 1 (1 byte) ‖ flags (1) ‖ inviter's id (32) ‖ token (16) ‖ expiry (u32, seconds since 1970) ‖ with flag 1 a
//! route through a web server (length, text without `wss://`) ‖ up to four address hints (kind 4 or 6, address, port).
//! All numbers are big-endian. In a QR code the same bytes stand in upper-case base32 behind `HITHER://I/1#`, which QR
//! codes pack tighter.
//!
//! The grammar is strict: no other scheme, host or path, no query, no escapes, nothing behind.

use super::{LinkToken, WebRoute};
use crate::{
    invite::Ending,
    rendezvous::{LinkKeys, link_keys},
};
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use hither_model::{ErrorCode, Failure, PeerId, ask::LinkText};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};
use zeroize::Zeroizing;

/// Longest text that is looked at, in bytes.
pub const MAX_URL: usize = 512;

/// Most address hints that are kept.
pub const MAX_HINTS: usize = 4;

const VERSION: u8 = 1;
/// The flag of a link that names a route through a web server. A reader that does not know it says so.
const WEB: u8 = 1;
const HEAD: &str = "hither://i/1#";
const QR_HEAD: &str = "HITHER://I/1#";

/// Why a text is not an invite link that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkFault {
    /// Over [`MAX_URL`] bytes.
    #[error("the link is longer than an invite link can be")]
    TooLong,
    /// Another scheme, host or path, or a query.
    #[error("this is not an invite link of hither")]
    NotAnInvite,
    /// A version that this hither does not know.
    #[error("the link is of a newer kind; update hither to use it")]
    Version,
    /// Not base64url or base32 as it must be.
    #[error("the link is damaged")]
    BadText,
    /// Something is missing at the end.
    #[error("the link is cut off")]
    Truncated,
    /// Something is behind the end.
    #[error("the link has something behind its end")]
    Trailing,
    /// Its route through a web server is none.
    #[error("the link names a web server in a way that cannot be right")]
    Route,
    /// It wants something that this hither cannot do.
    #[error("the link asks for something this version cannot do; update hither to use it")]
    Flags,
}

impl LinkFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TooLong | Self::NotAnInvite | Self::BadText | Self::Truncated | Self::Trailing | Self::Route => {
                ErrorCode::Misuse
            }
            Self::Version | Self::Flags => ErrorCode::Incompatible,
        }
    }
}

impl From<LinkFault> for Failure {
    fn from(fault: LinkFault) -> Self {
        Failure::new(fault.code(), fault.to_string()).hint("copy the whole link, from hither:// to its last letter")
    }
}

/// A link as it was understood. It has no `Display`: the text is a secret and leaves only by [`InviteUrl::text`].
#[derive(Clone)]
pub struct InviteUrl {
    inviter: PeerId,
    token: LinkToken,
    expires: u32,
    hints: Vec<SocketAddr>,
    web: Option<WebRoute>,
}

impl fmt::Debug for InviteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InviteUrl(by {}, {} hints)", self.inviter.short(), self.hints.len())
    }
}

impl InviteUrl {
    /// A new link. Hints that nobody could dial are left out, and more than [`MAX_HINTS`].
    pub fn new(inviter: PeerId, token: LinkToken, expires: u32, hints: &[SocketAddr]) -> Self {
        Self { inviter, token, expires, hints: dialable(hints.iter().copied()), web: None }
    }

    /// The same link with a route through the maker's web server, or without.
    #[must_use]
    pub fn with_web(self, web: Option<WebRoute>) -> Self {
        Self { web, ..self }
    }

    /// Reads a link. Nothing is done with it.
    ///
    /// # Errors
    /// [`LinkFault`] says what is wrong; the text is not repeated in it.
    pub fn parse(text: &str) -> Result<Self, LinkFault> {
        if text.len() > MAX_URL {
            return Err(LinkFault::TooLong);
        }
        let bytes = if let Some(rest) = text.strip_prefix(HEAD) {
            BASE64URL_NOPAD.decode(rest.as_bytes())
        } else if let Some(rest) = text.strip_prefix(QR_HEAD) {
            BASE32_NOPAD.decode(rest.as_bytes())
        } else {
            return Err(other_head(text));
        };
        Self::from_bytes(&Zeroizing::new(bytes.map_err(|_| LinkFault::BadText)?))
    }

    /// The link as text, to be handed over by a way the person trusts.
    pub fn text(&self) -> LinkText {
        LinkText(format!("{HEAD}{}", BASE64URL_NOPAD.encode(&self.to_bytes())))
    }

    /// The link as a QR code holds it best.
    pub fn qr_text(&self) -> LinkText {
        LinkText(format!("{QR_HEAD}{}", BASE32_NOPAD.encode(&self.to_bytes())))
    }

    /// The key that the other end must prove before anything is said to it.
    pub fn inviter(&self) -> PeerId {
        self.inviter
    }

    /// When it ends by the inviter's clock, seconds since 1970: to be shown, not to be enforced here.
    pub fn expires(&self) -> u32 {
        self.expires
    }

    /// Where the inviter may be.
    pub fn hints(&self) -> &[SocketAddr] {
        &self.hints
    }

    /// The inviter's web server, if the link names one.
    pub fn web(&self) -> Option<&WebRoute> {
        self.web.as_ref()
    }

    /// What the token turns into.
    pub fn keys(&self) -> LinkKeys {
        link_keys(&self.token)
    }

    /// Whether this device may open it.
    ///
    /// # Errors
    /// [`Ending::OwnLink`] for a link that this device made.
    pub fn check_opener(&self, me: &PeerId) -> Result<(), Ending> {
        if self.inviter == *me { Err(Ending::OwnLink) } else { Ok(()) }
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(320));
        out.extend_from_slice(&[VERSION, if self.web.is_some() { WEB } else { 0 }]);
        out.extend_from_slice(self.inviter.as_bytes());
        out.extend_from_slice(self.token.as_bytes());
        out.extend_from_slice(&self.expires.to_be_bytes());
        if let Some(rest) = self.web.as_ref().map(WebRoute::rest) {
            out.push(u8::try_from(rest.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(rest.as_bytes());
        }
        for hint in &self.hints {
            match hint.ip() {
                IpAddr::V4(ip) => {
                    out.push(4);
                    out.extend_from_slice(&ip.octets());
                }
                IpAddr::V6(ip) => {
                    out.push(6);
                    out.extend_from_slice(&ip.octets());
                }
            }
            out.extend_from_slice(&hint.port().to_be_bytes());
        }
        out
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, LinkFault> {
        let mut rest = Rest(bytes);
        let [version, flags] = rest.take()?;
        if version != VERSION {
            return Err(LinkFault::Version);
        }
        if flags & !WEB != 0 {
            return Err(LinkFault::Flags);
        }
        let inviter = PeerId::new(rest.take()?);
        let token = LinkToken::new(rest.take()?);
        let expires = u32::from_be_bytes(rest.take()?);
        let web = if flags & WEB == WEB { Some(rest.route()?) } else { None };
        let mut hints = Vec::new();
        while !rest.0.is_empty() {
            let ip: IpAddr = match rest.take::<1>()? {
                [4] => Ipv4Addr::from(rest.hint::<4>()?).into(),
                [6] => Ipv6Addr::from(rest.hint::<16>()?).into(),
                _ => return Err(LinkFault::Trailing),
            };
            hints.push(SocketAddr::new(ip, u16::from_be_bytes(rest.hint()?)));
        }
        Ok(Self { inviter, token, expires, hints: dialable(hints.into_iter()), web })
    }
}

/// Why the beginning of a text is not that of a link.
fn other_head(text: &str) -> LinkFault {
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix("hither://i/").and_then(|rest| rest.split_once('#')) {
        Some((version, _)) if version.parse::<u32>().is_ok_and(|v| v > 1) => LinkFault::Version,
        _ => LinkFault::NotAnInvite,
    }
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], LinkFault> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(LinkFault::Truncated)?;
        self.0 = tail;
        Ok(*head)
    }

    /// A length byte and the text of a route. Another spelling than our own is none: a link has one encoding.
    fn route(&mut self) -> Result<WebRoute, LinkFault> {
        let [length] = self.take()?;
        let (head, tail) = self.0.split_at_checked(length.into()).ok_or(LinkFault::Truncated)?;
        self.0 = tail;
        let text = std::str::from_utf8(head).map_err(|_| LinkFault::Route)?;
        let route = WebRoute::of_rest(text).map_err(|_| LinkFault::Route)?;
        if route.rest() == text { Ok(route) } else { Err(LinkFault::Route) }
    }

    /// A part of a hint: too few bytes for one are something behind the end.
    fn hint<const N: usize>(&mut self) -> Result<[u8; N], LinkFault> {
        self.take().map_err(|_| LinkFault::Trailing)
    }
}

fn dialable(hints: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut kept = Vec::new();
    for hint in hints.map(|hint| SocketAddr::new(hint.ip(), hint.port())) {
        if kept.len() < MAX_HINTS && is_dialable_hint(&hint) && !kept.contains(&hint) {
            kept.push(hint);
        }
    }
    kept
}

/// Whether an address out of a link may be dialled at all (I8). Not loopback, multicast, broadcast, unspecified, the
/// cloud's metadata addresses or a link-local IPv6 address (it would need a scope), in any spelling; not port 0.
pub fn is_dialable_hint(hint: &SocketAddr) -> bool {
    let ip = hint.ip().to_canonical();
    let barred = ip.is_loopback()
        || ip.is_multicast()
        || ip.is_unspecified()
        || match ip {
            IpAddr::V4(ip) => {
                ip.is_broadcast() || ip.octets().first() == Some(&0) || ip == Ipv4Addr::new(169, 254, 169, 254)
            }
            IpAddr::V6(ip) => {
                // ::a.b.c.d is an old spelling of an IPv4 address.
                ip.is_unicast_link_local()
                    || ip == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
                    || ip.segments().iter().take(6).all(|part| *part == 0)
            }
        };
    !barred && hint.port() != 0
}
