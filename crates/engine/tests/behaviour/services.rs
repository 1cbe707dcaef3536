//! Services of one device lent to another: by name, to somebody, for a time; and what every refused device hears.
use crate::lab::{Agent, in_touch, pair, paired, part, start, two, within, yes};
use hither_model::{
    Answer, Ask, ErrorCode, Failure, News,
    ask::TrustChoice,
    row::{ExposedRow, ForwardingRow, Lasting},
};
use std::{io::ErrorKind, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A service of this machine, which the test plays itself.
pub(crate) async fn service() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    (listener, at)
}

pub(crate) fn expose(name: &str, target: &str, to: &Agent, lasts: Lasting, seconds: Option<u64>) -> Ask {
    let to = vec![to.peer.to_string()];
    Ask::Expose { name: name.parse().unwrap(), target: target.into(), to, lasts, seconds }
}

pub(crate) fn forward(of: &Agent, name: &str, bind: Option<&str>) -> Ask {
    Ask::Forward { peer: of.peer.to_string(), name: name.parse().unwrap(), bind: bind.map(str::to_owned) }
}

pub(crate) fn stop(name: &str) -> Ask {
    Ask::Unexpose { name: name.parse().unwrap(), to: None }
}

async fn lends(agent: &Agent, name: &str, target: &str, to: &Agent) {
    agent.ask(expose(name, target, to, Lasting::UntilClosed, None)).await;
}

pub(crate) async fn reached(agent: &Agent, of: &Agent, name: &str) -> SocketAddr {
    let Answer::Lent { forwarding, .. } = agent.ask(forward(of, name, None)).await else { panic!("no address") };
    let bind: SocketAddr = forwarding[0].bind.parse().unwrap();
    assert!(bind.ip().is_loopback() && bind.port() != 0);
    bind
}

pub(crate) async fn listed(agent: &Agent) -> (Vec<ExposedRow>, Vec<ForwardingRow>) {
    let Answer::Lent { exposed, forwarding } = agent.ask(Ask::Lent).await else { panic!("no list") };
    (exposed, forwarding)
}

/// What the history says of services, newest first.
async fn told(agent: &Agent) -> Vec<String> {
    let ask = Ask::History { peer: None, limit: 50, search: None };
    let Answer::History { rows, .. } = agent.ask(ask).await else { panic!("no history") };
    rows.into_iter().filter(|row| row.what == "lent").map(|row| row.detail).collect()
}

/// A connection through to the service, both ends, after a byte came through: the service takes it before the lane
/// stands.
pub(crate) async fn through(at: SocketAddr, service: &TcpListener) -> (TcpStream, TcpStream) {
    let ends = async { tokio::join!(TcpStream::connect(at), service.accept()) };
    let (near, far) = within("a connection", ends).await;
    let (mut near, mut far) = (near.unwrap(), far.unwrap().0);
    near.write_all(b"!").await.unwrap();
    assert_eq!(within("a byte", far.read_u8()).await.unwrap(), b'!');
    (near, far)
}

/// Whether the other side broke the connection off, and did not end it.
pub(crate) async fn broken(stream: &mut TcpStream) -> bool {
    let outcome = within("the break", stream.read_to_end(&mut Vec::new())).await;
    outcome.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset)
}

/// Whether a program that connects there is broken off, sooner or later.
pub(crate) async fn shut_out(at: SocketAddr) -> bool {
    match TcpStream::connect(at).await {
        Ok(mut stream) => broken(&mut stream).await,
        Err(e) => e.kind() == ErrorKind::ConnectionReset,
    }
}

async fn refused(agent: &Agent, ask: Ask) -> Failure {
    agent.try_ask(ask).await.unwrap_err()
}

