//! Certificates of the person's own, shown to an nginx that lets nobody in without: imported from a file, and on a SoftHSM token.

use crate::lab::{Lab, Program, have};
use hither_tests::Seat;
use serde_json::Value;
use std::{
    io::{Read, Write},
    path::Path,
    process::{Command, Stdio},
};

const PAGE: &[u8] = b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// nginx that tells whom it sees.
fn doorkeeper(lab: &Lab, verify: &str) -> (Program, u16) {
    lab.nginx(&format!(
        "ssl_client_certificate {}; ssl_verify_client {verify}; location / {{ return 200 \"you are $ssl_client_s_dn\\n\"; }}",
        lab.at("ca.pem").display()
    ))
}

/// A person, and what their commands need to find a token.
struct Person {
    seat: Seat,
    tokens: String,
}

impl Person {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.seat.command(self.seat.program());
        command.args(args).env("SOFTHSM2_CONF", &self.tokens);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command with this input, which stays open until it has ended.
    fn run(&self, args: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
        let mut child = self.command(args).spawn().expect("hither");
        let mut open = child.stdin.take().expect("stdin");
        // It may have ended already.
        let _ = open.write_all(input);
        let (mut out, mut told) = (String::new(), String::new());
        child.stdout.take().expect("stdout").read_to_string(&mut out).expect("text");
        child.stderr.take().expect("stderr").read_to_string(&mut told).expect("text");
        (child.wait().expect("an end").code(), out, told)
    }

    /// The ids of what the person can be known by, of one kind.
    fn ids(&self, kind: &str) -> Vec<String> {
        let (_, out, _) = self.run(&["--json", "identity", "list", "--all"], b"");
        let rows = out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let ids = rows.filter_map(|row| row.get("id").and_then(Value::as_str).map(str::to_owned));
        ids.filter(|id| id.starts_with(kind)).collect()
    }
}

/// A token with the lab's client certificate and its key; its PIN is 246810.
fn token(lab: &Lab) -> String {
    let conf = lab.at("softhsm2.conf").display().to_string();
    lab.write("softhsm2.conf", &format!("directories.tokendir = {}\nlog.level = ERROR\n", lab.at("tokens").display()));
    lab.sh(&format!(
        "export SOFTHSM2_CONF={conf}; mkdir tokens
         softhsm2-util --init-token --free --label badge --so-pin 87654321 --pin 246810
         openssl pkcs8 -topk8 -nocrypt -in client.key -out client.p8
         softhsm2-util --import client.p8 --token badge --label ana --id 01 --pin 246810
         openssl x509 -in client.pem -outform DER -out client.der
         pkcs11-tool --module {MODULE} --token-label badge --login --pin 246810 --write-object client.der --type cert --id 01 --label ana"
    ));
    conf
}

fn person(title: &str, tokens: &str) -> Person {
    Person { seat: Seat::here(title).expect("a seat"), tokens: tokens.to_owned() }
}

#[test]
fn r3_19_an_imported_certificate_is_shown_to_whom_asks_and_to_nobody_else() {
    if !have(&["openssl", "nginx"]) {
        return;
    }
    let lab = Lab::new();
    let ana = person("file", "/nowhere");
    let both = [lab.read("client.pem"), lab.read("client.key")].concat();
    lab.write("both.pem", &String::from_utf8_lossy(&both));
    let (code, _, told) = ana.run(&["identity", "import", &lab.at("both.pem").display().to_string()], b"");
    assert_eq!(code, Some(0), "{told}");
    let id = ana.ids("file-").pop().expect("it is listed");
    let ca = lab.at("ca.pem").display().to_string();
    for (verify, shown, page) in [("on", false, ""), ("on", true, "you are CN=ana"), ("off", true, "you are \n")] {
        let (_nginx, port) = doorkeeper(&lab, verify);
        let port = port.to_string();
        let mut args = vec!["connect", "localhost", &port, "--ca", &ca, "--loopback", "--proxy", "none"];
        if shown {
            args.extend(["--identity", &id]);
        }
        let (code, out, told) = ana.run(&args, PAGE);
        assert!(out.contains("you are") != page.is_empty() && out.contains(page), "{verify} {code:?} {out} {told}");
    }
    let (code, _, told) = ana.run(&["connect", "localhost", "1", "--loopback", "--identity", "file-ffff"], b"");
    assert!(code == Some(2) && told.contains("identity list"), "{told}");
    let (code, _, told) = ana.run(&["connect", "localhost", "1", "--loopback", "--identity", "local"], b"");
    assert!(code == Some(2) && told.contains("file- or card-"), "{told}");
    ana.seat.rows(["stop"]);
}

