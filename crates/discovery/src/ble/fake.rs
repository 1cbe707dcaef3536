//! A radio made of memory, for tests with a hand clock: what was done with it is written down, and it can be switched
//! off, silenced and hung.

use super::{
    Beacon, Fact, Pipe, RadioAddress, RadioTrouble,
    radio::{Back, Brought, Ears, Errand, Opened, Shown, Signal, Stack, Voice},
};
use std::{
    collections::BTreeMap,
    future::{Future, pending},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time::{Instant, sleep},
};

/// What another device answers.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    Bytes(Vec<u8>),
    Trouble(RadioTrouble),
    Never,
    Pipe,
}

/// What the radio is like, and what was done with it.
#[derive(Debug)]
pub(super) struct Air {
    pub(super) trouble: Option<RadioTrouble>,
    pub(super) mute: Option<RadioTrouble>,
    pub(super) refuses: Option<RadioTrouble>,
    pub(super) hangs: bool,
    pub(super) on_air: Option<Shown>,
    pub(super) listening: bool,
    /// Registrations and beginnings to listen, with the milliseconds since the start.
    pub(super) said: Vec<(u64, Shown)>,
    pub(super) listened: Vec<(u64, bool)>,
    pub(super) answers: BTreeMap<RadioAddress, Answer>,
    /// Errands: when, whether it listened at the time, how many at once.
    pub(super) errands: Vec<(u64, Errand, bool)>,
    pub(super) running: usize,
    pub(super) most_running: usize,
    start: Instant,
    ears: Option<mpsc::UnboundedSender<Signal>>,
    door: Option<mpsc::UnboundedSender<Pipe>>,
}

impl Air {
    fn at(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap()
    }
}

/// The fake, and the hand on it.
#[derive(Clone)]
pub(super) struct Fake {
    air: Arc<Mutex<Air>>,
    bell: Arc<Notify>,
    /// Ticks at every change of [`Air`].
    ticks: Arc<watch::Sender<u64>>,
}

impl Fake {
    pub(super) fn new() -> Self {
        let air = Air {
            trouble: None,
            mute: None,
            refuses: None,
            hangs: false,
            on_air: None,
            listening: false,
            said: vec![],
            listened: vec![],
            answers: BTreeMap::new(),
            errands: vec![],
            running: 0,
            most_running: 0,
            start: Instant::now(),
            ears: None,
            door: None,
        };
        Self { air: Arc::new(Mutex::new(air)), bell: Arc::default(), ticks: Arc::new(watch::channel(0).0) }
    }

    pub(super) fn air(&self) -> MutexGuard<'_, Air> {
        self.air.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Air) -> T) -> T {
        let changed = change(&mut self.air());
        self.ticks.send_modify(|ticks| *ticks += 1);
        changed
    }

    /// Changes what it is like, and rings the bell as the system would.
    pub(super) fn set(&self, set: impl FnOnce(&mut Air)) {
        self.change(set);
        self.bell.notify_one();
    }

    /// Waits until it has come so far.
    pub(super) async fn until(&self, come: impl Fn(&Air) -> bool) {
        let mut ticks = self.ticks.subscribe();
        while !come(&self.air()) {
            ticks.changed().await.unwrap();
        }
    }

    /// Whether nothing is on the air, nobody listens, and nobody is talked to.
    pub(super) fn is_silent(&self) -> bool {
        let air = self.air();
        air.on_air.is_none() && !air.listening && air.running == 0
    }

    /// How much was done with it.
    pub(super) fn done(&self) -> usize {
        let air = self.air();
        air.listened.len() + air.said.len() + air.errands.len()
    }

    pub(super) fn hear(&self, source: RadioAddress, beacon: Beacon, rssi: Option<i16>) {
        let air = self.air();
        let ears = air.ears.as_ref().expect("the radio is open");
        ears.send(Signal::Heard { source, beacon, rssi }).unwrap();
    }

    pub(super) fn arrive(&self, pipe: Pipe) {
        self.air().door.as_ref().expect("the radio is open").send(pipe).unwrap();
    }

    async fn answer<T>(&self, ask: impl FnOnce(&mut Air) -> Result<T, RadioTrouble>) -> Result<T, RadioTrouble> {
        if self.air().hangs {
            pending::<()>().await;
        }
        // The system takes its time.
        sleep(Duration::from_millis(5)).await;
        self.change(|air| match &air.trouble {
            Some(trouble) => Err(trouble.clone()),
            None => ask(air),
        })
    }
}

