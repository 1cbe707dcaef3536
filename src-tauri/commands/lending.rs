//! Lending a service of this machine. The page proposes; what is really asked of the agent the person reads in a dialog of
//! the toolkit, which no page can draw, press or cover: a page that has been taken over lends nothing. The name in it is
//! the one the agent knows the device by, and the address is loopback's, whatever the page says.

use super::Desk;
use crate::dialogs;
use hither_model::{
    Answer, Ask, ErrorCode, Failure,
    ask::GrantAsk,
    row::{Allows, GrantTerms, Lasting},
};
use hither_window::LendTerms;
use tauri::{AppHandle, Runtime};

/// Asks the person, then lends. Nothing happens, and the answer is nothing, if they say no.
#[tauri::command]
pub(crate) async fn lend<R: Runtime>(
    terms: LendTerms,
    app: AppHandle<R>,
    desk: Desk<'_>,
) -> Result<Option<Answer>, Failure> {
    let known = match terms.times {
        Some(times) => times > 0 && terms.lasts == Lasting::Always,
        None => (terms.lasts == Lasting::For) == terms.seconds.is_some(),
    };
    if terms.port == 0 || !known {
        return Err(Failure::new(ErrorCode::Misuse, "a port from 1 to 65535 and a time have to be said"));
    }
    let Answer::Sessions { rows } = desk.reach.ask(Ask::Session { session: terms.peer.clone() }).await? else {
        return Err(Failure::new(ErrorCode::Internal, "the agent answered something else"));
    };
    let row = rows.into_iter().next().ok_or_else(|| Failure::new(ErrorCode::UnknownId, "no such session"))?;
    let target = format!("127.0.0.1:{}", terms.port);
    let asked = desk.words().lends(&row.name, &target, &terms);
    if !dialogs::confirm(&app, asked).await? {
        return Ok(None);
    }
    lent(&desk, row.peer.to_string(), target, terms).await.map(Some)
}

/// For so many connections it is a grant, and the service is lent to those who have one. If it is not lent, nothing is given.
async fn lent(desk: &Desk<'_>, peer: String, target: String, terms: LendTerms) -> Result<Answer, Failure> {
    let LendTerms { name, lasts, seconds, times, .. } = terms;
    let Some(times) = times else {
        return desk.reach.ask(Ask::Expose { name, target, to: vec![peer], lasts, seconds }).await;
    };
    let allows = Allows::Service { name: name.clone(), times: Some(times) };
    let give = GrantAsk::Give { peer, terms: GrantTerms { allows, until: None, here: false } };
    let given = desk.reach.ask(Ask::Grant(give)).await?;
    let (lasts, seconds) = (Lasting::UntilClosed, None);
    let outcome = desk.reach.ask(Ask::Expose { name, target, to: vec![], lasts, seconds }).await;
    if let (Err(_), Answer::Grants { rows }) = (&outcome, given) {
        for row in rows {
            desk.reach.ask(Ask::Grant(GrantAsk::Revoke { id: row.grant.to_string() })).await?;
        }
    }
    outcome
}
