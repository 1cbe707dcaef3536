//! Self-signed certificates for our own keys. They say nothing about the person or the machine: the subject is the same
//! for everybody, the serial number is random, and there are no further names.

use crate::{error::IdentityError, key::Key};
use rcgen::{CertificateParams, DistinguishedName, DnType, IsCa, KeyUsagePurpose, SerialNumber};
use rustls::pki_types::CertificateDer;
use std::time::{SystemTime, UNIX_EPOCH};
use x509_parser::time::ASN1Time;

/// One day in seconds.
pub(crate) const DAY_S: u64 = 24 * 60 * 60;

/// 2026-01-01. No machine that runs this program lives earlier: a clock before it was never set, and a certificate made
/// by such a clock would be refused everywhere as soon as the clock is right.
const EARLIEST: u64 = 1_767_225_600;

/// A certificate for `key`, valid from a day before `now` (other clocks may be slow) until `until`; unix seconds.
pub(crate) fn self_signed(key: &Key, now: u64, until: u64) -> Result<CertificateDer<'static>, IdentityError> {
    let unmade = || IdentityError::Unusable("certified");
    let date = |seconds: u64| i64::try_from(seconds).ok().and_then(|s| ASN1Time::from_timestamp(s).ok());
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|_| unmade())?;
    // RFC 5280 4.1.2.2: positive. The set bit keeps the length the same for everybody.
    serial[0] = serial[0] & 0x7f | 0x40;

    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "hither");
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = date(now.saturating_sub(DAY_S)).ok_or_else(unmade)?.to_datetime();
    params.not_after = date(until).ok_or_else(unmade)?.to_datetime();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.self_signed(key).map(|certificate| certificate.der().clone()).map_err(|_| unmade())
}

/// Unix seconds by the system's clock, but never earlier than this program.
pub(crate) fn clock() -> u64 {
    plausible(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// The time, or the earliest plausible one if the clock was never set.
pub(crate) fn plausible(now: u64) -> u64 {
    now.max(EARLIEST)
}
