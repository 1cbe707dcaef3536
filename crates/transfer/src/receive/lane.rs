//! The lane's frames, in order, one at a time: which frame is allowed when, and what it does.
//!
//! Item numbers rise; ITEM for the current number starts it over, three times at most. Whatever else comes ends the lane
//! as a breach. A stop or a broken lane keeps all complete files and leaves the rest for the next lane.

use super::{
    ReceiveEvent, Received, Receiving,
    disk::Disk,
    part::{Now, Opening, Part},
};
use crate::{
    Entry, ItemFault, Kind, Stop, TransferError,
    limits::{PROGRESS, SMALL_FILE},
    wire::{Head, LaneReader},
};
use hither_model::ErrorCode;
use std::io::{self, Read};

/// How often a sender may start one file over.
const MAX_RESTARTS: u8 = 3;
const TOO_MANY: &str = "more bytes came than the file was offered with";

/// Where the lane is.
struct Course {
    /// The least item number that may come.
    next: u32,
    /// Bytes when progress was last told.
    told: u64,
    /// Started with the first large file.
    disk: Option<Disk>,
}

impl Course {
    /// The disk thread for a file of this size; `None` if it is small or the thread cannot be had: it is written here.
    fn disk(&mut self, size: u64) -> Option<&mut Disk> {
        if size <= SMALL_FILE {
            return None;
        }
        if self.disk.is_none() {
            self.disk = Disk::start().ok();
        }
        self.disk.as_mut()
    }

    /// Takes the current file back from the disk thread.
    fn fetch(&self, part: &mut Part) -> io::Result<()> {
        self.disk.as_ref().map_or(Ok(()), |disk| part.fetch(disk))
    }
}

impl Receiving {
    /// Receives one lane to its end. Blocks. May be called again with another lane, after [`Receiving::plan`].
    ///
    /// # Errors
    /// Stopped, the lane broke, the sender broke the rules, or the inbox is gone. Trouble with single items is in the
    /// outcome instead.
    pub fn run(
        &mut self,
        lane: &mut impl Read,
        on: &mut dyn FnMut(ReceiveEvent),
        stop: &Stop,
    ) -> Result<Received, TransferError> {
        let result = self.frames(LaneReader::new(lane), on, stop);
        let result = result.map_err(|error| stop.or(error));
        if !matches!(result, Err(TransferError::Canceled)) {
            self.settle(on)?;
        }
        result?;
        self.finish(on)
    }

    fn frames<R: Read>(
        &mut self,
        mut lane: LaneReader<R>,
        on: &mut dyn FnMut(ReceiveEvent),
        stop: &Stop,
    ) -> Result<(), TransferError> {
        let mut course = Course { next: 0, told: 0, disk: None };
        self.now = Now::Between;
        self.tree.close();
        loop {
            stop.check()?;
            match lane.head()? {
                Head::Item { item, offset, size } => self.begin_item(&mut course, item, offset, size, on)?,
                Head::Bytes { .. } => {
                    while lane.has_bytes() {
                        self.take_bytes(&mut course, &mut lane, on)?;
                        stop.check()?;
                    }
                }
                Head::End { blake3 } => self.end_item(&mut course, &blake3, on)?,
                Head::Fail { item, code } => self.failed_there(&mut course, item, code, on)?,
                Head::Done => match self.now {
                    Now::Between => return Ok(()),
                    Now::Taking(_) | Now::Passing { .. } => return Err(TransferError::Breach("it ends within a file")),
                },
            }
            let done = self.done();
            if done.abs_diff(course.told) >= PROGRESS {
                course.told = done;
                on(ReceiveEvent::Progress { done, total: self.manifest.bytes() });
            }
        }
    }

    fn begin_item(
        &mut self,
        course: &mut Course,
        item: u32,
        offset: u64,
        size: u64,
        on: &mut dyn FnMut(ReceiveEvent),
    ) -> Result<(), TransferError> {
        let restarts = match std::mem::replace(&mut self.now, Now::Between) {
            Now::Taking(mut part) if part.item == item && part.restarts < MAX_RESTARTS && offset == 0 => {
                // What was written is dropped, and with it what went wrong.
                let _ = course.fetch(&mut part);
                part.restarts + 1
            }
            // What failed here stays failed; its bytes pass by once more.
            Now::Passing { item: passing, restarts, .. } if passing == item && restarts < MAX_RESTARTS => {
                let left = self.manifest.entry(item).map_or(0, Entry::size);
                self.now = Now::Passing { item, left, restarts: restarts + 1 };
                return Ok(());
            }
            Now::Between if item >= course.next => 0,
            _ => return Err(TransferError::Breach("a file begins out of turn")),
        };
        course.next = item.saturating_add(1);
        match self.manifest.entry(item).map(|entry| entry.kind) {
            Some(Kind::File { size: declared, .. }) if declared == size && offset <= size => {}
            Some(Kind::File { .. }) => return Err(TransferError::Breach("a file is not as large as it was offered")),
            _ => return Err(TransferError::Breach("a file that was not offered")),
        }
        if self.kept.contains(item) {
            return Err(TransferError::Breach("a file that is here already"));
        }
        self.make_room(size - offset);
        match self.open_part(item, offset, size) {
            Ok(mut part) => {
                part.restarts = restarts;
                let handed = match course.disk(size) {
                    Some(disk) => part.hand_over(disk),
                    None => Ok(()),
                };
                self.now = Now::Taking(part);
                if let Err(error) = handed {
                    self.give_up(item, size - offset, ItemFault::io("write the file", &error), on);
                }
            }
            Err(Opening::Breach) => return Err(TransferError::Breach("a file goes on where nobody asked it to")),
            Err(Opening::Failed(error)) => {
                self.inbox.still_there()?;
                self.give_up(item, size - offset, ItemFault::io("create the part file", &error.into()), on);
            }
        }
        Ok(())
    }

