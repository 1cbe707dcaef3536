//! Why an authority, a revocation list, or somebody's chain was refused. Texts of peers are in none of them (R3.18):
//! what a certificate says is shown once somebody vouches for it.

use super::{MAX_AUTHORITIES, MAX_FILE, MAX_LIST, MAX_LIST_BYTES, MAX_LISTS, MIN_ID};
use crate::certificate::CertificateFault;
use hither_model::{ErrorCode, Failure, SocketErrorStatus};

/// An authority, a revocation list, or a chain was refused. Dates are RFC 3339, UTC; names are those of authorities
/// that the person here added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityFault {
    /// The file is too large for a certificate.
    #[error("the file is larger than {} KiB: no certificate is", MAX_FILE / 1024)]
    TooLarge,
    /// It is neither PEM nor DER of a certificate, or damaged.
    #[error("the file is not a certificate in PEM or DER, or it is damaged")]
    Unreadable,
    /// The file holds other things, or more than one certificate: so many.
    #[error("the file has to hold one certificate and nothing else; this one has {0} and maybe other things")]
    NotOne(usize),
    /// It is not an authority's certificate.
    #[error("it is not the certificate of an authority (no basicConstraints with CA)")]
    NotAuthority,
    /// Its key is not for signing certificates.
    #[error("its key is not meant for signing certificates (no keyCertSign)")]
    NotForSigning,
    /// It is for other purposes than proving who people are.
    #[error("it is an authority for other purposes only (its extendedKeyUsage lacks clientAuth)")]
    AuthorityPurpose,
    /// It is limited in a way that nobody here could enforce.
    #[error("it is limited by name constraints on {0}, which are not supported")]
    Constraint(&'static str),
    /// The authority's time is over.
    #[error("the authority \"{name}\" expired on {since}")]
    AuthorityExpired {
        /// The authority.
        name: String,
        /// The end.
        since: String,
    },
    /// The authority's time has not come.
    #[error("the authority \"{name}\" is valid only from {from}")]
    AuthorityEarly {
        /// The authority.
        name: String,
        /// The beginning.
        from: String,
    },
    /// It is in the set already.
    #[error("the authority \"{name}\" is trusted already")]
    Known {
        /// The authority.
        name: String,
    },
    /// There are as many as there may be.
    #[error("there are {MAX_AUTHORITIES} authorities already")]
    Full,
    /// The id is too short to name anything.
    #[error("an authority's id has to be given with at least {MIN_ID} characters")]
    IdShort,
    /// No authority has such an id.
    #[error("no trusted authority has an id that begins like this")]
    Unknown,
    /// Several authorities have such an id.
    #[error("{0} authorities have an id that begins like this")]
    Ambiguous(usize),
    /// The revocation list is too large.
    #[error("the revocation list is larger than {} MiB", MAX_LIST / 1024 / 1024)]
    ListTooLarge,
    /// It is no revocation list, or damaged.
    #[error("the file is not a revocation list in PEM or DER, or it is damaged")]
    ListUnreadable,
    /// It is a kind of list that is not supported.
    #[error("the revocation list is of a kind that is not supported: {0}")]
    ListUnsupported(&'static str),
    /// It is the list of an authority that is not in the set.
    #[error("the revocation list is not by a trusted authority")]
    ListForeign,
    /// It bears an authority's name, but not its signature.
    #[error("the revocation list bears the name of a trusted authority, but its key did not sign it")]
    ListForged,
    /// The authority must not sign lists.
    #[error("the key of \"{name}\" is not meant for signing revocation lists (no cRLSign)")]
    ListNotAllowed {
        /// The authority.
        name: String,
    },
    /// A newer one is there.
    #[error("a newer revocation list, of {stored}, is there already")]
    ListOlder {
        /// When the stored one was made.
        stored: String,
    },
    /// It is outdated already.
    #[error("the revocation list is outdated: the next one was due on {since}")]
    ListOver {
        /// When the next one was due.
        since: String,
    },
    /// It is from the future.
    #[error("the revocation list is from the future: it was made on {from}")]
    ListEarly {
        /// When it was made.
        from: String,
    },
    /// There is no room for it.
    #[error(
        "there is no room for it: at most {MAX_LISTS} revocation lists with {} MiB in all are kept",
        MAX_LIST_BYTES / 1024 / 1024
    )]
    ListsFull,
    /// Nobody vouches for the certificate.
    #[error("no authority you trust vouches for the certificate")]
    Untrusted,
    /// An authority is named, but its key signed nothing.
    #[error("the certificate names the authority \"{name}\", but is not signed by the one you trust")]
    NotSigned {
        /// The authority.
        name: String,
    },
    /// A certificate between the person's and an authority cannot be used.
    #[error("of the certificates above theirs one cannot be used: {0}")]
    Between(#[source] Box<Self>),
    /// The certificates make no path for another reason.
    #[error("the certificates that were shown do not fit together")]
    Path,
    /// It was revoked.
    #[error("the certificate, or one above it, was revoked")]
    Revoked,
    /// The revocation list that would tell is outdated.
    #[error("whether the certificate was revoked is not known: the next revocation list was due on {since}")]
    Stale {
        /// When the next one was due.
        since: String,
    },
    /// A certificate on the path expired.
    #[error("a certificate above theirs expired on {since}")]
    Expired {
        /// The end.
        since: String,
    },
    /// The time of a certificate on the path has not come.
    #[error("the certificate, or one above it, is valid only from {from}")]
    NotYetValid {
        /// The beginning.
        from: String,
    },
    /// It is for other purposes.
    #[error("the certificate, or one above it, is for other purposes (its extendedKeyUsage lacks clientAuth)")]
    Purpose,
    /// A name in it is not the authority's to give.
    #[error("the certificate has a name that \"{name}\", or an authority below it, may not vouch for")]
    Names {
        /// The authority at the top.
        name: String,
    },
    /// There are more authorities between than allowed.
    #[error("there are more authorities between the certificate and \"{name}\" than it allows")]
    PathLength {
        /// The authority at the top.
        name: String,
    },
    /// There is nothing in it to call the person by.
    #[error("the certificate names nobody: neither in its subject nor by an e-mail address")]
    Nameless,
    /// The stored set was written by a newer program.
    #[error("the list of trusted authorities has version {0}, which this hither does not know")]
    Version(u64),
    /// The stored set is damaged.
    #[error("the list of trusted authorities is damaged: {0}")]
    Damaged(String),
    /// The form or the dates of a certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
}

