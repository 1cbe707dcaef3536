//! A probe.
use crate::desks::*;
use hither_tests::window::{self, App, Wanted};
use hither_tests::acts::meet;
use serde_json::json;
fn install(app: &App) {
    app.run("window.errs = []; addEventListener('error', (e) => errs.push(String(e.message).slice(0, 80)));", &json!([]));
}
fn errs(app: &App, what: &str) {
    std::thread::park_timeout(std::time::Duration::from_millis(1500));
    println!("{} {what}: {} {}", app.seat.title, app.view(), app.run("const e = errs; errs = []; return [e.length, e[0]]", &json!([])));
}
#[test]
fn probe() {
    let Some(lab) = window::lab(2) else { return };
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let (aa, ba) = (ana.agent("Ana"), ben.agent("Ben"));
    let app = App::open(&ana);
    app.find(Wanted::of("button", "Invite Ben"));
    install(&app);
    errs(&app, "near");
    let met = meet(&ana, &ben, "Ben");
    errs(&app, "met by the command line");
    ben.rows(["say", aa.peer(), "one"]);
    errs(&app, "message while at near");
    app.press(Wanted::with("link", "Ben"));
    errs(&app, "session opened");
    ben.rows(["say", aa.peer(), "two"]);
    errs(&app, "message while there");
    goes_to(&app, "Transfers");
    errs(&app, "left");
    ben.rows(["say", aa.peer(), "three"]);
    errs(&app, "message while away");
    goes_to(&app, "Near");
    errs(&app, "near");
    let _ = (ba, met);
}
