//! Grants of services: so many connections, counted on disk before the service hears of one.

use crate::{
    grants::{becomes, given, grants, revoke, told, unix},
    lab::{Agent, in_touch, pair, paired, start, within},
    services::{broken, expose, forward, listed, reached, service, shut_out, stop, through},
};
use hither_model::{
    Ask, ErrorCode, News,
    row::{Allows, GrantOver, GrantTerms, Lasting},
};

fn times(name: &str, times: u32) -> GrantTerms {
    let allows = Allows::Service { name: name.parse().unwrap(), times: Some(times) };
    GrantTerms { allows, until: None, here: false }
}

/// Lends a service to those who have a grant for it.
fn lend(name: &str, target: &str) -> Ask {
    let (lasts, seconds) = (Lasting::UntilClosed, None);
    Ask::Expose { name: name.parse().unwrap(), target: target.into(), to: vec![], lasts, seconds }
}

async fn both(case: &str) -> (Agent, Agent) {
    let (mut ana, mut bo) = paired(case).await;
    in_touch(&mut ana, &mut bo).await;
    (ana, bo)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_opened_twice_and_the_third_time_leaves_the_two_alone() {
    let (mut ana, mut bo) = both("twice").await;
    let (service, target) = service().await;
    assert_eq!(ana.refused(lend("ssh", &target)).await, ErrorCode::Misuse, "to nobody");
    given(&ana, &bo, times("ssh", 2)).await;
    assert_eq!(bo.refused(forward(&ana, "ssh", None)).await, ErrorCode::Declined, "it is not lent yet");
    ana.ask(lend("ssh", &target)).await;
    let row = listed(&ana).await.0.remove(0);
    assert_eq!((row.to.len(), row.to[0].peer, row.to[0].lasts), (1, bo.peer, Lasting::Always));
    let at = reached(&bo, &ana, "ssh").await;
    let (mut near, mut far) = through(at, &service).await;
    becomes(&mut ana, "one is used", |row| row.used == 1 && row.usable).await;
    let second = through(at, &service).await;
    becomes(&mut ana, "both are used", |row| row.used == 2 && row.over == Some(GrantOver::Used)).await;
    assert!(shut_out(at).await);
    let trouble = bo.hear("the trouble", |n| match n {
        News::Forwarding { forwarding } => forwarding.trouble.clone(),
        _ => None,
    });
    assert!(trouble.await.contains("as often as you were allowed"));
    assert_eq!(listed(&ana).await.0[0].open, 2, "it is lent until they are through");
    tokio::io::AsyncWriteExt::write_all(&mut near, b"?").await.unwrap();
    assert_eq!(within("a byte", tokio::io::AsyncReadExt::read_u8(&mut far)).await.unwrap(), b'?');
    drop((near, far, second));
    ana.hear("it is not lent any more", |n| matches!(n, News::Unexposed { .. }).then_some(())).await;
    let short = grants(&ana).await[0].grant.short();
    let history = told(&ana).await;
    assert_eq!(history[0], format!("used the grant {short}: connection 2 of 2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n4_a_connection_counts_in_the_next_life_and_one_that_reached_nobody_does_not() {
    let (ana, mut bo) = both("counted").await;
    let (service, target) = service().await;
    given(&ana, &bo, times("ssh", 2)).await;
    ana.ask(lend("ssh", &target)).await;
    let at = reached(&bo, &ana, "ssh").await;
    through(at, &service).await;
    let mut ana = ana.again().await;
    in_touch(&mut ana, &mut bo).await;
    assert_eq!((grants(&ana).await[0].used, listed(&ana).await.0.len()), (1, 1));
    // The address is there as long as the session.
    drop(service);
    assert!(shut_out(at).await);
    becomes(&mut ana, "it is given back", |row| row.used == 1).await;
    let service = tokio::net::TcpListener::bind(&target).await.unwrap();
    through(at, &service).await;
    becomes(&mut ana, "both are used", |row| row.over == Some(GrantOver::Used)).await;
    assert!(shut_out(at).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_a_grant_that_is_revoked_or_expires_ends_its_connections_and_no_other() {
    let (mut ana, bo) = both("ended").await;
    let mut cy = start("Cy ended").await;
    pair(&mut ana, &mut cy).await;
    in_touch(&mut ana, &mut cy).await;
    let (service, target) = service().await;
    ana.ask(expose("ssh", &target, &cy, Lasting::Always, None)).await;
    let of_cy = reached(&cy, &ana, "ssh").await;
    let mut kept = through(of_cy, &service).await;
    for how in ["revoked", "expired", "stopped"] {
        let until = (how == "expired").then(|| unix() + 3);
        let grant = given(&ana, &bo, GrantTerms { until, ..times("ssh", 5) }).await;
        let at = reached(&bo, &ana, "ssh").await;
        let mut ends = through(at, &service).await;
        match how {
            "revoked" => revoke(&ana, &grant).await,
            "stopped" => drop(ana.ask(stop("ssh")).await),
            _ => {}
        }
        assert!(broken(&mut ends.0).await && broken(&mut ends.1).await, "{how}");
        if how == "stopped" {
            assert!(broken(&mut kept.0).await, "that was for all");
        } else {
            tokio::io::AsyncWriteExt::write_all(&mut kept.0, b"!").await.unwrap();
            assert_eq!(within(how, tokio::io::AsyncReadExt::read_u8(&mut kept.1)).await.unwrap(), b'!');
        }
    }
    assert_eq!(listed(&ana).await.0, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w1_a_grant_tells_nobody_else_that_there_is_a_service() {
    let (mut ana, bo) = both("told").await;
    let mut cy = start("Cy told").await;
    pair(&mut ana, &mut cy).await;
    in_touch(&mut ana, &mut cy).await;
    let (_service, target) = service().await;
    given(&ana, &bo, times("ssh", 1)).await;
    ana.ask(lend("ssh", &target)).await;
    let not_theirs = cy.try_ask(forward(&ana, "ssh", None)).await.unwrap_err();
    let not_there = cy.try_ask(forward(&ana, "none", None)).await.unwrap_err();
    assert_eq!(not_theirs, not_there);
}