impl AuthorityFault {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TooLarge | Self::ListTooLarge => ErrorCode::TooLarge,
            Self::Known { .. } | Self::Full | Self::IdShort | Self::Ambiguous(_) | Self::ListsFull => ErrorCode::Misuse,
            Self::Unknown => ErrorCode::UnknownId,
            Self::ListOlder { .. } => ErrorCode::Stale,
            Self::Version(_) | Self::Damaged(_) => ErrorCode::StorageFailed,
            Self::Unreadable
            | Self::NotOne(_)
            | Self::NotAuthority
            | Self::NotForSigning
            | Self::AuthorityPurpose
            | Self::Constraint(_)
            | Self::AuthorityExpired { .. }
            | Self::AuthorityEarly { .. }
            | Self::ListUnreadable
            | Self::ListUnsupported(_)
            | Self::ListForeign
            | Self::ListForged
            | Self::ListNotAllowed { .. }
            | Self::ListOver { .. }
            | Self::ListEarly { .. }
            | Self::Untrusted
            | Self::NotSigned { .. }
            | Self::Between(_)
            | Self::Path
            | Self::Revoked
            | Self::Stale { .. }
            | Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::Purpose
            | Self::Names { .. }
            | Self::PathLength { .. }
            | Self::Nameless => ErrorCode::CertificateRefused,
            Self::Certificate(fault) => fault.code(),
        }
    }

    /// The socket's own word, where a certificate was judged.
    pub fn status(&self) -> Option<SocketErrorStatus> {
        Some(match self {
            Self::Untrusted | Self::NotSigned { .. } | Self::Between(_) => SocketErrorStatus::CertificateUntrustedRoot,
            Self::Revoked => SocketErrorStatus::CertificateRevoked,
            Self::Stale { .. } => SocketErrorStatus::CertificateRevocationServerOffline,
            Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::AuthorityExpired { .. }
            | Self::AuthorityEarly { .. } => SocketErrorStatus::CertificateExpired,
            Self::Purpose | Self::NotAuthority | Self::NotForSigning | Self::AuthorityPurpose => {
                SocketErrorStatus::CertificateWrongUsage
            }
            Self::Path | Self::Names { .. } | Self::PathLength { .. } | Self::Nameless | Self::Constraint(_) => {
                SocketErrorStatus::CertificateIsInvalid
            }
            Self::Certificate(fault) => fault.status(),
            Self::TooLarge
            | Self::Unreadable
            | Self::NotOne(_)
            | Self::Known { .. }
            | Self::Full
            | Self::IdShort
            | Self::Unknown
            | Self::Ambiguous(_)
            | Self::ListTooLarge
            | Self::ListUnreadable
            | Self::ListUnsupported(_)
            | Self::ListForeign
            | Self::ListForged
            | Self::ListNotAllowed { .. }
            | Self::ListOlder { .. }
            | Self::ListOver { .. }
            | Self::ListEarly { .. }
            | Self::ListsFull
            | Self::Version(_)
            | Self::Damaged(_) => return None,
        })
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge | Self::Unreadable | Self::NotOne(_) => {
                "give the authority's own certificate alone, as PEM or DER; of a bundle, one certificate at a time"
            }
            Self::NotAuthority | Self::NotForSigning | Self::AuthorityPurpose => {
                "ask whoever runs the authority for the certificate that issues people's certificates"
            }
            Self::Constraint(_) => {
                "ask for an authority without these limits; only limits on DNS names and IP addresses are supported"
            }
            Self::AuthorityExpired { .. } => "ask for the authority's new certificate and add it",
            Self::AuthorityEarly { .. } | Self::NotYetValid { .. } | Self::ListEarly { .. } => {
                "check the date and time on both devices"
            }
            Self::Known { .. } => "nothing has to be done",
            Self::Full => "remove an authority that is not needed any more",
            Self::IdShort | Self::Ambiguous(_) => "give more of the id",
            Self::Unknown => "list the authorities to see their ids",
            Self::ListTooLarge | Self::ListUnreadable | Self::ListUnsupported(_) => {
                "ask whoever runs the authority for its whole, ordinary revocation list (a .crl file)"
            }
            Self::ListForeign => "add the authority whose list it is first",
            Self::ListForged | Self::ListNotAllowed { .. } => {
                "ask whoever runs the authority for its own list; do not use this one"
            }
            Self::ListOlder { .. } => "nothing has to be done; the newer one stays",
            Self::ListOver { .. } | Self::Stale { .. } => {
                "get the authority's newest revocation list and add it, or allow outdated lists"
            }
            Self::ListsFull => "remove an authority whose lists are not needed any more",
            Self::Untrusted | Self::Between(_) | Self::Path => {
                "compare codes instead, or add the authority that issued it; the other device has to show the \
                 certificates between"
            }
            Self::NotSigned { .. } => {
                "do not trust it unless you know why: somebody uses the authority's name, or it has a new key"
            }
            Self::Revoked => "do not trust it; ask the person by another way what happened",
            Self::Expired { .. } | Self::Purpose | Self::Names { .. } | Self::PathLength { .. } | Self::Nameless => {
                "the other person has to choose another certificate, or ask their authority for one"
            }
            Self::Version(_) => "use a newer hither, or restore the file from a backup",
            Self::Damaged(_) => {
                "restore the file from a backup, or remove it and add the authorities and their lists again"
            }
            Self::Certificate(fault) => fault.hint(),
        }
    }
}

impl From<AuthorityFault> for Failure {
    fn from(fault: AuthorityFault) -> Self {
        let failure = Failure::new(fault.code(), fault.to_string()).hint(fault.hint());
        match fault.status() {
            Some(status) => failure.status(status),
            None => failure,
        }
    }
}
