//! What is said on a connection before its session opens. The TLS client speaks first, with a [`Hello`]; then both speak
//! [`Frame`]s. JSON with the kind in `t`, at most [`crate::MAX_HELLO`] bytes each.
//!
//! An invite: client `invite`; server `waiting`*, then `commit` or `no-code`; client `nonce-c`; server `nonce-s`; each side
//! `confirm` after its person; server `accepted`; client `welcome`, after which both keep what they learned. Either side
//! ends it with `withdraw` (client) or `no` (server).
//!
//! An invite and its answer may carry a certificate beside the devices' keys ([`crate::Certified`]).
//!
//! A link: client `link`; server `link-proof`, `waiting`*, `accepted`; client `welcome`.
//!
//! Known peers also: client `resume`, server `resumed` or `no`; client `presence`, server `here`.

use crate::{
    breach::Breach,
    certified::{self, Certified},
    digest::Digest,
    frame::Vocabulary,
};
use hither_model::{DisplayName, InviteId, SessionId, name};
use serde::{Deserialize, Serialize};

/// Longest name on the wire, in bytes: 50 characters of four bytes.
pub const MAX_NAME: usize = name::MAX_CHARACTERS * 4;

/// Longest line that goes with an invite, in characters.
pub const MAX_MESSAGE: usize = 280;

/// The first frame of every connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "kebab-case")]
pub enum Hello {
    /// Asks a person for a session.
    Invite(Invite),
    /// Known peers only: goes on with a session whose connection broke.
    Resume {
        /// Which.
        session: SessionId,
    },
    /// Known peers only: "I am here again"; answered by [`Frame::Here`].
    Presence {
        /// The name the dialler shows at present.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The TCP port it listens on.
        port: u16,
    },
    /// Redeems an invite link.
    Link(LinkHello),
}

/// An invite as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Names it; drawn by the inviter.
    pub invite: InviteId,
    /// Who the inviter says they are: a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A line from person to person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The inviter holds the invitee's key from an earlier meeting. A claim too: without the same on the other side it
    /// changes nothing.
    pub known: bool,
    /// The inviter's person would settle for no code, once.
    pub unverified: bool,
    /// Who the inviter's person is by a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified: Option<Box<Certified>>,
    /// The inviter would take a certificate it trusts in place of comparing a code.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub codeless: bool,
}

/// The first words of whoever redeems a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkHello {
    /// Who they say they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// HMAC(K_acc, E ‖ X ‖ "acceptor").
    pub proof: Digest,
    /// Who the person is by a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified: Option<Box<Certified>>,
}

/// What is said after the hello and before the session opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "kebab-case")]
pub enum Frame {
    /// Server: the person has others to answer first.
    Waiting,
    /// Server: the question is on the screen and a code run begins.
    Commit {
        /// SHA-256("hither-c1" ‖ E ‖ X ‖ N_s).
        c: Digest,
    },
    /// Client: its nonce.
    NonceC {
        /// N_c.
        n: Digest,
    },
    /// Server: its nonce.
    NonceS {
        /// N_s.
        n: Digest,
    },
    /// Server: the question is on the screen, and no code is needed.
    NoCode,
    /// Either: its person found the codes equal.
    Confirm {
        /// MAC(K_role, X ‖ "I am" ‖ own id ‖ "you are" ‖ other id).
        mac: Digest,
    },
    /// Server: its person said yes, and everything is proven.
    Accepted {
        /// Who the server says they are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Who the server's person is by a certificate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certified: Option<Box<Certified>>,
    },
    /// Client: the last word. From here on both keep it.
    Welcome {
        /// Who the client says they are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Server: no.
    No {
        /// In a word.
        why: No,
    },
    /// Client: taken back.
    Withdraw {
        /// In a word.
        why: Taken,
    },
    /// Server: it made the link.
    LinkProof {
        /// HMAC(K_inv, E ‖ X ‖ "inviter").
        proof: Digest,
    },
    /// Server: the session goes on.
    Resumed,
    /// Server: answer to [`Hello::Presence`].
    Here {
        /// The name it shows at present.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The TCP port it listens on.
        port: u16,
    },
}

/// Why the server says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum No {
    /// The person said no. Blocked and muted peers hear the same.
    Declined,
    /// Too many questions at present.
    Busy,
    /// Nobody answered in time; or the link is expired, used or unknown.
    Expired,
    /// Too many code runs came to nothing: only links are taken for now.
    LinkOnly,
    /// The person saw two different codes.
    CodesDiffer,
    /// No such session to resume.
    Unknown,
    /// Only people with a certificate of an authority that is trusted there may ask.
    Certificate,
}

