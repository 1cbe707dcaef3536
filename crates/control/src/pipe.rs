//! A connection that has become a stream to another device (`hither pipe`).
//!
//! After the agent's `piped` message both directions carry chunks: four bytes of length, big-endian, at most 64 KiB,
//! then so many bytes. Length 0 ends a direction and leaves the other open (half-close is kept). The agent has the last
//! word: 2³²−2 when both directions were brought to their end, or, at any time, 2³²−1 and one message frame with a
//! [`Failure`]: the stream broke, and what was written may not have arrived. So a broken stream is never taken for one
//! that ended.

use crate::{
    fault::ControlError,
    frame::{self, Cut},
    surface::Wire,
};
use hither_model::{ErrorCode, Failure};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::oneshot,
};

/// Largest chunk, bytes.
const CHUNK: usize = 64 * 1024;
/// The agent's last word: both directions ended as they should.
const CLOSED: u32 = u32::MAX - 1;
/// The agent's last word: a failure, which follows.
const BROKEN: u32 = u32::MAX;
/// Largest failure message, bytes.
const FAILURE_CAP: usize = 16 * 1024;
/// How long the other program may take nothing when it is told of a failure.
const TELL_WITHIN: Duration = Duration::from_secs(2);

/// The client's end of a stream.
#[derive(Debug)]
pub struct Pipe {
    /// Bytes that came together with the agent's last message.
    pub(crate) early: Vec<u8>,
    pub(crate) reader: OwnedReadHalf,
    pub(crate) writer: OwnedWriteHalf,
}

/// How many bytes went each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// To the other device.
    pub sent: u64,
    /// From it.
    pub received: u64,
}

impl Pipe {
    /// Moves bytes both ways until both directions have ended. `output` is shut down when the other side ends its
    /// direction, which may be long before ours ends.
    ///
    /// # Errors
    /// The stream broke, or `input` or `output` failed.
    pub async fn pump<R, W>(self, input: R, mut output: W) -> Result<Moved, Failure>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let Self { early, reader, mut writer } = self;
        let reader = AsyncReadExt::chain(&early[..], reader);
        let out = async {
            match client_outward(input, &mut writer).await {
                Ok(count) => Ok(count),
                Err(End::Source(e)) => Err(failed(&e, "reading what is to be sent")),
                // The agent takes no more; why, it says on the other direction.
                Err(End::Sink) => Ok(0),
            }
        };
        let back = async {
            match inward(reader, &mut output, Side::Client).await {
                Ok(count) => Ok(count),
                Err(Stop::Told(failure)) => Err(failure),
                Err(Stop::Lost(e)) => Err(ControlError::Lost(e).into()),
                Err(Stop::Sink(e)) => Err(failed(&e, "writing what was received")),
            }
        };
        let (sent, received) = tokio::try_join!(out, back)?;
        Ok(Moved { sent, received })
    }
}

fn failed(e: &io::Error, doing: &str) -> Failure {
    Failure::new(ErrorCode::StorageFailed, format!("{doing}: {e}"))
}

/// The agent's end: between the client's connection and the stream to the other device.
pub(crate) async fn relay(reader: OwnedReadHalf, mut writer: OwnedWriteHalf, wire: Box<dyn Wire>) {
    let (from_peer, mut to_peer) = tokio::io::split(wire);
    let (verdict, awaited) = oneshot::channel();
    let to_client = async {
        match agent_outward(from_peer, &mut writer, awaited).await {
            Ok(()) => Ok(()),
            Err(End::Source(e)) => {
                tell(&mut writer, &e).await;
                Err(())
            }
            Err(End::Sink) => Err(()),
        }
    };
    let from_client = async {
        match inward(reader, &mut to_peer, Side::Agent).await {
            Ok(_) => verdict.send(Ok(())).map_err(drop),
            // The other direction tells the client, between two chunks.
            Err(Stop::Sink(e)) => verdict.send(Err(e)).map_err(drop),
            Err(Stop::Told(_) | Stop::Lost(_)) => Err(()),
        }
    };
    if tokio::try_join!(to_client, from_client).is_err() {
        tracing::debug!("a pipe ended early");
    }
}

