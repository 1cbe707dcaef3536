//! What others show: whether they hold the key, and whether an authority trusted here vouches for them.

use crate::{
    door::Purpose,
    knocks::{KnockId, Wire},
    state::State,
};
use hither_identity::{
    certificate,
    proof::{LABEL, Occasion, Speaker},
};
use hither_model::{
    CertificateSource, Failure, PeerId,
    row::{CertifiedRow, Visibility},
};
use hither_protocol::Certified;

/// A certificate that was proven, and what it is good for here.
#[derive(Debug, Clone)]
pub(crate) struct Proven {
    pub(crate) row: CertifiedRow,
    /// Vouched for by an authority whose people may invite whatever the visibility says.
    pub(crate) may_invite: bool,
    /// Vouched for by an authority whose word takes the place of a code.
    pub(crate) codeless: bool,
}

impl Proven {
    pub(crate) fn is_vouched(&self) -> bool {
        self.row.authority.is_some()
    }
}

/// Names the connection for proofs in both directions.
pub(crate) struct Occasions;

impl Occasions {
    /// The connection as it is when we dialled it.
    pub(crate) fn dialled(wire: &Wire, me: PeerId) -> Result<Occasion, Failure> {
        Ok(Occasion::new(wire.exporter(LABEL)?, me, wire.peer()))
    }

    /// The connection as it is when they dialled it.
    pub(crate) fn answered(wire: &Wire, me: PeerId) -> Result<Occasion, Failure> {
        Ok(Occasion::new(wire.exporter(LABEL)?, wire.peer(), me))
    }
}

impl State {
    /// Judges what the other side showed on a connection.
    ///
    /// # Errors
    /// It does not prove to hold the key, or the certificate has no acceptable form. A certificate nobody trusted here
    /// vouches for is no error: the row says why.
    pub(crate) fn judge(
        &self,
        occasion: &Occasion,
        speaker: Speaker,
        certified: &Certified,
    ) -> Result<Proven, Failure> {
        let unix = self.clock.unix();
        let chain: Vec<&[u8]> = certified.chain.iter().map(|blob| blob.0.as_slice()).collect();
        occasion.check(speaker, &chain, &certified.signature.0, unix)?;
        let leaf = chain.first().copied().unwrap_or_default();
        let facts = certificate::facts(leaf, CertificateSource::Ca)?;
        let mut row = CertifiedRow {
            name: facts.subject.clone(),
            organisation: None,
            email: None,
            subject: facts.subject,
            issuer: facts.issuer,
            not_after: facts.not_after,
            sha256: facts.sha256,
            fingerprint: facts.spki_sha256,
            authority: None,
            unvouched: None,
        };
        match self.certificates.authorities.judge(&chain, unix) {
            Ok(vouched) => {
                row.name = vouched.person.name;
                row.organisation = vouched.person.organisation;
                row.email = vouched.person.email;
                row.authority = Some(vouched.authority_name);
                Ok(Proven { row, may_invite: vouched.rules.invite, codeless: vouched.rules.codeless })
            }
            Err(fault) => {
                row.unvouched = Some(fault.to_string());
                Ok(Proven { row, may_invite: false, codeless: false })
            }
        }
    }

    /// Whether somebody who knocks is to be asked about at all, given what they proved.
    pub(crate) fn may_knock(&self, purpose: Purpose, theirs: Option<&Proven>) -> bool {
        if matches!(purpose, Purpose::Link(_)) {
            // A link was handed out by the person.
            return true;
        }
        let vouched = theirs.is_some_and(Proven::is_vouched);
        if self.settings.borrow().certificates.organisation && !vouched {
            return false;
        }
        // The door stands open for colleagues only.
        let colleagues_only = purpose == Purpose::Advert && self.visibility() != Visibility::Everyone;
        !colleagues_only || theirs.is_some_and(|proven| proven.may_invite)
    }

    /// Whether some authority's people may knock although only known devices can tell who this is.
    pub(crate) fn open_to_colleagues(&self) -> bool {
        self.visibility() == Visibility::Known && self.certificates.authorities.iter().any(|(_, rules)| rules.invite)
    }

    /// Whether an authority's word can take the place of a code here.
    pub(crate) fn takes_certificates(&self) -> bool {
        self.certificates.authorities.iter().any(|(_, rules)| rules.codeless)
    }

    /// The other side's yes carries a certificate: judged before the machine hears it. `None` if it is not good, and
    /// then the invite was taken back.
    pub(crate) fn heard_certificate(&mut self, id: KnockId, certified: &Certified) -> Option<bool> {
        let occasion = self.knocks.get(&id).and_then(|knock| knock.occasion.clone())?;
        match self.judge(&occasion, Speaker::Server, certified) {
            Ok(proven) => {
                let codeless = proven.codeless;
                if let Some(knock) = self.knocks.get_mut(&id) {
                    knock.theirs = Some(proven);
                }
                Some(codeless)
            }
            Err(failure) => {
                tracing::info!(%failure, "a certificate in an answer was refused");
                None
            }
        }
    }
}

/// Somebody known showed another certificate than at the last meeting.
pub(crate) fn differs(before: &CertifiedRow, now: &CertifiedRow) -> bool {
    before.fingerprint != now.fingerprint && (before.subject != now.subject || before.issuer != now.issuer)
}
