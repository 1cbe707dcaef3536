//! The clock: looks at the interfaces, follows their changes, and sees to it that the mDNS thread is alive.
//!
//! On another network the thread is started anew: its sockets' memberships may be stale, what it remembers is of the old
//! network, and its labels must not be heard on the new one. Goodbye is said only where the network is still the same.

use super::{
    Event,
    actor::{Actor, CHECK_EVERY, wall},
    daemon::port_trouble,
};
use crate::interfaces::{Interface, Shift, shift, stayed};
use hither_model::MediumState;
use std::{collections::BTreeSet, net::IpAddr, time::Duration};
use tokio::time::Instant;

/// Rows that a new thread has not heard again after this time are gone. It asks three times until then.
const SWEEP_AFTER: Duration = Duration::from_secs(5);
/// Addresses that a new thread has not heard again are believed for so much longer: the lifetime of an address record
/// (RFC 6762 section 10).
const FORGET_AFTER: Duration = Duration::from_secs(120);
/// A thread that holds more records and timers than this is started again.
const MAX_LOAD: u64 = 50_000;

impl Actor {
    pub(super) async fn tick(&mut self) {
        let now = Instant::now();
        let past = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if self.next_check <= now {
            self.next_check = now + CHECK_EVERY;
            self.check().await;
        }
        if self.next_look <= now {
            self.look().await;
            self.next_look = self.after_look();
            if self.looks_seldom() {
                // One moment for both: a machine at rest is woken once.
                self.next_check = self.next_look;
            }
        }
        if past(self.advertised.retire_at()) {
            self.retire().await;
        }
        if past(self.sweep_at) {
            self.sweep_at = None;
            self.table.sweep();
            self.forget_at = Some(now + FORGET_AFTER);
        }
        if past(self.forget_at) {
            self.forget_at = None;
            self.table.forget_earlier(wall());
        }
        if past(self.retry_at) {
            self.start_over().await;
        }
        self.mind().await;
    }

    async fn check(&mut self) {
        if self.grant.check().is_err() {
            return self.fall_silent().await;
        }
        self.check_thread().await;
    }

    async fn look(&mut self) {
        let interfaces = match self.scanner.scan() {
            Ok(all) => self.rule.select(&all),
            Err(error) => return tracing::debug!(%error, "the interfaces cannot be listed"),
        };
        match shift(&self.interfaces, &interfaces) {
            Shift::None => {}
            Shift::Readdressed => self.readdressed(interfaces).await,
            Shift::Moved { added, removed } => {
                tracing::info!(?added, ?removed, "the network changed");
                self.moved(interfaces).await;
                self.post(Event::NetworkChanged { added, removed });
            }
        }
    }

    /// The grant was revoked: not even a goodbye leaves.
    async fn fall_silent(&mut self) {
        self.advertised.take();
        (self.retry_at, self.sweep_at, self.forget_at) = (None, None, None);
        if let Some(daemon) = self.daemon.take() {
            daemon.shut(&[]).await;
        }
        self.table.clear();
        self.tell_state(MediumState::Off);
    }

    async fn check_thread(&mut self) {
        let Some(daemon) = &mut self.daemon else { return };
        match daemon.load().await {
            Ok(None) => {}
            Ok(Some(load)) if load > MAX_LOAD => {
                tracing::warn!(load, "the mdns thread remembers too much; starting over");
                self.restart_quietly().await;
            }
            Ok(Some(_)) if self.port_trouble && port_trouble() == Ok(None) => self.restart_quietly().await,
            Ok(Some(_)) => self.failures = 0,
            Err(error) => self.fail(error).await,
        }
    }

    async fn readdressed(&mut self, interfaces: Vec<Interface>) {
        let addresses = |all: &[Interface]| -> BTreeSet<(u32, IpAddr)> {
            all.iter().flat_map(|i| i.addrs.iter().map(|a| (i.index, a.ip))).collect()
        };
        let only_more = addresses(&interfaces).is_superset(&addresses(&self.interfaces));
        self.interfaces = interfaces;
        self.table.relink(wall(), self.interfaces.clone());
        let Some(daemon) = self.daemon.as_ref() else { return };
        if !only_more {
            // A running thread goes on announcing an address that it was told of once.
            self.restart_quietly().await;
        } else if let Err(error) = daemon.allow(&self.interfaces).await {
            self.fail(error).await;
        }
    }

    async fn moved(&mut self, interfaces: Vec<Interface>) {
        let same: Vec<Interface> =
            self.interfaces.iter().filter(|old| interfaces.iter().any(|new| stayed(old, new))).cloned().collect();
        self.advertised.take();
        if let Some(daemon) = self.daemon.take() {
            daemon.shut(&same).await;
        }
        self.interfaces = interfaces;
        self.table.relink(wall(), self.interfaces.clone());
        self.start_over().await;
    }

    /// Another thread for the same advert: no goodbye.
    pub(super) async fn restart_quietly(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.shut(&[]).await;
        }
        self.start_over().await;
    }

    async fn start_over(&mut self) {
        self.table.begin_round();
        self.sweep_at = Some(Instant::now() + SWEEP_AFTER);
        self.bring_up().await;
    }
}
