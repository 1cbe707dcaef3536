//! Identifiers. Each is a fixed number of bytes, written as lower-case hexadecimal.
//!
//! A peer's hash is always parsed to bytes and never used as text (a peer cannot smuggle a path or a terminal escape
//! through an identifier). Values are made elsewhere: this crate has no source of randomness.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// The text is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: {digits} hexadecimal digits are expected")]
pub struct IdFault {
    /// Which identifier was expected.
    pub kind: &'static str,
    /// How many hexadecimal digits it has.
    pub digits: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string"))]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Number of bytes.
            pub const LEN: usize = $bytes;

            /// The identifier with these bytes.
            pub const fn new(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// The first eight hexadecimal digits: enough for a person to tell rows apart, never enough to trust.
            pub fn short(&self) -> String {
                self.to_string().chars().take(8).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = IdFault;

            fn from_str(text: &str) -> Result<Self, IdFault> {
                let fault = IdFault { kind: $kind, digits: $bytes * 2 };
                let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| fault.clone())?;
                bytes.try_into().map(Self).map_err(|_| fault)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($kind)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                d.deserialize_str(Text)
            }
        }
    };
}

id!(
    /// Who a device is: SHA-256 of the SubjectPublicKeyInfo of its certificate (DER). Survives certificate renewal.
    PeerId, 32, "peer id"
);
id!(
    /// One session between two agents; derived on both sides from the TLS exporter (R3.29).
    SessionId, 16, "session id"
);
id!(
    /// One invite; drawn by the inviter.
    InviteId, 16, "invite id"
);
id!(
    /// One transfer; drawn by the sender.
    TransferId, 16, "transfer id"
);
id!(
    /// One question to the person at this machine; drawn by the agent.
    QuestionId, 8, "question id"
);
id!(
    /// One thing for one device in the outbox; drawn by the agent.
    OutboxId, 8, "outbox id"
);
id!(
    /// A permission given to one device; drawn by the agent.
    GrantId, 8, "grant id"
);
id!(
    /// A DNS-SD instance name: random bits that last as long as one advert (15 minutes at most).
    InstanceId, 16, "instance id"
);
id!(
    /// One lane (a further TLS connection of a session).
    LaneId, 8, "lane id"
);
id!(
    /// The rendezvous value a dialler shows in the ClientHello's server name, so that a listener can drop strangers
    /// before it shows a certificate or signs anything.
    Rid, 16, "rendezvous id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_the_way_through_text_and_json() {
        let id = PeerId::new([0xab; 32]);
        assert_eq!(id.to_string().parse::<PeerId>().unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<PeerId>(&json).unwrap(), id);
    }

    #[test]
    fn text_that_is_not_exactly_the_digits_is_refused() {
        for bad in ["", "ab", "AB".repeat(16).as_str(), &"ab".repeat(17), &"zz".repeat(16), "../../etc/passwd"] {
            assert!(bad.parse::<SessionId>().is_err(), "{bad:?} was taken");
        }
    }
}
