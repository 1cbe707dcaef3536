//! `hither decline`: say no to a question.

use super::questions::{self, Answered};
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
};
use clap::Args;
use hither_model::{Answer, Ask};

/// Say no to a question.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither decline 3f2a")]
pub(crate) struct Decline {
    /// Which question, by the beginning of its id
    id: String,
    /// And take no more questions from them
    #[arg(long)]
    block: bool,
}

impl Decline {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        let row = questions::find(&mut client, &self.id).await?;
        questions::present(desk, &row)?;
        let ask = Ask::Decline { question: row.id.to_string(), block: self.block };
        let Answer::Answered { question } = client.ask(ask).await? else { return Err(unexpected()) };
        desk.screen.event("answered", &Answered { question }, || "declined".into())
    }
}
