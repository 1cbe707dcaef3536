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
        std::io::Write::write_all(&mut child.stdin.take().expect("stdin"), input).expect("it reads");
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
