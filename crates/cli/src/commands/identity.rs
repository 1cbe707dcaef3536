//! `hither identity`: certificates this device can be known by.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    table::{Table, facts},
};
use clap::{Args, Subcommand};
use hither_control::Client;
use hither_model::{
    Answer, Ask,
    row::{IdentityRow, Usable},
};
use serde::Serialize;

/// Certificates this device can be known by.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither identity show")]
pub(crate) struct Identity {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them
    #[command(after_help = "Example:\n  hither identity list")]
    List,
    /// The one in use, in full
    #[command(after_help = "Example:\n  hither identity show")]
    Show,
    /// Renew the local certificate: a new one for the same key, so that everyone you met still knows you
    #[command(after_help = "Example:\n  hither identity new")]
    New,
    /// The certificate in use as PEM, on standard output
    #[command(after_help = "Example:\n  hither identity export-cert > me.pem")]
    ExportCert,
}

#[derive(Serialize)]
struct Certificate<'a> {
    pem: &'a str,
}

impl Identity {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        match self.what {
            What::List => {
                let rows = rows(&mut client).await?;
                desk.screen.rows("identity", &rows, |rows| {
                    let mut table = Table::new(&["ID", "SUBJECT", "KEY", "FROM", "UNTIL", "USABLE", ""]);
                    for row in rows {
                        let current = if row.current { "in use" } else { "" };
                        let usable = usable(&row.usable);
                        table.row([&row.id, &row.subject, &row.key, &row.source, &row.not_after, &usable, current]);
                    }
                    table.text(desk.screen.paint())
                })
            }
            What::Show => show(desk, &mut client).await,
            What::New => {
                client.ask(Ask::RenewCertificate).await?;
                desk.screen.remark("renewed: a new certificate for the same key; everyone you met still knows you")?;
                show(desk, &mut client).await
            }
            What::ExportCert => {
                let Answer::Certificate { pem } = client.ask(Ask::ExportCertificate).await? else {
                    return Err(unexpected());
                };
                desk.screen.event("certificate", &Certificate { pem: &pem }, || pem.clone())
            }
        }
    }
}

async fn rows(client: &mut Client) -> Result<Vec<IdentityRow>, Halt> {
    match client.ask(Ask::Identities).await? {
        Answer::Identities { rows } => Ok(rows),
        _ => Err(unexpected()),
    }
}

async fn show(desk: &Desk<'_>, client: &mut Client) -> Result<(), Halt> {
    let rows = rows(client).await?;
    let row = rows.iter().find(|row| row.current).ok_or_else(unexpected)?;
    desk.screen.row("identity", row, || {
        facts(
            desk.screen.paint(),
            &[
                ("peer", row.fingerprint.to_string()),
                ("subject", row.subject.clone()),
                ("issuer", row.issuer.clone()),
                ("until", row.not_after.clone()),
                ("key", row.key.clone()),
                ("from", row.source.clone()),
                ("usable", usable(&row.usable)),
            ],
        )
    })
}

fn usable(usable: &Usable) -> String {
    match usable {
        Usable::Yes(true) => "yes".into(),
        Usable::Yes(false) => "no".into(),
        Usable::No(why) => why.clone(),
    }
}
