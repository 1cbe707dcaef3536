//! The task that makes the radio follow what is wanted: opens it, keeps advert and listening as they should be, runs
//! errands one at a time, and begins anew after trouble. Every call to the system has a deadline, here and in `work`.

use super::{
    Beacon, Pipe, RadioAddress, RadioTrouble,
    radio::{Back, Ears, Errand, Opened, Shown, Signal, Stack},
    work::{AtWork, Job, arrived, brought, finished},
};
use hither_model::MediumState;
use std::{future::Future, pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

/// How long the system may take to find a radio, and to do one thing with it.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Changes come in bursts; it waits so long for the rest of them.
const SETTLE: Duration = Duration::from_millis(200);
/// Longest pause between two attempts to open the radio.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// What worked for so long was no accident.
const GOOD_AFTER: Duration = Duration::from_secs(30);

/// What is wanted of the radio.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) shown: Option<Arc<Shown>>,
    /// Counts the changes of `shown`.
    pub(super) serial: u64,
    pub(super) looking: bool,
    pub(super) run: bool,
}

/// Something wanted of another device, with the way back.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) source: RadioAddress,
    pub(super) errand: Errand,
    pub(super) back: Back,
}

/// What the radio has to say.
#[derive(Debug)]
pub(super) enum Report {
    /// How it goes, and whether it hears.
    State(MediumState, bool),
    Heard(RadioAddress, Beacon, Option<i16>),
    Again(RadioAddress, Option<i16>),
    Arrived(Pipe),
    /// It cannot listen for a while, or can again.
    Deaf(bool),
    Psm(Option<u16>),
    /// What was wanted with this serial is on the air, or cannot be.
    Settled(u64),
}

/// Why serving ended.
enum End {
    Stopped,
    Trouble(RadioTrouble),
}

/// The task.
pub(super) struct Driver<S: Stack> {
    pub(super) stack: Arc<S>,
    pub(super) wanted: watch::Receiver<Wanted>,
    pub(super) calls: mpsc::Receiver<Call>,
    pub(super) reports: mpsc::Sender<Report>,
}

pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, RadioTrouble>>,
) -> Result<T, RadioTrouble> {
    timeout(limit, work).await.unwrap_or(Err(RadioTrouble::Silent))
}

impl<S: Stack> Driver<S> {
    /// Runs until it is not wanted any more. When it ends, nothing is on the air and nobody listens.
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        loop {
            let mut wanted = self.wanted.clone();
            let opened = tokio::select! {
                biased;
                () = unwanted(&mut wanted) => return,
                opened = within(OPEN_WITHIN, self.stack.open()) => opened,
            };
            let begun = Instant::now();
            let trouble = match opened {
                Ok(opened) => match self.serve(opened).await {
                    End::Stopped => return,
                    End::Trouble(trouble) => trouble,
                },
                Err(trouble) => trouble,
            };
            failures = if begun.elapsed() >= GOOD_AFTER { 0 } else { failures + 1 };
            tracing::debug!(%trouble, "the radio cannot be used");
            if !self.wait(trouble, failures, &mut wanted).await {
                return;
            }
        }
    }

    /// Waits for something to change; false if there is nothing to wait for any more.
    async fn wait(&mut self, trouble: RadioTrouble, failures: u32, wanted: &mut watch::Receiver<Wanted>) -> bool {
        self.tell(Report::Psm(None)).await;
        self.tell(Report::Deaf(false)).await;
        self.tell(Report::State(MediumState::Failed(trouble.words()), false)).await;
        let pause = LONGEST_PAUSE.min(Duration::from_secs(1 << failures.min(6)));
        let stack = Arc::clone(&self.stack);
        let mut pause = pin!(sleep(pause));
        loop {
            // Nothing is on the air.
            let serial = self.wanted.borrow_and_update().serial;
            self.tell(Report::Settled(serial)).await;
            tokio::select! {
                biased;
                () = unwanted(wanted) => return false,
                changed = self.wanted.changed() => if changed.is_err() { return false },
                Some(call) = self.calls.recv() => drop(call.back.send(Err(trouble.clone()))),
                () = stack.changed() => {
                    sleep(SETTLE).await;
                    return true;
                }
                () = &mut pause => return true,
            }
        }
    }

    async fn serve(&mut self, opened: Opened<S::Ears, S::Voice>) -> End {
        let mut at_work = AtWork::new(opened, self.reports.clone());
        let end = loop {
            let wanted = self.wanted.borrow_and_update().clone();
            if !wanted.run {
                break End::Stopped;
            }
            if let Err(trouble) = at_work.follow(&wanted).await {
                break End::Trouble(trouble);
            }
            match self.step(&mut at_work).await {
                Ok(()) => {}
                Err(end) => break end,
            }
        };
        at_work.finish(matches!(end, End::Stopped)).await;
        end
    }

    /// Does one thing that is to be done.
    async fn step(&mut self, at_work: &mut AtWork<S::Ears, S::Voice>) -> Result<(), End> {
        let busy = at_work.job.is_some();
        let wake = at_work.wake();
        tokio::select! {
            biased;
            changed = self.wanted.changed() => changed.map_err(|_| End::Stopped)?,
            () = self.stack.changed() => {
                sleep(SETTLE).await;
                within(ANSWER_WITHIN, self.stack.check()).await.map_err(End::Trouble)?;
            }
            event = job_event(&mut at_work.job) => match event {
                // Listening goes on from here, and is not begun anew when the line is down: what was heard in between is not
                // heard again from an adapter that tells of each advert once.
                JobEvent::Brought => {
                    at_work.hangs_up();
                    self.tell(Report::Deaf(false)).await;
                }
                JobEvent::Over => at_work.job = None,
            },
            call = self.calls.recv(), if !busy => {
                at_work.begin(call.ok_or(End::Stopped)?).await.map_err(End::Trouble)?;
            }
            () = sleep_until(wake) => {}
            pipe = arrived(&mut at_work.voice) => self.tell(Report::Arrived(pipe)).await,
            signal = at_work.ears.next() => self.hear(signal)?,
        }
        Ok(())
    }

    fn hear(&self, signal: Signal) -> Result<(), End> {
        let report = match signal {
            Signal::Heard { source, beacon, rssi } => Report::Heard(source, beacon, rssi),
            Signal::Again { source, rssi } => Report::Again(source, rssi),
            Signal::Lost(trouble) => return Err(End::Trouble(trouble)),
        };
        // What is too much to be read is heard again.
        let _ = self.reports.try_send(report);
        Ok(())
    }

    async fn tell(&self, report: Report) {
        // Nobody may be there to hear it: then the end is near.
        let _ = self.reports.send(report).await;
    }
}

/// How far an errand has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JobEvent {
    Brought,
    Over,
}

async fn job_event(job: &mut Option<Job>) -> JobEvent {
    if job.as_ref().is_some_and(Job::talks) {
        brought(job).await;
        return JobEvent::Brought;
    }
    finished(job).await;
    JobEvent::Over
}

/// Resolves once the radio is not wanted any more.
async fn unwanted(wanted: &mut watch::Receiver<Wanted>) {
    // An owner that is gone wants nothing either.
    let _ = wanted.wait_for(|wanted| !wanted.run).await;
}
