//! What the desktop does for the agent: notifications with buttons that work without a window, and no sleep while a
//! transfer moves. Each is optional at run time: without a bus the agent serves all the same, and says so.
//!
//! The engine knows nothing of this. It is a listener like any face, and answers questions the way a face does.

mod board;
mod bus;
pub(crate) mod faces;
mod note;
mod open;
mod sleep;
mod starts;
mod wording;

use crate::engine::{Chosen, Engine};
use board::{Board, Deed, Effect, Hush};
use bus::{Notifier, Signal};
use faces::Faces;
use hither_model::{
    Ask, DesktopPart, MediumState, News,
    row::{CheckRow, CheckState},
};
use starts::Starts;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use wording::Tongue;

/// As which client answers are given; the control socket counts its clients from 1.
const CLIENT: u64 = u64::MAX;

/// What works and what does not.
#[derive(Debug, Clone)]
pub(crate) struct Parts(Arc<watch::Sender<BTreeMap<DesktopPart, MediumState>>>);

impl Parts {
    /// All off.
    pub(crate) fn new() -> Self {
        let off = DesktopPart::ALL.iter().map(|part| (*part, MediumState::Off)).collect();
        Self(Arc::new(watch::Sender::new(off)))
    }

    fn set(&self, part: DesktopPart, state: MediumState) {
        self.0.send_if_modified(|parts| {
            let new = parts.get(&part) != Some(&state);
            if new {
                tracing::info!(%part, %state, "desktop");
                parts.insert(part, state);
            }
            new
        });
    }

    /// Each part and whether it works.
    pub(crate) fn all(&self) -> BTreeMap<DesktopPart, MediumState> {
        self.0.borrow().clone()
    }

    /// The same as lines of the doctor.
    pub(crate) fn checks(&self) -> Vec<CheckRow> {
        let check = |(part, state): (&DesktopPart, &MediumState)| {
            let (outcome, detail, fix) = match state {
                MediumState::On => (CheckState::Ok, "working".to_owned(), None),
                MediumState::Off => (CheckState::Ok, "switched off".to_owned(), None),
                MediumState::Failed(why) => (CheckState::Warn, why.clone(), Some(fix(*part).to_owned())),
            };
            CheckRow { name: part.to_string(), state: outcome, detail, fix }
        };
        self.0.borrow().iter().map(check).collect()
    }
}

fn fix(part: DesktopPart) -> &'static str {
    match part {
        DesktopPart::Notifications => {
            "nothing, if this machine has no desktop; `hither inbox --watch` shows questions as they come"
        }
        DesktopPart::Sleep => "nothing, if this machine does not sleep; a transfer goes on after waking in any case",
    }
}

/// Starts what the desktop can do. The tasks end soon after `stop`, and close what they have on the screen.
pub(crate) fn start<E: Engine>(
    engine: &E,
    faces: Faces,
    parts: Parts,
    profile: PathBuf,
    stop: &CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(sleep::guard(engine.clone(), parts.clone(), stop.clone()));
    let tongue = Tongue::here();
    let program = open::window();
    let board = Board::new(tongue, program.is_some());
    let desk = Desk {
        engine: engine.clone(),
        faces,
        parts,
        profile,
        program,
        board,
        notifier: Notifier::new(tongue),
        starts: Starts::default(),
        opening: None,
        begun: Instant::now(),
    };
    tokio::spawn(desk.follow(stop.clone()))
}

/// The next piece of news that can change what is on the screen.
async fn next(news: &mut Receiver<News>) -> Result<News, RecvError> {
    loop {
        match news.recv().await {
            Ok(other) if !Board::cares(&other) => {}
            heard => return heard,
        }
    }
}

/// The end of the window's program, and whether it ended well; never, while there is none.
async fn ended(opening: &mut Option<JoinHandle<bool>>) -> bool {
    let well = match opening {
        Some(running) => running.await.unwrap_or(false),
        None => std::future::pending().await,
    };
    *opening = None;
    well
}

/// Keeps the screen as the board wants it.
struct Desk<E> {
    engine: E,
    faces: Faces,
    parts: Parts,
    profile: PathBuf,
    /// The window's program.
    program: Option<PathBuf>,
    board: Board,
    notifier: Notifier,
    starts: Starts,
    /// The window's program, started here and not ended yet; whether it ended well.
    opening: Option<JoinHandle<bool>>,
    begun: Instant,
}

