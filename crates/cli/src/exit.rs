//! What the command ends with. Scripts depend on these numbers: one table, without a default.

use hither_model::ErrorCode;

/// Done.
pub(crate) const DONE: u8 = 0;
/// Anything that has no number of its own.
pub(crate) const OTHER: u8 = 1;
/// The call was wrong.
pub(crate) const USAGE: u8 = 2;
/// The person pressed Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit status of a failure.
pub(crate) fn status(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::Stale | ErrorCode::Internal => 1,
        ErrorCode::Misuse | ErrorCode::UnknownId => 2,
        ErrorCode::NoAgent => 3,
        ErrorCode::AccessDenied => 4,
        ErrorCode::Declined | ErrorCode::Withdrawn | ErrorCode::Busy | ErrorCode::Canceled => 5,
        ErrorCode::Expired | ErrorCode::TimedOut => 6,
        ErrorCode::Unreachable | ErrorCode::Interrupted | ErrorCode::RadioOff => 7,
        ErrorCode::CertificateRefused | ErrorCode::IdentityChanged | ErrorCode::KeyUnusable => 8,
        ErrorCode::Misbehaved | ErrorCode::Incompatible | ErrorCode::VersionSkew => 9,
        ErrorCode::NameRefused
        | ErrorCode::TooLarge
        | ErrorCode::Truncated
        | ErrorCode::DigestWrong
        | ErrorCode::SourceChanged
        | ErrorCode::DiskFull
        | ErrorCode::StorageFailed => 10,
        ErrorCode::TokenAbsent | ErrorCode::TokenLocked | ErrorCode::PinWrong | ErrorCode::PinBlocked => 11,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_ends_with_a_number_of_the_contract() {
        for code in ErrorCode::ALL {
            assert!((1..=11).contains(&status(*code)), "{code}");
        }
    }
}
