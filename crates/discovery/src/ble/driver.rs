//! The task that makes the radio follow what is wanted: opens it, keeps advert and listening as they should be, runs
//! errands one at a time, and begins anew after trouble. Every call to the system has a deadline here.
//!
//! Listening: at rest [`WINDOW`] of every [`EVERY`], so that a sender is heard at least every half minute and nothing
//! else on the radio notices; while somebody looks, all the time, begun anew every [`AGAIN`], because kernel and
//! controllers tell of the same advert only once. Not while an errand runs: a radio that looks for everybody connects to
//! nobody.

use super::{
    Beacon, Pipe, RadioAddress, RadioTrouble,
    radio::{Back, Ears, Errand, Opened, Shown, Signal, Stack, Voice},
};
use hither_model::MediumState;
use std::{future::Future, pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};

/// How long it listens at rest.
pub(super) const WINDOW: Duration = Duration::from_secs(2);
/// How often.
pub(super) const EVERY: Duration = Duration::from_secs(30);
/// How often it begins anew while it listens all the time.
pub(super) const AGAIN: Duration = Duration::from_secs(5);
/// How long an errand may take.
pub(super) const ERRAND_WITHIN: Duration = Duration::from_secs(12);
/// How long the system may take to find a radio, and to do one thing with it.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long each step of finishing may take.
const FINISH_WITHIN: Duration = Duration::from_secs(2);
/// The same for hanging up: the daemon waits two seconds of its own accord.
const HANG_UP_WITHIN: Duration = Duration::from_secs(4);
/// Changes come in bursts; it waits so long for the rest of them.
const SETTLE: Duration = Duration::from_millis(200);
/// An advert that could not be put on the air is tried again after this.
const SPEAK_AGAIN: Duration = Duration::from_secs(30);
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

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, RadioTrouble>>) -> Result<T, RadioTrouble> {
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
            () = finished(&mut at_work.job) => at_work.job = None,
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

/// Resolves once the radio is not wanted any more.
async fn unwanted(wanted: &mut watch::Receiver<Wanted>) {
    // An owner that is gone wants nothing either.
    let _ = wanted.wait_for(|wanted| !wanted.run).await;
}

/// An errand on its way.
struct Job {
    task: JoinHandle<()>,
    cancel: Option<oneshot::Sender<()>>,
}

async fn finished(job: &mut Option<Job>) {
    match job {
        // It does not panic; and if it did, it is over as well.
        Some(job) => drop((&mut job.task).await),
        None => std::future::pending().await,
    }
}

async fn arrived<V: Voice>(voice: &mut Result<V, RadioTrouble>) -> Pipe {
    match voice {
        Ok(voice) => voice.arrived().await,
        Err(_) => std::future::pending().await,
    }
}

/// A radio in use.
struct AtWork<E, V> {
    ears: E,
    voice: Result<V, RadioTrouble>,
    reports: mpsc::Sender<Report>,
    said: Option<Arc<Shown>>,
    /// Up to which serial it follows.
    serial: Option<u64>,
    /// Why it does not speak though it should, and when that is tried again.
    mute: Option<RadioTrouble>,
    speak_at: Option<Instant>,
    state: Option<MediumState>,
    listening: bool,
    turn_at: Instant,
    job: Option<Job>,
}

impl<E: Ears, V: Voice> AtWork<E, V> {
    fn new(opened: Opened<E, V>, reports: mpsc::Sender<Report>) -> Self {
        Self {
            ears: opened.ears,
            voice: opened.voice,
            reports,
            said: None,
            serial: None,
            mute: None,
            speak_at: None,
            state: None,
            listening: false,
            turn_at: Instant::now(),
            job: None,
        }
    }

    fn wake(&self) -> Instant {
        let turn = if self.job.is_some() { Instant::now() + EVERY } else { self.turn_at };
        self.speak_at.map_or(turn, |at| at.min(turn))
    }

    /// Does what is wanted, as far as it is not done.
    async fn follow(&mut self, wanted: &Wanted) -> Result<(), RadioTrouble> {
        let again = self.speak_at.is_some_and(|at| at <= Instant::now());
        if again || self.serial != Some(wanted.serial) {
            self.speak(wanted.shown.as_ref()).await?;
            self.serial = Some(wanted.serial);
            let psm = self.voice.as_ref().ok().and_then(V::psm).filter(|_| self.said.is_some());
            self.tell(Report::Psm(psm)).await;
            self.tell(Report::Settled(wanted.serial)).await;
        }
        self.listen(wanted.looking).await?;
        let state = self.mute.as_ref().map_or(MediumState::On, |mute| MediumState::Failed(mute.words()));
        if self.state.as_ref() != Some(&state) {
            self.state = Some(state.clone());
            self.tell(Report::State(state, true)).await;
        }
        Ok(())
    }

    async fn speak(&mut self, shown: Option<&Arc<Shown>>) -> Result<(), RadioTrouble> {
        (self.mute, self.speak_at) = (None, None);
        let voice = match (&mut self.voice, shown) {
            (Ok(voice), _) => voice,
            (Err(_), None) => return Ok(()),
            (Err(trouble), Some(_)) => {
                self.mute = Some(trouble.clone());
                return Ok(());
            }
        };
        match (&self.said, shown) {
            (Some(said), Some(shown)) if said.same_advert(shown) => voice.show(shown.card.clone()),
            (None, None) => {}
            (_, Some(shown)) => {
                // A radio that listens cannot take another address.
                if std::mem::take(&mut self.listening) {
                    self.turn_at = Instant::now();
                    within(ANSWER_WITHIN, self.ears.listen(false)).await?;
                }
                match within(ANSWER_WITHIN, voice.say(shown)).await {
                    Ok(()) => {}
                    Err(RadioTrouble::Silent) => return Err(RadioTrouble::Silent),
                    Err(trouble) => {
                        self.said = None;
                        (self.mute, self.speak_at) = (Some(trouble), Some(Instant::now() + SPEAK_AGAIN));
                        return Ok(());
                    }
                }
            }
            (Some(_), None) => within(ANSWER_WITHIN, voice.hush()).await?,
        }
        self.said = shown.cloned();
        Ok(())
    }

    async fn listen(&mut self, always: bool) -> Result<(), RadioTrouble> {
        let due = self.turn_at <= Instant::now();
        let (on, until) = match (self.listening, always) {
            _ if self.job.is_some() => return Ok(()),
            (false, true) => (true, AGAIN),
            (true, true) if due => (true, AGAIN),
            (true, false) if due => (false, EVERY - WINDOW),
            (false, false) if due => (true, WINDOW),
            _ => return Ok(()),
        };
        within(ANSWER_WITHIN, self.ears.listen(on)).await?;
        (self.listening, self.turn_at) = (on, Instant::now() + until);
        Ok(())
    }

    /// Sends an errand on its way.
    async fn begin(&mut self, call: Call) -> Result<(), RadioTrouble> {
        let Call { source, errand, back } = call;
        if back.is_closed() {
            return Ok(());
        }
        if self.listening {
            within(ANSWER_WITHIN, self.ears.listen(false)).await?;
            // What was begun is done again afterwards.
            (self.listening, self.turn_at) = (false, Instant::now());
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let (cancel, cancelled) = oneshot::channel::<()>();
        let work = self.ears.errand(source, errand, stopped, back);
        let task = tokio::spawn(async move {
            let mut work = pin!(work);
            tokio::select! {
                () = &mut work => return,
                () = sleep(ERRAND_WITHIN) => {}
                _ = cancelled => {}
            }
            drop(stop);
            // It hangs up.
            let _ = timeout(HANG_UP_WITHIN, work).await;
        });
        self.job = Some(Job { task, cancel: Some(cancel) });
        Ok(())
    }

    /// Ends all of it. In `order`: nothing is left on the air or listening; else what was opened is thrown away, which
    /// tells the system the same.
    async fn finish(mut self, order: bool) {
        if let Some(mut job) = self.job.take() {
            drop(job.cancel.take());
            let _ = timeout(HANG_UP_WITHIN + FINISH_WITHIN, &mut job.task).await;
            job.task.abort();
        }
        if !order {
            return;
        }
        if self.listening
            && let Err(trouble) = within(FINISH_WITHIN, self.ears.listen(false)).await
        {
            tracing::debug!(%trouble, "listening is not ended in order");
        }
        if let (Ok(voice), Some(_)) = (&mut self.voice, &self.said)
            && let Err(trouble) = within(FINISH_WITHIN, voice.hush()).await
        {
            tracing::debug!(%trouble, "the advert is not withdrawn in order");
        }
    }

    async fn tell(&mut self, report: Report) {
        let _ = self.reports.send(report).await;
    }
}
