//! What the proof of a certificate costs beside the token's own signature: counted, and told for whoever wants the figure.

use crate::{
    module::Bad,
    rig::{named, pin},
    soft::permitted,
};
use hither_identity::{
    Credential,
    card::Limits,
    proof::{Occasion, Speaker},
};
use hither_model::PeerId;
use std::time::{Duration, Instant, SystemTime};

#[test]
fn a_proof_costs_one_signature_and_says_what_came_on_top() {
    let Some(bad) = Bad::new("24680") else { return };
    bad.soft.put("work", "ana", &rcgen::PKCS_ECDSA_P256_SHA256, None);
    let cards = bad.cards("", Limits::default());
    let permit = permitted(&cards);
    let (token, certificate) = named(&cards.list(&permit).unwrap().tokens, "ana");
    let card = cards.unlock(&permit, &token, &certificate, pin("24680")).unwrap();
    let leaf = card.certified_key().cert[0].to_vec();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let (mut proving, mut checking) = (vec![], vec![]);
    for turn in 0..60 {
        let occasion = Occasion::new([turn; 32], PeerId::new([1; 32]), PeerId::new([2; 32]));
        let since = Instant::now();
        let signature = card.sign(&occasion.statement(Speaker::Client, &leaf)).unwrap();
        proving.push(since.elapsed());
        let since = Instant::now();
        occasion.check(Speaker::Client, &[&leaf], &signature, now).unwrap();
        checking.push(since.elapsed());
    }
    let listing = || {
        let since = Instant::now();
        cards.list(&permit).unwrap();
        since.elapsed()
    };
    println!(
        "p50: certificates of a token in software are listed in {:?}",
        middle((0..20).map(|_| listing()).collect())
    );
    let own = bad.signs();
    assert_eq!(own.len(), proving.len(), "one signature each");
    let over = proving.iter().zip(&own).zip(&checking).map(|((all, own), check)| all.saturating_sub(*own) + *check);
    let (token, check, over) = (middle(own.clone()), middle(checking.clone()), middle(over.collect()));
    println!(
        "p50: the token signs in {token:?}; on top of it come {over:?}, the other side's check ({check:?}) included"
    );
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
