//! The program as scripts meet it: the real binary against an agent made of paper, over a real control socket.

mod paper;

use hither_control::Place;
use hither_model::{Answer, Ask, ask::LinkText, row::SessionRow};
use paper::{INVITE, PEER, QUESTION, SESSION, Seat, TRANSFER, err, out, rows::session};

#[tokio::test]
async fn without_an_agent_the_error_and_the_exit_status_say_so() {
    let seat = Seat::new();
    seat.stop.cancel();
    std::fs::remove_file(Place::within(&seat.profile).unwrap().socket()).unwrap();
    let output = seat.run(&["status", "--json"], "").await;
    assert_eq!(output.status.code(), Some(3));
    assert!(out(&output).starts_with(r#"{"event":"error","code":"NoAgent","message":"#), "{}", out(&output));
    let output = seat.run(&["status"], "").await;
    assert!(out(&output).is_empty() && err(&output).starts_with("error: no agent"), "{}", err(&output));
}

#[tokio::test]
async fn m10_lists_are_json_rows_or_columns_and_a_name_cannot_drive_the_terminal() {
    let seat = Seat::new();
    let output = seat.run(&["near", "--json"], "").await;
    let row = format!(
        r#"{{"type":"peer","peer":"{PEER}","name":"\u001b[31mAna","trust":"new","presence":"near","media":["mdns"],"routes":["192.0.2.1:4000"]}}"#
    );
    assert_eq!((out(&output).trim(), output.status.code()), (row.as_str(), Some(0)));
    let text = out(&seat.run(&["near"], "").await);
    assert!(text.contains("\\u{1b}[31mAna") && !text.contains('\u{1b}'), "{text}");
    let output = seat.run(&["invite", "nobody"], "").await;
    assert_eq!((output.status.code(), err(&output).trim()), (Some(2), "error: no such \\u{1b}device\n  look"));
}

#[tokio::test]
async fn an_invite_shows_its_own_code_and_ends_with_the_session() {
    let seat = Seat::new();
    let output = seat.run(&["invite", "Ana", "--yes-code", "--json"], "").await;
    let events: Vec<String> = out(&output).lines().map(|l| l.split('"').nth(3).unwrap().to_owned()).collect();
    assert_eq!(
        (output.status.code(), events),
        (Some(0), ["invite-sent", "code", "accepted"].map(String::from).to_vec())
    );
    assert!(out(&output).contains(r#""code":"123456""#) && !out(&output).contains("999999"));

    let output = seat.run(&["invite", "Ana"], "y\n").await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(err(&output).contains("123 456") && out(&output).contains("is open"), "{output:?}");
}

#[tokio::test]
async fn t12_no_answer_about_the_code_is_a_no() {
    let seat = Seat::new();
    for input in ["n\n", "", "yess\n", "\n"] {
        let output = seat.run(&["invite", "Ana"], input).await;
        assert_eq!(output.status.code(), Some(8), "{input:?}: {}", err(&output));
        assert_eq!(seat.asked().pop(), Some(Ask::ConfirmCode { invite: INVITE, same: false }));
        let output = seat.run(&["accept", "05"], input).await;
        assert_eq!(output.status.code(), Some(8), "{input:?}: {}", err(&output));
        assert!(matches!(seat.asked().pop(), Some(Ask::Decline { .. })));
    }
}

#[tokio::test]
async fn ctrl_c_takes_an_invite_back() {
    let seat = Seat::new();
    let mut child = seat.command(&["invite", "Ana", "--json"]).spawn().unwrap();
    // Waiting for the end would close it, and no answer is a no.
    let _stdin = child.stdin.take();
    let mut lines = tokio::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"code\"") {
        line.clear();
        tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut line).await.unwrap();
    }
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
    assert_eq!(seat.asked().pop(), Some(Ask::Withdraw { invite: INVITE }));
}

#[tokio::test]
async fn a_question_is_accepted_by_the_beginning_of_its_id() {
    let seat = Seat::new();
    let output = seat.run(&["accept", "05", "--yes-code", "--json"], "").await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).starts_with(&format!("{{\"event\":\"answered\",\"question\":\"{QUESTION}\"}}\n")));
    assert!(out(&output).contains(r#""event":"accepted""#));
    let accept = seat.asked().pop();
    assert!(matches!(accept, Some(Ask::Accept { same_code: true, unverified: false, .. })), "{accept:?}");
    let output = seat.run(&["accept", "77"], "").await;
    assert_eq!(output.status.code(), Some(2));
    seat.run(&["accept", "05", "--unverified"], "").await;
    let accept = seat.asked().pop();
    assert!(matches!(accept, Some(Ask::Accept { same_code: false, unverified: true, .. })), "{accept:?}");
}

#[tokio::test]
async fn i1_a_link_from_standard_input_is_used_and_one_in_the_arguments_waits_for_a_person() {
    let seat = Seat::new();
    let output = seat.run(&["open", "-", "--yes-code", "--json"], "hither://i/1#secret\n").await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(seat.asked().contains(&Ask::OpenLink { url: LinkText("hither://i/1#secret".into()), identity: None }));
    assert!(!out(&output).contains("secret") && !err(&output).contains("secret"));
    let before = seat.asked().len();
    let output = seat.run(&["open", "hither://i/1#secret"], "").await;
    assert_eq!((output.status.code(), seat.asked().len()), (Some(4), before), "nothing was asked of the agent");
    assert!(err(&output).contains("other users can see the arguments"));
    let output = seat.run(&["open", "-"], "https://example.org/#secret\n").await;
    assert_eq!((output.status.code(), seat.asked().len()), (Some(2), before));
}

#[tokio::test]
async fn a_link_is_a_line_and_its_qr_code_a_file() {
    let seat = Seat::new();
    let output = seat.run(&["invite", "--link", "--json", "--expires", "10m", "--uses", "2"], "").await;
    let line = format!(r#"{{"event":"link","invite":"{INVITE}","url":"hither://i/1#AAAA","expires":1800000000}}"#);
    assert_eq!(out(&output).trim(), line);
    assert_eq!(seat.asked().pop(), Some(Ask::MakeLink { expires: Some(600), uses: Some(2) }));
    let file = seat.profile.join("q.png");
    let output = seat.run(&["invite", "--link", "--qr", file.to_str().unwrap()], "").await;
    assert_eq!(out(&output).trim(), "hither://i/1#AAAA");
    assert!(std::fs::read(file).unwrap().starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn sending_returns_at_once_or_follows_its_own_transfer_to_the_end() {
    let seat = Seat::new();
    let output = seat.run(&["send", "Ana", "a.txt", "--json"], "").await;
    let line = format!(r#"{{"event":"offered","transfer":"{TRANSFER}","items":1,"bytes":2,"direction":"out"}}"#);
    assert_eq!((out(&output).trim(), output.status.code()), (line.as_str(), Some(0)));
    let output = seat.run(&["send", "Ana", "a.txt", "--wait", "--json"], "").await;
    assert_eq!(output.status.code(), Some(10));
    assert_eq!(out(&output).lines().filter(|l| l.contains("progress")).count(), 1, "only its own");
    assert!(out(&output).lines().last().unwrap().contains(r#""event":"error","code":"DiskFull""#), "{}", out(&output));
}

#[tokio::test]
async fn watching_begins_with_what_is_there() {
    let seat = Seat::new();
    let output = seat.run(&["near", "--watch", "--timeout", "1", "--json"], "").await;
    assert!(out(&output).starts_with(r#"{"event":"peer-added","peer":"#), "{}", out(&output));
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test]
async fn a_message_is_said_as_a_message_event() {
    let seat = Seat::new();
    let output = seat.run(&["say", "Ana", "hello", "--json"], "").await;
    let line = format!(
        r#"{{"event":"message","session":"{SESSION}","number":7,"direction":"out","text":"hello","delivered":false}}"#
    );
    assert_eq!(out(&output).trim(), line);
    assert_eq!(seat.asked(), [Ask::Say { to: "Ana".into(), text: "hello".into() }]);
}

#[tokio::test]
async fn a_pipe_carries_standard_input_out_and_back() {
    let seat = Seat::new();
    let long = "0123456789abcdef".repeat(20_000);
    let output = seat.run(&["pipe", "Ana"], &long).await;
    assert_eq!((output.status.code(), out(&output).len()), (Some(0), long.len()), "{}", err(&output));
    assert!(err(&output).contains("312.5 KiB sent, 312.5 KiB received"), "{}", err(&output));
}

#[tokio::test]
async fn a_wrong_call_is_status_two_and_json_if_json_was_wanted() {
    let seat = Seat::new();
    let output = seat.run(&["send", "--json"], "").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(out(&output).starts_with(r#"{"event":"error","code":"Misuse","message":"#), "{}", out(&output));
    let output = seat.run(&["nonsense"], "").await;
    assert_eq!((output.status.code(), out(&output)), (Some(2), String::new()));
    let output = seat.run(&["--help"], "").await;
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).contains("Example:"));
}

#[tokio::test]
async fn a_session_that_no_network_carries_says_so_to_whoever_invited_and_to_whoever_accepted() {
    let apart = "no network joins you two";
    let by = |route: &'static str| {
        Seat::with(move |ask| {
            let row = SessionRow { route: route.into(), ..session() };
            matches!(ask, Ask::Session { .. }).then(|| (Answer::Sessions { rows: vec![row] }, vec![]))
        })
    };
    let radio = by("bluetooth");
    for args in [&["invite", "Ana", "--yes-code"][..], &["accept", "05", "--yes-code"]] {
        let output = radio.run(args, "").await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(out(&output).contains("is open") && err(&output).contains(apart), "{output:?}");
    }
    let text = out(&radio.run(&["session", "04"], "").await);
    assert!(text.contains("bluetooth\n") && text.contains(apart), "{text}");
    let network = by("192.0.2.1:4000").run(&["invite", "Ana", "--yes-code"], "").await;
    assert!(!err(&network).contains(apart), "{network:?}");
}

#[tokio::test]
async fn whoever_watches_who_is_near_tells_the_agent_that_somebody_looks() {
    let seat = Seat::new();
    let output = seat.run(&["near", "--watch", "--timeout", "1"], "").await;
    assert_eq!((output.status.code(), seat.asked()), (Some(0), vec![Ask::Look]));
    let output = seat.run(&["near", "--timeout", "1"], "").await;
    assert_eq!((output.status.code(), seat.asked()), (Some(0), vec![Ask::Look, Ask::Look, Ask::Near]));
}
