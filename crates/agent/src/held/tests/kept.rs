//! What a new agent finds, and what may not be held any more.

use super::*;
use hither_broker::{BrokerError, Reason};
use std::io::{Read, Write};

#[test]
fn r4_22_sockets_and_contexts_live_on_what_is_lost_is_told_and_what_is_nobodys_is_closed() {
    let rig = Rig::new();
    let task = rig.task(NEVER);
    let (mut kept, lost, nobodys) = (rig.given(&task, "kept"), rig.given(&task, "lost"), rig.given(&task, "nobody's"));
    let row = rig.held.rows().into_iter().find(|row| row.id == "kept").unwrap();
    let (top, mut sockets) = rig.crash();
    let key = |id: &str| super::super::book::key(APP, id);
    sockets.retain(|(name, _)| *name != key("lost"));
    std::fs::remove_file(top.path().join("held").join(format!("{}.json", key("nobody's")))).unwrap();
    kept.write_all(b"x").unwrap();
    let rig = Rig::again(top, Bounds::default(), &[], sockets);
    let mut closed = nobodys;
    assert_eq!(closed.read(&mut [0]).unwrap(), 0, "nobody's socket is still open");
    let mut handler = rig.handler(&task);
    let mut told = [next(&mut handler), next(&mut handler)];
    told.sort_by_key(|told| told.id.clone());
    assert_eq!(told.each_ref().map(|told| told.reason), [Reason::SocketActivity, Reason::SocketClosed]);
    assert_eq!(told.each_ref().map(|told| told.context.as_slice()), [b"context"; 2]);
    let again = rig.held.rows().into_iter().find(|row| row.id == "kept").unwrap();
    assert_eq!((again.at, again.local, again.remote), (row.at, row.local, row.remote));
    handler.take(&told[0], HeldKind::Stream).unwrap();
    drop(lost);
}

#[test]
fn what_reaches_beyond_this_machine_needs_a_capability_and_is_closed_without() {
    let rig = Rig::new();
    let (task, mut broker) = (rig.task(NEVER), rig.broker());
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    rig.listener(&task, everywhere).transfer_ownership(&mut broker, "beyond", b"", None).unwrap();
    rig.listener(&task, HERE).transfer_ownership(&mut broker, "here", b"", None).unwrap();
    let mut revoked = vec!["internetClientServer".to_owned()];
    rig.held.revoked(&revoked);
    assert_eq!(broker.all_sockets(APP).unwrap().len(), 2, "one capability is enough");
    revoked.push("privateNetworkClientServer".into());
    rig.held.revoked(&revoked);
    assert_eq!(broker.all_sockets(APP).unwrap().into_keys().collect::<Vec<_>>(), ["here"]);
    let mut handler = rig.handler(&task);
    let told = next(&mut handler);
    assert_eq!((told.id.as_str(), told.reason), ("beyond", Reason::SocketClosed));
    let refused = rig.listener(&task, everywhere).transfer_ownership(&mut broker, "again", b"", None).unwrap_err();
    assert!(matches!(refused, BrokerError::AccessDenied(_)), "{refused}");
}

#[test]
fn a4_there_is_an_end_to_how_much_is_held() {
    let rig = Rig::with(Bounds { sockets: (2, 3), tasks: (2, 3), clients: 8, ..Bounds::default() });
    let (task, mut broker) = (rig.task(NEVER), rig.broker());
    let _far = [rig.given(&task, "a"), rig.given(&task, "b")];
    let (socket, _third) = rig.stream(&task);
    let refused = socket.transfer_ownership(&mut broker, "c", b"", None).unwrap_err();
    assert!(matches!(refused, BrokerError::Full(_)), "{refused}");
    assert_eq!(rig.task(NEVER), task, "the same words are the same task");
    rig.task("exit 1");
    let start = Start::Command { program: "/bin/false".into(), args: vec![] };
    assert!(matches!(broker.register(APP, start, None), Err(BrokerError::Full(_))));
    broker.unregister(&task).unwrap();
    assert!(rig.held.rows().is_empty());
    let many: Vec<_> = (0..9).map(|_| Broker::at(&rig.socket)).collect();
    assert!(many.iter().any(Result::is_err), "there is no end to connections");
}
