//! `hither visibility`: who may see this device.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    words,
};
use clap::{Args, ValueEnum};
use hither_model::{Answer, Ask, DisplayName, row::Visibility, text};
use serde::Serialize;

/// Who may see this device. Without a word: say who may at the moment.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither visibility everyone --name \"Ana's laptop\" --for 10m")]
pub(crate) struct Visible {
    /// nobody: no packet leaves; known: only devices met before can tell who this is; everyone: the name is shown
    who: Option<Who>,
    /// The name to show
    #[arg(long, value_name = "N", value_parser = DisplayName::new, requires = "who")]
    name: Option<DisplayName>,
    /// Only for so long, then as before (10m, 2h …)
    #[arg(long = "for", value_name = "TIME", value_parser = words::seconds, requires = "who")]
    period: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Who {
    Nobody,
    Known,
    Everyone,
}

#[derive(Serialize)]
struct Seen {
    visibility: Visibility,
    name: Option<DisplayName>,
}

impl Visible {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        if let Some(who) = self.who {
            let visibility = match who {
                Who::Nobody => Visibility::Nobody,
                Who::Known => Visibility::Known,
                Who::Everyone => Visibility::Everyone,
            };
            client.ask(Ask::SetVisibility { visibility, name: self.name, seconds: self.period }).await?;
        }
        let Answer::Status { status } = client.ask(Ask::Status).await? else { return Err(unexpected()) };
        let seen = Seen { visibility: status.visibility, name: status.name };
        desk.screen.event("visibility", &seen, || {
            let name = seen.name.as_ref().map(|n| text::printable(n.as_str()));
            match (seen.visibility, name) {
                (Visibility::Nobody, _) => "nobody sees this device".into(),
                (Visibility::Known, _) => "only devices met before can tell who this is".into(),
                (Visibility::Everyone, Some(name)) => format!("everyone near sees this device as {name}"),
                (Visibility::Everyone, None) => "everyone near sees this device, without a name".into(),
            }
        })
    }
}
