//! The sending side: offered, answered, fetched, sent.

use super::{
    Moving, Tool, Transfer,
    course::Course,
    machine::outgoing::{Event, Outcome, Stage},
    threads::{self, Reporter},
};
use crate::{asks::Reply, clock::random, lanes::Use, state::State, store::KeptTransfer};
use data_encoding::HEXLOWER;
use hither_model::{Answer, ErrorCode, Failure, News, TransferId, row::Direction};
use hither_protocol::{
    Digest,
    session::{FetchPlan, Purpose, offer_frames},
};
use hither_socket::{Channel, Proven};
use hither_transfer::{Plan, Ranges, ResumePoint, SendOutcome, Sender, Stop, TransferError};
use std::path::PathBuf;

impl State {
    /// Offers files and folders to a device with an open session.
    pub(crate) fn send(&mut self, wanted: &str, paths: Vec<PathBuf>, reply: Reply) {
        let session = match self.may_send(wanted, &paths) {
            Ok(session) => session,
            Err(failure) => {
                let _ = reply.send(Err(failure));
                return;
            }
        };
        let Some(open) = self.sessions.get(&session) else { return };
        let (peer, name) = (open.kept.peer, open.kept.name.to_string());
        let transfer = TransferId::new(random());
        let kept = KeptTransfer::offered(peer, name, Direction::Out, self.clock.unix());
        self.transfers.insert(transfer, Transfer::scanning(kept, paths.clone()));
        let (reporter, directory) = (self.reporter(transfer), self.outgoing_dir());
        self.tasks.spawn_blocking(move || threads::prepare(&reporter, directory, peer, &paths, reply));
    }

    fn may_send(&self, wanted: &str, paths: &[PathBuf]) -> Result<hither_model::SessionId, Failure> {
        let session = self.session_for_new(wanted)?;
        let peer = self.sessions.get(&session).map(|s| s.kept.peer);
        if paths.is_empty() || paths.iter().any(|p| p.is_relative()) {
            return Err(Failure::new(ErrorCode::Misuse, "absolute paths of files or folders are needed"));
        }
        let unfinished = self.transfers.values().filter(|t| !t.is_over());
        if unfinished.clone().count() >= super::MAX_UNFINISHED {
            return Err(Failure::new(ErrorCode::Busy, format!("{} transfers are under way", super::MAX_UNFINISHED))
                .hint("wait for some to end, or cancel some"));
        }
        let mut same = unfinished.filter(|t| t.kept.direction == Direction::Out && Some(t.kept.peer) == peer);
        if same.any(|t| t.sources == paths) {
            return Err(Failure::new(ErrorCode::Busy, "exactly this is being sent to them already")
                .hint("run `hither transfers` to see it"));
        }
        Ok(session)
    }

    pub(super) fn reporter(&self, transfer: TransferId) -> Reporter {
        Reporter { transfer, events: self.events.clone() }
    }

    pub(super) fn outgoing_dir(&self) -> PathBuf {
        self.profile_dir.join("outgoing")
    }

    /// The sources were walked: the offer goes out.
    pub(super) fn scanned(&mut self, id: TransferId, outcome: Result<Box<Sender>, Failure>, reply: Reply) {
        let list_path = self.list_of(id);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let over = transfer.is_over();
        let sender = match outcome {
            Ok(sender) => sender,
            Err(failure) => {
                let _ = reply.send(Err(failure.clone()));
                if over {
                    self.sending(id, Event::LoadFailed(failure));
                } else {
                    self.transfers.remove(&id);
                }
                return;
            }
        };
        let manifest = sender.outgoing().manifest();
        let summary = manifest.summary();
        transfer.kept.title = summary.title;
        transfer.kept.items = summary.items;
        transfer.kept.total = summary.bytes;
        transfer.kept.manifest_hash = HEXLOWER.encode(&manifest.hash());
        let skipped = sender.outgoing().scan().skipped().to_vec();
        let (list, bytes) = (list_path, manifest.encode());
        transfer.tool = Tool::Send(sender);
        let (items, size, peer) = (summary.items, summary.bytes, transfer.kept.peer);
        if over {
            let _ = reply.send(Err(Failure::new(ErrorCode::Canceled, "it was canceled before it was offered")));
        } else {
            self.tasks.spawn_blocking(move || super::items::write_list(&list, &bytes));
            let _ = reply.send(Ok(Answer::Offered { transfer: id, items, bytes: size, skipped }));
            self.tell(News::Offered { transfer: id, peer, direction: Direction::Out, items, bytes: size });
        }
        self.keep_transfers();
        self.sending(id, Event::Scanned);
    }

    /// Sends the offer, again if it was not answered before the connection broke.
    pub(super) fn offer(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get(&id) else { return };
        let Tool::Send(sender) = &transfer.tool else { return };
        let manifest = sender.outgoing().manifest();
        let bytes = manifest.encode();
        let hash = Digest(manifest.hash());
        let Ok(frames) = offer_frames(id, transfer.kept.items, transfer.kept.total, &bytes, hash) else {
            let failure = Failure::new(ErrorCode::TooLarge, "the list of files is too long");
            return self.sending(id, Event::CanceledThere(failure));
        };
        let session = self.live_session(&transfer.kept.peer).and_then(|s| self.sessions.get(&s));
        let Some(queue) = session.and_then(|s| s.link.as_ref()).map(|link| link.frames.clone()) else { return };
        // A long list waits for its turn in the queue without holding up the engine.
        self.tasks.spawn(async move {
            for frame in frames {
                if queue.send(frame).await.is_err() {
                    break;
                }
            }
        });
    }

