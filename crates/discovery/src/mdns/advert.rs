//! Our own advert: announced, replaced without a gap, withdrawn, contested.

use super::{Event, actor::Actor};
use crate::{announce::Announcement, fault::DiscoveryError};
use hither_model::InstanceId;
use mdns_sd::{DaemonEvent, ServiceInfo};
use std::time::Duration;
use tokio::time::Instant;

/// An advert that was replaced says goodbye after this time at the latest, whether its successor is out or not.
const RETIRE_WITHIN: Duration = Duration::from_secs(3);
/// A label that somebody else uses is given up at most this often.
const GIVE_WAY_EVERY: Duration = Duration::from_secs(10);
/// The goodbye is said twice, this far apart, because multicast gets lost.
const SECOND_GOODBYE: Duration = Duration::from_millis(150);

/// What is announced at the moment.
#[derive(Default)]
pub(super) struct Advertised {
    current: Option<(InstanceId, ServiceInfo)>,
    /// Adverts that were replaced and have not said goodbye yet.
    retiring: Vec<InstanceId>,
    retire_at: Option<Instant>,
    gave_way: Option<Instant>,
}

impl Advertised {
    pub(super) fn current(&self) -> Option<InstanceId> {
        self.current.as_ref().map(|(instance, _)| *instance)
    }

    pub(super) fn service(&self) -> Option<&ServiceInfo> {
        self.current.as_ref().map(|(_, service)| service)
    }

    pub(super) fn retire_at(&self) -> Option<Instant> {
        self.retire_at
    }

    /// Everything that is out there under our name; nothing is, after this.
    pub(super) fn take(&mut self) -> Vec<InstanceId> {
        let mut all = self.take_retired();
        all.extend(self.current.take().map(|(instance, _)| instance));
        all
    }

    fn take_retired(&mut self) -> Vec<InstanceId> {
        self.retire_at = None;
        std::mem::take(&mut self.retiring)
    }

    fn is_current(&self, full_name: &str) -> bool {
        self.service().is_some_and(|service| service.get_fullname().eq_ignore_ascii_case(full_name))
    }

    /// Whether the current advert was heard with a host that is not its own.
    pub(super) fn is_contested(&self, full_name: &str, host: &str) -> bool {
        let own_host = |service: &ServiceInfo| service.get_hostname().eq_ignore_ascii_case(host);
        self.is_current(full_name) && !self.service().is_some_and(own_host)
    }
}

impl Actor {
    pub(super) async fn announce(&mut self, announcement: Announcement) -> Result<(), DiscoveryError> {
        self.grant.check()?;
        let service = announcement.service()?;
        self.table.own(announcement.instance);
        if let Some(daemon) = &self.daemon {
            daemon.register(&service).await?;
        }
        let before = self.advertised.current.replace((announcement.instance, service));
        if let Some((instance, _)) = before.filter(|(instance, _)| *instance != announcement.instance) {
            self.advertised.retiring.push(instance);
            self.advertised.retire_at = Some(Instant::now() + RETIRE_WITHIN);
        }
        Ok(())
    }

    pub(super) async fn withdraw(&mut self) -> Result<(), DiscoveryError> {
        self.grant.check()?;
        let all = self.advertised.take();
        self.goodbye(all).await
    }

    /// The successor is out, or has taken too long.
    pub(super) async fn retire(&mut self) {
        let retired = self.advertised.take_retired();
        if let Err(error) = self.goodbye(retired).await {
            tracing::debug!(%error, "an earlier advert did not say goodbye");
        }
    }

    async fn goodbye(&mut self, instances: Vec<InstanceId>) -> Result<(), DiscoveryError> {
        let Some(daemon) = &self.daemon else { return Ok(()) };
        for instance in instances {
            daemon.goodbye(instance).await?;
        }
        Ok(())
    }

    /// Says goodbye and ends the thread. Without a grant not even that is said.
    pub(super) async fn finish(&mut self) {
        let all = self.advertised.take();
        let permitted = self.grant.check().is_ok();
        if permitted && !all.is_empty() && self.goodbye(all).await.is_ok() {
            tokio::time::sleep(SECOND_GOODBYE).await;
        }
        let Some(daemon) = self.daemon.take() else { return };
        daemon.shut(if permitted { &self.interfaces } else { &[] }).await;
    }

    pub(super) async fn own_event(&mut self, event: DaemonEvent) {
        match event {
            DaemonEvent::Announce(name, _) if self.advertised.is_current(&name) => self.retire().await,
            DaemonEvent::Error(error) => tracing::debug!(%error, "the mdns thread complains"),
            _ => {}
        }
    }

    /// Our label was heard with somebody else's host behind it: gives it up, but not faster than whoever does that
    /// should be able to make us talk.
    pub(super) async fn give_way(&mut self) {
        let recently = self.advertised.gave_way.is_some_and(|at| at.elapsed() < GIVE_WAY_EVERY);
        let Some(instance) = self.advertised.current().filter(|_| !recently) else { return };
        tracing::warn!("somebody else on the link uses the label of this advert");
        self.advertised.gave_way = Some(Instant::now());
        let all = self.advertised.take();
        if let Err(error) = self.goodbye(all).await {
            tracing::debug!(%error, "a contested advert did not say goodbye");
        }
        self.post(Event::NameTaken(instance));
    }
}
