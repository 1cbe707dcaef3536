//! A radio in use: keeps advert and listening as they should be, and has errands run one at a time.
//!
//! Listening: at rest [`WINDOW`] of every [`EVERY`], so that a sender is heard at least every half minute and nothing
//! else on the radio notices; while somebody looks, all the time, begun anew every [`AGAIN`], because kernel and
//! controllers tell of the same advert only once. Not while an errand runs: a radio that looks for everybody connects to
//! nobody. Once it has brought what it was sent for it only hangs up, for which the daemon takes two seconds: meanwhile
//! there is listening again, and only the next errand waits.

use super::{
    Pipe, RadioTrouble,
    driver::{ANSWER_WITHIN, Call, Report, Wanted, within},
    radio::{Ears, Opened, Shown, Voice},
};
use hither_model::MediumState;
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// How long it listens at rest.
pub(super) const WINDOW: Duration = Duration::from_secs(2);
/// How often.
pub(super) const EVERY: Duration = Duration::from_secs(30);
/// How often it begins anew while it listens all the time.
pub(super) const AGAIN: Duration = Duration::from_secs(5);
/// How long an errand may take.
pub(super) const ERRAND_WITHIN: Duration = Duration::from_secs(12);
/// The same for hanging up: the daemon waits two seconds of its own accord.
const HANG_UP_WITHIN: Duration = Duration::from_secs(4);
/// How long each step of finishing may take.
const FINISH_WITHIN: Duration = Duration::from_secs(2);
/// An advert that could not be put on the air is tried again after this.
const SPEAK_AGAIN: Duration = Duration::from_secs(30);

/// An errand on its way.
pub(super) struct Job {
    task: JoinHandle<()>,
    cancel: Option<oneshot::Sender<()>>,
    /// Told when it has brought what it was sent for; gone afterwards.
    brought: Option<oneshot::Receiver<()>>,
}

impl Job {
    /// Whether it has yet to bring something.
    pub(super) fn talks(&self) -> bool {
        self.brought.is_some()
    }
}

/// Resolves when an errand has brought what it was sent for, once for each.
pub(super) async fn brought(job: &mut Option<Job>) {
    match job.as_mut().and_then(|job| job.brought.as_mut()) {
        Some(told) => drop(told.await),
        None => std::future::pending().await,
    }
}

pub(super) async fn finished(job: &mut Option<Job>) {
    match job {
        // It does not panic; and if it did, it is over as well.
        Some(job) => drop((&mut job.task).await),
        None => std::future::pending().await,
    }
}

pub(super) async fn arrived<V: Voice>(voice: &mut Result<V, RadioTrouble>) -> Pipe {
    match voice {
        Ok(voice) => voice.arrived().await,
        Err(_) => std::future::pending().await,
    }
}

/// A radio in use.
pub(super) struct AtWork<E, V> {
    pub(super) ears: E,
    pub(super) voice: Result<V, RadioTrouble>,
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
    pub(super) job: Option<Job>,
}

impl<E: Ears, V: Voice> AtWork<E, V> {
    pub(super) fn new(opened: Opened<E, V>, reports: mpsc::Sender<Report>) -> Self {
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

    pub(super) fn wake(&self) -> Instant {
        let turn = if self.talks() { Instant::now() + EVERY } else { self.turn_at };
        self.speak_at.map_or(turn, |at| at.min(turn))
    }

    fn talks(&self) -> bool {
        self.job.as_ref().is_some_and(Job::talks)
    }

    /// An errand only hangs up any more.
    pub(super) fn hangs_up(&mut self) {
        self.turn_at = self.turn_at.min(Instant::now());
        drop(self.job.as_mut().map(|job| job.brought.take()));
    }

    /// Does what is wanted, as far as it is not done.
    pub(super) async fn follow(&mut self, wanted: &Wanted) -> Result<(), RadioTrouble> {
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
            _ if self.talks() => return Ok(()),
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
    pub(super) async fn begin(&mut self, call: Call) -> Result<(), RadioTrouble> {
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
        let (answer, answered) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            // An errand that ends without an answer drops it: so does this.
            if let Ok(brought) = answered.await {
                let _ = back.send(brought);
            }
            let _ = tell.send(());
        });
        let work = self.ears.errand(source, errand, stopped, answer);
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
        self.job = Some(Job { task, cancel: Some(cancel), brought: Some(told) });
        self.tell(Report::Deaf(true)).await;
        Ok(())
    }

    /// Ends all of it. In `order`: nothing is left on the air or listening; else what was opened is thrown away, which
    /// tells the system the same.
    pub(super) async fn finish(mut self, order: bool) {
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
