//! Where a command works: its screen, its profile, the way to the agent, and the person's Ctrl-C.

use crate::{args::Globals, halt::Halt, screen::Screen};
use hither_control::{Client, Start, agent_program, profile};
use hither_model::{ErrorCode, Failure};
use std::{cell::Cell, path::PathBuf, process};
use tokio::sync::watch;

/// What every command has at hand.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) screen: &'a Screen,
    profile: PathBuf,
    may_start: bool,
    started: Cell<bool>,
    interrupt: watch::Receiver<bool>,
}

impl<'a> Desk<'a> {
    /// Sets the desk up. Must be called within a runtime.
    pub(crate) fn new(screen: &'a Screen, globals: &Globals) -> Result<Self, Failure> {
        let (pressed, interrupt) = watch::channel(false);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                // The first lets the command tidy up; the second does not wait for it.
                if pressed.send_replace(true) {
                    process::exit(crate::exit::INTERRUPTED.into());
                }
            }
        });
        let profile = profile_of(globals)?;
        Ok(Self { screen, profile, may_start: !globals.no_start, started: Cell::new(false), interrupt })
    }

    /// A connection to the agent; it is started if none runs, unless the person said not to.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        match Client::connect(&self.profile).await {
            Err(failure) if failure.code == ErrorCode::NoAgent && self.may_start => {}
            other => return other,
        }
        let start = Start { program: agent_program()? };
        let (client, started) = Client::connect_or_start(&self.profile, &start).await?;
        self.started.set(self.started.get() || started);
        Ok(client)
    }

    /// A connection to the agent if one runs; none is started.
    pub(crate) async fn running(&self) -> Result<Client, Failure> {
        Client::connect(&self.profile).await
    }

    /// The profile this command works on.
    pub(crate) fn profile(&self) -> &std::path::Path {
        &self.profile
    }

    /// Whether this command had to start the agent.
    pub(crate) fn started_it(&self) -> bool {
        self.started.get()
    }

    /// Returns when the person presses Ctrl-C.
    pub(crate) async fn interrupted(&self) {
        let mut interrupt = self.interrupt.clone();
        if interrupt.wait_for(|pressed| *pressed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for `work`, or for Ctrl-C.
    pub(crate) async fn unless_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Halt> {
        tokio::select! {
            biased;
            () = self.interrupted() => Err(Halt::Interrupted),
            outcome = work => Ok(outcome?),
        }
    }
}

/// The profile the person named, or the usual one.
pub(crate) fn profile_of(globals: &Globals) -> Result<PathBuf, Failure> {
    match &globals.profile {
        Some(dir) => Ok(dir.clone()),
        None => profile::default_dir(),
    }
}
