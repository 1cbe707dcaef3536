//! The way to the agent. It is started when it is absent, as the command line does it; unless it was stopped on purpose:
//! then only a person starts it again.
//!
//! Every question has a connection of its own: an agent that was restarted in between is simply met anew, a slow answer
//! holds nothing up, and no question is ever said twice.

use hither_control::{Client, NewsFeed, Start, agent_program};
use hither_model::{Answer, Ask, ErrorCode, Failure};
use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::sync::watch;

/// The agent of one profile.
#[derive(Debug)]
pub(crate) struct Reach {
    profile: PathBuf,
    may_start: AtomicBool,
    woken: watch::Sender<u64>,
}

impl Reach {
    /// The agent of this profile.
    pub(crate) fn new(profile: PathBuf) -> Self {
        Self { profile, may_start: AtomicBool::new(true), woken: watch::Sender::new(0) }
    }

    /// Asks. An agent that is absent is not started for a question: that is for those who listen.
    ///
    /// # Errors
    /// The failure the agent answered with, or whatever kept it from being asked.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, Failure> {
        let stops = ask == Ask::Stop;
        let answer = match self.client().await?.ask(ask).await? {
            Answer::Failed { failure } => return Err(failure),
            answer => answer,
        };
        if stops {
            self.stopped();
        }
        Ok(answer)
    }

    /// A connection for several questions, to an agent that runs.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        Client::connect(&self.profile).await
    }

    /// News from the agent, which is started if it is absent.
    ///
    /// # Errors
    /// There is no agent, and it may not or could not be started; or it is of another version.
    pub(crate) async fn feed(&self) -> Result<NewsFeed, Failure> {
        let client = match Client::connect(&self.profile).await {
            Err(failure) if failure.code == ErrorCode::NoAgent && self.starts_it() => {
                let start = Start { program: agent_program()? };
                Client::connect_or_start(&self.profile, &start).await?.0
            }
            other => other?,
        };
        client.news().await
    }

    /// Whether an absent agent is started again without a person saying so.
    pub(crate) fn starts_it(&self) -> bool {
        self.may_start.load(Ordering::Relaxed)
    }

    /// The agent stops on purpose.
    pub(crate) fn stopped(&self) {
        self.may_start.store(false, Ordering::Relaxed);
    }

    /// A person wants it started.
    pub(crate) fn wanted(&self) {
        self.may_start.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Whoever waits before the next try need not wait any longer.
    pub(crate) fn wake(&self) {
        self.woken.send_modify(|times| *times += 1);
    }

    /// Hears of [`Reach::wake`].
    pub(crate) fn woken(&self) -> watch::Receiver<u64> {
        self.woken.subscribe()
    }
}