impl Stack for Fake {
    type Ears = FakeEars;
    type Voice = FakeVoice;

    async fn open(&self) -> Result<Opened<FakeEars, FakeVoice>, RadioTrouble> {
        self.answer(|air| {
            let (ears, signals) = mpsc::unbounded_channel();
            let (door, pipes) = mpsc::unbounded_channel();
            (air.ears, air.door) = (Some(ears), Some(door));
            let voice = match &air.mute {
                Some(mute) => Err(mute.clone()),
                None => Ok(FakeVoice { fake: self.clone(), pipes }),
            };
            Ok(Opened { ears: FakeEars { fake: self.clone(), signals }, voice })
        })
        .await
    }

    async fn check(&self) -> Result<(), RadioTrouble> {
        self.answer(|_| Ok(())).await
    }

    async fn changed(&self) {
        self.bell.notified().await;
    }

    async fn facts(&self) -> Vec<Fact> {
        vec![Fact::Private(true)]
    }
}

pub(super) struct FakeEars {
    fake: Fake,
    signals: mpsc::UnboundedReceiver<Signal>,
}

impl Drop for FakeEars {
    fn drop(&mut self) {
        self.fake.change(|air| air.listening = false);
    }
}

impl Ears for FakeEars {
    async fn listen(&mut self, on: bool) -> Result<(), RadioTrouble> {
        let listen = |air: &mut Air| {
            air.listened.push((air.at(), on));
            air.listening = on;
            Ok(())
        };
        self.fake.answer(listen).await
    }

    async fn next(&mut self) -> Signal {
        match self.signals.recv().await {
            Some(signal) => signal,
            None => pending().await,
        }
    }

    fn errand(
        &self,
        source: RadioAddress,
        errand: Errand,
        stop: oneshot::Receiver<()>,
        back: Back,
    ) -> impl Future<Output = ()> + Send + 'static {
        let fake = self.fake.clone();
        async move {
            let answer = fake.change(|air| {
                air.errands.push((air.at(), errand, air.listening));
                air.running += 1;
                air.most_running = air.most_running.max(air.running);
                air.answers.get(&source).cloned().unwrap_or(Answer::Trouble(RadioTrouble::NotHeard))
            });
            let answered = async {
                sleep(Duration::from_millis(100)).await;
                match answer {
                    Answer::Bytes(bytes) => Ok(Brought::Bytes(bytes)),
                    Answer::Trouble(trouble) => Err(trouble),
                    Answer::Pipe => Ok(Brought::Pipe(Pipe::new(source, tokio::io::duplex(64).0))),
                    Answer::Never => pending().await,
                }
            };
            let brought = tokio::select! {
                brought = answered => brought,
                _ = stop => Err(RadioTrouble::TimedOut),
            };
            let _ = back.send(brought);
            // Hanging up takes its time.
            sleep(Duration::from_millis(200)).await;
            fake.change(|air| air.running -= 1);
        }
    }
}

pub(super) struct FakeVoice {
    fake: Fake,
    pipes: mpsc::UnboundedReceiver<Pipe>,
}

impl Drop for FakeVoice {
    fn drop(&mut self) {
        self.fake.change(|air| air.on_air = None);
    }
}

impl Voice for FakeVoice {
    async fn say(&mut self, shown: &Shown) -> Result<(), RadioTrouble> {
        self.fake
            .answer(|air| {
                if let Some(refusal) = &air.refuses {
                    return Err(refusal.clone());
                }
                assert!(!air.listening, "a radio that listens cannot take another address");
                air.said.push((air.at(), shown.clone()));
                air.on_air = Some(shown.clone());
                Ok(())
            })
            .await
    }

    fn show(&mut self, card: Vec<u8>) {
        self.fake.change(|air| air.on_air.iter_mut().for_each(|shown| shown.card = card.clone()));
    }

    async fn hush(&mut self) -> Result<(), RadioTrouble> {
        let hush = |air: &mut Air| {
            air.on_air = None;
            Ok(())
        };
        self.fake.answer(hush).await
    }

    fn psm(&self) -> Option<u16> {
        self.fake.air().on_air.as_ref().filter(|shown| shown.connectable).map(|_| 0x80)
    }

    async fn arrived(&mut self) -> Pipe {
        match self.pipes.recv().await {
            Some(pipe) => pipe,
            None => pending().await,
        }
    }
}
