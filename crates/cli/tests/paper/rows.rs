//! Certificates, cards and questions about them.

use super::{INVITE, PEER, SESSION};
use hither_model::{
    CertificateFacts, CertificateSource, InviteId, Negotiated, PeerId, ProtectionLevel, QuestionId, SessionState,
    Verified,
    row::{
        AuthorityRow, CertifiedRow, IdentityRow, PinRow, QuestionKind, QuestionRow, SessionRow, TokenRow, TokenState,
        TokenTries, Usable,
    },
};

/// The id of the nth question about cards.
pub const fn number(n: u8) -> QuestionId {
    QuestionId::new([n; 8])
}

pub fn identity(id: &str, usable: Usable) -> IdentityRow {
    IdentityRow {
        id: id.into(),
        subject: format!("CN=Kim {id}"),
        issuer: "CN=Lab Authority".into(),
        not_before: "2025-01-01T00:00:00Z".into(),
        not_after: "2030-01-01T00:00:00Z".into(),
        key: "p256".into(),
        source: "card".into(),
        usable,
        current: id == "c1",
        fingerprint: PeerId::new([7; 32]),
        token: Some("Lab card".into()),
        kept: "token".into(),
        hardware: true,
        expired: false,
    }
}

pub fn own() -> IdentityRow {
    IdentityRow {
        subject: "CN=hither".into(),
        source: "local".into(),
        token: None,
        kept: "file".into(),
        hardware: false,
        ..identity("02020202", Usable::Yes(true))
    }
}

pub fn token() -> TokenRow {
    TokenRow {
        token: "Lab card".into(),
        serial: "1".into(),
        reader: "Reader 0".into(),
        manufacturer: "Maker".into(),
        model: "M1".into(),
        state: TokenState::Locked,
        tries: TokenTries::Last,
        pad: false,
        hardware: true,
        certificates: vec![identity("c1", Usable::Yes(true))],
    }
}

pub fn authority(id: &str) -> AuthorityRow {
    AuthorityRow {
        id: id.into(),
        subject: "CN=Lab Authority".into(),
        not_after: "2030-01-01T00:00:00Z".into(),
        invite: true,
        codeless: false,
        crl_until: Some("2026-01-01T00:00:00Z".into()),
        crl_stale: true,
    }
}

pub fn certified(authority: Option<&str>) -> CertifiedRow {
    CertifiedRow {
        name: "Kim Min-ji".into(),
        organisation: None,
        email: None,
        subject: "CN=Kim Min-ji".into(),
        issuer: "CN=Lab Authority".into(),
        not_after: "2030-01-01T00:00:00Z".into(),
        sha256: "ab".into(),
        fingerprint: PEER,
        authority: authority.map(str::to_owned),
        unvouched: authority.is_none().then(|| "its issuer is unknown here".to_owned()),
    }
}

pub fn pin(tries: TokenTries, before: Option<&str>) -> PinRow {
    PinRow {
        token: "Lab card".into(),
        reader: "Reader 0".into(),
        subject: "CN=Kim c1".into(),
        reason: "to invite Ana".into(),
        tries,
        pad: false,
        min: 6,
        max: 8,
        before: before.map(str::to_owned),
    }
}

/// A question for a PIN that holds up an invite, or nothing that is known.
pub fn asks_pin(n: u8, invite: Option<InviteId>, pin: PinRow) -> QuestionRow {
    QuestionRow { pin: Some(Box::new(pin)), invite, ..about(n, QuestionKind::Pin) }
}

pub fn asks_choice(n: u8, choices: Vec<IdentityRow>) -> QuestionRow {
    QuestionRow { choices, invite: Some(INVITE), ..about(n, QuestionKind::ChooseCertificate) }
}

pub fn about(n: u8, kind: QuestionKind) -> QuestionRow {
    QuestionRow::new(number(n), kind, PEER, "Ana".into())
}

pub fn session() -> SessionRow {
    let facts = CertificateFacts {
        subject: "CN=hither".into(),
        issuer: "CN=hither".into(),
        not_before: String::new(),
        not_after: String::new(),
        key: "p256".into(),
        sha256: "cd".into(),
        spki_sha256: PEER,
        source: CertificateSource::Local,
    };
    SessionRow {
        session: SESSION,
        peer: PEER,
        name: "Kim Min-ji, certified by Nobody".into(),
        verified: Verified::Certificate,
        state: SessionState::Open,
        requested: ProtectionLevel::Tls13,
        negotiated: Negotiated {
            version: "TLS1.3".into(),
            cipher: "C".into(),
            kx: "K".into(),
            alpn: "hither/1".into(),
        },
        local_certificate: facts.clone(),
        peer_certificate: facts,
        certified: Some(Box::new(certified(Some("Lab Authority")))),
        shown: Some(Box::new(CertifiedRow { subject: "CN=Me".into(), ..certified(None) })),
        route: "192.0.2.1:4000".into(),
        rtt_us: 0,
        bytes_in: 0,
        bytes_out: 0,
        opened: 0,
    }
}
