//! The table of R7.4 as data: each status with its number elsewhere (HRESULT) and with who must act. Both ways.

use hither_model::SocketErrorStatus as Status;

/// A parameter makes no sense.
pub const E_INVALIDARG: u32 = 0x8007_0057;
/// A capability or consent is missing.
pub const E_ACCESSDENIED: u32 = 0x8007_0005;
/// The call cannot be made in this state.
pub const E_ILLEGAL_METHOD_CALL: u32 = 0x8000_000E;
/// More was asked for than is there.
pub const E_BOUNDS: u32 = 0x8000_000B;
/// The object is closed.
pub const RO_E_CLOSED: u32 = 0x8000_0013;
/// Two operations at once, or one too early.
pub const ERROR_INVALID_OPERATION: u32 = 0x8007_10DD;
/// What came is not what was expected.
pub const ERROR_INVALID_DATA: u32 = 0x8007_000D;
/// There is no such thing.
pub const ERROR_NOT_FOUND: u32 = 0x8007_0490;
/// The radio is off.
pub const ERROR_DEVICE_NOT_CONNECTED: u32 = 0x8007_048F;
/// The person took it back.
pub const ERROR_CANCELLED: u32 = 0x8007_04C7;
/// The connection of a WebSocket broke.
pub const WININET_E_CONNECTION_ABORTED: u32 = 0x8007_2EFE;
/// A WebSocket's server did not answer in time.
pub const WININET_E_TIMEOUT: u32 = 0x8007_2EE2;
/// Stands for [`Status::Unknown`], which has no number of its own.
pub const E_FAIL: u32 = 0x8000_4005;

/// Who must act, and so whether trying again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nobody: it may be over in a moment.
    Transient,
    /// The network must change first.
    Network,
    /// The person must do something.
    User,
    /// Trying again will fail again.
    Fatal,
}

/// Every status with its HRESULT and class, by number.
pub const TABLE: &[(Status, u32, Class)] = &[
    (Status::Unknown, E_FAIL, Class::Fatal),
    (Status::OperationAborted, 0x8007_03E3, Class::Fatal),
    (Status::HttpInvalidServerResponse, 0x8007_2F78, Class::Fatal),
    (Status::ConnectionTimedOut, 0x8007_274C, Class::Transient),
    (Status::AddressFamilyNotSupported, 0x8007_273F, Class::Fatal),
    (Status::SocketTypeNotSupported, 0x8007_273C, Class::Fatal),
    (Status::HostNotFound, 0x8007_2AF9, Class::User),
    (Status::NoDataRecordOfRequestedType, 0x8007_2AFC, Class::Fatal),
    (Status::NonAuthoritativeHostNotFound, 0x8007_2AFA, Class::Transient),
    (Status::ClassTypeNotFound, 0x8007_277D, Class::Fatal),
    (Status::AddressAlreadyInUse, 0x8007_2740, Class::User),
    (Status::CannotAssignRequestedAddress, 0x8007_2741, Class::Network),
    (Status::ConnectionRefused, 0x8007_274D, Class::Transient),
    (Status::NetworkIsUnreachable, 0x8007_2743, Class::Network),
    (Status::UnreachableHost, 0x8007_2751, Class::Network),
    (Status::NetworkIsDown, 0x8007_2742, Class::Network),
    (Status::NetworkDroppedConnectionOnReset, 0x8007_2744, Class::Transient),
    (Status::SoftwareCausedConnectionAbort, 0x8007_2745, Class::Transient),
    (Status::ConnectionResetByPeer, 0x8007_2746, Class::Transient),
    (Status::HostIsDown, 0x8007_2750, Class::Network),
    (Status::NoAddressesFound, 0x8007_00E8, Class::User),
    (Status::TooManyOpenFiles, 0x8007_2728, Class::Fatal),
    (Status::MessageTooLong, 0x8007_2738, Class::Fatal),
    (Status::CertificateExpired, 0x800B_0101, Class::User),
    (Status::CertificateUntrustedRoot, 0x800B_0109, Class::User),
    (Status::CertificateCommonNameIsIncorrect, 0x800B_010F, Class::User),
    (Status::CertificateWrongUsage, 0x800B_0110, Class::Fatal),
    (Status::CertificateRevoked, 0x8009_2010, Class::Fatal),
    (Status::CertificateNoRevocationCheck, 0x8009_2012, Class::User),
    (Status::CertificateRevocationServerOffline, 0x8009_2013, Class::Transient),
    (Status::CertificateIsInvalid, 0x800B_0100, Class::Fatal),
];

/// Other numbers that mean a status of the table.
const ALIASES: &[(u32, Status)] = &[
    (0x800B_010C, Status::CertificateRevoked),
    (0x8009_6019, Status::CertificateIsInvalid),
    (0x8009_6004, Status::CertificateIsInvalid),
    (0x800B_0105, Status::CertificateIsInvalid),
];

/// The number of a status.
pub fn hresult(status: Status) -> u32 {
    TABLE.iter().find(|(known, ..)| *known == status).map_or(E_FAIL, |(_, number, _)| *number)
}

/// The status of a number; [`Status::Unknown`] for every other one, wrong parameters included (R7.1).
pub fn of_hresult(number: u32) -> Status {
    let table = TABLE.iter().map(|(status, number, _)| (*number, *status));
    table.chain(ALIASES.iter().copied()).find(|(known, _)| *known == number).map_or(Status::Unknown, |(_, s)| s)
}

/// Who must act.
pub fn class(status: Status) -> Class {
    TABLE.iter().find(|(known, ..)| *known == status).map_or(Class::Fatal, |(_, _, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r7_4_each_status_has_its_number_and_back() {
        for (at, (status, number, _)) in TABLE.iter().enumerate() {
            assert_eq!(*status as usize, at, "{status:?}");
            assert_eq!((hresult(*status), of_hresult(*number)), (*number, *status));
            assert_eq!(TABLE.iter().filter(|(_, other, _)| other == number).count(), 1, "{status:?}");
        }
        assert_eq!(TABLE.len(), 31);
        assert_eq!(of_hresult(0x800B_010C), Status::CertificateRevoked);
    }

    #[test]
    fn r7_1_wrong_parameters_are_unknown_and_fatal() {
        for number in [E_INVALIDARG, E_ACCESSDENIED, E_ILLEGAL_METHOD_CALL, RO_E_CLOSED, 0, u32::MAX] {
            assert_eq!(of_hresult(number), Status::Unknown, "{number:08x}");
        }
        assert_eq!(class(Status::Unknown), Class::Fatal);
    }
}
