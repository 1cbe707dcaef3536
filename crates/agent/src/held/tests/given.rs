//! Handing over, being told, taking back.

use super::*;
use hither_broker::{BrokerError, Reason, message::MAX_CONTEXT, wire};
use std::{
    io::{Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
    thread,
};

#[test]
fn r4_2_what_is_to_be_held_is_named_before_it_is_bound_or_connected() {
    let rig = Rig::new();
    let (task, mut broker) = (rig.task(NEVER), rig.broker());
    let bound = Socket::new(HeldKind::Listener, Family::V4).unwrap();
    bound.bind(HERE).unwrap();
    let refused = bound.enable_ownership(&mut broker, &task, Wake::DoNotWake).unwrap_err();
    assert!(matches!(refused, BrokerError::IllegalMethodCall(_)));
    assert_eq!(refused.hresult(), Some(0x8000_000E));
    let refused = bound.transfer_ownership(&mut broker, "a", b"", None).unwrap_err();
    assert!(matches!(refused, BrokerError::IllegalMethodCall(_)), "{refused}");
    let (connected, _far) = rig.stream(&task);
    assert!(connected.enable_ownership(&mut broker, &task, Wake::DoNotWake).is_err());
    let unknown = Socket::new(HeldKind::Datagram, Family::V4).unwrap();
    let refused = unknown.enable_ownership(&mut broker, "ff", Wake::DoNotWake).unwrap_err();
    assert!(matches!(refused, BrokerError::ElementNotFound(_)));
}

#[test]
fn r4_3_waking_from_sleep_is_not_found_and_done_without() {
    let rig = Rig::new();
    let (task, mut broker) = (rig.task(NEVER), rig.broker());
    let socket = Socket::new(HeldKind::Datagram, Family::V4).unwrap();
    let refused = socket.enable_ownership(&mut broker, &task, Wake::Wake).unwrap_err();
    assert!(refused.to_string().contains("Element not found"), "{refused}");
    assert_eq!(refused.hresult(), Some(0x8007_0490));
    assert_eq!(socket.enable(&mut broker, &task).unwrap(), Wake::DoNotWake);
    socket.bind(HERE).unwrap();
    socket.transfer_ownership(&mut broker, "a", b"", None).unwrap();
}

#[test]
fn r4_5_and_r4_21_the_very_socket_travels_and_the_handle_is_dead() {
    let rig = Rig::new();
    let (task, mut broker) = (rig.task(NEVER), rig.broker());
    let (socket, _far) = rig.stream(&task);
    let inode = socket.inode().unwrap();
    socket.transfer_ownership(&mut broker, "a", b"", None).unwrap();
    for dead in [socket.send(b"x").unwrap_err(), socket.inode().unwrap_err(), socket.cancel_io().unwrap_err()] {
        assert!(matches!(dead, BrokerError::Closed));
        assert_eq!(dead.hresult(), Some(0x8000_0013));
    }
    let (second, _far2) = rig.stream(&task);
    let refused = second.transfer_ownership(&mut broker, "a", b"", None).unwrap_err();
    assert!(matches!(refused, BrokerError::InvalidArgument(_)), "two of a name: {refused}");
    assert!(second.inode().is_ok(), "what was not handed over is still here");
    let back = broker.take(APP, "a", HeldKind::Stream).unwrap();
    assert_eq!(back.socket.inode().unwrap(), inode, "another socket came back");
    let listener = rig.listener(&task, HERE);
    let timed = listener.transfer_ownership(&mut broker, "l", b"", Some(Duration::from_secs(9))).unwrap_err();
    assert!(matches!(timed, BrokerError::InvalidArgument(_)), "a listener has no time");
}

#[test]
fn r4_5_what_is_under_way_keeps_a_socket_from_being_handed_over() {
    let rig = Rig::new();
    let (task, mut broker) = (rig.task(NEVER), rig.broker());
    let (socket, far) = rig.stream(&task);
    let socket = Arc::new(socket);
    let reading = thread::spawn({
        let socket = Arc::clone(&socket);
        move || socket.receive(&mut [0; 1])
    });
    while !socket.is_busy() {
        thread::yield_now();
    }
    let refused = socket.transfer_ownership(&mut broker, "a", b"", None).unwrap_err();
    assert!(matches!(refused, BrokerError::IllegalMethodCall(_)), "{refused}");
    socket.cancel_io().unwrap();
    assert!(matches!(reading.join().unwrap(), Err(BrokerError::Canceled)));
    socket.transfer_ownership(&mut broker, "a", b"", None).unwrap();
    drop(far);
}

#[test]
fn r4_6_contexts_of_any_bytes_come_back_unchanged() {
    let rig = Rig::new();
    let (task, mut broker) = (rig.task(NEVER), rig.broker());
    let all: Vec<u8> = (0..=255).cycle().take(MAX_CONTEXT).collect();
    for (number, context) in [vec![], vec![0], vec![255; 2], all[..1000].to_vec(), all.clone()].into_iter().enumerate()
    {
        let (socket, id) = (rig.stream(&task), number.to_string());
        socket.0.transfer_ownership(&mut broker, &id, &context, None).unwrap();
        assert_eq!(broker.context(APP, &id).unwrap(), context);
        assert_eq!(broker.all_sockets(APP).unwrap()[&id].context, context.len() as u64);
        assert_eq!(broker.take(APP, &id, HeldKind::Stream).unwrap().context, context);
    }
    let (socket, _far) = rig.stream(&task);
    let refused = socket.transfer_ownership(&mut broker, "long", &[all, vec![0]].concat(), None).unwrap_err();
    assert!(matches!(refused, BrokerError::InvalidArgument(_)));
}

#[test]
fn r4_8_a_caller_is_a_reason_and_those_who_call_meanwhile_wait() {
    let rig = Rig::new();
    let task = rig.task(NEVER);
    let listener = rig.listener(&task, HERE);
    let at = listener.local_addr().unwrap();
    let mut handler = rig.handler(&task);
    listener.transfer_ownership(&mut rig.broker(), "l", b"port", None).unwrap();
    let callers = [(); 3].map(|()| TcpStream::connect(at).unwrap());
    let told = next(&mut handler);
    assert_eq!(
        (told.reason, told.kind, told.context.as_slice()),
        (Reason::ConnectionAccepted, HeldKind::Listener, &b"port"[..])
    );
    let later = TcpStream::connect(at).unwrap();
    let listener = handler.take(&told, HeldKind::Listener).unwrap().socket;
    for mut caller in callers.into_iter().chain([later]) {
        let accepted = listener.accept().unwrap();
        accepted.send(b"!").unwrap();
        caller.read_exact(&mut [0]).unwrap();
    }
    handler.give(&listener, "l", b"port", None).unwrap();
    handler.complete().unwrap();
    let _again = TcpStream::connect(at).unwrap();
    assert_eq!(next(&mut handler).reason, Reason::ConnectionAccepted);
}

#[test]
fn r4_9_a_time_without_traffic_is_a_reason_and_begins_anew_when_the_socket_is_given_back() {
    let rig = Rig::new();
    let task = rig.task(NEVER);
    let mut handler = rig.handler(&task);
    let (socket, mut far) = rig.stream(&task);
    let time = Some(Duration::from_secs(1));
    socket.transfer_ownership(&mut rig.broker(), "a", b"", time).unwrap();
    for _ in 0..2 {
        let told = next(&mut handler);
        assert_eq!(told.reason, Reason::KeepAliveTimerExpired);
        let socket = handler.take(&told, HeldKind::Stream).unwrap().socket;
        socket.send(b"!").unwrap();
        far.read_exact(&mut [0]).unwrap();
        handler.give(&socket, "a", b"", time).unwrap();
        handler.complete().unwrap();
    }
}

#[test]
fn r4_10_a_socket_whose_other_end_closed_is_gone_and_another_one_takes_its_name() {
    let rig = Rig::new();
    let task = rig.task(NEVER);
    let mut handler = rig.handler(&task);
    drop(rig.given(&task, "a"));
    let told = next(&mut handler);
    assert_eq!((told.reason, told.context.as_slice()), (Reason::SocketClosed, &b"context"[..]));
    assert!(matches!(handler.take(&told, HeldKind::Stream), Err(BrokerError::ElementNotFound(_))));
    assert!(handler.broker().all_sockets(APP).unwrap().is_empty());
    // One that is closed already is taken all the same: its end is told like any other.
    let (dead, far) = rig.stream(&task);
    drop(far);
    dead.send(b"x").unwrap();
    handler.give(&dead, "dead", b"", None).unwrap();
    let (again, mut far) = rig.stream(&task);
    handler.give(&again, "a", b"", None).unwrap();
    handler.complete().unwrap();
    far.write_all(b"x").unwrap();
    let mut told = [next(&mut handler), next(&mut handler)];
    told.sort_by_key(|told| told.id.clone());
    assert_eq!(told.map(|told| told.reason), [Reason::SocketActivity, Reason::SocketClosed]);
}

#[test]
fn r4_7_and_r4_11_nothing_is_read_and_without_giving_back_nothing_more_comes() {
    let rig = Rig::new();
    let task = rig.task(NEVER);
    let mut handler = rig.handler(&task);
    let mut far = rig.given(&task, "a");
    far.write_all(b"x").unwrap();
    assert_eq!(next(&mut handler).reason, Reason::SocketActivity);
    handler.complete().unwrap();
    far.write_all(b"y").unwrap();
    assert_eq!(handler.next(false).unwrap(), None, "a socket that was not given back brought an event");
    // A new instance of the program takes it, and gives it back with what was not read.
    let mut broker = rig.broker();
    let taken = broker.take(APP, "a", HeldKind::Stream).unwrap();
    taken.socket.transfer_ownership(&mut broker, "a", &taken.context, None).unwrap();
    let told = next(&mut handler);
    assert_eq!(told.reason, Reason::SocketActivity);
    let socket = handler.take(&told, HeldKind::Stream).unwrap().socket;
    let mut read = [0; 8];
    assert_eq!((socket.receive(&mut read).unwrap(), &read[..2]), (2, &b"xy"[..]));
    handler.complete().unwrap();
    assert!(rig.held.rows().is_empty(), "what is the program's own is not held");
}

#[test]
fn r4_12_all_sockets_are_listed_and_one_of_another_kind_stays_held() {
    let rig = Rig::new();
    let (task, mut broker) = (rig.task(NEVER), rig.broker());
    let _far = rig.given(&task, "stream");
    rig.listener(&task, HERE).transfer_ownership(&mut broker, "listener", b"", None).unwrap();
    let other = broker.register("org.example.other", Start::Bus { name: "org.example.Other".into() }, None).unwrap();
    let udp = Socket::new(HeldKind::Datagram, Family::V4).unwrap();
    udp.enable(&mut broker, &other).unwrap();
    udp.bind(HERE).unwrap();
    udp.transfer_ownership(&mut broker, "stream", b"", None).expect("names are an app's own");
    let all = broker.all_sockets(APP).unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["listener", "stream"]);
    assert_eq!((all["stream"].kind, all["listener"].kind), (HeldKind::Stream, HeldKind::Listener));
    for (id, wrong) in [("stream", HeldKind::Datagram), ("listener", HeldKind::Stream)] {
        assert!(matches!(broker.take(APP, id, wrong), Err(BrokerError::InvalidArgument(_))));
        broker.take(APP, id, all[id].kind).expect("it is still held");
    }
    assert!(broker.all_sockets(APP).unwrap().is_empty());
    assert_eq!(rig.held.rows().len(), 1);
}

