//! What programs ask: tasks, handing over, taking back.

use super::{
    Held, Outcome, Refusal,
    book::{Record, Task},
    remember,
    state::{Entry, Stage, State, Told, bytes},
    unix_now, waiting,
};
use data_encoding::BASE64;
use hither_broker::{
    Reason, Start, Wake,
    message::{Ask, Listed, MAX_COMMAND, MAX_CONTEXT, MAX_KEEP_ALIVE, MAX_NAME, MAX_WORDS, Reply, Word},
};
use hither_model::row::HeldKind;
use std::os::fd::OwnedFd;

/// A reply, and the socket that goes with it.
pub(super) type Given = (Reply, Option<OwnedFd>);

impl Held {
    /// Does what a connection asks, but for waiting.
    pub(super) fn answer(&self, client: u64, ask: Ask, fd: Option<OwnedFd>) -> Result<Given, Refusal> {
        let mut state = self.state();
        let state = &mut *state;
        let reply = match ask {
            Ask::Hello { .. } => return refuse(Word::IllegalMethodCall, "hello was said"),
            Ask::Register { app, start, condition } => self.register(state, Task::new(app, start, condition)),
            Ask::Unregister { task } => self.unregister(state, &task),
            Ask::Enable { task, wake } => enable(state, &task, wake),
            Ask::Transfer { task, id, kind, context, keep_alive } => {
                let Some(fd) = fd else { return refuse(Word::InvalidArgument, "no socket came with this") };
                let record = Record {
                    app: String::new(),
                    id,
                    task,
                    kind,
                    context,
                    keep_alive,
                    at: unix_now(),
                    woken: 0,
                    why: None,
                };
                self.transfer(state, client, record, fd)
            }
            Ask::Sockets { app } => Ok(Reply::Sockets { rows: listed(state, &app) }),
            Ask::Context { app, id } => {
                let key = known(state, &app, &id)?;
                Ok(Reply::Context {
                    context: state.entries.get(&key).map(|e| e.record.context.clone()).unwrap_or_default(),
                })
            }
            Ask::Take { app, id, kind } => return self.take(state, client, &app, &id, kind),
            Ask::Release { task, id } => {
                let app = state.tasks.get(&task).map(|told| told.task.app.clone()).unwrap_or_default();
                let key = known(state, &app, &id)?;
                self.forget(state, &key);
                Ok(Reply::Done)
            }
            Ask::Complete => self.complete(state, client),
            Ask::Next { .. } => return refuse(Word::IllegalMethodCall, "one request after the other"),
        };
        self.0.poke.notify_one();
        reply.map(|reply| (reply, None))
    }

    fn register(&self, state: &mut State, task: Task) -> Outcome {
        fits("the app's name", &task.app)?;
        match &task.start {
            Start::Command { program, args } => {
                let length = program.as_os_str().len() + args.iter().map(String::len).sum::<usize>();
                if !program.is_absolute() || program.to_str().is_none() {
                    return refuse(Word::InvalidArgument, "the program needs a full path in UTF-8");
                }
                if args.len() > MAX_WORDS || length > MAX_COMMAND || args.iter().any(|word| word.contains('\0')) {
                    return refuse(Word::InvalidArgument, "too many words, or one with a zero in it");
                }
            }
            Start::Bus { name } => {
                fits("the name on the bus", name)?;
                let sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
                if !name.contains('.') || !name.chars().all(sign) {
                    return refuse(Word::InvalidArgument, "that is no name on a bus");
                }
            }
        }
        if state.tasks.contains_key(&task.id) {
            return Ok(Reply::Task { task: task.id });
        }
        let of_app = state.tasks.values().filter(|told| told.task.app == task.app).count();
        let (one, all) = self.0.parts.bounds.tasks;
        if of_app >= one || state.tasks.len() >= all {
            return refuse(Word::Full, "there are too many tasks already");
        }
        state.book.keep_task(&task).map_err(|e| (Word::Failed, format!("the task cannot be kept: {e}")))?;
        let id = task.id.clone();
        state.tasks.insert(id.clone(), Told::new(task));
        Ok(Reply::Task { task: id })
    }

