//! A PIV smart card made of software, in a reader made of software, behind the real pcscd and OpenSC.

use crate::{
    handshake::meet,
    piv_rig::{Insert, Lab, PIN, PUK, patient},
    rig::{last_pin, named, pin},
    soft::permitted,
};
use hither_identity::{
    Credential, SessionKey,
    card::{CardError, Left, Readers},
};
use hither_model::ErrorCode;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

fn local() -> Arc<dyn Credential> {
    Arc::new(SessionKey::generate().expect("a key"))
}

async fn both_roles(algorithm: &str, kind: &str) {
    let Some(mut lab) = Lab::new() else { return };
    lab.insert("ana", Insert::default());
    lab.provision("9a", algorithm, "ana");
    let cards = lab.cards(patient());
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    assert!(token.hardware && token.removable && !token.pad);
    let card = Arc::new(cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap());
    let me: Arc<dyn Credential> = card.clone();
    let met = meet(&me, &local()).await;
    assert_eq!(met.dialler.unwrap().local_certificate.key, kind);
    assert_eq!(met.listener.unwrap().peer, me.peer_id());
    let met = meet(&local(), &me).await;
    assert_eq!(met.dialler.unwrap().peer, me.peer_id());
    assert_eq!(card.signatures(), 2);
}

#[tokio::test]
async fn a_p256_card_proves_its_owner_in_both_roles() {
    both_roles("ECCP256", "p256").await;
}

#[tokio::test]
async fn a_p384_card_proves_its_owner_in_both_roles() {
    both_roles("ECCP384", "p384").await;
}

#[tokio::test]
async fn an_rsa_card_proves_its_owner_in_both_roles() {
    both_roles("RSA2048", "rsa2048").await;
}

#[tokio::test]
async fn s8_a_key_that_wants_its_pin_each_time_signs_once_for_each() {
    let Some(mut lab) = Lab::new() else { return };
    lab.insert("ana", Insert::default());
    lab.provision("9c", "ECCP256", "ana");
    let cards = lab.cards(patient());
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    let card = Arc::new(cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap());
    assert!(card.each_time());
    let me: Arc<dyn Credential> = card.clone();
    assert!(meet(&me, &local()).await.dialler.is_ok());
    assert!(meet(&me, &local()).await.dialler.is_err());
    assert!(matches!(card.failure(), Some(CardError::PinNeeded { .. })), "{:?}", card.failure());
    assert_eq!(card.signatures(), 1);
    let again: Arc<dyn Credential> = Arc::new(cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap());
    assert!(meet(&local(), &again).await.dialler.is_ok());
}

#[test]
fn s1_s2_a_wrong_pin_the_last_try_a_blocked_card_and_its_puk() {
    let Some(mut lab) = Lab::new() else { return };
    lab.insert("ana", Insert::default());
    lab.provision("9a", "ECCP256", "ana");
    let cards = lab.cards(patient());
    let permit = permitted(&cards);
    let look = || named(&cards.list(&permit).unwrap().tokens, "ana");
    let unlock = |how| {
        let (token, certificate) = look();
        cards.unlock(&permit, &token, &certificate, how).map(drop)
    };
    // Too short: no try is spent, else the third one below would be the fourth.
    assert!(matches!(unlock(pin("1")), Err(CardError::PinForm { .. })));
    let first = unlock(pin("654321")).unwrap_err();
    assert!(matches!(first, CardError::PinWrong { left: Left::Unsaid | Left::Few }), "{first:?}");
    let second = unlock(pin("654321")).unwrap_err();
    assert_eq!(second, CardError::PinWrong { left: Left::Last });
    assert_eq!(unlock(pin(PIN)).unwrap_err().code(), ErrorCode::TokenLocked, "the last try needs a word of its own");
    assert_eq!(unlock(last_pin("654321")).unwrap_err().code(), ErrorCode::PinBlocked);
    assert_eq!(unlock(last_pin(PIN)).unwrap_err().code(), ErrorCode::PinBlocked);
    lab.tool(&["-a", "unblock-pin", "-P", PUK, "-N", PIN]);
    unlock(pin(PIN)).unwrap();
}

