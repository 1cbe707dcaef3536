//! What was decided is done: transfers begin and stand still, devices are invited; and what came of it is noted.

use super::queue::{Act, Post};
use crate::{asks::Reply, clock::random, event::Event, state::State, transfers::Posted};
use hither_model::{ErrorCode, Failure, InviteId, OutboxId, OutboxState, PeerId, TransferId, text::shortened};
use hither_transfer::{Outgoing, Skipped};
use tokio::sync::oneshot;

/// Seconds before a device that did not answer is invited again; twice as long each time, up to [`LONGEST`].
const FIRST: u64 = 60;
const LONGEST: u64 = 3_600;
/// Seconds that pass in any case, also when it is seen anew: adverts may come and go quickly.
const BREATH: u64 = 5;
/// Seconds before somebody who has others to answer is asked again.
const PAUSE: u64 = 31;
/// Characters of a title in an invite.
const TITLE: usize = 100;

/// From the room's threads.
pub(crate) enum Report {
    /// What is to be sent was walked.
    Walked { batch: TransferId, post: Box<Post>, outcome: Result<(String, Vec<Skipped>), Failure>, reply: Reply },
    /// That an entry becomes a transfer is on disk, or cannot be written.
    Written { entry: OutboxId, written: bool },
    /// Nothing was offered: the sources are not what they were.
    Unfit { entry: OutboxId, transfer: TransferId, failure: Failure },
}

/// Our invites of one device.
#[derive(Debug, Default)]
pub(super) struct Call {
    invite: Option<InviteId>,
    tries: u32,
    /// When the last one ended, seconds since 1970.
    ended: u64,
    /// The device was seen, or the network changed, while one was under way.
    fresh: bool,
    /// No other before.
    again: u64,
}

impl Call {
    /// Not before; nothing that a clock set back has pushed out of reach.
    pub(super) fn not_before(&self, now: u64) -> u64 {
        if self.again > now + LONGEST { now } else { self.again }
    }

    /// Something changed: it may be reached now.
    pub(super) fn hurry(&mut self, now: u64) {
        self.again = self.again.min((self.ended + BREATH).max(now));
        self.fresh = self.invite.is_some();
    }

    /// It came to nothing.
    fn failed(&mut self, now: u64, code: ErrorCode) {
        self.invite = None;
        self.ended = now;
        let wait = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        let fresh = std::mem::take(&mut self.fresh);
        self.again = now
            + match code {
                // The agent there lets the same device ask its person only so often.
                ErrorCode::Busy => PAUSE,
                _ if fresh => BREATH,
                _ => wait,
            };
        self.tries += 1;
    }
}

impl State {
    pub(super) async fn decide_outbox(&mut self) {
        let view = self.outbox_view();
        let decision = self.outbox.queue.decide(&view);
        (self.outbox.again, self.outbox.decided) = (decision.again, view.now);
        for (id, what) in decision.waits {
            if self.outbox.waits.insert(id, what) != Some(what) {
                self.tell_outbox(id);
            }
        }
        for act in decision.acts {
            match act {
                Act::Start(id) => self.start_posted(id),
                Act::Invite(peer) => self.call_for_outbox(peer),
                Act::Pause(id) => self.pause_for_cost(id),
                Act::Resume(id) => self.resume_after_cost(id),
                Act::Expire(id) => self.expire_posted(id),
            }
        }
    }

    /// An entry becomes a transfer, which is written down before anything is offered.
    fn start_posted(&mut self, id: OutboxId) {
        let Some(entry) = self.outbox.queue.entries.get_mut(&id) else { return };
        let transfer = *entry.transfer.get_or_insert_with(|| TransferId::new(random()));
        (entry.state, entry.next) = (OutboxState::Sending, None);
        self.outbox.of_transfer.insert(transfer, id);
        self.outbox.starting.insert(id);
        self.tell_outbox(id);
        let (written, events) = (self.outbox.stale.mark_and_wait(), self.events.clone());
        self.tasks.spawn(async move {
            let written = matches!(written.await, Ok(Ok(())));
            let _ = events.send(Event::Outbox(Report::Written { entry: id, written })).await;
        });
    }

    fn posted_written(&mut self, id: OutboxId, written: bool) {
        self.outbox.starting.remove(&id);
        let Some(entry) = self.outbox.queue.entries.get(&id).filter(|e| e.state == OutboxState::Sending) else {
            return;
        };
        let (Some(transfer), Some(batch)) = (entry.transfer, self.outbox.queue.batches.get(&entry.batch)) else {
            return;
        };
        if !written {
            let failure = Failure::new(ErrorCode::StorageFailed, "the outbox could not be written to disk");
            return self.outbox_stumbled(id, &failure);
        }
        if self.transfer_stands(transfer).is_some() {
            return;
        }
        let posted = Posted { batch: entry.batch, paths: batch.paths.clone(), anew: entry.anew };
        let (peer, name) = (entry.peer, entry.name.clone());
        let (reply, answer) = oneshot::channel();
        self.begin_posted(transfer, peer, name, posted, reply);
        let events = self.events.clone();
        self.tasks.spawn(async move {
            if let Ok(Err(failure)) = answer.await {
                let _ = events.send(Event::Outbox(Report::Unfit { entry: id, transfer, failure })).await;
            }
        });
    }

