//! The server's side (R5.7, R5.19, P4): who may come in. The client speaks first. A web page of somebody else, a host name
//! that was bound to us, and a program of another sub-protocol are told why not, and what would be expected.

use super::{StreamWebSocket, WebSocketError, WebSocketInformation};
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::{
    accept_hdr_async_with_config,
    tungstenite::{
        handshake::server::{ErrorResponse, Request, Response},
        http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
        protocol::WebSocketConfig,
    },
};

/// How long the request may take (P2).
const REQUEST: Duration = Duration::from_secs(10);

/// What is let in.
#[derive(Debug, Clone)]
pub struct WebSocketDoor {
    /// Sub-protocols spoken here, the preferred first; empty: none.
    pub protocols: Vec<String>,
    /// `Host` values that are ours (`host` or `host:port`).
    pub hosts: Vec<String>,
    /// Web pages that may come in, by their `Origin`; a program that is no browser sends none.
    pub origins: Vec<String>,
    /// Largest message, bytes.
    pub max_message: usize,
}

impl WebSocketDoor {
    /// Lets a client in.
    ///
    /// # Errors
    /// [`WebSocketError::Refused`] when we turned it away, [`WebSocketError::TimedOut`], [`WebSocketError::Handshake`].
    pub async fn admit<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> Result<StreamWebSocket<S>, WebSocketError> {
        let config =
            WebSocketConfig::default().max_message_size(Some(self.max_message)).max_frame_size(Some(self.max_message));
        let mut outcome = Err(400);
        #[allow(clippy::result_large_err, reason = "the library's own signature")]
        let answer = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            outcome = self.judge(request.headers());
            self.answer(&outcome, response)
        };
        let admitted = timeout(REQUEST, accept_hdr_async_with_config(stream, answer, Some(config))).await;
        let protocol = match (admitted, outcome) {
            (Err(_), _) => return Err(WebSocketError::TimedOut),
            (Ok(Ok(socket)), Ok(protocol)) => {
                let protocol = Some(protocol.unwrap_or_default());
                let information = WebSocketInformation { protocol, ..WebSocketInformation::default() };
                return Ok(StreamWebSocket::on(socket, information, self.max_message));
            }
            (Ok(_), Err(status)) => WebSocketError::Refused { status, expected: self.protocols.clone() },
            (Ok(Err(error)), Ok(_)) => WebSocketError::of(error, self.max_message),
        };
        Err(protocol)
    }

    /// The sub-protocol to speak, or the status to refuse with.
    fn judge(&self, headers: &HeaderMap) -> Result<Option<String>, u16> {
        let one = |name: HeaderName| {
            let mut all = headers.get_all(name).iter();
            let first = all.next().map(|value| value.to_str().unwrap_or("\0"));
            if all.next().is_some() { Some("\0") } else { first }
        };
        let host = one(header::HOST).unwrap_or_default();
        if !self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host)) {
            return Err(403);
        }
        if one(header::ORIGIN).is_some_and(|origin| !self.origins.iter().any(|known| known == origin)) {
            return Err(403);
        }
        let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|line| line.to_str().ok());
        let offered: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        match self.protocols.iter().find(|ours| offered.contains(&ours.as_str())) {
            Some(ours) => Ok(Some(ours.clone())),
            None if self.protocols.is_empty() => Ok(None),
            None => Err(400),
        }
    }

    #[allow(clippy::result_large_err, reason = "the library's own signature")]
    fn answer(&self, judged: &Result<Option<String>, u16>, mut response: Response) -> Result<Response, ErrorResponse> {
        let put = |headers: &mut HeaderMap, text: &str| {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value);
            }
        };
        match judged {
            Ok(None) => Ok(response),
            Ok(Some(protocol)) => {
                put(response.headers_mut(), protocol);
                Ok(response)
            }
            Err(status) => {
                let list = self.protocols.join(", ");
                let body = match status {
                    400 => format!("expected one of these sub-protocols: {list}\n"),
                    _ => "this page or host is not let in\n".to_owned(),
                };
                let mut refusal = ErrorResponse::new(Some(body));
                *refusal.status_mut() = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST);
                if *status == 400 {
                    put(refusal.headers_mut(), &list);
                }
                Err(refusal)
            }
        }
    }
}
