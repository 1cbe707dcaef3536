//! Messages, both ways: whole ones, or as they arrive (R5.1, R5.3 to R5.16).

use super::{
    SocketMessageType, WebSocketControl, WebSocketError, WebSocketInformation, WebSocketUrl,
    open::open,
    parts::{Broken, Piece, Tap},
};
use crate::{Names, StreamSocket};
use futures_util::{SinkExt, StreamExt};
use hither_capability::Reach;
use std::{fmt, time::Duration};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error as Inner, Message as Wire,
        protocol::{
            CloseFrame,
            frame::{
                Frame,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

type Socket = WebSocketStream<Tap<StreamSocket>>;

/// How long sending may take (R5.3).
const SENDING: Duration = Duration::from_secs(30);
/// How long a closing end waits for the other's answer.
const PARTING: Duration = Duration::from_secs(2);
/// Most pings and pongs in a row without a message.
const MAX_PINGS: u32 = 1000;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebSocketMessage {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A whole message.
    Message(WebSocketMessage),
    /// A part of one, as it arrived, if that is how they are received (R5.4). Never empty but at the end of a message; a
    /// character of a text is in one part.
    Part {
        /// The part.
        message: WebSocketMessage,
        /// It is the last (`IsMessageComplete`).
        complete: bool,
    },
    /// The other end closed in order (R5.10).
    Closed {
        /// Its code; 1005 if it gave none.
        code: u16,
        /// Its reason; escape it before showing.
        reason: String,
    },
}

/// A WebSocket for messages.
pub struct MessageWebSocket {
    permission: Reach,
    names: Names,
    control: WebSocketControl,
    information: WebSocketInformation,
    socket: Option<Socket>,
    /// A message is being sent in parts.
    in_parts: bool,
    /// The beginning of a character whose end is in the next part.
    broken_off: Vec<u8>,
    pings: u32,
    next_pong: Option<Instant>,
    over: bool,
}

impl MessageWebSocket {
    /// A WebSocket that is not connected.
    pub fn new(permission: Reach) -> Self {
        Self {
            permission,
            names: Names::system(),
            control: WebSocketControl::default(),
            information: WebSocketInformation::default(),
            socket: None,
            in_parts: false,
            broken_off: Vec::new(),
            pings: 0,
            next_pong: None,
            over: false,
        }
    }

    /// What can be set.
    pub fn control(&mut self) -> &mut WebSocketControl {
        &mut self.control
    }

    /// What is known.
    pub fn information(&self) -> &WebSocketInformation {
        &self.information
    }

    /// Connects. After a failure it may be called again, with other settings (R5.9).
    ///
    /// # Errors
    /// [`WebSocketError`].
    pub async fn connect(&mut self, url: &WebSocketUrl) -> Result<(), WebSocketError> {
        if self.over {
            return Err(WebSocketError::Closed);
        }
        if self.socket.is_some() {
            return Err(WebSocketError::IllegalCall("the WebSocket is connected already"));
        }
        self.information = WebSocketInformation::default();
        let (mode, limit) = (self.control.receive_mode, self.control.max_message);
        let below = |stream| Tap::new(stream, mode, limit);
        let opening = open(&self.permission, &self.names, &self.control, url, &mut self.information, below);
        self.socket = Some(opening.await?);
        self.control.connected = true;
        self.next_pong = self.control.pong_every.map(|every| Instant::now() + every);
        Ok(())
    }

    fn socket(&mut self) -> Result<&mut Socket, WebSocketError> {
        match (&mut self.socket, self.over) {
            (Some(socket), _) => Ok(socket),
            (None, true) => Err(WebSocketError::Closed),
            (None, false) => Err(WebSocketError::IllegalCall("the WebSocket is not connected")),
        }
    }

    async fn put(&mut self, message: Wire) -> Result<(), WebSocketError> {
        let limit = self.control.max_message;
        let sending = self.socket()?.send(message);
        let outcome = match timeout(SENDING, sending).await {
            Ok(outcome) => outcome.map_err(|error| WebSocketError::of(error, limit)),
            Err(_) => Err(WebSocketError::TimedOut),
        };
        if outcome.is_err() {
            self.end();
        }
        outcome
    }

    fn end(&mut self) {
        self.socket = None;
        self.over = true;
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`WebSocketError::IllegalCall`] in the middle of a message in parts, or before connecting;
    /// [`WebSocketError::Aborted`], [`WebSocketError::TimedOut`], [`WebSocketError::Closed`].
    pub async fn send(&mut self, message: WebSocketMessage) -> Result<(), WebSocketError> {
        if self.in_parts {
            return Err(WebSocketError::IllegalCall("a message in parts is not finished yet"));
        }
        self.put(match message {
            WebSocketMessage::Text(text) => Wire::text(text),
            WebSocketMessage::Binary(bytes) => Wire::binary(bytes),
        })
        .await
    }

    /// Sends a part of a message of the kind that is set; more follow (R5.14).
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_nonfinal_frame(&mut self, part: &[u8]) -> Result<(), WebSocketError> {
        self.part(part, false).await
    }

    /// Sends the last part of a message.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_final_frame(&mut self, part: &[u8]) -> Result<(), WebSocketError> {
        self.part(part, true).await
    }

    async fn part(&mut self, part: &[u8], last: bool) -> Result<(), WebSocketError> {
        let kind = match (self.in_parts, self.control.message_type) {
            (true, _) => Data::Continue,
            (false, SocketMessageType::Utf8) => Data::Text,
            (false, SocketMessageType::Binary) => Data::Binary,
        };
        self.put(Wire::Frame(Frame::message(part.to_vec(), OpCode::Data(kind), last))).await?;
        self.in_parts = !last;
        Ok(())
    }

    /// Waits for what comes next. Cancellation safe: nothing that arrived is lost.
    ///
    /// # Errors
    /// [`WebSocketError::TooLarge`], [`WebSocketError::Misbehaved`] after which it is closed with the fitting code;
    /// [`WebSocketError::Aborted`] if the connection broke: there is no `Closed` then (R5.10).
    pub async fn receive(&mut self) -> Result<Received, WebSocketError> {
        loop {
            let limit = self.control.max_message;
            let next_pong = self.next_pong;
            let socket = self.socket()?;
            let next = tokio::select! {
                next = socket.next() => next,
                () = sleep_until(next_pong.unwrap_or_else(Instant::now)), if next_pong.is_some() => {
                    self.next_pong = self.control.pong_every.map(|every| Instant::now() + every);
                    self.put(Wire::Pong(Vec::new().into())).await?;
                    continue;
                }
            };
            let message = match next {
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    let error = reason(socket.get_ref().broken(), error, limit);
                    return Err(self.give_up(error).await);
                }
                None => {
                    self.end();
                    return Err(WebSocketError::Closed);
                }
            };
            match message {
                Wire::Text(text) => {
                    self.pings = 0;
                    return Ok(Received::Message(WebSocketMessage::Text(text.as_str().to_owned())));
                }
                Wire::Binary(bytes) => match socket.get_mut().piece() {
                    None => {
                        self.pings = 0;
                        return Ok(Received::Message(WebSocketMessage::Binary(bytes.to_vec())));
                    }
                    Some(piece) => match self.part_of(piece, &bytes) {
                        Ok(Some(part)) => return Ok(part),
                        Ok(None) => self.in_vain().await?,
                        Err(error) => return Err(self.give_up(error).await),
                    },
                },
                Wire::Close(frame) => return Ok(self.closed(frame).await),
                Wire::Ping(_) | Wire::Pong(_) | Wire::Frame(_) => self.in_vain().await?,
            }
        }
    }

    /// Something came that is nothing for the caller.
    async fn in_vain(&mut self) -> Result<(), WebSocketError> {
        self.pings += 1;
        match self.pings > MAX_PINGS {
            true => Err(self.give_up(WebSocketError::Misbehaved("too many pings".into())).await),
            false => Ok(()),
        }
    }

    /// What the caller gets of a piece; nothing, if there is nothing in it and more follow.
    fn part_of(&mut self, piece: Piece, bytes: &[u8]) -> Result<Option<Received>, WebSocketError> {
        let message = match piece.text {
            false => WebSocketMessage::Binary(bytes.to_vec()),
            true => WebSocketMessage::Text(self.characters(bytes, piece.last)?),
        };
        let empty = match &message {
            WebSocketMessage::Text(text) => text.is_empty(),
            WebSocketMessage::Binary(bytes) => bytes.is_empty(),
        };
        if empty && !piece.last {
            return Ok(None);
        }
        self.pings = 0;
        Ok(Some(Received::Part { message, complete: piece.last }))
    }

    /// The characters that are whole now.
    fn characters(&mut self, bytes: &[u8], last: bool) -> Result<String, WebSocketError> {
        let mut all = std::mem::take(&mut self.broken_off);
        all.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&all) {
            Ok(_) => all.len(),
            // The end of a character may be in the next part.
            Err(error) if error.error_len().is_none() && !last => error.valid_up_to(),
            Err(_) => return Err(WebSocketError::Misbehaved("a text is not UTF-8".into())),
        };
        self.broken_off = all.split_off(whole);
        String::from_utf8(all).map_err(|_| WebSocketError::Misbehaved("a text is not UTF-8".into()))
    }

    /// The other end closed: our answer goes out, then it is over.
    async fn closed(&mut self, frame: Option<CloseFrame>) -> Received {
        if let Some(socket) = &mut self.socket {
            let drain = async { while let Some(Ok(_)) = socket.next().await {} };
            let _ = timeout(PARTING, drain).await;
        }
        self.end();
        match frame {
            Some(frame) => Received::Closed { code: frame.code.into(), reason: frame.reason.as_str().to_owned() },
            None => Received::Closed { code: 1005, reason: String::new() },
        }
    }

    /// Closes with the code for what the other end did, and tells the caller.
    async fn give_up(&mut self, error: WebSocketError) -> WebSocketError {
        if let (Some(socket), false) =
            (&mut self.socket, matches!(error, WebSocketError::Aborted(_) | WebSocketError::Closed))
        {
            let frame = CloseFrame { code: CloseCode::from(error.close_code()), reason: "".into() };
            let _ = timeout(PARTING, socket.close(Some(frame))).await;
        }
        self.end();
        error
    }

    /// Closes in order and waits a short time for the other end's answer (R5.11).
    ///
    /// # Errors
    /// [`WebSocketError::Argument`] for a code that may not be sent or a reason over 123 bytes.
    pub async fn close(&mut self, code: u16, reason: &str) -> Result<(), WebSocketError> {
        check_close(code, reason)?;
        let socket = self.socket()?;
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.to_owned().into() };
        let parting = async {
            socket.close(Some(frame)).await?;
            while let Some(next) = socket.next().await {
                next?;
            }
            Ok::<_, tokio_tungstenite::tungstenite::Error>(())
        };
        // However the other end takes it, it is over.
        let _ = timeout(PARTING, parting).await;
        self.end();
        Ok(())
    }
}

/// Why reading ended.
fn reason(broken: Option<Broken>, error: Inner, limit: usize) -> WebSocketError {
    match broken {
        Some(Broken::Rule(why)) => WebSocketError::Misbehaved(why.to_owned()),
        Some(Broken::TooLarge) => WebSocketError::TooLarge { limit },
        None => WebSocketError::of(error, limit),
    }
}

/// Whether a close frame may say this (RFC 6455 section 7.4).
pub(super) fn check_close(code: u16, reason: &str) -> Result<(), WebSocketError> {
    let sendable = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    match sendable && reason.len() <= 123 {
        true => Ok(()),
        false => Err(WebSocketError::Argument(
            "a close code is 1000 to 1003, 1007 to 1014 or 3000 to 4999, a reason at most 123 bytes",
        )),
    }
}

impl fmt::Debug for MessageWebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWebSocket").field("information", &self.information).finish_non_exhaustive()
    }
}
