//! `hither stop`: ask the agent to finish what it does and stop.

use crate::{desk::Desk, halt::Halt};
use clap::Args;
use hither_model::{Ask, Failure};
use serde::Serialize;

/// Ask the agent to finish and stop. Sessions are closed, transfers go on when it runs again.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither stop")]
pub(crate) struct Stop {}

#[derive(Serialize)]
struct Nothing {}

impl Stop {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.running().await?;
        let mut news = client.news().await?;
        client.ask(Ask::Stop).await?;
        // The agent closes its door last: the end of the news is the end of the agent.
        let closed: Failure = loop {
            if let Err(end) = news.next().await {
                break end;
            }
        };
        drop(closed);
        desk.screen.event("stopped", &Nothing {}, || "the agent has stopped".into())
    }
}
