//! What people ask of the outbox.

use super::queue::{MAX_ENTRIES, MAX_GROUPS, Post};
use crate::{asks::Reply, clock::random, event::Event, state::State, transfers};
use hither_model::{
    Answer, CostPolicy, ErrorCode, Failure, News, OutboxId, OutboxState, PeerId, Priority, TransferId, Trust, WaitsFor,
    ask::OutboxAsk, text::shortened,
};
use hither_transfer::Skipped;
use std::{collections::BTreeSet, path::PathBuf};

/// Seconds something waits unless said otherwise: a week.
const WEEK: u64 = 604_800;
/// And at most: 90 days.
const LONGEST: u64 = 7_776_000;
/// Characters in a group's name.
const MAX_NAME: usize = 40;
/// Paths in one go.
const MAX_PATHS: usize = 10_000;

impl State {
    /// A request about the outbox.
    pub(crate) fn outbox_asked(&mut self, ask: OutboxAsk, reply: Reply) {
        let answer = match ask {
            OutboxAsk::Post { to, paths, seconds, priority, cost, group } => {
                let terms =
                    (seconds, priority.unwrap_or(Priority::Default), cost.unwrap_or(CostPolicy::Default), group);
                return match self.may_post(&to, paths, terms) {
                    Ok(post) => self.walk(post, reply),
                    Err(failure) => drop(reply.send(Err(failure))),
                };
            }
            OutboxAsk::List => {
                let all: Vec<OutboxId> = self.outbox.queue.entries.keys().copied().collect();
                return drop(reply.send(Ok(self.outbox_answer(all))));
            }
            OutboxAsk::Change { entry, priority, cost, seconds, held } => {
                self.outbox_named(&entry).map(|id| self.change_posted(id, priority, cost, seconds, held))
            }
            OutboxAsk::Withdraw { entry } => self.outbox_named(&entry).map(|id| self.take_out(&[id])),
            OutboxAsk::Tidy => {
                let over = self.outbox.queue.entries.iter().filter(|(_, e)| e.is_over());
                let over: Vec<OutboxId> = over.map(|(id, _)| *id).collect();
                Ok(self.take_out(&over))
            }
            OutboxAsk::Group { group, serial } => self.make_group(&group, serial),
            OutboxAsk::Ungroup { group } => self.remove_group(&group),
        };
        self.outbox.stirred = true;
        match answer {
            Ok(answer) => self.answer_when_written(answer, reply),
            Err(failure) => drop(reply.send(Err(failure))),
        }
    }

    /// What is answered is on disk: nothing of it is lost whatever happens then.
    fn answer_when_written(&mut self, answer: Answer, reply: Reply) {
        let written = self.outbox.stale.mark_and_wait();
        self.tasks.spawn(async move {
            let failure = || Failure::new(ErrorCode::StorageFailed, "the outbox could not be written to disk");
            let outcome = if matches!(written.await, Ok(Ok(()))) { Ok(answer) } else { Err(failure()) };
            let _ = reply.send(outcome);
        });
    }

    /// The agent finishes what moves and stops: what waits waits for the next one.
    pub(crate) fn rest_outbox(&mut self) -> Answer {
        self.outbox.rests = true;
        Answer::Done
    }

    /// Whether the agent is about to end and takes nothing new.
    pub(crate) fn rests(&self) -> bool {
        self.outbox.rests
    }

