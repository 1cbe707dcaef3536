//! `hither transfers`, `transfer`, `pause`, `resume`, `cancel`: past and present transfers.

use super::flow::failed;
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    paint::Paint,
    table::{Table, facts},
    words,
};
use clap::Args;
use hither_control::Client;
use hither_model::{
    Answer, Ask,
    row::{Direction, TransferRow},
    text,
};

/// Past and present transfers.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither transfers")]
pub(crate) struct Transfers {}

/// One transfer in full, with the items that failed.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither transfer 3f2a --items")]
pub(crate) struct Transfer {
    /// Which, by the beginning of its id
    id: String,
    /// List every item and where it stands, instead
    #[arg(long)]
    items: bool,
}

/// Stop a transfer for now.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither pause 3f2a")]
pub(crate) struct Pause {
    /// Which, by the beginning of its id
    id: String,
}

/// Go on with a paused transfer, or try the failed items of a finished one again.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither resume 3f2a")]
pub(crate) struct Resume {
    /// Which, by the beginning of its id
    id: String,
}

/// End a transfer. What is complete stays; what is not is removed.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither cancel 3f2a")]
pub(crate) struct Cancel {
    /// Which, by the beginning of its id
    id: String,
}

impl Transfers {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let answer = desk.client().await?.ask(Ask::Transfers).await?;
        let Answer::Transfers { rows } = answer else { return Err(unexpected()) };
        if rows.is_empty() {
            desk.screen.remark("no transfers yet")?;
        }
        desk.screen.rows("transfer", &rows, |rows| list(desk.screen.paint(), rows))
    }
}

impl Transfer {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        if self.items {
            return items(desk, &mut client, &self.id).await;
        }
        let row = one(&mut client, self.id).await?;
        desk.screen.row("transfer", &row, || full(desk.screen.paint(), &row))
    }
}

impl Pause {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        act(desk, Ask::Pause { transfer: self.id.clone() }, self.id).await
    }
}

impl Resume {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        act(desk, Ask::Resume { transfer: self.id.clone() }, self.id).await
    }
}

impl Cancel {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        act(desk, Ask::Cancel { transfer: self.id.clone() }, self.id).await
    }
}

/// Does something to a transfer and shows how it stands then.
async fn act(desk: &Desk<'_>, ask: Ask, id: String) -> Result<(), Halt> {
    let mut client = desk.client().await?;
    client.ask(ask).await?;
    let row = one(&mut client, id).await?;
    desk.screen.event("transfer", &row, || format!("transfer {} is {}", row.transfer.short(), state(&row)))
}

async fn one(client: &mut Client, transfer: String) -> Result<TransferRow, Halt> {
    match client.ask(Ask::Transfer { transfer }).await? {
        Answer::Transfers { mut rows } => rows.pop().ok_or_else(unexpected),
        _ => Err(unexpected()),
    }
}

/// Every item, page by page as they come.
async fn items(desk: &Desk<'_>, client: &mut Client, transfer: &str) -> Result<(), Halt> {
    let mut after = 0;
    loop {
        let ask = Ask::Items { transfer: transfer.to_owned(), after, limit: 1_000 };
        let Answer::Items { rows, .. } = client.ask(ask).await? else { return Err(unexpected()) };
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.index + 1;
        desk.screen.rows("item", &rows, |rows| {
            let mut table = Table::new(&["STATE", "SIZE", "PATH"]);
            for row in rows {
                let size = if row.folder { "folder".to_owned() } else { words::size(row.bytes) };
                let path = match &row.why {
                    Some(why) => format!("{}: {}", row.path, text::printable(why)),
                    None => row.path.clone(),
                };
                table.row([row.state.word(), &size, &path]);
            }
            table.text(desk.screen.paint())
        })?;
    }
}

fn state(row: &TransferRow) -> String {
    match &row.why {
        Some(why) => format!("{}: {}", row.state, text::printable(why)),
        None => row.state.to_string(),
    }
}

fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "from",
        Direction::Out => "to",
    }
}

fn list(paint: Paint, rows: &[TransferRow]) -> String {
    let mut table = Table::new(&["TRANSFER", "", "PEER", "WHAT", "DONE", "OF", "STATE"]);
    for row in rows {
        let (done, total) = (words::size(row.done), words::size(row.total));
        let cells = [&row.transfer.short(), arrow(row.direction), &row.name, &row.title, &done, &total, &state(row)];
        table.row(cells);
    }
    table.text(paint)
}

fn full(paint: Paint, row: &TransferRow) -> String {
    let receipt = match (row.receipt, row.direction) {
        (true, Direction::Out) => "signed by the receiver",
        (true, Direction::In) => "sent",
        (false, _) => "not yet",
    };
    let mut out = facts(
        paint,
        &[
            ("transfer", row.transfer.to_string()),
            (arrow(row.direction), words::person(&row.name, &row.peer)),
            ("what", row.title.clone()),
            ("state", state(row)),
            ("items", format!("{} of {}", row.items_done, row.items)),
            ("bytes", format!("{} of {}", words::size(row.done), words::size(row.total))),
            ("receipt", receipt.to_owned()),
        ],
    );
    if let Some(path) = &row.path {
        out.push_str(&format!("\n{} {}", paint.bold("kept in:"), text::printable(path)));
    }
    for item in &row.failed {
        out.push_str(&format!("\n{} {}", paint.yellow("failed:"), failed(item)));
    }
    out
}
