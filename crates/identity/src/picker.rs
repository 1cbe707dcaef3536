//! Which certificates a person is offered (R3.22). Pure: what is there, the filter and the time go in, rows come out.
//!
//! By default expired ones are hidden and of several with the same subject and issuer only the newest is shown. Each row
//! says whether it can be used and, if not, why. Nothing here ever picks one by itself (R1.16).

use crate::{
    card::{CardCertificate, Token, Tries},
    certificate::{self, CertificateFault, Kind},
};
use hither_model::{CertificateFacts, CertificateSource};
use std::{cmp::Reverse, collections::BTreeSet, fmt};

/// Where a candidate's key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// Made on this device.
    Local,
    /// Imported from a file.
    File,
    /// On a token.
    Card {
        /// Its label.
        token: String,
        /// The reader it is in.
        reader: String,
    },
}

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// Peers would refuse it: its dates, its kind of key, its form.
    Certificate(CertificateFault),
    /// It is for something else than signing in.
    Purpose,
    /// The token cannot make the signatures TLS 1.3 wants of RSA keys.
    NoPss,
    /// The token cannot sign with keys of this kind.
    NoMechanism,
    /// The token's PIN is blocked.
    Blocked,
    /// The token has no PIN yet.
    PinUnset,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(fault) => fault.fmt(f),
            Self::Purpose => f.write_str("the certificate is not for signing in (no clientAuth)"),
            Self::NoPss => f.write_str("this token cannot make RSA-PSS signatures"),
            Self::NoMechanism => f.write_str("this token cannot sign with keys of this kind"),
            Self::Blocked => f.write_str("this token is blocked after too many wrong PINs; its PUK can unblock it"),
            Self::PinUnset => f.write_str("the PIN of this token has to be set first"),
        }
    }
}

/// A certificate a person may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Names it in commands.
    pub id: String,
    /// Where its key is.
    pub keeper: Keeper,
    /// What it says.
    pub facts: CertificateFacts,
    /// Whether the key is in hardware that does not give it away (`IsSecurityDeviceBound`).
    pub hardware: bool,
    /// Whether a private key was seen (`HasPrivateKey`); `None` where nobody can know before a login.
    pub key: Option<bool>,
    /// Whether it can be used, or why not.
    pub usable: Result<(), Unfit>,
    /// Whether its time is over.
    pub expired: bool,
    /// Subject and issuer as they are encoded: what makes two certificates the same person's.
    names: (Vec<u8>, Vec<u8>),
    begins: i64,
}

impl Candidate {
    /// A certificate on a token, at `now` (unix seconds). `None` for those of authorities and for what is no certificate:
    /// nobody chooses these.
    pub fn on_card(token: &Token, certificate: &CardCertificate, now: u64) -> Option<Self> {
        let keeper = Keeper::Card { token: token.name.label.clone(), reader: token.reader.clone() };
        let key = certificate.key_seen.then_some(true);
        let mut candidate = Self::new(certificate.id(&token.name), keeper, &certificate.der, now)?;
        (candidate.hardware, candidate.key) = (token.hardware, key);
        if candidate.usable.is_ok() {
            candidate.usable = fit(token, &certificate.der);
        }
        Some(candidate)
    }

    /// A certificate whose key is on this device: made here or imported.
    pub fn here(id: String, keeper: Keeper, der: &[u8], now: u64) -> Option<Self> {
        Self::new(id, keeper, der, now)
    }

    fn new(id: String, keeper: Keeper, der: &[u8], now: u64) -> Option<Self> {
        let source = match keeper {
            Keeper::Card { .. } => CertificateSource::Card,
            Keeper::Local | Keeper::File => CertificateSource::Local,
        };
        let facts = certificate::facts(der, source).ok()?;
        let parsed = certificate::parsed(der).ok()?;
        if parsed.is_ca() {
            return None;
        }
        let usable = match certificate::judge(&[der], now) {
            Err(fault) => Err(Unfit::Certificate(fault)),
            Ok(_) if !certificate::for_signing_in(&parsed) => Err(Unfit::Purpose),
            Ok(_) => Ok(()),
        };
        Some(Self {
            id,
            keeper,
            facts,
            hardware: false,
            key: Some(true),
            expired: matches!(usable, Err(Unfit::Certificate(CertificateFault::Expired { .. }))),
            usable,
            names: (parsed.subject().as_raw().to_vec(), parsed.issuer().as_raw().to_vec()),
            begins: parsed.validity().not_before.timestamp(),
        })
    }
}

fn fit(token: &Token, der: &[u8]) -> Result<(), Unfit> {
    let kind = certificate::key_of(der).map_err(Unfit::Certificate)?.1;
    match kind {
        Kind::P256 | Kind::P384 if token.ecdsa => {}
        Kind::Rsa(_) if token.pss => {}
        Kind::Rsa(_) => return Err(Unfit::NoPss),
        Kind::P256 | Kind::P384 | Kind::Ed25519 => return Err(Unfit::NoMechanism),
    }
    match token.tries {
        Tries::Blocked => Err(Unfit::Blocked),
        Tries::Plenty | Tries::Few | Tries::Last if token.login_required && !token.pin_set => Err(Unfit::PinUnset),
        Tries::Plenty | Tries::Few | Tries::Last => Ok(()),
    }
}

/// What to show. The default is what a person sees who asked for nothing special.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Expired ones too.
    pub expired: bool,
    /// Every one of those with the same subject and issuer.
    pub duplicates: bool,
    /// Only keys in hardware.
    pub hardware_only: bool,
    /// Only those whose issuer, as it is shown, has this text in it; letters' case does not matter.
    pub issuer: Option<String>,
}

/// The candidates to show, those that can be used first, the newest first among them.
pub fn pick(mut all: Vec<Candidate>, filter: &Filter) -> Vec<Candidate> {
    let issuer = filter.issuer.as_ref().map(|text| text.to_lowercase());
    all.retain(|one| {
        (filter.expired || !one.expired)
            && (!filter.hardware_only || one.hardware)
            && issuer.as_ref().is_none_or(|text| one.facts.issuer.to_lowercase().contains(text))
    });
    all.sort_by(|a, b| {
        let rank = |one: &Candidate| (one.usable.is_err(), Reverse(one.begins), !one.hardware);
        rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id))
    });
    if !filter.duplicates {
        let mut seen = BTreeSet::new();
        // The device's own certificates have everybody's name: they are told apart by their key.
        all.retain(|one| one.keeper == Keeper::Local || seen.insert(one.names.clone()));
    }
    all
}

#[cfg(test)]
mod tests;
