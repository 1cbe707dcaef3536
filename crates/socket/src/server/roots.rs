//! Who vouches for servers: the system's authorities, or only those that were named (R1.20). People and their devices
//! are never judged by these.

use rustls::pki_types::{CertificateDer, TrustAnchor, pem::PemObject};
use std::sync::{Arc, OnceLock};

/// Most certificates taken from a file.
const MAX_NAMED: usize = 1024;

/// A file of authorities that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootsFault {
    /// It has no certificates in PEM form.
    #[error("there is no certificate in it; it must be in PEM form")]
    Empty,
    /// One of its certificates cannot be read.
    #[error("a certificate in it cannot be read")]
    Malformed,
    /// It has too many.
    #[error("there are more than {MAX_NAMED} certificates in it")]
    TooMany,
}

/// The authorities that may vouch for a server.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    named: Option<Arc<Anchors>>,
}

/// Authorities, ready for use.
#[derive(Debug, Default)]
pub(crate) struct Anchors {
    pub(crate) trusted: Vec<TrustAnchor<'static>>,
    /// Certificates a person named themselves: a server that shows exactly one of them is known by it.
    pub(crate) named: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// The system's.
    pub fn system() -> Self {
        Self::default()
    }

    /// Only those in this PEM text; the system's do not count. A server's own certificate may be among them.
    ///
    /// # Errors
    /// [`RootsFault`].
    pub fn exclusive(pem: &[u8]) -> Result<Self, RootsFault> {
        let mut anchors = Anchors::default();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| RootsFault::Malformed)?.into_owned();
            if anchors.named.len() >= MAX_NAMED {
                return Err(RootsFault::TooMany);
            }
            let anchor = webpki::anchor_from_trusted_cert(&certificate).map_err(|_| RootsFault::Malformed)?;
            anchors.trusted.push(anchor.to_owned());
            anchors.named.push(certificate);
        }
        if anchors.named.is_empty() { Err(RootsFault::Empty) } else { Ok(Self { named: Some(Arc::new(anchors)) }) }
    }

    /// Ready for use. The system's are read from disk once, on a thread that may block.
    pub(crate) async fn anchors(&self) -> Arc<Anchors> {
        static SYSTEM: OnceLock<Arc<Anchors>> = OnceLock::new();
        if let Some(named) = &self.named {
            return Arc::clone(named);
        }
        let read = || Arc::clone(SYSTEM.get_or_init(|| Arc::new(system())));
        // Without roots no server is trusted: fail closed.
        tokio::task::spawn_blocking(read).await.unwrap_or_default()
    }
}

fn system() -> Anchors {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some of the system's authorities cannot be read");
    }
    let anchors = found.certs.iter().filter_map(|certificate| webpki::anchor_from_trusted_cert(certificate).ok());
    Anchors { trusted: anchors.map(|anchor| anchor.to_owned()).collect(), named: Vec::new() }
}
