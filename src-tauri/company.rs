//! What goes on as long as the program runs, window or not: the tray is kept right, pressed notifications bring the
//! window to the front, and the agent is told whether somebody looks at the window.

use crate::{
    shell::Shell,
    tray::{self, Icon},
    watch::pause,
    window,
};
use hither_control::{Client, NewsFeed};
use hither_model::{Ask, News};
use hither_window::{Backoff, Call, Go};
use std::sync::Arc;
use tauri::{AppHandle, Runtime};

/// Listens to the agent, starting it if it is absent, for the tray and for what concerns the window itself.
pub(crate) async fn keep<R: Runtime>(app: AppHandle<R>, shell: Arc<Shell>) {
    let icon = tray::put(&app, &shell).await;
    let mut backoff = Backoff::default();
    loop {
        match shell.reach.feed().await {
            Ok(feed) => {
                backoff.reset();
                shell.reach.wake();
                follow(&app, &shell, icon.as_ref(), feed).await;
                if let Some(icon) = &icon {
                    icon.update(|icon| icon.tray.lose()).await;
                }
            }
            Err(failure) => tracing::debug!("no agent: {failure}"),
        }
        pause(&shell.reach, &mut backoff).await;
    }
}

async fn follow<R: Runtime>(
    app: &AppHandle<R>,
    shell: &Arc<Shell>,
    icon: Option<&ksni::Handle<Icon<R>>>,
    mut feed: NewsFeed,
) {
    while let Ok(news) = feed.next().await {
        match &news {
            News::Stopping => shell.reach.stopped(),
            News::Show { view, id } => {
                let go = Go { view: *view, id: id.clone() };
                window::answer(app, shell, Call::Show(go));
            }
            _ => {}
        }
        // Most news change nothing in the tray; those are not worth a message to it.
        if let (Some(icon), false) = (icon, matches!(news, News::Progress { .. } | News::Message { .. })) {
            icon.update(move |icon| icon.tray.hear(&news)).await;
        }
    }
}

/// Tells the agent whether somebody looks at the window: then it raises no notifications. What was said counts as long
/// as its connection lasts, so the connection is kept.
pub(crate) async fn say_whether_seen(shell: Arc<Shell>) {
    let (mut focus, mut woken) = (shell.focus(), shell.reach.woken());
    let mut line: Option<Client> = None;
    loop {
        let seen = *focus.borrow_and_update();
        // Said even if nobody looks: it also tells the agent that there is a window to call to the front.
        line = say(&shell, line, seen).await;
        tokio::select! {
            changed = focus.changed() => if changed.is_err() { return },
            changed = woken.changed() => {
                // The agent is there anew, or may be: it knows nothing of what was said before.
                line = None;
                if changed.is_err() { return }
            }
        }
    }
}

async fn say(shell: &Shell, line: Option<Client>, seen: bool) -> Option<Client> {
    if let Some(mut client) = line
        && client.ask(Ask::Watching { seen }).await.is_ok()
    {
        return Some(client);
    }
    let mut client = shell.reach.client().await.ok()?;
    client.ask(Ask::Watching { seen }).await.ok()?;
    Some(client)
}
