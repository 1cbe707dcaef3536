//! Tickets of a real Kerberos server (MIT krb5kdc), for squid and for Apache with mod_auth_gssapi. The program that speaks to
//! the system's library is built apart: `cargo build -p hither-socket --features kerberos --bin hither-sign-in`.

use crate::lab::{Lab, Program, free_port, have, have_python};
use hither_tests::{Seat, program, skip::skipped};
use std::{
    io::{Read, Write},
    process::{Command, Output, Stdio},
};

/// A realm with one person, who has signed in, and one service: HTTP at localhost.
struct Realm {
    lab: Lab,
    _kdc: Program,
}

impl Realm {
    /// `None`, said aloud, where something is missing.
    fn new() -> Option<Self> {
        if !have(&["openssl", "krb5kdc", "kadmin.local", "kdb5_util", "kinit"]) {
            return None;
        }
        if let Err(why) = program::named("hither-sign-in", "HITHER_SIGN_IN_BIN", "script/test sockets") {
            skipped("sockets", &why);
            return None;
        }
        let lab = Lab::new();
        let (dir, port) = (lab.at("").display().to_string(), free_port());
        lab.write(
            "krb5.conf",
            &format!(
                "[libdefaults]\ndefault_realm = HOUSE.TEST\ndns_lookup_realm = false\ndns_lookup_kdc = false\n\
                 dns_canonicalize_hostname = false\nrdns = false\nudp_preference_limit = 1\n\
                 [realms]\nHOUSE.TEST = {{\nkdc = 127.0.0.1:{port}\n}}\n\
                 [domain_realm]\nlocalhost = HOUSE.TEST\n[logging]\nkdc = FILE:{dir}kdc.log\n"
            ),
        );
        lab.write(
            "kdc.conf",
            &format!(
                "[kdcdefaults]\nkdc_listen = \"\"\nkdc_tcp_listen = 127.0.0.1:{port}\n[realms]\nHOUSE.TEST = {{\n\
                 database_name = {dir}principal\nkey_stash_file = {dir}stash\nacl_file = {dir}acl\n}}\n"
            ),
        );
        lab.sh("export KRB5_CONFIG=$PWD/krb5.conf KRB5_KDC_PROFILE=$PWD/kdc.conf
             kdb5_util create -s -P master -r HOUSE.TEST >/dev/null
             kadmin.local -q 'addprinc -pw hunter2 ana' >/dev/null
             kadmin.local -q 'addprinc -randkey HTTP/localhost' >/dev/null
             kadmin.local -q \"ktadd -k $PWD/http.keytab HTTP/localhost\" >/dev/null
             chmod 644 http.keytab");
        let config = format!("KRB5_CONFIG={dir}krb5.conf");
        let kdc = lab.start(port, "env", &[&config, &format!("KRB5_KDC_PROFILE={dir}kdc.conf"), "krb5kdc", "-n"]);
        lab.sh("export KRB5_CONFIG=$PWD/krb5.conf KRB5CCNAME=FILE:$PWD/tickets
             echo hunter2 | kinit ana >/dev/null");
        Some(Self { lab, _kdc: kdc })
    }

    /// Starts a server that knows the service's key.
    fn start(&self, port: u16, args: &[&str]) -> Program {
        let dir = self.lab.at("").display().to_string();
        let (config, keys) = (format!("KRB5_CONFIG={dir}krb5.conf"), format!("KRB5_KTNAME={dir}http.keytab"));
        self.lab.start(port, "env", &[&[config.as_str(), keys.as_str()][..], args].concat())
    }

    fn squid(&self) -> (Program, u16) {
        let (port, dir) = (free_port(), self.lab.at("").display().to_string());
        self.lab.sh("chmod 777 .");
        let config = self.lab.write(
            "squid.conf",
            &format!(
                "http_port 127.0.0.1:{port}\npid_filename {dir}squid.pid\ncache deny all\naccess_log none\n\
                 cache_log {dir}cache.log\ncoredump_dir {dir}\nshutdown_lifetime 0 seconds\npinger_enable off\n\
                 netdb_filename none\nauth_param negotiate program /usr/lib/squid/negotiate_kerberos_auth \
                 -k {dir}http.keytab -s HTTP/localhost@HOUSE.TEST\nacl who proxy_auth REQUIRED\n\
                 http_access allow who\nhttp_access deny all\n"
            ),
        );
        let args = ["squid", "-N", "-n", &format!("hither{port}"), "-f", &config.display().to_string()];
        (self.start(port, &args), port)
    }

    /// Apache that asks for a ticket before it lets anybody through to `inner`.
    fn apache(&self, inner: u16) -> (Program, u16) {
        let (port, dir) = (free_port(), self.lab.at("").display().to_string());
        let modules: String =
            ["mpm_event", "authn_core", "authz_core", "authz_user", "auth_gssapi", "proxy", "proxy_wstunnel", "ssl"]
                .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
                .concat();
        let config = self.lab.write(
            "apache.conf",
            &format!(
                "ServerRoot {dir}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {dir}apache.pid\n\
                 DefaultRuntimeDir {dir}\nErrorLog {dir}apache.log\nUser www-data\nGroup www-data\n{modules}\
                 SSLEngine on\nSSLCertificateFile {dir}server.pem\nSSLCertificateKeyFile {dir}server.key\n\
                 <Location />\nAuthType GSSAPI\nAuthName house\nGssapiCredStore keytab:{dir}http.keytab\n\
                 Require valid-user\n</Location>\nProxyPass / ws://127.0.0.1:{inner}/\n"
            ),
        );
        (self.start(port, &["apache2", "-DFOREGROUND", "-f", &config.display().to_string()]), port)
    }

    /// Whether the Kerberos server was asked for a ticket for HTTP.
    fn asked(&self) -> bool {
        let log = String::from_utf8_lossy(&self.lab.read("kdc.log")).into_owned();
        assert!(log.contains("AS_REQ"), "the log tells what is asked for: {log}");
        log.lines().any(|line| line.contains("TGS_REQ") && line.contains("HTTP/localhost"))
    }
}

/// A person with tickets.
struct Person {
    seat: Seat,
    tickets: [(&'static str, String); 2],
}

impl Person {
    fn of(realm: &Realm, title: &str) -> Self {
        let dir = realm.lab.at("").display().to_string();
        let tickets = [("KRB5_CONFIG", format!("{dir}krb5.conf")), ("KRB5CCNAME", format!("FILE:{dir}tickets"))];
        Self { seat: Seat::here(title).expect("a seat"), tickets }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.seat.command(self.seat.program());
        command.args(args).envs(self.tickets.iter().map(|(name, value)| (*name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Sends a word, waits for something to come back, and ends.
    fn echo(&self, args: &[&str]) -> Output {
        let mut child = self.command(args).spawn().expect("hither");
        let mut input = child.stdin.take().expect("stdin");
        // It may be gone already.
        let _ = input.write_all(b"hello\n");
        let mut back = [0; 6];
        let came = child.stdout.as_mut().expect("stdout").read_exact(&mut back).is_ok();
        drop(input);
        let mut output = child.wait_with_output().expect("an end");
        output.stdout = if came { back.to_vec() } else { Vec::new() };
        output
    }

    fn fails(&self, args: &[&str], word: &str) {
        let output = self.echo(args);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(4) && told.contains(word), "{:?} {told}", output.status);
    }

    fn succeeds(&self, args: &[&str]) {
        let output = self.echo(args);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && output.stdout == b"hello\n", "{:?} {told}", output.status);
        assert!(!told.contains("YII"), "no token is shown: {told}");
    }
}

#[test]
fn r1_9_squid_gets_a_ticket_only_with_the_capability_and_only_where_it_is_asked_for() {
    if !have(&["squid", "/usr/lib/squid/negotiate_kerberos_auth"]) {
        return;
    }
    let Some(realm) = Realm::new() else { return };
    let person = Person::of(&realm, "ticket");
    let (_squid, port) = realm.squid();
    let (to, proxy) = (crate::proxies::echo().to_string(), format!("http://localhost:{port}"));
    let through = ["connect", "localhost", &to, "--level", "plain", "--loopback", "--proxy", &proxy];
    let signed_in = [&through[..], &["--sign-in"]].concat();
    person.seat.rows(["capability", "revoke", "enterpriseAuthentication"]);
    person.fails(&through, "negotiate");
    person.fails(&signed_in, "enterpriseAuthentication");
    assert!(!realm.asked(), "no ticket without the capability");
    person.seat.rows(["capability", "grant", "enterpriseAuthentication"]);
    person.fails(&through, "negotiate");
    assert!(!realm.asked(), "no ticket where nobody asked for one");
    person.succeeds(&signed_in);
    assert!(realm.asked());
    let mut nobody = Person::of(&realm, "nobody");
    nobody.tickets[1].1.push_str("-none");
    nobody.seat.rows(["capability", "grant", "enterpriseAuthentication"]);
    nobody.fails(&signed_in, "kinit");
    for seat in [person.seat, nobody.seat] {
        seat.rows(["stop"]);
    }
}

#[test]
fn r1_9_apache_opens_a_websocket_to_whom_the_ticket_names() {
    let needed = ["apache2", "/usr/lib/apache2/modules/mod_auth_gssapi.so"];
    if !(have(&needed) && have_python("websockets")) {
        return;
    }
    let Some(realm) = Realm::new() else { return };
    let person = Person::of(&realm, "ticket-ws");
    let (_python, inner) = crate::websockets::server(&realm.lab, &["clear"]);
    let (_apache, port) = realm.apache(inner);
    let (url, ca) = (format!("wss://localhost:{port}/"), realm.lab.at("ca.pem").display().to_string());
    let call = ["ws", &url, "--ca", &ca, "--loopback", "--proxy", "none"];
    let signed_in = [&call[..], &["--sign-in"]].concat();
    person.seat.rows(["capability", "grant", "enterpriseAuthentication"]);
    person.fails(&call, "negotiate");
    assert!(!realm.asked());
    person.succeeds(&signed_in);
    assert!(realm.asked());
    person.seat.rows(["capability", "revoke", "enterpriseAuthentication"]);
    person.fails(&signed_in, "enterpriseAuthentication");
    person.seat.rows(["stop"]);
}
