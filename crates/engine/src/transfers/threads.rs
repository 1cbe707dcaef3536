//! The threads on which files are read and written, and what they report.

use crate::event::Event;
use hither_model::{ErrorCode, Failure, TransferId};
use hither_socket::BlockingLane;
use hither_transfer::{
    Choices, Inbox, Limits, Manifest, Outgoing, Plan, ReceiveEvent, Received, Receiving, Scan, SendEvent, SendOutcome,
    Sender, Stop, TransferError, scan,
};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How often progress is reported.
const PROGRESS: Duration = Duration::from_millis(200);

/// From a thread to the engine.
pub(crate) enum Report {
    /// The sources were walked and are remembered.
    Scanned { outcome: Result<Box<Sender>, Failure>, reply: crate::asks::Reply },
    /// An offered manifest was read and judged.
    Judged { outcome: Result<Arc<Manifest>, Failure>, bytes: Arc<Vec<u8>> },
    /// The receiving end is ready, with the plan of what it wants.
    Ready { outcome: Result<(Box<Receiving>, Plan), TransferError> },
    /// The sending end was loaded again after a restart, or has hashed again what was sent.
    Loaded { outcome: Result<Box<Sender>, Failure> },
    /// While a lane is sent.
    Sending(SendEvent),
    /// While a lane is received.
    Receiving(ReceiveEvent),
    /// A lane was sent to its end, or broke.
    Sent { sender: Box<Sender>, outcome: Result<SendOutcome, TransferError> },
    /// A lane was received to its end, or broke.
    Received { receiving: Box<Receiving>, outcome: Result<Received, TransferError> },
}

/// Reports for one transfer.
#[derive(Clone)]
pub(crate) struct Reporter {
    pub(crate) transfer: TransferId,
    pub(crate) events: mpsc::Sender<Event>,
}

impl Reporter {
    pub(crate) fn send(&self, report: Report) {
        let _ = self.events.blocking_send(Event::Transfer { transfer: self.transfer, report });
    }
}

/// Walks the sources and remembers them on disk.
pub(crate) fn prepare(
    reporter: &Reporter,
    directory: PathBuf,
    peer: hither_model::PeerId,
    paths: &[PathBuf],
    reply: crate::asks::Reply,
) {
    let scanned: Result<Scan, TransferError> = scan(paths, &Limits::default(), &Stop::new());
    let outcome = scanned
        .and_then(|scan| Outgoing::create(&directory, reporter.transfer, peer, scan))
        .map(|outgoing| Box::new(Sender::new(outgoing)))
        .map_err(Failure::from);
    reporter.send(Report::Scanned { outcome, reply });
}

/// What was put into the outbox.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    /// Under which its list is kept.
    pub(crate) batch: TransferId,
    pub(crate) paths: Vec<PathBuf>,
    /// What is there now is wanted, also if it is not what was put there.
    pub(crate) anew: bool,
}

/// Walks what is put into the outbox and remembers it on disk, once for all its recipients. Gives its title, and what is
/// left out.
pub(crate) fn post(
    directory: &std::path::Path,
    batch: TransferId,
    me: hither_model::PeerId,
    paths: &[PathBuf],
) -> Result<(String, Vec<hither_transfer::Skipped>), Failure> {
    let found = scan(paths, &Limits::default(), &Stop::new())?;
    let (title, skipped) = (found.manifest().summary().title, found.skipped().to_vec());
    Outgoing::create(directory, batch, me, found)?;
    Ok((title, skipped))
}

/// Walks the sources again: what goes is what was put into the outbox, or nothing.
pub(crate) fn prepare_posted(
    reporter: &Reporter,
    directory: PathBuf,
    peer: hither_model::PeerId,
    posted: &Posted,
    reply: crate::asks::Reply,
) {
    let outcome = unchanged(&directory, posted)
        .and_then(|scan| Ok(Outgoing::create(&directory, reporter.transfer, peer, scan)?))
        .map(|outgoing| Box::new(Sender::new(outgoing)));
    reporter.send(Report::Scanned { outcome, reply });
}

fn unchanged(directory: &std::path::Path, posted: &Posted) -> Result<Scan, Failure> {
    let changed =
        |why: String| Failure::new(ErrorCode::SourceChanged, why).hint("`hither outbox go` sends what is there now");
    let now = scan(&posted.paths, &Limits::default(), &Stop::new());
    if posted.anew {
        return Ok(now?);
    }
    let now = now.map_err(|error| match error {
        TransferError::NothingToSend => changed("it is not there any more".to_owned()),
        error => error.into(),
    })?;
    let before = Outgoing::load(directory, posted.batch)?;
    if !before.scan().found_the_same(&now) {
        return Err(changed("it changed since it was put into the outbox".to_owned()));
    }
    Ok(now)
}

