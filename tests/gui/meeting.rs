//! Two windows: seeing, inviting, comparing, accepting, declining; messages; who is on the other end and how it is
//! protected.

use crate::desks::{Desks, code, says};
use hither_tests::window::Wanted;

#[test]
fn two_people_meet_by_comparing_the_code_on_both_screens() {
    let Some(desks) = Desks::two() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    ana.press_button("Invite Ben");
    ben.find(Wanted::of("alertdialog", "Ana wants to connect"));
    ana.find(Wanted::of("dialog", "Does Ben see the same code?"));
    let codes = [code(ana), code(ben)];
    assert_eq!(codes[0], codes[1]);
    // A screen reader reads it digit by digit.
    let spelled: Vec<_> = codes[0].chars().map(String::from).collect();
    for app in [ana, ben] {
        let label = app.named("img").into_iter().find(|name| name.starts_with("Your code")).unwrap_or_default();
        assert_eq!(label.replace(',', ""), format!("Your code: {}", spelled.join(" ")));
    }
    ben.press_button("Same code – accept");
    ana.press_button("Yes, the same");
    ana.find(Wanted::of("heading", "Conversation with Ben"));
    ben.find(Wanted::of("heading", "Conversation with Ana"));
}

#[test]
fn messages_go_both_ways_and_are_shown_as_delivered() {
    let Some(desks) = Desks::met() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    says(ana, "Ben", "Hello Ben, 안녕");
    ben.reads("Hello Ben, 안녕");
    says(ben, "Ana", "Hello Ana");
    ana.reads("Hello Ana");
    ana.until("word that it was delivered", || ana.text().contains("Delivered").then_some(()));
}

#[test]
fn the_protection_panel_says_what_was_asked_for_and_what_is_in_use() {
    let Some(desks) = Desks::met() else { return };
    for (app, name, peer) in [(&desks.ana, "Ben", desks.ben_agent.peer()), (&desks.ben, "Ana", desks.ana_agent.peer())]
    {
        app.press(Wanted::of("button", "Protection"));
        app.reads(&format!("Only you and {name} can read this. You made sure by comparing codes."));
        for fold in ["Connection", "Their certificate", "Your certificate"] {
            app.unfold(fold);
        }
        for words in ["TLS 1.3 or better", "TLS 1.3", "X25519MLKEM768", "hither/1"] {
            app.reads(words);
        }
        let shown = app.text().replace(char::is_whitespace, "").to_lowercase();
        assert!(shown.contains(peer), "the other device's fingerprint is shown whole");
    }
}

#[test]
fn a_person_who_declines_is_told_of_nothing_more_and_the_other_learns_it() {
    let Some(desks) = Desks::two() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    ana.press_button("Invite Ben");
    ben.find(Wanted::of("alertdialog", "Ana wants to connect"));
    ben.press_button("Decline");
    ana.reads("The other person said no.");
    ben.vanishes(Wanted::of("alertdialog", "Ana wants to connect"));
    assert!(ben.seat.rows(["sessions"]).iter().all(|row| row.get("session").is_none()));
}

#[test]
fn codes_that_differ_end_the_meeting_at_both() {
    let Some(desks) = Desks::two() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    ana.press_button("Invite Ben");
    code(ben);
    ana.press_button("No, different");
    ana.find(Wanted::of("dialog", "The codes were different"));
    ben.vanishes(Wanted::of("alertdialog", "Ana wants to connect"));
    for app in [ana, ben] {
        assert!(app.seat.rows(["sessions"]).iter().all(|row| row.get("session").is_none()));
    }
}

#[test]
fn an_invite_that_is_taken_back_is_gone_from_the_other_screen() {
    let Some(desks) = Desks::two() else { return };
    let (ana, ben) = (&desks.ana, &desks.ben);
    ana.press_button("Invite Ben");
    ben.find(Wanted::of("alertdialog", "Ana wants to connect"));
    // While the codes are compared there is the cross, and Esc.
    ana.press_button("Close");
    ben.vanishes(Wanted::of("alertdialog", "Ana wants to connect"));
    assert!(ana.there(Wanted::with("dialog", "Ben")).is_empty());
    assert!(ben.seat.rows(["inbox"]).iter().all(|row| row.get("kind").is_none()), "nothing waits for an answer");
}
