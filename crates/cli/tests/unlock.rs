//! Questions about cards while an invite waits for them: at a terminal they are put to the person there, elsewhere they
//! are told and somebody else answers them.

mod paper;

use hither_model::{
    Answer, Ask, ErrorCode, Failure, News, QuestionId,
    ask::{LinkText, SecretText},
    row::{PinRow, QuestionKind, QuestionRow, TokenTries, Usable},
};
use paper::{
    INVITE, QUESTION, Seat, accepted, err, out,
    rows::{about, asks_choice, asks_pin, identity, number, pin},
    terminal::Terminal,
};
use std::time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Child,
    time::timeout,
};

fn asks(question: QuestionRow) -> News {
    News::Question { question }
}

fn gone(id: QuestionId, code: Option<ErrorCode>) -> News {
    News::QuestionGone { id, why: "it is over".into(), code }
}

fn given(text: &str, question: u8, last_try: bool) -> Ask {
    Ask::Pin { question: number(question).to_string(), pin: Some(SecretText(text.into())), last_try }
}

/// An agent whose invites wait for this question first; the PIN is `123456`.
fn locked(question: QuestionRow) -> Seat {
    Seat::with(move |ask| match ask {
        Ask::Invite { .. } | Ask::OpenLink { .. } => {
            Some((Answer::Inviting { invite: INVITE }, vec![asks(question.clone())]))
        }
        Ask::Inbox => Some((Answer::Questions { rows: vec![paper::question(), question.clone()] }, vec![])),
        Ask::Accept { question, .. } if *question == number(9).to_string() => {
            Some((Answer::Answered { question: number(9) }, vec![]))
        }
        Ask::Accept { .. } => {
            // The one there was before lapses sooner now; the new one is what the accepted invite waits for.
            let earlier = QuestionRow { invite: None, expires: 5, ..question.clone() };
            let new = QuestionRow { id: number(8), ..earlier.clone() };
            Some((Answer::Answered { question: QUESTION }, vec![gone(QUESTION, None), asks(new), asks(earlier)]))
        }
        Ask::Pin { pin: Some(SecretText(text)), .. } if text.len() < 6 => {
            let failure = Failure::new(ErrorCode::Misuse, "a PIN has 6 to 8 characters; no try was spent");
            Some((Answer::Failed { failure }, vec![]))
        }
        Ask::Pin { pin, question, .. } => {
            let id: QuestionId = question.parse().unwrap();
            if pin.as_ref().is_none_or(|text| text.0 == "123456") {
                return Some((Answer::Answered { question: id }, vec![gone(id, None), accepted()]));
            }
            let again = asks_pin(7, Some(INVITE), self::pin(TokenTries::Last, Some("the PIN was wrong")));
            let failure = Failure::new(ErrorCode::PinWrong, "the PIN was wrong");
            Some((Answer::Failed { failure }, vec![gone(id, Some(ErrorCode::PinWrong)), asks(again)]))
        }
        Ask::Withdraw { .. } => {
            let failure = Failure::new(ErrorCode::Withdrawn, "it was taken back");
            Some((Answer::Done, vec![News::InviteEnded { invite: INVITE, failure }]))
        }
        Ask::Choose { .. } => Some((Answer::Answered { question: number(6) }, vec![gone(number(6), None), accepted()])),
        _ => None,
    })
}

fn usual() -> PinRow {
    pin(TokenTries::Plenty, None)
}

/// Waits for what has to come; a test that waits too long has failed.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), what).await.expect("it does not come")
}

/// Waits until the program says which command answers its question; the question.
async fn told(child: &mut Child) -> QuestionId {
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    while let Some(line) = soon(errors.next_line()).await.unwrap() {
        if let Some((_, rest)) = line.split_once("hither pin ") {
            return rest.split(' ').next().unwrap().parse().unwrap();
        }
    }
    panic!("it says nothing of the question");
}

fn terminal(seat: &Seat, args: &[&str]) -> Terminal {
    Terminal::run(seat.command(args))
}

#[tokio::test]
async fn a_pin_is_asked_for_without_echo_where_the_invite_waits_and_again_when_it_was_wrong() {
    let seat = locked(asks_pin(6, Some(INVITE), usual()));
    let mut at = terminal(&seat, &["invite", "Ana", "--identity", "c1"]);
    at.sees("“Lab card” in Reader 0 asks for its PIN: to invite Ana").await;
    at.sees("as CN=Kim c1").await;
    at.sees("PIN of “Lab card” (it is not shown): ").await;
    assert!(!at.echoes());
    at.types("\n");
    at.sees("nothing was typed, and no try was spent").await;
    at.sees("(it is not shown): ").await;
    at.types("1234\n");
    at.sees("a PIN has 6 to 8 characters; no try was spent").await;
    at.sees("(it is not shown): ").await;
    at.types("975310\n");
    at.sees("the PIN was wrong").await;
    at.sees("one try is left").await;
    at.sees("type yes to spend it: ").await;
    at.types("yes\n");
    at.sees("(it is not shown): ").await;
    at.types("123456\n");
    at.sees("is open").await;
    let (status, screen) = at.ends().await;
    assert_eq!(status.code(), Some(0), "{screen}");
    for secret in ["1234", "975310", "123456"] {
        assert!(!screen.contains(secret), "{screen}");
    }
    assert_eq!(
        seat.asked()[1..],
        [given("1234", 6, false), given("975310", 6, false), given("123456", 7, true)],
        "each was tried once"
    );
    assert!(matches!(&seat.asked()[0], Ask::Invite { identity: Some(id), .. } if id == "c1"));
}