    fn take_bytes<R: Read>(
        &mut self,
        course: &mut Course,
        lane: &mut LaneReader<R>,
        on: &mut dyn FnMut(ReceiveEvent),
    ) -> Result<(), TransferError> {
        let part = match &mut self.now {
            Now::Taking(part) => part,
            Now::Passing { left, .. } => {
                let count = lane.bytes()?.map_or(0, <[u8]>::len) as u64;
                *left = left.checked_sub(count).ok_or(TransferError::Breach(TOO_MANY))?;
                return Ok(());
            }
            Now::Between => return Err(TransferError::Breach("bytes came that belong to no file")),
        };
        let left = part.size - part.at;
        let written = match course.disk.as_mut().filter(|_| part.is_away()) {
            Some(disk) => match disk.spare() {
                Ok(room) => {
                    let chunk = lane.take(room)?;
                    if chunk.bytes().len() as u64 > left {
                        return Err(TransferError::Breach(TOO_MANY));
                    }
                    part.write_away(chunk, disk)
                }
                Err(error) => Err(error),
            },
            None => {
                let bytes = lane.bytes()?.unwrap_or_default();
                if bytes.len() as u64 > left {
                    return Err(TransferError::Breach(TOO_MANY));
                }
                part.write(bytes)
            }
        };
        let Err(error) = written else { return Ok(()) };
        let (item, left) = (part.item, part.size - part.at);
        self.inbox.still_there()?;
        self.give_up(item, left, ItemFault::io("write the file", &error), on);
        Ok(())
    }

    /// The item fails here. Its part file stays if there may be room for the rest another time.
    fn give_up(&mut self, item: u32, left: u64, fault: ItemFault, on: &mut dyn FnMut(ReceiveEvent)) {
        self.now = Now::Passing { item, left, restarts: 0 };
        if Self::wants_room(fault.code) {
            self.spare.push(item);
        } else {
            self.drop_part(item);
        }
        self.fail(item, fault, on);
    }

    fn end_item(
        &mut self,
        course: &mut Course,
        declared: &[u8; 32],
        on: &mut dyn FnMut(ReceiveEvent),
    ) -> Result<(), TransferError> {
        let mut part = match std::mem::replace(&mut self.now, Now::Between) {
            Now::Taking(part) => part,
            Now::Passing { .. } => return Ok(()),
            Now::Between => return Err(TransferError::Breach("the end of no file")),
        };
        let item = part.item;
        if let Err(error) = course.fetch(&mut part) {
            self.inbox.still_there()?;
            self.give_up(item, 0, ItemFault::io("write the file", &error), on);
            self.now = Now::Between;
            return Ok(());
        }
        match self.close_part(part, declared) {
            Ok(done) => {
                self.completed(done, on)?;
            }
            Err(fault) => {
                self.drop_part(item);
                self.fail(item, fault, on);
            }
        }
        Ok(())
    }

    fn failed_there(
        &mut self,
        course: &mut Course,
        item: u32,
        code: ErrorCode,
        on: &mut dyn FnMut(ReceiveEvent),
    ) -> Result<(), TransferError> {
        match std::mem::replace(&mut self.now, Now::Between) {
            Now::Taking(mut part) if part.item == item => {
                let _ = course.fetch(&mut part);
            }
            Now::Passing { item: passing, .. } if passing == item => return Ok(()),
            Now::Between if item >= course.next => {}
            _ => return Err(TransferError::Breach("a file fails out of turn")),
        }
        course.next = item.saturating_add(1);
        let file = self.manifest.entry(item).is_some_and(|entry| !entry.is_folder());
        if !file || self.kept.contains(item) {
            return Err(TransferError::Breach("a file fails that was not to come"));
        }
        self.drop_part(item);
        self.fail(item, ItemFault::new(code, told_why(code)), on);
        Ok(())
    }
}

/// What a sender's code means here.
fn told_why(code: ErrorCode) -> String {
    match code {
        ErrorCode::SourceChanged => "the file changed while it was being sent".to_owned(),
        ErrorCode::StorageFailed => "the sender could not read the file".to_owned(),
        other => format!("the sender did not send it ({other})"),
    }
}
