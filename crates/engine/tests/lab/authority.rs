//! Certificate authorities of the lab, and what they issue to people.

use super::Agent;
use hither_model::{Answer, Ask, ask::SecretText, row::IdentityRow};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// An authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A person's certificate and key.
pub(crate) struct Issued {
    pub(crate) der: Vec<u8>,
    text: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    pub(crate) fn issue(&self, name: &str) -> Issued {
        let mut params = named(name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2096, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let text = [certificate.pem(), key.serialize_pem()].concat();
        Issued { der: certificate.der().to_vec(), text }
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Lab");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Agent {
    /// Trusts an authority; `rules` are whether its people may invite and whether its word replaces a code.
    pub(crate) async fn trusts(&self, authority: &Authority, (invite, codeless): (bool, bool)) -> String {
        let added = self.ask(Ask::AddAuthority { certificate: authority.pem.clone() }).await;
        let Answer::Authorities { rows } = added else { panic!("no authorities") };
        let id = rows.last().unwrap().id.clone();
        let (invite, codeless) = (Some(invite), Some(codeless));
        self.ask(Ask::SetAuthority { authority: id.clone(), invite, codeless }).await;
        id
    }

    /// Keeps a person's certificate; its id comes back.
    pub(crate) async fn imports(&self, issued: &Issued) -> String {
        let file = SecretText(data_encoding::BASE64.encode(issued.text.as_bytes()));
        self.ask(Ask::ImportIdentity { file, password: None }).await;
        let of_file = |row: &&IdentityRow| row.source == "file";
        self.identities().await.iter().rfind(of_file).unwrap().id.clone()
    }

    pub(crate) async fn identities(&self) -> Vec<IdentityRow> {
        let ask = Ask::Identities { all: true, hardware: false, issuer: None };
        let Answer::Identities { rows } = self.ask(ask).await else { panic!("no identities") };
        rows
    }
}
