//! What odd proxies are answered with: never a hang, never a credential they did not ask for.

use super::*;
use crate::credential::PasswordCredential;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use zeroize::Zeroizing;

fn target() -> HostName {
    HostName::new("server.example").unwrap()
}

fn proxy(kind: &str, credential: bool) -> Proxy {
    let proxy = Proxy::parse(&format!("{kind}://p:1")).unwrap();
    match credential {
        true => {
            let secret = Zeroizing::new("hunter2".to_owned());
            proxy.with_credential(PasswordCredential::new("p:1", "ana", secret).unwrap())
        }
        false => proxy,
    }
}

/// Asks a proxy that says `reply` and then closes; gives the outcome and what the proxy was told.
async fn told(proxy: &Proxy, reply: &[u8]) -> (Result<Outcome, ServerError>, Vec<u8>) {
    let (mut ours, theirs) = duplex(256 * 1024);
    let (mut from, mut to): (_, tokio::io::WriteHalf<DuplexStream>) = tokio::io::split(theirs);
    to.write_all(reply).await.unwrap();
    to.shutdown().await.unwrap();
    let outcome = pass(&mut ours, proxy, &target(), 443, None, None).await;
    drop(ours);
    let mut heard = Vec::new();
    from.read_to_end(&mut heard).await.unwrap();
    (outcome, heard)
}

fn error(outcome: Result<Outcome, ServerError>) -> ProxyError {
    match outcome {
        Err(ServerError::Proxy(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn p5_odd_answers_of_a_proxy_are_told_apart() {
    let plain = proxy("http", false);
    assert!(matches!(told(&plain, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").await.0, Ok(Outcome::Through)));
    let redirect = b"HTTP/1.1 302 Found\r\nLocation: http://other/\r\n\r\n";
    assert!(matches!(error(told(&plain, redirect).await.0), ProxyError::Status(302)));
    for garbage in
        [&b"SSH-2.0-x\r\n\r\n"[..], b"HTTP/1.1 2OO\r\n\r\n", b"HTTP/2 200\r\n\r\n", b"\r\n\r\n", b"HTTP/1.1 200"]
    {
        assert!(matches!(error(told(&plain, garbage).await.0), ProxyError::Garbled(_)), "{garbage:?}");
    }
    let long = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 64 * 1024]].concat();
    assert!(matches!(error(told(&plain, &long).await.0), ProxyError::Garbled(_)));
    assert!(matches!(error(told(&plain, b"").await.0), ProxyError::Broken(_)));
}

#[tokio::test]
async fn p5_a_credential_is_not_sent_before_it_is_asked_for() {
    let asks = b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nProxy-Authenticate: Negotiate\r\n\r\n";
    let (outcome, heard) = told(&proxy("http", true), asks).await;
    assert!(matches!(&outcome, Ok(Outcome::Asks(all)) if all.len() == 2), "{outcome:?}");
    assert_eq!(heard, b"CONNECT server.example:443 HTTP/1.1\r\nHost: server.example:443\r\n\r\n");
    let refused = error(told(&proxy("http", false), asks).await.0);
    assert_eq!(refused.to_string(), "the proxy asks for a user name and password (basic, negotiate)");
    assert_eq!(refused.code(), ErrorCode::AccessDenied);
}

#[tokio::test]
async fn p5_a_credential_that_was_refused_is_not_sent_again() {
    let (mut ours, mut theirs) = duplex(4096);
    theirs.write_all(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n").await.unwrap();
    let asked = crate::credential::challenges("Basic realm=x");
    let outcome = pass(&mut ours, &proxy("http", true), &target(), 443, Some(&Reply::Password(asked)), None).await;
    assert!(matches!(error(outcome), ProxyError::CredentialRefused));
}

#[tokio::test(start_paused = true)]
async fn p5_a_silent_proxy_is_given_up_after_ten_seconds() {
    let (mut ours, _theirs) = duplex(4096);
    let began = tokio::time::Instant::now();
    let outcome = pass(&mut ours, &proxy("http", false), &target(), 443, None, None).await;
    assert!(matches!(error(outcome), ProxyError::Silent));
    assert_eq!(began.elapsed(), PATIENCE);
}

#[tokio::test]
async fn r3_7_a_socks_proxy_gets_the_name_and_its_refusals_are_told() {
    let (outcome, heard) = told(&proxy("socks5", false), &[5, 0, 5, 0, 0, 1, 1, 2, 3, 4, 0, 9]).await;
    assert!(matches!(outcome, Ok(Outcome::Through)), "{outcome:?}");
    assert_eq!(heard, [&[5, 1, 0, 5, 1, 0, 3, 14][..], b"server.example", &[1, 187]].concat());
    let (outcome, _) = told(&proxy("socks5", false), &[5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    assert_eq!(error(outcome).status(), SocketErrorStatus::ConnectionRefused);
    let (outcome, heard) = told(&proxy("socks5", true), &[5, 2, 1, 1]).await;
    assert!(matches!(error(outcome), ProxyError::CredentialRefused));
    assert!(heard.ends_with(b"\x01\x03ana\x07hunter2"));
    let (outcome, heard) = told(&proxy("socks5", false), &[5, 2]).await;
    assert!(matches!(error(outcome), ProxyError::Garbled(_)));
    assert_eq!(heard, [5, 1, 0]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
    #[test]
    fn p5_no_answer_of_a_proxy_makes_us_panic(kind: bool, start in 0_usize..4, reply: Vec<u8>) {
        let begins: [&[u8]; 4] = [b"", b"HTTP/1.1 ", &[5, 0], &[5, 0, 5, 0, 0, 3]];
        let reply = [begins[start], &reply].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let _ = told(&proxy(if kind { "http" } else { "socks5" }, true), &reply).await;
        });
    }
}
