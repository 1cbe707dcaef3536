//! Linux: BlueZ, reached over the system bus. Hearing and reading from others goes through `btleplug`, being heard, being
//! read from and channels through `bluer`; a line of our own (`line`) tells which adapters there are and what changes.

mod channel;
mod ears;
mod line;
mod voice;

use super::{
    Fact, Porter, RadioAddress, RadioTrouble, privacy,
    radio::{Opened, Stack},
};
use btleplug::{
    api::{Central, Manager as _},
    platform::{Adapter, Manager},
};
use ears::BluezEars;
use line::{Found, Line};
use std::{sync::Arc, time::Duration};
use tokio::{
    runtime::{Handle, Id},
    sync::{Mutex, Notify},
    task::spawn_blocking,
    time::timeout,
};
use voice::BluezVoice;

/// How long collecting facts may take.
const FACTS_WITHIN: Duration = Duration::from_secs(4);

/// BlueZ on this machine.
pub(super) struct Bluez {
    wanted: Option<RadioAddress>,
    porter: Arc<dyn Porter>,
    bell: Arc<Notify>,
    held: Mutex<Held>,
}

/// The end of the library that hears. One for the whole process, because each keeps its connection to the bus for good;
/// anew only when the bus was lost, or for another runtime.
static MANAGER: Mutex<Option<(Id, Manager)>> = Mutex::const_new(None);

async fn manager() -> Result<Manager, RadioTrouble> {
    let runtime = Handle::current();
    let mut kept = MANAGER.lock().await;
    if let Some((_, manager)) = kept.as_ref().filter(|(of, _)| *of == runtime.id()) {
        return Ok(manager.clone());
    }
    let id = runtime.id();
    // It connects to the bus, which blocks, and needs the runtime for it.
    let made = spawn_blocking(move || runtime.block_on(Manager::new())).await;
    let manager = made.map_err(RadioTrouble::other)?.map_err(|error| ears::trouble(&error))?;
    *kept = Some((id, manager.clone()));
    Ok(manager)
}

/// What lasts from one opening to the next.
#[derive(Default)]
struct Held {
    line: Option<Arc<Line>>,
    /// Which `bluetoothd` and which adapter were opened.
    place: Option<(String, String)>,
}

impl Held {
    async fn line(&mut self, bell: &Arc<Notify>) -> Result<Arc<Line>, RadioTrouble> {
        if let Some(line) = &self.line {
            if line.is_up() {
                return Ok(Arc::clone(line));
            }
            // The bus was lost, and with it every connection to it.
            *MANAGER.lock().await = None;
            *self = Self::default();
        }
        let line = Arc::new(Line::connect(Arc::clone(bell)).await?);
        self.line = Some(Arc::clone(&line));
        Ok(line)
    }
}

impl Bluez {
    pub(super) fn new(wanted: Option<RadioAddress>, porter: Arc<dyn Porter>) -> Self {
        Self { wanted, porter, bell: Arc::default(), held: Mutex::default() }
    }

    /// The adapter to use: the one that was asked for, else the first that is switched on.
    fn choose(wanted: Option<RadioAddress>, found: &[Found]) -> Result<&Found, RadioTrouble> {
        let mut candidates =
            found.iter().filter(|adapter| wanted.is_none_or(|wanted| adapter.address == wanted)).peekable();
        if candidates.peek().is_none() {
            return Err(if found.is_empty() { RadioTrouble::NoAdapter } else { RadioTrouble::OtherAdapter });
        }
        let off: Vec<&Found> = candidates.clone().filter(|adapter| !adapter.powered).collect();
        candidates.find(|adapter| adapter.powered).ok_or_else(|| {
            if off.iter().any(|adapter| adapter.blocked()) { RadioTrouble::Blocked } else { RadioTrouble::Off }
        })
    }

