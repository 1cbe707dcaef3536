//! What is said on the broker's socket. The program speaks first; each request has one reply. JSON, as in docs/broker.md.

use hither_model::row::HeldKind;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version of these words.
pub const VERSION: u32 = 1;
/// Largest context, bytes (R4.6).
pub const MAX_CONTEXT: usize = 64 * 1024;
/// Longest name of a program and of a socket, bytes.
pub const MAX_NAME: usize = 128;
/// Most words after a program's path.
pub const MAX_WORDS: usize = 64;
/// Most bytes of path and words together.
pub const MAX_COMMAND: usize = 32 * 1024;
/// Longest time without traffic, seconds: a day.
pub const MAX_KEEP_ALIVE: u64 = 24 * 60 * 60;

/// How a program is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Start {
    /// A program and its words; no shell is between.
    Command {
        /// A full path.
        program: PathBuf,
        /// What follows it.
        #[serde(default)]
        args: Vec<String>,
    },
    /// A name that the session's D-Bus can start.
    Bus {
        /// The name, such as `org.example.Echo`.
        name: String,
    },
}

/// What has to be so before a program is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// A network beyond this machine is up (R4.14).
    InternetAvailable,
}

/// Whether the machine shall wake from sleep for a socket (R4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wake {
    /// It shall. No Linux can be told so for one socket: `element-not-found`.
    Wake,
    /// It need not.
    DoNotWake,
}

/// Why a program is wanted; the numbers are those of the system implemented (`SocketActivityTriggerReason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Reason {
    /// There is something to read. None of it was read (R4.7).
    SocketActivity = 1,
    /// Somebody calls at a listener (R4.8).
    ConnectionAccepted = 2,
    /// Nothing came for as long as was said (R4.9).
    KeepAliveTimerExpired = 3,
    /// The other end closed; the socket is gone (R4.10).
    SocketClosed = 4,
}

impl From<Reason> for u8 {
    fn from(reason: Reason) -> Self {
        reason as Self
    }
}

impl TryFrom<u8> for Reason {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            1 => Ok(Self::SocketActivity),
            2 => Ok(Self::ConnectionAccepted),
            3 => Ok(Self::KeepAliveTimerExpired),
            4 => Ok(Self::SocketClosed),
            other => Err(format!("there is no reason {other}")),
        }
    }
}

/// What a program asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// The first request.
    Hello {
        /// [`VERSION`].
        version: u32,
    },
    /// Names what to start. The same again gives the same task.
    Register {
        /// Whose it is: a name such as `org.example.echo`. It tells programs apart and protects nothing.
        app: String,
        /// How it is started.
        start: Start,
        /// What has to be so first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        condition: Option<Condition>,
    },
    /// Forgets a task; its sockets are closed.
    Unregister {
        /// Which.
        task: String,
    },
    /// A socket will be handed over for this task. Asked before it is bound or connected (R4.2).
    Enable {
        /// Which.
        task: String,
        /// Whether the machine shall wake for it.
        wake: Wake,
    },
    /// Hands the socket over that comes with the first byte of this request (R4.5).
    Transfer {
        /// Who is started for it.
        task: String,
        /// Its name, unique in the app.
        id: String,
        /// What it is.
        kind: HeldKind,
        /// Comes back unchanged; base64.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        context: String,
        /// Seconds without traffic after which the program is wanted too. Not for listeners.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keep_alive: Option<u64>,
    },
    /// All sockets of an app (R4.12).
    Sockets {
        /// Whose.
        app: String,
    },
    /// The context of one.
    Context {
        /// Whose.
        app: String,
        /// Which.
        id: String,
    },
    /// Takes one back; it comes with the first byte of the reply.
    Take {
        /// Whose.
        app: String,
        /// Which.
        id: String,
        /// What it is taken for; another kind is refused.
        kind: HeldKind,
    },
    /// Closes one.
    Release {
        /// The task it belongs to.
        task: String,
        /// Which.
        id: String,
    },
    /// What the program is wanted for.
    Next {
        /// For which task.
        task: String,
        /// Wait until there is something.
        #[serde(default)]
        wait: bool,
    },
    /// All that was given to this connection is done (R4.13).
    Complete,
}

/// A socket that is held, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub id: String,
    /// The task it belongs to.
    pub task: String,
    /// What it is.
    pub kind: HeldKind,
    /// Bytes of its context.
    pub context: u64,
}

/// What the agent replies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// It speaks this version.
    Hello {
        /// [`VERSION`].
        version: u32,
    },
    /// Done.
    Done,
    /// A task.
    Task {
        /// Its id.
        task: String,
    },
    /// What is held.
    Sockets {
        /// One row each.
        rows: Vec<Listed>,
    },
    /// A context.
    Context {
        /// Base64.
        context: String,
    },
    /// A socket; it comes with the first byte of this reply.
    Socket {
        /// The task it belongs to.
        task: String,
        /// Its context, base64.
        context: String,
    },
    /// What the program is wanted for.
    Trigger {
        /// Why.
        reason: Reason,
        /// Whose.
        app: String,
        /// The task.
        task: String,
        /// The socket.
        id: String,
        /// What it is.
        kind: HeldKind,
        /// Its context, base64.
        context: String,
    },
    /// The program is wanted for nothing.
    Nothing,
    /// It was not done.
    Refused {
        /// Why, for a program.
        word: Word,
        /// Why, for a person.
        message: String,
    },
}

/// Why something was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Not at this time: bound already, under way, or no hello before.
    IllegalMethodCall,
    /// No such thing here.
    ElementNotFound,
    /// An argument cannot be so.
    InvalidArgument,
    /// A capability was revoked.
    AccessDenied,
    /// There is no room for more.
    Full,
    /// Another version is spoken.
    Version,
    /// It could not be kept, or the system refuses.
    Failed,
}
