//! Certificates, cards and authorities as scripts meet them: the real binary against an agent made of paper.

mod paper;

use hither_control::serve_lines;
use hither_model::{
    Answer, Ask, ErrorCode, Failure, News, Trust, Verified,
    ask::{SecretText, SettingsChange},
    row::{IdentityRow, InterfacesRow, SettingsRow, TokenFault, TokenTries, TrustRow, Usable},
};
use paper::{
    PEER, Seat, err, out,
    rows::{asks_choice, asks_pin, authority, certified, identity, number, own, pin, session, token},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

fn identities() -> Answer {
    let gone = Usable::No("its card is not there".into());
    Answer::Identities { rows: vec![own(), identity("c1", Usable::Yes(true)), identity("c2", gone)] }
}

fn settings() -> SettingsRow {
    SettingsRow {
        inbox: "/in".into(),
        allow_tls12: false,
        notifications: true,
        interfaces: InterfacesRow::default(),
        organisation: true,
        card_bound: false,
        modules: vec!["/opt/x.so".into()],
        stale_crl: false,
        bluetooth: true,
        near_only: false,
    }
}

#[tokio::test]
async fn identities_are_listed_as_wanted_and_each_says_whether_it_can_be_used() {
    let seat = Seat::with(|ask| matches!(ask, Ask::Identities { .. }).then(|| (identities(), vec![])));
    let output = seat.run(&["identity", "list", "--all", "--hardware", "--issuer", "Lab", "--json"], "").await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(seat.asked(), [Ask::Identities { all: true, hardware: true, issuer: Some("Lab".into()) }]);
    let text = out(&output);
    assert!(text.lines().all(|line| line.starts_with(r#"{"type":"identity","id":""#)), "{text}");
    assert!(text.contains(r#""usable":true"#) && text.contains(r#""usable":"its card is not there""#), "{text}");
    let text = out(&seat.run(&["identity", "list"], "").await);
    assert!(text.contains("card “Lab card”") && text.contains("its card is not there"), "{text}");
    let text = out(&seat.run(&["identity", "show", "local"], "").await);
    assert!(text.contains("CN=hither") && !text.contains("CN=Kim"), "{text}");
    let text = out(&seat.run(&["identity", "show"], "").await);
    assert!(text.contains("CN=Kim c1") && text.contains("hardware"), "{text}");
    assert_eq!(seat.run(&["identity", "show", "c"], "").await.status.code(), Some(2), "two begin like that");
}

#[tokio::test]
async fn an_identity_is_put_to_use_and_removed_by_its_id() {
    let seat = Seat::new();
    let output = seat.run(&["identity", "use", "ask", "--json"], "").await;
    assert_eq!(out(&output).trim(), r#"{"event":"identity-used","identity":"ask"}"#);
    let output = seat.run(&["identity", "remove", "c1", "--json"], "").await;
    assert_eq!(out(&output).trim(), r#"{"event":"removed","identity":"c1"}"#);
    assert_eq!(
        seat.asked(),
        [Ask::UseIdentity { identity: "ask".into() }, Ask::RemoveIdentity { identity: "c1".into() }]
    );
}

#[tokio::test]
async fn a_file_is_imported_with_a_password_that_is_nowhere_to_be_seen() {
    let mut rows = vec![own()];
    let seat = Seat::with(move |ask| match ask {
        Ask::Identities { .. } => Some((Answer::Identities { rows: rows.clone() }, vec![])),
        Ask::ImportIdentity { password: None, .. } => {
            let failure = Failure::new(ErrorCode::TokenLocked, "the file has a password");
            Some((Answer::Failed { failure }, vec![]))
        }
        Ask::ImportIdentity { .. } => {
            rows.push(IdentityRow { source: "file".into(), ..identity("c1", Usable::Yes(true)) });
            Some((Answer::Done, vec![]))
        }
        _ => None,
    });
    let file = seat.profile.join("me.p12");
    std::fs::write(&file, b"\x30\x82\xff").unwrap();
    let file = file.to_str().unwrap();
    let output = seat.run(&["identity", "import", file], "").await;
    assert_eq!(output.status.code(), Some(11), "nobody is here to type it");
    assert!(err(&output).contains("the file has a password"), "{}", err(&output));
    let output = seat.run(&["identity", "import", file, "--password-stdin", "-vv"], "s3cr3t word \n").await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let ask = seat.asked().into_iter().rfind(|ask| matches!(ask, Ask::ImportIdentity { .. })).unwrap();
    let password = Some(SecretText("s3cr3t word ".into()));
    assert_eq!(ask, Ask::ImportIdentity { file: SecretText("MIL/".into()), password });
    assert!(!format!("{}{}", out(&output), err(&output)).contains("s3cr3t"));
    assert!(out(&output).contains("CN=Kim c1") && !out(&output).contains("CN=hither"), "the new one alone");
    assert!(err(&output).contains("hither identity use c1"));
    let output = seat.run(&["identity", "import", "-", "--password-stdin"], "x").await;
    assert_eq!(output.status.code(), Some(2), "two things cannot be on one input");
    let large = "x".repeat(256 * 1024 + 1);
    assert_eq!(seat.run(&["identity", "import", "-"], &large).await.status.code(), Some(10));
}

#[tokio::test]
async fn cards_are_rows_and_a_module_that_cannot_be_asked_says_why() {
    let seat = Seat::with(|ask| {
        let fault = TokenFault { module: "x.so".into(), why: "it crashed\u{1b}".into() };
        let tokens = Answer::Tokens { rows: vec![token()], faults: vec![fault] };
        matches!(ask, Ask::Tokens).then_some((tokens, vec![]))
    });
    let output = seat.run(&["card", "list", "--json"], "").await;
    let text = out(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(r#"{"type":"token","token":"Lab card","serial":"1""#), "{text}");
    assert!(lines[0].contains(r#""state":"locked","tries":"last""#), "{text}");
    assert_eq!(lines[1], r#"{"type":"fault","module":"x.so","why":"it crashed\u001b"}"#);
    let output = seat.run(&["card", "list"], "").await;
    assert!(out(&output).contains("wants its PIN; ONE TRY IS LEFT"), "{}", out(&output));
    assert!(err(&output).contains("x.so: it crashed\\u{1b}"), "{}", err(&output));
}

#[tokio::test]
async fn watching_cards_lists_them_again_when_something_changed_and_ends_with_the_agent() {
    let mut looks = 0;
    let seat = Seat::with(move |ask| {
        let Ask::Tokens = ask else { return None };
        looks += 1;
        Some(match looks {
            // A look that changes nothing, as one that the listing itself brought about.
            1 => (Answer::Tokens { rows: vec![token()], faults: vec![] }, vec![News::Identities]),
            2 => (Answer::Tokens { rows: vec![token()], faults: vec![] }, vec![News::Identities]),
            _ => (Answer::Tokens { rows: vec![], faults: vec![] }, vec![News::Stopping]),
        })
    });
    let output = seat.run(&["card", "watch", "--json"], "").await;
    let text = out(&output);
    let kinds: Vec<&str> = text.lines().map(|line| line.split('"').nth(3).unwrap()).collect();
    assert_eq!((kinds, output.status.code()), (vec!["token", "identities"], Some(0)));
}

#[tokio::test]
async fn modules_are_added_by_their_full_path() {
    let seat =
        Seat::with(|ask| matches!(ask, Ask::Settings).then(|| (Answer::Settings { settings: settings() }, vec![])));
    let output = seat.run(&["card", "module", "add", "/opt/x.so", "--network", "--json"], "").await;
    assert_eq!(out(&output).trim(), r#"{"event":"module","path":"/opt/x.so","registered":true}"#);
    seat.run(&["card", "module", "remove", "x.so"], "").await;
    let here = std::env::current_dir().unwrap().join("x.so");
    assert_eq!(
        seat.asked(),
        [Ask::RegisterModule { path: "/opt/x.so".into(), network: true }, Ask::UnregisterModule { path: here }]
    );
    let output = seat.run(&["card", "module", "list", "--json"], "").await;
    assert_eq!(out(&output).trim(), r#"{"type":"module","path":"/opt/x.so"}"#);
}

#[tokio::test]
async fn authorities_are_added_set_and_removed() {
    let mut added = false;
    let seat = Seat::with(move |ask| match ask {
        Ask::AddAuthority { .. } => {
            added = true;
            Some((Answer::Done, vec![]))
        }
        Ask::Authorities => {
            let rows = if added { vec![authority("aa11"), authority("bb22")] } else { vec![authority("aa11")] };
            Some((Answer::Authorities { rows }, vec![]))
        }
        _ => None,
    });
    let pem = "-----BEGIN CERTIFICATE-----\nMIL/\n-----END CERTIFICATE-----\n";
    let output = seat.run(&["trust", "ca", "add", "-", "--json"], pem).await;
    assert!(out(&output).starts_with(r#"{"type":"authority","id":"bb22""#), "the new one: {}", out(&output));
    assert!(seat.asked().contains(&Ask::AddAuthority { certificate: pem.into() }));
    let text = out(&seat.run(&["trust", "ca", "list"], "").await);
    assert!(text.contains("list OUT OF DATE since 2026"), "{text}");
    let output = seat.run(&["trust", "ca", "set", "BB", "--codeless", "on", "--json"], "").await;
    assert_eq!(out(&output).lines().count(), 1, "{}", out(&output));
    let set = Ask::SetAuthority { authority: "BB".into(), invite: None, codeless: Some(true) };
    assert!(seat.asked().contains(&set));
    let output = seat.run(&["trust", "ca", "remove", "bb", "--json"], "").await;
    assert_eq!(out(&output).trim(), r#"{"event":"removed","authority":"bb"}"#);
    seat.run(&["trust", "ca", "crl", "-"], "0").await;
    assert!(seat.asked().contains(&Ask::AddRevocations { crl: "MA==".into() }));
}

/// An agent with one question for a PIN.
fn locked(tries: TokenTries) -> Seat {
    Seat::with(move |ask| match ask {
        Ask::Inbox => Some((Answer::Questions { rows: vec![asks_pin(6, None, pin(tries, None))] }, vec![])),
        Ask::Pin { .. } => Some((Answer::Answered { question: number(6) }, vec![])),
        _ => None,
    })
}

#[tokio::test]
async fn a_pin_is_handed_over_on_standard_input_and_is_in_no_output() {
    let seat = locked(TokenTries::Plenty);
    let output = seat.run(&["pin", "06", "--stdin", "--json"], "24681357\n").await;
    assert_eq!(out(&output).trim(), format!(r#"{{"event":"answered","question":"{}"}}"#, number(6)));
    let right = Ask::Pin { question: number(6).to_string(), pin: Some(SecretText("24681357".into())), last_try: false };
    assert_eq!(seat.asked().pop(), Some(right));
    for args in [&["pin", "06", "--stdin", "-vv"][..], &["pin", "06", "--stdin", "-vv", "--json"]] {
        let mut child = seat.command(args).env("HITHER_LOG", "trace").spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"24681357\n").await.unwrap();
        drop(input);
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert!(!format!("{}{}", out(&output), err(&output)).contains("2468"), "{}", err(&output));
    }
    assert!(!format!("{:?}", seat.asked()).contains("2468"));
    let asked = seat.asked().len();
    let output = seat.run(&["pin", "06", "--stdin"], "\n").await;
    assert_eq!((output.status.code(), seat.asked().len()), (Some(2), asked + 1), "an empty line is no PIN");
    let output = seat.run(&["pin", "06"], "24681357\n").await;
    assert_eq!(output.status.code(), Some(11), "without --stdin it is typed, and nobody is here");
    assert!(err(&output).contains("--stdin"), "{}", err(&output));
}

#[tokio::test]
async fn the_last_try_is_spent_only_when_that_is_said_and_a_blocked_card_gets_none() {
    let seat = locked(TokenTries::Last);
    let output = seat.run(&["pin", "06", "--stdin"], "123456\n").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("--last-try"), "{}", err(&output));
    assert!(seat.asked().iter().all(|ask| !matches!(ask, Ask::Pin { .. })));
    seat.run(&["pin", "06", "--stdin", "--last-try"], "123456\n").await;
    assert!(matches!(seat.asked().pop(), Some(Ask::Pin { last_try: true, .. })));
    let seat = locked(TokenTries::Blocked);
    let output = seat.run(&["pin", "06", "--stdin", "--last-try"], "123456\n").await;
    assert_eq!((output.status.code(), seat.asked()), (Some(11), vec![Ask::Inbox]));
}

#[tokio::test]
async fn a_reader_with_keys_takes_the_pin_itself() {
    let seat = Seat::with(|ask| match ask {
        Ask::Inbox => {
            let mut pin = pin(TokenTries::Plenty, None);
            pin.pad = true;
            Some((Answer::Questions { rows: vec![asks_pin(6, None, pin)] }, vec![]))
        }
        Ask::Pin { .. } => Some((Answer::Answered { question: number(6) }, vec![])),
        _ => None,
    });
    let output = seat.run(&["pin", "06"], "").await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let ask = Ask::Pin { question: number(6).to_string(), pin: None, last_try: false };
    assert_eq!(seat.asked().pop(), Some(ask));
    assert!(err(&output).contains("enter the PIN on the reader"), "{}", err(&output));
}

#[tokio::test]
async fn a_certificate_is_chosen_among_those_of_the_question_if_it_can_be_used() {
    let seat = Seat::with(|ask| match ask {
        Ask::Inbox => {
            let gone = identity("d4", Usable::No("expired".into()));
            let choices = vec![identity("c1", Usable::Yes(true)), identity("c12", Usable::Yes(true)), gone, own()];
            Some((Answer::Questions { rows: vec![asks_choice(6, choices)] }, vec![]))
        }
        Ask::Choose { .. } => Some((Answer::Answered { question: number(6) }, vec![])),
        _ => None,
    });
    for (typed, id) in [("c1", "c1"), ("C12", "c12"), ("local", "02020202")] {
        let output = seat.run(&["choose", "06", typed, "--json"], "").await;
        assert_eq!(out(&output).trim(), format!(r#"{{"event":"answered","question":"{}"}}"#, number(6)));
        assert_eq!(seat.asked().pop(), Some(Ask::Choose { question: number(6).to_string(), identity: id.into() }));
    }
    let output = seat.run(&["choose", "06", "d4"], "").await;
    assert_eq!(output.status.code(), Some(8));
    assert!(err(&output).contains("cannot be used: expired"), "{}", err(&output));
    assert_eq!(seat.run(&["choose", "06", "zz"], "").await.status.code(), Some(2));
    assert_eq!(seat.run(&["pin", "06", "--stdin"], "123456\n").await.status.code(), Some(2), "it asks for no PIN");
    let text = out(&seat.run(&["inbox"], "").await);
    assert!(text.contains("hither choose 0606") && text.contains("c12  CN=Kim c12"), "{text}");
}

#[tokio::test]
async fn the_inbox_says_who_is_certified_by_whom_and_which_command_answers_what() {
    let seat = Seat::with(|ask| {
        let Ask::Inbox = ask else { return None };
        let mut invite = paper::question();
        invite.certified = Some(Box::new(certified(Some("Lab Authority"))));
        Some((Answer::Questions { rows: vec![invite, asks_pin(6, None, pin(TokenTries::Last, None))] }, vec![]))
    });
    let text = out(&seat.run(&["inbox"], "").await);
    assert!(text.contains("Kim Min-ji, certified by Lab Authority"), "{text}");
    assert!(text.contains("ONE TRY IS LEFT") && text.contains("hither pin 0606"), "{text}");
    let text = out(&seat.run(&["inbox", "--json"], "").await);
    assert!(text.contains(r#""certified":{"name":"Kim Min-ji""#) && text.contains(r#""kind":"pin""#), "{text}");
    let output = seat.run(&["accept", "06"], "").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("hither pin 0606"), "{}", err(&output));
    let output = seat.run(&["decline", "05"], "").await;
    assert!(err(&output).contains("\n    certificate: Kim Min-ji, certified by Lab Authority"), "{}", err(&output));
    let output = seat.run(&["accept", "05", "--yes-code", "--identity", "c1"], "").await;
    assert!(err(&output).contains("certified by Lab Authority"), "{}", err(&output));
    assert!(matches!(seat.asked().pop(), Some(Ask::Accept { identity: Some(id), .. }) if id == "c1"));
}

#[tokio::test]
async fn a_certified_name_stands_apart_from_the_chosen_one() {
    let seat = Seat::with(|ask| match ask {
        Ask::Sessions | Ask::Session { .. } => Some((Answer::Sessions { rows: vec![session()] }, vec![])),
        Ask::TrustList => {
            let row = TrustRow {
                peer: PEER,
                name: "Ana".into(),
                trust: Trust::Known,
                verified: Verified::Certificate,
                since: 0,
                last_seen: 0,
                always: false,
                certified: Some(Box::new(certified(None))),
            };
            Some((Answer::Trust { rows: vec![row] }, vec![]))
        }
        _ => None,
    });
    let text = out(&seat.run(&["sessions"], "").await);
    let (head, row) = text.split_once('\n').unwrap();
    let at = head.find("CERTIFIED").unwrap();
    assert!(row[at..].starts_with("Kim Min-ji, certified by Lab Authority"), "{text}");
    let text = out(&seat.run(&["session", "03"], "").await);
    let line = text.lines().find(|line| line.starts_with("certified ")).unwrap();
    assert!(line.ends_with("  Kim Min-ji, certified by Lab Authority"), "{text}");
    assert!(text.contains("we showed besides  CN=Me (by CN=Lab Authority"), "{text}");
    let text = out(&seat.run(&["trust", "list"], "").await);
    assert!(text.contains("a certificate nobody trusted here vouches for") && !text.contains("Kim"), "{text}");
}

#[tokio::test]
async fn the_settings_of_certificates_are_shown_and_set() {
    let seat =
        Seat::with(|ask| matches!(ask, Ask::Settings).then(|| (Answer::Settings { settings: settings() }, vec![])));
    let text = out(&seat.run(&["settings", "list"], "").await);
    for line in ["organisation   on", "card-bound     off", "stale-crl      off", "card modules   /opt/x.so"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    seat.run(&["settings", "set", "card-bound", "on"], "").await;
    let change = SettingsChange { card_bound: Some(true), ..SettingsChange::default() };
    assert!(seat.asked().contains(&Ask::Set { change }));
}

#[tokio::test]
async fn the_headless_mode_takes_pins_and_passwords() {
    let seat = locked(TokenTries::Plenty);
    let ask = br#"{"request":{"id":1,"ask":{"ask":"pin","question":"06","pin":"123456"}}}
{"request":{"id":2,"ask":{"ask":"import-identity","file":"MIL/","password":"x"}}}
"#;
    let (ours, theirs) = tokio::io::duplex(4096);
    serve_lines(&ask[..], theirs, seat.paper.clone(), seat.stop.child_token()).await.unwrap();
    let mut told = String::new();
    BufReader::new(ours).read_to_string(&mut told).await.unwrap();
    assert!(told.contains(r#""answer":"answered""#) && !told.contains("123456"), "{told}");
    let pin = Some(SecretText("123456".into()));
    let import = Ask::ImportIdentity { file: SecretText("MIL/".into()), password: Some(SecretText("x".into())) };
    assert_eq!(seat.asked(), [Ask::Pin { question: "06".into(), pin, last_try: false }, import]);
}
