//! `hither decline`: say no to a question.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
};
use clap::Args;
use hither_model::{Answer, Ask, QuestionId};
use serde::Serialize;

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

#[derive(Serialize)]
struct Answered {
    question: QuestionId,
}

impl Decline {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let ask = Ask::Decline { question: self.id, block: self.block };
        let Answer::Answered { question } = desk.client().await?.ask(ask).await? else { return Err(unexpected()) };
        desk.screen.event("answered", &Answered { question }, || "declined".into())
    }
}
