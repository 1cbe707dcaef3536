//! Programs that are started, and those that do not finish.

use super::*;
use crate::held::{book::Task, state::Told, unix_now};
use hither_broker::{Condition, Reason};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::{
    io::{Read, Write},
    path::Path,
    thread,
};
use tokio::time::Instant;

/// A place where a script says something; reading waits until it has said it and ended.
fn said(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn pipe(rig: &Rig, name: &str) -> PathBuf {
    let path = rig.top.path().join(name);
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    path
}

#[test]
fn r4_7_a_byte_starts_who_is_to_read_it_and_it_is_still_unread() {
    // The script asks for nothing: it must not be started a second time.
    let rig = Rig::with(Bounds { pause: Duration::from_secs(600), ..Bounds::default() });
    let path = pipe(&rig, "said");
    let task = rig.task(&format!("echo \"$HITHER_TASK $HITHER_BROKER\" >{}", path.display()));
    let mut far = rig.given(&task, "a");
    far.write_all(b"x").unwrap();
    assert_eq!(said(&path).trim(), format!("{task} {}", rig.socket.display()));
    let mut handler = rig.handler(&task);
    let told = next(&mut handler);
    assert_eq!((told.reason, told.id.as_str()), (Reason::SocketActivity, "a"));
    let socket = handler.take(&told, HeldKind::Stream).unwrap().socket;
    assert_eq!(socket.receive(&mut [0; 8]).unwrap(), 1);
    handler.give(&socket, "a", b"", None).unwrap();
    handler.complete().unwrap();
    assert_eq!(rig.held.rows()[0].woken, 1);
}

#[test]
fn r4_13_a_program_that_takes_too_long_is_ended_and_its_socket_is_held_again() {
    let rig =
        Rig::with(Bounds { time: Duration::from_millis(300), pause: Duration::from_secs(600), ..Bounds::default() });
    let path = pipe(&rig, "said");
    let task = rig.task(&format!("exec 3>{}; echo begun >&3; sleep 1000", path.display()));
    let mut far = rig.given(&task, "a");
    far.write_all(b"x").unwrap();
    // It returns when the last process that has the pipe is gone.
    assert_eq!(said(&path), "begun\n");
    let why = loop {
        // It is said by whoever ended it, who may be a moment behind.
        match rig.held.rows()[0].why.clone() {
            Some(why) => break why,
            None => thread::yield_now(),
        }
    };
    assert!(why.contains("did not ask"), "{why}");
    let mut handler = rig.handler(&task);
    let told = next(&mut handler);
    let slow = handler.take(&told, HeldKind::Stream).unwrap().socket;
    // Whoever is told and does not finish loses the socket to the next.
    let mut second = rig.handler(&task);
    let again = next(&mut second);
    assert_eq!(again.reason, Reason::SocketActivity);
    assert!(rig.held.rows()[0].why.clone().unwrap().contains("ExecutionTimeExceeded"));
    assert!(handler.complete().is_err(), "the time was over");
    let socket = second.take(&again, HeldKind::Stream).unwrap().socket;
    assert_eq!(socket.inode().unwrap(), slow.inode().unwrap());
    second.complete().unwrap();
}

#[test]
fn r4_13_a_program_that_ends_before_it_is_done_gives_its_socket_back() {
    let rig = Rig::new();
    let task = rig.task(NEVER);
    let mut far = rig.given(&task, "a");
    let mut first = rig.handler(&task);
    far.write_all(b"x").unwrap();
    let told = next(&mut first);
    drop(first.take(&told, HeldKind::Stream).unwrap());
    drop(first);
    let mut second = rig.handler(&task);
    assert_eq!(next(&mut second).reason, Reason::SocketActivity);
    let mut byte = [0];
    second.take(&told, HeldKind::Stream).unwrap().socket.send(b"!").unwrap();
    far.read_exact(&mut byte).unwrap();
}

#[test]
fn r4_14_what_waits_for_a_network_is_kept_and_nothing_is_dropped() {
    let rig = Rig::new();
    // The broker's own clock stands still: the test says what time and what network it is.
    rig.stop.cancel();
    let path = pipe(&rig, "said");
    let args = vec!["-c".to_owned(), format!("echo started >{}", path.display())];
    let start = Start::Command { program: "/bin/sh".into(), args };
    let task = Task::new(APP.into(), start, Some(Condition::InternetAvailable));
    let id = task.id.clone();
    rig.held.state().tasks.insert(id.clone(), Told::new(task));
    let _running = rig.runtime.enter();
    let mut far = Vec::new();
    for name in ["a", "b"] {
        let server = TcpListener::bind(HERE).unwrap();
        far.push(TcpStream::connect(server.local_addr().unwrap()).unwrap());
        let ask = hither_broker::message::Ask::Transfer {
            task: id.clone(),
            id: name.into(),
            kind: HeldKind::Stream,
            context: String::new(),
            keep_alive: None,
        };
        rig.held.answer(1, ask, Some(server.accept().unwrap().0.into())).unwrap();
    }
    far.iter_mut().for_each(|far| far.write_all(b"x").unwrap());
    let wanted =
        || rig.held.state().entries.values().filter(|e| matches!(e.stage, crate::held::Stage::Wanted(_))).count();
    while wanted() < 2 {
        thread::yield_now();
    }
    let now = Instant::now();
    assert_eq!(rig.held.pump(now, false), Some(now + crate::held::LOOKING), "it is looked again");
    assert!(rig.held.state().launches.is_empty(), "it was started without a network");
    rig.held.pump(now, true);
    assert_eq!((said(&path).as_str(), wanted()), ("started\n", 2), "both are told to it");
    assert!(rig.held.rows().iter().all(|row| row.woken == 1 && row.at <= unix_now()));
}

#[test]
fn a_task_is_started_five_times_a_minute_and_after_failures_less_often() {
    let start = Start::Bus { name: "org.example.Echo".into() };
    let (begin, most) = (Instant::now(), 5);
    let mut told = Told::new(Task::new(APP.into(), start, None));
    for second in 0..5 {
        let now = begin + Duration::from_secs(second);
        assert_eq!(super::super::runs::permitted(Some(&mut told), now, most), Ok(()));
        told.starts.push_back(now);
    }
    let minute = begin + Duration::from_secs(60);
    assert_eq!(super::super::runs::permitted(Some(&mut told), begin + Duration::from_secs(9), most), Err(minute));
    assert_eq!(super::super::runs::permitted(Some(&mut told), minute, most), Ok(()));
    let pauses: Vec<u64> = (0..10)
        .map(|_| {
            told.failed(begin, Duration::from_secs(2));
            told.not_before.unwrap().duration_since(begin).as_secs()
        })
        .collect();
    assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
}

#[test]
fn a_program_that_cannot_be_started_is_said_to_be_so() {
    let rig = Rig::with(Bounds { pause: Duration::from_secs(600), ..Bounds::default() });
    let start = Start::Command { program: "/no/such/program".into(), args: vec![] };
    let task = rig.broker().register(APP, start, None).unwrap();
    let mut far = rig.given(&task, "a");
    far.write_all(b"x").unwrap();
    let why = loop {
        match rig.held.rows()[0].why.clone() {
            Some(why) => break why,
            None => thread::yield_now(),
        }
    };
    assert!(why.contains("could not be started"), "{why}");
}

#[test]
fn when_the_one_who_was_told_has_left_a_program_is_started() {
    let rig = Rig::new();
    let path = pipe(&rig, "said");
    let task = rig.task(&format!("echo started >{}", path.display()));
    let mut handler = rig.handler(&task);
    let mut far = rig.given(&task, "a");
    far.write_all(b"x").unwrap();
    let told = next(&mut handler);
    let socket = handler.take(&told, HeldKind::Stream).unwrap().socket;
    assert_eq!(socket.receive(&mut [0; 8]).unwrap(), 1);
    handler.give(&socket, "a", b"", None).unwrap();
    handler.complete().unwrap();
    assert_eq!(handler.next(false).unwrap(), None);
    drop(handler);
    far.write_all(b"y").unwrap();
    assert_eq!(said(&path), "started\n");
}
