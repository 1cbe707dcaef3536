//! Unusual places: two people at one machine, a link without IPv4, a link with nothing but link-local addresses, a small
//! MTU, a lossy link.

use hither_tests::{
    Seat,
    acts::{deliver, meet, noise, sees},
    events::{kind, text},
    netns::{Lab, Loss, Shape},
    skip::skipped,
};
use std::fs;

fn works(ana: &Seat, ben: &Seat) {
    let (_a, _b) = (ana.agent("Ana"), ben.agent("Ben"));
    let met = meet(ana, ben, "Ben");
    fs::create_dir_all(ben.file("got")).unwrap();
    noise(&ana.file("file"), 3_000_000, 21).unwrap();
    deliver(ana, ben, &met.peer, "file", "got");
    assert!(fs::read(ben.file("got/file")).unwrap() == fs::read(ana.file("file")).unwrap());
}

#[test]
fn n8_a_link_without_ipv4_is_a_link() {
    let Some(lab) = Lab::shaped(2, Shape::IPV6_ONLY) else { return };
    works(&lab.seat(0), &lab.seat(1));
}

#[test]
fn n8_link_local_addresses_are_enough() {
    let Some(lab) = Lab::shaped(2, Shape { ula: false, ..Shape::IPV6_ONLY }) else { return };
    works(&lab.seat(0), &lab.seat(1));
}

#[test]
fn n8_the_smallest_mtu_of_ipv6_is_enough() {
    let Some(lab) = Lab::of(2) else { return };
    for host in 0..2 {
        lab.host(host).shell("ip link set eth0 mtu 1280").unwrap();
    }
    works(&lab.seat(0), &lab.seat(1));
}

#[test]
fn n1_a_link_that_loses_every_twentieth_packet_loses_no_byte() {
    let Some(lab) = Lab::of(2) else { return };
    lab.lose(1, Loss(5)).unwrap();
    works(&lab.seat(0), &lab.seat(1));
}

#[test]
fn two_people_at_one_machine_have_agents_of_their_own() {
    let Some(lab) = Lab::of(1) else { return };
    if !lab.host(0).knows_user(1001) {
        return skipped("netns", "two users need root outside of a user namespace");
    }
    let (ana, ben) = (lab.host(0).seat("ana", 1001), lab.host(0).seat("ben", 1002));
    let (_a, _b) = (ana.agent("Ana"), ben.agent("Ben"));
    sees(&ben, "Ana");
    let met = meet(&ana, &ben, "Ben");
    let rows = ben.rows(["sessions"]);
    assert!(rows.iter().any(|v| kind(v) == "session" && text(v, "session") == met.session), "{rows:?}");
    // Neither reaches the other's agent, profile or runtime directory.
    let peek = ana.start("ls", [ben.at("profile"), ben.at("run")]).end(hither_tests::run::SOON);
    assert_ne!(peek.code, Some(0));
}
