//! One connection between a program of this machine and a lane, for as long as both want it and the leave lasts. The two
//! directions end separately; what breaks on one side is broken off on the other, so that a cut is never taken for an end.

use super::{Arrived, ForwardId, Report};
use crate::event::Event;
use hither_capability::{Forward, Grant};
use hither_model::{ErrorCode, Failure};
use hither_socket::PeerStream;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::copy_bidirectional_with_sizes,
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Bytes of each direction that wait for the slower side, beyond what the system keeps.
const CHUNK: usize = 32 * 1024;
/// How long a service of this machine may take to accept a connection.
const TARGET_WITHIN: Duration = Duration::from_secs(5);
/// How long a program here waits for its turn to have a lane made.
const TURN_WITHIN: Duration = Duration::from_secs(15);
/// Pause after the system had no connection to give.
const BREATH: Duration = Duration::from_millis(200);

/// Moves bytes both ways until both directions have ended, one side breaks, or `cancel`.
pub(super) async fn carry(mut local: TcpStream, mut lane: PeerStream, cancel: CancellationToken) -> (u64, u64) {
    let whole = tokio::select! {
        biased;
        () = cancel.cancelled() => false,
        moved = copy_bidirectional_with_sizes(&mut local, &mut lane, CHUNK, CHUNK) => moved.is_ok(),
    };
    let moved = (lane.meter().bytes_in(), lane.meter().bytes_out());
    if !whole {
        break_off(local);
    }
    moved
}

/// Ends a connection so that the program at its other end sees a fault and no end.
pub(super) fn break_off(local: TcpStream) {
    // If it cannot be set, the connection is gone already.
    let _ = local.set_zero_linger();
}

/// Connects to a service of this machine, at the very address that was checked.
pub(super) async fn reach(target: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = match tokio::time::timeout(TARGET_WITHIN, TcpStream::connect(target)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(unreached(&error)),
        Err(_) => {
            let seconds = TARGET_WITHIN.as_secs();
            let message = format!("the service there did not take the connection within {seconds} seconds");
            return Err(Failure::new(ErrorCode::TimedOut, message));
        }
    };
    // A port that was free can meet itself on loopback (simultaneous open).
    if stream.local_addr().ok() == stream.peer_addr().ok() {
        return Err(unreached(&io::ErrorKind::ConnectionRefused.into()));
    }
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

fn unreached(error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => "no program listens".to_owned(),
        kind => kind.to_string(),
    };
    Failure::new(ErrorCode::Unreachable, format!("the service there cannot be reached: {why}"))
        .hint("ask them to start it")
}

/// What stands at the address where a service of another device is reached.
pub(super) struct Post {
    pub(super) forward: ForwardId,
    pub(super) grant: Grant<Forward>,
    /// Seats of this address, and of all together.
    pub(super) seats: [Arc<Semaphore>; 2],
    /// Lanes that may be made at a time.
    pub(super) turns: Arc<Semaphore>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) tasks: TaskTracker,
    pub(super) cancel: CancellationToken,
}

impl Post {
    /// Takes connections of this machine's programs until it is cancelled. One for which there is no seat is broken off
    /// at once.
    pub(super) async fn attend(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let (local, from) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!(%error, "no connection can be taken");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            match self.seat(from) {
                Some(seat) => self.take_turn(Arrived { forward: self.forward, local, seat }),
                None => break_off(local),
            }
        }
    }

    fn seat(&self, from: SocketAddr) -> Option<[OwnedSemaphorePermit; 2]> {
        if let Err(denied) = self.grant.permits(from) {
            tracing::debug!(%denied, "a connection was not taken");
            return None;
        }
        let [own, all] = &self.seats;
        let seats = (Arc::clone(own).try_acquire_owned(), Arc::clone(all).try_acquire_owned());
        let (Ok(own), Ok(all)) = seats else {
            tracing::debug!("too many connections at once");
            return None;
        };
        Some([own, all])
    }

    /// Waits until a lane may be made for it.
    fn take_turn(&self, arrived: Arrived) {
        let (turns, events, cancel) = (Arc::clone(&self.turns), self.events.clone(), self.cancel.clone());
        let _ = arrived.local.set_nodelay(true);
        self.tasks.spawn(async move {
            let turn: Option<OwnedSemaphorePermit> = tokio::select! {
                biased;
                () = cancel.cancelled() => None,
                turn = tokio::time::timeout(TURN_WITHIN, turns.acquire_owned()) => turn.ok().and_then(Result::ok),
            };
            match turn {
                Some(turn) => {
                    let report = Report::Arrived { arrived: Box::new(arrived), turn };
                    let _ = events.send(Event::Services(report)).await;
                }
                None => break_off(arrived.local),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

    #[tokio::test(start_paused = true)]
    async fn w6_a_target_that_takes_no_connection_is_given_up_after_five_seconds() {
        // No room to wait in: the first connection fills it, the others get no answer.
        let full = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&full, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        listen(&full, 0).unwrap();
        let target: SocketAddr = getsockname(&full).unwrap().try_into().unwrap();
        let mut kept = Vec::new();
        let began = tokio::time::Instant::now();
        let failure = loop {
            match reach(target).await {
                Ok(stream) => kept.push(stream),
                Err(failure) => break failure,
            }
        };
        assert!(kept.len() < 8, "it was full before");
        assert_eq!((failure.code, began.elapsed().as_secs()), (ErrorCode::TimedOut, 5));
    }

    #[tokio::test]
    async fn w6_a_target_where_nobody_listens_is_told_at_once() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let failure = reach(free).await.unwrap_err();
        assert_eq!(failure.code, ErrorCode::Unreachable);
        assert!(failure.message.ends_with("no program listens"), "{failure}");
    }
}
