//! The protection a caller may ask for by name (R3.13 to R3.15, table of section 3), and what hither makes of each. Levels
//! that permit NULL or weak ciphers, or TLS before 1.2, are refused by their name and never silently raised or lowered.

use crate::outward::ServerError;
use hither_model::ProtectionLevel;
use std::fmt;

/// A level as programs name it; the numbers are the table's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SocketProtectionLevel {
    /// No encryption: only before an upgrade, or where the person wants it.
    PlainSocket = 0,
    /// Encryption, never NULL. Here: TLS 1.2 or later.
    Ssl = 1,
    /// May be a NULL cipher. Refused.
    SslAllowNullEncryption = 2,
    /// Bluetooth without authentication. Refused.
    BluetoothEncryptionAllowNullAuthentication = 3,
    /// Bluetooth with authentication; not over TCP.
    BluetoothEncryptionWithAuthentication = 4,
    /// SSL 3, RC4. Refused.
    Ssl3AllowWeakEncryption = 5,
    /// TLS 1.0. Refused.
    Tls10 = 6,
    /// TLS 1.1. Refused.
    Tls11 = 7,
    /// TLS 1.2 or later.
    Tls12 = 8,
    /// Nothing said: TLS 1.2 or later for servers.
    Unspecified = 9,
    /// TLS 1.3 or later.
    Tls13 = 10,
}

impl SocketProtectionLevel {
    /// Every level, by its number.
    pub const ALL: &'static [Self] = &[
        Self::PlainSocket,
        Self::Ssl,
        Self::SslAllowNullEncryption,
        Self::BluetoothEncryptionAllowNullAuthentication,
        Self::BluetoothEncryptionWithAuthentication,
        Self::Ssl3AllowWeakEncryption,
        Self::Tls10,
        Self::Tls11,
        Self::Tls12,
        Self::Unspecified,
        Self::Tls13,
    ];

    /// The floor that is asked for and checked.
    ///
    /// # Errors
    /// [`ServerError::LevelRefused`] with the level's name.
    pub fn floor(self) -> Result<ProtectionLevel, ServerError> {
        match self {
            Self::PlainSocket => Ok(ProtectionLevel::Plain),
            Self::Ssl | Self::Tls12 | Self::Unspecified => Ok(ProtectionLevel::Tls12),
            Self::Tls13 => Ok(ProtectionLevel::Tls13),
            Self::SslAllowNullEncryption
            | Self::BluetoothEncryptionAllowNullAuthentication
            | Self::BluetoothEncryptionWithAuthentication
            | Self::Ssl3AllowWeakEncryption
            | Self::Tls10
            | Self::Tls11 => Err(ServerError::LevelRefused(self)),
        }
    }
}

impl From<ProtectionLevel> for SocketProtectionLevel {
    fn from(level: ProtectionLevel) -> Self {
        match level {
            ProtectionLevel::Plain => Self::PlainSocket,
            ProtectionLevel::Tls12 => Self::Tls12,
            ProtectionLevel::Tls13 => Self::Tls13,
        }
    }
}

impl fmt::Display for SocketProtectionLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r3_15_levels_that_may_be_weak_are_refused_by_name() {
        for (number, level) in SocketProtectionLevel::ALL.iter().enumerate() {
            assert_eq!(*level as usize, number);
            match (number, level.floor()) {
                (0, Ok(ProtectionLevel::Plain))
                | (1 | 8 | 9, Ok(ProtectionLevel::Tls12))
                | (10, Ok(ProtectionLevel::Tls13)) => {}
                (2..=7, Err(error)) => assert!(error.to_string().contains(&level.to_string()), "{error}"),
                (_, other) => panic!("{level}: {other:?}"),
            }
        }
    }
}
