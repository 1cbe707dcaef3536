//! `hither say`: send a text message.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
};
use clap::Args;
use hither_model::{
    Answer, Ask, ErrorCode, Failure, News, SessionId,
    row::{Direction, MessageRow},
    text,
};
use serde::Serialize;

/// Send a text message over an open session.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither say Ana \"coffee?\"")]
pub(crate) struct Say {
    /// A session, or a device with an open session
    #[arg(value_name = "SESSION-or-PEER")]
    to: String,
    /// The text, at most 64 KiB
    text: String,
    /// Wait until the other side has it
    #[arg(long)]
    wait: bool,
}

#[derive(Serialize)]
struct Said<'a> {
    session: SessionId,
    number: u64,
    direction: Direction,
    text: &'a str,
    delivered: bool,
}

fn undelivered(why: &str) -> Failure {
    Failure::new(ErrorCode::Interrupted, format!("whether the message arrived is not known: {}", text::printable(why)))
        .hint("open a session again and ask, or say it again")
}

impl Say {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        let news = if self.wait { Some(client.news().await?) } else { None };
        let ask = Ask::Say { to: self.to, text: self.text.clone() };
        let Answer::Said { session, number } = client.ask(ask).await? else { return Err(unexpected()) };
        let delivered = match news {
            None => false,
            Some(mut news) => loop {
                match news.next().await? {
                    News::MessageDelivered { session: s, number: n } if (s, n) == (session, number) => break true,
                    News::SessionClosed { session: s, why, .. } if s == session => return Err(undelivered(&why).into()),
                    News::Stopping => return Err(undelivered("the agent stops").into()),
                    // First of all, and again after news were lost: how it stands is looked up.
                    News::Snapshot { sessions, .. } => {
                        let ask = Ask::Messages { session: Some(session.to_string()) };
                        let rows = match client.ask(ask).await {
                            Ok(Answer::Messages { rows }) => rows,
                            _ => vec![],
                        };
                        let ours = |m: &&MessageRow| m.direction == Direction::Out && m.number == number;
                        match rows.iter().find(ours) {
                            Some(message) if message.delivered => break true,
                            _ if sessions.iter().any(|s| s.session == session) => {}
                            _ => return Err(undelivered("the session is over").into()),
                        }
                    }
                    _ => {}
                }
            },
        };
        let said = Said { session, number, direction: Direction::Out, text: &self.text, delivered };
        desk.screen.event("message", &said, || if delivered { "delivered".into() } else { "on its way".into() })
    }
}
