//! The two little pieces of DER that are written here by hand.

/// An ECDSA signature as PKCS#11 has it (r and s side by side, RFC 5758 has them in a sequence of two integers), as TLS
/// wants it. `None` if the length is of no curve that is used.
pub(crate) fn ecdsa(raw: &[u8]) -> Option<Vec<u8>> {
    if !matches!(raw.len(), 64 | 96) {
        return None;
    }
    let (r, s) = raw.split_at(raw.len() / 2);
    let numbers = [integer(r), integer(s)].concat();
    // At most 2 * (2 + 1 + 48) bytes: the length fits one byte.
    Some([&[0x30, u8::try_from(numbers.len()).ok()?], numbers.as_slice()].concat())
}

/// A positive number in as few bytes as it needs, with a zero before a set top bit.
fn integer(unsigned: &[u8]) -> Vec<u8> {
    let zeros = unsigned.iter().take_while(|byte| **byte == 0).count().min(unsigned.len().saturating_sub(1));
    let digits = unsigned.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    let length = u8::try_from(sign.len() + digits.len()).unwrap_or(u8::MAX);
    [&[2, length], sign, digits].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_written_with_as_few_bytes_as_each_number_needs() {
        let mut raw = [0; 64];
        raw[31] = 5;
        raw[32] = 0x80;
        let der = ecdsa(&raw).unwrap();
        assert_eq!(der[..5], [0x30, 3 + 2 + 33, 2, 1, 5]);
        assert_eq!(der[5..9], [2, 33, 0, 0x80]);
        assert_eq!(ecdsa(&[0; 64]).unwrap(), [0x30, 6, 2, 1, 0, 2, 1, 0]);
        assert!(ecdsa(&[1; 63]).is_none() && ecdsa(&[]).is_none());
        assert_eq!(ecdsa(&[0xff; 96]).unwrap().len(), 2 + 2 * 51);
    }
}
