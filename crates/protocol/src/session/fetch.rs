//! A receiver's request, which may be longer than one frame.

use super::{Frame, MAX_ITEMS, MAX_POINTS, MAX_RANGES, ResumePoint};
use crate::breach::Breach;
use hither_model::TransferId;

/// What a receiver wants: everything but `done`, or of `only` what is not `done`; items in `points` from there on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchPlan {
    /// Items that are here in part.
    pub points: Vec<ResumePoint>,
    /// Items that are here; ranges rise, both ends included.
    pub done: Vec<(u32, u32)>,
    /// If present: nothing but these.
    pub only: Option<Vec<(u32, u32)>>,
}

impl FetchPlan {
    /// The frames that say it, in order; always at least one.
    pub fn frames(self, transfer: TransferId) -> Vec<Frame> {
        let mut points = self.points.chunks(MAX_POINTS);
        let mut done = self.done.chunks(MAX_RANGES);
        let some = self.only.is_some();
        let only = self.only.unwrap_or_default();
        let mut only = only.chunks(MAX_RANGES);
        let mut frames = Vec::new();
        loop {
            let more = points.len() > 1 || done.len() > 1 || only.len() > 1;
            frames.push(Frame::Fetch {
                transfer,
                points: points.next().unwrap_or_default().to_vec(),
                done: done.next().unwrap_or_default().to_vec(),
                only: some.then(|| only.next().unwrap_or_default().to_vec()),
                more,
            });
            if !more {
                return frames;
            }
        }
    }
}

/// Puts a request together from its frames.
#[derive(Debug, Default)]
pub struct FetchIntake {
    begun: Option<(TransferId, FetchPlan)>,
}

impl FetchIntake {
    /// Nothing came yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a [`Frame::Fetch`]; the request, once it is complete.
    ///
    /// # Errors
    /// [`Breach::OutOfOrder`] for another frame or transfer in between; [`Breach::TooLong`] for more than there can be
    /// items; otherwise as [`Frame::check`].
    pub fn take(&mut self, frame: Frame) -> Result<Option<FetchPlan>, Breach> {
        frame.check()?;
        let Frame::Fetch { transfer, points, done, only, more } = frame else { return Err(Breach::OutOfOrder) };
        if more && points.is_empty() && done.is_empty() && only.as_ref().is_none_or(Vec::is_empty) {
            return Err(Breach::BadCount("an empty part of the request"));
        }
        let mut plan = match self.begun.take() {
            Some((begun, plan)) if begun == transfer => plan,
            Some(_) => return Err(Breach::OutOfOrder),
            None => FetchPlan::default(),
        };
        plan.points.extend(points);
        append(&mut plan.done, done)?;
        if let Some(only) = only {
            append(plan.only.get_or_insert_default(), only)?;
        }
        let longest = plan.points.len().max(plan.done.len()).max(plan.only.as_ref().map_or(0, Vec::len));
        if longest as u64 > MAX_ITEMS {
            return Err(Breach::TooLong("the request"));
        }
        if more {
            self.begun = Some((transfer, plan));
            return Ok(None);
        }
        Ok(Some(plan))
    }
}

/// Joins what came to what was there. Each rises by itself, so only where they meet is looked at: the work stays that of
/// the bytes that came.
fn append(ranges: &mut Vec<(u32, u32)>, more: Vec<(u32, u32)>) -> Result<(), Breach> {
    if let (Some((_, last)), Some((first, _))) = (ranges.last(), more.first())
        && first <= last
    {
        return Err(Breach::BadCount("a range of items"));
    }
    ranges.extend(more);
    Ok(())
}
