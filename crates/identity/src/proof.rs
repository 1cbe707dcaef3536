//! Proof that somebody holds the key of a certificate, given on a connection that is protected already by the keys of the
//! two devices (in the manner of RFC 9261, post-handshake authentication bound to the connection by an exporter).
//!
//! A certificate is shown beside the device's key and not instead of it: the card signs once, after its owner acted and
//! knows who asks; the connection can be taken up again without the card; and the same works for whoever dialled and for
//! whoever listened, under TLS 1.3 and 1.2. What is signed names the connection, both devices, who speaks and the
//! certificate, so that it is worth nothing anywhere else.
//!
//! What is *not* here: whether anybody vouches for the person in the certificate ([`crate::authority`]).

use crate::certificate::{self, CertificateFault};
use hither_model::PeerId;
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Label of the exporter (RFC 8446 7.5, RFC 5705) that names the connection.
pub const LABEL: &str = "EXPORTER-hither-certificate";

/// Begins every statement of this kind, so that no other signature can be taken for one.
const WORDS: &[u8] = b"hither certificate 1\0";

/// Longest signature, in bytes: RSA with 8,192 bits.
pub const MAX_SIGNATURE: usize = 1024;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// Whoever dialled.
    Client,
    /// Whoever listened.
    Server,
}

/// One connection between two devices.
#[derive(Clone)]
pub struct Occasion {
    exporter: Zeroizing<[u8; 32]>,
    client: PeerId,
    server: PeerId,
}

impl fmt::Debug for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Occasion({} to {})", self.client.short(), self.server.short())
    }
}

impl Occasion {
    /// The connection with this exporter of [`LABEL`], without context, between these two devices.
    pub fn new(exporter: [u8; 32], client: PeerId, server: PeerId) -> Self {
        Self { exporter: Zeroizing::new(exporter), client, server }
    }

    /// What the key of the certificate `leaf` (DER) signs.
    pub fn statement(&self, speaker: Speaker, leaf: &[u8]) -> Vec<u8> {
        let role: &[u8] = match speaker {
            Speaker::Client => b"c",
            Speaker::Server => b"s",
        };
        let leaf = Sha256::digest(leaf);
        [WORDS, role, self.exporter.as_ref(), self.client.as_bytes(), self.server.as_bytes(), &leaf].concat()
    }

    /// Checks a proof: the chain (DER, leaf first) has an acceptable form at `now` (unix seconds), and the signature over
    /// the statement is by the leaf's key.
    ///
    /// # Errors
    /// [`CertificateFault`]; [`CertificateFault::Signature`] for a certificate that is somebody else's.
    pub fn check(
        &self,
        speaker: Speaker,
        chain: &[&[u8]],
        signature: &[u8],
        now: u64,
    ) -> Result<PeerId, CertificateFault> {
        let judged = certificate::judge(chain, now)?;
        let Some(leaf) = chain.first() else { return Err(CertificateFault::Missing) };
        if signature.len() > MAX_SIGNATURE {
            return Err(CertificateFault::Signature);
        }
        certificate::verify(leaf, &self.statement(speaker, leaf), signature)?;
        Ok(judged.peer_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credential, import::import};

    /// 2026-06-01.
    const NOW: u64 = 1_780_272_000;

    fn holder() -> crate::FileCredential {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let text = [certificate.pem(), key.serialize_pem()].concat();
        crate::FileCredential::new(&import(text.as_bytes(), None).unwrap()).unwrap()
    }

    fn leaf(holder: &crate::FileCredential) -> Vec<u8> {
        holder.certified_key().cert.first().unwrap().to_vec()
    }

    fn occasion(byte: u8) -> Occasion {
        Occasion::new([byte; 32], PeerId::new([1; 32]), PeerId::new([2; 32]))
    }

    #[test]
    fn t2_a_proof_is_good_for_its_connection_its_speaker_and_its_certificate_only() {
        let (ana, eve) = (holder(), holder());
        let (here, leaf) = (occasion(7), leaf(&ana));
        let signature = ana.sign(&here.statement(Speaker::Client, &leaf)).unwrap();
        let check =
            |at: &Occasion, speaker, chain: &[u8], signature: &[u8]| at.check(speaker, &[chain], signature, NOW);
        assert_eq!(check(&here, Speaker::Client, &leaf, &signature).unwrap(), ana.peer_id());
        let swapped = Occasion::new([7; 32], PeerId::new([2; 32]), PeerId::new([1; 32]));
        let by_eve = eve.sign(&here.statement(Speaker::Client, &leaf)).unwrap();
        let mut cut = signature.clone();
        cut.pop();
        for (what, outcome) in [
            ("another connection", check(&occasion(8), Speaker::Client, &leaf, &signature)),
            ("the other end", check(&here, Speaker::Server, &leaf, &signature)),
            ("devices exchanged", check(&swapped, Speaker::Client, &leaf, &signature)),
            ("another certificate", check(&here, Speaker::Client, &self::leaf(&eve), &signature)),
            ("a stolen certificate without its key", check(&here, Speaker::Client, &leaf, &by_eve)),
            ("a signature cut off", check(&here, Speaker::Client, &leaf, &cut)),
            ("no signature", check(&here, Speaker::Client, &leaf, &[])),
            ("a signature without end", check(&here, Speaker::Client, &leaf, &[0; MAX_SIGNATURE + 1])),
        ] {
            assert_eq!(outcome, Err(CertificateFault::Signature), "{what}");
        }
        assert!(here.check(Speaker::Client, &[], &signature, NOW).is_err());
        assert!(!format!("{here:?}").contains("7, 7"), "the exporter is a secret");
    }
}
