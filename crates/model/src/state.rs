//! The states a person sees, and their words.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS))]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word for it, as in JSON.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// Whether a device is heard.
    Presence {
        /// Heard lately.
        Near = "near",
        /// Did not answer, or its advert is about to lapse.
        Fading = "fading",
        /// Not heard any more.
        Gone = "gone",
    }
}
words! {
    /// What this person decided about a device.
    Trust {
        /// Never met.
        New = "new",
        /// Met before; its key is stored.
        Known = "known",
        /// Its key was compared by both persons (code, or link).
        Verified = "verified",
        /// Claims to be somebody known but shows another key.
        Changed = "changed",
        /// May not ask.
        Blocked = "blocked",
    }
}
words! {
    /// How the identity at the other end of a session was proven.
    Verified {
        /// Both persons compared the six digits.
        Code = "code",
        /// The invite link carried the key.
        Link = "link",
        /// The key is the one stored at an earlier meeting.
        Stored = "stored",
        /// A certificate authority both trust vouches for it.
        Certificate = "certificate",
        /// Nobody checked: "once, unverified".
        No = "no",
    }
}
words! {
    /// The life of a session.
    SessionState {
        /// Ready for use.
        Open = "open",
        /// The connection is lost and is being made again.
        Reconnecting = "reconnecting",
        /// Finishing what was begun, taking nothing new.
        Draining = "draining",
        /// Over.
        Closed = "closed",
    }
}
words! {
    /// The life of a transfer.
    TransferState {
        /// Waiting for the other person.
        Offered = "offered",
        /// Consented to, not yet moving.
        Accepted = "accepted",
        /// Bytes move.
        Moving = "moving",
        /// Stopped by a person or a lost connection; goes on later.
        Paused = "paused",
        /// All bytes are there; being verified.
        Checking = "checking",
        /// Every item is on disk and verified.
        Kept = "kept",
        /// Ended without everything kept; `why` says the reason.
        Dropped = "dropped",
    }
}
words! {
    /// Where one item of a transfer stands.
    ItemState {
        /// Not begun.
        Waiting = "waiting",
        /// Some of its bytes are through, or it is next.
        Moving = "moving",
        /// On the receiver's disk, verified.
        Kept = "kept",
        /// Not kept; `why` says the reason.
        Failed = "failed",
    }
}
words! {
    /// Who goes first where not all can go at once (R6.15).
    Priority {
        /// After everything else.
        Low = "low",
        /// As usual.
        Default = "default",
        /// Before everything else.
        High = "high",
    }
}
words! {
    /// Over which networks a transfer may go (R6.14).
    CostPolicy {
        /// Over any, but not where the network's owner pays extra: roaming, or beyond its limit.
        Default = "default",
        /// Only where bytes cost nothing.
        Unrestricted = "unrestricted",
        /// Over any, whatever it costs.
        Always = "always",
    }
}
words! {
    /// Where one thing in the outbox stands.
    OutboxState {
        /// For the device, its person, its turn or a network; the row says for which.
        Waiting = "waiting",
        /// It is a transfer now.
        Sending = "sending",
        /// The receiver's receipt is in.
        Sent = "sent",
        /// It came to nothing; the row says why.
        Failed = "failed",
        /// Its time was over before the device was seen.
        Expired = "expired",
    }
}
words! {
    /// What something in the outbox waits for.
    WaitsFor {
        /// The device, to be seen.
        Device = "device",
        /// The person there, to accept the invite or the offer.
        Person = "person",
        /// Others, that go first.
        Turn = "turn",
        /// A network that costs nothing.
        Unmetered = "unmetered",
        /// Any network.
        Network = "network",
        /// The person here, who held it back, or whose invite was declined there.
        Word = "word",
        /// The next try, after a failure that may pass.
        Retry = "retry",
    }
}
words! {
    /// What the desktop can do for the agent.
    DesktopPart {
        /// Notifications with buttons.
        Notifications = "notifications",
        /// Not going to sleep while a transfer moves.
        Sleep = "sleep",
    }
}
words! {
    /// A place in the window that can be asked for.
    View {
        /// Who is near.
        Near = "near",
        /// A question, by its id.
        Question = "question",
        /// A session, by its id.
        Session = "session",
        /// A transfer, by its id.
        Transfer = "transfer",
        /// What happened.
        History = "history",
    }
}
words! {
    /// The life of the agent.
    AgentState {
        /// Coming up.
        Starting = "starting",
        /// At work.
        Serving = "serving",
        /// Finishing.
        Draining = "draining",
        /// Over.
        Stopped = "stopped",
    }
}
words! {
    /// A way to hear devices.
    Medium {
        /// Multicast DNS on the local network.
        Mdns = "mdns",
        /// Bluetooth Low Energy.
        Ble = "ble",
        /// An address known from earlier.
        Route = "route",
        /// An invite link.
        Link = "link",
    }
}

words! {
    /// How near a device is, as heard by radio. A convenience: radio can be relayed and repeated.
    Nearness {
        /// Right beside this one.
        Touching = "touching",
        /// In the same room.
        Near = "near",
        /// Somewhere around.
        InRange = "in-range",
    }
}

words! {
    /// Where a private key of this person's lies.
    KeyPlace {
        /// In a file that only its owner can read.
        File = "file",
        /// With the desktop's keyring (the Secret Service), which encrypts it.
        SecretService = "secret-service",
    }
}

/// Whether a medium, or a part of the desktop, works: `on`, `off`, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
#[serde(from = "String", into = "String")]
pub enum MediumState {
    /// Working.
    On,
    /// Switched off by a person or a setting.
    Off,
    /// Wanted, but not working: the reason in words.
    Failed(String),
}

impl From<String> for MediumState {
    fn from(text: String) -> Self {
        match text.as_str() {
            "on" => Self::On,
            "off" => Self::Off,
            _ => Self::Failed(text),
        }
    }
}

impl From<MediumState> for String {
    fn from(state: MediumState) -> Self {
        state.to_string()
    }
}

impl fmt::Display for MediumState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On => f.write_str("on"),
            Self::Off => f.write_str("off"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}
