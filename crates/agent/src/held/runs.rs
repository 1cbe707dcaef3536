//! Who is told, who is started, and what becomes of those that do not finish (R4.7–R4.14).

use super::{
    Held, Outcome,
    asks::refuse,
    launch::{self, Process},
    state::{Entry, Launch, Run, Stage, State, Told, Waiter},
};
use hither_broker::{
    Reason,
    message::{Reply, Word},
};
use std::{collections::BTreeSet, time::Duration};
use tokio::{sync::oneshot, time::Instant};

const MINUTE: Duration = Duration::from_secs(60);
/// How long a program that is done may take to ask for more before another one is started.
const LINGER: Duration = Duration::from_secs(1);
/// The longest pause between two starts.
const LONGEST: Duration = Duration::from_secs(300);

impl Held {
    /// Delivers what can be delivered and starts who has to be started; when to look again.
    pub(super) fn pump(&self, now: Instant, online: bool) -> Option<Instant> {
        let mut state = self.state();
        let state = &mut *state;
        self.expire(state, now);
        state.lingering.retain(|_, (_, until)| *until > now);
        let wanted: BTreeSet<String> = state
            .entries
            .values()
            .filter(|entry| matches!(entry.stage, Stage::Wanted(_)))
            .map(|entry| entry.record.task.clone())
            .collect();
        let mut later: Vec<Instant> = Vec::new();
        for task in wanted {
            if !online && state.tasks.get(&task).is_some_and(Told::wants_network) {
                later.push(now + super::LOOKING);
                continue;
            }
            self.deliver(state, &task, now);
            let runs = state.launches.contains_key(&task) || state.runs.values().any(|run| run.task == task);
            let left = |entry: &Entry| entry.record.task == task && matches!(entry.stage, Stage::Wanted(_));
            if runs || !state.entries.values().any(left) {
                continue;
            }
            if let Some((_, until)) = state.lingering.values().find(|(of, until)| *of == task && *until > now) {
                later.push(*until);
                continue;
            }
            match permitted(state.tasks.get_mut(&task), now, self.0.parts.bounds.starts) {
                Ok(()) => self.launch(state, &task, now),
                Err(at) => later.push(at),
            }
        }
        later.extend(state.runs.values().map(|run| run.until));
        later.extend(state.launches.values().filter(|launch| launch.client.is_none()).map(|launch| launch.until));
        later.into_iter().min()
    }

    /// Tells those who wait for this task.
    fn deliver(&self, state: &mut State, task: &str, now: Instant) {
        let State { entries, waiters, runs, launches, .. } = state;
        let app = state.tasks.get(task).map(|told| told.task.app.clone()).unwrap_or_default();
        for (key, entry) in entries.iter_mut().filter(|(_, entry)| entry.record.task == task) {
            let Stage::Wanted(reason) = entry.stage else { continue };
            // Whoever left meanwhile is passed over.
            while let Some(at) = waiters.iter().position(|waiter| waiter.task == task) {
                let Waiter { client, tell, .. } = waiters.remove(at);
                let record = &entry.record;
                let told = Reply::Trigger {
                    reason,
                    app: app.clone(),
                    task: task.to_owned(),
                    id: record.id.clone(),
                    kind: record.kind,
                    context: record.context.clone(),
                };
                if tell.send(told).is_err() {
                    continue;
                }
                entry.stage = Stage::Told(client, reason);
                let until = now + self.0.parts.bounds.time;
                let run = runs.entry(client).or_insert_with(|| Run {
                    task: task.to_owned(),
                    until,
                    sockets: BTreeSet::new(),
                });
                run.sockets.insert(key.clone());
                if let Some(launch) = launches.get_mut(task) {
                    launch.client.get_or_insert(client);
                }
                break;
            }
        }
    }

    fn launch(&self, state: &mut State, task: &str, now: Instant) {
        state.turn += 1;
        let number = state.turn;
        let Some(told) = state.tasks.get_mut(task) else { return };
        told.starts.push_back(now);
        for entry in state.entries.values_mut() {
            if entry.record.task == task && matches!(entry.stage, Stage::Wanted(_)) {
                entry.record.woken += 1;
                super::remember(&state.book, entry);
            }
        }
        let (end, ended) = oneshot::channel();
        let surroundings = launch::Surroundings {
            socket: self.0.parts.socket.clone(),
            task: task.to_owned(),
            number,
            systemd: self.0.parts.supervisor.listens(),
        };
        let (held, start, of) = (self.clone(), told.task.start.clone(), task.to_owned());
        tokio::spawn(async move {
            let why = launch::run(start, surroundings, ended).await;
            held.ended(&of, number, &why);
        });
        tracing::info!("a program is started for task {task}");
        let launch = Launch { number, until: now + self.0.parts.bounds.time, client: None, process: Process::new(end) };
        state.launches.insert(task.to_owned(), launch);
    }

    /// A program has ended, or could not be started.
    fn ended(&self, task: &str, number: u64, why: &str) {
        let mut state = self.state();
        if state.launches.get(task).is_some_and(|launch| launch.number == number && launch.client.is_none()) {
            state.launches.remove(task);
            self.came_to_nothing(&mut state, task, why);
            self.0.poke.notify_one();
        }
    }

