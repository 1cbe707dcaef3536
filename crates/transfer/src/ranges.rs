//! Sets of item numbers, kept as sorted ranges: 100,000 kept items are usually one pair of numbers.

use crate::bytes::Cursor;
use serde::{Deserialize, Serialize};

/// A set of item numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u32, u32)>", into = "Vec<(u32, u32)>")]
pub struct Ranges(Vec<(u32, u32)>);

/// The pairs are not sorted, touch each other, or are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("item ranges must be sorted, apart and not empty")]
pub struct RangesFault;

impl Ranges {
    /// The empty set.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// All numbers from `start` up to but not including `end`.
    pub fn of(start: u32, end: u32) -> Self {
        if start < end { Self(vec![(start, end)]) } else { Self::new() }
    }

    /// Adds one number.
    pub fn insert(&mut self, item: u32) {
        let Some(next) = item.checked_add(1) else { return };
        if let Some(last) = self.0.last_mut()
            && last.1 == item
        {
            last.1 = next;
            return;
        }
        let at = self.0.partition_point(|range| range.1 < item);
        match self.0.get_mut(at) {
            Some(range) if range.0 <= item && item < range.1 => {}
            Some(range) if range.1 == item => {
                range.1 = next;
                if let Some(&(start, end)) = self.0.get(at + 1)
                    && start == next
                {
                    self.0.remove(at + 1);
                    if let Some(range) = self.0.get_mut(at) {
                        range.1 = end;
                    }
                }
            }
            Some(range) if range.0 == next => range.0 = item,
            _ => self.0.insert(at, (item, next)),
        }
    }

    /// Adds all numbers of another set.
    pub fn extend(&mut self, other: &Self) {
        let mut all: Vec<(u32, u32)> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(all.len());
        for (start, end) in all {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        self.0 = merged;
    }

    /// Whether a number is in the set.
    pub fn contains(&self, item: u32) -> bool {
        let at = self.0.partition_point(|range| range.1 <= item);
        self.0.get(at).is_some_and(|range| range.0 <= item)
    }

    /// How many numbers are in the set.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(start, end)| u64::from(end - start)).sum()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers, rising.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|(start, end)| *start..*end)
    }

    /// The end of the last range: one more than the greatest number.
    pub fn end(&self) -> u32 {
        self.0.last().map_or(0, |range| range.1)
    }

    /// Appends the canonical bytes: the number of pairs, then the pairs (32 bits each).
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend(u32::try_from(self.0.len()).unwrap_or(u32::MAX).to_be_bytes());
        for (start, end) in &self.0 {
            out.extend(start.to_be_bytes());
            out.extend(end.to_be_bytes());
        }
    }

    /// Reads what [`Ranges::put`] wrote; the count is checked against the bytes that are there.
    pub(crate) fn take(from: &mut Cursor<'_>) -> Option<Self> {
        let count = from.u32()? as usize;
        if count > from.left() / 8 {
            return None;
        }
        let pairs: Option<Vec<_>> = (0..count).map(|_| Some((from.u32()?, from.u32()?))).collect();
        Self::try_from(pairs?).ok()
    }
}

impl TryFrom<Vec<(u32, u32)>> for Ranges {
    type Error = RangesFault;

    fn try_from(pairs: Vec<(u32, u32)>) -> Result<Self, RangesFault> {
        let apart = pairs.windows(2).all(|two| matches!(two, [a, b] if a.1 < b.0));
        if apart && pairs.iter().all(|(start, end)| start < end) { Ok(Self(pairs)) } else { Err(RangesFault) }
    }
}

impl From<Ranges> for Vec<(u32, u32)> {
    fn from(ranges: Ranges) -> Self {
        ranges.0
    }
}

impl FromIterator<u32> for Ranges {
    fn from_iter<T: IntoIterator<Item = u32>>(items: T) -> Self {
        let mut set = Self::new();
        for item in items {
            set.insert(item);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_set_of_ranges_is_the_set_of_its_numbers(a in prop::collection::vec(0u32..60, 0..60), b in prop::collection::vec(0u32..60, 0..20)) {
            let mut set: Ranges = a.iter().copied().collect();
            set.extend(&b.iter().copied().collect());
            let truth: BTreeSet<u32> = a.into_iter().chain(b).collect();
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), truth.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.count(), truth.len() as u64);
            for item in 0..61 { prop_assert_eq!(set.contains(item), truth.contains(&item)); }
            let mut bytes = Vec::new();
            set.put(&mut bytes);
            prop_assert_eq!(Ranges::take(&mut Cursor::new(&bytes)), Some(set.clone()));
            prop_assert_eq!(Ranges::try_from(Vec::from(set.clone())), Ok(set));
        }
    }

    #[test]
    fn overlapping_or_huge_ranges_from_a_peer_are_refused() {
        assert!(Ranges::try_from(vec![(3, 5), (5, 6)]).is_err());
        assert!(Ranges::try_from(vec![(3, 3)]).is_err());
        assert!(Ranges::take(&mut Cursor::new(&[0xff; 12])).is_none());
    }
}
