//! `hither expose`, `exposed` and `forward` as scripts meet them: the real binary against an agent made of paper.

mod paper;

use hither_model::{
    Answer, Ask, ErrorCode, Failure, News,
    row::{BorrowerRow, ExposedRow, ForwardingRow, Lasting},
};
use paper::{PEER, Seat, err, out};

fn exposed(open: u32) -> ExposedRow {
    let name = "\u{1b}[31mBen".to_owned();
    let to = vec![BorrowerRow { peer: PEER, name, lasts: Lasting::UntilClosed, until: None, open }];
    ExposedRow { name: "ssh".parse().unwrap(), target: "127.0.0.1:22".into(), to, open, served: open.into() }
}

fn forwarding() -> ForwardingRow {
    ForwardingRow {
        name: "wiki".parse().unwrap(),
        peer: PEER,
        peer_name: "Ben".into(),
        bind: "127.0.0.1:40001".into(),
        open: 0,
        served: 0,
        trouble: Some("no program listens".into()),
    }
}

fn agent(ask: &Ask) -> Option<(Answer, Vec<News>)> {
    let answer = match ask {
        Ask::Expose { .. } => Answer::Lent { exposed: vec![exposed(0)], forwarding: vec![] },
        Ask::Forward { .. } => Answer::Lent { exposed: vec![], forwarding: vec![forwarding()] },
        Ask::Lent => {
            let answer = Answer::Lent { exposed: vec![exposed(2)], forwarding: vec![forwarding()] };
            let ended = News::Unexposed { name: "ssh".parse().unwrap(), why: "taken back".into() };
            return Some((answer, vec![News::Exposed { exposed: exposed(1) }, ended, News::Stopping]));
        }
        Ask::Unexpose { .. } => Answer::Done,
        Ask::Unforward { .. } => {
            let failure = Failure::new(ErrorCode::UnknownId, "no service \"x\" of another device is reached here");
            Answer::Failed { failure }
        }
        _ => return None,
    };
    Some((answer, vec![]))
}

#[tokio::test]
async fn what_is_lent_and_reached_is_told_as_an_event_or_a_line() {
    let seat = Seat::with(agent);
    let lend = ["expose", "ssh", "127.0.0.1:22", "--to", "Ben", "--to", "Cyd", "--for", "2h"];
    let told = out(&seat.run(&[&lend[..], &["--json"]].concat(), "").await);
    assert!(told.starts_with(r#"{"event":"exposed","name":"ssh","target":"127.0.0.1:22","to":[{"peer":""#), "{told}");
    let asked = Ask::Expose {
        name: "ssh".parse().unwrap(),
        target: "127.0.0.1:22".into(),
        to: vec!["Ben".into(), "Cyd".into()],
        lasts: Lasting::For,
        seconds: Some(7200),
    };
    assert_eq!(seat.asked().pop(), Some(asked));
    let text = out(&seat.run(&lend, "").await);
    assert_eq!(text, "ssh (127.0.0.1:22) is lent to \\u{1b}[31mBen until the session ends\n");
    let told = out(&seat.run(&["forward", "Ben", "wiki", "--json"], "").await);
    assert!(told.starts_with(r#"{"event":"forwarding","name":"wiki","peer":""#), "{told}");
    assert!(told.contains(r#""bind":"127.0.0.1:40001""#), "{told}");
    let text = out(&seat.run(&["forward", "Ben", "wiki"], "").await);
    assert_eq!(text, "wiki of Ben can be reached at 127.0.0.1:40001\n");
}

#[tokio::test]
async fn lists_are_rows_or_columns_and_watching_tells_what_changes() {
    let seat = Seat::with(agent);
    let text = out(&seat.run(&["exposed"], "").await);
    assert!(text.contains("\\u{1b}[31mBen") && !text.contains('\u{1b}'), "{text}");
    assert!(text.contains("until the session ends") && text.contains("no program listens"), "{text}");
    let rows = out(&seat.run(&["exposed", "--json"], "").await);
    let kinds: Vec<&str> = rows.lines().map(|l| l.split('"').nth(3).unwrap()).collect();
    assert_eq!(kinds, ["exposed", "forwarding"]);
    let text = out(&seat.run(&["exposed", "--watch"], "").await);
    let changes = "ssh: 1 connection is open, by \\u{1b}[31mBen\nssh is not lent any more: taken back\n";
    assert!(text.ends_with(changes), "{text}");
}

#[tokio::test]
async fn what_is_stopped_is_told_and_what_cannot_be_is_an_error() {
    let seat = Seat::with(agent);
    let output = seat.run(&["expose", "--stop", "ssh", "--to", "Ben"], "").await;
    assert_eq!((out(&output).trim(), output.status.code()), ("ssh is not lent to Ben any more", Some(0)));
    let one = Ask::Unexpose { name: "ssh".parse().unwrap(), to: Some("Ben".into()) };
    assert_eq!(seat.asked().pop(), Some(one));
    let output = seat.run(&["forward", "--stop", "x"], "").await;
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
}
