//! A person's own web server in front of their agent, on hosts of their own: nginx with the configuration that
//! docs/remote.md gives, and somebody who listens on the wire between it and the agent.

use crate::lab::{Lab as Files, have};
use hither_tests::{Run, Seat, events::text, netns::Lab, run::SOON};
use rustix::process::Signal;
use std::{fs, path::Path};

/// Where the web server is, as its certificate says.
pub(crate) const URL: &str = "wss://10.77.0.1/hither";
/// What Ana calls her device: long enough not to turn up in random bytes.
pub(crate) const NAME: &str = "Ana of the house";

/// Hosts and certificates. Host 0 has the web server and Ana's agent behind it.
pub(crate) struct Home {
    pub(crate) net: Lab,
    pub(crate) files: Files,
}

impl Home {
    /// `hosts` hosts; `None`, and the reason noted, where there can be none. Host 0 takes nothing from the others but
    /// calls to its web server.
    pub(crate) fn of(hosts: usize) -> Option<Self> {
        if !have(&["openssl", "nginx", "/usr/bin/python3"]) {
            return None;
        }
        let net = Lab::of(hosts)?;
        let files = Files::new();
        files.sh("key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
             openssl req $key -keyout home.key -out home.csr -subj /CN=home
             printf 'subjectAltName=IP:10.77.0.1\\nextendedKeyUsage=serverAuth\\n' >home.ext
             openssl x509 -req -in home.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out home.pem -extfile home.ext");
        net.host(0)
            .shell(
                "nft -f - <<'T'
table inet wall {
    chain in {
        type filter hook input priority 0; policy drop;
        iif lo accept
        ct state established,related accept
        tcp dport 443 accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    }
}
T",
            )
            .expect("a firewall");
        Some(Self { net, files })
    }

    /// Starts nginx as the documentation has it, with this certificate, and waits until it answers.
    pub(crate) fn nginx(&self, certificate: &str) -> Run {
        let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/remote.md")).expect("a page");
        let block = page.split("```nginx\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a configuration");
        let dir = self.files.at("");
        let dir = dir.display().to_string();
        let dir = dir.trim_end_matches('/');
        let server = block
            .replace("server_name home.example;", "server_name 10.77.0.1;")
            .replace("/etc/ssl/home.example.pem", &format!("{dir}/{certificate}.pem"))
            .replace("/etc/ssl/home.example.key", &format!("{dir}/{certificate}.key"));
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {dir}/{kind};\n"))
            .concat();
        let config = self.files.write(
            "home.conf",
            &format!(
                "daemon off; master_process off; user root; pid {dir}/home.pid; error_log {dir}/error.log info;\n\
                 events {{}}\nhttp {{ access_log {dir}/access.log;\n{temp}\n{server}\n}}\n"
            ),
        );
        let config = config.display().to_string();
        let log = format!("{dir}/error.log");
        let pid = self.files.at("home.pid");
        let _ = fs::remove_file(&pid);
        let run = self.net.seat(0).start("/usr/sbin/nginx", ["-c", &config, "-p", dir, "-e", &log]);
        // nginx writes it once it listens.
        crate::lab::appears(&pid);
        run
    }

    /// Waits until something listens at a port of a host's address.
    pub(crate) fn answers(&self, host: usize, port: u16) {
        let at = self.net.host(host).ipv4();
        let up = format!(
            "import socket, time\nfor n in range(300):\n    try:\n        socket.create_connection(('{at}', {port})).close()\n        break\n    \
             except OSError:\n        time.sleep(0.05)\nelse:\n    raise SystemExit(1)\n"
        );
        self.net.host(host).output("/usr/bin/python3", &["-c", &up]).expect("it answers");
    }

    /// Ana's agent, reached by nobody but through the web server.
    pub(crate) fn ana(&self) -> (Seat, hither_tests::seat::Agent) {
        let seat = self.net.seat(0);
        let first = seat.agent_with(&["--name", NAME, "--no-mdns", "--no-ble"]);
        seat.rows(["capability", "grant", "internetClientServer"]);
        seat.rows(["stop"]);
        let _ = first.run.end(SOON);
        let agent = seat.agent_with(&[
            "--name",
            NAME,
            "--no-mdns",
            "--no-ble",
            "--websocket",
            "127.0.0.1:7000",
            "--websocket-url",
            URL,
        ]);
        (seat, agent)
    }

    /// Somebody's agent at another host, who trusts the house's authority for web servers.
    pub(crate) fn guest(&self, host: usize, name: &str) -> (Seat, hither_tests::seat::Agent) {
        let seat = self.net.seat(host);
        let ca = self.files.at("ca.pem").display().to_string();
        let agent = seat.agent_with(&["--name", name, "--no-mdns", "--no-ble", "--websocket-ca", &ca]);
        (seat, agent)
    }

    /// Records what passes on a host's interface until it is stopped.
    pub(crate) fn ear(&self, host: usize, interface: &str, file: &str) -> Ear {
        let script = "import socket, sys\nwire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))\nwire.bind((sys.argv[1], 0))\n\
                      out = open(sys.argv[2], 'wb', buffering=0)\nprint('{\"event\":\"listening\"}', flush=True)\nwhile True:\n    out.write(wire.recv(65536))\n";
        let path = self.files.at(file).display().to_string();
        let mut run = self.net.seat(host).start("/usr/bin/python3", ["-c", script, interface, &path]);
        run.wait("listening");
        Ear { run, file: file.to_owned() }
    }

    /// A link of Ana's.
    pub(crate) fn link(&self) -> String {
        let rows = self.net.seat(0).rows(["invite", "--link"]);
        let made = rows.iter().find(|row| hither_tests::events::kind(row) == "link").expect("a link is made");
        text(made, "url").to_owned()
    }
}

/// Somebody who listens.
pub(crate) struct Ear {
    run: Run,
    file: String,
}

impl Ear {
    /// Everything that passed.
    pub(crate) fn heard(self, home: &Home) -> Vec<u8> {
        self.run.signal(Signal::TERM);
        let _ = self.run.end(SOON);
        home.files.read(&self.file)
    }
}

/// Whether these words are anywhere in what was heard.
pub(crate) fn contains(heard: &[u8], words: &[u8]) -> bool {
    heard.windows(words.len()).any(|part| part == words)
}

/// Opens a link as it is meant: by standard input.
pub(crate) fn open(seat: &Seat, url: &str) -> Run {
    let mut run = seat.hither(["open", "-"]);
    run.type_in(format!("{url}\n").as_bytes());
    drop(run.stdin());
    run
}