#[tokio::test]
async fn s5_a_card_pulled_before_a_signature_is_told_and_nothing_takes_its_place() {
    let Some(mut lab) = Lab::new() else { return };
    lab.insert("ana", Insert::default());
    lab.provision("9a", "ECCP256", "ana");
    let cards = lab.cards(patient());
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    let card = Arc::new(cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap());
    let me: Arc<dyn Credential> = card.clone();
    assert!(meet(&me, &local()).await.dialler.is_ok());

    lab.pull();
    let since = Instant::now();
    let met = meet(&me, &local()).await;
    assert!(met.dialler.is_err() && met.listener.is_none());
    assert!(since.elapsed() < Duration::from_secs(5));
    assert_eq!(card.failure().unwrap().code(), ErrorCode::TokenAbsent, "{:?}", card.failure());
    let error = cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TokenAbsent, "{error:?}");

    // Somebody else's card in the same reader.
    lab.insert("ben", Insert::default());
    lab.provision("9a", "ECCP256", "ben");
    let error = cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TokenAbsent, "{error:?}");
    assert!(meet(&me, &local()).await.dialler.is_err(), "no switch to another card");
    named(&cards.list(&permit).unwrap().tokens, "ben");

    // Back again it needs its PIN again.
    lab.pull();
    lab.insert("ana", Insert::default());
    assert!(meet(&me, &local()).await.dialler.is_err());
    let again: Arc<dyn Credential> = Arc::new(cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap());
    assert!(meet(&me, &local()).await.dialler.is_err(), "the old login stays over");
    assert!(meet(&again, &local()).await.dialler.is_ok());
}

#[tokio::test]
async fn s5_a_card_pulled_during_a_signature_frees_its_caller_and_works_again() {
    let Some(mut lab) = Lab::new() else { return };
    lab.insert("ana", Insert::default());
    lab.provision("9a", "ECCP256", "ana");
    lab.pull();
    lab.insert("ana", Insert { die_on_sign: true, ..Insert::default() });
    let cards = lab.cards(patient());
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    let card = Arc::new(cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap());
    let me: Arc<dyn Credential> = card.clone();
    let since = Instant::now();
    let met = meet(&me, &local()).await;
    assert!(met.dialler.is_err() && met.listener.is_none());
    assert!(since.elapsed() < Duration::from_secs(6), "{:?}", since.elapsed());
    let failure = card.failure().unwrap();
    // Modules notice late, or never: then their process is ended.
    assert!(failure.code() == ErrorCode::TokenAbsent || matches!(failure, CardError::Hung { .. }), "{failure:?}");

    lab.gone();
    lab.insert("ana", Insert::default());
    let again: Arc<dyn Credential> = Arc::new(lab.unlocked(&cards, &permit, &token, &certificate));
    assert!(meet(&again, &local()).await.dialler.is_ok());
}

#[tokio::test]
async fn a_connection_that_is_up_does_not_need_the_card_any_more() {
    let Some(mut lab) = Lab::new() else { return };
    lab.insert("ana", Insert { slow: Some(3000), ..Insert::default() });
    lab.provision("9a", "ECCP256", "ana");
    let cards = lab.cards(patient());
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    let me: Arc<dyn Credential> = Arc::new(cards.unlock(&permit, &token, &certificate, pin(PIN)).unwrap());
    let since = Instant::now();
    let (near, far) = crate::handshake::channels(&me, &local()).await;
    assert!(since.elapsed() >= Duration::from_secs(3), "a slow card is waited for");
    lab.pull();
    crate::handshake::talk(near, far).await;
}

#[test]
fn readers_and_cards_are_told_as_they_come_and_go() {
    let Some(mut lab) = Lab::new() else { return };
    let none =
        |readers: &Readers| matches!(readers, Readers::There(all) if all.len() == 2 && all.iter().all(|r| !r.card));
    lab.until(none);
    lab.insert("ana", Insert::default());
    lab.provision("9a", "ECCP256", "ana");
    lab.pull();
    let cards = lab.cards(patient());
    let permit = permitted(&cards);
    assert!(cards.list(&permit).unwrap().tokens.is_empty(), "an empty reader is no fault");
    assert!(cards.list(&permit).unwrap().faults.is_empty());

    lab.insert("ana", Insert::default());
    let since = Instant::now();
    named(&cards.list(&permit).unwrap().tokens, "ana");
    println!("certificates listed {:?} after the event", since.elapsed());
    // What of it is the module's and the card's own, by another program that asks for less.
    let mut tool = std::process::Command::new("pkcs11-tool");
    tool.env("PCSCLITE_CSOCK_NAME", lab.socket()).arg("--module").arg(&lab.module).args(["-O", "--type", "cert"]);
    let since = Instant::now();
    if hither_tests::program::on_path("pkcs11-tool") {
        crate::rig::run(&mut tool);
        println!("pkcs11-tool takes {:?} for them", since.elapsed());
    }
    lab.insert_second("ben");
    let two = |readers: &Readers| matches!(readers, Readers::There(all) if all.iter().filter(|r| r.card).count() == 2);
    lab.until(two);
    assert_eq!(cards.list(&permit).unwrap().tokens.iter().filter(|token| token.hardware).count(), 2);

    // Without its service there are no readers, and no fault either.
    lab.stop_service();
    lab.until(|readers| *readers == Readers::NoService);
    cards.end_all();
    let shelf = cards.list(&permit).unwrap();
    assert!(shelf.tokens.is_empty() && shelf.faults.is_empty(), "{shelf:?}");
}
