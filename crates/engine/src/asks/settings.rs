//! What a person can set, shown and changed while running. The agent around the engine writes it to disk.

use crate::{
    settings::{Bluetooth, Certificates, Interfaces, Settings},
    state::State,
};
use hither_model::{
    Answer, ErrorCode, Failure,
    ask::SettingsChange,
    row::{InterfacesRow, SettingsRow},
};
use std::{path::Path, time::Duration};

/// Most interfaces that can be named in one list.
const MAX_INTERFACES: usize = 64;
/// The longest name of an interface the kernel has, bytes.
const MAX_INTERFACE: usize = 15;
/// How long a disk may take to say whether a folder can be used: everything else waits.
const PATIENCE: Duration = Duration::from_secs(1);

impl State {
    pub(super) fn settings_row(&self) -> SettingsRow {
        let Settings { inbox, allow_tls12, notifications, interfaces, certificates, bluetooth, .. } =
            self.settings.borrow().clone();
        let Interfaces { include, exclude, virtual_too } = interfaces;
        let interfaces = InterfacesRow { include, exclude, virtual_too };
        let Certificates { modules, network_modules, organisation, card_bound, stale_crl, .. } = certificates;
        let modules = modules.iter().chain(&network_modules).map(|path| path.display().to_string()).collect();
        let inbox = inbox.display().to_string();
        let Bluetooth { on: bluetooth, near_only, .. } = bluetooth;
        SettingsRow {
            inbox,
            allow_tls12,
            notifications,
            interfaces,
            organisation,
            card_bound,
            modules,
            stale_crl,
            bluetooth,
            near_only,
        }
    }

    /// Changes what is named; all of it or, if a part makes no sense, nothing.
    pub(super) async fn change_settings(&mut self, change: SettingsChange) -> Result<Answer, Failure> {
        let SettingsChange { inbox, allow_tls12, notifications, interfaces, .. } = change.clone();
        if let Some(inbox) = &inbox {
            usable(inbox).await?;
        }
        if let Some(row) = &interfaces {
            named(row)?;
        }
        let interfaces = interfaces.map(|row| {
            let InterfacesRow { include, exclude, virtual_too } = row;
            Interfaces { include, exclude, virtual_too }
        });
        let other_interfaces = interfaces.as_ref().is_some_and(|new| *new != self.settings.borrow().interfaces);
        let other_radio = change.bluetooth.is_some_and(|on| on != self.settings.borrow().bluetooth.on);
        self.settings.send_if_modified(|settings| {
            let before = settings.clone();
            if let Some(inbox) = inbox {
                settings.inbox = inbox;
            }
            if let Some(interfaces) = interfaces {
                settings.interfaces = interfaces;
            }
            settings.allow_tls12 = allow_tls12.unwrap_or(settings.allow_tls12);
            settings.notifications = notifications.unwrap_or(settings.notifications);
            let Settings { certificates, bluetooth, .. } = settings;
            certificates.organisation = change.organisation.unwrap_or(certificates.organisation);
            certificates.card_bound = change.card_bound.unwrap_or(certificates.card_bound);
            certificates.stale_crl = change.stale_crl.unwrap_or(certificates.stale_crl);
            bluetooth.on = change.bluetooth.unwrap_or(bluetooth.on);
            bluetooth.near_only = change.near_only.unwrap_or(bluetooth.near_only);
            *settings != before
        });
        self.align_stale_crl();
        if other_interfaces {
            // Discovery takes its interfaces when it starts.
            self.stop_mdns().await;
        }
        if other_interfaces || other_radio {
            self.align_media().await;
        }
        Ok(Answer::Done)
    }
}

/// Makes the folder if it is missing and sees whether it can be one.
async fn usable(inbox: &Path) -> Result<(), Failure> {
    if inbox.is_relative() || inbox.to_str().is_none() {
        return Err(Failure::new(ErrorCode::Misuse, "the inbox must be an absolute path in UTF-8"));
    }
    let path = inbox.to_owned();
    let made = tokio::task::spawn_blocking(move || std::fs::create_dir_all(path));
    match tokio::time::timeout(PATIENCE, made).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(error))) => Err(Failure::new(ErrorCode::StorageFailed, format!("{}: {error}", inbox.display()))
            .hint("choose a folder you can write to")),
        Ok(Err(error)) => Err(Failure::new(ErrorCode::Internal, error.to_string())),
        Err(_) => Err(Failure::new(ErrorCode::StorageFailed, format!("{}: the disk does not answer", inbox.display()))
            .hint("choose a folder on this machine")),
    }
}

fn named(row: &InterfacesRow) -> Result<(), Failure> {
    let sound = |name: &String| (1..=MAX_INTERFACE).contains(&name.len()) && name.chars().all(|c| c.is_ascii_graphic());
    let lists = [&row.include, &row.exclude];
    if lists.iter().any(|list| list.len() > MAX_INTERFACES) || !lists.into_iter().flatten().all(sound) {
        return Err(Failure::new(ErrorCode::Misuse, "an interface is named by 1 to 15 visible ASCII characters")
            .hint("`hither doctor` lists the interfaces there are"));
    }
    Ok(())
}
