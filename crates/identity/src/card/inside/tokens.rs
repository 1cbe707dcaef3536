//! Listing: what tokens and certificates a module shows without a login.

use super::Trouble;
use crate::card::{
    token::{CardCertificate, Token, TokenName, Tries},
    wire::{Fault, MAX_CERTIFICATES, MAX_TOKENS},
};
use cryptoki::{
    context::Pkcs11,
    mechanism::MechanismType,
    object::{Attribute, AttributeType, CertificateType, ObjectClass},
    session::Session,
    slot::{Slot, TokenInfo},
};
use std::collections::BTreeSet;

/// Largest certificate that is passed on, in bytes.
const MAX_DER: usize = 16 * 1024;

/// Every token that is ready. One that fails is left out: the others still count.
pub(super) fn list(context: &Pkcs11) -> Result<Vec<Token>, Trouble> {
    let slots = context.get_slots_with_token().map_err(|error| Trouble::token(&error))?;
    Ok(slots.into_iter().take(MAX_TOKENS).filter_map(|slot| token(context, slot)).collect())
}

/// The slot of a token, looked up anew each time: numbers move.
pub(super) fn find(context: &Pkcs11, serial: &str, label: &str) -> Result<(Slot, TokenInfo), Trouble> {
    let slots = context.get_slots_with_token().map_err(|error| Trouble::token(&error))?;
    let named = |slot: Slot| {
        let found = context.get_token_info(slot).ok()?;
        (found.serial_number().trim_end() == serial && found.label().trim_end() == label).then_some((slot, found))
    };
    slots.into_iter().find_map(named).ok_or_else(|| Fault::Absent.into())
}

/// The tries left.
pub(super) fn tries(token: &TokenInfo) -> Tries {
    match () {
        () if token.user_pin_locked() => Tries::Blocked,
        () if token.user_pin_final_try() => Tries::Last,
        () if token.user_pin_count_low() => Tries::Few,
        () => Tries::Plenty,
    }
}

/// The mechanisms for signing that a token has.
#[derive(Debug, Clone)]
pub(super) struct Mechanisms(Vec<MechanismType>);

impl Mechanisms {
    pub(super) fn of(context: &Pkcs11, slot: Slot) -> Self {
        Self(context.get_mechanism_list(slot).unwrap_or_default())
    }

    pub(super) fn has(&self, mechanism: MechanismType) -> bool {
        self.0.contains(&mechanism)
    }

    fn ecdsa(&self) -> bool {
        self.has(MechanismType::ECDSA) || self.has(MechanismType::ECDSA_SHA256)
    }

    pub(super) fn pss(&self) -> bool {
        self.has(MechanismType::RSA_PKCS_PSS) || self.has(MechanismType::SHA256_RSA_PKCS_PSS)
    }
}

fn token(context: &Pkcs11, slot: Slot) -> Option<Token> {
    let token = context.get_token_info(slot).ok()?;
    if !token.token_initialized() {
        return None;
    }
    let place = context.get_slot_info(slot).ok()?;
    let mechanisms = Mechanisms::of(context, slot);
    let session = context.open_ro_session(slot).ok()?;
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    Some(Token {
        name: TokenName {
            module: std::path::PathBuf::new(),
            serial: token.serial_number().trim_end().to_owned(),
            label: token.label().trim_end().to_owned(),
        },
        manufacturer: token.manufacturer_id().trim_end().to_owned(),
        model: token.model().trim_end().to_owned(),
        reader: place.slot_description().trim_end().to_owned(),
        hardware: place.hardware_slot(),
        removable: place.removable_device(),
        login_required: token.login_required(),
        pad: token.protected_authentication_path(),
        pin_set: token.user_pin_initialized() && !token.user_pin_to_be_changed(),
        min_pin: number(token.min_pin_length()),
        max_pin: number(token.max_pin_length()),
        tries: tries(&token),
        ecdsa: mechanisms.ecdsa(),
        pss: mechanisms.pss(),
        certificates: certificates(&session),
    })
}

fn certificates(session: &Session) -> Vec<CardCertificate> {
    let x509 = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
    ];
    let keys = keys(session);
    let mut found = Vec::new();
    for object in session.find_objects(&x509).unwrap_or_default().into_iter().take(MAX_CERTIFICATES) {
        let wanted = [AttributeType::Id, AttributeType::Label, AttributeType::Value];
        let mut certificate =
            CardCertificate { key: Vec::new(), label: String::new(), der: Vec::new(), key_seen: false };
        for attribute in session.get_attributes(object, &wanted).unwrap_or_default() {
            match attribute {
                Attribute::Id(id) => certificate.key = id,
                Attribute::Label(label) => certificate.label = String::from_utf8_lossy(&label).trim().to_owned(),
                Attribute::Value(der) => certificate.der = der,
                _ => {}
            }
        }
        certificate.key_seen = keys.contains(&certificate.key);
        if (1..=MAX_DER).contains(&certificate.der.len()) && certificate.key.len() <= 256 {
            found.push(certificate);
        }
    }
    found
}

/// The ids of every key that shows.
fn keys(session: &Session) -> BTreeSet<Vec<u8>> {
    let mut ids = BTreeSet::new();
    for class in [ObjectClass::PUBLIC_KEY, ObjectClass::PRIVATE_KEY] {
        for object in session.find_objects(&[Attribute::Class(class)]).unwrap_or_default() {
            for attribute in session.get_attributes(object, &[AttributeType::Id]).unwrap_or_default() {
                if let Attribute::Id(id) = attribute {
                    ids.insert(id);
                }
            }
        }
    }
    ids
}
