//! `hither messages`: messages so far, and as they come.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    words,
};
use clap::Args;
use hither_control::{Client, NewsFeed};
use hither_model::{
    Answer, Ask, News, PeerId, SessionId,
    row::{Direction, MessageRow},
    text,
};

/// Messages so far, of one session or device, or of all.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither messages Ana --follow")]
pub(crate) struct Messages {
    /// A session or a device
    session: Option<String>,
    /// Go on and show new ones
    #[arg(long)]
    follow: bool,
}

impl Messages {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        let news = if self.follow { Some(client.news().await?) } else { None };
        let answer = client.ask(Ask::Messages { session: self.session.clone() }).await?;
        let Answer::Messages { rows } = answer else { return Err(unexpected()) };
        if rows.is_empty() && !self.follow {
            desk.screen.remark("no messages yet")?;
        }
        rows.iter().try_for_each(|row| show(desk, row))?;
        let Some(news) = news else { return Ok(()) };
        let wanted = wanted(&mut client, self.session, &rows).await;
        follow(desk, news, &wanted, rows).await
    }
}

/// Whose messages are followed: what the person typed, and whom it stands for.
struct Wanted {
    typed: Option<String>,
    peer: Option<PeerId>,
}

impl Wanted {
    fn fits(&self, session: SessionId, peer: &PeerId) -> bool {
        let Some(typed) = &self.typed else { return true };
        self.peer.as_ref() == Some(peer)
            || session.to_string().starts_with(typed)
            || peer.to_string().starts_with(typed)
    }
}

async fn wanted(client: &mut Client, typed: Option<String>, rows: &[MessageRow]) -> Wanted {
    let Some(name) = typed.clone() else { return Wanted { typed: None, peer: None } };
    let open = match client.ask(Ask::Session { session: name }).await {
        Ok(Answer::Sessions { rows }) => rows.first().map(|row| row.peer),
        _ => None,
    };
    Wanted { typed: typed.map(|t| t.to_lowercase()), peer: open.or_else(|| rows.last().map(|row| row.peer)) }
}

async fn follow(desk: &Desk<'_>, mut news: NewsFeed, wanted: &Wanted, listed: Vec<MessageRow>) -> Result<(), Halt> {
    loop {
        let heard = news.next().await?;
        match &heard {
            // One that came between the subscription and the list is in both.
            News::Message { message } if listed.iter().any(|m| same(m, message)) => {}
            News::Message { message } if wanted.fits(message.session, &message.peer) => show(desk, message)?,
            News::MessageDelivered { .. } => desk.screen.news(&heard, || None)?,
            News::Stopping => return Ok(()),
            _ => {}
        }
    }
}

fn same(a: &MessageRow, b: &MessageRow) -> bool {
    (a.session, a.direction, a.number) == (b.session, b.direction, b.number)
}

fn show(desk: &Desk<'_>, row: &MessageRow) -> Result<(), Halt> {
    desk.screen.event("message", row, || line(desk.screen.paint(), row))
}

fn line(paint: Paint, row: &MessageRow) -> String {
    let arrow = match row.direction {
        Direction::In => paint.green("<"),
        Direction::Out => paint.faint(">"),
    };
    let waiting = if row.delivered { "" } else { "  (not delivered yet)" };
    let words = text::printable_lines(&row.text).replace('\n', "\n    ");
    format!("{} {} {arrow} {words}{waiting}", paint.faint(&words::moment(row.at)), text::printable(&row.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m10_a_message_is_shown_with_its_lines_and_without_its_tricks() {
        let row = MessageRow {
            session: SessionId::new([1; 16]),
            peer: PeerId::new([2; 32]),
            name: "Ana\u{1b}".into(),
            direction: Direction::In,
            text: "one\ntwo\u{1b}[2J\u{202e}\r".into(),
            delivered: true,
            at: 0,
            number: 1,
        };
        let text = line(Paint::none(), &row);
        assert!(text.ends_with("Ana\\u{1b} < one\n    two\\u{1b}[2J\\u{202e}\\u{d}"), "{text:?}");
    }
}
