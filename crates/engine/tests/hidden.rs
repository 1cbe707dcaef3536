//! D9 in a program of its own, so that its threads and sockets can be counted: who is visible to nobody has no thread for
//! multicast DNS and no socket on its port, and so sends nothing, not even a probe or a goodbye.

use hither_engine::{Engine, Handle, Interfaces, Options, Settings};
use hither_model::{Ask, DisplayName, Medium, MediumState, row::Visibility};
use std::{collections::BTreeSet, fs, path::Path, time::Duration};

async fn start(profile: &Path, visibility: Visibility) -> Handle {
    let settings = Settings {
        name: Some(DisplayName::new(&format!("Hidden {}", std::process::id())).unwrap()),
        visibility,
        inbox: profile.join("inbox"),
        allow_tls12: false,
        revoked: vec![],
        interfaces: Interfaces { include: vec!["lo".into()], ..Interfaces::default() },
        notifications: true,
        certificates: Default::default(),
        bluetooth: Default::default(),
    };
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let profile = profile.to_owned();
    let options = Options {
        profile,
        listen,
        listeners: vec![],
        standby: hither_engine::nobody(),
        settings,
        mdns: true,
        ble: true,
        websocket: Default::default(),
        loopback: true,
    };
    let (handle, started) = Engine::start(options).await.unwrap();
    let expected = if visibility == Visibility::Nobody { MediumState::Off } else { MediumState::On };
    assert_eq!(started.media[&Medium::Mdns], expected);
    handle
}

/// UDP sockets of this very program on port 5353.
fn multicast_sockets() -> usize {
    let mine: BTreeSet<String> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.ok()?.path()).ok()?.to_str().map(str::to_owned))
        .collect();
    let count = |table: &str| {
        let table = fs::read_to_string(table).unwrap_or_default();
        let on_port =
            table.lines().skip(1).filter(|line| line.split_whitespace().nth(1).is_some_and(|l| l.ends_with(":14E9")));
        let inodes = on_port.filter_map(|line| line.split_whitespace().nth(9));
        inodes.filter(|inode| mine.contains(&format!("socket:[{inode}]"))).count()
    };
    count("/proc/self/net/udp") + count("/proc/self/net/udp6")
}

/// Threads of this program that speak multicast DNS; they open the sockets.
fn multicast_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.to_lowercase().contains("mdns")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d9_who_is_visible_to_nobody_has_no_socket_on_the_multicast_port() {
    let dir = tempfile::tempdir().unwrap();
    let handle = start(dir.path(), Visibility::Nobody).await;
    handle.ask(1, Ask::Near).await.unwrap();
    // What the doctor does takes a while, in which a thread would have come up.
    handle.ask(1, Ask::Doctor { peer: None }).await.unwrap();
    assert_eq!((multicast_threads(), multicast_sockets()), (0, 0));
    let visible = |visibility| Ask::SetVisibility { visibility, name: None, seconds: None };
    handle.ask(1, visible(Visibility::Known)).await.unwrap();
    until("the count counts", || multicast_threads() == 1 && multicast_sockets() > 0).await;
    handle.ask(1, visible(Visibility::Nobody)).await.unwrap();
    until("everything is closed", || multicast_threads() == 0 && multicast_sockets() == 0).await;
    handle.ask(1, Ask::Doctor { peer: None }).await.unwrap();
    assert_eq!((multicast_threads(), multicast_sockets()), (0, 0), "nor does the doctor ask the link");
    handle.stop().await;
    handle.stopped().await;
    let handle = start(dir.path(), Visibility::Nobody).await;
    handle.ask(1, Ask::Doctor { peer: None }).await.unwrap();
    assert_eq!((multicast_threads(), multicast_sockets()), (0, 0), "nor after a restart");
    handle.stop().await;
    handle.stopped().await;
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        while !holds() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect(what);
}