    pub(crate) fn outbox_reported(&mut self, report: Report) {
        match report {
            Report::Walked { batch, post, outcome, reply } => self.posted(batch, &post, outcome, reply),
            Report::Written { entry, written } => self.posted_written(entry, written),
            Report::Unfit { entry, transfer, failure } => {
                if self.is_sending_as(entry, transfer) {
                    self.outbox_stumbled(entry, &failure);
                }
            }
        }
        self.outbox.stirred = true;
    }

    fn is_sending_as(&self, id: OutboxId, transfer: TransferId) -> bool {
        let entry = self.outbox.queue.entries.get(&id);
        entry.is_some_and(|e| e.state == OutboxState::Sending && e.transfer == Some(transfer))
    }

    /// Invites a device in the name of everything that waits for it: the person asked for that when they put it there.
    fn call_for_outbox(&mut self, peer: PeerId) {
        let now = self.clock.unix();
        let invite = InviteId::new(random());
        let message = self.words_for(&peer);
        let outcome = self.invite_now(invite, &peer.to_string(), (message, false), None, None);
        let call = self.outbox.calls.entry(peer).or_default();
        match outcome {
            Ok(()) => (call.invite, call.again) = (Some(invite), now + FIRST),
            Err(failure) => {
                tracing::debug!(%failure.message, "a device is not invited for the outbox");
                call.failed(now, failure.code);
                self.outbox.stirred = true;
            }
        }
    }

    /// What the invite says: what waits.
    fn words_for(&self, peer: &PeerId) -> Option<String> {
        let queue = &self.outbox.queue;
        let waiting = || queue.entries.values().filter(|e| e.peer == *peer && !e.is_over() && !e.held);
        let first = waiting().min_by_key(|e| (std::cmp::Reverse(e.priority), e.number))?;
        let title = shortened(&queue.batches.get(&first.batch)?.title, TITLE);
        Some(match waiting().count() - 1 {
            0 => format!("to send you: {title}"),
            more => format!("to send you: {title}, and {more} more"),
        })
    }

    /// An invite ended without a session. Says whether it was one of ours.
    pub(super) fn call_ended(&mut self, invite: InviteId, failure: &Failure) -> bool {
        let now = self.clock.unix();
        let of = self.outbox.calls.iter().find(|(_, call)| call.invite == Some(invite)).map(|(peer, _)| *peer);
        let Some(peer) = of else { return true };
        if let Some(call) = self.outbox.calls.get_mut(&peer) {
            call.failed(now, failure.code);
        }
        if failure.code == ErrorCode::Declined {
            for id in self.of_peer(&peer) {
                if let Some(entry) = self.outbox.queue.entries.get_mut(&id) {
                    (entry.declined, entry.why) = (true, Some(failure.message.clone()));
                }
                self.outbox.waits.remove(&id);
            }
            self.outbox.stale.mark();
        }
        true
    }

    /// There is a session: whatever was said to an invite before does not count any more.
    pub(super) fn call_answered(&mut self, peer: PeerId) {
        self.outbox.calls.remove(&peer);
        for id in self.of_peer(&peer) {
            if let Some(entry) = self.outbox.queue.entries.get_mut(&id).filter(|e| e.declined) {
                (entry.declined, entry.why) = (false, None);
                self.outbox.stale.mark();
            }
        }
    }

    fn of_peer(&self, peer: &PeerId) -> Vec<OutboxId> {
        let of = self.outbox.queue.entries.iter().filter(|(_, e)| e.peer == *peer && !e.is_over());
        of.map(|(id, _)| *id).collect()
    }

    /// An invite of ours that nothing waits for any more is taken back.
    pub(super) fn call_off_needless(&mut self, peer: PeerId) {
        if self.of_peer(&peer).is_empty()
            && let Some(invite) = self.outbox.calls.remove(&peer).and_then(|call| call.invite)
        {
            self.outbox.needless.push(invite);
        }
    }

    fn pause_for_cost(&mut self, id: OutboxId) {
        let Some(transfer) = self.outbox.queue.entries.get(&id).and_then(|e| e.transfer) else { return };
        if self.hold_transfer(transfer, "costed network") {
            self.now_costly(id, true);
        }
    }

    fn resume_after_cost(&mut self, id: OutboxId) {
        let Some(transfer) = self.outbox.queue.entries.get(&id).and_then(|e| e.transfer) else { return };
        self.now_costly(id, false);
        self.release_transfer(transfer);
    }

    fn now_costly(&mut self, id: OutboxId, costly: bool) {
        if let Some(entry) = self.outbox.queue.entries.get_mut(&id) {
            entry.costly = costly;
            entry.why = costly.then(|| "costed network".to_owned());
            self.outbox.stale.mark();
            self.tell_outbox(id);
        }
    }

