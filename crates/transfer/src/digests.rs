//! BLAKE3 digests by item number: 33 bytes an item, so 3.3 MB for the largest transfer.

/// What the bytes of each item hashed to, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digests(Vec<Option<[u8; 32]>>);

impl Digests {
    /// No digest of any of `items` items.
    pub fn new(items: usize) -> Self {
        Self(vec![None; items])
    }

    /// Sets one; numbers past the end are ignored.
    pub fn set(&mut self, item: u32, digest: [u8; 32]) {
        if let Some(slot) = self.0.get_mut(item as usize) {
            *slot = Some(digest);
        }
    }

    /// One digest, if it is known.
    pub fn of(&self, item: u32) -> Option<&[u8; 32]> {
        self.0.get(item as usize)?.as_ref()
    }
}
