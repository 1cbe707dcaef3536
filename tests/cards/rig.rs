//! What every test of cards needs: the program, a gate that grants cards, and commands that must succeed.

use hither_capability::{Gate, Manifest};
use hither_identity::card::{
    CardCertificate, Cards, Directories, Limits, Pin, Program, Registered, Token, Unlock, discover,
};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Suite's name in the log of skipped tests.
pub(crate) const SUITE: &str = "cards";

/// Says that the calling test is skipped, and why.
pub(crate) fn skipped(reason: &str) {
    hither_tests::skip::skipped(SUITE, reason);
}

/// A gate that grants the use of cards.
pub(crate) fn gate() -> Gate {
    let manifest = Manifest::parse("capabilities = [\"sharedUserCertificates\"]").expect("a manifest");
    Gate::new(manifest, Default::default(), false)
}

/// The helper with these variables.
pub(crate) fn helper(variables: &[(&str, &Path)]) -> Program {
    let hither = hither_tests::program::hither().unwrap_or_else(|why| panic!("{why}"));
    let mut args: Vec<OsString> = Vec::new();
    for (name, value) in variables {
        let mut variable = OsString::from(format!("{name}="));
        variable.push(value);
        args.push(variable);
    }
    args.extend([hither.into_os_string(), "card-helper".into()]);
    Program { path: "/usr/bin/env".into(), args }
}

/// Cards of one module, registered by its path.
pub(crate) fn cards(module: &Path, variables: &[(&str, &Path)], limits: Limits) -> Cards {
    Cards::new(helper(variables), limits, found(module))
}

/// A module, registered by its path.
pub(crate) fn found(module: &Path) -> hither_identity::card::Found {
    let none = Directories { descriptions: Vec::new(), modules: Vec::new() };
    discover(&none, &[Registered { path: module.to_owned(), network: false }])
}

pub(crate) fn pin(pin: &str) -> Unlock {
    Unlock::Pin { pin: Pin::new(pin.to_owned()).expect("a PIN"), last_try: false }
}

pub(crate) fn last_pin(pin: &str) -> Unlock {
    Unlock::Pin { pin: Pin::new(pin.to_owned()).expect("a PIN"), last_try: true }
}

/// The certificate whose subject has this common name, and its token.
pub(crate) fn named(tokens: &[Token], name: &str) -> (Token, CardCertificate) {
    let wanted = format!("CN={name},O=Lab");
    for token in tokens {
        for certificate in &token.certificates {
            let source = hither_model::CertificateSource::Card;
            let facts = hither_identity::certificate::facts(&certificate.der, source);
            if facts.is_ok_and(|facts| facts.subject == wanted) {
                return (token.clone(), certificate.clone());
            }
        }
    }
    panic!("no certificate for {name} among {tokens:?}")
}

/// A certificate as PEM.
pub(crate) fn pem(der: &[u8]) -> String {
    let body = data_encoding::BASE64.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Runs a command that has to succeed.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The first of these files that is there.
pub(crate) fn first(paths: &[&str]) -> Option<PathBuf> {
    paths.iter().map(PathBuf::from).find(|path| path.is_file())
}
