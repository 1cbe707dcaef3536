//! The two tasks of a session's connection: one reads frames and watches that the peer is alive, one writes.

use crate::{clock::Clock, event::Event};
use hither_model::SessionId;
use hither_protocol::{
    MAX_FRAME, encode_payload, parse_lenient,
    session::{Beat, Frame, Liveness},
};
use hither_socket::{Channel, FrameReader, FrameWriter, Link as Line, Proven, SocketError};
use std::{net::SocketAddr, time::Duration};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Numbers the connections of one session, so that news of an old one cannot be taken for the present one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(pub(crate) u64);

/// Frames that may wait to be written; more means that the peer does not read.
const MAX_WAITING: usize = 1_024;
/// Bytes of frames that leave together.
const AT_ONCE: usize = 512 << 10;
/// How long the last words may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// The engine's end of a connection.
pub(crate) struct Link {
    pub(crate) generation: Generation,
    pub(crate) frames: mpsc::Sender<Frame>,
    pub(crate) remote: SocketAddr,
    /// Whether we dialled it: lanes are dialled by the same side.
    pub(crate) is_client: bool,
    line: Line,
    cancel: CancellationToken,
}

impl Link {
    /// Starts the tasks.
    pub(crate) fn start(
        session: SessionId,
        generation: Generation,
        channel: Channel<Proven>,
        events: mpsc::Sender<Event>,
        tasks: &TaskTracker,
        cancel: CancellationToken,
        clock: Clock,
    ) -> Self {
        let (frames, queue) = mpsc::channel(MAX_WAITING);
        let (remote, is_client) = (channel.remote_addr(), channel.is_client());
        let (reader, writer) = channel.split();
        let line = writer.link();
        let (pinger, lost) = (frames.downgrade(), events.clone());
        let stop = cancel.clone();
        tasks.spawn(async move {
            let why = tokio::select! {
                why = listen(session, generation, reader, &pinger, &events, clock) => why,
                () = stop.cancelled() => return,
            };
            let _ = events.send(Event::SessionLost { session, generation, why }).await;
        });
        let stop = cancel.clone();
        tasks.spawn(async move {
            if let Some(why) = talk(writer, queue, &stop).await {
                let _ = lost.send(Event::SessionLost { session, generation, why }).await;
            }
        });
        Self { generation, frames, remote, is_client, line, cancel }
    }

    /// Smoothed round trip in microseconds, 0 if the system does not tell.
    pub(crate) fn rtt_us(&self) -> u64 {
        self.line.statistics().smoothed
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

async fn listen(
    session: SessionId,
    generation: Generation,
    mut reader: FrameReader,
    pinger: &mpsc::WeakSender<Frame>,
    events: &mpsc::Sender<Event>,
    clock: Clock,
) -> String {
    let mut liveness = Liveness::new(clock.now());
    let post = |frame| pinger.upgrade().is_some_and(|frames| frames.try_send(frame).is_ok());
    loop {
        let payload = tokio::select! {
            payload = reader.read_frame(MAX_FRAME) => payload,
            () = tokio::time::sleep(clock.until(liveness.deadline())) => {
                match liveness.tick(clock.now()) {
                    Beat::Quiet => {}
                    Beat::Ping(n) => { post(Frame::Ping { n }); }
                    Beat::Dead => return "the other device has not answered for 15 seconds".into(),
                }
                continue;
            }
        };
        let payload = match payload {
            Ok(Some(payload)) => payload,
            Ok(None) => return "the other side closed the connection".into(),
            Err(error) => return error.to_string(),
        };
        liveness.heard(clock.now());
        let frame = match parse_lenient::<Frame>(&payload).map_err(hither_protocol::Breach::from) {
            Ok(Some(frame)) => frame,
            Ok(None) => continue,
            Err(breach) => return format!("the other program broke the protocol: {breach}"),
        };
        if let Err(breach) = frame.check() {
            return format!("the other program broke the protocol: {breach}");
        }
        match frame {
            Frame::Ping { n } => {
                post(Frame::Pong { n });
            }
            Frame::Pong { .. } => {}
            frame => {
                liveness.used(clock.now());
                if events.send(Event::SessionHeard { session, generation, frame }).await.is_err() {
                    return "the agent stops".into();
                }
            }
        }
    }
}

/// Writes frames as they come, those that wait together; closes properly when the engine lets go. What it returns is why
/// the connection is lost, if it is.
async fn talk(mut writer: FrameWriter, mut queue: mpsc::Receiver<Frame>, cancel: &CancellationToken) -> Option<String> {
    loop {
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            first = queue.recv() => match first {
                Some(first) => feed(&mut writer, first),
                None => break,
            },
        };
        let outcome = match outcome {
            Ok(()) => tokio::select! {
                biased;
                outcome = write_waiting(&mut writer, &mut queue) => outcome,
                () = cancel.cancelled() => break,
            },
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            return Some(error.to_string());
        }
    }
    queue.close();
    let goodbye = async {
        write_waiting(&mut writer, &mut queue).await?;
        writer.close().await
    };
    // A peer that does not read keeps nothing of ours for longer.
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    None
}

/// Sends everything that waits. Cancelled midway, nothing is lost: it is still in one of the two queues.
async fn write_waiting(writer: &mut FrameWriter, queue: &mut mpsc::Receiver<Frame>) -> Result<(), SocketError> {
    loop {
        if writer.queued() >= AT_ONCE {
            writer.flush().await?;
        }
        match queue.try_recv() {
            Ok(frame) => feed(writer, frame)?,
            Err(_) => return writer.flush().await,
        }
    }
}

fn feed(writer: &mut FrameWriter, frame: Frame) -> Result<(), SocketError> {
    // Reasons come from systems and files and can be long; everything else is made within its bounds.
    match encode_payload(&frame.fitted(), MAX_FRAME) {
        Ok(payload) => writer.feed(&payload),
        Err(breach) => {
            tracing::error!(%breach, "a frame of ours does not fit and is left out");
            Ok(())
        }
    }
}
