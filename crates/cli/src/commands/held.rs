//! `hither held`: sockets that the agent holds for other programs of this user.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    table::Table,
};
use clap::{Args, Subcommand};
use hither_broker::Broker;
use hither_control::Place;
use hither_model::{
    Answer, Ask, ErrorCode, Failure,
    row::{HeldKind, HeldRow},
};
use serde::Serialize;
use std::path::PathBuf;

/// Sockets that the agent holds for other programs of yours, and starts them when something comes.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither held")]
pub(crate) struct Held {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them (what happens if nothing is said)
    #[command(after_help = "Example:\n  hither held list")]
    List,
    /// Close one: its other end hears so, its program is not started
    #[command(after_help = "Example:\n  hither held release 9f86d081 inbox")]
    Release {
        /// The task it belongs to, by beginning
        task: String,
        /// Its name
        id: String,
    },
    /// Where programs hand sockets over: the path of the agent's socket for them
    #[command(after_help = "Example:\n  hither held socket")]
    Socket,
}

#[derive(Serialize)]
struct At {
    socket: PathBuf,
}

#[derive(Serialize)]
struct Released<'a> {
    task: &'a str,
    id: &'a str,
}

impl Held {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        match self.what {
            None | Some(What::List) => {
                let rows = rows(desk).await?;
                if rows.is_empty() {
                    desk.screen.remark("no socket is held for another program")?;
                }
                desk.screen.rows("held", &rows, |rows| table(rows).text(desk.screen.paint()))
            }
            Some(What::Release { task, id }) => {
                let rows = rows(desk).await?;
                let of = |row: &&HeldRow| row.id == id && row.task.starts_with(&task);
                let Some(row) = rows.iter().find(of) else {
                    let why = format!("no socket {id:?} of a task {task:?} is held");
                    return Err(Failure::new(ErrorCode::UnknownId, why).hint("`hither held` lists them").into());
                };
                let (task, at) = (row.task.clone(), broker(desk)?);
                let name = row.id.clone();
                // It blocks; nothing else is under way.
                let released = tokio::task::spawn_blocking(move || Broker::at(&at)?.release(&task, &name)).await;
                released.map_err(|_| unexpected())?.map_err(Failure::from)?;
                desk.screen.row("released", &Released { task: &row.task, id: &row.id }, || "closed".into())
            }
            Some(What::Socket) => {
                let socket = broker(desk)?;
                let shown = socket.display().to_string();
                desk.screen.row("broker", &At { socket }, || shown)
            }
        }
    }
}

async fn rows(desk: &Desk<'_>) -> Result<Vec<HeldRow>, Halt> {
    match desk.client().await?.ask(Ask::Held).await? {
        Answer::Held { rows } => Ok(rows),
        _ => Err(unexpected()),
    }
}

/// The socket of a running agent, else where the next one will have it.
fn broker(desk: &Desk<'_>) -> Result<PathBuf, Halt> {
    let places = Place::candidates(desk.profile());
    let there = places.iter().map(Place::broker).find(|path| path.exists());
    match there {
        Some(path) => Ok(path),
        None => Ok(Place::of(desk.profile()).map_err(Failure::from)?.broker()),
    }
}

fn table(rows: &[HeldRow]) -> Table {
    let mut table = Table::new(&["task", "id", "kind", "here", "there", "context", "started", "trouble"]);
    for row in rows {
        let kind = match row.kind {
            HeldKind::Listener => "listener",
            HeldKind::Stream => "stream",
            HeldKind::Datagram => "datagram",
        };
        let task: String = row.task.chars().take(8).collect();
        let [local, remote, why] = [&row.local, &row.remote, &row.why].map(|text| text.clone().unwrap_or_default());
        let (context, woken) = (format!("{} B", row.context), row.woken.to_string());
        table.row([task, row.id.clone(), kind.to_owned(), local, remote, context, woken, why]);
    }
    for heading in ["here", "there", "trouble"] {
        table.without_if_empty(heading);
    }
    table
}