impl<E: Engine> Desk<E> {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    async fn follow(mut self, stop: CancellationToken) {
        let mut settings = self.engine.settings();
        let mut faces = self.faces.changes();
        while let Ok((first, mut news)) = self.engine.news().await {
            self.hear(&first);
            loop {
                let on = Into::<Chosen>::into(settings.borrow_and_update().clone()).notifications;
                faces.mark_unchanged();
                self.windows();
                self.hush(on).await;
                self.sync().await;
                let due = self.board.due().into_iter().chain(self.starts.due()).min();
                let due = due.map(|due| Duration::from_millis(due.saturating_sub(self.now())));
                tokio::select! {
                    heard = next(&mut news) => match heard {
                        Ok(heard) => self.hear(&heard),
                        Err(RecvError::Lagged(_)) => break,
                        Err(RecvError::Closed) => return self.clear().await,
                    },
                    signal = self.notifier.next() => self.signalled(signal).await,
                    well = ended(&mut self.opening) => self.starts.ended(well),
                    _ = settings.changed() => {}
                    _ = faces.changed() => {}
                    () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => {}
                    () = stop.cancelled() => return self.clear().await,
                }
            }
        }
        self.clear().await;
    }

    fn hear(&mut self, news: &News) {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        self.board.hear(news, unix);
    }

    /// A window that came shows what was pressed while it was on its way.
    fn windows(&mut self) {
        if self.faces.any() {
            self.starts.came(self.now());
        }
        if let Some((view, id)) = self.starts.show(self.now()) {
            self.engine.tell(News::Show { view, id });
        }
    }

    async fn hush(&mut self, on: bool) {
        self.board.window_is(self.program.is_some() || self.faces.any());
        self.board.hush(match (on, self.faces.seen()) {
            (false, _) => Hush::Off,
            (true, true) => Hush::Seen,
            (true, false) => Hush::No,
        });
        if on && self.notifier.look().await {
            // What could not be raised before can be now.
            self.board.wiped();
        }
    }

    async fn sync(&mut self) {
        for effect in self.board.sync(self.now()) {
            match effect {
                Effect::Show(topic, note) => self.notifier.show(topic, &note).await,
                Effect::Close(topic) => self.notifier.close(topic).await,
            }
        }
        if self.board.is_off() {
            self.notifier.leave();
        }
        self.parts.set(DesktopPart::Notifications, self.notifier.state().clone());
    }

    /// Takes everything from the screen.
    async fn clear(&mut self) {
        self.board.hear(&News::Stopping, 0);
        self.sync().await;
    }

    async fn signalled(&mut self, signal: Signal) {
        match signal {
            Signal::Dismissed(topic) => self.board.dismissed(topic),
            Signal::Wiped => self.board.wiped(),
            Signal::Pressed { topic, key, token } => {
                if let Some(deed) = self.board.pressed(topic, &key) {
                    self.notifier.close(topic).await;
                    self.carry_out(deed, token.as_deref()).await;
                }
            }
        }
    }

    async fn carry_out(&mut self, deed: Deed, token: Option<&str>) {
        match deed {
            Deed::Answer { question, yes } => {
                let question = question.to_string();
                let ask = match yes {
                    true => Ask::Accept {
                        question,
                        always: false,
                        same_code: false,
                        unverified: false,
                        to: None,
                        executable: false,
                        grant: None,
                        identity: None,
                    },
                    false => Ask::Decline { question, block: false },
                };
                if let Err(failure) = self.engine.ask(CLIENT, ask).await {
                    tracing::info!(%failure, "a press on a notification came to nothing");
                }
            }
            // A window that is there comes to the front; else one is started.
            Deed::Open { view, id } if self.faces.any() => self.engine.tell(News::Show { view, id }),
            Deed::Open { view, id } => {
                let Some(program) = &self.program else { return };
                let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                if let Some((view, id)) = self.starts.wanted((view, id), now) {
                    self.opening = Some(open::start_window(program, &self.profile, view, id.as_deref(), token));
                }
            }
            Deed::Folder { path } => open::show(self.notifier.connection(), &path, token).await,
        }
    }
}
