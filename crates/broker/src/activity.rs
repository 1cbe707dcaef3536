//! What a program is wanted for: it asks, takes the socket, hands it back, and says when it is done.

use crate::{
    broker::{Broker, Held, decoded},
    fault::BrokerError,
    message::{Ask, Reason, Reply},
    place::TASK,
    socket::Socket,
};
use hither_model::row::HeldKind;

/// Why a program is wanted, and for which socket (R4.7–R4.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketActivity {
    /// Why.
    pub reason: Reason,
    /// Whose socket.
    pub app: String,
    /// The task.
    pub task: String,
    /// The socket's name.
    pub id: String,
    /// What it is.
    pub kind: HeldKind,
    /// What was handed over with it, unchanged.
    pub context: Vec<u8>,
}

/// One who does what a task is for. What it was given has to be done, and [`Handler::complete`] said, within 30 seconds; if not,
/// a program that the agent started is ended, and its sockets are held again (R4.13).
#[derive(Debug)]
pub struct Handler {
    broker: Broker,
    task: String,
}

impl Handler {
    /// For a program that the agent has started.
    ///
    /// # Errors
    /// It was not, or the agent does not answer.
    pub fn of_env() -> Result<Self, BrokerError> {
        let task = std::env::var(TASK);
        let task =
            task.map_err(|_| BrokerError::IllegalMethodCall(format!("the agent did not start this: no {TASK}")))?;
        Ok(Self::new(Broker::open()?, task))
    }

    /// For a program that runs already: as long as it waits in [`Handler::next`], it is told and not started.
    #[must_use]
    pub fn new(broker: Broker, task: String) -> Self {
        Self { broker, task }
    }

    /// What the program is wanted for next; `None` if for nothing and `wait` is not said.
    ///
    /// # Errors
    /// The task is not known, or the connection broke.
    pub fn next(&mut self, wait: bool) -> Result<Option<SocketActivity>, BrokerError> {
        match self.broker.call(&Ask::Next { task: self.task.clone(), wait }, None)?.0 {
            Reply::Trigger { reason, app, task, id, kind, context } => {
                let context = decoded(&context)?;
                Ok(Some(SocketActivity { reason, app, task, id, kind, context }))
            }
            Reply::Nothing => Ok(None),
            _ => Err(BrokerError::unexpected("no trigger")),
        }
    }

    /// Takes the socket that this is about.
    ///
    /// # Errors
    /// It is of another kind, or gone ([`Reason::SocketClosed`]).
    pub fn take(&mut self, activity: &SocketActivity, kind: HeldKind) -> Result<Held, BrokerError> {
        self.broker.take(&activity.app, &activity.id, kind)
    }

    /// Hands a socket back, or another one over: as [`Socket::transfer_ownership`].
    ///
    /// # Errors
    /// As there.
    pub fn give(
        &mut self,
        socket: &Socket,
        id: &str,
        context: &[u8],
        keep_alive: Option<std::time::Duration>,
    ) -> Result<(), BrokerError> {
        socket.transfer_ownership(&mut self.broker, id, context, keep_alive)
    }

    /// All that was given so far is done. Sockets that were taken and not handed back are this program's own; those that were
    /// not taken bring no more events (R4.11).
    ///
    /// # Errors
    /// The time is over and the sockets are held again.
    pub fn complete(&mut self) -> Result<(), BrokerError> {
        self.broker.done(&Ask::Complete, None)
    }

    /// The connection, for everything else.
    pub fn broker(&mut self) -> &mut Broker {
        &mut self.broker
    }
}
