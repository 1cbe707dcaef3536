//! Modules that crash, hang, lie, take their time, or say that few tries are left.

use crate::{
    handshake::meet,
    module::Bad,
    rig::{last_pin, named, pin},
    soft::permitted,
};
use hither_identity::{
    Credential, SessionKey,
    card::{CardCertificate, CardError, Cards, Left, Limits, SharedCertificates, Token, Tries, Unlock},
};
use hither_model::ErrorCode;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

const PIN: &str = "24680";

fn with_key(kind: &'static rcgen::SignatureAlgorithm) -> Option<Bad> {
    let bad = Bad::new(PIN)?;
    bad.soft.put("work", "ana", kind, None);
    Some(bad)
}

fn p256() -> Option<Bad> {
    with_key(&rcgen::PKCS_ECDSA_P256_SHA256)
}

fn ana(cards: &Cards) -> (SharedCertificates, Token, CardCertificate) {
    let permit = permitted(cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    (permit, token, certificate)
}

fn local() -> Arc<dyn Credential> {
    Arc::new(SessionKey::generate().expect("a key"))
}

/// A signature that does not come; what the owner is told; and the token works again without a new agent.
async fn a_signature_that_fails(mischief: &str, limits: Limits, told: impl Fn(&CardError) -> bool) {
    let Some(bad) = p256() else { return };
    let cards = bad.cards(mischief, limits);
    let (permit, token, certificate) = ana(&cards);
    let card = Arc::new(cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap());
    let me: Arc<dyn Credential> = card.clone();
    for dialling in [true, false] {
        let other = local();
        let since = Instant::now();
        let met = if dialling { meet(&me, &other).await } else { meet(&other, &me).await };
        assert!(met.dialler.is_err() && met.listener.is_none(), "no peer takes it for a connection");
        assert!(since.elapsed() < Duration::from_secs(6), "the caller is free again");
        let failure = card.failure().unwrap();
        // The second time the login is gone with the process.
        assert!(told(&failure) || matches!(failure, CardError::PinNeeded { .. }), "{failure:?}");
        assert!(dialling || matches!(failure, CardError::PinNeeded { .. }), "{failure:?}");
    }
    assert_eq!(bad.logins(), 1, "nobody logs in again by themselves");
    // The same agent, the same cards: another process.
    assert_eq!(cards.list(&permit).unwrap().tokens.len(), 1);
    cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap();
}

#[tokio::test]
async fn s6_a_module_that_crashes_in_a_signature_takes_only_its_own_process_with_it() {
    a_signature_that_fails("crash-sign", Limits::default(), |error| matches!(error, CardError::Crashed { .. })).await;
}

#[tokio::test]
async fn s6_a_module_that_hangs_for_ever_frees_its_caller_within_five_seconds() {
    // The limits as they are shipped.
    a_signature_that_fails("hang-sign", Limits::default(), |error| matches!(error, CardError::Hung { .. })).await;
}

#[tokio::test]
async fn s6_a_module_that_ends_the_process_or_lies_about_lengths_is_a_clear_error() {
    let crashed = |error: &CardError| matches!(error, CardError::Crashed { .. } | CardError::Token { .. });
    a_signature_that_fails("exit-sign", Limits::default(), crashed).await;
    let Some(bad) = p256() else { return };
    let cards = bad.cards("garbage-length", Limits::default());
    let (permit, token, certificate) = ana(&cards);
    let card = cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap();
    let signer =
        card.certified_key().key.choose_scheme(&[hither_identity::card::SignatureScheme::ECDSA_NISTP256_SHA256]);
    assert!(signer.unwrap().sign(b"message").is_err());
    assert!(card.failure().is_some());
    assert_eq!(cards.list(&permit).unwrap().tokens.len(), 1);
}

#[tokio::test]
async fn what_a_module_prints_does_not_get_between_the_answers() {
    let Some(bad) = p256() else { return };
    let cards = bad.cards("shout-sign", Limits::default());
    let (permit, token, certificate) = ana(&cards);
    let me: Arc<dyn Credential> = Arc::new(cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap());
    assert!(meet(&me, &local()).await.dialler.is_ok());
}

#[test]
fn s6_a_module_that_crashes_or_hangs_before_it_says_anything_is_one_fault_among_the_tokens_of_others() {
    let Some(bad) = p256() else { return };
    let cards = bad.cards("crash-list", Limits::default());
    let shelf = cards.list(&permitted(&cards)).unwrap();
    assert!(matches!(shelf.faults[0].why, CardError::Crashed { .. }), "{:?}", shelf.faults);
    assert_eq!(shelf.faults[0].why.code(), ErrorCode::KeyUnusable);

    let list = Duration::from_millis(700);
    let cards = bad.cards("hang-initialize", Limits { list, ..Limits::default() });
    let since = Instant::now();
    let shelf = cards.list(&permitted(&cards)).unwrap();
    assert!(matches!(shelf.faults[0].why, CardError::Hung { .. }), "{:?}", shelf.faults);
    assert!(since.elapsed() < Duration::from_secs(4));

    let cards = bad.cards("garbage-text", Limits::default());
    let shelf = cards.list(&permitted(&cards)).unwrap();
    assert!(shelf.tokens.len() <= 1, "{shelf:?}");
}

#[test]
fn a_login_that_hangs_is_ended_and_the_pin_is_not_tried_again() {
    let Some(bad) = p256() else { return };
    let login = Duration::from_millis(700);
    let cards = bad.cards("hang-login", Limits { login, ..Limits::default() });
    let (permit, token, certificate) = ana(&cards);
    let error = cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap_err();
    assert_eq!(error, CardError::Hung { module: "bad".into(), after: login });
    assert_eq!(cards.list(&permit).unwrap().tokens.len(), 1);
    assert_eq!(bad.logins(), 1);
}

#[tokio::test]
async fn a_slow_card_leaves_the_runtimes_timers_alone() {
    let Some(bad) = p256() else { return };
    let cards = bad.cards("slow-sign", Limits::default());
    let (permit, token, certificate) = ana(&cards);
    let me: Arc<dyn Credential> = Arc::new(cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap());
    // The runtime has one thread. If a signature sat on it, no tick would come for three seconds.
    let over = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&over);
    let ticking = tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let (mut last, mut worst) = (Instant::now(), Duration::ZERO);
        while !until.load(Ordering::Relaxed) {
            tick.tick().await;
            worst = worst.max(last.elapsed());
            last = Instant::now();
        }
        worst
    });
    let since = Instant::now();
    let met = meet(&me, &local()).await;
    assert!(met.dialler.is_ok(), "{:?}", met.dialler);
    assert!(since.elapsed() >= Duration::from_secs(3), "the card took its time");
    over.store(true, Ordering::Relaxed);
    let worst = ticking.await.unwrap();
    assert!(worst < Duration::from_secs(1), "the runtime stood still for {worst:?}");
}

