//! What can be set on a WebSocket before it is connected (R5.4), and what is known of it afterwards (R5.17).

use super::WebSocketError;
use crate::{OutwardControl, PasswordCredential, StreamSocketInformation};
use std::time::Duration;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};

/// Largest message if nothing else is said, bytes.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;
/// Most headers of the caller's own.
const MAX_HEADERS: usize = 32;
/// Headers that are not the caller's.
const OURS: &[&str] = &["host", "connection", "upgrade", "origin", "authorization", "proxy-authorization", "cookie"];

/// Kind of the messages that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum SocketMessageType {
    /// Bytes.
    #[default]
    Binary = 0,
    /// Text.
    Utf8 = 1,
}

/// How messages are received (R5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum MessageWebSocketReceiveMode {
    /// Each as a whole, once it is all there.
    #[default]
    FullMessage = 0,
    /// In parts, as they arrive.
    PartialMessage = 1,
}

/// The settings. Except for the kind of messages, each setter fails once connected; after a failed connect all may be
/// changed and are used by the next (R5.9).
#[derive(Debug, Clone)]
pub struct WebSocketControl {
    pub(crate) outward: OutwardControl,
    pub(crate) protocols: Vec<String>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) max_message: usize,
    pub(crate) receive_mode: MessageWebSocketReceiveMode,
    pub(crate) credential: Option<PasswordCredential>,
    pub(crate) pong_every: Option<Duration>,
    pub(crate) in_clear: bool,
    pub(crate) deadline: Duration,
    pub(crate) connected: bool,
    /// Kind of the messages that are sent; may change at any time.
    pub message_type: SocketMessageType,
}

impl Default for WebSocketControl {
    fn default() -> Self {
        Self {
            outward: OutwardControl::default(),
            protocols: Vec::new(),
            headers: Vec::new(),
            max_message: MAX_MESSAGE,
            receive_mode: MessageWebSocketReceiveMode::default(),
            credential: None,
            pong_every: None,
            in_clear: false,
            deadline: Duration::from_secs(30),
            connected: false,
            message_type: SocketMessageType::default(),
        }
    }
}

impl WebSocketControl {
    fn open(&self) -> Result<(), WebSocketError> {
        match self.connected {
            false => Ok(()),
            true => Err(WebSocketError::IllegalCall("this is set before the WebSocket is connected")),
        }
    }

    /// Settings of the stream below: roots, certificates, proxies, options.
    ///
    /// # Errors
    /// [`WebSocketError::IllegalCall`] once connected.
    pub fn outward(&mut self) -> Result<&mut OutwardControl, WebSocketError> {
        self.open()?;
        Ok(&mut self.outward)
    }

    /// Sub-protocols that are offered, the preferred first (R5.6).
    ///
    /// # Errors
    /// [`WebSocketError::IllegalCall`] once connected (R5.9); [`WebSocketError::Argument`] if a name is no token or comes
    /// twice.
    pub fn set_supported_protocols(&mut self, names: &[&str]) -> Result<(), WebSocketError> {
        self.open()?;
        let token = |name: &&str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
        };
        let twice = names.iter().enumerate().any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name));
        if !names.iter().all(token) || twice || names.len() > MAX_HEADERS {
            return Err(WebSocketError::Argument("a sub-protocol is a word without spaces, and offered once"));
        }
        self.protocols = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(())
    }

    /// Adds a header to the request. Not one that belongs to the protocol, nor one that carries a secret.
    ///
    /// # Errors
    /// [`WebSocketError::IllegalCall`] once connected; [`WebSocketError::Argument`].
    pub fn set_request_header(&mut self, name: &str, value: &str) -> Result<(), WebSocketError> {
        self.open()?;
        let name: HeaderName = name.parse().map_err(|_| WebSocketError::Argument("this is no name of a header"))?;
        let value =
            HeaderValue::from_str(value).map_err(|_| WebSocketError::Argument("this is no value of a header"))?;
        if name.as_str().starts_with("sec-") || OURS.contains(&name.as_str()) || self.headers.len() >= MAX_HEADERS {
            return Err(WebSocketError::Argument("this header is not for the caller to set"));
        }
        self.headers.push((name, value));
        Ok(())
    }

    /// Largest message taken, bytes.
    ///
    /// # Errors
    /// [`WebSocketError::IllegalCall`] once connected.
    pub fn set_max_message_size(&mut self, bytes: usize) -> Result<(), WebSocketError> {
        self.open()?;
        self.max_message = bytes;
        Ok(())
    }

    /// Whether a [`MessageWebSocket`](super::MessageWebSocket) gives messages as a whole or in parts.
    ///
    /// # Errors
    /// [`WebSocketError::IllegalCall`] once connected.
    pub fn set_receive_mode(&mut self, mode: MessageWebSocketReceiveMode) -> Result<(), WebSocketError> {
        self.open()?;
        self.receive_mode = mode;
        Ok(())
    }

    /// Who we are, should this very server ask (R6.2). Never sent without protection (R6.5).
    ///
    /// # Errors
    /// [`WebSocketError::IllegalCall`] once connected.
    pub fn set_server_credential(&mut self, credential: Option<PasswordCredential>) -> Result<(), WebSocketError> {
        self.open()?;
        self.credential = credential;
        Ok(())
    }

    /// Sends a pong unasked so often, while messages are received (R5.15); not more than once a second.
    ///
    /// # Errors
    /// [`WebSocketError::IllegalCall`] once connected.
    pub fn set_desired_unsolicited_pong_interval(&mut self, every: Option<Duration>) -> Result<(), WebSocketError> {
        self.open()?;
        self.pong_every = every.map(|every| every.max(Duration::from_secs(1)));
        Ok(())
    }

    /// How often a pong is really sent.
    pub fn actual_unsolicited_pong_interval(&self) -> Option<Duration> {
        self.pong_every
    }

    /// Permits `ws://`: without protection (R5.2).
    ///
    /// # Errors
    /// [`WebSocketError::IllegalCall`] once connected.
    pub fn set_in_clear(&mut self, permitted: bool) -> Result<(), WebSocketError> {
        self.open()?;
        self.in_clear = permitted;
        Ok(())
    }

    /// How long connecting may take in all; 30 s if nothing is said (R5.3).
    ///
    /// # Errors
    /// [`WebSocketError::IllegalCall`] once connected.
    pub fn set_deadline(&mut self, deadline: Duration) -> Result<(), WebSocketError> {
        self.open()?;
        self.deadline = deadline;
        Ok(())
    }
}

/// What is known of a WebSocket.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WebSocketInformation {
    /// The sub-protocol: `None` before connecting, empty if there is none.
    pub protocol: Option<String>,
    /// The stream below: addresses, protection, the server's certificate; also after a failure.
    pub stream: StreamSocketInformation,
}