    /// Reads back what was offered before a restart.
    pub(super) fn load(&mut self, id: TransferId) {
        let (reporter, directory) = (self.reporter(id), self.outgoing_dir());
        self.tasks.spawn_blocking(move || threads::load(&reporter, &directory));
    }

    pub(super) fn loaded(&mut self, id: TransferId, outcome: Result<Box<Sender>, Failure>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        match outcome {
            Ok(sender) => {
                transfer.tool = Tool::Send(sender);
                self.sending(id, Event::Loaded);
            }
            Err(failure) => self.sending(id, Event::LoadFailed(failure)),
        }
    }

    /// The other person answered our offer.
    pub(super) fn offer_answered(&mut self, id: TransferId, ok: bool, code: Option<ErrorCode>, why: Option<String>) {
        if ok {
            return self.sending(id, Event::AnsweredYes);
        }
        let why = why.map_or_else(|| "the other person declined".into(), |w| hither_model::text::printable(&w));
        self.sending(id, Event::AnsweredNo(Failure::new(code.unwrap_or(ErrorCode::Declined), why)));
    }

    /// A lane is asked for.
    pub(super) fn request_bulk(&mut self, id: TransferId) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let peer = transfer.kept.peer;
        transfer.kept.failed.clear();
        match self.live_session(&peer) {
            Some(session) => self.request_lane(session, Purpose::Bulk { transfer: id }, Use::Send(id)),
            None => self.sending(id, Event::LaneFailed("the devices are not connected".into())),
        }
    }

    /// The lane stands.
    pub(crate) fn send_on(&mut self, id: TransferId, channel: Channel<Proven>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let wanted = Stage::Making { lane: true };
        if !matches!(&transfer.course, Course::Out(machine) if machine.stage() == wanted) {
            return;
        }
        match channel.into_blocking() {
            Ok(lane) => {
                transfer.lane = Some(lane);
                self.sending(id, Event::LaneUp);
                if let Some(transfer) = self.transfers.get_mut(&id) {
                    transfer.lane = None;
                }
            }
            Err(error) => self.sending(id, Event::LaneFailed(error.to_string())),
        }
    }

    /// A thread sends.
    pub(super) fn send_lane(&mut self, id: TransferId) {
        let (reporter, window) = (self.reporter(id), self.window_of(id));
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let tool = std::mem::replace(&mut transfer.tool, Tool::None);
        match (transfer.lane.take(), transfer.plan.take(), tool) {
            (Some(lane), Some(plan), Tool::Send(mut sender)) => {
                sender.share(window);
                let (stop, abandon) = (Stop::new(), Some(sender.abandon()));
                transfer.moving = Some(Moving { stop: stop.clone(), abort: lane.abort_handle(), abandon });
                self.tasks.spawn_blocking(move || threads::send(&reporter, sender, lane, &plan, &stop));
            }
            (_, _, tool) => {
                transfer.tool = tool;
                self.sending(id, Event::Sent(Outcome::Broken("the lane is gone".into())));
            }
        }
    }

    /// A lane was sent to its end, or broke.
    pub(super) fn sent(&mut self, id: TransferId, sender: Box<Sender>, outcome: Result<SendOutcome, TransferError>) {
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.tool = Tool::Send(sender);
        transfer.moving = None;
        let outcome = match outcome {
            Ok(outcome) => {
                for item in outcome.failed {
                    transfer.failed(item);
                }
                Outcome::Done
            }
            Err(TransferError::Paused | TransferError::Canceled) => Outcome::Stopped,
            Err(error) => Outcome::Broken(error.to_string()),
        };
        self.sending(id, Event::Sent(outcome));
    }

    pub(super) fn while_sending(&mut self, id: TransferId, event: hither_transfer::SendEvent) {
        use hither_transfer::SendEvent;
        let now = self.clock.now();
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        match event {
            SendEvent::Progress { done, total } => {
                let bytes_per_s = transfer.progress(done, now);
                self.tell(News::Progress { transfer: id, done, total, bytes_per_s });
            }
            SendEvent::Failed { row, .. } => {
                transfer.failed(row.clone());
                self.tell(News::ItemFailed { transfer: id, item: row });
            }
            SendEvent::Sent { .. } | SendEvent::Restarted { .. } => {}
        }
    }
}

fn ranges(inclusive: &[(u32, u32)]) -> Ranges {
    let mut all = Ranges::new();
    for (first, last) in inclusive {
        all.extend(&Ranges::of(*first, last.saturating_add(1)));
    }
    all
}

/// What the receiver wants of a lane.
pub(super) fn plan(wanted: FetchPlan) -> Plan {
    let points = wanted.points.into_iter();
    Plan {
        points: points.map(|p| ResumePoint { item: p.item, offset: p.offset, prefix: p.prefix.0 }).collect(),
        skip: ranges(&wanted.done),
        only: wanted.only.as_deref().map(ranges),
    }
}
