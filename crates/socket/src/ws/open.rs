//! From an address to an open WebSocket: the stream, the request, the answer (RFC 6455 section 4.1).

use super::{WebSocketControl, WebSocketError, WebSocketInformation, WebSocketUrl};
use crate::{
    Names, Offered, PasswordCredential, SocketProtectionLevel, StreamSocket,
    credential::{Asked, Challenge, Reply, answerable, authorization, challenges, reply, resource},
};
use data_encoding::{BASE64, HEXLOWER};
use hither_capability::Reach;
use hither_model::text;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error as Inner,
        error::{ProtocolError, SubProtocolError},
        http::{HeaderMap, HeaderValue, Request, Response, header},
        protocol::WebSocketConfig,
    },
};
use zeroize::Zeroizing;

/// Connects within the deadline, with `wrap` around the stream below. What is learned on the way is written into `information`, also
/// when it fails.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    permission: &Reach,
    names: &Names,
    control: &WebSocketControl,
    url: &WebSocketUrl,
    information: &mut WebSocketInformation,
    wrap: impl Fn(StreamSocket) -> S,
) -> Result<WebSocketStream<S>, WebSocketError> {
    if !url.protected && !control.in_clear {
        return Err(WebSocketError::Address("ws:// has no protection; use wss://, or say that this is meant"));
    }
    let work = async {
        let first = attempt(permission, names, control, url, information, (None, &wrap)).await;
        let Err(Failed::Asks(asked)) = first else { return first.map_err(Failed::reason) };
        // Once, to the very server that asked, on a connection of its own.
        let (known, sign_in) = (known(control, url), control.outward.sign_in.as_ref());
        let answer = reply(asked, known, sign_in, url.host.canonical(), permission).await;
        let answer = answer.map_err(|fault| WebSocketError::Server(fault.into()))?;
        attempt(permission, names, control, url, information, (Some(&answer), &wrap)).await.map_err(Failed::reason)
    };
    timeout(control.deadline, work).await.unwrap_or(Err(WebSocketError::TimedOut))
}

enum Failed {
    /// The server asks who we are, and we have an answer.
    Asks(Vec<Challenge>),
    Because(WebSocketError),
}

impl Failed {
    fn reason(self) -> WebSocketError {
        match self {
            Self::Asks(_) => WebSocketError::CredentialRefused,
            Self::Because(error) => error,
        }
    }
}

impl From<WebSocketError> for Failed {
    fn from(error: WebSocketError) -> Self {
        Self::Because(error)
    }
}

impl From<crate::ServerError> for Failed {
    fn from(error: crate::ServerError) -> Self {
        Self::Because(error.into())
    }
}

async fn attempt<S: AsyncRead + AsyncWrite + Unpin>(
    permission: &Reach,
    names: &Names,
    control: &WebSocketControl,
    url: &WebSocketUrl,
    information: &mut WebSocketInformation,
    (asked, wrap): (Option<&Reply>, impl Fn(StreamSocket) -> S),
) -> Result<WebSocketStream<S>, Failed> {
    let mut stream = StreamSocket::with_names(permission.clone(), names.clone());
    *stream.control() = control.outward.clone();
    let level = match url.protected {
        true => SocketProtectionLevel::Unspecified,
        false => SocketProtectionLevel::PlainSocket,
    };
    stream.control().set_alpn(&["http/1.1"])?;
    let outcome = stream.connect(&url.host, &url.port.to_string(), level).await;
    information.stream = stream.information().clone();
    outcome?;
    let request = request(control, url, asked)?;
    let limit = control.max_message;
    let config = WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit));
    let (socket, response) = match client_async_with_config(request, wrap(stream), Some(config)).await {
        Ok(opened) => opened,
        Err(Inner::Http(answer)) => return Err(refused(&answer, control, url, asked.is_some())),
        Err(error) => return Err(handshake(error).into()),
    };
    if response.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err(WebSocketError::Handshake("it uses an extension that was not offered".into()).into());
    }
    let chosen = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
    information.protocol = Some(chosen.unwrap_or_default().to_owned());
    Ok(socket)
}

