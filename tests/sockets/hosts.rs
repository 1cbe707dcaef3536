//! The program between two hosts: an address family that is dead, and connections that are not permitted.

use hither_tests::{netns::Lab, run::SOON};

/// Takes calls in both families and says hello to each.
const SERVER: &str = r#"
import json, socket
server = socket.create_server(("::", 4000), family=socket.AF_INET6, dualstack_ipv6=True)
print(json.dumps({"event": "ready"}), flush=True)
while True:
    call, _ = server.accept()
    call.sendall(b'{"event":"hello"}\n')
    call.close()
"#;

/// Gives the second host a name with both of its addresses.
fn name(lab: &Lab) {
    let (four, six) = (lab.host(1).ipv4(), lab.host(1).ula());
    let hosts = format!("127.0.0.1 localhost\\n{six} twin.test\\n{four} twin.test\\n");
    let script = format!("printf '{hosts}' >/run/hosts; mount --bind /run/hosts /etc/hosts");
    lab.host(0).shell(&script).expect("a name");
}

#[test]
fn r3_5_a_dead_first_family_does_not_hold_the_connection_up() {
    let Some(lab) = Lab::of(2) else { return };
    name(&lab);
    let mut server = lab.seat(1).start("/usr/bin/python3", ["-c", SERVER]);
    server.wait("ready");
    let seat = lab.seat(0);
    let _agent = seat.agent_with(&["--no-mdns"]);
    for (dead, remote) in [(false, format!("[{}]:4000", lab.host(1).ula())), (true, "10.77.0.2:4000".to_owned())] {
        if dead {
            let drop = "nft add table ip6 dead
                nft 'add chain ip6 dead in { type filter hook input priority 0; }'
                nft add rule ip6 dead in tcp dport 4000 drop";
            lab.host(1).shell(drop).expect("a rule");
        }
        let mut run = seat.hither(["connect", "twin.test", "4000", "--level", "plain"]);
        run.wait("hello");
        let end = run.end(SOON);
        assert_eq!(end.code, Some(0), "{}", end.errors);
        assert!(end.errors.contains(&format!(r#""remote":"{remote}""#)), "{}", end.errors);
    }
}

#[test]
fn r1_1_a_connection_that_is_not_permitted_sends_no_packet() {
    let Some(lab) = Lab::of(2) else { return };
    name(&lab);
    let seat = lab.seat(0);
    let _agent = seat.agent_with(&["--no-mdns"]);
    let watch = "nft add table inet watch
        nft 'add chain inet watch out { type filter hook output priority 0; }'
        nft add rule inet watch out oifname eth0 meta l4proto '{ tcp, udp }' counter";
    lab.host(0).shell(watch).expect("a counter");
    let silent = || {
        let counted = lab.host(0).output("nft", &["list", "chain", "inet", "watch", "out"]).expect("a counter");
        counted.contains("packets 0 ")
    };
    for capability in ["internetClient", "privateNetworkClientServer"] {
        seat.rows(["capability", "revoke", capability]);
    }
    for host in [lab.host(1).ipv4(), lab.host(1).ula(), "twin.test".to_owned(), "name.nowhere.test".to_owned()] {
        let end = seat.ask(["connect", &host, "4000", "--level", "plain"]);
        assert_eq!((end.code, end.error_code()), (Some(4), "AccessDenied"), "{host}: {}", end.errors);
        let end = seat.ask(["ws", &format!("wss://{host}:4000/")]);
        assert_ne!(end.code, Some(0), "{host}");
        assert!(silent(), "{host}");
    }
    // The counter counts: with the capability back there is something to count.
    seat.rows(["capability", "grant", "internetClient"]);
    let end = seat.ask(["connect", &lab.host(1).ipv4(), "4000", "--level", "plain"]);
    assert_eq!(end.error_code(), "Unreachable", "{}", end.errors);
    assert!(!silent());
}
