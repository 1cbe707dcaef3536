//! Devices that call where nothing of hither runs: the port is a unit of the user's systemd, if the person wants that.

use crate::systemd;
use hither_tests::services::Systemd;
use std::time::Instant;

/// Calls, says something that is no hello, and waits for the first byte or the end: `None` if nobody is there.
fn call(systemd: &Systemd, port: &str) -> Option<u128> {
    let call =
        format!("exec 3<>/dev/tcp/127.0.0.1/{port} || exit 1; printf 'nonsense\\r\\n\\r\\n' >&3; head -c1 <&3; exit 0");
    let began = Instant::now();
    let done = systemd.command("bash").args(["-c", &call]).output().expect("bash runs");
    done.status.success().then(|| began.elapsed().as_millis())
}

fn port(systemd: &Systemd) -> String {
    let unit = systemd.home().join(".config/systemd/user/hither-peer.socket");
    let unit = std::fs::read_to_string(unit).expect("a unit for those who call");
    let at = unit.lines().find_map(|line| line.strip_prefix("ListenStream=0.0.0.0:")).expect("a port");
    at.to_owned()
}

#[test]
fn r4_20_a_caller_starts_an_agent_that_does_not_run_and_is_answered() {
    let Some(systemd) = systemd() else { return };
    let set = systemd.hither(&["background", "on", "--on-demand", "--calls"]);
    assert_eq!((&set["when"], &set["calls"]), (&"on-demand".into(), &true.into()));
    assert_eq!(systemd.agent(), None, "nothing of hither runs at rest");
    let port = port(&systemd);
    let took = call(&systemd, &port).expect("somebody is there");
    println!("the first byte for a caller came {took} ms after nothing ran");
    assert!(systemd.agent().is_some());
    let status = systemd.hither(&["--no-start", "status"]);
    let at = status["listen"].as_array().expect("addresses");
    assert!(at.iter().all(|at| at.as_str().is_some_and(|at| at.ends_with(&format!(":{port}")))), "{at:?}");
    // A crash does not close the port, and its two keepers do not get into each other's way.
    systemd.systemctl(&["kill", "--kill-whom=main", "--signal=KILL", "hither.service"]);
    call(&systemd, &port).expect("somebody is there again");
    assert_eq!(systemd.hither(&["--no-start", "status"])["listen"], status["listen"]);
    assert_eq!(systemd.hither(&["background", "off"])["calls"], false);
    assert_eq!(call(&systemd, &port), None);
    assert!(!systemd.home().join(".config/systemd/user/hither-peer.socket").exists());
}

#[test]
fn without_proximity_no_unit_listens_for_devices() {
    let Some(systemd) = systemd() else { return };
    systemd.hither(&["background", "on", "--on-demand", "--calls"]);
    let port = port(&systemd);
    systemd.hither(&["capability", "revoke", "proximity"]);
    let ended = || {
        // Until systemd has done what it was told.
        let words = ["show", "--property=ActiveState", "--value", "hither-peer.socket"];
        while systemd.systemctl(&words).trim() != "inactive" {}
        call(&systemd, &port)
    };
    assert_eq!(ended(), None, "a caller is heard though nobody may call");
    assert_eq!(systemd.hither(&["background"])["calls"], false);
    // Who puts it back by hand finds it closed by the agent that a caller starts.
    systemd.systemctl(&["stop", "hither.service"]);
    systemd.systemctl(&["start", "hither-peer.socket"]);
    call(&systemd, &port);
    assert_eq!(ended(), None);
}