    fn outbox_named(&self, wanted: &str) -> Result<OutboxId, Failure> {
        let lower = wanted.trim().to_lowercase();
        let ids = self.outbox.queue.entries.keys();
        let found: Vec<OutboxId> =
            ids.filter(|id| !lower.is_empty() && id.to_string().starts_with(&lower)).copied().collect();
        let failure =
            |why: String| Failure::new(ErrorCode::UnknownId, why).hint("run `hither outbox` to see what is there");
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(failure(format!("there is nothing called {wanted:?} in the outbox"))),
            _ => Err(failure(format!("{wanted:?} could be several things in the outbox"))),
        }
    }

    fn may_post(
        &self,
        to: &[String],
        paths: Vec<PathBuf>,
        (seconds, priority, cost, group): (Option<u64>, Priority, CostPolicy, Option<String>),
    ) -> Result<Post, Failure> {
        if to.is_empty() {
            return Err(Failure::new(ErrorCode::Misuse, "at least one device is needed"));
        }
        if paths.is_empty() || paths.len() > MAX_PATHS || paths.iter().any(|p| p.is_relative()) {
            return Err(Failure::new(ErrorCode::Misuse, "absolute paths of files or folders are needed"));
        }
        let group = group.map(|name| self.group_name(&name)).transpose()?;
        let mut recipients: Vec<(PeerId, String)> = Vec::new();
        for wanted in to {
            let found = self.recipient(wanted)?;
            if !recipients.iter().any(|(peer, _)| *peer == found.0) {
                recipients.push(found);
            }
        }
        let post = Post { to: recipients, paths, seconds: waits_for(seconds), priority, cost, group };
        self.is_new(&post).map(|()| post)
    }

    /// A device that was met: nothing waits for one whose key is not known.
    fn recipient(&self, wanted: &str) -> Result<(PeerId, String), Failure> {
        let peer = self.peer_named(wanted).map_err(|failure| match self.directory.find(wanted) {
            Ok(_) => Failure::new(ErrorCode::UnknownId, format!("{wanted:?} is near, but was never met"))
                .hint("run `hither invite` first: what waits is for a key that was proven"),
            Err(_) => failure,
        })?;
        if self.people.trust(&peer) == Trust::Blocked {
            return Err(Failure::new(ErrorCode::AccessDenied, "that device is blocked here")
                .hint(format!("run `hither trust set {} known` first", peer.short())));
        }
        let person = self.people.find(&peer);
        let session = self.sessions_with(&peer).into_iter().next().and_then(|id| self.sessions.get(&id));
        if session.is_none() && !person.is_some_and(crate::store::Person::is_known) {
            return Err(Failure::new(ErrorCode::UnknownId, format!("{wanted:?} was met without comparing a code"))
                .hint("run `hither invite` first, and compare the code"));
        }
        let name = person.map(|p| p.name.to_string()).or_else(|| session.map(|s| s.kept.name.to_string()));
        Ok((peer, name.unwrap_or_else(|| format!("device {}", peer.short()))))
    }

    /// The same for the same device is not put there twice (R6.16).
    fn is_new(&self, post: &Post) -> Result<(), Failure> {
        let same = |(peer, _): &&(PeerId, String)| {
            self.outbox.queue.holds(peer, &post.paths) || self.is_being_sent(peer, &post.paths)
        };
        match post.to.iter().find(same) {
            Some((_, name)) => {
                Err(Failure::new(ErrorCode::Busy, format!("exactly this is on its way to {name} already"))
                    .hint("run `hither outbox` or `hither transfers` to see it"))
            }
            None if self.outbox.queue.room_for(post.to.len()).is_none() => {
                Err(Failure::new(ErrorCode::Busy, format!("the outbox is full: {MAX_ENTRIES} things wait"))
                    .hint("take some out with `hither outbox withdraw`"))
            }
            None => Ok(()),
        }
    }

    fn group_name(&self, name: &str) -> Result<String, Failure> {
        let name = hither_model::text::printable(name.trim());
        if name.is_empty() || name.chars().count() > MAX_NAME {
            return Err(Failure::new(ErrorCode::Misuse, format!("a group's name has 1 to {MAX_NAME} characters")));
        }
        if !self.outbox.queue.groups.contains_key(&name) && self.outbox.queue.groups.len() >= MAX_GROUPS {
            return Err(Failure::new(ErrorCode::Busy, format!("there are {MAX_GROUPS} groups already"))
                .hint("remove one with `hither outbox ungroup`"));
        }
        Ok(name)
    }

    /// The sources are walked once for all.
    fn walk(&self, post: Post, reply: Reply) {
        let batch = TransferId::new(random());
        let (directory, me, events) = (self.profile_dir.join("outgoing"), self.my_id, self.events.clone());
        self.tasks.spawn_blocking(move || {
            let outcome = transfers::post(&directory, batch, me, &post.paths);
            let report = super::Report::Walked { batch, post: Box::new(post), outcome, reply };
            let _ = events.blocking_send(Event::Outbox(report));
        });
    }

    /// They were walked: it is there now.
    pub(super) fn posted(
        &mut self,
        batch: TransferId,
        post: &Post,
        outcome: Result<(String, Vec<Skipped>), Failure>,
        reply: Reply,
    ) {
        // The same may have come twice meanwhile.
        let outcome = outcome.and_then(|walked| self.is_new(post).map(|()| walked));
        let (title, skipped) = match outcome {
            Ok(walked) => walked,
            Err(failure) => {
                self.forget_list(batch);
                return drop(reply.send(Err(failure)));
            }
        };
        let making_room = self.outbox.queue.room_for(post.to.len()).unwrap_or_default();
        if !making_room.is_empty() {
            self.take_out(&making_room);
        }
        let ids: Vec<OutboxId> = post.to.iter().map(|_| OutboxId::new(random())).collect();
        self.outbox.queue.post(batch, post, &title, &ids, self.clock.unix());
        let left_out = skipped.first().map(|first| {
            shortened(&format!("{} left out, the first: {}: {}", skipped.len(), first.path, first.why), 200)
        });
        let now = self.clock.unix();
        for (id, (peer, _)) in ids.iter().zip(&post.to) {
            if let Some(entry) = self.outbox.queue.entries.get_mut(id) {
                entry.why.clone_from(&left_out);
            }
            self.outbox.peers.insert(*peer);
            if let Some(call) = self.outbox.calls.get_mut(peer) {
                call.hurry(now);
            }
            self.tell_outbox(*id);
        }
        self.outbox.stirred = true;
        let answer = self.outbox_answer(ids);
        self.answer_when_written(answer, reply);
    }

    fn change_posted(
        &mut self,
        id: OutboxId,
        priority: Option<Priority>,
        cost: Option<CostPolicy>,
        seconds: Option<u64>,
        held: Option<bool>,
    ) -> Answer {
        let now = self.clock.unix();
        if let Some(entry) = self.outbox.queue.entries.get_mut(&id) {
            entry.priority = priority.unwrap_or(entry.priority);
            entry.cost = cost.unwrap_or(entry.cost);
            if seconds.is_some() || (held == Some(false) && entry.expires <= now) {
                entry.expires = now + waits_for(seconds);
            }
        }
        match held {
            Some(true) => self.hold_back(id),
            Some(false) => self.let_go(id),
            None => {}
        }
        self.tell_outbox(id);
        self.outbox_answer([id])
    }

    /// It waits for the person's word. What moves stands still; what is only offered is taken back.
    fn hold_back(&mut self, id: OutboxId) {
        let Some(entry) = self.outbox.queue.entries.get_mut(&id).filter(|e| !e.is_over()) else { return };
        entry.held = true;
        let sent_as = entry.transfer.filter(|_| entry.state == OutboxState::Sending);
        self.outbox.waits.insert(id, WaitsFor::Word);
        let Some(transfer) = sent_as else { return };
        if !self.hold_transfer(transfer, "held back") && !self.transfer_is_agreed(transfer) {
            self.outbox_waits_again(id, None);
            self.call_off_transfer(transfer);
        }
    }

    /// The person says: now.
    fn let_go(&mut self, id: OutboxId) {
        let Some(entry) = self.outbox.queue.entries.get_mut(&id) else { return };
        let (peer, before, transfer) = (entry.peer, entry.state, entry.transfer);
        entry.go();
        self.outbox.waits.remove(&id);
        self.outbox.calls.remove(&peer);
        self.outbox.peers.insert(peer);
        let Some(transfer) = transfer else { return };
        let partly = before == OutboxState::Failed && self.transfer_is_partly(transfer);
        if partly && let Some(entry) = self.outbox.queue.entries.get_mut(&id) {
            (entry.state, entry.transfer, entry.anew) = (OutboxState::Sending, Some(transfer), false);
            self.outbox.of_transfer.insert(transfer, id);
        }
        if partly || before == OutboxState::Sending {
            self.release_transfer(transfer);
        }
    }

    /// Takes entries out; what is being sent of them is cancelled.
    fn take_out(&mut self, ids: &[OutboxId]) -> Answer {
        let answer = self.outbox_answer(ids.iter().copied());
        let gone = self.outbox.queue.take_out(ids);
        let mut touched: BTreeSet<TransferId> = BTreeSet::new();
        for (id, entry) in gone.entries {
            self.outbox.starting.remove(&id);
            self.outbox.waits.remove(&id);
            touched.insert(entry.batch);
            if let Some(transfer) = entry.transfer {
                self.outbox.of_transfer.remove(&transfer);
                if entry.state == OutboxState::Sending {
                    self.call_off_transfer(transfer);
                }
            }
            if !entry.is_over() {
                self.call_off_needless(entry.peer);
            }
            self.tell(News::OutboxGone { id });
        }
        for batch in &gone.batches {
            self.outbox.windows.remove(batch);
            self.forget_list(*batch);
        }
        touched.iter().for_each(|batch| self.batch_over(batch));
        self.outbox.stale.mark();
        answer
    }

    fn make_group(&mut self, name: &str, serial: bool) -> Result<Answer, Failure> {
        let name = self.group_name(name)?;
        self.outbox.queue.group(&name, serial);
        Ok(self.outbox_answer([]))
    }

    fn remove_group(&mut self, name: &str) -> Result<Answer, Failure> {
        let name = hither_model::text::printable(name.trim());
        if self.outbox.queue.count(&name) != (0, 0) {
            return Err(Failure::new(ErrorCode::Busy, format!("the group {name:?} is not empty"))
                .hint("take out what is in it first, or wait until it is sent"));
        }
        match self.outbox.queue.groups.remove(&name) {
            Some(_) => Ok(self.outbox_answer([])),
            None => Err(Failure::new(ErrorCode::UnknownId, format!("there is no group {name:?}"))
                .hint("run `hither outbox` to see the groups")),
        }
    }
}

fn waits_for(seconds: Option<u64>) -> u64 {
    seconds.unwrap_or(WEEK).clamp(1, LONGEST)
}
