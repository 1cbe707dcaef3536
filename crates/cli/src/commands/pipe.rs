//! `hither pipe`: standard input and output through a stream to another device. Half-close is kept: the end of our input
//! ends our direction, the end of theirs closes our standard output.

use crate::{desk::Desk, halt::Halt, words};
use clap::Args;
use hither_control::{Client, PipeAsk};
use hither_model::text;
use std::{
    fs::File,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncWrite, Stdout};

/// Standard input and output through a stream to another device.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  hither pipe --listen --name photos --once | tar x\n  tar c photos | hither pipe Ana --name photos"
)]
pub(crate) struct Pipe {
    /// A device with an open session
    #[arg(required_unless_present = "listen", conflicts_with = "listen")]
    peer: Option<String>,
    /// Wait for a stream instead of opening one
    #[arg(long)]
    listen: bool,
    /// The name the listening side has chosen
    #[arg(long, value_name = "N")]
    name: Option<String>,
    /// From this device only
    #[arg(long, value_name = "PEER", requires = "listen", conflicts_with = "peer")]
    from: Option<String>,
    /// End after the first stream
    #[arg(long, requires = "listen", conflicts_with = "peer")]
    once: bool,
}

impl Pipe {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let client = desk.client().await?;
        let Some(peer) = self.peer else {
            let ask = PipeAsk::Listen { from: self.from, name: self.name };
            loop {
                desk.screen.aside("waiting for a stream…")?;
                one(desk, &client, ask.clone(), self.once).await?;
                if self.once {
                    return Ok(());
                }
            }
        };
        desk.screen.aside(&format!("connecting to {}…", text::printable(&peer)))?;
        one(desk, &client, PipeAsk::Connect { peer, name: self.name }, true).await
    }
}

async fn one(desk: &Desk<'_>, client: &Client, ask: PipeAsk, last: bool) -> Result<(), Halt> {
    let pipe = client.pipe(ask).await?;
    desk.screen.aside("connected")?;
    let moved = pipe.pump(tokio::io::stdin(), Out { to: tokio::io::stdout(), last }).await?;
    desk.screen.aside(&format!("ended: {} sent, {} received", words::size(moved.sent), words::size(moved.received)))
}

/// Standard output that can be ended: whoever reads it sees the end while our own direction still goes on.
pub(super) struct Out {
    pub(super) to: Stdout,
    /// Whether nothing follows: only then it is really ended.
    pub(super) last: bool,
}

impl AsyncWrite for Out {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.to).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.to).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.to).poll_flush(cx))?;
        if self.last {
            rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
        }
        Poll::Ready(Ok(()))
    }
}
