//! The listener: bound under a grant, its connections brought as far as their opening frame before the engine hears of
//! them.

use crate::{
    door::{Porter, Purpose},
    event::Event,
    knocks::{Silence, Wire},
    state::State,
};
use hither_model::Failure;
use hither_socket::{Arrival, Caps, Connected, StreamSocketControl, StreamSocketListener};
use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc};

/// How long the opening frame may take.
const HELLO: Duration = Duration::from_secs(10);
/// Strangers who may be saying their opening frame at one time; one more takes the place of nobody and is let go.
const MAX_STRANGERS: usize = 16;
/// The same for those the door knows (friends, links, sessions that are taken up again).
const MAX_EXPECTED: usize = 48;

impl State {
    /// Takes the sockets handed over by the service manager, else binds the addresses wanted: those named, else every address with the port of last time, else a free port.
    pub(crate) fn bind(
        &mut self,
        wanted: &[SocketAddr],
        last: Option<u16>,
        handed_over: Vec<std::net::TcpListener>,
    ) -> Result<StreamSocketListener, Failure> {
        let grant = self.gate.listen()?;
        let control = watched;
        if !handed_over.is_empty() {
            return StreamSocketListener::adopt(grant, handed_over, control()).map_err(Failure::from);
        }
        if !wanted.is_empty() {
            return StreamSocketListener::bind(grant, wanted, control()).map_err(Failure::from);
        }
        let (six, four) = match self.loopback {
            true => (Ipv6Addr::LOCALHOST, Ipv4Addr::LOCALHOST),
            false => (Ipv6Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED),
        };
        let every = |port| [SocketAddr::from((six, port)), SocketAddr::from((four, port))];
        if let Some(port) = last
            && let Ok(listener) = StreamSocketListener::bind(grant.clone(), &every(port), control())
        {
            return Ok(listener);
        }
        StreamSocketListener::bind(grant.clone(), &every(0), control())
            // A kernel without IPv6.
            .or_else(|_| StreamSocketListener::bind(grant, &every(0)[1..], control()))
            .map_err(Failure::from)
    }

    /// Lets connections in from now on.
    pub(crate) fn serve(&mut self, listener: StreamSocketListener) {
        self.listen = listener.local_addrs().to_vec();
        self.standby.keep(&listener.handles());
        self.tunnels = Some(listener.tunnels());
        let cancel = self.cancel.child_token();
        self.listener = Some(cancel.clone());
        let (arrivals, inbox) = mpsc::channel(16);
        let door = Arc::new(self.door.porter());
        let profile = self.profile();
        let stop = cancel.clone();
        let caps = Caps { per_source: if self.loopback { 64 } else { Caps::default().per_source }, ..Caps::default() };
        self.tasks.spawn(async move {
            if let Err(error) = listener.serve(door, profile, caps, stop, arrivals).await {
                tracing::info!(%error, "the listener ended");
            }
        });
        self.tasks.spawn(receive(inbox, self.door.porter(), self.events.clone(), self.tasks.clone()));
    }

    /// Listens again on the same port, after the capability was granted again.
    pub(crate) fn listen_again(&mut self) -> Result<(), Failure> {
        let wanted = self.listen.clone();
        let listener = self.bind(&wanted, None, vec![])?;
        self.serve(listener);
        Ok(())
    }
}

/// The options of every connection: TCP looks after those that are silent, such as pipes nobody writes to.
pub(crate) fn watched() -> StreamSocketControl {
    let mut control = StreamSocketControl::default();
    // It says no only once connected.
    let _ = control.set_keep_alive(true);
    control
}

/// Takes connections as they come; each opening frame is read by a task of its own, under a clock.
async fn receive(
    mut inbox: mpsc::Receiver<Arrival>,
    porter: Porter,
    events: mpsc::Sender<Event>,
    tasks: tokio_util::task::TaskTracker,
) {
    let strangers = Arc::new(Semaphore::new(MAX_STRANGERS));
    let expected = Arc::new(Semaphore::new(MAX_EXPECTED));
    while let Some(Arrival { connected, rid, from }) = inbox.recv().await {
        let Some(purpose) = porter.purpose(&rid) else { continue };
        let places = if purpose == Purpose::Advert { &strangers } else { &expected };
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            tracing::debug!(%from, "too many connections have not said what for");
            continue;
        };
        let events = events.clone();
        tasks.spawn(async move {
            match (purpose, connected) {
                (Purpose::Lane(lane), Connected::Known(channel)) => {
                    let _ = events.send(Event::LaneArrived { lane, channel: Box::new(channel) }).await;
                }
                (Purpose::Lane(_), Connected::Stranger(_)) => {}
                (purpose, connected) => {
                    let mut wire = Wire::new(connected);
                    let hello = tokio::time::timeout(HELLO, wire.hello()).await;
                    drop(place);
                    match hello {
                        Ok(Ok(hello)) => {
                            let wire = Box::new(wire);
                            let _ = events.send(Event::Hello { wire, purpose, from, hello }).await;
                        }
                        Ok(Err(Silence::Breach(breach))) => tracing::debug!(%breach, "an opening frame was refused"),
                        Ok(Err(Silence::Lost)) | Err(_) => {}
                    }
                }
            }
        });
    }
}
