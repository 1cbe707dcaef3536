//! The words on the control socket. Both sides speak first, at once: a [`Hello`]. Then the client sends [`FromClient`]
//! and the agent [`FromAgent`], in any order; a reply carries the number of its request.
//!
//! ```text
//! {"hello":"hither-control","version":2,"program":"0.1.0"}                  both
//! {"request":{"id":1,"ask":{"ask":"near"}}}                                 client
//! {"reply":{"id":1,"answer":{"answer":"peers","rows":[]}}}                  agent
//! {"subscribe":{"id":2}}                                                    client
//! {"note":{"event":"snapshot",…}}, {"note":{"event":"peer-added",…}} …      agent
//! {"pipe":{"id":3,"connect":{"peer":"Ana","name":null}}}                    client, first on its connection
//! {"piped":{"id":3}}                                                        agent; then see the module `pipe`
//! ```
//!
//! On standard input and output (headless mode) the same objects travel one a line, without the hello: the agent's
//! `ready` line stands for it.

use crate::fault::ControlError;
use hither_model::{Answer, Ask, Failure, News, text};
use serde::{Deserialize, Serialize};

/// Version of this protocol. A change that an older program would misunderstand raises it.
pub const CONTROL_VERSION: u32 = 2;
/// What the hello says it is.
pub const PROTOCOL: &str = "hither-control";

/// The first message of each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Always [`PROTOCOL`].
    pub hello: String,
    /// [`CONTROL_VERSION`] of the speaker.
    pub version: u32,
    /// Version of the program, for messages to a person.
    pub program: String,
}

impl Hello {
    /// Our own.
    pub fn ours() -> Self {
        Self { hello: PROTOCOL.into(), version: CONTROL_VERSION, program: env!("CARGO_PKG_VERSION").into() }
    }

    /// Compares what the agent said with what we speak.
    ///
    /// # Errors
    /// [`ControlError::Skew`] says which of the two is older.
    pub fn judge_agent(&self) -> Result<(), ControlError> {
        self.judge("the agent", "this program")
    }

    /// Compares what a client said with what we speak.
    ///
    /// # Errors
    /// [`ControlError::Skew`] says which of the two is older.
    pub fn judge_client(&self) -> Result<(), ControlError> {
        self.judge("the client", "this agent")
    }

    fn judge(&self, they: &str, we: &str) -> Result<(), ControlError> {
        if self.hello != PROTOCOL {
            return Err(ControlError::Malformed("the other program does not speak hither's control protocol".into()));
        }
        if self.version == CONTROL_VERSION {
            return Ok(());
        }
        let program = text::shortened(&text::printable(&self.program), 32);
        let word = if self.version < CONTROL_VERSION { "older" } else { "newer" };
        Err(ControlError::Skew(format!(
            "{they} is {word} than {we}: it is hither {program} and speaks control version {}, {we} is hither {} and \
             speaks {CONTROL_VERSION}",
            self.version,
            env!("CARGO_PKG_VERSION"),
        )))
    }
}

/// What a client says after the hello.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FromClient {
    /// Something for the engine.
    Request {
        /// Chosen by the client; comes back with the reply.
        id: u64,
        /// What is asked.
        ask: Ask,
    },
    /// News from now on, beginning with a snapshot.
    Subscribe {
        /// Chosen by the client; comes back if it fails.
        id: u64,
    },
    /// Turns the connection into a stream to another device.
    Pipe {
        /// Chosen by the client; comes back with the reply.
        id: u64,
        /// To or from whom.
        #[serde(flatten)]
        ask: PipeAsk,
    },
}

/// Whose stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PipeAsk {
    /// Open one.
    Connect {
        /// To a device with an open session.
        peer: String,
        /// The name the other side listens under.
        name: Option<String>,
    },
    /// Wait for one; a client that wants more than one asks again.
    Listen {
        /// From this device only.
        from: Option<String>,
        /// Under this name.
        name: Option<String>,
    },
}

/// What the agent says after the hello.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant, reason = "messages live one at a time")]
pub enum FromAgent {
    /// The answer to a request.
    Reply {
        /// The request's number.
        id: u64,
        /// The answer.
        answer: Answer,
    },
    /// News.
    Note(News),
    /// The stream is there.
    Piped {
        /// The request's number.
        id: u64,
    },
    /// The agent ends the connection: too many clients, or something that is not a message.
    Refused(Failure),
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::ErrorCode;

    #[test]
    fn messages_keep_their_shape() {
        let request = FromClient::Request { id: 1, ask: Ask::Near };
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"request":{"id":1,"ask":{"ask":"near"}}}"#);
        let pipe = FromClient::Pipe { id: 3, ask: PipeAsk::Connect { peer: "Ana".into(), name: None } };
        let json = r#"{"pipe":{"id":3,"connect":{"peer":"Ana","name":null}}}"#;
        assert_eq!(serde_json::to_string(&pipe).unwrap(), json);
        assert_eq!(serde_json::from_str::<FromClient>(json).unwrap(), pipe);
        let note = FromAgent::Note(News::Stopping);
        assert_eq!(serde_json::to_string(&note).unwrap(), r#"{"note":{"event":"stopping"}}"#);
        let reply = FromAgent::Reply { id: 1, answer: Answer::Peers { rows: vec![] } };
        let json = r#"{"reply":{"id":1,"answer":{"answer":"peers","rows":[]}}}"#;
        assert_eq!(serde_json::to_string(&reply).unwrap(), json);
        assert_eq!(serde_json::from_str::<FromAgent>(json).unwrap(), reply);
    }

    #[test]
    fn a6_a_version_skew_says_which_side_is_older() {
        let older = Hello { version: 0, program: "0.0.9\u{1b}[2J".into(), ..Hello::ours() };
        let failure = hither_model::Failure::from(older.judge_agent().unwrap_err());
        assert_eq!(failure.code, ErrorCode::VersionSkew);
        assert!(failure.message.starts_with("the agent is older than this program"), "{}", failure.message);
        assert!(!failure.message.contains('\u{1b}'), "the other program's words are escaped");
        let newer = Hello { version: CONTROL_VERSION + 1, ..Hello::ours() };
        assert!(newer.judge_client().unwrap_err().to_string().starts_with("the client is newer than this agent"));
        assert!(Hello::ours().judge_agent().is_ok());
    }
}
