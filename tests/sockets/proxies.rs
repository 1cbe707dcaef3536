//! The way through squid and microsocks.

use crate::lab::{Lab, Program, free_port, have, localhost, permission};
use hither_socket::{
    PasswordCredential, Proxies, Proxy, ProxyError, ServerError, SocketProtectionLevel as Level, StreamSocket,
};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

/// Sends back what comes.
pub(crate) fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serve = |mut tcp: TcpStream| {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = tcp.read(&mut bytes) {
            if tcp.write_all(&bytes[..count]).is_err() {
                return;
            }
        }
    };
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            thread::spawn(move || serve(tcp));
        }
    });
    port
}

/// squid with a scheme of authentication, or none.
pub(crate) fn squid(lab: &Lab, scheme: &str) -> (Program, u16) {
    let port = free_port();
    let dir = lab.at("");
    let dir = dir.display();
    // It gives up root and writes its log afterwards.
    lab.sh("chmod 777 .");
    let auth = match scheme {
        "" => "acl who src all".to_owned(),
        "basic" => {
            lab.sh("printf 'ana:%s\\n' \"$(openssl passwd -apr1 hunter2)\" >users; chmod 644 users");
            format!(
                "auth_param basic program /usr/lib/squid/basic_ncsa_auth {dir}/users\n\
                 auth_param basic realm house\nacl who proxy_auth REQUIRED"
            )
        }
        _ => {
            lab.sh("printf 'ana:hunter2\\n' >users; chmod 644 users");
            format!(
                "auth_param digest program /usr/lib/squid/digest_file_auth {dir}/users\n\
                 auth_param digest realm house\nacl who proxy_auth REQUIRED"
            )
        }
    };
    let config = lab.write(
        "squid.conf",
        &format!(
            "http_port 127.0.0.1:{port}\npid_filename {dir}/squid.pid\ncache deny all\naccess_log none\n\
             cache_log {dir}/cache.log\ncoredump_dir {dir}\nshutdown_lifetime 0 seconds\n\
             pinger_enable off\nnetdb_filename none\n{auth}\nhttp_access allow who\nhttp_access deny all\n"
        ),
    );
    // A name of its own keeps its shared memory apart from others'.
    let name = format!("hither{port}");
    (lab.start(port, "squid", &["-N", "-n", &name, "-f", &config.display().to_string()]), port)
}

async fn through(proxy: Proxy, to: u16) -> Result<StreamSocket, ServerError> {
    let mut socket = StreamSocket::new(permission());
    socket.control().set_proxies(Proxies::Only(proxy))?;
    socket.connect(&localhost(), &to.to_string(), Level::PlainSocket).await?;
    Ok(socket)
}

async fn echoes(mut socket: StreamSocket) {
    assert!(socket.information().by_proxy);
    socket.write_all(b"hello").await.expect("it takes bytes");
    let mut back = [0; 5];
    socket.read_exact(&mut back).await.expect("they come back");
    assert_eq!(&back, b"hello");
}

fn known(proxy: Proxy, secret: &str) -> Proxy {
    let resource = proxy.resource();
    let credential = PasswordCredential::new(&resource, "ana", Zeroizing::new(secret.to_owned()));
    proxy.with_credential(credential.expect("a credential"))
}

#[tokio::test]
async fn r3_7_squid_lets_us_through_and_says_when_it_does_not() {
    if !have(&["openssl", "squid"]) {
        return;
    }
    let lab = Lab::new();
    let (_squid, port) = squid(&lab, "");
    let proxy = Proxy::parse(&format!("http://127.0.0.1:{port}")).expect("a proxy");
    echoes(through(proxy.clone(), echo()).await.expect("a way")).await;
    let error = through(proxy, free_port()).await.expect_err("nobody is there");
    assert!(matches!(error, ServerError::Proxy(ProxyError::Status(503))), "{error}");
}