#[test]
fn r1_15_and_r3_19_a_card_is_shown_after_its_pin_and_only_with_the_capability() {
    if !have(&["openssl", "nginx", "softhsm2-util", "pkcs11-tool", MODULE]) {
        return;
    }
    let lab = Lab::new();
    let ana = person("card", &token(&lab));
    assert_eq!(ana.run(&["card", "module", "add", MODULE], b"").0, Some(0));
    let id = ana.ids("card-").pop().expect("it is listed");
    let (_nginx, port) = doorkeeper(&lab, "on");
    let (ca, port) = (lab.at("ca.pem").display().to_string(), port.to_string());
    let call =
        ["connect", "localhost", &port, "--ca", &ca, "--loopback", "--proxy", "none", "--identity", &id, "--pin-stdin"];
    let (code, out, told) = ana.run(&call, &[b"246810\n", PAGE].concat());
    assert!(code == Some(0) && out.contains("you are CN=ana"), "{code:?} {out} {told}");
    assert!(!told.contains("246810"));
    let (code, out, told) = ana.run(&call, &[b"000000\n", PAGE].concat());
    assert!(code == Some(11) && out.is_empty() && told.contains("PIN was wrong"), "{code:?} {told}");
    let (code, _, told) = ana.run(&call, b"\n");
    assert!(code == Some(5) && told.contains("no try was spent"), "{code:?} {told}");
    on_a_websocket(&lab, &ana, &id);
    ana.seat.rows(["capability", "revoke", "sharedUserCertificates"]);
    let (code, out, told) = ana.run(&call, &[b"246810\n", PAGE].concat());
    assert!(code == Some(4) && out.is_empty() && told.contains("sharedUserCertificates"), "{code:?} {told}");
    ana.seat.rows(["stop"]);
}

/// R5.18: the same for a WebSocket behind nginx.
fn on_a_websocket(lab: &Lab, ana: &Person, id: &str) {
    if !crate::lab::have_python("websockets") {
        return;
    }
    let (_python, inner) = crate::websockets::server(lab, &["clear"]);
    let (_nginx, port) = lab.nginx(&format!(
        "ssl_client_certificate {}; ssl_verify_client on;\n\
         location / {{ proxy_pass http://127.0.0.1:{inner}; proxy_http_version 1.1;\n\
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }}",
        Path::new(&lab.at("ca.pem")).display()
    ));
    let (url, ca) = (format!("wss://localhost:{port}/"), lab.at("ca.pem").display().to_string());
    let call = ["ws", &url, "--ca", &ca, "--loopback", "--proxy", "none"];
    let (code, _, told) = ana.run(&call, b"hello\n");
    assert!(code != Some(0) && told.contains("400"), "{code:?} {told}");
    let shown = [&call[..], &["--identity", id, "--pin-stdin"]].concat();
    let mut child = ana.command(&shown).spawn().expect("hither");
    let mut input = child.stdin.take().expect("stdin");
    input.write_all(b"246810\nhello\n").expect("it reads");
    let mut back = [0; 6];
    let came = child.stdout.as_mut().expect("stdout").read_exact(&mut back);
    drop(input);
    let output = child.wait_with_output().expect("an end");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(came.is_ok() && &back == b"hello\n" && output.status.success(), "R5.18: {told}");
}
