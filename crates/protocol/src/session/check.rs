//! The bounds of session frames.

use super::{Frame, Purpose, ResumePoint};
use crate::{breach::Breach, hello::check_name};

/// Longest text message, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

/// Longest statement about a next key, in bytes.
pub const MAX_HEIR: usize = 9 * 1024;

/// Longest reason, in bytes.
pub const MAX_WHY: usize = 512;

/// Longest name of a service, in bytes.
pub const MAX_SERVICE: usize = 32;

/// Most files and folders in one transfer.
pub const MAX_ITEMS: u64 = 100_000;

/// Longest manifest, in bytes.
pub const MAX_MANIFEST: u64 = 16 * 1024 * 1024;

/// Longest piece of a manifest, in bytes before base64.
pub const MAX_PART: usize = 128 * 1024;

/// Longest receipt, in bytes of base64.
pub const MAX_RECEIPT: usize = 240 * 1024;

/// Longest signature, in bytes of base64.
pub const MAX_SIGNATURE: usize = 2048;

/// Most resume points in one frame; more go in further frames.
pub const MAX_POINTS: usize = 1024;

/// Most ranges in each list of one frame; more go in further frames.
pub const MAX_RANGES: usize = 2048;

/// Bytes are counted in i64 by file systems.
const MAX_BYTES: u64 = i64::MAX as u64;

impl Frame {
    /// The same with a reason that is too long cut at [`MAX_WHY`], between characters.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        match &mut self {
            Self::OfferAnswer { why: Some(why), .. }
            | Self::LaneAnswer { why: Some(why), .. }
            | Self::Cancel { why: Some(why), .. }
            | Self::DialBackResult { why: Some(why), .. }
            | Self::Close { why: Some(why) }
            | Self::ItemFailed { why, .. } => cut(why, MAX_WHY),
            _ => {}
        }
        self
    }

    /// Whether texts, lists and numbers keep to their bounds.
    ///
    /// # Errors
    /// [`Breach::TooLong`] or [`Breach::BadCount`] names what does not.
    pub fn check(&self) -> Result<(), Breach> {
        match self {
            Self::Keys { name, .. } => check_name(name.as_deref()),
            Self::Say { number, text } => {
                positive(*number)?;
                at_most(text, MAX_TEXT, "the message")
            }
            Self::Heir { statement } if statement.0.len() > MAX_HEIR => {
                Err(Breach::TooLong("the statement about a next key"))
            }
            Self::Said { number } => positive(*number),
            Self::Offer { items, bytes, manifest_bytes, .. } => {
                bounded(*items, MAX_ITEMS, "the number of items")?;
                bounded(*bytes, MAX_BYTES, "the number of bytes")?;
                bounded(*manifest_bytes, MAX_MANIFEST, "the size of the manifest")
            }
            Self::OfferPart { part, .. } => at_most(part, MAX_PART.div_ceil(3) * 4, "a part of the manifest"),
            Self::OfferAnswer { why, .. }
            | Self::LaneAnswer { why, .. }
            | Self::Cancel { why, .. }
            | Self::DialBackResult { why, .. }
            | Self::Close { why } => at_most(why.as_deref().unwrap_or_default(), MAX_WHY, "the reason"),
            Self::Fetch { points, done, only, .. } => {
                check_points(points)?;
                check_ranges(done)?;
                check_ranges(only.as_deref().unwrap_or_default())
            }
            Self::Kept { items, bytes, .. } => {
                bounded(*items, MAX_ITEMS, "the number of items")?;
                bounded(*bytes, MAX_BYTES, "the number of bytes")
            }
            Self::ItemFailed { item, why, .. } => {
                bounded(u64::from(*item), MAX_ITEMS - 1, "the item")?;
                at_most(why, MAX_WHY, "the reason")
            }
            Self::Receipt { receipt, signature, .. } => {
                at_most(receipt, MAX_RECEIPT, "the receipt")?;
                at_most(signature, MAX_SIGNATURE, "the signature")
            }
            Self::OpenLane { purpose: Purpose::Pipe { name }, .. } => check_name(name.as_deref()),
            Self::OpenLane { purpose: Purpose::Service { name, .. }, .. } => {
                at_most(name, MAX_SERVICE, "the service's name")
            }
            Self::DialBack { port: 0 } => Err(Breach::BadCount("the port")),
            Self::OpenLane { purpose: Purpose::Bulk { .. }, .. }
            | Self::DialBack { .. }
            | Self::Heir { .. }
            | Self::HeirKept { .. }
            | Self::Ping { .. }
            | Self::Pong { .. }
            | Self::Drain
            | Self::Drained
            | Self::OfferEnd { .. }
            | Self::Moving { .. }
            | Self::Pause { .. } => Ok(()),
        }
    }
}

/// Shortens a text to so many bytes, between characters, and says so with an ellipsis.
fn cut(text: &mut String, max: usize) {
    const MORE: char = '…';
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max - MORE.len_utf8()));
        text.push(MORE);
    }
}

fn at_most(text: &str, max: usize, what: &'static str) -> Result<(), Breach> {
    if text.len() > max { Err(Breach::TooLong(what)) } else { Ok(()) }
}

fn bounded(number: u64, max: u64, what: &'static str) -> Result<(), Breach> {
    if number > max { Err(Breach::BadCount(what)) } else { Ok(()) }
}

fn positive(number: u64) -> Result<(), Breach> {
    if number == 0 { Err(Breach::BadCount("the message's number")) } else { Ok(()) }
}

fn check_points(points: &[ResumePoint]) -> Result<(), Breach> {
    if points.len() > MAX_POINTS {
        return Err(Breach::TooLong("the list of resume points"));
    }
    for point in points {
        bounded(u64::from(point.item), MAX_ITEMS - 1, "a resume point's item")?;
        bounded(point.offset, MAX_BYTES, "a resume point's offset")?;
    }
    Ok(())
}

fn check_ranges(ranges: &[(u32, u32)]) -> Result<(), Breach> {
    if ranges.len() > MAX_RANGES {
        return Err(Breach::TooLong("the list of ranges"));
    }
    check_rising(ranges)
}

/// Ranges rise and do not overlap.
pub(super) fn check_rising(ranges: &[(u32, u32)]) -> Result<(), Breach> {
    let mut free = 0;
    for (first, last) in ranges {
        let (first, last) = (u64::from(*first), u64::from(*last));
        if first < free || last < first || last >= MAX_ITEMS {
            return Err(Breach::BadCount("a range of items"));
        }
        free = last + 1;
    }
    Ok(())
}
