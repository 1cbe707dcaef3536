//! `hither ws`: text messages over a WebSocket: each line of standard input is one, each one that comes is a line of standard
//! output (bytes come as they are). The end of the input closes it in order.

use super::{
    network,
    outward::{Way, revoked},
    shown::OnCard,
};
use crate::{desk::Desk, halt::Halt};
use clap::Args;
use hither_model::{ErrorCode, Failure, Negotiated, text};
use hither_socket::{
    ProxyError, ServerError,
    ws::{MessageWebSocket, Received, WebSocketError, WebSocketMessage, WebSocketUrl},
};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

/// Text messages over a WebSocket.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither ws wss://example.org/chat --protocol chat.v2")]
pub(crate) struct Ws {
    /// wss://HOST/PATH or wss://HOST:PORT/PATH; ws:// only with --clear
    url: String,
    /// A sub-protocol to offer, the preferred first
    #[arg(long, value_name = "P")]
    protocol: Vec<String>,
    /// Permit ws://: no protection at all
    #[arg(long)]
    clear: bool,
    #[command(flatten)]
    way: Way,
}

#[derive(Serialize)]
struct Connected<'a> {
    event: &'static str,
    protocol: &'a str,
    negotiated: Option<&'a Negotiated>,
}

#[derive(Serialize)]
struct Message<'a> {
    direction: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

#[derive(Serialize)]
struct Closed<'a> {
    code: u16,
    reason: &'a str,
}

impl Ws {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let url = WebSocketUrl::parse(&self.url).map_err(Failure::from)?;
        let gate = self.way.gate(desk).await?;
        let permission = Way::permission(desk, &gate).await?;
        let mut socket = MessageWebSocket::new(permission.clone());
        let control = socket.control();
        control.set_in_clear(self.clear).map_err(Failure::from)?;
        let protocols: Vec<&str> = self.protocol.iter().map(String::as_str).collect();
        control.set_supported_protocols(&protocols).map_err(Failure::from)?;
        self.way.set(control.outward().map_err(Failure::from)?, url.host(), url.is_protected(), &permission)?;
        let shown = self.way.show(desk, control.outward().map_err(Failure::from)?, &gate, &permission).await?;
        let opened = self.open(desk, &mut socket, &url).await;
        opened.map_err(|halt| OnCard::reason(shown.as_ref(), halt))?;
        tell(desk, &socket)?;
        let known = socket.information().stream.clone();
        tokio::select! {
            ended = talk(desk, &mut socket) => ended,
            why = revoked(desk, self.way.stands_on(known.private)) => Err(why.into()),
            why = network::distrusted(desk, known) => Err(why.into()),
        }
    }
}

impl Ws {
    /// Connects; once more for the proxy and once more for the server, if they ask who we are and there is an answer.
    async fn open(&self, desk: &Desk<'_>, socket: &mut MessageWebSocket, url: &WebSocketUrl) -> Result<(), Halt> {
        let (mut proxy_asked, mut server_asked) = (false, false);
        loop {
            match socket.connect(url).await {
                Ok(()) => return Ok(()),
                Err(WebSocketError::Server(asks @ ServerError::Proxy(ProxyError::NeedsCredential(_))))
                    if !proxy_asked =>
                {
                    proxy_asked = true;
                    let settings = socket.control().outward().map_err(Failure::from)?;
                    self.way.answer_proxy(desk, settings, asks.into()).await?;
                }
                Err(asks @ WebSocketError::NeedsCredential(_)) if !server_asked && url.is_protected() => {
                    server_asked = true;
                    let known = self.way.known_to(desk, &url.resource(), asks.into()).await?;
                    socket.control().set_server_credential(Some(known)).map_err(Failure::from)?;
                }
                Err(other) => return Err(Failure::from(other).into()),
            }
        }
    }
}

fn tell(desk: &Desk<'_>, socket: &MessageWebSocket) -> Result<(), Halt> {
    let known = socket.information();
    let protocol = known.protocol.as_deref().unwrap_or_default();
    let connected = Connected { event: "connected", protocol, negotiated: known.stream.negotiated.as_ref() };
    if desk.screen.json() {
        let line = serde_json::to_string(&connected).map_err(std::io::Error::from)?;
        return desk.screen.aside(&line);
    }
    let how = match connected.negotiated {
        Some(used) => format!("{}, {}, {}", used.version, used.cipher, used.kx),
        None => "in the clear".to_owned(),
    };
    let spoken =
        if protocol.is_empty() { String::new() } else { format!("; sub-protocol {}", text::printable(protocol)) };
    desk.screen.aside(&format!("connected; in use: {how}{spoken}"))
}

async fn talk(desk: &Desk<'_>, socket: &mut MessageWebSocket) -> Result<(), Halt> {
    let mut lines: Lines<BufReader<Stdin>> = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => socket.send(WebSocketMessage::Text(line)).await.map_err(Failure::from)?,
                None => return Ok(socket.close(1000, "").await.map_err(Failure::from)?),
            },
            next = socket.receive() => match next.map_err(Failure::from)? {
                Received::Message(message) | Received::Part { message, .. } => show(desk, &message)?,
                Received::Closed { code, reason } => return closed(desk, code, &reason),
            },
        }
    }
}

fn show(desk: &Desk<'_>, message: &WebSocketMessage) -> Result<(), Halt> {
    match message {
        WebSocketMessage::Text(said) => {
            let row = Message { direction: "in", text: Some(said), base64: None };
            desk.screen.event("message", &row, || text::printable_lines(said))
        }
        WebSocketMessage::Binary(bytes) if desk.screen.json() => {
            let base64 = Some(data_encoding::BASE64.encode(bytes));
            desk.screen.event("message", &Message { direction: "in", text: None, base64 }, String::new)
        }
        WebSocketMessage::Binary(bytes) => desk.screen.raw(bytes),
    }
}

/// 1000, 1001 and none at all are ends; any other code says that something went wrong.
fn closed(desk: &Desk<'_>, code: u16, reason: &str) -> Result<(), Halt> {
    if matches!(code, 1000 | 1001 | 1005) {
        if desk.screen.json() {
            return desk.screen.event("closed", &Closed { code, reason }, String::new);
        }
        return desk.screen.remark(&format!("closed by the server ({code})"));
    }
    let said = if reason.is_empty() { String::new() } else { format!(": {}", text::printable(reason)) };
    Err(Failure::new(ErrorCode::Interrupted, format!("the server closed the WebSocket with code {code}{said}")).into())
}
