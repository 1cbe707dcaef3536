//! `hither stop`: ask the agent to finish what it does and stop.

use crate::{desk::Desk, halt::Halt};
use clap::Args;
use hither_control::Client;
use hither_model::{Ask, Failure};
use serde::Serialize;

/// Ask the agent to finish and stop. Sessions are closed, transfers go on when it runs again.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither stop --drain")]
pub(crate) struct Stop {
    /// Wait until what moves is there; nothing new is begun meanwhile
    #[arg(long)]
    drain: bool,
}

#[derive(Serialize)]
struct Nothing {}

impl Stop {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let how = if self.drain { Ask::Drain } else { Ask::Stop };
        desk.unless_interrupted(ended(desk.running().await?, how)).await?;
        desk.screen.event("stopped", &Nothing {}, || "the agent has stopped".into())
    }
}

/// Has the agent end, and waits for it.
pub(super) async fn ended(mut client: Client, how: Ask) -> Result<(), Failure> {
    let mut news = client.news().await?;
    client.ask(how).await?;
    // The agent closes its door last: the end of the news is the end of the agent.
    while news.next().await.is_ok() {}
    Ok(())
}