#[tokio::test]
async fn a_last_try_that_is_not_wanted_ends_the_invite_and_nothing_is_tried() {
    for answer in ["y\n", "no\n", "\n", "\u{4}"] {
        let seat = locked(asks_pin(6, Some(INVITE), pin(TokenTries::Last, None)));
        let mut at = terminal(&seat, &["invite", "Ana"]);
        at.sees("type yes to spend it: ").await;
        at.types(answer);
        let (status, screen) = at.ends().await;
        assert_eq!(status.code(), Some(5), "{answer:?}: {screen}");
        let no = Ask::Decline { question: number(6).to_string(), block: false };
        assert_eq!(seat.asked()[1..], [no, Ask::Withdraw { invite: INVITE }], "{answer:?}");
    }
}

#[tokio::test]
async fn ctrl_c_at_the_pin_declines_the_question_takes_the_invite_back_and_leaves_the_terminal_as_it_was() {
    let seat = locked(asks_pin(6, Some(INVITE), usual()));
    let mut at = terminal(&seat, &["invite", "Ana"]);
    let before = at.echoes();
    at.sees("(it is not shown): ").await;
    assert!(!at.echoes() && before);
    at.interrupts();
    at.sees("\n").await;
    assert!(at.echoes());
    let (status, screen) = at.ends().await;
    assert_eq!(status.code(), Some(130), "{screen}");
    let no = Ask::Decline { question: number(6).to_string(), block: false };
    assert_eq!(seat.asked()[1..], [no, Ask::Withdraw { invite: INVITE }]);

    let mut at = terminal(&seat, &["accept", "05", "--unverified"]);
    at.sees("(it is not shown): ").await;
    at.interrupts();
    let (status, screen) = at.ends().await;
    assert_eq!(status.code(), Some(130), "{screen}");
    assert_eq!(seat.asked().pop(), Some(Ask::Decline { question: number(8).to_string(), block: false }));
}

#[tokio::test]
async fn an_accepted_invite_waits_for_the_pin_of_our_card() {
    let seat = locked(asks_pin(6, None, usual()));
    let mut at = terminal(&seat, &["accept", "05", "--unverified", "--identity", "c1"]);
    at.sees("(it is not shown): ").await;
    at.types("123456\n");
    at.sees("is open").await;
    assert_eq!(at.ends().await.0.code(), Some(0));
    assert_eq!(seat.asked().pop(), Some(given("123456", 8, false)), "the new question, not the earlier one");
}

#[tokio::test]
async fn a_certificate_is_chosen_by_its_number() {
    let gone = identity("c1", Usable::No("expired".into()));
    let seat = locked(asks_choice(6, vec![gone, identity("c2", Usable::Yes(true))]));
    let mut at = terminal(&seat, &["invite", "Ana", "--identity", "ask"]);
    at.sees("  1  CN=Kim c1").await;
    at.sees("cannot be used: expired").await;
    at.sees("Its number: ").await;
    for wrong in ["1\n", "3\n", "0\n", "\n"] {
        at.types(wrong);
        at.sees("Its number: ").await;
    }
    at.types("2\n");
    at.sees("is open").await;
    let (status, screen) = at.ends().await;
    assert_eq!(status.code(), Some(0), "{screen}");
    assert_eq!(seat.asked()[1..], [Ask::Choose { question: number(6).to_string(), identity: "c2".into() }]);
}

#[tokio::test]
async fn what_is_typed_for_a_question_that_is_gone_reaches_nobody() {
    let seat = locked(asks_pin(6, Some(INVITE), usual()));
    let mut at = terminal(&seat, &["invite", "Ana"]);
    at.sees("(it is not shown): ").await;
    at.types("99");
    let mut card = about(9, QuestionKind::InsertCard);
    card.invite = Some(INVITE);
    card.pin = Some(Box::new(usual()));
    seat.paper.tell([gone(number(6), Some(ErrorCode::TokenAbsent)), asks(card)]);
    at.sees("Insert “Lab card”: to invite Ana").await;
    at.sees("Enter looks for it again, Ctrl-C gives up: ").await;
    at.types("\n");
    at.sees("Enter looks for it again, Ctrl-C gives up: ").await;
    assert!(at.echoes());
    assert!(matches!(&seat.asked()[1..], [Ask::Accept { question, .. }] if *question == number(9).to_string()));
    seat.paper.tell([gone(number(9), None), asks(asks_pin(10, Some(INVITE), usual()))]);
    at.sees("(it is not shown): ").await;
    at.types("123456\n");
    at.sees("is open").await;
    assert_eq!(at.ends().await.0.code(), Some(0));
    assert_eq!(seat.asked()[2..], [given("123456", 10, false)]);
}