/// Loads what a restarted agent still has to send.
pub(crate) fn load(reporter: &Reporter, directory: &std::path::Path) {
    let outcome = Outgoing::load(directory, reporter.transfer)
        .map(|outgoing| Box::new(Sender::new(outgoing)))
        .map_err(Failure::from);
    reporter.send(Report::Loaded { outcome });
}

/// Hashes again what was sent before a crash, so that a receipt about it can be checked.
pub(crate) fn recall(reporter: &Reporter, mut sender: Box<Sender>, kept: &hither_transfer::Ranges, stop: &Stop) {
    let outcome = sender.recall(kept, stop).map(|_| sender).map_err(Failure::from);
    reporter.send(Report::Loaded { outcome });
}

/// Reads an offered manifest: every name is judged before a person is asked (F1).
pub(crate) fn judge(reporter: &Reporter, bytes: Vec<u8>) {
    let outcome =
        Manifest::decode(&bytes, &Limits::default()).map(Arc::new).map_err(|fault| TransferError::from(fault).into());
    reporter.send(Report::Judged { outcome, bytes: Arc::new(bytes) });
}

/// Which receiving end is wanted.
pub(crate) enum Begin {
    /// A new one: consent was just given.
    New { manifest: Arc<Vec<u8>>, executable: bool },
    /// The one a journal remembers.
    Again { manifest_hash: [u8; 32] },
    /// The one at hand.
    Present(Box<Receiving>),
}

/// Opens the inbox and works out what is still wanted; hashes what is there already.
pub(crate) fn ready(
    reporter: &Reporter,
    inbox: &std::path::Path,
    peer: hither_model::PeerId,
    begin: Begin,
    stop: &Stop,
) {
    let outcome = open(reporter.transfer, inbox, peer, begin, stop);
    reporter.send(Report::Ready { outcome });
}

fn open(
    transfer: TransferId,
    path: &std::path::Path,
    peer: hither_model::PeerId,
    begin: Begin,
    stop: &Stop,
) -> Result<(Box<Receiving>, Plan), TransferError> {
    let mut receiving = match begin {
        Begin::Present(receiving) => receiving,
        Begin::New { manifest, executable } => {
            let inbox = Inbox::open(path, &Limits::default())?;
            let begun = Receiving::begin(&inbox, transfer, peer, &manifest, Choices { executable });
            Box::new(match begun {
                // An earlier run came to its end between this and the note that it was agreed to.
                Err(TransferError::AlreadyBegun) => {
                    Receiving::resume(&inbox, transfer, peer, *blake3::hash(&manifest).as_bytes())?
                }
                begun => begun?,
            })
        }
        Begin::Again { manifest_hash } => {
            let inbox = Inbox::open(path, &Limits::default())?;
            Box::new(Receiving::resume(&inbox, transfer, peer, manifest_hash)?)
        }
    };
    let plan = receiving.plan(stop)?;
    Ok((receiving, plan))
}

/// Sends one lane.
pub(crate) fn send(reporter: &Reporter, mut sender: Box<Sender>, mut lane: BlockingLane, plan: &Plan, stop: &Stop) {
    let mut last = Instant::now();
    let mut on = |event: SendEvent| {
        if matches!(event, SendEvent::Progress { .. }) && last.elapsed() < PROGRESS {
            return;
        }
        match event {
            // The digests stay with the sender; nobody else needs to hear of each file.
            SendEvent::Sent { .. } => {}
            event => {
                last = Instant::now();
                reporter.send(Report::Sending(event));
            }
        }
    };
    let outcome = sender.run(&mut lane, plan, &mut on, stop);
    let outcome = outcome.and_then(|sent| lane.finish().map(|()| sent).map_err(TransferError::LaneBroken));
    reporter.send(Report::Sent { sender, outcome });
}

/// Receives one lane.
pub(crate) fn receive(reporter: &Reporter, mut receiving: Box<Receiving>, mut lane: BlockingLane, stop: &Stop) {
    let mut last = Instant::now();
    let mut on = |event: ReceiveEvent| {
        if matches!(event, ReceiveEvent::Progress { .. }) && last.elapsed() < PROGRESS {
            return;
        }
        last = Instant::now();
        reporter.send(Report::Receiving(event));
    };
    let outcome = receiving.run(&mut lane, &mut on, stop);
    reporter.send(Report::Received { receiving, outcome });
}
