//! What people do with hither, as one call each: see somebody, meet, send a file. Each insists that it works; scenarios
//! that expect a refusal use the commands themselves.

use crate::{
    Run, Seat,
    events::{kind, number, text},
};
use serde_json::Value;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How long a device may take to appear on a busy machine (the promise is a second; the bench measures it).
pub const APPEAR: Duration = Duration::from_secs(20);

/// How long a transfer over a slow or broken link may take.
pub const TRANSFER: Duration = Duration::from_secs(120);

/// Waits until somebody of this name is shown, and gives the row.
///
/// # Panics
/// When nobody appears.
pub fn sees(seat: &Seat, name: &str) -> Value {
    watch(seat, name).1
}

/// Like [`sees`], and keeps watching.
///
/// # Panics
/// When nobody appears.
pub fn watch(seat: &Seat, name: &str) -> (Run, Value) {
    let mut near = seat.hither(["near", "--watch"]);
    let row = near.wait_for(name, APPEAR, |v| kind(v) != "peer-removed" && text(v, "name") == name);
    (near, row)
}

/// Two people who met.
#[derive(Debug)]
pub struct Met {
    /// The code both screens showed; empty when none was needed.
    pub code: String,
    /// The session, by the inviter's words.
    pub session: String,
    /// The invitee's lasting id.
    pub peer: String,
}

/// Waits for a question of this kind.
///
/// # Panics
/// When none comes.
pub fn question(inbox: &mut Run, wanted: &str) -> Value {
    inbox.wait_for(wanted, APPEAR, |v| kind(v) == "question" && text(v, "kind") == wanted)
}

/// `from` invites the device that shows `name`; `to` accepts; both compare the code.
///
/// # Panics
/// When anything goes otherwise.
pub fn meet(from: &Seat, to: &Seat, name: &str) -> Met {
    let mut inbox = to.hither(["inbox", "--watch"]);
    let row = sees(from, name);
    let mut invite = from.hither(["invite", text(&row, "peer"), "--yes-code"]);
    invite.wait("invite-sent");
    let asked = inbox.wait_for("an invite with a code", APPEAR, |v| {
        kind(v) == "question" && text(v, "kind") == "invite" && !text(v, "code").is_empty()
    });
    let shown = invite.wait("code");
    assert_eq!(text(&shown, "code"), text(&asked, "code"), "both screens show the same code");
    to.rows(["accept", text(&asked, "id"), "--yes-code"]);
    finish(invite, text(&shown, "code").to_owned())
}

/// `from` invites a device it met before, by its lasting id; `to` accepts; there is no code.
///
/// # Panics
/// When anything goes otherwise, or a code is shown.
pub fn meet_again(from: &Seat, to: &Seat, peer: &str) -> Met {
    let mut inbox = to.hither(["inbox", "--watch"]);
    let invite = from.hither(["invite", peer]);
    let asked = question(&mut inbox, "invite");
    assert_eq!(text(&asked, "code"), "", "devices that know each other need no code");
    to.rows(["accept", text(&asked, "id")]);
    finish(invite, String::new())
}

fn finish(mut invite: Run, code: String) -> Met {
    let accepted = invite.wait("accepted");
    Met { code, session: text(&accepted, "session").to_owned(), peer: text(&accepted, "peer").to_owned() }
}

/// A file of `bytes` bytes that are nowhere alike, made from `seed`.
///
/// # Errors
/// When it cannot be written.
pub fn noise(path: &Path, bytes: usize, seed: u64) -> std::io::Result<()> {
    let mut state = seed | 1;
    let mut content = Vec::with_capacity(bytes + 8);
    while content.len() < bytes {
        // xorshift64*: not for secrets, only so that no two blocks are alike.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        content.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    content.truncate(bytes);
    std::fs::write(path, content)
}

/// Offers `what` (paths in the sender's directory) and waits until the receiver, who takes it into `into`, has it.
/// Gives the sender's `done` event.
///
/// # Panics
/// When it does not arrive.
pub fn deliver(from: &Seat, to: &Seat, peer: &str, what: &str, into: &str) -> Value {
    let mut receive = to.hither(["receive".as_ref(), "--to".as_ref(), to.at(into).as_os_str(), "--once".as_ref()]);
    let mut send = offer(from, peer, what);
    let done = send.wait_for("done", TRANSFER, |v| matches!(kind(v), "done" | "error"));
    assert_eq!(kind(&done), "done", "{done}\n{}", send.errors());
    receive.wait_for("done", TRANSFER, |v| kind(v) == "done");
    done
}

/// Starts to send `what` and waits until it is offered.
///
/// # Panics
/// When it is not offered.
pub fn offer(from: &Seat, peer: &str, what: &str) -> Run {
    let mut send = from.hither(["send".as_ref(), peer.as_ref(), from.at(what).as_os_str(), "--wait".as_ref()]);
    send.wait("offered");
    send
}

/// Waits until at least `bytes` of a transfer are through, by its progress events.
///
/// # Panics
/// When it ends before.
pub fn moved(run: &mut Run, bytes: u64) -> Value {
    let event = run.wait_for("progress", TRANSFER, |v| {
        matches!(kind(v), "done" | "error") || (kind(v) == "progress" && number(v, "done") >= bytes)
    });
    assert_eq!(kind(&event), "progress", "it ended before the middle: {event}");
    event
}

/// Asks again and again until a row is as wanted. For what an agent does by itself after a restart, when nobody is
/// listening yet.
///
/// # Panics
/// When it never is; the message holds the last answer.
pub fn until(seat: &Seat, args: &[&str], what: &str, within: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + within;
    loop {
        let end = seat.ask(args);
        if let Some(row) = end.said.iter().find(|v| wanted(v)) {
            return row.clone();
        }
        assert!(
            Instant::now() < deadline,
            "{}: no {what} within {within:?}: {:?}\n{}",
            seat.title,
            end.said,
            end.errors
        );
        std::thread::park_timeout(Duration::from_millis(100));
    }
}