    fn came_to_nothing(&self, state: &mut State, task: &str, why: &str) {
        tracing::warn!("a program was started for task {task} in vain: {why}");
        for entry in state.entries.values_mut() {
            if entry.record.task == task && matches!(entry.stage, Stage::Wanted(_)) {
                entry.record.why = Some(why.to_owned());
                super::remember(&state.book, entry);
            }
        }
        if let Some(told) = state.tasks.get_mut(task) {
            told.failed(Instant::now(), self.0.parts.bounds.pause);
        }
    }

    /// Those whose time is over: programs that we started are ended, and their sockets are ours again (R4.13).
    fn expire(&self, state: &mut State, now: Instant) {
        let over: Vec<u64> = state.runs.iter().filter(|(_, run)| run.until <= now).map(|(client, _)| *client).collect();
        let time = self.0.parts.bounds.time.as_secs();
        for client in over {
            let why = format!("it was not done within {time} seconds (ExecutionTimeExceeded, 9)");
            self.not_done(state, client, &why);
        }
        let silent = state.launches.iter().filter(|(_, launch)| launch.client.is_none() && launch.until <= now);
        for task in silent.map(|(task, _)| task.clone()).collect::<Vec<_>>() {
            if let Some(mut launch) = state.launches.remove(&task) {
                launch.process.end();
            }
            let why = format!("it did not ask what it was started for within {time} seconds");
            self.came_to_nothing(state, &task, &why);
        }
    }

    /// A connection will not finish what it was told.
    fn not_done(&self, state: &mut State, client: u64, why: &str) {
        let Some(run) = state.runs.remove(&client) else { return };
        tracing::warn!("task {}: {why}", run.task);
        if state.launches.get(&run.task).is_some_and(|launch| launch.client == Some(client))
            && let Some(mut launch) = state.launches.remove(&run.task)
        {
            launch.process.end();
        }
        if let Some(told) = state.tasks.get_mut(&run.task) {
            told.failed(Instant::now(), self.0.parts.bounds.pause);
        }
        for key in run.sockets {
            self.back(state, &key, why);
        }
    }

    /// A connection has ended.
    pub(super) fn gone(&self, client: u64) {
        let mut state = self.state();
        state.waiters.retain(|waiter| waiter.client != client);
        self.not_done(&mut state, client, "its program ended before it was done");
        state.lingering.remove(&client);
        // One that was told nothing goes on as it likes.
        state.launches.retain(|_, launch| launch.client != Some(client));
        state.clients = state.clients.saturating_sub(1);
        self.0.poke.notify_one();
    }

    /// All that a connection was told is done (R4.11, R4.13).
    pub(super) fn complete(&self, state: &mut State, client: u64) -> Outcome {
        let Some(run) = state.runs.remove(&client) else {
            return refuse(Word::IllegalMethodCall, "there is nothing to be done with, or the time for it is over");
        };
        for key in run.sockets {
            match state.entries.get_mut(&key) {
                Some(entry) if matches!(entry.stage, Stage::Told(by, reason) if by == client && reason != Reason::SocketClosed) =>
                {
                    entry.stage = Stage::Quiet;
                }
                Some(_) => self.forget(state, &key),
                None => {}
            }
        }
        if let Some(told) = state.tasks.get_mut(&run.task) {
            (told.failures, told.not_before) = (0, None);
        }
        // What the program does from now on is its own business. Perhaps it asks for more.
        state.launches.retain(|_, launch| launch.client != Some(client));
        state.lingering.insert(client, (run.task, Instant::now() + LINGER));
        Ok(Reply::Done)
    }

    /// What a connection is wanted for; the receiver hears of it, now or later.
    pub(super) fn next(
        &self,
        client: u64,
        task: String,
        wait: bool,
    ) -> Result<Option<oneshot::Receiver<Reply>>, super::Refusal> {
        let mut state = self.state();
        if !state.tasks.contains_key(&task) {
            return refuse(Word::ElementNotFound, "there is no such task");
        }
        if state.runs.get(&client).is_some_and(|run| run.task != task) {
            return refuse(Word::IllegalMethodCall, "another task is not done yet");
        }
        state.lingering.remove(&client);
        let wanted = |entry: &Entry| entry.record.task == task && matches!(entry.stage, Stage::Wanted(_));
        if !wait && !state.entries.values().any(wanted) {
            if let Some(launch) = state.launches.get_mut(&task) {
                // It asked, and somebody else was quicker.
                launch.client.get_or_insert(client);
            }
            return Ok(None);
        }
        let (tell, told) = oneshot::channel();
        state.waiters.push(Waiter { client, task, tell });
        self.0.poke.notify_one();
        Ok(Some(told))
    }
}

impl Told {
    pub(super) fn failed(&mut self, now: Instant, pause: Duration) {
        self.failures = self.failures.saturating_add(1);
        let doubled = pause.saturating_mul(1 << (self.failures - 1).min(16));
        self.not_before = Some(now + doubled.min(LONGEST));
    }
}

/// Whether a task may be started now; if not, when to look again.
pub(super) fn permitted(told: Option<&mut Told>, now: Instant, most: usize) -> Result<(), Instant> {
    let Some(told) = told else { return Err(now + MINUTE) };
    while told.starts.front().is_some_and(|start| now.duration_since(*start) >= MINUTE) {
        told.starts.pop_front();
    }
    if let Some(at) = told.not_before.filter(|at| *at > now) {
        return Err(at);
    }
    match told.starts.front() {
        Some(first) if told.starts.len() >= most => Err(*first + MINUTE),
        _ => Ok(()),
    }
}
