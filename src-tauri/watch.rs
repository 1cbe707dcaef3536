//! What a page hears while it watches: a snapshot, then news with progress merged; when the agent is lost, why, and that
//! it is back. One task for each watching page; it ends when the page does.

use crate::agent::Reach;
use hither_control::NewsFeed;
use hither_model::{ErrorCode, Failure, News};
use hither_window::{AgentNews, Backoff, Merge, WindowNews};
use std::time::Duration;
use tauri::ipc::Channel;
use tokio::time::{Instant, sleep, sleep_until};

/// How often an agent that was stopped on purpose is looked for: a person may start it elsewhere.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The page is gone.
struct Gone;

/// Tells a page until it is gone.
pub(crate) async fn tell(reach: &Reach, page: &Channel<WindowNews>) {
    let mut backoff = Backoff::default();
    let mut lost: Option<AgentNews> = None;
    loop {
        let failure = match reach.feed().await {
            Ok(feed) => {
                if lost.take().is_some() && page.send(WindowNews::Agent(AgentNews::AgentBack)).is_err() {
                    return;
                }
                backoff.reset();
                match follow(reach, feed, page).await {
                    Ok(failure) => failure,
                    Err(Gone) => return,
                }
            }
            // It is not looked for as long as nobody wants it: say that, and not how to start it in a terminal.
            Err(failure) if failure.code == ErrorCode::NoAgent && !reach.starts_it() => stopped(),
            Err(failure) => failure,
        };
        let told = AgentNews::AgentLost { failure, retrying: reach.starts_it() };
        if lost.as_ref() != Some(&told) {
            if page.send(WindowNews::Agent(told.clone())).is_err() {
                return;
            }
            lost = Some(told);
        }
        pause(reach, &mut backoff).await;
    }
}

/// Waits before the next try.
pub(crate) async fn pause(reach: &Reach, backoff: &mut Backoff) {
    let wait = if reach.starts_it() { Duration::from_millis(backoff.wait()) } else { LOOK_AGAIN };
    let mut woken = reach.woken();
    tokio::select! {
        () = sleep(wait) => {}
        _ = woken.changed() => {}
    }
}

/// Tells news until there are no more; says why.
async fn follow(reach: &Reach, mut feed: NewsFeed, page: &Channel<WindowNews>) -> Result<Failure, Gone> {
    let (mut merge, mut out) = (Merge::default(), Vec::new());
    let began = Instant::now();
    let now = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut why = None;
    loop {
        let due = merge.due().map_or(u64::MAX, |due| due.min(1 << 40));
        tokio::select! {
            news = feed.next() => match news {
                Ok(news) => {
                    if news == News::Stopping {
                        reach.stopped();
                        why = Some(stopped());
                    }
                    // Pressed notifications come to the page as `go`, from whoever also brings the window to the front.
                    if !matches!(news, News::Show { .. }) {
                        merge.take(news, now(), &mut out);
                    }
                }
                Err(failure) => return Ok(why.unwrap_or(failure)),
            },
            () = sleep_until(began + Duration::from_millis(due)), if due < 1 << 40 => merge.tell_due(now(), &mut out),
        }
        for news in out.drain(..) {
            page.send(WindowNews::Told(news)).map_err(|_| Gone)?;
        }
    }
}

fn stopped() -> Failure {
    Failure::new(ErrorCode::NoAgent, "hither was stopped: nothing is received, nobody sees this device")
        .hint("start it again to go on")
}
