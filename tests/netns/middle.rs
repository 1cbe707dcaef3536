//! Somebody active in the middle of a first meeting, who terminates TLS towards both sides with a key of their own.

use hither_tests::{
    Run, Seat,
    acts::APPEAR,
    events::{kind, text},
    netns::Lab,
    run::SOON,
};

/// Ana, the real Ben, and Eve, who is in the middle as "Ben".
struct Between {
    ana: Seat,
    ben: Seat,
    eve: Run,
    forged: String,
    _agents: [hither_tests::seat::Agent; 2],
}

fn between(lab: &Lab, how: &str) -> Between {
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let agents = [ana.agent("Ana"), ben.agent("Ben")];
    let mut eve = lab.seat(2).start(env!("CARGO_BIN_EXE_middle"), ["Ben", how]);
    eve.wait("ready");
    let mut near = ana.hither(["near", "--watch"]);
    let row = near.wait_for("the forged advert", APPEAR, |v| {
        kind(v) != "peer-removed" && text(v, "name") == "Ben" && v["routes"].to_string().contains(&lab.host(2).ipv4())
    });
    Between { ana, ben, eve, forged: text(&row, "peer").to_owned(), _agents: agents }
}

impl Between {
    /// Nobody trusts anybody, and there is no session.
    fn nothing_came_of_it(&mut self) {
        for seat in [&self.ana, &self.ben] {
            let sessions = seat.rows(["sessions"]);
            assert!(sessions.iter().all(|v| kind(v) != "session"), "{}: {sessions:?}", seat.title);
            let trusted = seat.rows(["trust", "list"]);
            assert!(trusted.iter().all(|v| text(v, "peer").is_empty()), "{}: {trusted:?}", seat.title);
        }
        assert!(self.eve.events.seen().iter().all(|v| kind(v) != "admitted"), "{:?}", self.eve.events.seen());
    }
}

#[test]
fn t12_both_sides_of_a_man_in_the_middle_show_different_codes_and_each_try_counts() {
    let Some(lab) = Lab::of(3) else { return };
    let mut between = between(&lab, "two");
    let mut inbox = between.ben.hither(["inbox", "--watch"]);
    let mut invite = between.ana.hither(["invite", &between.forged]);
    let asked = inbox.wait_for("the code at Ben's", APPEAR, |v| {
        kind(v) == "question" && text(v, "kind") == "invite" && !text(v, "code").is_empty()
    });
    let shown = invite.wait("code");
    let known = between.eve.wait("codes");
    assert_eq!((text(&shown, "code"), text(&asked, "code")), (text(&known, "caller"), text(&known, "called")));
    assert_ne!(text(&shown, "code"), text(&asked, "code"), "equal by chance once in a million runs");
    // Both look, and say no: Ana on her screen, Ben on his, which mutes Eve there.
    between.ben.rows(["decline", text(&asked, "id")]);
    let mut said_no = |mut invite: Run| {
        invite.type_in(b"n\n");
        let end = invite.end(SOON);
        assert_ne!(end.code, Some(0), "{:?}", end.said);
        between.eve.wait("over");
    };
    said_no(invite);
    for _ in 0..2 {
        let mut again = between.ana.hither(["invite", &between.forged]);
        again.wait("code");
        said_no(again);
    }
    between.nothing_came_of_it();
    // Three runs were started and not confirmed: no code is offered any more, to nobody.
    let fourth = between.ana.ask(["invite", &between.forged, "--timeout", "10"]);
    assert_ne!(fourth.code, Some(0));
    assert!(fourth.of_kind("code").is_empty(), "{:?}", fourth.said);
}

#[test]
fn t11_frames_that_are_passed_on_through_another_connection_are_found_out() {
    let Some(lab) = Lab::of(3) else { return };
    let mut between = between(&lab, "relay");
    let invite = between.ana.hither(["invite", &between.forged, "--yes-code", "--timeout", "20"]);
    let end = invite.end(SOON);
    assert_ne!(end.code, Some(0), "{:?}", end.said);
    assert!(end.of_kind("code").is_empty(), "no code is shown for a commitment to another channel: {:?}", end.said);
    between.nothing_came_of_it();
}
