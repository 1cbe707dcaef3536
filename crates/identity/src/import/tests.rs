//! Files as openssl and others write them, and what can be wrong with them.

use super::*;
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SignatureAlgorithm,
};
use std::{fs, process::Command};

struct Made {
    key: KeyPair,
    certificate: String,
    authority: String,
}

fn made(algorithm: &'static SignatureAlgorithm) -> Made {
    let (key, authority_key) = (KeyPair::generate_for(algorithm).unwrap(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "authority");
    let authority = params.self_signed(&authority_key).unwrap().pem();
    let mut leaf = CertificateParams::default();
    leaf.is_ca = IsCa::ExplicitNoCa;
    let certificate = leaf.signed_by(&key, &Issuer::new(params, &authority_key)).unwrap().pem();
    Made { key, certificate, authority }
}

fn password() -> Pin {
    Pin::new("open sesame".into()).unwrap()
}

#[test]
fn a_pem_file_is_read_whatever_the_order_in_it() {
    for algorithm in
        [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_RSA_SHA256, &rcgen::PKCS_ED25519]
    {
        let made = made(algorithm);
        let file = ["a comment\n", &made.authority, &made.certificate, &made.key.serialize_pem()].concat();
        let imported = import(file.as_bytes(), None).unwrap();
        imported.certified.keys_match().unwrap();
        assert_eq!(
            pem::encode("CERTIFICATE", imported.certificate()).trim(),
            made.certificate.replace("\r\n", "\n").trim()
        );
        assert_eq!(imported.chain.len(), 1, "a root is not shown to peers");
    }
}

#[test]
fn what_is_missing_or_too_much_is_said() {
    let (one, two) = (made(&rcgen::PKCS_ECDSA_P256_SHA256), made(&rcgen::PKCS_ECDSA_P256_SHA256));
    let fault = |parts: &[&str]| import(parts.concat().as_bytes(), None).err().unwrap();
    let (key, other) = (one.key.serialize_pem(), two.key.serialize_pem());
    assert_eq!(fault(&[&one.certificate]), ImportFault::NoKey);
    assert_eq!(fault(&[&key]), ImportFault::NoCertificate);
    assert_eq!(fault(&[&key, &two.certificate]), ImportFault::NoCertificate, "a certificate for another key");
    assert_eq!(fault(&[&key, &other, &one.certificate]), ImportFault::SeveralKeys(2));
    assert!(matches!(fault(&["nothing of the kind"]), ImportFault::Unreadable(_)));
    assert!(matches!(fault(&[&key[..key.len() - 40]]), ImportFault::Unreadable(_)));
    assert_eq!(import(&vec![0x30; MAX_FILE + 1], None).err(), Some(ImportFault::TooLarge));
    assert!(matches!(import(&[0x30, 3, 2, 1, 3], None).err(), Some(ImportFault::Unreadable(_))));
}

/// Runs openssl on files in a directory of its own; `None` where there is no openssl.
fn openssl(made: &Made, args: &[&str], out: &str) -> Option<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("key.pem"), made.key.serialize_pem()).unwrap();
    fs::write(dir.path().join("cert.pem"), &made.certificate).unwrap();
    fs::write(dir.path().join("ca.pem"), &made.authority).unwrap();
    let output = Command::new("openssl").current_dir(dir.path()).args(args).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(fs::read(dir.path().join(out)).unwrap())
}

#[test]
fn files_as_openssl_writes_them_are_read_with_their_password_and_not_without() {
    let made = made(&rcgen::PKCS_ECDSA_P256_SHA256);
    let p12 = [
        "pkcs12",
        "-export",
        "-inkey",
        "key.pem",
        "-in",
        "cert.pem",
        "-certfile",
        "ca.pem",
        "-out",
        "out",
        "-passout",
        "pass:open sesame",
    ];
    let old = [&p12[..], &["-legacy"]].concat();
    let p8 = ["pkcs8", "-topk8", "-in", "key.pem", "-out", "out", "-passout", "pass:open sesame"];
    let Some(modern) = openssl(&made, &p12, "out") else { return };
    let sealed = openssl(&made, &p8, "out").unwrap();
    let legacy = openssl(&made, &old, "out").unwrap();
    let sealed = [made.certificate.as_bytes(), &sealed].concat();
    for file in [modern, legacy, sealed] {
        let imported = import(&file, Some(&password())).unwrap();
        imported.certified.keys_match().unwrap();
        let wrong = Pin::new("open says me".into()).unwrap();
        assert_eq!(import(&file, Some(&wrong)).err(), Some(ImportFault::PasswordWrong));
        assert_eq!(import(&file, None).err(), Some(ImportFault::PasswordNeeded));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_bytes_are_an_identity_or_a_fault(mut bytes in prop::collection::vec(any::<u8>(), 1..200), kind in 0..3) {
        match kind {
            0 => bytes[0] = 0x30,
            1 => bytes.splice(0..0, b"-----BEGIN PRIVATE KEY-----\n".iter().copied()).for_each(drop),
            _ => {}
        }
        prop_assert!(import(&bytes, None).is_err());
    }
}
