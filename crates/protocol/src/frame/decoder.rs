//! Cuts a byte stream into frames, whatever pieces it comes in.

use super::FrameFault;

/// What was read is moved to the front once this much lies in front of it.
const SLACK: usize = 64 * 1024;

/// Collects bytes and hands out frames. After a fault it keeps saying the same fault: there is no way back into step.
#[derive(Debug)]
pub struct Decoder {
    max: usize,
    bytes: Vec<u8>,
    start: usize,
    fault: Option<FrameFault>,
}

impl Decoder {
    /// A decoder for frames of at most `max` bytes.
    pub fn new(max: usize) -> Self {
        Self { max, bytes: Vec::new(), start: 0, fault: None }
    }

    /// Allows another length from the next frame on (after admission).
    pub fn set_max(&mut self, max: usize) {
        self.max = max;
    }

    /// Adds bytes as they came. Holds no more than what was pushed and not taken.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        if self.start >= SLACK || self.start == self.bytes.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame's payload, or `None` until more bytes come.
    ///
    /// # Errors
    /// [`FrameFault::Empty`] and [`FrameFault::TooLong`], as soon as the four bytes of the length are there.
    pub fn take(&mut self) -> Result<Option<Vec<u8>>, FrameFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let Some((head, body)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let declared = u32::from_be_bytes(*head);
        let length = match usize::try_from(declared) {
            Ok(0) => return Err(self.fail(FrameFault::Empty)),
            Ok(length) if length <= self.max => length,
            _ => {
                let fault = FrameFault::TooLong { length: declared.into(), max: self.max };
                return Err(self.fail(fault));
            }
        };
        let Some(payload) = body.get(..length) else { return Ok(None) };
        let payload = payload.to_vec();
        self.start += 4 + length;
        Ok(Some(payload))
    }

    /// Whether nothing is left over: false at the end of a connection means that a frame was cut off.
    pub fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    fn fail(&mut self, fault: FrameFault) -> FrameFault {
        self.fault = Some(fault);
        self.bytes = Vec::new();
        self.start = 0;
        fault
    }
}
