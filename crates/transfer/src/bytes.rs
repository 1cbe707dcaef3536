//! Reading fixed-width values from a slice without ever indexing past it. All numbers are big-endian. Bounds only:
//! what the values mean is checked where they are used.

/// A reader over borrowed bytes; every step says `None` instead of going too far.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(count)?;
        self.rest = tail;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.rest.split_first_chunk::<N>()?;
        self.rest = tail;
        Some(*head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A text of at most 255 bytes behind its length byte.
    pub(crate) fn short_text(&mut self) -> Option<&'a str> {
        let length = self.u8()?;
        std::str::from_utf8(self.take(usize::from(length))?).ok()
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }
}

/// Appends a text behind its length byte, cut at 255 bytes (callers keep texts shorter).
pub(crate) fn put_short_text(out: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    out.push(length);
    out.extend(text.as_bytes().iter().take(usize::from(length)));
}

/// Whether bytes say the name of an error code.
pub(crate) fn code_named(name: &str) -> Option<hither_model::ErrorCode> {
    hither_model::ErrorCode::ALL.iter().copied().find(|code| code.name() == name)
}
