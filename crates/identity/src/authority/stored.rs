//! The set as it is kept in a file: certificates and lists as base64, a version, and nothing that could be derived.
//! Reading it back is adding everything anew, so that a file can say nothing that a person could not have.

use super::{Authorities, Authority, AuthorityFault, RevocationList, Rules, StaleCrl, set};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

/// The version that is written.
const VERSION: u64 = 1;

/// Longest file that the set ever makes, in bytes of JSON: refuse longer ones before reading them.
pub const MAX_STORED: usize = 32 * 1024 * 1024;

/// The content of the file.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    version: u64,
    // Optional, so that a file of another version is known by its version.
    #[serde(default)]
    stale_crl: Option<StaleCrl>,
    #[serde(default)]
    authorities: Option<Vec<StoredAuthority>>,
    #[serde(default)]
    crls: Option<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct StoredAuthority {
    der: String,
    rules: Rules,
}

impl From<Authorities> for Stored {
    fn from(set: Authorities) -> Self {
        let member =
            |(authority, rules): (&Authority, Rules)| StoredAuthority { der: BASE64.encode(authority.der()), rules };
        Self {
            version: VERSION,
            stale_crl: Some(set.stale),
            authorities: Some(set.iter().map(member).collect()),
            crls: Some(set.lists.iter().map(|list| BASE64.encode(list.der())).collect()),
        }
    }
}

impl TryFrom<Stored> for Authorities {
    type Error = AuthorityFault;

    fn try_from(stored: Stored) -> Result<Self, AuthorityFault> {
        if stored.version != VERSION {
            return Err(AuthorityFault::Version(stored.version));
        }
        let damaged = |what: String| AuthorityFault::Damaged(what);
        let (Some(stale), Some(members), Some(lists)) = (stored.stale_crl, stored.authorities, stored.crls) else {
            return Err(damaged("a part of it is missing".into()));
        };
        let mut set = Self { stale, ..Self::default() };
        for (at, member) in members.into_iter().enumerate() {
            let name = |fault: &dyn std::fmt::Display| damaged(format!("authority {}: {fault}", at + 1));
            let der = BASE64.decode(member.der.as_bytes()).map_err(|_| name(&"not base64"))?;
            // An expired one stays: it vouches for nobody, and the rest is still good.
            set.add(Authority::from_der(&der).map_err(|fault| name(&fault))?).map_err(|fault| name(&fault))?;
            if let Some(rules) = set.rules.last_mut() {
                *rules = member.rules;
            }
        }
        let mut bytes = 0;
        for (at, list) in lists.iter().enumerate() {
            let name = |fault: &dyn std::fmt::Display| damaged(format!("revocation list {}: {fault}", at + 1));
            let der = BASE64.decode(list.as_bytes()).map_err(|_| name(&"not base64"))?;
            bytes += der.len();
            let (list, _) = RevocationList::read(&der, &set.members).map_err(|fault| name(&fault))?;
            if set.lists.iter().any(|other| other.same_place(&list)) {
                return Err(name(&"there twice"));
            }
            if at >= set::MAX_LISTS || bytes > set::MAX_LIST_BYTES {
                return Err(name(&AuthorityFault::ListsFull));
            }
            set.lists.push(list);
        }
        Ok(set)
    }
}
