//! What we say of ourselves, as a DNS-SD service. Pure.
//!
//! Instance and host labels are random bits drawn by the caller, new for every advert. The host label is never the
//! machine's own name: that would tell whose machine it is, and a system responder (avahi) that sees its own host name
//! claimed by somebody else renames the machine.
//!
//! There is no probing (RFC 6762 section 8.1): nobody else draws the same 128 bits, so there is nothing to find out. It
//! would cost three quarters of a second before anybody sees us, and a machine with two interfaces on one network would
//! take its own probes on one for a rival on the other, rename itself and try again, for ever.

use crate::txt::{Txt, TxtFault};
use data_encoding::HEXLOWER;
use hither_model::InstanceId;
use mdns_sd::{ServiceInfo, TxtProperty};

/// The service type.
pub const SERVICE: &str = "_hither._tcp.local.";

/// One advert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The instance label: random bits.
    pub instance: InstanceId,
    /// The host label: other random bits.
    pub host: [u8; 16],
    /// Where we listen, on every address of the interfaces that take part.
    pub port: u16,
    /// What it says.
    pub txt: Txt,
}

impl Announcement {
    /// Under which name a responder keeps it.
    pub(crate) fn full_name(instance: InstanceId) -> String {
        format!("{instance}.{SERVICE}")
    }

    /// As the responder wants it. Addresses are the responder's to fill in, from the interfaces it may use.
    ///
    /// # Errors
    /// [`TxtFault`]: the record cannot be written.
    pub(crate) fn service(&self) -> Result<ServiceInfo, TxtFault> {
        let host = format!("{}.local.", HEXLOWER.encode(&self.host));
        let properties: Vec<TxtProperty> = self.txt.properties()?.into_iter().map(TxtProperty::from).collect();
        let mut service = ServiceInfo::new(SERVICE, &self.instance.to_string(), &host, (), self.port, properties)
            .map_err(|_| TxtFault::TooLarge)?;
        service.set_requires_probe(false);
        Ok(service.enable_addr_auto())
    }
}

/// The instance a full name belongs to; `None` if it is not one of ours to read: a foreign label, or a label that is not
/// exactly 32 hex digits (D1).
pub(crate) fn instance_of(full_name: &str) -> Option<InstanceId> {
    full_name.strip_suffix(SERVICE)?.strip_suffix('.')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::txt::VERSION;

    fn announcement() -> Announcement {
        let txt = Txt { version: VERSION, epoch: 7, rid: None, beacon: None, name: None, tags: vec![[0xab; 8]; 8] };
        Announcement { instance: InstanceId::new([0x1f; 16]), host: [0xe0; 16], port: 7_000, txt }
    }

    #[test]
    fn both_labels_are_random_bits_and_no_address_is_fixed() {
        let service = announcement().service().unwrap();
        assert_eq!(service.get_fullname(), format!("{}._hither._tcp.local.", "1f".repeat(16)));
        assert_eq!(service.get_hostname(), format!("{}.local.", "e0".repeat(16)));
        assert!(!service.requires_probe() && service.is_addr_auto() && service.get_addresses().is_empty());
    }

    #[test]
    fn d1_a_name_that_is_not_32_hex_digits_is_nobody_of_ours() {
        let own = announcement().service().unwrap();
        assert_eq!(instance_of(own.get_fullname()), Some(InstanceId::new([0x1f; 16])));
        let hex = "1f".repeat(16);
        for foreign in [
            format!("{}._hither._tcp.local.", hex.to_uppercase()),
            format!("{hex} (2)._hither._tcp.local."),
            format!("{hex}._other._tcp.local."),
            "Ana's laptop._hither._tcp.local.".into(),
            format!("{hex}ab._hither._tcp.local."),
            "_hither._tcp.local.".into(),
            String::new(),
        ] {
            assert_eq!(instance_of(&foreign), None, "{foreign}");
        }
    }
}
