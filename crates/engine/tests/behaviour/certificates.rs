//! People known by certificates of authorities: shown beside the devices' keys, proven, and told by whom.

use crate::lab::{
    Agent, Seat,
    authority::Authority,
    ear::{Ear, random},
    outsider::Outsider,
    part, start, two, yes,
};
use hither_model::{
    Answer, Ask, ErrorCode, InviteId, News, SessionId, Verified,
    ask::SettingsChange,
    row::{CheckState, QuestionKind, QuestionRow, Visibility},
};
use hither_protocol::{Blob, Certified};

impl Agent {
    async fn invite_as(&self, peer: &str, identity: &str) -> InviteId {
        let identity = Some(identity.to_owned());
        let ask = Ask::Invite { peer: peer.into(), message: None, timeout: None, unverified: false, identity };
        let Answer::Inviting { invite } = self.ask(ask).await else { panic!("no invite") };
        invite
    }

    async fn organisation(&self) {
        let change = SettingsChange { organisation: Some(true), ..SettingsChange::default() };
        self.ask(Ask::Set { change }).await;
    }

    async fn asked(&mut self, kind: QuestionKind) -> QuestionRow {
        self.hear("a question of that kind", |news| match news {
            News::Question { question } if question.kind == kind => Some(question.clone()),
            _ => None,
        })
        .await
    }
}

