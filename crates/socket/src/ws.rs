//! WebSockets (RFC 6455, R5): [`MessageWebSocket`] for whole messages, [`StreamWebSocket`] for bytes, [`WebSocketDoor`] for the
//! server's side. They run on [`StreamSocket`](crate::StreamSocket) or any stream; `wss` unless the caller insists on the
//! clear. Compression is never negotiated, redirects are never followed.
//!
//! What is *not* here: peers.

mod carry;
mod control;
mod door;
mod error;
mod message;
mod open;
mod parts;
mod stream;
mod url;

pub use carry::{PEER_MESSAGE, PEER_PROTOCOL};
pub use control::{MessageWebSocketReceiveMode, SocketMessageType, WebSocketControl, WebSocketInformation};
pub use door::WebSocketDoor;
pub use error::WebSocketError;
pub use message::{MessageWebSocket, Received, WebSocketMessage};
pub use stream::StreamWebSocket;
pub use url::WebSocketUrl;

#[cfg(test)]
mod tests;
