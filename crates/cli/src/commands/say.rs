//! `hither say`: send a text message.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
};
use clap::Args;
use hither_model::{Answer, Ask, News, SessionId, row::Direction};
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
                    News::SessionClosed { session: s, .. } if s == session => break false,
                    News::Stopping => break false,
                    _ => {}
                }
            },
        };
        let said = Said { session, number, direction: Direction::Out, text: &self.text, delivered };
        desk.screen.event("message", &said, || if delivered { "delivered".into() } else { "on its way".into() })
    }
}
