//! Why Bluetooth does not work, in words a person understands, with what to do.

use hither_model::ErrorCode;

/// What keeps Bluetooth from working.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RadioTrouble {
    /// Hither cannot use this system's Bluetooth.
    #[error("Bluetooth is not supported on this system")]
    Unsupported,
    /// The message bus through which programs reach Bluetooth is not there.
    #[error("the system's message bus does not run, so Bluetooth cannot be reached")]
    NoBus,
    /// `bluetoothd` is not on the bus.
    #[error("the Bluetooth service (bluetoothd) does not run")]
    NoDaemon,
    /// It is, but says nothing.
    #[error("the Bluetooth service does not answer")]
    Silent,
    /// No radio.
    #[error("there is no Bluetooth adapter")]
    NoAdapter,
    /// Not the one that was asked for.
    #[error("the chosen Bluetooth adapter is not there")]
    OtherAdapter,
    /// Switched off.
    #[error("Bluetooth is switched off")]
    Off,
    /// Switched off by the system: flight mode, a key, or policy.
    #[error("Bluetooth is blocked (flight mode, or a switch of the machine)")]
    Blocked,
    /// This user may not.
    #[error("this user is not permitted to use Bluetooth")]
    NotPermitted,
    /// The adapter can listen, but not be heard.
    #[error("this Bluetooth adapter cannot announce this device")]
    Mute,
    /// All places for adverts are taken.
    #[error("other programs use all places the Bluetooth adapter has for announcing")]
    Crowded,
    /// A device that is not heard.
    #[error("the device is not heard by Bluetooth any more")]
    NotHeard,
    /// The other device did not open.
    #[error("the device did not let this one in")]
    Shut,
    /// It is heard, but has nothing of hither's to read.
    #[error("the device does not answer as hither does")]
    Stranger,
    /// It took too long.
    #[error("the device did not answer in time")]
    TimedOut,
    /// The connection broke, or could not be made.
    #[error("the Bluetooth connection broke")]
    Broke,
    /// Something else, in the system's words.
    #[error("Bluetooth failed: {0}")]
    Other(String),
}

impl RadioTrouble {
    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Off | Self::Blocked | Self::NoAdapter | Self::OtherAdapter => ErrorCode::RadioOff,
            Self::NotPermitted => ErrorCode::AccessDenied,
            Self::Silent | Self::TimedOut => ErrorCode::TimedOut,
            Self::Shut => ErrorCode::Declined,
            Self::Stranger => ErrorCode::Incompatible,
            Self::Broke => ErrorCode::Interrupted,
            Self::Unsupported
            | Self::NoBus
            | Self::NoDaemon
            | Self::Mute
            | Self::Crowded
            | Self::NotHeard
            | Self::Other(_) => ErrorCode::Unreachable,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unsupported | Self::Mute => "devices are still found on the local network",
            Self::NoBus => "start the system message bus (dbus), or go on without Bluetooth",
            Self::NoDaemon => "install BlueZ, or start it with `systemctl start bluetooth`",
            Self::Silent => "it is tried again; if that lasts, `systemctl restart bluetooth` helps",
            Self::NoAdapter => "plug one in, or go on without Bluetooth",
            Self::OtherAdapter => "plug it in, or choose another one",
            Self::Off => "switch it on in the system's settings, or with `bluetoothctl power on`",
            Self::Blocked => "leave flight mode, or run `rfkill unblock bluetooth`",
            Self::NotPermitted => "add this user to the group that may use Bluetooth, as a rule `bluetooth`",
            Self::Crowded => "close another program that announces itself by Bluetooth",
            Self::NotHeard | Self::TimedOut | Self::Broke => "move closer and try again",
            Self::Shut => "invite the person first, or ask them to make their device visible",
            Self::Stranger => "update hither on both devices",
            Self::Other(_) => "run `hither doctor`, which looks at adapter, service and permission",
        }
    }

    /// A refusal of the system, in its own words made safe to show.
    pub(super) fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(hither_model::text::shortened(&hither_model::text::printable(&error.to_string()), 200))
    }

    /// What is shown as the state of the medium.
    pub(super) fn words(&self) -> String {
        format!("{self}: {}", self.hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_safe_to_show_and_short() {
        let trouble = RadioTrouble::other(format!("org.bluez.Error\u{1b}[2J{}", "x".repeat(1_000)));
        let words = trouble.words();
        assert!(words.len() < 400 && !words.contains('\u{1b}'), "{words}");
    }

    #[test]
    fn the_state_says_what_is_the_matter_and_what_to_do() {
        assert_eq!(
            RadioTrouble::Off.words(),
            "Bluetooth is switched off: switch it on in the system's settings, or with `bluetoothctl power on`"
        );
    }
}
