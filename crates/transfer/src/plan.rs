//! What the receiver asks of the sender before a lane starts: where to go on, and what not to send.
//!
//! R6.13: the sender proves that its file still begins as the part file does, or starts that file over.

use crate::Ranges;
use serde::{Deserialize, Serialize};

/// Where one file goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePoint {
    /// Number of the item in the manifest.
    pub item: u32,
    /// Bytes that are there.
    pub offset: u64,
    /// BLAKE3 of those bytes, as they are on the receiver's disk now.
    pub prefix: [u8; 32],
}

/// What one lane shall carry. The default is everything from the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Files that go on in their middle, at most 64.
    #[serde(default)]
    pub points: Vec<ResumePoint>,
    /// Items that are kept already.
    #[serde(default)]
    pub skip: Ranges,
    /// If present: nothing but these.
    #[serde(default)]
    pub only: Option<Ranges>,
}

impl Plan {
    /// Whether an item is to be sent.
    pub fn wants(&self, item: u32) -> bool {
        !self.skip.contains(item) && self.only.as_ref().is_none_or(|only| only.contains(item))
    }

    /// Where an item goes on.
    pub fn point(&self, item: u32) -> Option<&ResumePoint> {
        self.points.iter().find(|point| point.item == item)
    }
}

/// Part files that are worth going on with, at most.
pub(crate) const MAX_POINTS: usize = 64;