#[test]
fn s2_the_last_try_needs_a_word_of_its_own_and_a_blocked_card_is_not_even_asked() {
    let Some(bad) = p256() else { return };
    let cards = bad.cards("few", Limits::default());
    let (permit, token, certificate) = ana(&cards);
    assert_eq!(token.tries, Tries::Few);
    let error = cards.unlock(&permit, &token, &certificate, pin("11111")).unwrap_err();
    assert_eq!(error, CardError::PinWrong { left: Left::Few });
    assert_eq!(bad.logins(), 1);

    let cards = bad.cards("last", Limits::default());
    let (permit, token, certificate) = ana(&cards);
    assert_eq!(token.tries, Tries::Last);
    let error = cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap_err();
    assert_eq!((error.code(), bad.logins()), (ErrorCode::TokenLocked, 1), "{error:?}");
    assert_eq!(error, CardError::LastTry { token: "work".into() });
    let error = cards.unlock(&permit, &token, &certificate, last_pin("11111")).unwrap_err();
    assert_eq!((error, bad.logins()), (CardError::PinWrong { left: Left::Last }, 2));
    cards.unlock(&permit, &token, &certificate, last_pin(PIN)).unwrap();

    let cards = bad.cards("blocked", Limits::default());
    let (permit, token, certificate) = ana(&cards);
    assert_eq!(token.tries, Tries::Blocked);
    let before = bad.logins();
    for how in [pin(PIN), last_pin(PIN)] {
        let error = cards.unlock(&permit, &token, &certificate, how).unwrap_err();
        assert_eq!((error, bad.logins()), (CardError::PinBlocked { token: "work".into() }, before));
    }
}

#[tokio::test]
async fn s9_an_rsa_key_without_pss_is_a_clear_error_before_any_pin() {
    let Some(bad) = with_key(&rcgen::PKCS_RSA_SHA256) else { return };
    let cards = bad.cards("no-pss", Limits::default());
    let (permit, token, certificate) = ana(&cards);
    assert!(!token.pss);
    let error = cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap_err();
    assert_eq!((error, bad.logins()), (CardError::NoPss { token: "work".into() }, 0));
}

#[tokio::test]
async fn a_pin_is_typed_on_the_reader_where_the_reader_has_keys() {
    let Some(bad) = p256() else { return };
    let there = || Unlock::There { last_try: false };
    let cards = bad.cards_with("pad", Limits::default(), &[("CARD_PAD", Path::new(PIN))]);
    let (permit, token, certificate) = ana(&cards);
    assert!(token.pad);
    let me: Arc<dyn Credential> = Arc::new(cards.unlock(&permit, &token, &certificate, there()).unwrap());
    assert!(meet(&me, &local()).await.dialler.is_ok());

    // Canceled on the reader.
    let cards = bad.cards("pad", Limits::default());
    let (permit, token, certificate) = ana(&cards);
    assert_eq!(cards.unlock(&permit, &token, &certificate, there()).unwrap_err(), CardError::Canceled);

    // Canceled here, while the reader waits.
    let cards = Arc::new(bad.cards_with("pad", Limits::default(), &[("CARD_PAD", Path::new("wait"))]));
    let (permit, token, certificate) = ana(&cards);
    let before = bad.logins();
    let (waiting, name) = (Arc::clone(&cards), token.name.clone());
    let unlocking = std::thread::spawn(move || waiting.unlock(&permit, &token, &certificate, there()));
    while bad.logins() == before {
        std::thread::yield_now();
    }
    cards.cancel(&name);
    assert_eq!(unlocking.join().unwrap().unwrap_err(), CardError::Canceled);
}