fn request(
    control: &WebSocketControl,
    url: &WebSocketUrl,
    asked: Option<&Reply>,
) -> Result<Request<()>, WebSocketError> {
    let wrong = |_| WebSocketError::Argument("the request cannot be written");
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(|_| WebSocketError::Argument("there is no chance to be had"))?;
    let mut request = Request::builder()
        .uri(url.uri.clone())
        .header(header::HOST, resource(url.host.canonical(), url.port))
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, BASE64.encode(&key));
    if !control.protocols.is_empty() {
        request = request.header(header::SEC_WEBSOCKET_PROTOCOL, control.protocols.join(", "));
    }
    for (name, value) in &control.headers {
        request = request.header(name, value);
    }
    if let Some(asked) = asked {
        let value = match asked {
            Reply::Password(asked) => answer(control, url, asked)?,
            Reply::Token(token) => Zeroizing::new(format!("Negotiate {}", **token)),
        };
        let mut value = HeaderValue::from_str(&value).map_err(|_| WebSocketError::CredentialRefused)?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    request.body(()).map_err(wrong)
}

fn answer(
    control: &WebSocketControl,
    url: &WebSocketUrl,
    asked: &[Challenge],
) -> Result<Zeroizing<String>, WebSocketError> {
    let names = || WebSocketError::NeedsCredential(Offered::of(asked.iter().map(|c| c.scheme.as_str())));
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| names())?;
    let credential = control.credential.as_ref().ok_or_else(names)?;
    let asks = Asked { method: "GET", uri: url.path(), nonce: &HEXLOWER.encode(&nonce) };
    authorization(asked, credential, asks).ok_or_else(names)
}

/// The server answered with something else than 101.
fn refused(
    answer: &Response<Option<Vec<u8>>>,
    control: &WebSocketControl,
    url: &WebSocketUrl,
    answered: bool,
) -> Failed {
    let status = answer.status().as_u16();
    if status != 401 {
        return WebSocketError::Refused { status, expected: expected(answer.headers()) }.into();
    }
    let lines = answer.headers().get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let asked: Vec<Challenge> = lines.flat_map(challenges).collect();
    match answerable(&asked, known(control, url), control.outward.sign_in.as_ref()) {
        _ if answered => WebSocketError::CredentialRefused.into(),
        false => WebSocketError::NeedsCredential(Offered::of(asked.iter().map(|c| c.scheme.as_str()))).into(),
        true if !url.protected => WebSocketError::CredentialInClear.into(),
        true => Failed::Asks(asked),
    }
}

/// The password for this very server, if there is one.
fn known<'a>(control: &'a WebSocketControl, url: &WebSocketUrl) -> Option<&'a PasswordCredential> {
    control.credential.as_ref().filter(|ours| ours.is_for(url.host.canonical(), url.port))
}

/// Sub-protocols the server names in its refusal.
fn expected(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let names = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|name| !name.is_empty());
    names.take(16).map(|name| text::shortened(&text::printable(name), 64)).collect()
}

fn handshake(error: Inner) -> WebSocketError {
    match error {
        Inner::Protocol(ProtocolError::SecWebSocketSubProtocolError(why)) => WebSocketError::SubProtocol(match why {
            SubProtocolError::ServerSentSubProtocolNoneRequested => "the server chose one where none was offered",
            SubProtocolError::InvalidSubProtocol => "the server chose one that was not offered",
            SubProtocolError::NoSubProtocol => "the server chose none of those offered",
        }),
        Inner::Io(_) | Inner::ConnectionClosed => WebSocketError::of(error, 0),
        other => WebSocketError::Handshake(text::shortened(&text::printable(&other.to_string()), 200)),
    }
}
