//! Rows about certificates: those we can be known by, the tokens that hold them, the authorities trusted here, and what
//! others proved to hold. Every text in them is cleaned for showing.

use crate::PeerId;
use serde::{Deserialize, Serialize};

/// A certificate we can be known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct IdentityRow {
    /// Names it in commands; `local` is another name for the device's own key.
    pub id: String,
    /// Subject.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// Start of validity, RFC 3339 UTC.
    pub not_before: String,
    /// End of validity, RFC 3339 UTC.
    pub not_after: String,
    /// Kind of key.
    pub key: String,
    /// `local`, `file` or `card`.
    pub source: String,
    /// `true`, or why not.
    pub usable: Usable,
    /// Whether it is the one that is used unless another is named.
    pub current: bool,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub fingerprint: PeerId,
    /// Label of the token that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Where its key lies: `file`, `secret-service` or `token`.
    pub kept: String,
    /// Whether the key is in hardware that does not give it away.
    pub hardware: bool,
    /// Whether its time is over.
    pub expired: bool,
}

/// `true`, or the reason why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(untagged)]
pub enum Usable {
    /// It can (`true`).
    Yes(bool),
    /// It cannot, because.
    No(String),
}

/// How many tries a token says are left for its PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum TokenTries {
    /// It reports nothing unusual.
    Plenty,
    /// A wrong PIN was entered before.
    Few,
    /// One: the next wrong PIN blocks it.
    Last,
    /// None: it is blocked.
    Blocked,
}

/// Where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum TokenState {
    /// It waits for its PIN.
    Locked,
    /// It needs no PIN.
    Ready,
    /// Its PIN is blocked, or was never set.
    Blocked,
}

/// A card, token or HSM that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TokenRow {
    /// Its label.
    pub token: String,
    /// Its serial number.
    pub serial: String,
    /// The reader it is in.
    pub reader: String,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Where it stands.
    pub state: TokenState,
    /// Tries left for its PIN.
    pub tries: TokenTries,
    /// Whether the PIN is entered on the reader or the token itself.
    pub pad: bool,
    /// Whether it is hardware.
    pub hardware: bool,
    /// The certificates on it that a person could be known by.
    pub certificates: Vec<IdentityRow>,
}

/// A PKCS#11 module that could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TokenFault {
    /// The module's name.
    pub module: String,
    /// Why, and what to do.
    pub why: String,
}

/// A token that is waited for: its PIN, or that it is inserted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PinRow {
    /// The token's label.
    pub token: String,
    /// The reader it is in.
    pub reader: String,
    /// The certificate that is to be used: its subject.
    pub subject: String,
    /// What for, one line.
    pub reason: String,
    /// Tries left. At [`TokenTries::Last`] the answer has to confirm that the last one may be spent.
    pub tries: TokenTries,
    /// Whether the PIN is entered on the reader or the token itself; the answer carries none then.
    pub pad: bool,
    /// Shortest PIN, characters.
    pub min: u32,
    /// Longest PIN, characters.
    pub max: u32,
    /// What became of the PIN that was entered before: one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// A certificate authority this person trusts for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct AuthorityRow {
    /// Names it in commands: SHA-256 of its certificate, hexadecimal.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// End of validity, RFC 3339 UTC.
    pub not_after: String,
    /// Anyone it vouches for may invite me, though my visibility would not let them in.
    pub invite: bool,
    /// Its word is as good as comparing a code.
    pub codeless: bool,
    /// When its list of revoked certificates is to be replaced, RFC 3339 UTC; absent without a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crl_until: Option<String>,
    /// The list should have been replaced by now.
    pub crl_stale: bool,
}

/// Who somebody is by a certificate they proved to hold. Never a display name: those are chosen, this is certified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CertifiedRow {
    /// The person's name in it.
    pub name: String,
    /// Their organisation in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Their mail address in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The whole subject.
    pub subject: String,
    /// The issuer.
    pub issuer: String,
    /// End of validity, RFC 3339 UTC.
    pub not_after: String,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub fingerprint: PeerId,
    /// The authority trusted here that vouches for it: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// Why no authority trusted here vouches for it. Then it proves a key and nothing about a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unvouched: Option<String>,
}
