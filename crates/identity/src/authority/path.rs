//! Whether a chain that a peer showed leads to an authority of the set (RFC 5280 section 6, by webpki).

use super::{Authorities, Authority, AuthorityFault, CertifiedPerson, RevocationList, Rules, StaleCrl, form, text};
use crate::certificate;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use std::{cmp::Reverse, slice, time::Duration};
use webpki::{
    CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage, RevocationCheckDepth,
    RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath, aws_lc_rs as with,
};
use x509_parser::certificate::X509Certificate;

/// Signatures under certificates and lists: those of the keys that are accepted anywhere here, with SHA-2.
pub(super) static ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    with::ECDSA_P256_SHA256,
    with::ECDSA_P256_SHA384,
    with::ECDSA_P256_SHA512,
    with::ECDSA_P384_SHA256,
    with::ECDSA_P384_SHA384,
    with::ECDSA_P384_SHA512,
    with::ED25519,
    with::RSA_PKCS1_2048_8192_SHA256,
    with::RSA_PKCS1_2048_8192_SHA384,
    with::RSA_PKCS1_2048_8192_SHA512,
    with::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    with::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    with::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// Somebody an authority of the set vouches for. It says nothing about who holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The authority's id.
    pub authority: String,
    /// Its name, for showing.
    pub authority_name: String,
    /// What its word is good for; if several of the set vouch, what any of them allows.
    pub rules: Rules,
    /// Whom it certifies.
    pub person: CertifiedPerson,
}

impl Authorities {
    /// Judges a chain as a peer showed it, leaf first; `now` in unix seconds.
    ///
    /// The form and the dates of the leaf first, as [`certificate::judge`] has it, then a path to each authority that
    /// could be at its end. There is no tolerance for a clock that is behind: who issues certificates lets them begin
    /// early enough. If several authorities vouch, the one with most rules is named, and of those the nearest.
    ///
    /// # Errors
    /// [`AuthorityFault`]; of several the most telling. No text of the peer's is in it.
    pub fn judge(&self, chain: &[&[u8]], now: u64) -> Result<Vouched, AuthorityFault> {
        certificate::judge(chain, now)?;
        let Some((leaf, above)) = chain.split_first() else { return Err(AuthorityFault::Untrusted) };
        let parsed = certificate::parsed(leaf)?;
        let der = CertificateDer::from(*leaf);
        let end = EndEntityCert::try_from(&der).map_err(|_| AuthorityFault::Path)?;
        // What cannot vouch is left out; it matters only if nothing else does.
        let (mut usable, mut unusable) = (Vec::new(), None);
        for other in above {
            match form::authority(other) {
                Ok(certificate) => usable.push((CertificateDer::from(*other), certificate)),
                Err(fault) => unusable = unusable.or(Some(fault)),
            }
        }
        let (ders, between): (Vec<_>, Vec<_>) = usable.into_iter().unzip();
        let search = Search { set: self, end: &end, leaf: &parsed, ders: &ders, between: &between, now };
        let found = search.all();
        let best = found.iter().filter_map(|(authority, rules, met)| Some((authority, rules, met.as_ref().ok()?)));
        let best = best
            .max_by_key(|(_, rules, length)| (u8::from(rules.invite) + u8::from(rules.codeless), Reverse(**length)));
        if let Some((authority, ..)) = best {
            let granted = || found.iter().filter(|(.., met)| met.is_ok()).map(|(_, rules, _)| rules);
            return Ok(Vouched {
                authority: authority.id.clone(),
                authority_name: authority.name.clone(),
                rules: Rules {
                    invite: granted().any(|rules| rules.invite),
                    codeless: granted().any(|rules| rules.codeless),
                },
                person: CertifiedPerson::of(leaf, &parsed).ok_or(AuthorityFault::Nameless)?,
            });
        }
        let faults = found.into_iter().filter_map(|(.., met)| met.err());
        match (faults.max_by_key(rank), unusable) {
            (None | Some(AuthorityFault::Untrusted), Some(fault)) => Err(AuthorityFault::Between(Box::new(fault))),
            (None, None) => Err(AuthorityFault::Untrusted),
            (Some(fault), _) => Err(fault),
        }
    }
}

/// Which of several faults tells most: that somebody was revoked goes before all, that nobody vouches comes last.
fn rank(fault: &AuthorityFault) -> u8 {
    match fault {
        AuthorityFault::Revoked => 3,
        AuthorityFault::Untrusted => 0,
        AuthorityFault::NotSigned { .. } => 1,
        _ => 2,
    }
}

