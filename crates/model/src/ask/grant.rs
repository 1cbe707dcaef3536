//! What may be asked about grants.

use crate::row::GrantTerms;
use serde::{Deserialize, Serialize};

/// A request about grants. Answered with [`crate::Answer::Grants`]: the rows it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "grant", rename_all = "kebab-case")]
pub enum GrantAsk {
    /// All of them; those that are over stay listed for a week.
    List,
    /// Give one. The one asking has the person's word for it.
    Give {
        /// To whom: somebody met, whose key was compared.
        peer: String,
        /// What, until when and where.
        #[serde(flatten)]
        terms: GrantTerms,
    },
    /// Take one back: what is under way by it ends.
    Revoke {
        /// Which, by beginning.
        id: String,
    },
}
