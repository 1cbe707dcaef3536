//! Who vouches for servers: the system's authorities, or only those that were named (R1.20). People and their devices
//! are never judged by these. And whom they do not vouch for any more, by lists that were named (R3.16): nothing is fetched, so
//! that nobody learns who is visited.

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, pem::PemObject};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};
use webpki::{CertRevocationList, OwnedCertRevocationList};

/// Most certificates taken from a file.
const MAX_NAMED: usize = 1024;
/// Most lists of revoked certificates.
const MAX_LISTS: usize = 64;

/// A file of authorities, or of what they revoked, that cannot be used.
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
    /// It has no list of revoked certificates, or one that cannot be read.
    #[error("there is no list of revoked certificates (CRL) in it that can be read")]
    NoList,
    /// It has too many lists.
    #[error("there are more than {MAX_LISTS} lists in it")]
    TooManyLists,
}

/// The authorities that may vouch for a server.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    named: Option<Arc<Anchors>>,
    revoked: Revoked,
}

/// Lists of revoked certificates. Without any, revocation is not looked at.
#[derive(Clone, Default)]
pub(crate) struct Revoked(pub(crate) Arc<Vec<CertRevocationList<'static>>>);

impl fmt::Debug for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lists", self.0.len())
    }
}

/// Authorities, ready for use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Anchors {
    pub(crate) trusted: Vec<TrustAnchor<'static>>,
    /// Certificates a person named themselves: a server that shows exactly one of them is known by it.
    pub(crate) named: Vec<CertificateDer<'static>>,
    /// What they revoked.
    pub(crate) revoked: Revoked,
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
        if anchors.named.is_empty() {
            Err(RootsFault::Empty)
        } else {
            Ok(Self { named: Some(Arc::new(anchors)), revoked: Revoked::default() })
        }
    }

    /// Looks into these lists (CRLs; PEM, or one in DER) for every certificate of a chain but the authority's own. A certificate
    /// on none of them and by an issuer that has none is an error, as is a list that is out of date; a server's own
    /// certificate that was named is known by itself.
    ///
    /// # Errors
    /// [`RootsFault::NoList`], [`RootsFault::TooManyLists`].
    pub fn revoking(mut self, lists: &[u8]) -> Result<Self, RootsFault> {
        let read = |der: &[u8]| OwnedCertRevocationList::from_der(der).map(CertRevocationList::from);
        let mut all = Vec::new();
        for list in CertificateRevocationListDer::pem_slice_iter(lists) {
            let list = list.map_err(|_| RootsFault::NoList)?;
            if all.len() >= MAX_LISTS {
                return Err(RootsFault::TooManyLists);
            }
            all.push(read(&list).map_err(|_| RootsFault::NoList)?);
        }
        if all.is_empty() {
            all.push(read(lists).map_err(|_| RootsFault::NoList)?);
        }
        self.revoked = Revoked(Arc::new(all));
        Ok(self)
    }

    /// Ready for use. The system's are read from disk once, on a thread that may block.
    pub(crate) async fn anchors(&self) -> Arc<Anchors> {
        static SYSTEM: OnceLock<Arc<Anchors>> = OnceLock::new();
        let revoking = |anchors: &Arc<Anchors>| match self.revoked.0.is_empty() {
            true => Arc::clone(anchors),
            false => Arc::new(Anchors { revoked: self.revoked.clone(), ..Anchors::clone(anchors) }),
        };
        if let Some(named) = &self.named {
            return revoking(named);
        }
        let read = || Arc::clone(SYSTEM.get_or_init(|| Arc::new(system())));
        // Without roots no server is trusted: fail closed.
        revoking(&tokio::task::spawn_blocking(read).await.unwrap_or_default())
    }
}

fn system() -> Anchors {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some of the system's authorities cannot be read");
    }
    let anchors = found.certs.iter().filter_map(|certificate| webpki::anchor_from_trusted_cert(certificate).ok());
    Anchors { trusted: anchors.map(|anchor| anchor.to_owned()).collect(), ..Anchors::default() }
}
