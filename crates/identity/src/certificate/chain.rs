//! The certificates to show with a leaf: its issuers, as far as the same token or file has them. They help a peer that
//! trusts an authority; who they are decides nothing here.

use super::parsed;

/// The leaf, then its issuer, then that one's, at most `max` of them and `max_bytes` in all. A self-signed authority is
/// left out: whoever trusts it has it.
pub(crate) fn chain<'a>(leaf: &'a [u8], others: &[&'a [u8]], max: usize, max_bytes: usize) -> Vec<&'a [u8]> {
    let mut chain = vec![leaf];
    let mut bytes = leaf.len();
    while let Some(last) = chain.last().and_then(|der| parsed(der).ok()) {
        let issuer = last.issuer().as_raw().to_vec();
        let next = others.iter().copied().find(|der| {
            let Ok(other) = parsed(der) else { return false };
            other.is_ca()
                && other.subject().as_raw() == issuer
                && other.subject() != other.issuer()
                && !chain.contains(der)
        });
        let Some(next) = next.filter(|der| chain.len() < max && bytes + der.len() <= max_bytes) else { break };
        bytes += next.len();
        chain.push(next);
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};

    fn named(name: &str, ca: bool) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = if ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
        params
    }

    #[test]
    fn a_leaf_is_shown_with_its_issuers_but_not_with_the_root_or_with_strangers() {
        let (root_key, middle_key, leaf_key) =
            (KeyPair::generate().unwrap(), KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root = named("root", true).self_signed(&root_key).unwrap();
        let root_issuer = Issuer::new(named("root", true), &root_key);
        let middle = named("middle", true).signed_by(&middle_key, &root_issuer).unwrap();
        let middle_issuer = Issuer::new(named("middle", true), &middle_key);
        let leaf = named("leaf", false).signed_by(&leaf_key, &middle_issuer).unwrap();
        let stranger = named("stranger", true).self_signed(&leaf_key).unwrap();
        let others: Vec<&[u8]> = [&stranger, &root, &leaf, &middle].map(|c| c.der().as_ref()).to_vec();
        let shown = chain(leaf.der(), &others, 4, 16 * 1024);
        assert_eq!(shown, [leaf.der().as_ref(), middle.der().as_ref()]);
        assert_eq!(chain(leaf.der(), &others, 1, 16 * 1024).len(), 1);
        assert_eq!(chain(leaf.der(), &others, 4, leaf.der().len() + 5).len(), 1);
    }
}