    fn unregister(&self, state: &mut State, task: &str) -> Outcome {
        if state.tasks.remove(task).is_none() {
            return refuse(Word::ElementNotFound, "there is no such task");
        }
        let of_task = state.entries.iter().filter(|(_, entry)| entry.record.task == task);
        for key in of_task.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.forget(state, &key);
        }
        state.book.forget_task(task);
        Ok(Reply::Done)
    }

    fn transfer(&self, state: &mut State, client: u64, mut record: Record, fd: OwnedFd) -> Outcome {
        let told = state.tasks.get(&record.task).ok_or((Word::ElementNotFound, "there is no such task".to_owned()))?;
        record.app = told.task.app.clone();
        fits("the socket's name", &record.id)?;
        if record.context.len() > MAX_CONTEXT.div_ceil(3) * 4 || BASE64.decode(record.context.as_bytes()).is_err() {
            return refuse(Word::InvalidArgument, "the context is no base64 of at most 64 KiB");
        }
        match record.keep_alive {
            Some(_) if record.kind == HeldKind::Listener => {
                return refuse(Word::InvalidArgument, "a listener has no time without traffic");
            }
            Some(time) if !(1..=MAX_KEEP_ALIVE).contains(&time) => {
                return refuse(Word::InvalidArgument, "a time without traffic is 1 s to a day");
            }
            _ => {}
        }
        let nature = waiting::nature(&fd).map_err(|why| (Word::InvalidArgument, why))?;
        if nature.kind != record.kind {
            return refuse(Word::InvalidArgument, "the socket is not of the kind that was said");
        }
        if let Some(why) = state.refusal(&nature) {
            return refuse(Word::AccessDenied, &why);
        }
        let key = record.key();
        self.make_room(state, client, &key, &mut record)?;
        state.book.keep(&record).map_err(|e| (Word::Failed, format!("the socket's context cannot be kept: {e}")))?;
        let same = state.entries.get(&key).and_then(|old| old.fd.as_ref()).is_some_and(|old| same_socket(old, &fd));
        if !same {
            self.0.parts.supervisor.let_go(&key);
        }
        self.0.parts.supervisor.hold(&key, &fd);
        if let Some(run) = state.runs.get_mut(&client) {
            run.sockets.remove(&key);
        }
        state.entries.insert(key.clone(), Entry::new(record, Some(fd), Some(nature)));
        self.wait_at(state, &key);
        Ok(Reply::Done)
    }

    /// Whether there is a place for a socket of this name (R4.5): it is new, it was taken from here by the same connection, or it is
    /// closed.
    fn make_room(&self, state: &State, client: u64, key: &str, record: &mut Record) -> Result<(), Refusal> {
        match state.entries.get(key) {
            Some(old) => {
                let back = matches!(old.stage, Stage::Taken(by) if by == client);
                if !back && old.fd.is_some() {
                    return refuse(Word::InvalidArgument, "a socket of this name is held already");
                }
                record.woken = old.record.woken;
                Ok(())
            }
            None => {
                let of_task = state.entries.values().filter(|entry| entry.record.task == record.task).count();
                let (one, all) = self.0.parts.bounds.sockets;
                if of_task >= one || state.entries.len() >= all {
                    return refuse(Word::Full, "there are too many sockets already");
                }
                Ok(())
            }
        }
    }

    fn take(&self, state: &mut State, client: u64, app: &str, id: &str, kind: HeldKind) -> Result<Given, Refusal> {
        let key = known(state, app, id)?;
        let State { entries, runs, .. } = state;
        let entry = entries.get_mut(&key).ok_or((Word::ElementNotFound, String::new()))?;
        if entry.record.kind != kind {
            return refuse(Word::InvalidArgument, "the socket is of another kind");
        }
        if matches!(entry.stage, Stage::Taken(_)) {
            return refuse(Word::ElementNotFound, "the socket was taken already");
        }
        let Some(fd) = &entry.fd else { return refuse(Word::ElementNotFound, "the socket was closed") };
        let fd = fd.try_clone().map_err(|e| (Word::Failed, e.to_string()))?;
        entry.stop_waiting();
        let reply = Reply::Socket { task: entry.record.task.clone(), context: entry.record.context.clone() };
        match runs.get_mut(&client) {
            // Ours too, until it says that it is done.
            Some(run) => {
                run.sockets.insert(key.clone());
                entry.stage = Stage::Taken(client);
            }
            None => self.forget(state, &key),
        }
        Ok((reply, Some(fd)))
    }

    /// Lets go of a socket and of everything that is known of it. Who else has it keeps it.
    pub(super) fn forget(&self, state: &mut State, key: &str) {
        self.0.parts.supervisor.let_go(key);
        state.entries.remove(key);
        state.book.forget(key);
        for run in state.runs.values_mut() {
            run.sockets.remove(key);
        }
    }

    /// A socket is waited for again, for what it was meant comes again.
    pub(super) fn back(&self, state: &mut State, key: &str, why: &str) {
        let State { entries, book, .. } = state;
        let Some(entry) = entries.get_mut(key) else { return };
        entry.record.why = Some(why.to_owned());
        remember(book, entry);
        if entry.fd.is_some() {
            self.wait_at(state, key);
        } else {
            entry.stage = Stage::Wanted(Reason::SocketClosed);
        }
    }
}

fn enable(state: &State, task: &str, wake: Wake) -> Outcome {
    if !state.tasks.contains_key(task) {
        return refuse(Word::ElementNotFound, "there is no such task");
    }
    match wake {
        Wake::Wake => {
            refuse(Word::ElementNotFound, "Element not found: this system does not wake from sleep for a socket")
        }
        Wake::DoNotWake => Ok(Reply::Done),
    }
}

fn listed(state: &State, app: &str) -> Vec<Listed> {
    let of_app = state.entries.values().filter(|entry| entry.record.app == app && entry.fd.is_some());
    of_app
        .map(|Entry { record, .. }| Listed {
            id: record.id.clone(),
            task: record.task.clone(),
            kind: record.kind,
            context: bytes(&record.context),
        })
        .collect()
}

fn known(state: &State, app: &str, id: &str) -> Result<String, Refusal> {
    state.key_of(app, id).ok_or((Word::ElementNotFound, "there is no such socket".into()))
}

fn fits(what: &str, name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
        return refuse(Word::InvalidArgument, &format!("{what} has 1 to {MAX_NAME} bytes and no control characters"));
    }
    Ok(())
}

fn same_socket(one: &OwnedFd, other: &OwnedFd) -> bool {
    let inode = |fd: &OwnedFd| rustix::fs::fstat(fd).map(|s| (s.st_dev, s.st_ino)).ok();
    inode(one).is_some_and(|one| Some(one) == inode(other))
}

pub(super) fn refuse<T>(word: Word, why: &str) -> Result<T, Refusal> {
    Err((word, why.to_owned()))
}