#[test]
fn a_socket_that_is_released_is_closed_for_its_other_end() {
    let rig = Rig::new();
    let task = rig.task(NEVER);
    let mut far = rig.given(&task, "a");
    rig.broker().release(&task, "a").unwrap();
    assert_eq!(far.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a4_words_out_of_order_garbage_and_things_that_are_no_sockets_are_refused() {
    let rig = Rig::new();
    let task = rig.task(NEVER);
    let said = |bytes: &[u8], fd: Option<BorrowedFd<'_>>| {
        let stream = UnixStream::connect(&rig.socket).unwrap();
        let mut decoder = wire::Decoder::default();
        let mut reply = String::new();
        for (bytes, fd) in [(&b"{\"ask\":\"hello\",\"version\":1}"[..], None), (bytes, fd)] {
            let whole = [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
            wire::write(&stream, &whole, fd).unwrap();
            reply = loop {
                match decoder.take().unwrap() {
                    Some(message) => break String::from_utf8(message.bytes).unwrap(),
                    None => assert!(decoder.fill(&stream).unwrap(), "it was cut off after {reply:?}"),
                }
            };
        }
        reply
    };
    let file = std::fs::File::open("/dev/null").unwrap();
    let transfer = format!(r#"{{"ask":"transfer","task":"{task}","id":"a","kind":"stream"}}"#);
    assert!(said(transfer.as_bytes(), Some(file.as_fd())).contains("no socket"));
    assert!(said(transfer.as_bytes(), None).contains("invalid-argument"));
    let loose = TcpListener::bind(HERE).unwrap();
    assert!(said(transfer.as_bytes(), Some(loose.as_fd())).contains("not of the kind"));
    assert!(said(b"{\"ask\":\"hello\",\"version\":1}", None).contains("illegal-method-call"));
    assert!(said(b"{\"ask\":\"complete\"}", None).contains("illegal-method-call"));
    assert!(said(b"[[[[", None).contains("invalid-argument"));
    for start in [
        Start::Command { program: "sh".into(), args: vec![] },
        Start::Command { program: "/bin/sh".into(), args: vec!["x".into(); 65] },
        Start::Bus { name: "no name".into() },
    ] {
        assert!(matches!(rig.broker().register(APP, start, None), Err(BrokerError::InvalidArgument(_))));
    }
    assert!(rig.held.rows().is_empty());
}