/// What a path is looked for with.
struct Search<'a> {
    set: &'a Authorities,
    end: &'a EndEntityCert<'a>,
    leaf: &'a X509Certificate<'a>,
    /// The certificates that came with the leaf and could be above it, and the same parsed.
    ders: &'a [CertificateDer<'a>],
    between: &'a [X509Certificate<'a>],
    now: u64,
}

/// An authority, what its word is good for, and whether a path leads to it: over how many others.
type Met<'a> = (&'a Authority, Rules, Result<usize, AuthorityFault>);

impl<'a> Search<'a> {
    /// Every authority whose name is that of an issuer in the chain.
    fn all(&self) -> Vec<Met<'a>> {
        let named = |authority: &Authority| {
            let mut issuers = self.between.iter().chain([self.leaf]).map(|certificate| certificate.issuer().as_raw());
            issuers.any(|issuer| issuer == authority.subject)
        };
        let candidates = self.set.iter().filter(|(authority, _)| named(authority));
        candidates.map(|(authority, rules)| (authority, rules, self.to(authority))).collect()
    }

    /// A path to this authority, with the number of certificates between it and the leaf.
    fn to(&self, authority: &'a Authority) -> Result<usize, AuthorityFault> {
        let lists: Vec<_> = self.lists(authority).collect();
        let lists: Vec<&CertRevocationList<'_>> = lists.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            let expiration = match self.set.stale {
                StaleCrl::Refuse => ExpirationPolicy::Enforce,
                StaleCrl::Accept => ExpirationPolicy::Ignore,
            };
            let options =
                options.with_depth(RevocationCheckDepth::Chain).with_status_policy(UnknownStatusPolicy::Allow);
            options.with_expiration_policy(expiration).build()
        });
        // webpki leaves the path length of the authority itself aside.
        let short_enough = |path: &VerifiedPath<'_>| match authority.path_length {
            Some(most) if path.intermediate_certificates().count() > most as usize => {
                Err(Error::PathLenConstraintViolated)
            }
            _ => Ok(()),
        };
        let at = UnixTime::since_unix_epoch(Duration::from_secs(self.now));
        let anchors = slice::from_ref(&authority.anchor);
        let walk = |revocation| {
            let usage = KeyUsage::client_auth();
            let path =
                self.end.verify_for_usage(ALGORITHMS, anchors, self.ders, at, usage, revocation, Some(&short_enough));
            path.map(|path| path.intermediate_certificates().count()).map_err(|fault| told(&fault, authority))
        };
        // Megabytes of lists are gone through for those only whom somebody vouches for.
        let mut between = walk(None)?;
        if revocation.is_some() {
            between = walk(revocation)?;
        }
        let now = text::seconds(self.now);
        let (name, (from, to)) = (|| authority.name.clone(), authority.valid);
        if to < now {
            return Err(AuthorityFault::AuthorityExpired { name: name(), since: text::rfc3339(to) });
        }
        if from > now {
            return Err(AuthorityFault::AuthorityEarly { name: name(), from: text::rfc3339(from) });
        }
        Ok(between)
    }

    /// The lists of the keys that could be on a path to this authority. By key: webpki goes by the name alone, and an
    /// authority that changed its key has lists of two keys under one name.
    fn lists(&self, authority: &'a Authority) -> impl Iterator<Item = CertRevocationList<'a>> {
        let set = self.set;
        let on_path = |list: &&RevocationList| {
            list.is_of(&authority.anchor.subject, &authority.anchor.subject_public_key_info)
                || self.between.iter().any(|certificate| list.is_by(certificate))
        };
        set.lists.iter().filter(on_path).filter_map(RevocationList::borrowed)
    }
}

/// What webpki's fault means to a person. The leaf's own dates were judged before.
fn told(fault: &Error, authority: &Authority) -> AuthorityFault {
    let date = |time: &UnixTime| text::rfc3339(text::seconds(time.as_secs()));
    let name = || authority.name.clone();
    match fault {
        Error::CertRevoked => AuthorityFault::Revoked,
        Error::CrlExpired { next_update, .. } => AuthorityFault::Stale { since: date(next_update) },
        Error::CertExpired { not_after, .. } => AuthorityFault::Expired { since: date(not_after) },
        Error::CertNotValidYet { not_before, .. } => AuthorityFault::NotYetValid { from: date(not_before) },
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => AuthorityFault::Purpose,
        Error::NameConstraintViolation => AuthorityFault::Names { name: name() },
        Error::PathLenConstraintViolated => AuthorityFault::PathLength { name: name() },
        Error::InvalidSignatureForPublicKey
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => AuthorityFault::NotSigned { name: name() },
        Error::UnknownIssuer => AuthorityFault::Untrusted,
        _ => AuthorityFault::Path,
    }
}