    async fn collect(&self) -> Vec<Fact> {
        // A line of its own: the other may be busy with a service that does not answer.
        let line = match Line::connect(Arc::default()).await {
            Ok(line) => line,
            Err(trouble) => return vec![Fact::Trouble(trouble)],
        };
        if let Err(trouble) = line.owner().await {
            return match trouble {
                RadioTrouble::NoDaemon => vec![Fact::Daemon { running: false, version: None }],
                trouble => vec![Fact::Trouble(trouble)],
            };
        }
        let adapters = match line.adapters().await {
            Ok(adapters) => adapters,
            Err(trouble) => return vec![Fact::Daemon { running: true, version: None }, Fact::Trouble(trouble)],
        };
        let version = adapters.iter().find_map(|adapter| adapter.version.clone());
        let chosen = Self::choose(self.wanted, &adapters);
        let mut facts = vec![Fact::Daemon { running: true, version }];
        facts.extend(adapters.iter().map(|adapter| Fact::Adapter {
            address: adapter.address,
            name: adapter.name().to_owned(),
            powered: adapter.powered,
            blocked: adapter.blocked(),
            announces: adapter.announces,
            chosen: chosen.as_ref().is_ok_and(|chosen| chosen.path == adapter.path),
        }));
        facts.extend(chosen.err().map(Fact::Trouble));
        facts
    }
}

impl Stack for Bluez {
    type Ears = BluezEars;
    type Voice = BluezVoice;

    async fn open(&self) -> Result<Opened<BluezEars, BluezVoice>, RadioTrouble> {
        let mut held = self.held.lock().await;
        let line = held.line(&self.bell).await?;
        let owner = line.owner().await?;
        let found = line.adapters().await?;
        let chosen = Self::choose(self.wanted, &found)?;
        let adapter = adapter(&manager().await?, chosen).await?;
        held.place = Some((owner, chosen.path.clone()));
        drop(held);
        let voice = if chosen.announces {
            BluezVoice::new(Arc::clone(&line), chosen, Arc::clone(&self.porter)).await
        } else {
            Err(RadioTrouble::Mute)
        };
        if matches!(voice, Err(RadioTrouble::Silent)) {
            return Err(RadioTrouble::Silent);
        }
        Ok(Opened { ears: BluezEars::new(line, chosen, adapter), voice })
    }

    async fn check(&self) -> Result<(), RadioTrouble> {
        let mut held = self.held.lock().await;
        let line = held.line(&self.bell).await?;
        let Some((owner, path)) = held.place.clone() else { return Err(RadioTrouble::NoAdapter) };
        if line.owner().await? != owner {
            // Restarted: nothing of what was registered with the other one is left.
            return Err(RadioTrouble::NoDaemon);
        }
        if line.powered(&path).await? { Ok(()) } else { Err(RadioTrouble::Off) }
    }

    async fn changed(&self) {
        self.bell.notified().await;
    }

    async fn facts(&self) -> Vec<Fact> {
        let collected = timeout(FACTS_WITHIN, self.collect()).await;
        let mut facts = collected.unwrap_or_else(|_| vec![Fact::Trouble(RadioTrouble::Silent)]);
        facts.push(Fact::Private(privacy::here()));
        facts
    }
}

/// The same adapter, as the library that hears knows it: its list is in no order.
async fn adapter(manager: &Manager, chosen: &Found) -> Result<Adapter, RadioTrouble> {
    let adapters = manager.adapters().await.map_err(|error| ears::trouble(&error))?;
    for adapter in adapters {
        let name = adapter.adapter_info().await.map_err(|error| ears::trouble(&error))?;
        if name.split(' ').next() == Some(chosen.name()) {
            return Ok(adapter);
        }
    }
    Err(RadioTrouble::NoAdapter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(number: u8, powered: bool) -> Found {
        Found {
            path: format!("/org/bluez/hci{number}"),
            address: RadioAddress::new([number; 6]),
            random: false,
            powered,
            announces: true,
            version: None,
        }
    }

    #[test]
    fn the_first_adapter_that_is_switched_on_is_used_unless_one_is_named() {
        let all = [found(0, false), found(201, true), found(202, true)];
        let path = |wanted| Bluez::choose(wanted, &all).map(|chosen| chosen.name().to_owned());
        assert_eq!(path(None).as_deref(), Ok("hci201"));
        assert_eq!(path(Some(RadioAddress::new([202; 6]))).as_deref(), Ok("hci202"));
        assert_eq!(path(Some(RadioAddress::new([9; 6]))), Err(RadioTrouble::OtherAdapter));
        assert_eq!(Bluez::choose(None, &[]).err(), Some(RadioTrouble::NoAdapter));
        let off = [found(203, false)];
        assert_eq!(Bluez::choose(None, &off).err(), Some(RadioTrouble::Off));
    }
}
