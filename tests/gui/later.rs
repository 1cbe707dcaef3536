//! What is sent to somebody who is away, and what somebody may send without asking: from the press in one window to the file
//! at the other person's.

use crate::desks::{Desks, inbox_file, is_transfer, middle_of, the_agent_tells};
use hither_tests::{
    events::{kind, text},
    window::{Wanted, drag},
};
use std::fs;

impl Desks {
    /// Ben ends the conversation and switches his device off.
    fn ben_goes(&mut self) {
        self.ben.end();
        self.ben.seat.rows(["close", self.ana_agent.peer()]);
        self.ben.seat.rows(["stop"]);
        self.ana.reads("Invite Ben again to go on.");
        self.ana.until("the device to be gone", || {
            let rows = self.ana.seat.rows(["near"]);
            rows.iter().all(|row| row.get("presence").is_none_or(|how| how == "gone")).then_some(())
        });
    }
}

/// Drops a new file of Ana's on something in her window.
fn ana_drops(desks: &Desks, name: &str, onto: Wanted<'_>) {
    fs::write(desks.ana.seat.file(name), name).unwrap();
    let at = middle_of(&desks.ana, onto);
    drag::drop_files(desks.ana.display(), &[desks.ana.seat.at(name).as_ref()], at);
}

#[test]
fn what_is_dropped_for_somebody_who_is_away_waits_and_goes_when_they_are_back() {
    let Some(mut desks) = Desks::met() else { return };
    desks.ben_goes();
    ana_drops(&desks, "later.txt", Wanted::of("button", "Send files for later …"));
    desks.ana.find(Wanted::of("dialog", "Send to Ben"));
    desks.ana.reads("Goes when they are next seen");
    desks.ana.press_button("Send");
    desks.ana.press_button("Show");
    desks.ana.reads("Goes when Ben is next seen");
    let waits = the_agent_tells(&desks.ana, &["outbox"], "an entry", |row| kind(row) == "outbox");
    assert_eq!((text(&waits, "title"), text(&waits, "waits")), ("later.txt", "device"));

    let _agent = desks.ben.seat.agent("Ben");
    desks.ben.reopen();
    desks.ben.find(Wanted::of("alertdialog", "Ana wants to connect"));
    desks.ben.press_button("Accept");
    desks.ben.find(Wanted::of("alertdialog", "Ana wants to send you 1 item"));
    desks.ben.press_button("Accept");
    desks.ana.reads("Delivered and confirmed");
    let kept = inbox_file(&desks, "later.txt").expect("it is in the inbox");
    assert_eq!(fs::read_to_string(kept).unwrap(), "later.txt");
}

#[test]
fn what_waits_can_be_withdrawn_and_then_nothing_goes() {
    let Some(mut desks) = Desks::met() else { return };
    desks.ben_goes();
    ana_drops(&desks, "never.txt", Wanted::of("button", "Send files for later …"));
    desks.ana.press_button("Send");
    desks.ana.press_button("Show");
    desks.ana.press_button("Withdraw: never.txt");
    desks.ana.vanishes(Wanted::of("list", "Waiting to be sent"));
    assert!(desks.ana.seat.rows(["outbox"]).iter().all(|row| kind(row) != "outbox"));
}

#[test]
fn somebody_allowed_to_send_more_is_not_asked_about_until_that_is_taken_back() {
    let Some(desks) = Desks::met() else { return };
    let ben = &desks.ben;
    let onto = || Wanted::with("textbox", "Message to Ben");
    ana_drops(&desks, "first.txt", onto());
    ben.find(Wanted::of("alertdialog", "Ana wants to send you 1 item"));
    ben.press(Wanted::of("checkbox", "May send more without asking"));
    // Nobody tells here which network this is.
    ben.press(Wanted::of("checkbox", "Only on this network"));
    ben.reads("into your hither folder, on any network, until");
    ben.press_button("Accept");
    let kept = |count: usize| {
        ben.until("transfers that are kept", || {
            let rows = ben.seat.rows(["transfers"]);
            (rows.iter().filter(|row| is_transfer(row, "kept")).count() == count).then_some(())
        });
    };
    kept(1);
    ana_drops(&desks, "second.txt", onto());
    kept(2);
    assert!(ben.there(Wanted::with("alertdialog", "Ana")).is_empty(), "nobody was asked");
    assert!(inbox_file(&desks, "second.txt").is_some());

    ben.press(Wanted::with("link", "Permissions"));
    ben.reads("into your hither folder, on any network, until");
    ben.press(Wanted::with("button", "Take back: Ana may send"));
    ben.reads("You took it back");
    ana_drops(&desks, "third.txt", onto());
    ben.find(Wanted::of("alertdialog", "Ana wants to send you 1 item"));
}
