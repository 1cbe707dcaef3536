//! `hither connect` and `hither ws` as a person runs them.

use crate::lab::{Lab, free_port, have, have_python};
use hither_tests::{Seat, run::SOON};

#[test]
fn r3_13_connect_tells_what_protects_and_carries_the_bytes() {
    if !have(&["openssl", "nginx"]) {
        return;
    }
    let lab = Lab::new();
    let (_nginx, port) = lab.nginx("ssl_protocols TLSv1.2; location / { return 200 \"hello\\n\"; }");
    let seat = Seat::here("connect").expect("a seat");
    let ca = lab.at("ca.pem").display().to_string();
    let port = port.to_string();
    let run = |args: &[&str], input: &[u8]| {
        let mut command = seat.command(seat.program());
        command.args(["connect", "localhost", &port]).args(args);
        use std::process::Stdio;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("hither");
        // Open until the end: nginx ends TLS without a word where the client did so first.
        let mut open = child.stdin.take().expect("stdin");
        std::io::Write::write_all(&mut open, input).expect("it reads");
        child.wait_with_output().expect("an end")
    };
    let request = b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
    let out = run(&["--ca", &ca, "--loopback", "--level", "tls12"], request);
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{told}");
    assert!(String::from_utf8_lossy(&out.stdout).ends_with("hello\n"));
    assert!(told.contains("asked for tls12, in use: TLS1.2"), "{told}");
    for (args, code) in [
        (&["--ca", &ca, "--loopback", "--level", "tls13"][..], 9),
        (&["--ca", &ca], 4),
        (&["--loopback"], 8),
        (&["--ca", "/nowhere", "--loopback"], 2),
        (&["--ca", &ca, "--loopback", "--proxy", "http://ana:secret@127.0.0.1:1"], 2),
    ] {
        let out = run(args, b"");
        assert_eq!(out.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        assert!(out.stdout.is_empty() && !String::from_utf8_lossy(&out.stderr).contains("secret@"));
    }
    let end = seat.ask(["connect", "localhost", &free_port().to_string(), "--loopback"]);
    assert_eq!((end.code, end.error_code()), (Some(7), "Unreachable"));
    seat.rows(["capability", "revoke", "internetClient"]);
    seat.rows(["capability", "revoke", "privateNetworkClientServer"]);
    let end = seat.ask(["connect", "localhost", &port, "--loopback"]);
    assert_eq!((end.code, end.error_code()), (Some(4), "AccessDenied"));
    seat.rows(["stop"]);
}

#[test]
fn r5_1_ws_carries_lines_and_ends_in_order() {
    if !(have(&["openssl"]) && have_python("websockets")) {
        return;
    }
    let lab = Lab::new();
    let port = free_port();
    let script = lab.write(
        "echo.py",
        "import asyncio, sys, websockets\n\
         async def handler(socket, path=None):\n    async for message in socket:\n        await socket.send(message)\n\
         async def main():\n    async with websockets.serve(handler, '127.0.0.1', int(sys.argv[1]), subprotocols=['tea']):\n        await asyncio.Future()\n\
         asyncio.run(main())\n",
    );
    let _server = lab.start(port, "/usr/bin/python3", &[&script.display().to_string(), &port.to_string()]);
    let seat = Seat::here("ws").expect("a seat");
    let url = format!("ws://localhost:{port}/");
    let mut run = seat.hither(["ws", &url, "--clear", "--loopback", "--protocol", "tea"]);
    run.type_in("hello ☺\n".as_bytes());
    assert_eq!(run.wait("message")["text"], "hello ☺");
    let end = run.end(SOON);
    assert_eq!(end.code, Some(0), "{}", end.errors);
    assert!(end.errors.contains(r#""protocol":"tea""#), "{}", end.errors);
    let end = seat.ask(["ws", &url, "--loopback"]);
    assert_eq!((end.code, end.error_code()), (Some(2), "Misuse"), "the clear must be meant");
    seat.rows(["stop"]);
}

/// Greets in the clear, and after a line goes on in TLS as elsewhere.test: what it hears it says in capitals.
const STARTTLS: &str = r#"
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("other.pem", "other.key")
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    call, _ = server.accept()
    try:
        call.sendall(b"220 hello\r\n")
        if call.recv(100).strip() == b"STARTTLS":
            call.sendall(b"220 go\r\n")
            with context.wrap_socket(call, server_side=True) as tls:
                tls.sendall(tls.recv(100).upper())
                tls.unwrap()
    except OSError:
        pass
    call.close()
"#;

#[test]
fn r3_25_connect_upgrades_after_the_dot_and_checks_the_name_that_was_given() {
    if !have(&["openssl", "/usr/bin/python3"]) {
        return;
    }
    use std::{
        io::{BufRead, BufReader, Read, Write},
        process::Stdio,
    };
    let lab = Lab::new();
    let port = free_port().to_string();
    let script = lab.write("starttls.py", STARTTLS).display().to_string();
    let _server = lab.start(port.parse().expect("a port"), "/usr/bin/python3", &[&script, &port]);
    let seat = Seat::here("upgrade").expect("a seat");
    let ca = lab.at("ca.pem").display().to_string();
    for (name, code) in [("elsewhere.test", 0), ("localhost", 8)] {
        let mut command = seat.command(seat.program());
        command.args(["connect", "localhost", &port, "--upgrade", "--validate-host", name, "--ca", &ca, "--loopback"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it");
        let mut input = child.stdin.take().expect("stdin");
        let mut output = BufReader::new(child.stdout.take().expect("stdout"));
        let mut line = String::new();
        input.write_all(b"STARTTLS\n").expect("it reads");
        while line != "220 go\r\n" {
            line.clear();
            assert_ne!(output.read_line(&mut line).expect("a line"), 0, "it ended");
        }
        input.write_all(b".\nsecret words\n").expect("it reads");
        drop(input);
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("text");
        let end = child.wait_with_output().expect("an end");
        let told = String::from_utf8_lossy(&end.stderr);
        assert_eq!(end.status.code(), Some(code), "{told}");
        assert_eq!(rest, if code == 0 { "SECRET WORDS\n" } else { "" });
        assert!(told.contains("in use: in the clear"), "{told}");
    }
    seat.rows(["stop"]);
}

#[test]
fn r6_1_a_proxys_password_comes_from_a_file_of_ones_own_and_is_in_no_log() {
    if !have(&["openssl", "squid", "/usr/lib/squid/basic_ncsa_auth"]) {
        return;
    }
    use std::{
        io::{Read, Write},
        os::unix::fs::PermissionsExt,
        process::Stdio,
    };
    let lab = Lab::new();
    let (_squid, port) = crate::proxies::squid(&lab, "basic");
    let seat = Seat::here("proxy").expect("a seat");
    let file = lab.write("credential", "ana\nhunter2\n");
    let to = crate::proxies::echo().to_string();
    let proxy = format!("http://127.0.0.1:{port}");
    let file_name = file.display().to_string();
    let start = || {
        let mut command = seat.command(seat.program());
        command.args(["connect", "localhost", &to, "--level", "plain", "--loopback", "-vv"]).env("HITHER_LOG", "trace");
        command.args(["--proxy", &proxy, "--proxy-credential", &file_name]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("permissions");
    let open = start().wait_with_output().expect("an end");
    assert_eq!(open.status.code(), Some(2), "others can read it: {}", String::from_utf8_lossy(&open.stderr));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("permissions");
    let mut child = start();
    let mut input = child.stdin.take().expect("stdin");
    input.write_all(b"hello").expect("it reads");
    let mut back = [0; 5];
    child.stdout.as_mut().expect("stdout").read_exact(&mut back).expect("an answer");
    assert_eq!(&back, b"hello");
    let arguments = std::fs::read_to_string(format!("/proc/{}/cmdline", child.id())).expect("its arguments");
    drop(input);
    let told = String::from_utf8_lossy(&child.wait_with_output().expect("an end").stderr).into_owned();
    // Base64 of ana:hunter2 begins so.
    for secret in ["hunter2", "YW5hOmh1bnRlcjI"] {
        assert!(!told.contains(secret) && !arguments.contains(secret), "{told}");
    }
    assert!(told.contains("the proxy"), "{told}");
    seat.rows(["stop"]);
}
