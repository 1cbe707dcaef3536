//! TLS towards servers: what is offered, and the comparison of what came about with what was asked (R3.13 to R3.15).
//! One place, so that a change of the TLS library's defaults changes nothing here (R7.9).

use super::judge::ServerJudge;
use crate::{
    outward::ServerError,
    profile::{SUITES_12, SUITES_13, VERSIONS_12, VERSIONS_13},
    wire::Wire,
};
use hither_identity::Credential;
use hither_model::{Negotiated, ProtectionLevel};
use rustls::{
    ClientConfig, HandshakeKind, ProtocolVersion,
    client::Resumption,
    compress::CompressionCache,
    crypto::{CryptoProvider, aws_lc_rs},
    sign::SingleCertAndKey,
};
use std::sync::{Arc, OnceLock};

/// What is offered to servers for this floor: the suites of devices, and one more key exchange that some servers insist on.
pub(crate) fn provider(floor: ProtectionLevel) -> Arc<CryptoProvider> {
    static MODERN: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    static WITH_12: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let tls12 = floor < ProtectionLevel::Tls13;
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
                aws_lc_rs::kx_group::SECP384R1,
            ],
            ..aws_lc_rs::default_provider()
        })
    };
    Arc::clone(if tls12 { &WITH_12 } else { &MODERN }.get_or_init(make))
}

/// The configuration for one connection. Sessions are never taken up again: every connection proves everything.
pub(crate) fn client_config(
    floor: ProtectionLevel,
    judge: Arc<ServerJudge>,
    me: Option<&Arc<dyn Credential>>,
    alpn: &[Vec<u8>],
) -> Result<Arc<ClientConfig>, ServerError> {
    let versions = if floor < ProtectionLevel::Tls13 { VERSIONS_12 } else { VERSIONS_13 };
    let builder = ClientConfig::builder_with_provider(provider(floor))
        .with_protocol_versions(versions)
        .map_err(|error| ServerError::Internal(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(judge);
    let mut config = match me {
        Some(me) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(me.certified_key()))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.to_vec();
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.require_ems = true;
    config.cert_decompressors = Vec::new();
    config.cert_compressors = Vec::new();
    config.cert_compression_cache = Arc::new(CompressionCache::Disabled);
    Ok(Arc::new(config))
}

/// Reads what came about from the live connection and compares it with what was asked. Fail closed.
pub(crate) fn checked(
    wire: &Wire,
    floor: ProtectionLevel,
    judge: &ServerJudge,
    alpn: &[Vec<u8>],
) -> Result<Negotiated, ServerError> {
    let tls = wire.tls();
    let asked = provider(floor);
    if tls.handshake_kind().is_none_or(|kind| kind == HandshakeKind::Resumed) {
        return Err(ServerError::Unprotected("it took up an earlier session"));
    }
    if !judge.accepted() {
        return Err(ServerError::Unprotected("the server's certificate was not judged"));
    }
    let (version, level) = match tls.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => ("TLS1.3", ProtectionLevel::Tls13),
        Some(ProtocolVersion::TLSv1_2) => ("TLS1.2", ProtectionLevel::Tls12),
        _ => return Err(ServerError::Unprotected("the TLS version is not one that was asked for")),
    };
    if level < floor {
        return Err(ServerError::Unprotected("the TLS version is below the one asked for"));
    }
    let suite = tls.negotiated_cipher_suite().filter(|suite| asked.cipher_suites.contains(suite));
    let suite = suite.ok_or(ServerError::Unprotected("the cipher suite is not one that was asked for"))?;
    let group = tls.negotiated_key_exchange_group().map(|group| group.name());
    let group = group.filter(|group| asked.kx_groups.iter().any(|asked| asked.name() == *group));
    let group = group.ok_or(ServerError::Unprotected("the key exchange is not one that was asked for"))?;
    let chosen = tls.alpn_protocol().unwrap_or_default();
    if !chosen.is_empty() && !alpn.iter().any(|asked| asked == chosen) {
        return Err(ServerError::Unprotected("the application protocol is not one that was asked for"));
    }
    Ok(Negotiated {
        version: version.into(),
        cipher: format!("{:?}", suite.suite()),
        kx: format!("{group:?}"),
        alpn: hither_model::text::printable(&String::from_utf8_lossy(chosen)),
    })
}