async fn both(case: &str) -> (Agent, Agent) {
    let (mut ana, mut bo) = paired(case).await;
    in_touch(&mut ana, &mut bo).await;
    (ana, bo)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w4_a_service_carries_both_ways_and_each_way_ends_by_itself() {
    let (ana, bo) = both("lent").await;
    for (lender, user) in [(&ana, &bo), (&bo, &ana)] {
        let (service, target) = service().await;
        lends(lender, "echo", &target, user).await;
        let at = reached(user, lender, "echo").await;
        let (mut near, mut far) = through(at, &service).await;
        within("question and answer", async {
            let question = vec![b'?'; 3_000_000];
            let asking = async {
                near.write_all(&question).await.unwrap();
                near.shutdown().await.unwrap();
            };
            let mut heard = Vec::new();
            let (_, outcome) = tokio::join!(asking, far.read_to_end(&mut heard));
            outcome.unwrap();
            assert!(heard == question, "the question is whole and ended, while the answer is still to come");
            far.write_all(b"answer").await.unwrap();
            far.shutdown().await.unwrap();
            let mut answer = Vec::new();
            near.read_to_end(&mut answer).await.unwrap();
            assert_eq!(answer, b"answer");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w4_a_break_on_either_side_is_a_break_on_the_other() {
    let (ana, bo) = both("breaks").await;
    let (service, target) = service().await;
    lends(&ana, "echo", &target, &bo).await;
    let at = reached(&bo, &ana, "echo").await;
    let (mut near, far) = through(at, &service).await;
    far.set_zero_linger().unwrap();
    drop(far);
    assert!(broken(&mut near).await, "the service broke it off");
    let (near, mut far) = through(at, &service).await;
    near.set_zero_linger().unwrap();
    drop(near);
    assert!(broken(&mut far).await, "the program broke it off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w4_a_reader_that_stops_holds_up_its_own_connection_only() {
    let (ana, bo) = both("slow").await;
    let (service, target) = service().await;
    lends(&ana, "echo", &target, &bo).await;
    let at = reached(&bo, &ana, "echo").await;
    let (mut slow, mut far) = through(at, &service).await;
    let flood = tokio::spawn(async move {
        let written = far.write_all(&vec![7; 64 << 20]).await;
        written.and(far.shutdown().await).is_ok()
    });
    let (mut near, mut quick) = through(at, &service).await;
    within("the other connection", async {
        quick.write_all(b"quick").await.unwrap();
        let mut heard = [0; 5];
        near.read_exact(&mut heard).await.unwrap();
    })
    .await;
    assert!(!flood.is_finished(), "what nobody reads is not taken off the sender");
    let mut all = 0;
    let mut buffer = vec![0; 1 << 20];
    within("the rest", async {
        loop {
            match slow.read(&mut buffer).await.unwrap() {
                0 => break,
                n => all += n,
            }
        }
    })
    .await;
    assert_eq!((all, flood.await.unwrap()), (64 << 20, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w1_whoever_is_not_lent_it_hears_the_same_as_if_it_were_not_there() {
    let (mut ana, mut bo) = both("secret").await;
    let mut cy = start("Cy secret").await;
    pair(&mut ana, &mut cy).await;
    in_touch(&mut ana, &mut cy).await;
    let (service, target) = service().await;
    lends(&ana, "wiki", &target, &bo).await;
    let not_there = refused(&cy, forward(&ana, "nothing", None)).await;
    let not_for_them = refused(&cy, forward(&ana, "wiki", None)).await;
    assert_eq!(not_there, not_for_them);
    assert_eq!(not_there.code, ErrorCode::Declined);
    let history = told(&ana).await;
    assert!(history[0].starts_with("was refused a service \"nothing\"") && history.len() == 2, "{history:?}: one line");
    let at = reached(&bo, &ana, "wiki").await;
    let (mut near, _far) = through(at, &service).await;
    ana.ask(stop("wiki")).await;
    assert!(broken(&mut near).await, "what is taken back ends at once");
    assert_eq!(refused(&bo, forward(&ana, "wiki", None)).await, not_there);
    assert!(shut_out(at).await);
    let why = bo.hear("the end of the address", |n| match n {
        News::ForwardingEnded { bind, why, .. } if *bind == at.to_string() => Some(why.clone()),
        _ => None,
    });
    assert_eq!(why.await, "it is not lent to us any more");
    assert_eq!(listed(&bo).await, (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w1_only_services_of_this_machine_are_lent_and_nothing_of_hithers_own() {
    let (ana, bo) = both("targets").await;
    let own = format!("127.0.0.1:{}", ana.port);
    for target in
        ["10.0.0.1:22", "169.254.169.254:80", "[::ffff:127.0.0.1]:22", "2130706433:22", "wiki.example:80", &own]
    {
        let failure = refused(&ana, expose("x", target, &bo, Lasting::UntilClosed, None)).await;
        assert_eq!(failure.code, ErrorCode::AccessDenied, "{target}: {failure}");
    }
    assert_eq!(listed(&ana).await.0, []);
    let Ask::Expose { name, target, lasts, seconds, .. } = expose("x", "127.0.0.1:9", &bo, Lasting::Always, None)
    else {
        unreachable!()
    };
    let to_nobody = Ask::Expose { name, target, to: vec![], lasts, seconds };
    assert_eq!(ana.refused(to_nobody).await, ErrorCode::Misuse, "it is said to whom");
    for seconds in [None, Some(0), Some(30 * 86_400 + 1)] {
        assert_eq!(ana.refused(expose("x", "127.0.0.1:9", &bo, Lasting::For, seconds)).await, ErrorCode::Misuse);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w1_an_unverified_device_is_lent_nothing() {
    let (mut ana, mut bo) = two("unproven").await;
    ana.sees(&bo.name).await;
    ana.invite_with(&bo.name, None, true).await;
    let question = bo.question().await.id.to_string();
    bo.ask(Ask::Accept {
        grant: None,
        question,
        always: false,
        same_code: false,
        unverified: true,
        to: None,
        executable: false,
        identity: None,
    })
    .await;
    ana.accepted().await;
    bo.accepted().await;
    for lasts in [Lasting::UntilClosed, Lasting::Always] {
        let failure = refused(&ana, expose("x", "127.0.0.1:9", &bo, lasts, None)).await;
        assert_eq!(failure.code, ErrorCode::AccessDenied, "{failure}");
        assert!(failure.message.contains("not verified"), "{failure}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w2_where_a_service_is_reached_is_this_machines_own_and_free() {
    let (ana, bo) = both("binds").await;
    let (_service, target) = service().await;
    lends(&ana, "wiki", &target, &bo).await;
    for bind in ["0.0.0.0:8022", "[::]:8022", "10.77.0.1:8022", "127.0.0.1:22", "somewhere:1"] {
        let failure = refused(&bo, forward(&ana, "wiki", Some(bind))).await;
        assert_eq!(failure.code, ErrorCode::AccessDenied, "{bind}: {failure}");
    }
    let taken = refused(&bo, forward(&ana, "wiki", Some(&target))).await;
    assert_eq!(taken.code, ErrorCode::Misuse);
    assert!(taken.message.contains("is in use by another program"), "{taken}");
    assert_eq!(listed(&bo).await.1, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w4_more_connections_than_there_are_seats_for_are_broken_off() {
    let (ana, bo) = both("crowd").await;
    let (service, target) = service().await;
    lends(&ana, "wiki", &target, &bo).await;
    let at = reached(&bo, &ana, "wiki").await;
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(through(at, &service).await);
    }
    for _ in 0..40 {
        assert!(shut_out(at).await);
    }
    assert_eq!((listed(&ana).await.0[0].open, listed(&bo).await.1[0].open), (64, 64));
    drop(open.pop());
    // The seat is free as soon as both ends know.
    loop {
        let next = async {
            tokio::select! {
                _ = service.accept() => true,
                out = shut_out(at) => !out,
            }
        };
        if within("a seat", next).await {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w6_a_service_that_is_not_there_is_told_at_once() {
    let (ana, mut bo) = both("dead").await;
    let (service, target) = service().await;
    lends(&ana, "wiki", &target, &bo).await;
    let at = reached(&bo, &ana, "wiki").await;
    drop(service);
    assert!(shut_out(at).await);
    let trouble = bo.hear("the trouble", |n| match n {
        News::Forwarding { forwarding } => forwarding.trouble.clone(),
        _ => None,
    });
    assert!(trouble.await.contains("no program listens"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn w6_what_is_reached_from_another_device_is_not_lent_on() {
    let (ana, bo) = both("loop").await;
    let (_service, target) = service().await;
    lends(&ana, "wiki", &target, &bo).await;
    let at = reached(&bo, &ana, "wiki").await;
    let failure = refused(&bo, expose("back", &at.to_string(), &ana, Lasting::UntilClosed, None)).await;
    assert_eq!(failure.code, ErrorCode::AccessDenied, "{failure}");
    // Nor the other way round: what is lent is no place to reach others' services at.
    let free = { TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string() };
    lends(&bo, "later", &free, &ana).await;
    assert_eq!(bo.refused(forward(&ana, "wiki", Some(&free))).await, ErrorCode::Misuse);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_session_is_the_end_of_what_was_lent_in_it() {
    let (mut ana, mut bo) = both("closing").await;
    let (service, target) = service().await;
    lends(&ana, "wiki", &target, &bo).await;
    let at = reached(&bo, &ana, "wiki").await;
    let (mut near, mut far) = through(at, &service).await;
    part(&mut ana, &mut bo).await;
    assert!(broken(&mut near).await && broken(&mut far).await);
    assert_eq!(listed(&ana).await.0, []);
    assert_eq!(listed(&bo).await.1, []);
    assert!(TcpStream::connect(at).await.is_err(), "nobody listens there any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lent_always_is_lent_in_the_next_session_too_and_used_only_by_another_word() {
    let (mut ana, mut bo) = both("always").await;
    let (service, target) = service().await;
    ana.ask(expose("wiki", &target, &bo, Lasting::Always, None)).await;
    let at = reached(&bo, &ana, "wiki").await;
    part(&mut ana, &mut bo).await;
    assert_eq!((listed(&ana).await.0.len(), listed(&bo).await.1.len()), (1, 0));
    assert_eq!(
        bo.refused(forward(&ana, "wiki", None)).await,
        ErrorCode::UnknownId,
        "without a session there is no way"
    );
    ana.invite(&bo.peer.to_string()).await;
    let question = bo.question().await;
    bo.ask(yes(&question)).await;
    ana.accepted().await;
    bo.accepted().await;
    in_touch(&mut ana, &mut bo).await;
    assert!(TcpStream::connect(at).await.is_err(), "nothing listens by itself");
    let at = reached(&bo, &ana, "wiki").await;
    through(at, &service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lent_for_a_time_ends_with_it() {
    let (mut ana, bo) = both("time").await;
    let (service, target) = service().await;
    ana.ask(expose("wiki", &target, &bo, Lasting::For, Some(2))).await;
    let at = reached(&bo, &ana, "wiki").await;
    let (mut near, _far) = through(at, &service).await;
    ana.hear("the end", |n| matches!(n, News::Unexposed { .. }).then_some(())).await;
    assert!(broken(&mut near).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_was_said_to_outlives_the_agent_and_a_forgotten_device_loses_even_that() {
    let (ana, bo) = both("lives").await;
    let (_service, target) = service().await;
    lends(&ana, "now", &target, &bo).await;
    ana.ask(expose("hour", &target, &bo, Lasting::For, Some(3600))).await;
    ana.ask(expose("always", &target, &bo, Lasting::Always, None)).await;
    let ana = ana.again().await;
    let names = |rows: &[ExposedRow]| rows.iter().map(|row| row.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&listed(&ana).await.0), ["always", "hour"]);
    ana.ask(Ask::TrustSet { peer: bo.peer.to_string(), to: TrustChoice::Forget }).await;
    assert_eq!(listed(&ana).await.0, []);
    assert_eq!(listed(&ana.again().await).await.0, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lender_sees_who_uses_what() {
    let (mut ana, bo) = both("seen").await;
    let (service, target) = service().await;
    lends(&ana, "wiki", &target, &bo).await;
    let at = reached(&bo, &ana, "wiki").await;
    let ends = through(at, &service).await;
    let open = |wanted: u32| {
        move |n: &News| match n {
            News::Exposed { exposed } => (exposed.open == wanted && exposed.served == 1).then_some(()),
            _ => None,
        }
    };
    ana.hear("a use", open(1)).await;
    let lent = format!("lent the service wiki ({target}) until the session ends");
    assert_eq!(told(&ana).await, ["uses the service wiki", &lent]);
    drop(ends);
    ana.hear("its end", open(0)).await;
}
