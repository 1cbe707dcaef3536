//! The authorities of one profile.

use super::{Authority, AuthorityFault, RevocationList, Rules};
use serde::{Deserialize, Serialize};

/// Most authorities of a profile.
pub const MAX_AUTHORITIES: usize = 64;

/// Most revocation lists of a profile.
pub const MAX_LISTS: usize = 128;

/// Most bytes in all revocation lists of a profile together.
pub const MAX_LIST_BYTES: usize = 16 * 1024 * 1024;

/// Fewest characters of an id that name an authority.
pub const MIN_ID: usize = 4;

/// What a revocation list is good for once the next one should have come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StaleCrl {
    /// Nothing: whoever it would have to speak about is refused.
    #[default]
    Refuse,
    /// What it says still holds.
    Accept,
}

/// The authorities a person trusts, with the rules and the revocation lists for each. The default is the empty set.
///
/// Serialised it is the content of one file, at most [`MAX_STORED`](super::MAX_STORED) bytes of JSON; reading it back
/// checks everything again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "super::stored::Stored", into = "super::stored::Stored")]
pub struct Authorities {
    pub(super) members: Vec<Authority>,
    /// One for each member, in the same order.
    pub(super) rules: Vec<Rules>,
    pub(super) lists: Vec<RevocationList>,
    pub(super) stale: StaleCrl,
}

impl Authorities {
    /// Adds one, with no rules.
    ///
    /// # Errors
    /// [`AuthorityFault::Known`] if it is there already, [`AuthorityFault::Full`] at 64.
    pub fn add(&mut self, authority: Authority) -> Result<(), AuthorityFault> {
        if self.members.iter().any(|member| member.id == authority.id) {
            return Err(AuthorityFault::Known { name: authority.name });
        }
        if self.members.len() >= MAX_AUTHORITIES {
            return Err(AuthorityFault::Full);
        }
        self.members.push(authority);
        self.rules.push(Rules::default());
        Ok(())
    }

    /// Takes one out by the beginning of its id, and with it the lists of its key, unless they are another member's too,
    /// of the same name and key.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn remove(&mut self, id: &str) -> Result<Authority, AuthorityFault> {
        let at = self.position(id)?;
        let gone = self.members.remove(at);
        self.rules.remove(at);
        let members = &self.members;
        self.lists.retain(|list| members.iter().any(|member| member.lists && of(list, member)));
        Ok(gone)
    }

    /// The one whose id begins like this; at least four characters, capitals or not.
    ///
    /// # Errors
    /// [`AuthorityFault::IdShort`], [`AuthorityFault::Unknown`] or [`AuthorityFault::Ambiguous`].
    pub fn find(&self, id: &str) -> Result<&Authority, AuthorityFault> {
        let at = self.position(id)?;
        self.members.get(at).ok_or(AuthorityFault::Unknown)
    }

    /// All, in the order they were added, with their rules.
    pub fn iter(&self) -> impl Iterator<Item = (&Authority, Rules)> {
        self.members.iter().zip(self.rules.iter().copied())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The rules for one.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn rules(&self, id: &str) -> Result<Rules, AuthorityFault> {
        let at = self.position(id)?;
        self.rules.get(at).copied().ok_or(AuthorityFault::Unknown)
    }

    /// Sets the rules for one.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn set_rules(&mut self, id: &str, rules: Rules) -> Result<(), AuthorityFault> {
        let at = self.position(id)?;
        *self.rules.get_mut(at).ok_or(AuthorityFault::Unknown)? = rules;
        Ok(())
    }

    /// What outdated revocation lists are good for.
    pub fn stale_crl(&self) -> StaleCrl {
        self.stale
    }

    /// Sets what outdated revocation lists are good for.
    pub fn set_stale_crl(&mut self, policy: StaleCrl) {
        self.stale = policy;
    }

    /// Takes in a revocation list, PEM or DER, at `now` (unix seconds), and gives the authority whose it is. It takes
    /// the place of the one there was for the same key and the same part of the certificates.
    ///
    /// # Errors
    /// [`AuthorityFault`]: it is larger than 4 MiB, malformed or of an unsupported kind; no authority of the set signed
    /// it (lists of authorities that are not in the set themselves are not taken); it is older than the one there is,
    /// from the future, or, unless [`StaleCrl::Accept`] is set, outdated; there is no room. The set is then as it was.
    pub fn put_crl(&mut self, bytes: &[u8], now: u64) -> Result<&Authority, AuthorityFault> {
        let (list, authority) = RevocationList::read(bytes, &self.members)?;
        if list.early(now) {
            return Err(AuthorityFault::ListEarly { from: list.this_update() });
        }
        if self.stale == StaleCrl::Refuse && list.stale(now) {
            return Err(AuthorityFault::ListOver { since: list.next_update() });
        }
        let old = self.lists.iter().position(|other| other.same_place(&list));
        let old_list = old.and_then(|at| self.lists.get(at));
        if let Some(other) = old_list.filter(|other| list.older_than(other)) {
            return Err(AuthorityFault::ListOlder { stored: other.this_update() });
        }
        let before: usize = self.lists.iter().map(|list| list.der().len()).sum();
        let freed = old_list.map_or(0, |list| list.der().len());
        let many = old.is_none() && self.lists.len() >= MAX_LISTS;
        if many || before - freed + list.der().len() > MAX_LIST_BYTES {
            return Err(AuthorityFault::ListsFull);
        }
        match old.and_then(|at| self.lists.get_mut(at)) {
            Some(place) => *place = list,
            None => self.lists.push(list),
        }
        Ok(authority)
    }

    /// The revocation lists there are for one.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn crls(&self, id: &str) -> Result<impl Iterator<Item = &RevocationList>, AuthorityFault> {
        let authority = self.find(id)?;
        Ok(self.lists.iter().filter(move |list| of(list, authority)))
    }

    fn position(&self, id: &str) -> Result<usize, AuthorityFault> {
        if id.chars().count() < MIN_ID {
            return Err(AuthorityFault::IdShort);
        }
        let id = id.to_ascii_lowercase();
        let mut found = self.members.iter().enumerate().filter(|(_, member)| member.id.starts_with(&id));
        match (found.next(), found.count()) {
            (None, _) => Err(AuthorityFault::Unknown),
            (Some((at, _)), 0) => Ok(at),
            (Some(_), others) => Err(AuthorityFault::Ambiguous(others + 1)),
        }
    }
}

/// Whether it is a list of this authority's key.
fn of(list: &RevocationList, authority: &Authority) -> bool {
    list.is_of(&authority.anchor.subject, &authority.anchor.subject_public_key_info)
}
