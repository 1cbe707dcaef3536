//! The way to somebody's web server through a proxy that asks who you are: the agent answers with what the person keeps in the
//! keyring, after it was asked, and says what to do where nothing is kept (R6.2).

use crate::{
    home::{Home, contains, open},
    lab::have,
};
use hither_tests::{
    Run, Seat,
    acts::{APPEAR, question, until},
    events::{kind, text},
    run::{End, SOON},
};
use std::time::Duration;

const BEYOND: Duration = Duration::from_secs(60);
/// A session with a keyring that is open, until its input ends.
const SESSION: &str = r#"printf opened | gnome-keyring-daemon --unlock --components=secrets >/dev/null
printf '{"event":"session","bus":"%s"}\n' "$DBUS_SESSION_BUS_ADDRESS"
exec cat >/dev/null"#;

/// A person at a seat with a session of its own.
struct Person {
    seat: Seat,
    bus: String,
    _session: Run,
}

impl Person {
    fn at(seat: Seat) -> Self {
        let mut session = seat.start("dbus-run-session", ["--", "sh", "-c", SESSION]);
        let bus = text(&session.wait("session"), "bus").to_owned();
        Self { seat, bus, _session: session }
    }

    fn start(&self, args: &[&str]) -> Run {
        let mut command = self.seat.command(self.seat.program());
        command.arg("--json").args(args).env("DBUS_SESSION_BUS_ADDRESS", &self.bus);
        self.seat.run(command, "hither")
    }

    fn keep(&self, proxy: &str, password: &str) {
        let mut run = self.start(&["credential", "add", proxy, "ana", "--stdin"]);
        run.type_in(format!("{password}\n").as_bytes());
        let end = run.end(SOON);
        assert_eq!(end.code, Some(0), "{:?} {}", end.said, end.errors);
    }
}

/// squid at the third host, which lets in who has a name and a password.
fn squid(home: &Home) -> Run {
    let dir = home.files.at("").display().to_string();
    let dir = dir.trim_end_matches('/');
    home.files.sh("chmod 777 .; printf 'ana:%s\\n' \"$(openssl passwd -apr1 hunter2)\" >users; chmod 644 users");
    let config = home.files.write(
        "squid.conf",
        &format!(
            "http_port 10.77.0.3:3128\npid_filename {dir}/squid.pid\ncache deny all\naccess_log none\ncache_log {dir}/cache.log\n\
             coredump_dir {dir}\nshutdown_lifetime 0 seconds\npinger_enable off\nnetdb_filename none\n\
             auth_param basic program /usr/lib/squid/basic_ncsa_auth {dir}/users\nauth_param basic realm house\n\
             acl who proxy_auth REQUIRED\nhttp_access allow who\nhttp_access deny all\n"
        ),
    );
    let name = format!("hitherweb{}", std::process::id());
    let run = home.net.seat(2).start("/usr/sbin/squid", ["-N", "-n", &name, "-f", &config.display().to_string()]);
    home.answers(2, 3128);
    run
}

fn denied(end: &End) -> (String, String) {
    assert_eq!((end.code, end.error_code()), (Some(4), "AccessDenied"), "{:?} {}", end.said, end.errors);
    let last = end.said.last().expect("an error");
    (text(last, "message").to_owned(), text(last, "hint").to_owned())
}

#[test]
fn r6_2_a_proxy_on_the_way_to_a_web_server_gets_what_is_kept_for_it_after_it_asked() {
    if !have(&["squid", "/usr/lib/squid/basic_ncsa_auth", "dbus-run-session", "gnome-keyring-daemon"]) {
        return;
    }
    let Some(home) = Home::of(3) else { return };
    let _nginx = home.nginx("home");
    let (ana, _ana_agent) = home.ana();
    ana.rows(["settings", "set", "exclude", "eth0"]);
    home.net.host(0).shell("nft insert rule inet wall in ip saddr 10.77.0.2 drop").expect("Ben is kept out");
    let _squid = squid(&home);
    let ben = Person::at(home.net.seat(1));
    let (ca, proxy) = (home.files.at("ca.pem").display().to_string(), "http://10.77.0.3:3128");
    let with = ["--name", "Ben", "--no-mdns", "--no-ble", "--websocket-ca", &ca, "--websocket-proxy", proxy];
    let begin = || {
        let mut agent = ben.start(&[&["agent"][..], &with].concat());
        agent.wait("ready");
        agent
    };
    let agent = begin();
    let link = home.link();
    let (why, what) = denied(&open(&ben.seat, &link).end(BEYOND));
    assert!(why.contains("web server 10.77.0.1") && why.contains("none is kept"), "{why}");
    assert!(what.contains("hither credential add 10.77.0.3:3128 NAME"), "{what}");
    // A keyring without an answer is left alone for a minute; another agent does not know that.
    let again = |agent: Run, password: &str| {
        ben.seat.rows(["stop"]);
        let _ = agent.end(SOON);
        ben.keep(proxy, password);
        begin()
    };
    let agent = again(agent, "wrong");
    let (why, what) = denied(&open(&ben.seat, &link).end(BEYOND));
    assert!(
        why.contains("did not accept") && what.contains("hither credential") && !why.contains("wrong"),
        "{why} {what}"
    );
    let agent = again(agent, "hunter2");
    let ear = home.ear(1, "eth0", "wire");
    let mut inbox = ana.hither(["inbox", "--watch"]);
    let mut opening = open(&ben.seat, &link);
    let asked = question(&mut inbox, "invite");
    ana.rows(["accept", text(&asked, "id")]);
    opening.wait_for("accepted", APPEAR, |v| kind(v) == "accepted");
    until(&ben.seat, &["sessions"], "session", BEYOND, |v| {
        text(v, "state") == "open" && text(v, "route") == "websocket"
    });
    let heard = ear.heard(&home);
    let first = |words: &[u8]| heard.windows(words.len()).position(|part| part == words);
    let (asks, says) = (first(b"HTTP/1.1 407"), first(b"Proxy-Authorization: Basic"));
    assert!(asks.is_some() && asks < says && contains(&heard, b"CONNECT 10.77.0.1:443"), "{asks:?} {says:?}");
    drop(agent);
}