#[tokio::test]
async fn r6_2_squid_gets_basic_and_digest_only_after_it_asked() {
    if !have(&["openssl", "squid", "/usr/lib/squid/basic_ncsa_auth", "/usr/lib/squid/digest_file_auth"]) {
        return;
    }
    for scheme in ["basic", "digest"] {
        let lab = Lab::new();
        let (_squid, port) = squid(&lab, scheme);
        let proxy = Proxy::parse(&format!("http://127.0.0.1:{port}")).expect("a proxy");
        let error = through(proxy.clone(), echo()).await.expect_err("nobody said who we are");
        assert!(matches!(error, ServerError::Proxy(ProxyError::NeedsCredential(_))), "{error}");
        let error = through(known(proxy.clone(), "wrong"), echo()).await.expect_err("it is wrong");
        assert!(matches!(error, ServerError::Proxy(ProxyError::CredentialRefused)), "{scheme}: {error}");
        assert!(!error.to_string().contains("wrong"));
        echoes(through(known(proxy, "hunter2"), echo()).await.unwrap_or_else(|e| panic!("{scheme}: {e}"))).await;
    }
}

#[tokio::test]
async fn r3_7_microsocks_lets_us_through_with_and_without_a_password() {
    if !have(&["openssl", "microsocks"]) {
        return;
    }
    let lab = Lab::new();
    let (open, closed) = (free_port(), free_port());
    let _open = lab.start(open, "microsocks", &["-i", "127.0.0.1", "-p", &open.to_string()]);
    let args = ["-i", "127.0.0.1", "-p", &closed.to_string(), "-u", "ana", "-P", "hunter2"];
    let _closed = lab.start(closed, "microsocks", &args);
    let at = |port: u16| Proxy::parse(&format!("socks5://127.0.0.1:{port}")).expect("a proxy");
    echoes(through(at(open), echo()).await.expect("a way")).await;
    let error = through(at(open), free_port()).await.expect_err("nobody is there");
    assert!(matches!(error, ServerError::Proxy(ProxyError::Socks(5))), "{error}");
    let error = through(at(closed), echo()).await.expect_err("nobody said who we are");
    assert!(matches!(error, ServerError::Proxy(ProxyError::NeedsCredential(_))), "{error}");
    let error = through(known(at(closed), "wrong"), echo()).await.expect_err("it is wrong");
    assert!(matches!(error, ServerError::Proxy(ProxyError::CredentialRefused)), "{error}");
    echoes(through(known(at(closed), "hunter2"), echo()).await.expect("a way")).await;
}

#[tokio::test]
async fn p6_tls_is_end_to_end_inside_a_proxy() {
    if !have(&["openssl", "nginx", "squid"]) {
        return;
    }
    let lab = Lab::new();
    let (_nginx, server) = lab.nginx("location / { return 200 \"hello\\n\"; }");
    let (_squid, port) = squid(&lab, "");
    let proxy = Proxy::parse(&format!("http://127.0.0.1:{port}")).expect("a proxy");
    let mut socket = lab.socket();
    socket.control().set_proxies(Proxies::Only(proxy.clone())).expect("fresh");
    socket.connect(&localhost(), &server.to_string(), Level::Tls12).await.expect("TLS through the proxy");
    assert!(socket.information().by_proxy && socket.information().negotiated.is_some());
    // Somebody in between who shows a certificate of their own is refused like any other server.
    let mut other = lab.socket_trusting("own.pem");
    other.control().set_proxies(Proxies::Only(proxy)).expect("fresh");
    let error = other.connect(&localhost(), &server.to_string(), Level::Tls12).await.expect_err("another authority");
    assert!(matches!(error, ServerError::Certificate(_)), "{error}");
}

#[tokio::test]
async fn r3_7_the_direct_way_wins_where_the_proxy_is_dead() {
    let mut socket = StreamSocket::new(permission());
    let dead = Proxy::parse(&format!("http://127.0.0.1:{}", free_port())).expect("a proxy");
    socket.control().set_proxies(Proxies::Raced(dead)).expect("fresh");
    socket.connect(&localhost(), &echo().to_string(), Level::PlainSocket).await.expect("the direct way");
    assert!(!socket.information().by_proxy);
}