async fn tell(writer: &mut OwnedWriteHalf, e: &io::Error) {
    let failure = Failure::new(ErrorCode::Interrupted, format!("the stream to the other device broke: {e}"))
        .hint("what was sent last may not have arrived");
    let told = async {
        writer.write_all(&BROKEN.to_be_bytes()).await.map_err(ControlError::Lost)?;
        frame::send(writer, &failure, Cut::Frames, FAILURE_CAP, TELL_WITHIN).await
    };
    if tokio::time::timeout(TELL_WITHIN, told).await.is_err() {
        tracing::debug!("the client takes no more");
    }
}

enum End {
    Source(io::Error),
    Sink,
}

/// A buffer with room for a chunk and its length.
struct Chunk(Vec<u8>);

impl Chunk {
    fn new() -> Self {
        Self(vec![0; 4 + CHUNK])
    }

    async fn fill<R: AsyncRead + Unpin>(&mut self, from: &mut R) -> Result<usize, End> {
        from.read(self.0.get_mut(4..).unwrap_or_default()).await.map_err(End::Source)
    }

    async fn pass<W: AsyncWrite + Unpin>(&mut self, count: usize, to: &mut W) -> Result<u64, End> {
        let length = u32::try_from(count).map_err(|_| End::Source(io::ErrorKind::InvalidData.into()))?;
        if let Some(head) = self.0.first_chunk_mut::<4>() {
            *head = length.to_be_bytes();
        }
        to.write_all(self.0.get(..4 + count).unwrap_or_default()).await.map_err(|_| End::Sink)?;
        Ok(u64::from(length))
    }
}

/// Plain bytes to chunks, up to and with the end of the direction.
async fn client_outward<R, W>(mut from: R, to: &mut W) -> Result<u64, End>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut chunk = Chunk::new();
    let mut total = 0;
    loop {
        let count = chunk.fill(&mut from).await?;
        total += chunk.pass(count, to).await?;
        if count == 0 {
            return Ok(total);
        }
    }
}

/// Plain bytes to chunks, then the last word about both directions.
async fn agent_outward<R, W>(mut from: R, to: &mut W, mut verdict: oneshot::Receiver<io::Result<()>>) -> Result<(), End>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut chunk = Chunk::new();
    let (mut flowing, mut known) = (true, false);
    while flowing || !known {
        tokio::select! {
            biased;
            word = &mut verdict, if !known => match word {
                Ok(Ok(())) => known = true,
                Ok(Err(e)) => return Err(End::Source(e)),
                Err(_) => return Err(End::Sink),
            },
            count = chunk.fill(&mut from), if flowing => {
                let count = count?;
                chunk.pass(count, to).await?;
                flowing = count > 0;
            }
        }
    }
    to.write_all(&CLOSED.to_be_bytes()).await.map_err(|_| End::Sink)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Agent,
}

enum Stop {
    /// The other program said why.
    Told(Failure),
    /// It ended without saying so.
    Lost(io::Error),
    /// Our side takes no more.
    Sink(io::Error),
}

/// Chunks to plain bytes; the end of the chunks shuts the sink down. The client goes on to the agent's last word.
async fn inward<R, W>(from: R, to: &mut W, side: Side) -> Result<u64, Stop>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut from = BufReader::with_capacity(CHUNK + 4, from);
    let mut buffer = vec![0; CHUNK];
    let mut total = 0;
    loop {
        let length = from.read_u32().await.map_err(Stop::Lost)?;
        match (length, side) {
            (0, _) => {
                to.shutdown().await.map_err(Stop::Sink)?;
                if side == Side::Agent {
                    return Ok(total);
                }
            }
            (CLOSED, Side::Client) => return Ok(total),
            (BROKEN, Side::Client) => return Err(Stop::Told(reason(&mut from).await)),
            _ => {
                let Some(body) = buffer.get_mut(..length as usize) else {
                    return Err(Stop::Lost(io::ErrorKind::InvalidData.into()));
                };
                from.read_exact(body).await.map_err(Stop::Lost)?;
                to.write_all(body).await.map_err(Stop::Sink)?;
                to.flush().await.map_err(Stop::Sink)?;
                total += u64::from(length);
            }
        }
    }
}

async fn reason<R: AsyncRead + Unpin>(from: &mut R) -> Failure {
    match frame::Reader::new(from, Cut::Frames, FAILURE_CAP).message().await {
        Ok(Some(failure)) => failure,
        Ok(None) => ControlError::Lost(io::ErrorKind::UnexpectedEof.into()).into(),
        Err(e) => e.into(),
    }
}
