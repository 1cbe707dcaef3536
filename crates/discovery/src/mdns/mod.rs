//! Multicast DNS: one responder and one browser in this process, kept running, following the network.
//!
//! The engine holds [`Mdns`]; behind it one task owns everything (`actor`), and behind that runs the thread of the
//! `mdns-sd` crate (`daemon`). Hidden (visibility `nobody`) means that no [`Mdns`] exists: then not one packet leaves
//! (D9). Whatever sends needs the grant, which is looked at again before every request and every five seconds.
//!
//! Nothing is sent or believed on interfaces that the rule leaves out. What is *not* here: the choice of labels, tags and
//! names, and when they change; that is the caller's, who is told when the network changed.

mod actor;
mod advert;
mod daemon;
mod hearing;
mod network;

use crate::{
    announce::Announcement,
    fault::DiscoveryError,
    interfaces::{InterfaceRule, Scanner},
    sightings::Sighting,
};
use hither_capability::{Discover, Grant};
use hither_model::{InstanceId, MediumState};
use std::net::IpAddr;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the task.
const QUEUE: usize = 64;

/// What the network says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A device is heard, or says something new; at most once a second for one advert.
    Seen(Sighting),
    /// An advert said goodbye, lapsed, or cannot be reached any more. Says nothing about an open session (D6).
    Gone(InstanceId),
    /// This machine is, or may be, on another network. The advert is withdrawn already: announce one with fresh labels.
    NetworkChanged {
        /// Names of interfaces that came, or whose network is another now.
        added: Vec<String>,
        /// Names of interfaces that went, or whose network is another now.
        removed: Vec<String>,
    },
    /// Somebody else uses the label of this advert, which is withdrawn: announce one with fresh labels. At most once in
    /// ten seconds.
    NameTaken(InstanceId),
    /// Whether the medium works.
    State(MediumState),
}

/// When something was heard last, by multicast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// Our own advert came back, so many milliseconds ago: sending and receiving work on this machine. Devices speak up
    /// when something changes, so a long time means little, but never (`None`) while announcing means a lot.
    pub own_ms_ago: Option<u64>,
    /// Another device's advert.
    pub others_ms_ago: Option<u64>,
}

/// A request to the task, with the way back.
#[derive(Debug)]
enum Request {
    Announce(Box<Announcement>, oneshot::Sender<Result<(), DiscoveryError>>),
    Withdraw(oneshot::Sender<Result<(), DiscoveryError>>),
    Browse(bool, oneshot::Sender<Result<(), DiscoveryError>>),
    Refresh(oneshot::Sender<Result<(), DiscoveryError>>),
    Keep(InstanceId, bool),
    Expire(InstanceId),
    Heard(oneshot::Sender<Heard>),
    Advertised(oneshot::Sender<Vec<(String, Vec<IpAddr>)>>),
    Stop(oneshot::Sender<()>),
}

/// Discovery by multicast DNS, running. Dropping it says goodbye as well, if the runtime lives long enough.
#[derive(Debug)]
pub struct Mdns {
    requests: mpsc::Sender<Request>,
}

impl Mdns {
    /// Starts listening and browsing on the interfaces of `rule`. Needs a Tokio runtime. Trouble with the network or the
    /// port is not an error here: it is told as [`Event::State`], and tried again with growing pauses.
    ///
    /// A reader that lets `events` run full gets changes merged, not lost.
    ///
    /// # Errors
    /// [`DiscoveryError::Denied`]; [`DiscoveryError::System`] if the interfaces cannot be listed.
    pub async fn start(
        grant: Grant<Discover>,
        rule: InterfaceRule,
        events: mpsc::Sender<Event>,
    ) -> Result<Self, DiscoveryError> {
        grant.check()?;
        let rule = InterfaceRule { loopback: rule.loopback && grant.loopback(), ..rule };
        let mut scanner = Scanner::default();
        let interfaces = rule.select(&scanner.scan().map_err(DiscoveryError::system)?);
        let (requests, inbox) = mpsc::channel(QUEUE);
        let mut actor = actor::Actor::new(grant, rule, scanner, interfaces, events);
        actor.bring_up().await;
        tokio::spawn(actor.run(inbox));
        Ok(Self { requests })
    }

    /// Announces this device. An earlier advert says goodbye once the new one is out, so there is no gap.
    ///
    /// # Errors
    /// [`DiscoveryError::Denied`], [`DiscoveryError::Advert`], [`DiscoveryError::Silent`], [`DiscoveryError::Stopped`].
    pub async fn announce(&self, announcement: Announcement) -> Result<(), DiscoveryError> {
        self.ask(|back| Request::Announce(Box::new(announcement), back)).await?
    }

    /// Says goodbye and announces nothing any more; goes on listening.
    ///
    /// # Errors
    /// [`DiscoveryError::Denied`], [`DiscoveryError::Silent`], [`DiscoveryError::Stopped`].
    pub async fn withdraw(&self) -> Result<(), DiscoveryError> {
        self.ask(Request::Withdraw).await?
    }

    /// Starts or stops looking for others; on after the start. Switched off, all rows are gone.
    ///
    /// # Errors
    /// [`DiscoveryError::Denied`], [`DiscoveryError::Silent`], [`DiscoveryError::Stopped`].
    pub async fn browse(&self, on: bool) -> Result<(), DiscoveryError> {
        self.ask(|back| Request::Browse(on, back)).await?
    }

    /// Asks the link again who is there: a person is looking.
    ///
    /// # Errors
    /// [`DiscoveryError::Denied`], [`DiscoveryError::Silent`], [`DiscoveryError::Stopped`].
    pub async fn refresh(&self) -> Result<(), DiscoveryError> {
        self.ask(Request::Refresh).await?
    }

    /// Marks the advert of a known device, so that no flood pushes it off the list (or unmarks it).
    pub async fn keep(&self, instance: InstanceId, keep: bool) {
        // A task that is gone has no list either.
        let _ = self.requests.send(Request::Keep(instance, keep)).await;
    }

    /// A dial failed: asks the device whether it is still there. [`Event::Gone`] follows within about three seconds
    /// unless it answers.
    pub async fn expire(&self, instance: InstanceId) {
        let _ = self.requests.send(Request::Expire(instance)).await;
    }

    /// When something was heard last.
    pub async fn heard(&self) -> Heard {
        self.ask(Request::Heard).await.unwrap_or_default()
    }

    /// On which interfaces we are announced, and with which addresses; empty if we are not.
    pub async fn advertised(&self) -> Vec<(String, Vec<IpAddr>)> {
        self.ask(Request::Advertised).await.unwrap_or_default()
    }

    /// Says goodbye and ends. When this returns, no packet leaves any more, and everything else asked of it is answered
    /// with [`DiscoveryError::Stopped`].
    pub async fn stop(&self) {
        let _ = self.ask(Request::Stop).await;
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, DiscoveryError> {
        let (back, answer) = oneshot::channel();
        self.requests.send(request(back)).await.map_err(|_| DiscoveryError::Stopped)?;
        answer.await.map_err(|_| DiscoveryError::Stopped)
    }
}
