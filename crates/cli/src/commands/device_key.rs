//! The device's own key: where it is kept (`hither identity keep`), and on its way to another machine (`export`,
//! `restore`). The latter two work on the profile itself; a key is restored only where there is none and no agent runs.

use super::file;
use crate::{
    desk::Desk,
    halt::Halt,
    prompt::{self, Source},
};
use clap::ValueEnum;
use hither_control::Client;
use hither_identity::{DeviceKey, MIN_PASSWORD, card::Pin};
use hither_model::{Ask, ErrorCode, Failure, KeyPlace, PeerId};
use serde::Serialize;
use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

#[derive(Serialize)]
struct Moved<'a> {
    peer: PeerId,
    file: &'a str,
}

/// Where the key can be kept.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Place {
    /// With the keyring (Secret Service) of this desktop
    Keyring,
    /// In a file that only you can read
    File,
}

#[derive(Serialize)]
struct Kept {
    place: KeyPlace,
}

/// Moves the key there.
pub(crate) async fn keep(desk: &Desk<'_>, client: &mut Client, place: Place) -> Result<(), Halt> {
    let place = match place {
        Place::Keyring => KeyPlace::SecretService,
        Place::File => KeyPlace::File,
    };
    client.ask(Ask::KeepKey { place }).await?;
    desk.screen.event("key-kept", &Kept { place }, || match place {
        KeyPlace::SecretService => "the keyring has the key of this device now, and no file".into(),
        KeyPlace::File => "the key of this device is in a file that only you can read".into(),
    })?;
    match place {
        KeyPlace::SecretService => {
            desk.screen.remark("without the keyring, or while it is locked, hither does not start")
        }
        KeyPlace::File => Ok(()),
    }
}

/// Writes the key, sealed with a password, into a file that must not be there yet.
pub(crate) async fn export(desk: &Desk<'_>, to: &Path, on_input: bool) -> Result<(), Halt> {
    let identity = desk.profile().join("identity");
    if !identity.is_dir() {
        let failure = Failure::new(ErrorCode::KeyUnusable, "this profile has no identity yet");
        return Err(failure.hint("any command that needs the agent makes one, such as `hither status`").into());
    }
    let key = DeviceKey::load_or_create(&identity).map_err(Failure::from)?;
    let password = new_password(desk, on_input).await?;
    let (peer, sealing) = (key.peer_id(), tokio::task::spawn_blocking(move || key.export(&password)));
    let sealed = sealing.await.map_err(|e| Failure::new(ErrorCode::Internal, e.to_string()))?.map_err(Failure::from)?;
    let shown = hither_model::text::printable(&to.to_string_lossy());
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).and_then(|mut out| {
        out.write_all(sealed.as_bytes())?;
        out.sync_all()
    });
    written.map_err(|e| {
        Failure::new(ErrorCode::StorageFailed, format!("{shown}: {e}")).hint("name a file that is not there yet")
    })?;
    desk.screen.event("exported", &Moved { peer, file: &shown }, || {
        format!("the key of this device is in {shown}, sealed with the password")
    })?;
    desk.screen.remark("use it on one machine only: two devices with one key look like a stolen key to everybody else")
}

/// Takes over a key that was exported, into a profile that has none.
pub(crate) async fn restore(desk: &Desk<'_>, from: &Path, on_input: bool) -> Result<(), Halt> {
    match desk.running().await {
        Err(failure) if failure.code == ErrorCode::NoAgent => {}
        Err(failure) => return Err(failure.into()),
        Ok(_) => {
            let failure = Failure::new(ErrorCode::Misuse, "an agent is running with another key");
            return Err(failure.hint("run `hither stop`, or name a new profile with --profile").into());
        }
    }
    let sealed = file::small(from).await?;
    let password = match on_input {
        true => prompt::secret(desk, "Password of the file (it is not shown): ").await?,
        false => typed(desk, "Password of the file (it is not shown): ").await?,
    };
    let password = pin(password)?;
    let profile = hither_control::profile::ensure(desk.profile()).map_err(Failure::from)?;
    let identity = profile.join("identity");
    let opening = tokio::task::spawn_blocking(move || DeviceKey::import(&identity, &sealed, &password));
    let key = opening.await.map_err(|e| Failure::new(ErrorCode::Internal, e.to_string()))?.map_err(Failure::from)?;
    let shown = hither_model::text::printable(&from.to_string_lossy());
    desk.screen.event("restored", &Moved { peer: key.peer_id(), file: &shown }, || {
        format!("this device is {} from now on; whoever knew the other machine knows it", key.peer_id().short())
    })
}

/// A new password, typed twice.
async fn new_password(desk: &Desk<'_>, on_input: bool) -> Result<Pin, Halt> {
    let first = format!("A password for the file, at least {MIN_PASSWORD} characters (it is not shown): ");
    if on_input {
        return pin(prompt::secret(desk, &first).await?);
    }
    let (once, again) = (typed(desk, &first).await?, typed(desk, "The same again: ").await?);
    if *once != *again {
        return Err(Failure::new(ErrorCode::Misuse, "the two are not the same; nothing was written").into());
    }
    pin(once)
}

async fn typed(desk: &Desk<'_>, words: &str) -> Result<zeroize::Zeroizing<String>, Halt> {
    let Some(source) = Source::person() else {
        let failure = Failure::new(ErrorCode::TokenLocked, "nobody is here to type a password");
        return Err(failure.hint("add --password-stdin and pipe it in").into());
    };
    let typed = prompt::hidden(desk, source, words).await?;
    Ok(typed.ok_or_else(|| Failure::new(ErrorCode::Canceled, "no password was typed"))?)
}

fn pin(mut typed: zeroize::Zeroizing<String>) -> Result<Pin, Halt> {
    let pin = Pin::new(std::mem::take(&mut *typed));
    Ok(pin.ok_or_else(|| Failure::new(ErrorCode::Misuse, "that cannot be a password"))?)
}
