//! Authorities, people and lists made for the occasion, hostile ones included.

mod files;
mod lists;
mod names;
mod paths;

use super::*;
use crate::certificate::CertificateFault;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    SignatureAlgorithm, date_time_ymd,
};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// 2026-06-01, within the dates of everything made here.
const NOW: u64 = 1_780_272_000;
const DAY: u64 = 24 * 60 * 60;

/// A certificate with its key.
struct Made {
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

impl Made {
    /// By this issuer, else by itself.
    fn new(params: CertificateParams, by: Option<&Made>, algorithm: &'static SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).unwrap();
        Self::with_key(params, by, key)
    }

    fn with_key(params: CertificateParams, by: Option<&Made>, key: KeyPair) -> Self {
        let certificate = match by {
            Some(by) => params.signed_by(&key, &by.issuer()).unwrap(),
            None => params.self_signed(&key).unwrap(),
        };
        Self { der: certificate.der().to_vec(), params, key }
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::new(self.params.clone(), &self.key)
    }

    fn authority(&self) -> Authority {
        Authority::read(&self.der, NOW).unwrap()
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Works");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params.serial_number = Some(SerialNumber::from(7));
    params
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// An authority, changed before it is made.
fn ca_with(name: &str, by: Option<&Made>, change: impl FnOnce(&mut CertificateParams)) -> Made {
    let mut params = ca_params(name);
    change(&mut params);
    Made::new(params, by, &rcgen::PKCS_ECDSA_P256_SHA256)
}

fn ca(name: &str, by: Option<&Made>) -> Made {
    ca_with(name, by, |_| {})
}

/// A person's certificate, changed before it is made.
fn leaf_with(name: &str, by: &Made, change: impl FnOnce(&mut CertificateParams)) -> Made {
    let mut params = leaf_params(name);
    change(&mut params);
    Made::new(params, Some(by), &rcgen::PKCS_ECDSA_P256_SHA256)
}

fn leaf(name: &str, by: &Made) -> Made {
    leaf_with(name, by, |_| {})
}

/// A set with these.
fn trusting(authorities: &[&Made]) -> Authorities {
    let mut set = Authorities::default();
    for made in authorities {
        set.add(made.authority()).unwrap();
    }
    set
}

/// A list of serial numbers, valid in May and June 2026.
fn list(by: &Made, number: u64, serials: &[u64]) -> Vec<u8> {
    list_with(by, number, serials, |_| {})
}

fn list_with(
    by: &Made,
    number: u64,
    serials: &[u64],
    change: impl FnOnce(&mut CertificateRevocationListParams),
) -> Vec<u8> {
    let revoked = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2026, 5, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let mut params = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 5, 1),
        next_update: date_time_ymd(2026, 7, 1),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    change(&mut params);
    params.signed_by(&by.issuer()).unwrap().der().to_vec()
}

/// How long this thread has worked; what other programs do does not count.
fn worked() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// Judges at [`NOW`] and demands that it does not take long.
fn judged(set: &Authorities, chain: &[&Made]) -> Result<Vouched, AuthorityFault> {
    let ders: Vec<&[u8]> = chain.iter().map(|made| made.der.as_slice()).collect();
    let start = worked();
    let verdict = set.judge(&ders, NOW);
    let took = worked() - start;
    assert!(took < Duration::from_millis(100), "took {took:?}");
    verdict
}

fn refused(set: &Authorities, chain: &[&Made]) -> AuthorityFault {
    judged(set, chain).unwrap_err()
}
