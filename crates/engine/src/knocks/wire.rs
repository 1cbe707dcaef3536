//! The task of one connection before it is a session: frames in, frames out, and the step to a proven channel. It
//! decides nothing.

use super::KnockId;
use crate::event::Event;
use hither_protocol::{Admission, Frame, Hello, MAX_HELLO, parse_lenient};
use hither_socket::{Admits, Channel, Connected, Proven, SocketError, Stranger};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What the engine tells the task.
#[derive(Debug)]
pub(crate) enum Order {
    /// Send this frame (payload without length).
    Frame(Vec<u8>),
    /// The invite protocol admitted the peer: hand the channel over as proven.
    Admit(Box<Admission>),
    /// Send what is queued and close.
    Close,
}

/// Why nothing more is heard.
#[derive(Debug)]
pub(crate) enum Silence {
    /// The other side closed or the network broke.
    Lost,
    /// It sent something that is no frame.
    Breach(hither_protocol::Breach),
}

/// A connection whose other end holds a key but is not admitted yet.
pub(crate) enum Wire {
    Stranger(Channel<Stranger>),
    Known(Channel<Proven>),
}

struct Pass(hither_model::PeerId);
impl Admits for Pass {
    fn peer(&self) -> hither_model::PeerId {
        self.0
    }
}

impl Wire {
    pub(crate) fn new(connected: Connected) -> Self {
        match connected {
            Connected::Known(channel) => Self::Known(channel),
            Connected::Stranger(channel) => Self::Stranger(channel),
        }
    }

    pub(crate) fn peer(&self) -> hither_model::PeerId {
        match self {
            Self::Stranger(c) => c.peer(),
            Self::Known(c) => c.peer(),
        }
    }

    pub(crate) fn exporter(&self, label: &str) -> Result<[u8; 32], SocketError> {
        match self {
            Self::Stranger(c) => c.exporter(label, b""),
            Self::Known(c) => c.exporter(label, b""),
        }
    }

    async fn read(&mut self) -> Result<Option<Vec<u8>>, SocketError> {
        match self {
            Self::Stranger(c) => c.next_frame(MAX_HELLO).await,
            Self::Known(c) => c.next_frame(MAX_HELLO).await,
        }
    }

    async fn write(&mut self, frame: &[u8]) -> Result<(), SocketError> {
        match self {
            Self::Stranger(c) => c.write_frame(frame).await,
            Self::Known(c) => c.write_frame(frame).await,
        }
    }

    async fn close(self) {
        let _ = match self {
            Self::Stranger(c) => c.close().await,
            Self::Known(c) => c.close().await,
        };
    }

    fn proven(self, admission: &Admission) -> Result<Channel<Proven>, SocketError> {
        match self {
            Self::Stranger(c) => c.admitted(&Pass(admission.peer())),
            Self::Known(c) => Ok(c),
        }
    }

    /// Reads the opening frame of a connection somebody made to us.
    pub(crate) async fn hello(&mut self) -> Result<Hello, Silence> {
        match self.read().await {
            Ok(Some(bytes)) => {
                // The opening frame decides everything after it: one we do not know cannot be skipped.
                let hello = parse_lenient::<Hello>(&bytes).map_err(|fault| Silence::Breach(fault.into()))?;
                let hello = hello.ok_or(Silence::Breach(hither_protocol::FrameFault::UnknownKind.into()))?;
                hello.check().map_err(Silence::Breach)?;
                Ok(hello)
            }
            Ok(None) | Err(_) => Err(Silence::Lost),
        }
    }

    /// Answers an opening frame and closes: for resumes and calls, which need no machine.
    pub(crate) async fn reply_and_close(mut self, frame: Frame) {
        if let Ok(bytes) = hither_protocol::encode_payload(&frame, MAX_HELLO) {
            let _ = self.write(&bytes).await;
        }
        self.close().await;
    }

    /// Sends a frame and waits for one.
    pub(crate) async fn say<T: serde::Serialize>(&mut self, frame: &T) -> Result<(), Silence> {
        let bytes = hither_protocol::encode_payload(frame, MAX_HELLO).map_err(|fault| Silence::Breach(fault.into()))?;
        self.write(&bytes).await.map_err(|_| Silence::Lost)
    }

    /// Waits for the next frame that means something to us.
    pub(crate) async fn next(&mut self) -> Result<Frame, Silence> {
        loop {
            let Ok(Some(bytes)) = self.read().await else { return Err(Silence::Lost) };
            match parse_lenient::<Frame>(&bytes).map_err(|fault| Silence::Breach(fault.into()))? {
                Some(frame) => {
                    frame.check().map_err(Silence::Breach)?;
                    return Ok(frame);
                }
                None => continue,
            }
        }
    }
}

/// Runs until the channel is handed over or closed.
pub(crate) async fn run(
    knock: KnockId,
    mut wire: Wire,
    mut orders: mpsc::Receiver<Order>,
    events: mpsc::Sender<Event>,
    cancel: CancellationToken,
) {
    // After the last word of the invite the next bytes belong to the session, whose reader takes over with the order to admit.
    let mut welcomed = false;
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            order = orders.recv() => match order {
                Some(Order::Frame(bytes)) => {
                    if wire.write(&bytes).await.is_err() {
                        let _ = events.send(Event::KnockSilent { knock, why: Silence::Lost }).await;
                        break;
                    }
                }
                Some(Order::Admit(admission)) => {
                    let outcome = wire.proven(&admission);
                    let _ = events.send(Event::Admitted { knock, admission, channel: outcome.map(Box::new) }).await;
                    return;
                }
                Some(Order::Close) | None => break,
            },
            heard = wire.next(), if !welcomed => {
                let over = heard.is_err();
                welcomed = matches!(heard, Ok(Frame::Welcome { .. } | Frame::Accepted { .. }));
                let event = match heard {
                    Ok(frame) => Event::KnockHeard { knock, frame },
                    Err(why) => Event::KnockSilent { knock, why },
                };
                if events.send(event).await.is_err() || over {
                    break;
                }
            }
        }
    }
    wire.close().await;
}
