//! A WebDriver client (W3C Recommendation, 5 June 2018): one request at a time over one kept connection. The driver
//! speaks when it is asked; an answer holds either a value or an error with a code.
//!
//! What is *not* here: what a scenario looks for (`find`), and who starts the driver (`app`).

use serde_json::{Value, json};
use std::{
    cell::RefCell,
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// The field in which the driver names an element (fixed by the recommendation).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long the driver may take for one answer. Longer than any of its own limits.
const ANSWER: Duration = Duration::from_secs(90);

/// Why the driver did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The recommendation's code, as `no such element`; `lost` when the driver did not answer at all.
    pub code: String,
    /// Its words.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl Refusal {
    fn lost(e: &impl ToString) -> Self {
        Self { code: "lost".to_owned(), message: e.to_string() }
    }
}

/// An element of the page, by the driver's name for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element(pub(super) String);

impl Element {
    fn of(value: &Value) -> Option<Self> {
        value.get(ELEMENT).and_then(Value::as_str).map(|id| Self(id.to_owned()))
    }

    /// How scripts are given it.
    pub fn argument(&self) -> Value {
        json!({ ELEMENT: self.0 })
    }
}

/// A session: one started app.
#[derive(Debug)]
pub(super) struct Session {
    line: RefCell<BufReader<TcpStream>>,
    path: String,
}

impl Session {
    /// Asks the driver at the other end of `stream` to start `program`.
    pub(super) fn start(stream: TcpStream, program: &str, args: &[&str]) -> Result<Self, Refusal> {
        stream.set_read_timeout(Some(ANSWER)).map_err(|e| Refusal::lost(&e))?;
        stream.set_nodelay(true).map_err(|e| Refusal::lost(&e))?;
        let mut session = Self { line: RefCell::new(BufReader::new(stream)), path: String::new() };
        let options = json!({"binary": program, "args": args});
        let wanted = json!({"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}});
        let made = session.exchange("POST", "/session", Some(&wanted))?;
        let id = made.get("sessionId").and_then(Value::as_str);
        session.path = format!("/session/{}", id.ok_or_else(|| Refusal::lost(&"a session without an id"))?);
        Ok(session)
    }

    /// Asks for something.
    pub(super) fn get(&self, what: &str) -> Result<Value, Refusal> {
        self.exchange("GET", &format!("{}{what}", self.path), None)
    }

    /// Has something done.
    #[allow(clippy::needless_pass_by_value, reason = "bodies are made in the call")]
    pub(super) fn post(&self, what: &str, body: Value) -> Result<Value, Refusal> {
        self.exchange("POST", &format!("{}{what}", self.path), Some(&body))
    }

    /// Has something taken away; of the session itself if nothing is named.
    pub(super) fn delete(&self, what: &str) -> Result<Value, Refusal> {
        self.exchange("DELETE", &format!("{}{what}", self.path), None)
    }

    /// All elements a CSS selector matches.
    pub(super) fn all(&self, css: &str) -> Result<Vec<Element>, Refusal> {
        let found = self.post("/elements", json!({"using": "css selector", "value": css}))?;
        Ok(found.as_array().into_iter().flatten().filter_map(Element::of).collect())
    }

    /// Runs a script in the page; it gives its value by `return`.
    pub(super) fn run(&self, script: &str, args: &Value) -> Result<Value, Refusal> {
        self.post("/execute/sync", json!({"script": script, "args": args}))
    }

    /// Runs a script in the page; it gives its value to its last argument, a function.
    pub(super) fn run_later(&self, script: &str, args: &Value) -> Result<Value, Refusal> {
        self.post("/execute/async", json!({"script": script, "args": args}))
    }

    /// The elements a script gives.
    pub(super) fn elements_by(&self, script: &str, args: &Value) -> Result<Vec<Element>, Refusal> {
        Ok(self.run(script, args)?.as_array().into_iter().flatten().filter_map(Element::of).collect())
    }

    /// One request and its answer. The connection is kept: closing it would end nothing but cost a new one.
    fn exchange(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Refusal> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut line = self.line.borrow_mut();
        line.get_mut().write_all(request.as_bytes()).map_err(|e| Refusal::lost(&e))?;
        let text = answer(&mut *line).map_err(|e| Refusal::lost(&format!("{method} {path}: {e}")))?;
        let mut answer: Value = serde_json::from_slice(&text).map_err(|e| Refusal::lost(&e))?;
        let value = answer.get_mut("value").map(Value::take).unwrap_or_default();
        match value.get("error").and_then(Value::as_str) {
            Some(code) => {
                let message = value.get("message").and_then(Value::as_str).unwrap_or_default();
                Err(Refusal { code: code.to_owned(), message: message.to_owned() })
            }
            None => Ok(value),
        }
    }
}

/// The body of an HTTP answer that tells its length.
fn answer(line: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let (mut length, mut header) = (None, String::new());
    loop {
        header.clear();
        if line.read_line(&mut header)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the driver closed the connection"));
        }
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(bytes) = header.strip_prefix("content-length:") {
            length = bytes.trim().parse::<u64>().ok();
        }
    }
    let length = length.ok_or_else(|| io::Error::other("an answer without a length"))?;
    let mut body = Vec::new();
    line.take(length).read_to_end(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let mut line = &b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}rest"[..];
        assert_eq!(answer(&mut line).unwrap(), b"{}");
        assert_eq!(line, b"rest");
        assert!(answer(&mut &b"HTTP/1.1 200 OK\r\n\r\n"[..]).is_err());
    }
}