    fn expire_posted(&mut self, id: OutboxId) {
        let Some(entry) = self.outbox.queue.entries.get_mut(&id) else { return };
        entry.state = OutboxState::Expired;
        entry.why.get_or_insert_with(|| "the device was not seen in time".into());
        self.over_in_outbox(id);
    }

    pub(super) fn outbox_sent(&mut self, id: OutboxId) {
        let Some(entry) = self.outbox.queue.entries.get_mut(&id) else { return };
        (entry.state, entry.why, entry.costly, entry.held) = (OutboxState::Sent, None, false, false);
        self.over_in_outbox(id);
    }

    /// Its transfer ended without everything kept.
    pub(super) fn outbox_dropped(&mut self, id: OutboxId, transfer: TransferId, failure: &Failure) {
        if self.live_session_gone(id) && failure.code == ErrorCode::Withdrawn {
            return self.outbox_waits_again(id, None);
        }
        if self.transfer_is_partly(transfer) {
            // What is kept there is kept; the rest has reasons of its own. The person may try it again.
            let Some(entry) = self.outbox.queue.entries.get_mut(&id) else { return };
            (entry.state, entry.why) = (OutboxState::Failed, Some(failure.message.clone()));
            return self.over_in_outbox(id);
        }
        self.outbox_stumbled(id, failure);
    }

    /// The session ended over it, or the agent: it waits for the next one, as if it had not been begun.
    pub(super) fn outbox_waits_again(&mut self, id: OutboxId, transfer: Option<TransferId>) {
        let Some(entry) = self.outbox.queue.entries.get_mut(&id) else { return };
        let before = std::mem::replace(&mut entry.transfer, transfer);
        (entry.state, entry.costly) = (OutboxState::Waiting, false);
        if let Some(before) = before.filter(|before| Some(*before) != transfer) {
            self.outbox.of_transfer.remove(&before);
        }
        self.outbox.waits.remove(&id);
        self.outbox.stale.mark();
    }

    pub(super) fn outbox_stumbled(&mut self, id: OutboxId, failure: &Failure) {
        let now = self.clock.unix();
        let before = self.outbox.queue.entries.get(&id).and_then(|e| e.transfer);
        self.outbox.queue.stumbled(&id, failure, now);
        if let Some(before) = before {
            self.outbox.of_transfer.remove(&before);
        }
        self.outbox.waits.remove(&id);
        match self.outbox.queue.entries.get(&id) {
            Some(entry) if entry.is_over() => self.over_in_outbox(id),
            _ => self.outbox.stale.mark(),
        }
    }

    /// An entry is over: it is told and written; a failure or a lapse goes into the history, as does the end of the batch,
    /// once (R6.18).
    fn over_in_outbox(&mut self, id: OutboxId) {
        self.outbox.waits.remove(&id);
        self.outbox.stale.mark();
        self.tell_outbox(id);
        let Some(entry) = self.outbox.queue.entries.get(&id) else { return };
        let (peer, name, batch, state) = (entry.peer, entry.name.clone(), entry.batch, entry.state);
        let why = entry.why.clone().unwrap_or_default();
        let title = self.outbox.queue.batches.get(&batch).map(|b| b.title.clone()).unwrap_or_default();
        match state {
            OutboxState::Expired => self.note("outbox", Some(peer), Some(name), format!("{title}: expired, {why}")),
            OutboxState::Failed => self.note("outbox", Some(peer), Some(name), format!("{title}: {why}")),
            OutboxState::Waiting | OutboxState::Sending | OutboxState::Sent => {}
        }
        self.batch_over(&batch);
        if !self.outbox.queue.entries.values().any(|e| e.peer == peer && !e.is_over()) {
            self.outbox.peers.remove(&peer);
        }
        self.call_off_needless(peer);
    }

    pub(super) fn batch_over(&mut self, batch: &TransferId) {
        let Some(finished) = self.outbox.queue.finished(batch) else { return };
        self.outbox.windows.remove(batch);
        if finished.all > 1 {
            let super::queue::Finished { title, all, sent } = finished;
            self.note("outbox", None, None, format!("{title}: sent to {sent} of {all}"));
        }
        if finished.sent == finished.all {
            self.forget_list(*batch);
        }
    }

    /// The list of what was put there goes once that is on disk.
    pub(super) fn forget_list(&mut self, batch: TransferId) {
        let (written, directory) = (self.outbox.stale.mark_and_wait(), self.profile_dir.join("outgoing"));
        self.tasks.spawn(async move {
            if matches!(written.await, Ok(Ok(()))) {
                let _ = tokio::task::spawn_blocking(move || Outgoing::remove(&directory, batch)).await;
            }
        });
    }

    fn live_session_gone(&self, id: OutboxId) -> bool {
        let peer = self.outbox.queue.entries.get(&id).map(|e| e.peer);
        peer.is_some_and(|peer| self.live_session(&peer).is_none())
    }
}