/// The invitee compares and answers as the holder of `identity`; both end in the same session.
async fn meet(ana: &mut Agent, bo: &mut Agent, invite: InviteId, identity: Option<&str>) -> (SessionId, Verified) {
    let question = bo.question().await;
    let Ask::Accept { question: id, always, same_code, unverified, to, executable, .. } = yes(&question) else {
        unreachable!()
    };
    let identity = identity.map(str::to_owned);
    bo.ask(Ask::Accept { grant: None, question: id, always, same_code, unverified, to, executable, identity }).await;
    if question.code.is_some() {
        assert_eq!(Some(ana.code().await), question.code);
        ana.ask(Ask::ConfirmCode { invite, same: true }).await;
    }
    let (here, there) = (ana.accepted().await, bo.accepted().await);
    assert_eq!(here, there);
    here
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_invites_with_a_certificate_is_shown_by_whom_they_are_certified_beside_their_name() {
    let (mut ana, mut bo) = two("certified").await;
    let ministry = Authority::new("Ministry CA");
    bo.trusts(&ministry, (false, false)).await;
    let id = ana.imports(&ministry.issue("Kim Min-ji")).await;
    let row = ana.identities().await.into_iter().find(|row| row.id == id).unwrap();
    assert_eq!((row.source.as_str(), row.kept.as_str(), row.current), ("file", "file", false));
    ana.sees(&bo.name).await;
    let invite = ana.invite_as(&bo.name, &id).await;
    let (session, verified) = {
        let question = bo.question().await;
        let certified = question.certified.clone().unwrap();
        assert_eq!((certified.name.as_str(), certified.authority.as_deref()), ("Kim Min-ji", Some("Ministry CA")));
        assert_eq!((certified.unvouched, question.name.as_str()), (None, ana.name.as_str()), "the name stays a claim");
        assert!(question.code.is_some(), "being certified is not being known");
        bo.kept.push_back(News::Question { question });
        meet(&mut ana, &mut bo, invite, None).await
    };
    assert_eq!(verified, Verified::Code);
    let theirs = bo.sessions().await.remove(0);
    assert_eq!(theirs.certified.unwrap().fingerprint, row.fingerprint);
    let ours = ana.sessions().await.remove(0);
    assert_eq!((ours.session, ours.shown.unwrap().fingerprint, ours.certified), (session, row.fingerprint, None));
    assert_eq!(bo.people().await[0].certified.as_ref().unwrap().name, "Kim Min-ji");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_one_who_answers_proves_a_certificate_too_and_only_after_saying_yes() {
    let (mut ana, mut bo) = two("answer").await;
    let ministry = Authority::new("Ministry CA");
    ana.trusts(&ministry, (false, false)).await;
    let id = bo.imports(&ministry.issue("Bo Berg")).await;
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let (_, verified) = meet(&mut ana, &mut bo, invite, Some(&id)).await;
    assert_eq!(verified, Verified::Code);
    assert_eq!(ana.sessions().await[0].certified.as_ref().unwrap().name, "Bo Berg");
    // The next time he answers the same way, unless he says otherwise.
    part(&mut ana, &mut bo).await;
    ana.forget_news();
    bo.forget_news();
    let invite = ana.invite(&bo.peer.to_string()).await;
    assert_eq!(meet(&mut ana, &mut bo, invite, None).await.1, Verified::Stored);
    assert_eq!(ana.sessions().await[0].certified.as_ref().unwrap().name, "Bo Berg");
    part(&mut ana, &mut bo).await;
    ana.forget_news();
    bo.forget_news();
    let invite = ana.invite(&bo.peer.to_string()).await;
    meet(&mut ana, &mut bo, invite, Some("local")).await;
    assert_eq!(ana.sessions().await[0].certified, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_both_take_an_authoritys_word_nobody_compares_a_code() {
    let (mut ana, mut bo) = two("codeless").await;
    let ministry = Authority::new("Ministry CA");
    for agent in [&ana, &bo] {
        agent.trusts(&ministry, (false, true)).await;
        let id = agent.imports(&ministry.issue(&agent.name)).await;
        agent.ask(Ask::UseIdentity { identity: id }).await;
    }
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let (_, verified) = meet(&mut ana, &mut bo, invite, None).await;
    assert_eq!(verified, Verified::Certificate);
    assert!(!ana.has_heard(|news| matches!(news, News::Code { .. })));
    // They know each other from now on.
    part(&mut ana, &mut bo).await;
    bo.forget_news();
    ana.forget_news();
    let invite = ana.invite(&bo.peer.to_string()).await;
    assert_eq!(meet(&mut ana, &mut bo, invite, Some("local")).await.1, Verified::Stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sided_trust_in_an_authority_still_compares_a_code() {
    let (mut ana, mut bo) = two("one side").await;
    let ministry = Authority::new("Ministry CA");
    bo.trusts(&ministry, (false, true)).await;
    for agent in [&ana, &bo] {
        let id = agent.imports(&ministry.issue(&agent.name)).await;
        agent.ask(Ask::UseIdentity { identity: id }).await;
    }
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let question = bo.question().await;
    assert!(question.code.is_some());
    bo.kept.push_back(News::Question { question });
    assert_eq!(meet(&mut ana, &mut bo, invite, None).await.1, Verified::Code);
    let row = ana.sessions().await.remove(0).certified.unwrap();
    assert!(row.authority.is_none() && row.unvouched.is_some(), "a certificate nobody trusted there vouches for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn organisation_mode_lets_a_colleague_in_and_keeps_strangers_out_whatever_their_subject() {
    let (mut ana, mut bo) = two("organisation").await;
    let mut eve = start("Eve organisation").await;
    let (ministry, other) = (Authority::new("Ministry CA"), Authority::new("Ministry CA"));
    bo.trusts(&ministry, (false, false)).await;
    bo.organisation().await;
    let colleague = ana.imports(&ministry.issue("Kim Min-ji")).await;
    let pretender = eve.imports(&other.issue("Kim Min-ji")).await;
    eve.sees(&bo.name).await;
    for invite in [eve.invite(&bo.name).await, eve.invite_as(&bo.name, &pretender).await] {
        let failure = eve.ended(invite).await;
        assert_eq!(failure.code, ErrorCode::CertificateRefused);
        assert!(failure.message.contains("authority it trusts"), "{failure:?}");
    }
    assert!(!bo.was_asked(), "nobody was bothered");
    ana.sees(&bo.name).await;
    let invite = ana.invite_as(&bo.name, &colleague).await;
    meet(&mut ana, &mut bo, invite, None).await;
    assert_eq!(bo.sessions().await[0].certified.as_ref().unwrap().authority.as_deref(), Some("Ministry CA"));
    // One who is known already has to prove it as well.
    part(&mut ana, &mut bo).await;
    let invite = ana.invite_as(&bo.peer.to_string(), "local").await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::CertificateRefused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn colleagues_find_the_door_of_somebody_who_shows_no_name_and_others_do_not() {
    let mut seat = Seat::new("Bo hidden");
    seat.settings.visibility = Visibility::Known;
    let mut bo = seat.start().await;
    let ministry = Authority::new("Ministry CA");
    bo.trusts(&ministry, (true, false)).await;
    let (mut ana, mut eve) = (start("Ana hidden").await, start("Eve hidden").await);
    let port = format!(":{}", bo.port);
    let nameless = |row: &hither_model::row::PeerRow| row.routes.iter().any(|route| route.ends_with(&port));
    let seen = eve.sees_row("somebody without a name", nameless).await;
    assert!(!seen.name.contains("Bo hidden"));
    let invite = eve.invite(&seen.peer).await;
    assert_eq!(eve.ended(invite).await.code, ErrorCode::CertificateRefused);
    assert!(!bo.was_asked());
    let id = ana.imports(&ministry.issue("Ana")).await;
    let seen = ana.sees_row("somebody without a name", nameless).await;
    let invite = ana.invite_as(&seen.peer, &id).await;
    meet(&mut ana, &mut bo, invite, None).await;
    assert_eq!(ana.sessions().await[0].name, bo.name, "the name comes after the proof");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_16_nothing_chooses_a_certificate_by_itself_and_a_choice_can_be_taken_back() {
    let (mut ana, mut bo) = two("choose").await;
    let ministry = Authority::new("Ministry CA");
    bo.trusts(&ministry, (false, false)).await;
    ana.imports(&ministry.issue("Kim Min-ji")).await;
    ana.sees(&bo.name).await;
    // Even a single certificate is a question.
    let invite = ana.invite_as(&bo.name, "ask").await;
    let question = ana.asked(QuestionKind::ChooseCertificate).await;
    assert_eq!((question.invite, question.choices.len()), (Some(invite), 2), "the device's key alone is a choice");
    ana.ask(Ask::Decline { question: question.id.to_string(), block: false }).await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::Canceled);
    let invite = ana.invite_as(&bo.name, "ask").await;
    let question = ana.asked(QuestionKind::ChooseCertificate).await;
    ana.ask(Ask::Withdraw { invite }).await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::Canceled);
    let gone = Ask::Choose { question: question.id.to_string(), identity: "local".into() };
    assert_eq!(ana.refused(gone).await, ErrorCode::UnknownId);
    assert!(!bo.was_asked(), "not a word was said before the choice");
    let invite = ana.invite_as(&bo.name, "ask").await;
    let question = ana.asked(QuestionKind::ChooseCertificate).await;
    let certificate = question.choices.iter().find(|row| row.source == "file").unwrap().id.clone();
    let pin = Ask::Pin { question: question.id.to_string(), pin: None, last_try: false };
    assert_eq!(ana.refused(pin).await, ErrorCode::Stale);
    ana.ask(Ask::Choose { question: question.id.to_string(), identity: certificate }).await;
    meet(&mut ana, &mut bo, invite, None).await;
    assert_eq!(bo.sessions().await[0].certified.as_ref().unwrap().name, "Kim Min-ji");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_15_without_the_capability_cards_are_refused_and_imported_certificates_stay_usable() {
    let (mut ana, mut bo) = two("revoked").await;
    let ministry = Authority::new("Ministry CA");
    bo.trusts(&ministry, (false, false)).await;
    ana.ask(Ask::SetCapability { name: "sharedUserCertificates".into(), granted: false }).await;
    assert_eq!(ana.refused(Ask::Tokens).await, ErrorCode::AccessDenied);
    let id = ana.imports(&ministry.issue("Kim Min-ji")).await;
    ana.sees(&bo.name).await;
    let invite = ana.invite_as(&bo.name, "card-0123456789abcdef").await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::AccessDenied);
    let invite = ana.invite_as(&bo.name, &id).await;
    meet(&mut ana, &mut bo, invite, None).await;
    assert!(bo.sessions().await[0].certified.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_is_not_there_is_asked_for_and_never_replaced_by_the_devices_key() {
    let (mut ana, mut bo) = two("absent").await;
    ana.sees(&bo.name).await;
    let invite = ana.invite_as(&bo.name, "card-0123456789abcdef").await;
    let question = ana.asked(QuestionKind::InsertCard).await;
    assert_eq!(question.invite, Some(invite));
    ana.ask(yes(&question)).await;
    ana.ask(Ask::Decline { question: question.id.to_string(), block: false }).await;
    assert_eq!(ana.ended(invite).await.code, ErrorCode::Canceled);
    assert!(!bo.was_asked());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_certified_as_another_than_last_time_is_told_loudly() {
    let (mut ana, mut bo) = two("other person").await;
    let ministry = Authority::new("Ministry CA");
    bo.trusts(&ministry, (false, false)).await;
    let (kim, park) = (ministry.issue("Kim Min-ji"), ministry.issue("Park Ji-hoon"));
    let kim = ana.imports(&kim).await;
    ana.sees(&bo.name).await;
    let invite = ana.invite_as(&bo.name, &kim).await;
    meet(&mut ana, &mut bo, invite, None).await;
    part(&mut ana, &mut bo).await;
    let park = ana.imports(&park).await;
    let other = ana.identities().await.into_iter().find(|row| row.source == "file" && row.id != kim).unwrap().id;
    assert!(park == other || park == kim, "the newest of the list or the other one");
    ana.forget_news();
    bo.forget_news();
    let invite = ana.invite_as(&bo.peer.to_string(), &other).await;
    meet(&mut ana, &mut bo, invite, None).await;
    let alarm = bo.alarm().await;
    assert!(alarm.contains("Kim Min-ji") && alarm.contains("Park Ji-hoon"), "{alarm}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imports_refuse_what_is_no_certificate_with_key_and_forget_what_is_removed() {
    let ana = start("Ana imports").await;
    let ministry = Authority::new("Ministry CA");
    for bad in ["", "bm90aGluZw==", "%%%"] {
        let file = hither_model::ask::SecretText(bad.into());
        ana.refused(Ask::ImportIdentity { file, password: None }).await;
    }
    let id = ana.imports(&ministry.issue("Kim Min-ji")).await;
    ana.ask(Ask::UseIdentity { identity: id[..10].to_owned() }).await;
    assert!(ana.identities().await.iter().any(|row| row.id == id && row.current));
    let ana = ana.again().await;
    assert!(ana.identities().await.iter().any(|row| row.id == id), "it is kept");
    ana.ask(Ask::RemoveIdentity { identity: id.clone() }).await;
    let rows = ana.identities().await;
    assert!(rows.len() == 1 && rows[0].current && rows[0].source == "local");
    assert_eq!(ana.refused(Ask::UseIdentity { identity: id }).await, ErrorCode::UnknownId);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authorities_are_kept_and_can_be_taken_out() {
    let ana = start("Ana authorities").await;
    let id = ana.trusts(&Authority::new("Ministry CA"), (true, true)).await;
    let ana = ana.again().await;
    let Answer::Authorities { rows } = ana.ask(Ask::Authorities).await else { panic!("no authorities") };
    assert!(rows[0].id == id && rows[0].invite && rows[0].codeless && rows[0].crl_until.is_none());
    assert_eq!(ana.refused(Ask::AddAuthority { certificate: "nothing".into() }).await, ErrorCode::Misuse);
    let Answer::Authorities { rows } = ana.ask(Ask::RemoveAuthority { authority: id[..8].to_owned() }).await else {
        panic!("no authorities")
    };
    assert!(rows.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_yes_with_a_certificate_that_is_of_no_use_is_told_at_once_and_the_invite_stays_open() {
    let (mut ana, mut bo) = two("no use").await;
    ana.sees(&bo.name).await;
    let invite = ana.invite(&bo.name).await;
    let question = bo.question().await;
    let Ask::Accept { question: id, always, same_code, unverified, to, executable, .. } = yes(&question) else {
        unreachable!()
    };
    let identity = Some("file-0123456789abcdef".to_owned());
    let accept = Ask::Accept { grant: None, question: id, always, same_code, unverified, to, executable, identity };
    assert_eq!(bo.refused(accept).await, ErrorCode::UnknownId);
    bo.forget_news();
    bo.kept.push_back(News::Question { question });
    assert_eq!(meet(&mut ana, &mut bo, invite, None).await.1, Verified::Code);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_says_when_organisation_mode_shuts_everybody_out() {
    let ana = start("Ana doctor organisation").await;
    ana.organisation().await;
    let Answer::Checks { rows } = ana.ask(Ask::Doctor { peer: None }).await else { panic!("no checks") };
    let row = rows.iter().find(|row| row.name == "organisation").unwrap();
    assert!(row.state == CheckState::Fail && row.fix.as_ref().unwrap().contains("trust ca add"));
    ana.trusts(&Authority::new("Ministry CA"), (false, false)).await;
    let Answer::Checks { rows } = ana.ask(Ask::Doctor { peer: None }).await else { panic!("no checks") };
    assert!(rows.iter().any(|row| row.name == "organisation" && row.state == CheckState::Ok));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t2_a_stolen_certificate_without_its_key_asks_nobody_anything() {
    let mut bo = start("Bo stolen").await;
    let ministry = Authority::new("Ministry CA");
    bo.trusts(&ministry, (true, true)).await;
    let stolen = ministry.issue("Kim Min-ji");
    let mut ear = Ear::start().await;
    let rid = ear.rid_of(bo.port).await;
    ear.stop().await;
    for signature in [vec![], vec![0x30; 70], random::<64>().to_vec()] {
        let certified = Certified { chain: vec![Blob(stolen.der.clone())], signature: Blob(signature) };
        let mut asking = Outsider::new().invite_certified(bo.port, rid, certified).await;
        assert_eq!(asking.over().await.code(), ErrorCode::CertificateRefused);
    }
    assert!(!bo.was_asked());
}
