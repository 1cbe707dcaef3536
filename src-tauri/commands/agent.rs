//! Commands that ask the agent. Each takes the questions of its own permission set and refuses the others; what the
//! agent permits is decided there once more.

use super::Desk;
use crate::watch;
use hither_model::{Answer, Ask, Failure};
use hither_window::{Room, TakenLink, WindowNews, admit};
use std::sync::Arc;
use tauri::ipc::Channel;

async fn ask(by: Room, question: Ask, desk: Desk<'_>) -> Result<Answer, Failure> {
    let question = admit(by, question, &desk.tokens())?;
    desk.reach.ask(question).await
}

/// Devices near, invites, sessions, messages, transfers, trust.
#[tauri::command]
pub(crate) async fn proximity(ask: Ask, desk: Desk<'_>) -> Result<Answer, Failure> {
    self::ask(Room::Proximity, ask, desk).await
}

/// Certificates to be known by.
#[tauri::command]
pub(crate) async fn certificates(ask: Ask, desk: Desk<'_>) -> Result<Answer, Failure> {
    self::ask(Room::Certificates, ask, desk).await
}

/// The agent's state, settings, capabilities and history; stopping it.
#[tauri::command]
pub(crate) async fn settings(ask: Ask, desk: Desk<'_>) -> Result<Answer, Failure> {
    self::ask(Room::Settings, ask, desk).await
}

/// Tells the page everything from now on; an earlier watch ends.
#[tauri::command]
pub(crate) async fn watch(channel: Channel<WindowNews>, desk: Desk<'_>) -> Result<(), Failure> {
    let shell = Arc::clone(&desk);
    let watcher = tauri::async_runtime::spawn(async move { watch::tell(&shell.reach, &channel).await });
    desk.watch_by(watcher);
    Ok(())
}

/// Starts an agent that was stopped on purpose; the watch tells when it is there.
#[tauri::command]
pub(crate) async fn start_agent(desk: Desk<'_>) -> Result<(), Failure> {
    desk.reach.wanted();
    desk.reach.feed().await.map(drop)
}

/// Takes the link that waits for the person's decision.
#[tauri::command]
pub(crate) async fn take_link(desk: Desk<'_>) -> Result<Option<TakenLink>, Failure> {
    Ok(desk.take_link().map(|url| TakenLink { url }))
}