/// Why the client takes an invite back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taken {
    /// The person changed their mind.
    Withdrawn,
    /// The time to wait is over.
    Expired,
    /// The person saw two different codes.
    CodesDiffer,
    /// A code would be needed, but too many runs came to nothing here.
    LinkOnly,
    /// The certificate that came with the yes is not good.
    Certificate,
}

impl Vocabulary for Hello {
    const WORDS: &'static [&'static str] = &["invite", "resume", "presence", "link"];
}

impl Vocabulary for Frame {
    const WORDS: &'static [&'static str] = &[
        "waiting",
        "commit",
        "nonce-c",
        "nonce-s",
        "no-code",
        "confirm",
        "accepted",
        "welcome",
        "no",
        "withdraw",
        "link-proof",
        "resumed",
        "here",
    ];
}

impl Hello {
    /// Whether every text keeps to its limit. Call it on everything that was parsed.
    ///
    /// # Errors
    /// [`Breach::TooLong`] names the field.
    pub fn check(&self) -> Result<(), Breach> {
        match self {
            Self::Invite(invite) => invite.check(),
            Self::Presence { name, .. } => check_name(name.as_deref()),
            Self::Link(hello) => hello.check(),
            Self::Resume { .. } => Ok(()),
        }
    }
}

impl Invite {
    pub(crate) fn check(&self) -> Result<(), Breach> {
        check_name(self.name.as_deref())?;
        certified::check(self.certified.as_deref())?;
        match &self.message {
            Some(text) if text.chars().nth(MAX_MESSAGE).is_some() => Err(Breach::TooLong("the message")),
            _ => Ok(()),
        }
    }
}

impl LinkHello {
    pub(crate) fn check(&self) -> Result<(), Breach> {
        check_name(self.name.as_deref())?;
        certified::check(self.certified.as_deref())
    }
}

impl Frame {
    /// As [`Hello::check`].
    ///
    /// # Errors
    /// [`Breach::TooLong`] names the field.
    pub fn check(&self) -> Result<(), Breach> {
        match self {
            Self::Accepted { name, certified } => {
                check_name(name.as_deref())?;
                certified::check(certified.as_deref())
            }
            Self::Welcome { name } | Self::Here { name, .. } => check_name(name.as_deref()),
            Self::Waiting
            | Self::Commit { .. }
            | Self::NonceC { .. }
            | Self::NonceS { .. }
            | Self::NoCode
            | Self::Confirm { .. }
            | Self::No { .. }
            | Self::Withdraw { .. }
            | Self::LinkProof { .. }
            | Self::Resumed => Ok(()),
        }
    }
}

pub(crate) fn check_name(name: Option<&str>) -> Result<(), Breach> {
    match name {
        Some(name) if name.len() > MAX_NAME => Err(Breach::TooLong("the name")),
        _ => Ok(()),
    }
}

/// The claim made safe to show, if anything is left of it.
pub(crate) fn cleaned(name: Option<&str>) -> Option<DisplayName> {
    name.and_then(DisplayName::cleaned)
}

/// Our own name as it travels.
pub(crate) fn spoken(name: Option<&DisplayName>) -> Option<String> {
    name.map(|name| name.as_str().to_owned())
}
