//! The short code (SECURITY 3.2): commitment, nonces, six digits, confirmations. The TLS server commits first, so neither
//! end, nor anybody in between, can look for nonces that give a wanted code: every try costs a run, and one in a million
//! succeeds.
//!
//! E is the exporter of this TLS connection (label `EXPORTER-Channel-Binding`, empty context, 32 bytes); X is the client's
//! id followed by the server's. The TLS 1.3 exporter does not cover the client's certificate; X does.

use crate::{
    breach::Breach,
    digest::Digest,
    kdf::{Root, first, mac},
    rendezvous::{PairKey, pair_key, session_id},
};
use hither_model::{PeerId, SessionId};
use sha2::{Digest as _, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// One TLS connection between two proven keys. Not `Clone`: a machine consumes it, so that one connection carries one run.
pub struct Binding {
    exporter: Zeroizing<[u8; 32]>,
    client: PeerId,
    server: PeerId,
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binding({} to {})", self.client.short(), self.server.short())
    }
}

impl Binding {
    /// The binding of a connection: its exporter, who dialled, who listened.
    pub fn new(exporter: [u8; 32], client: PeerId, server: PeerId) -> Self {
        Self { exporter: Zeroizing::new(exporter), client, server }
    }

    /// Who dialled.
    pub fn client(&self) -> PeerId {
        self.client
    }

    /// Who listened.
    pub fn server(&self) -> PeerId {
        self.server
    }

    /// X: the client's id, then the server's.
    pub fn x(&self) -> [u8; 64] {
        let mut x = [0; 64];
        let both = self.client.as_bytes().iter().chain(self.server.as_bytes());
        for (to, from) in x.iter_mut().zip(both) {
            *to = *from;
        }
        x
    }

    /// The id of the session this connection opens.
    pub fn session(&self) -> SessionId {
        session_id(&self.exporter)
    }

    pub(crate) fn pair_key(&self) -> PairKey {
        pair_key(&self.exporter, &self.x())
    }

    pub(crate) fn same_ends(&self) -> bool {
        self.client == self.server
    }

    /// E and X under a key, for the proofs of a link.
    pub(crate) fn mac(&self, key: &[u8; 32], role: &[u8]) -> [u8; 32] {
        mac(key, &[self.exporter.as_ref(), &self.x(), role])
    }

    /// Step 1: what the server says of its nonce before it knows the client's.
    pub(crate) fn commit(&self, nonce_s: &[u8; 32]) -> Digest {
        let mut hash = Sha256::new();
        hash.update(b"hither-c1");
        hash.update(self.exporter.as_ref());
        hash.update(self.x());
        hash.update(nonce_s);
        Digest(hash.finalize().into())
    }
}

/// Six digits to compare on two screens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(u32);