#[tokio::test]
async fn a_pin_for_the_readers_own_keys_begins_with_enter() {
    let seat = locked(asks_pin(6, Some(INVITE), PinRow { pad: true, ..usual() }));
    let mut at = terminal(&seat, &["invite", "Ana"]);
    at.sees("then enter the PIN on the reader: ").await;
    assert_eq!(seat.asked().len(), 1, "nothing happens before");
    at.types("\n");
    at.sees("is open").await;
    assert_eq!(at.ends().await.0.code(), Some(0));
    assert_eq!(seat.asked()[1..], [Ask::Pin { question: number(6).to_string(), pin: None, last_try: false }]);
}

#[tokio::test]
async fn without_a_terminal_the_question_is_told_and_another_command_answers_it() {
    let seat = locked(asks_pin(6, Some(INVITE), usual()));
    for args in
        [&["invite", "Ana", "--json"][..], &["open", "-", "--json"], &["accept", "05", "--unverified", "--json"]]
    {
        let mut child = seat.command(args).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"hither://i/1#x\n").await.unwrap();
        drop(input);
        let id = told(&mut child).await;
        seat.paper.tell([gone(id, None), accepted()]);
        let output = soon(child.wait_with_output()).await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(out(&output).contains(r#"{"event":"question","id":""#), "{}", out(&output));
        assert!(out(&output).contains(r#"{"event":"accepted""#), "{}", out(&output));
    }
    let opened = Ask::OpenLink { url: LinkText("hither://i/1#x".into()), identity: None };
    assert!(seat.asked().contains(&opened));
    assert!(seat.asked().iter().all(|ask| !matches!(ask, Ask::Pin { .. })));
}

#[tokio::test]
async fn a_question_about_somebody_elses_invite_is_left_alone() {
    let seat = Seat::with(|ask| match ask {
        Ask::Invite { .. } => {
            let other = hither_model::InviteId::new([8; 16]);
            let news = vec![asks(asks_pin(6, Some(other), usual())), asks(asks_pin(7, None, usual())), accepted()];
            Some((Answer::Inviting { invite: INVITE }, news))
        }
        _ => None,
    });
    let output = seat.run(&["invite", "Ana"], "").await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(!err(&output).contains("PIN"), "{}", err(&output));
}

#[tokio::test]
async fn an_accepted_invite_whose_card_does_not_come_ends_with_what_was_wrong() {
    let seat = locked(asks_pin(6, Some(INVITE), usual()));
    let mut child = seat.command(&["accept", "05", "--unverified"]).spawn().unwrap();
    assert_eq!(told(&mut child).await, number(8));
    seat.paper.tell([gone(number(8), Some(ErrorCode::PinBlocked))]);
    assert_eq!(soon(child.wait()).await.unwrap().code(), Some(11));
}

#[tokio::test]
async fn an_invite_that_is_open_again_was_not_accepted() {
    let seat = Seat::with(|ask| {
        let Ask::Accept { .. } = ask else { return None };
        let again = QuestionRow { expires: 41, ..paper::question() };
        Some((Answer::Answered { question: QUESTION }, vec![asks(again)]))
    });
    let output = seat.run(&["accept", "05", "--unverified", "--identity", "c9"], "").await;
    assert_eq!(output.status.code(), Some(8), "{}", err(&output));
    assert!(err(&output).contains("the question is still open"), "{}", err(&output));
}

#[tokio::test]
async fn hither_pin_asks_at_a_terminal_and_an_import_asks_for_its_password_again() {
    let seat = locked(asks_pin(6, None, usual()));
    let mut at = terminal(&seat, &["pin", "06"]);
    at.sees("(it is not shown): ").await;
    assert!(!at.echoes());
    at.types("123456\n");
    at.sees("the PIN was passed on").await;
    assert_eq!(at.ends().await.0.code(), Some(0));
    assert_eq!(seat.asked().pop(), Some(given("123456", 6, false)));

    let seat = Seat::with(|ask| {
        if let Ask::Identities { .. } = ask {
            return Some((Answer::Identities { rows: vec![] }, vec![]));
        }
        let Ask::ImportIdentity { password, .. } = ask else { return None };
        let code = match password.as_ref().map(|p| p.0.as_str()) {
            None => ErrorCode::TokenLocked,
            Some("right one") => return Some((Answer::Done, vec![])),
            Some(_) => ErrorCode::PinWrong,
        };
        Some((Answer::Failed { failure: Failure::new(code, "the password is not that") }, vec![]))
    });
    let file = seat.profile.join("me.pem");
    std::fs::write(&file, "-----BEGIN CERTIFICATE-----").unwrap();
    let mut at = terminal(&seat, &["identity", "import", file.to_str().unwrap()]);
    at.sees("Password of the file (it is not shown): ").await;
    at.types("wrong one\n");
    at.sees("the password is not that").await;
    at.sees("(it is not shown): ").await;
    at.types("right one\n");
    let (status, screen) = at.ends().await;
    assert_eq!(status.code(), Some(0), "{screen}");
    assert!(screen.contains("imported") && !screen.contains("one\r\n"), "{screen}");
}
