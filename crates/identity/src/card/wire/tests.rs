//! Both directions, and hostile bytes.

use super::*;
use proptest::prelude::*;

fn body(framed: &[u8]) -> &[u8] {
    &framed[4..]
}

fn token() -> Token {
    Token {
        name: TokenName { module: "/m.so".into(), serial: "12".into(), label: "Ana".into() },
        manufacturer: "maker".into(),
        model: "model".into(),
        reader: "reader 1".into(),
        hardware: true,
        removable: true,
        login_required: true,
        pad: false,
        pin_set: true,
        min_pin: 4,
        max_pin: 8,
        tries: Tries::Last,
        ecdsa: true,
        pss: false,
        certificates: vec![CardCertificate { key: vec![1], label: "cert".into(), der: vec![9; 700], key_seen: true }],
    }
}

#[test]
fn what_is_answered_is_read_back() {
    let answers = [
        Answer::Failed(Fault::PinWrongLast, "CKR_PIN_INCORRECT".into()),
        Answer::Opened("a module".into()),
        Answer::Listed(vec![token(), token()]),
        Answer::Unlocked { lease: 7, each_time: true },
        Answer::Signed(vec![3; 64]),
        Answer::Locked,
        Answer::Bye,
    ];
    for answer in answers {
        let bytes = answer.encode().unwrap();
        assert_eq!(Answer::decode(body(&bytes), Path::new("/m.so")), Some(answer));
    }
}

#[test]
fn a_pin_arrives_as_it_was_typed_and_none_stays_none() {
    for typed in [Some("12 34é"), None] {
        let pin = typed.and_then(|typed| Pin::new(typed.into()));
        let unlock = Request::Unlock { serial: "1".into(), label: "l".into(), key: vec![2], pin, last_try: true };
        let bytes = unlock.encode().unwrap();
        let Some(Request::Unlock { pin, last_try: true, .. }) = Request::decode(body(&bytes)) else { panic!() };
        assert_eq!(pin.as_ref().map(Pin::expose), typed);
    }
}

#[test]
fn s6_an_answer_that_lies_about_lengths_costs_no_memory_and_is_no_answer() {
    let mut bytes = Answer::Signed(vec![1; 8]).encode().unwrap().to_vec();
    bytes[5..13].copy_from_slice(&u64::MAX.to_be_bytes());
    assert_eq!(Answer::decode(body(&bytes), Path::new("/")), None);
    let huge = [3_u8].into_iter().chain(u64::MAX.to_be_bytes()).collect::<Vec<_>>();
    assert_eq!(Answer::decode(&huge, Path::new("/")), None);
    for prefix in [0_u32, u32::MAX, 1 + u32::try_from(MAX_ANSWER).unwrap()] {
        let bytes = [&prefix.to_be_bytes()[..], &[7; 16]].concat();
        assert!(receive(&mut bytes.as_slice(), MAX_ANSWER).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_bytes_are_an_answer_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Answer::decode(&bytes, Path::new("/m.so"));
        let _ = Request::decode(&bytes);
    }

    #[test]
    fn no_part_of_an_answer_is_taken_for_the_whole(cut in any::<prop::sample::Index>()) {
        let bytes = Answer::Listed(vec![token()]).encode().unwrap();
        let whole = body(&bytes);
        prop_assert_eq!(Answer::decode(&whole[..cut.index(whole.len())], Path::new("/m.so")), None);
    }
}
