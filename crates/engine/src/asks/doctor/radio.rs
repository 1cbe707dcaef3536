//! What the doctor says about Bluetooth: the radio, the service that owns it, and what it shows of this machine.

use super::{ok, warn};
use hither_discovery::ble::{Ble, Fact};
use hither_model::{
    MediumState,
    row::{CheckRow, CheckState},
};
use std::sync::Arc;

/// Lines about Bluetooth; one line where it is not in use.
pub(super) async fn examine(ble: Option<Arc<Ble>>, state: &MediumState, heard: usize) -> Vec<CheckRow> {
    let Some(ble) = ble else {
        return vec![match state {
            MediumState::Failed(why) => warn("bluetooth", why.clone(), "see the line about the capability"),
            _ => ok("bluetooth", "not in use: switched off here, or this device shows itself to nobody"),
        }];
    };
    let mut rows = vec![match state {
        MediumState::On => ok("bluetooth", format!("working; {heard} device(s) heard by it")),
        MediumState::Off => warn("bluetooth", "starting", "look again in a few seconds"),
        // Devices are found on the network all the same.
        MediumState::Failed(why) => warn("bluetooth", why.clone(), "devices on one network find each other without it"),
    }];
    rows.extend(lines(ble.facts().await));
    rows
}

/// What the facts say. Which address is shown matters once there is a radio that shows one.
fn lines(facts: Vec<Fact>) -> impl Iterator<Item = CheckRow> {
    let in_use = facts.iter().any(|fact| matches!(fact, Fact::Adapter { chosen: true, powered: true, .. }));
    facts.into_iter().filter(move |fact| in_use || !matches!(fact, Fact::Private(_))).filter_map(line)
}

fn line(fact: Fact) -> Option<CheckRow> {
    let said = fact.to_string();
    Some(match fact {
        Fact::Daemon { running: true, .. } => ok("bluetoothd", said),
        Fact::Daemon { running: false, .. } => {
            warn("bluetoothd", said, "start it with `systemctl start bluetooth`, or install the package bluez")
        }
        Fact::Adapter { powered: false, blocked: true, .. } => {
            warn("bluetooth adapter", said, "switch flight mode off, or run `rfkill unblock bluetooth`")
        }
        Fact::Adapter { powered: false, .. } => warn(
            "bluetooth adapter",
            said,
            "switch Bluetooth on in the system's settings, or run `bluetoothctl power on`",
        ),
        Fact::Adapter { announces: false, .. } => {
            warn("bluetooth adapter", said, "this device hears others by Bluetooth, and is not heard by it")
        }
        Fact::Adapter { .. } => ok("bluetooth adapter", said),
        Fact::Private(true) => ok("bluetooth address", said),
        Fact::Private(false) => warn(
            "bluetooth address",
            said,
            "set `Privacy = device` under [General] in /etc/bluetooth/main.conf; until then only who is visible to \
             everyone can be asked anything by Bluetooth",
        ),
        // The first line says it.
        Fact::Trouble(_) => return None,
        _ => CheckRow { name: "bluetooth".into(), state: CheckState::Ok, detail: said, fix: None },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_discovery::ble::{RadioAddress, RadioTrouble};

    fn adapter(powered: bool, blocked: bool, announces: bool) -> Fact {
        let (address, name) = (RadioAddress::new([0, 0xaa, 1, 0, 0, 0]), "hci0".to_owned());
        Fact::Adapter { address, name, powered, blocked, announces, chosen: true }
    }

    #[test]
    fn each_trouble_with_the_radio_has_a_line_that_says_what_to_do() {
        let facts = [
            Fact::Daemon { running: false, version: None },
            adapter(false, true, true),
            adapter(false, false, true),
            adapter(true, false, false),
            Fact::Private(false),
        ];
        for fact in facts {
            let row = line(fact.clone()).unwrap();
            assert!(row.state == CheckState::Warn && row.fix.is_some(), "{fact:?}");
        }
        for fact in [Fact::Daemon { running: true, version: None }, adapter(true, false, true), Fact::Private(true)] {
            assert_eq!(line(fact).unwrap().state, CheckState::Ok);
        }
    }

    #[test]
    fn the_address_has_a_line_only_where_a_radio_is_in_use() {
        let unused = Fact::Adapter {
            address: RadioAddress::new([1; 6]),
            name: "hci1".to_owned(),
            powered: true,
            blocked: false,
            announces: true,
            chosen: false,
        };
        let said = |facts: &[Fact]| {
            let rows = lines(facts.iter().cloned().chain([Fact::Private(false)]).collect());
            rows.filter(|row| row.name == "bluetooth address").count()
        };
        assert_eq!(said(&[Fact::Trouble(RadioTrouble::NoBus)]), 0);
        assert_eq!(said(&[Fact::Daemon { running: false, version: None }]), 0);
        assert_eq!(said(&[Fact::Daemon { running: true, version: None }, Fact::Trouble(RadioTrouble::NoAdapter)]), 0);
        assert_eq!(said(&[adapter(false, false, true)]), 0, "switched off");
        assert_eq!(said(&[adapter(false, true, true)]), 0, "blocked");
        assert_eq!(said(std::slice::from_ref(&unused)), 0, "another adapter is on");
        assert_eq!(said(&[unused, adapter(true, false, true)]), 1);
    }

    #[tokio::test]
    async fn where_bluetooth_is_not_in_use_one_line_says_so() {
        let rows = examine(None, &MediumState::Off, 0).await;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].state, CheckState::Ok);
        let rows = examine(None, &MediumState::Failed("revoked".into()), 0).await;
        assert_eq!(rows[0].state, CheckState::Warn);
    }
}
