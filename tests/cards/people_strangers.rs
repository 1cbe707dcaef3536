//! A hundred strangers at the door of somebody who is known by a card: each with a key of their own and nothing but the
//! protocol in hand.

use crate::{module::Bad, people_rig::Person};
use hither_capability::{Consent, Gate, Manifest};
use hither_discovery::{
    interfaces::InterfaceRule,
    mdns::{Event, Mdns},
};
use hither_identity::{Credential, SessionKey};
use hither_model::{InviteId, Rid};
use hither_protocol::{Certified, Hello, Invite, MAX_FRAME, MAX_HELLO, encode_payload};
use hither_socket::{Connected, Expected, Profile, dial};
use hither_tests::{netns::Lab, run::SOON};
use std::{net::SocketAddr, sync::Arc};
use tokio::{sync::mpsc, time::timeout};

const PIN: &str = "24680";
/// That many.
const CROWD: u8 = 100;

fn gate() -> Gate {
    Gate::new(Manifest::shipped().expect("a manifest"), Default::default(), false)
}

/// Where somebody of this name is, and what opens the door.
async fn door(name: &str) -> (SocketAddr, Rid) {
    let rule = InterfaceRule { include: vec!["eth0".into()], ..InterfaceRule::default() };
    let (sender, mut events) = mpsc::channel(64);
    let mdns = Mdns::start(gate().discover().expect("a grant"), rule, sender).await.expect("it listens");
    let found = loop {
        let event = timeout(SOON, events.recv()).await.expect("an advert").expect("it goes on");
        let Event::Seen(seen) = event else { continue };
        let at = seen.routes.iter().find(|route| route.is_ipv4()).copied();
        if let (Some(at), Some(rid), Some(_)) = (at, seen.txt.rid, seen.txt.name.filter(|n| n.as_str() == name)) {
            break (at, rid);
        }
    };
    mdns.stop().await;
    found
}

/// Knocks as one of them and waits for a word. Some show a certificate that is not theirs.
async fn knock(at: SocketAddr, rid: Rid, number: u8, certified: Option<Certified>) -> bool {
    let me: Arc<dyn Credential> = Arc::new(SessionKey::generate().expect("a key"));
    let grant = gate().dial(Consent::new("a stranger".into(), vec![at], 0), 0).expect("a grant");
    let Ok(Connected::Stranger(mut channel)) = dial(&grant, at, rid, &me, Expected::Anyone, &Profile::default()).await
    else {
        return false;
    };
    let invite = Invite {
        invite: InviteId::new([number; 16]),
        name: Some(format!("Eve {number}")),
        message: None,
        known: false,
        unverified: number.is_multiple_of(2),
        certified: certified.map(Box::new),
        codeless: false,
    };
    let hello = encode_payload(&Hello::Invite(invite), MAX_HELLO).expect("a frame");
    channel.write_frame(&hello).await.expect("it is written");
    matches!(timeout(SOON, channel.read_frame(MAX_FRAME)).await, Ok(Ok(Some(_))))
}

#[test]
fn a_hundred_strangers_bring_up_no_pin_cause_no_signature_and_start_no_process() {
    let Some(bad) = Bad::new(PIN) else { return };
    let Some(lab) = Lab::of(2) else { return };
    bad.soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let ana = Person::with_bad(&lab, 0, "Ana", &bad, "");
    ana.seat.rows(["identity", "use", &ana.certificate("ana")]);
    // A new agent: whatever is loaded from here on writes the report.
    let report = bad.file("report");
    let mut ana = ana.again(("CARD_REPORT", &report));
    let key = rcgen::KeyPair::generate().expect("a key");
    let stolen = bad.soft.authority.issue("ana", &key);
    let crowd = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (at, rid) = door("Ana").await;
            let mut heard = 0;
            for number in 0..CROWD {
                let chain = vec![hither_protocol::Blob(stolen.clone())];
                let shown = Certified { chain, signature: hither_protocol::Blob(vec![number; 70]) };
                heard += usize::from(knock(at, rid, number, (number % 5 == 4).then_some(shown)).await);
            }
            heard
        })
    };
    assert_eq!(lab.seat(1).inside(crowd), usize::from(CROWD), "each of them was given a word");
    assert!(ana.was_asked(), "at least one of them was shown");
    for kind in ["pin", "choose-certificate", "insert-card"] {
        assert!(!ana.was_asked_for(kind), "{kind}");
    }
    assert_eq!((bad.logins(), bad.signs().len()), (0, 0));
    assert!(!report.exists() && ana.processes().is_empty(), "nothing was loaded");
    // What would have been seen.
    assert_eq!(ana.seat.rows(["card", "list"]).len(), 1);
    assert!(report.exists());
    assert_eq!(ana.processes().len(), 1);
}
