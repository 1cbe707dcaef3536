//! The device's key in a file for another machine, sealed with a password: encrypted PKCS#8 (PBES2 with scrypt and
//! AES-256) and the certificate, both PEM, so that other programs can read it too. Pure: text in, text out.

use crate::{
    card::Pin,
    import::{self, ImportFault, Imported},
    key::Key,
    pem,
};
use pkcs8::PrivateKeyInfoRef;
use zeroize::Zeroizing;

/// Shortest password for an exported key, in characters.
pub const MIN_PASSWORD: usize = 12;

/// The key and its certificate as text. Slow on purpose: each guess of the password costs an attacker as much.
pub(crate) fn seal(pkcs8: &[u8], certificate: &[u8], password: &Pin) -> Result<String, ImportFault> {
    if password.length() < MIN_PASSWORD {
        return Err(ImportFault::PasswordShort);
    }
    let key = PrivateKeyInfoRef::try_from(pkcs8).map_err(|_| ImportFault::Key)?;
    let sealed = key.encrypt(password.expose()).map_err(|_| ImportFault::Key)?;
    let key = pem::encode("ENCRYPTED PRIVATE KEY", sealed.as_bytes());
    Ok(format!("{}{}", *key, *pem::encode("CERTIFICATE", certificate)))
}

/// A device's key out of such a text: a P-256 key, whatever certificate came with it.
pub(crate) fn open(text: &[u8], password: &Pin) -> Result<(Key, Vec<u8>), ImportFault> {
    let imported: Imported = import::import(text, Some(password))?;
    let key = Key::from_pkcs8(Zeroizing::new(imported.key.to_vec())).ok_or(ImportFault::Key)?;
    Ok((key, imported.certificate().to_vec()))
}
