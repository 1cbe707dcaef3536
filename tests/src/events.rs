//! JSON lines of a running program, kept in order and waited for with a deadline. Nothing here polls.
//!
//! Waiting moves a cursor: an event that was waited for, and everything before it, is behind; [`Events::seen`] looks
//! back over all of it.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

/// What a program said on its standard output, one JSON object a line.
#[derive(Debug)]
pub struct Events {
    lines: Receiver<Value>,
    history: Vec<Value>,
    cursor: usize,
}

/// Why no event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// The deadline passed.
    Deadline,
    /// The program closed its standard output.
    Ended,
}

impl Events {
    /// Reads `output` on a thread of its own until it ends. A line that is not JSON is kept as a JSON string.
    pub fn of(output: impl Read + Send + 'static) -> Self {
        let (to, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if to.send(value).is_err() {
                    break;
                }
            }
        });
        Self { lines, history: Vec::new(), cursor: 0 }
    }

    /// The first event from the cursor on that `wanted` says yes to.
    ///
    /// # Errors
    /// [`Silence`] when the deadline passes or the program ends first.
    pub fn next(&mut self, within: Duration, wanted: impl Fn(&Value) -> bool) -> Result<Value, Silence> {
        let deadline = Instant::now() + within;
        loop {
            while let Some(event) = self.history.get(self.cursor) {
                self.cursor += 1;
                if wanted(event) {
                    return Ok(event.clone());
                }
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(value) => self.history.push(value),
                Err(RecvTimeoutError::Timeout) => return Err(Silence::Deadline),
                Err(RecvTimeoutError::Disconnected) => return Err(Silence::Ended),
            }
        }
    }

    /// Listens for the whole of `time` and gives what came in it. For faults that must last: it asserts nothing by
    /// itself.
    pub fn during(&mut self, time: Duration) -> Vec<Value> {
        let from = self.cursor;
        let _ = self.next(time, |_| false);
        self.history.iter().skip(from).cloned().collect()
    }

    /// Everything said so far, without waiting.
    pub fn seen(&mut self) -> &[Value] {
        while let Ok(value) = self.lines.try_recv() {
            self.history.push(value);
        }
        &self.history
    }

    /// Waits for the end of the output and gives all of it.
    pub fn rest(&mut self, within: Duration) -> Result<&[Value], Silence> {
        match self.next(within, |_| false) {
            Err(Silence::Deadline) => Err(Silence::Deadline),
            _ => Ok(&self.history),
        }
    }
}

/// The kind of an event or row: its `event`, else its `type`.
pub fn kind(value: &Value) -> &str {
    value.get("event").or_else(|| value.get("type")).and_then(Value::as_str).unwrap_or_default()
}

/// A field as text; empty when it is absent or no text.
pub fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A field as a number; zero when it is absent or no number.
pub fn number(value: &Value, field: &str) -> u64 {
    value.get(field).and_then(Value::as_u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_passes_over_what_came_before_and_never_goes_back() {
        let mut events = Events::of(&b"{\"event\":\"a\"}\n{\"event\":\"b\"}\n{\"event\":\"a\"}\n"[..]);
        let wait = Duration::from_secs(5);
        assert_eq!(kind(&events.next(wait, |v| kind(v) == "b").unwrap()), "b");
        assert_eq!(kind(&events.next(wait, |v| kind(v) == "a").unwrap()), "a");
        assert_eq!(events.next(wait, |v| kind(v) == "b"), Err(Silence::Ended));
        assert_eq!(events.seen().len(), 3);
    }

    #[test]
    fn a_line_that_is_not_json_is_kept_as_text() {
        let mut events = Events::of(&b"hello\n"[..]);
        assert_eq!(events.rest(Duration::from_secs(5)).unwrap(), [Value::String("hello".to_owned())]);
    }
}