impl Code {
    /// As it is easiest to read aloud: `123 456`.
    pub fn grouped(&self) -> String {
        format!("{:03} {:03}", self.0 / 1000, self.0 % 1000)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

/// Which end of the TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The inviter.
    Client,
    /// The invitee.
    Server,
}

/// A run whose nonces are both known: the code and what each end must say once its person found it right.
pub(crate) struct Run {
    code: Code,
    client: [u8; 32],
    server: [u8; 32],
}

impl Run {
    /// Step 4.
    ///
    /// # Errors
    /// [`Breach::WeakNonce`] if a nonce is zero or both are the same.
    pub(crate) fn new(binding: &Binding, nonce_c: &Digest, nonce_s: &Digest) -> Result<Self, Breach> {
        if nonce_c.is_zero() || nonce_s.is_zero() || nonce_c == nonce_s {
            return Err(Breach::WeakNonce);
        }
        let x = binding.x();
        let salt: Vec<u8> = nonce_c.0.iter().chain(&nonce_s.0).copied().collect();
        let root = Root::new(&salt, binding.exporter.as_ref());
        let k = root.key(&[b"hither-sas1", &x]);
        // 2^64 is so much more than 10^6 that the lower codes are likelier by less than one part in 10^13.
        let number = u64::from_be_bytes(first(&k)) % 1_000_000;
        let says = |label: &[u8], me: &PeerId, you: &PeerId| {
            let key = root.key(&[label, &x]);
            mac(key.as_ref(), &[&x, b"I am", me.as_bytes(), b"you are", you.as_bytes()])
        };
        Ok(Self {
            code: Code(u32::try_from(number).unwrap_or_default()),
            client: says(b"hither-mac1 client", &binding.client, &binding.server),
            server: says(b"hither-mac1 server", &binding.server, &binding.client),
        })
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// Step 5: what this role says after its person found the code right.
    pub(crate) fn says(&self, role: Role) -> Digest {
        Digest(match role {
            Role::Client => self.client,
            Role::Server => self.server,
        })
    }

    /// Judges what the other end said.
    ///
    /// # Errors
    /// [`Breach::WrongMac`] for any other connection, key, role or nonce.
    pub(crate) fn check(&self, role: Role, heard: &Digest) -> Result<(), Breach> {
        if heard.same(&self.says(role).0) { Ok(()) } else { Err(Breach::WrongMac) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(e: u8, client: u8, server: u8) -> Binding {
        Binding::new([e; 32], PeerId::new([client; 32]), PeerId::new([server; 32]))
    }

    fn run(b: &Binding) -> Run {
        Run::new(b, &Digest([3; 32]), &Digest([4; 32])).unwrap()
    }

    #[test]
    fn both_ends_get_the_same_code_and_leading_zeros_are_kept() {
        assert_eq!(run(&binding(1, 8, 9)).code(), run(&binding(1, 8, 9)).code());
        assert_eq!(Code(42).to_string(), "000042");
        assert_eq!(Code(1_234).grouped(), "001 234");
        assert_eq!(format!("{:?}", Code(42)), "Code(…)");
    }

    #[test]
    fn a_confirmation_fits_one_connection_one_role_and_one_pair_of_keys() {
        let mine = run(&binding(1, 8, 9));
        mine.check(Role::Client, &run(&binding(1, 8, 9)).says(Role::Client)).unwrap();
        for other in [binding(2, 8, 9), binding(1, 7, 9), binding(1, 8, 7), binding(1, 9, 8)] {
            let heard = run(&other).says(Role::Client);
            assert_eq!(mine.check(Role::Client, &heard), Err(Breach::WrongMac), "{other:?}");
        }
        assert_eq!(mine.check(Role::Client, &mine.says(Role::Server)), Err(Breach::WrongMac), "reflected");
    }

    #[test]
    fn t11_equal_or_zero_nonces_make_no_run() {
        let (b, one, zero) = (binding(1, 8, 9), Digest([1; 32]), Digest([0; 32]));
        for (c, s) in [(one, one), (zero, one), (one, zero), (zero, zero)] {
            assert_eq!(Run::new(&b, &c, &s).err(), Some(Breach::WeakNonce));
        }
    }

    #[test]
    fn codes_are_spread_over_the_whole_range() {
        let mut counts = [0_u32; 10];
        for i in 0..=255_u8 {
            let code = Run::new(&binding(i, 8, 9), &Digest([1; 32]), &Digest([2; 32])).unwrap().code();
            counts[(code.0 / 100_000) as usize] += 1;
        }
        assert!(counts.iter().all(|n| (10..=45).contains(n)), "{counts:?}");
    }

    #[test]
    fn a_commitment_binds_the_connection_the_keys_and_the_nonce() {
        let c = binding(1, 8, 9).commit(&[5; 32]);
        assert_eq!(c, binding(1, 8, 9).commit(&[5; 32]));
        for (other, nonce) in [(binding(2, 8, 9), 5), (binding(1, 9, 8), 5), (binding(1, 8, 9), 6)] {
            assert_ne!(c, other.commit(&[nonce; 32]));
        }
    }
}
