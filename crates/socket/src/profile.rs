//! What is asked of every connection: TLS version, algorithms, application protocol, deadlines. One place, so that a
//! change of the TLS library's defaults changes nothing here (R7.9).

use crate::{SocketError, StreamSocketControl, verifier::PeerVerifier};
use hither_identity::Credential;
use hither_model::ProtectionLevel;
use rustls::{
    ClientConfig, NamedGroup, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
    client::Resumption,
    compress::CompressionCache,
    crypto::{CryptoProvider, aws_lc_rs},
    server::NoServerSessionStorage,
    sign::SingleCertAndKey,
    version,
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// The application protocol (RFC 7301). Both ends insist on it.
pub const ALPN: &str = "hither/1";

/// Where the handshake signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signing {
    /// Right here: for keys in memory, which take some 50 µs.
    #[default]
    Inline,
    /// On a thread for blocking work: for keys on a card, which take seconds and may ask for a PIN.
    Aside,
}

/// What is asked of a connection.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Also take TLS 1.2, with extended master secret only. Off by default.
    pub tls12: bool,
    /// How long the TCP connection may take.
    pub connect: Duration,
    /// How long TLS and READY may take in all; for a listener from the moment the TCP connection is there.
    pub handshake: Duration,
    /// How long a closing end waits for the other's end, so that nothing on its way is lost.
    pub linger: Duration,
    /// Where the handshake signature is made.
    pub signing: Signing,
    /// Socket options for dialling. A listener has its own.
    pub control: StreamSocketControl,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            tls12: false,
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            linger: Duration::from_millis(500),
            signing: Signing::Inline,
            control: StreamSocketControl::default(),
        }
    }
}

/// TLS 1.3 suites. 256 bits first, as the library has it: with the vector instructions of today's processors AES-128
/// saves about a tenth of a core-second per GiB, and the post-quantum key exchange deserves an equal partner.
pub(crate) const SUITES_13: &[SupportedCipherSuite] = &[
    aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
    aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
    aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
];

/// TLS 1.2 suites: forward secret and authenticated encryption only.
pub(crate) const SUITES_12: &[SupportedCipherSuite] = &[
    aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    aws_lc_rs::cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

pub(crate) const VERSIONS_13: &[&SupportedProtocolVersion] = &[&version::TLS13];
pub(crate) const VERSIONS_12: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

/// The provider for TLS 1.3 only, or with 1.2; made once, and never the process-wide default.
fn provider(tls12: bool) -> Arc<CryptoProvider> {
    static MODERN: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    static WITH_12: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let make = || {
        let mut suites = SUITES_13.to_vec();
        if tls12 {
            suites.extend_from_slice(SUITES_12);
        }
        Arc::new(CryptoProvider {
            cipher_suites: suites,
            kx_groups: vec![
                aws_lc_rs::kx_group::X25519MLKEM768,
                aws_lc_rs::kx_group::X25519,
                aws_lc_rs::kx_group::SECP256R1,
            ],
            ..aws_lc_rs::default_provider()
        })
    };
    Arc::clone(if tls12 { &WITH_12 } else { &MODERN }.get_or_init(make))
}

impl Profile {
    /// The level this profile asks for: a floor.
    pub fn floor(&self) -> ProtectionLevel {
        if self.tls12 { ProtectionLevel::Tls12 } else { ProtectionLevel::Tls13 }
    }

    pub(crate) fn provider(&self) -> Arc<CryptoProvider> {
        provider(self.tls12)
    }

    fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        if self.tls12 { VERSIONS_12 } else { VERSIONS_13 }
    }

    /// Whether a suite is one that was asked for.
    pub(crate) fn takes_suite(&self, suite: SupportedCipherSuite) -> bool {
        SUITES_13.contains(&suite) || (self.tls12 && SUITES_12.contains(&suite))
    }

    /// Whether a key exchange group is one that was asked for.
    pub(crate) fn takes_group(&self, group: NamedGroup) -> bool {
        self.provider().kx_groups.iter().any(|known| known.name() == group)
    }

    /// The dialling end.
    pub(crate) fn client(
        &self,
        me: &Arc<dyn Credential>,
        verifier: Arc<PeerVerifier>,
    ) -> Result<Arc<ClientConfig>, SocketError> {
        let mut config = ClientConfig::builder_with_provider(self.provider())
            .with_protocol_versions(self.versions())
            .map_err(internal)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(me.certified_key())));
        config.alpn_protocols = vec![ALPN.as_bytes().to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        config.require_ems = true;
        config.cert_decompressors = Vec::new();
        config.cert_compressors = Vec::new();
        config.cert_compression_cache = Arc::new(CompressionCache::Disabled);
        config.enable_secret_extraction = true; // for BlockingLane, within this process only
        Ok(Arc::new(config))
    }

    /// The listening end.
    pub(crate) fn server(
        &self,
        me: &Arc<dyn Credential>,
        verifier: Arc<PeerVerifier>,
    ) -> Result<Arc<ServerConfig>, SocketError> {
        let mut config = ServerConfig::builder_with_provider(self.provider())
            .with_protocol_versions(self.versions())
            .map_err(internal)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(me.certified_key())));
        config.alpn_protocols = vec![ALPN.as_bytes().to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.require_ems = true;
        config.cert_decompressors = Vec::new();
        config.cert_compressors = Vec::new();
        config.cert_compression_cache = Arc::new(CompressionCache::Disabled);
        config.enable_secret_extraction = true; // for BlockingLane, within this process only
        Ok(Arc::new(config))
    }
}

fn internal(error: rustls::Error) -> SocketError {
    SocketError::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r7_9_the_offer_is_ours_and_not_the_librarys() {
        let names =
            |tls12| provider(tls12).cipher_suites.iter().map(|s| format!("{:?}", s.suite())).collect::<Vec<_>>();
        assert_eq!(
            names(false),
            ["TLS13_AES_256_GCM_SHA384", "TLS13_AES_128_GCM_SHA256", "TLS13_CHACHA20_POLY1305_SHA256"]
        );
        assert_eq!(names(true).len(), 9);
        assert!(names(true).iter().all(|n| n.starts_with("TLS13_") || n.starts_with("TLS_ECDHE_")));
        let groups: Vec<_> = provider(false).kx_groups.iter().map(|g| g.name()).collect();
        assert_eq!(groups, [NamedGroup::X25519MLKEM768, NamedGroup::X25519, NamedGroup::secp256r1]);
        assert_eq!(Profile::default().floor(), ProtectionLevel::Tls13);
    }
}
