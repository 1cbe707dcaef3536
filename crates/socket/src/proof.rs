//! What a handshake proved, read from the live connection and compared with what was asked before anybody may use it
//! (R3.13). Fail closed: whatever cannot be read counts as not as asked.

use crate::{
    SocketError,
    profile::{ALPN, Profile},
    verifier::PeerVerifier,
    wire::Wire,
};
use hither_identity::{Credential, certificate};
use hither_model::{CertificateFacts, CertificateSource, Negotiated, PeerId, ProtectionLevel, Rid};
use rustls::{HandshakeKind, ProtocolVersion};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

/// Who stands at the two ends of a connection and what protects it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Proof {
    /// The other end: SHA-256 of the key it proved to hold.
    pub peer: PeerId,
    /// Whether this end dialled.
    pub is_client: bool,
    /// The level that was asked for; a floor.
    pub requested: ProtectionLevel,
    /// What is in use.
    pub negotiated: Negotiated,
    /// What this end showed.
    pub local_certificate: CertificateFacts,
    /// What the other end showed. Its names are claims: do not show them for a stranger (R3.18).
    pub peer_certificate: CertificateFacts,
    /// The other end's certificate, DER.
    pub peer_certificate_der: Vec<u8>,
    /// This end's address.
    pub local_addr: SocketAddr,
    /// The other end's address.
    pub remote_addr: SocketAddr,
    /// The rendezvous value of the ClientHello.
    pub rid: Rid,
}

impl Proof {
    /// Whether the level in use is at least `min` (R3.13).
    pub fn verify(&self, min: ProtectionLevel) -> bool {
        let level = match self.negotiated.version.as_str() {
            "TLS1.3" => ProtectionLevel::Tls13,
            "TLS1.2" => ProtectionLevel::Tls12,
            _ => ProtectionLevel::Plain,
        };
        level >= min
    }

    /// Compares what was negotiated with what was asked.
    pub(crate) fn check(
        wire: &Wire,
        verifier: &PeerVerifier,
        profile: &Profile,
        me: &dyn Credential,
        rid: Rid,
    ) -> Result<Self, SocketError> {
        let tls = wire.tls();
        if tls.handshake_kind().is_none_or(|kind| kind == HandshakeKind::Resumed) {
            return Err(SocketError::Unprotected("it took up an earlier session"));
        }
        let negotiated = negotiated(wire, profile)?;
        let leaf = tls.peer_certificates().and_then(|chain| chain.first());
        let leaf = leaf.ok_or(SocketError::Unprotected("the other end showed no certificate"))?;
        let peer = certificate::spki_id(leaf)?;
        if verifier.accepted() != Some(peer) {
            return Err(SocketError::Unprotected("the other end's key was not judged"));
        }
        let (local_addr, remote_addr) = wire.addresses()?;
        let proof = Self {
            peer,
            is_client: matches!(tls, rustls::Connection::Client(_)),
            requested: profile.floor(),
            negotiated,
            local_certificate: me.facts(),
            peer_certificate: certificate::facts(leaf, CertificateSource::Local)?,
            peer_certificate_der: leaf.to_vec(),
            local_addr,
            remote_addr,
            rid,
        };
        match proof.verify(proof.requested) {
            true => Ok(proof),
            false => Err(SocketError::Unprotected("the TLS version is below the one asked for")),
        }
    }
}

/// Version, suite, key exchange and application protocol, each one that was asked for.
fn negotiated(wire: &Wire, profile: &Profile) -> Result<Negotiated, SocketError> {
    let tls = wire.tls();
    let version = match tls.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS1.3",
        Some(ProtocolVersion::TLSv1_2) if profile.tls12 => "TLS1.2",
        _ => return Err(SocketError::Unprotected("the TLS version is not one that was asked for")),
    };
    let suite = tls.negotiated_cipher_suite().filter(|suite| profile.takes_suite(*suite));
    let suite = suite.ok_or(SocketError::Unprotected("the cipher suite is not one that was asked for"))?;
    let group = tls.negotiated_key_exchange_group().map(|group| group.name());
    let group = group.filter(|group| profile.takes_group(*group));
    let group = group.ok_or(SocketError::Unprotected("the key exchange is not one that was asked for"))?;
    if tls.alpn_protocol() != Some(ALPN.as_bytes()) {
        return Err(SocketError::Unprotected("the application protocol is another one"));
    }
    Ok(Negotiated {
        version: version.into(),
        cipher: format!("{:?}", suite.suite()),
        kx: format!("{group:?}"),
        alpn: ALPN.into(),
    })
}

/// Counts what a connection has carried: application bytes, frame headers included, TLS not.
#[derive(Debug, Default)]
pub struct Meter {
    received: AtomicU64,
    sent: AtomicU64,
    slowest: AtomicU64,
}

impl Meter {
    /// Bytes received so far.
    pub fn bytes_in(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Bytes sent so far, those still on their way included.
    pub fn bytes_out(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn received(&self, count: usize) {
        self.received.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, count: usize) {
        self.sent.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// Keeps the longest round trip seen, which the system does not (R3.28).
    pub(crate) fn slowest(&self, micros: u64) -> u64 {
        self.slowest.fetch_max(micros, Ordering::Relaxed).max(micros)
    }
}
