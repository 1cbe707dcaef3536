//! `hither settings`: what can be set, shown and changed.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
    table::facts,
};
use clap::{Args, Subcommand, ValueEnum};
use hither_control::Client;
use hither_model::{
    Answer, Ask, ErrorCode, Failure,
    ask::SettingsChange,
    row::{InterfacesRow, SettingsRow},
};

/// What can be set.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither settings list")]
pub(crate) struct Settings {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show all
    #[command(after_help = "Example:\n  hither settings list")]
    List,
    /// Change one, from now on
    #[command(after_help = "Example:\n  hither settings set notifications off")]
    Set {
        /// Which
        name: Name,
        /// on or off; a folder for the inbox; names with commas between them for interfaces, or nothing
        value: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// Where received files go
    Inbox,
    /// Notifications on the desktop (on, off)
    Notifications,
    /// TLS 1.2 towards older devices (on, off)
    AllowTls12,
    /// Only these network interfaces
    Include,
    /// Never these network interfaces
    Exclude,
    /// Virtual, VPN and container interfaces too (on, off)
    Virtual,
    /// Only people whom an authority trusted here vouches for may invite (on, off)
    Organisation,
    /// A session that began with a card ends when the card is taken out (on, off)
    CardBound,
    /// Accept certificates though the list of revoked ones is out of date (on, off)
    StaleCrl,
    /// Bluetooth LE, to find devices and tell how near they are (on, off)
    Bluetooth,
    /// Accept by itself only from devices that are near; a convenience, no protection: radio can be relayed (on, off)
    NearOnly,
}

impl Settings {
    pub(crate) async fn run(self, desk: &Desk<'_>) -> Result<(), Halt> {
        let mut client = desk.client().await?;
        if let What::Set { name, value } = &self.what {
            let now = ask(&mut client).await?;
            let change = change(*name, value, now.interfaces)?;
            client.ask(Ask::Set { change }).await?;
        }
        let row = ask(&mut client).await?;
        desk.screen.row("settings", &row, || {
            let lists = &row.interfaces;
            facts(
                desk.screen.paint(),
                &[
                    ("inbox", row.inbox.clone()),
                    ("notifications", word(row.notifications)),
                    ("allow-tls12", word(row.allow_tls12)),
                    ("include", named(&lists.include, "(all that are physical)")),
                    ("exclude", named(&lists.exclude, "(none)")),
                    ("virtual", word(lists.virtual_too)),
                    ("organisation", word(row.organisation)),
                    ("card-bound", word(row.card_bound)),
                    ("stale-crl", word(row.stale_crl)),
                    ("bluetooth", word(row.bluetooth)),
                    ("near-only", word(row.near_only)),
                    ("card modules", named(&row.modules, "(those of the system)")),
                ],
            )
        })
    }
}

async fn ask(client: &mut Client) -> Result<SettingsRow, Halt> {
    match client.ask(Ask::Settings).await? {
        Answer::Settings { settings } => Ok(settings),
        _ => Err(unexpected()),
    }
}

fn change(name: Name, value: &str, mut interfaces: InterfacesRow) -> Result<SettingsChange, Failure> {
    let mut change = SettingsChange::default();
    let list = || value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match name {
        Name::Inbox => {
            let path = std::path::absolute(value).map_err(|e| Failure::new(ErrorCode::Misuse, e.to_string()))?;
            change.inbox = Some(path);
        }
        Name::Notifications => change.notifications = Some(switch(value)?),
        Name::AllowTls12 => change.allow_tls12 = Some(switch(value)?),
        Name::Include => interfaces.include = list(),
        Name::Exclude => interfaces.exclude = list(),
        Name::Virtual => interfaces.virtual_too = switch(value)?,
        Name::Organisation => change.organisation = Some(switch(value)?),
        Name::CardBound => change.card_bound = Some(switch(value)?),
        Name::StaleCrl => change.stale_crl = Some(switch(value)?),
        Name::Bluetooth => change.bluetooth = Some(switch(value)?),
        Name::NearOnly => change.near_only = Some(switch(value)?),
    }
    if matches!(name, Name::Include | Name::Exclude | Name::Virtual) {
        change.interfaces = Some(interfaces);
    }
    Ok(change)
}

fn switch(value: &str) -> Result<bool, Failure> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Failure::new(ErrorCode::Misuse, "say `on` or `off`")),
    }
}

fn word(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

fn named(list: &[String], none: &str) -> String {
    if list.is_empty() { none.to_owned() } else { list.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_setting_is_changed_and_nothing_else() {
        let before = InterfacesRow { exclude: vec!["eth9".into()], ..InterfacesRow::default() };
        let change = |name, value| change(name, value, before.clone()).unwrap();
        assert_eq!(
            change(Name::Notifications, "off"),
            SettingsChange { notifications: Some(false), ..SettingsChange::default() }
        );
        assert_eq!(
            change(Name::CardBound, "off"),
            SettingsChange { card_bound: Some(false), ..SettingsChange::default() }
        );
        let organisation = SettingsChange { organisation: Some(true), ..SettingsChange::default() };
        assert_eq!(change(Name::Organisation, "on"), organisation);
        assert_eq!(change(Name::StaleCrl, "on").stale_crl, Some(true));
        let include = change(Name::Include, "eth0, wlan0,").interfaces.unwrap();
        assert_eq!((include.include, include.exclude), (vec!["eth0".into(), "wlan0".into()], before.exclude.clone()));
        assert!(change(Name::Exclude, "").interfaces.unwrap().exclude.is_empty());
        let bluetooth = SettingsChange { bluetooth: Some(false), ..SettingsChange::default() };
        assert_eq!(change(Name::Bluetooth, "off"), bluetooth);
        assert_eq!(change(Name::NearOnly, "on").near_only, Some(true));
        assert!(change(Name::Inbox, "in").inbox.unwrap().is_absolute());
        for bad in ["yes", "", "ON"] {
            assert!(switch(bad).is_err(), "{bad:?}");
        }
    }
}
