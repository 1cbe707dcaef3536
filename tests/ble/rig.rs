//! The machine that all scenarios share, and the room that each has to itself.

use hither_tests::{
    ble::{
        Image, Machine, Parts, Process,
        air::{Order, Told},
        words,
    },
    events::{kind, number, text},
    program,
    skip::skipped,
};
use serde_json::Value;
use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::File,
    path::PathBuf,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

/// What the suite is called in the log of skipped tests.
const SUITE: &str = "ble";

/// How long something may take that waits for a rest window of the scanner, or for cards that are read in turn, on a
/// busy host.
pub(crate) const PATIENTLY: Duration = Duration::from_secs(75);

/// What a program tells, one JSON object.
pub(crate) type Row = Value;

/// How often the machine is booted: a scenario that kills it must not hide the others, nor may all of them wait for it.
const BOOTS: usize = 3;

/// Every machine that was booted, and how its time passes.
static MACHINES: Mutex<Vec<(Pace, &'static Machine)>> = Mutex::new(Vec::new());

/// How time passes in a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// As here.
    Usual,
    /// As soon as nothing is to be done, the next moment in which something is.
    Hurried,
}

/// What the console says when the kernel dies of its own fault.
const KERNELS_OWN: &str = "hci_chan_del";

/// One scenario at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Why there is no machine: the first is a skip, the second a failure.
enum Without {
    Parts(String),
    Machine(String),
}

/// The machine, booted when the first scenario asks, and again if its kernel died. It ends with this process; one that
/// hurries with its scenario.
fn machine(pace: Pace) -> Result<&'static Machine, &'static Without> {
    static IMAGE: OnceLock<Result<Image, Without>> = OnceLock::new();
    let image = IMAGE.get_or_init(|| {
        let parts = Parts::find().map_err(Without::Parts)?;
        let build = || Image::build(&parts, SUITE, &programs()?);
        alone(&parts).and_then(|()| build()).map_err(Without::Machine)
    });
    let image = image.as_ref()?;
    let mut machines = MACHINES.lock().unwrap_or_else(PoisonError::into_inner);
    let of_pace = || machines.iter().filter(|(of, _)| *of == pace);
    if let Some((_, machine)) = of_pace().next_back().filter(|(_, machine)| machine.is_up()) {
        return Ok(machine);
    }
    let booted = match pace {
        _ if of_pace().count() >= BOOTS => Err("it died too often".to_owned()),
        Pace::Usual => Machine::boot(image),
        Pace::Hurried => Machine::boot_hurried(image),
    };
    let machine: &Machine = Box::leak(Box::new(booted.unwrap_or_else(|why| panic!("the machine: {why}"))));
    machines.push((pace, machine));
    Ok(machine)
}

/// Waits until no other process of this suite has a machine; the place is given up when this process ends.
fn alone(parts: &Parts) -> Result<(), String> {
    static PLACE: OnceLock<File> = OnceLock::new();
    let path = parts.place.join("lock");
    let taken = File::create(&path).and_then(|file| file.lock().map(|()| file));
    let file = taken.map_err(|e| format!("{}: {e}", path.display()))?;
    PLACE.get_or_init(|| file);
    Ok(())
}

/// The programs of this workspace that go into the machine.
fn programs() -> Result<Vec<PathBuf>, String> {
    let probe = "cargo build -p hither-discovery --example ble_probe";
    Ok(vec![
        env!("CARGO_BIN_EXE_ble-guest").into(),
        env!("CARGO_BIN_EXE_ble-air").into(),
        program::hither()?,
        program::named("examples/ble_probe", "HITHER_BLE_PROBE", probe)?,
    ])
}

/// Runs a scenario. Where the machine's kernel dies under it of the one fault of its own that is known (Debian's 6.1: a
/// list is broken when a channel closes), nothing was found out about the program: that is said, as a skip.
pub(crate) fn scenario(body: impl FnOnce()) {
    let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)) else { return };
    let died_of = |machine: &&'static Machine| !machine.is_up() && machine.console_tail().contains(KERNELS_OWN);
    let last: Vec<_> = MACHINES.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, m)| *m).collect();
    match last.last().filter(|machine| died_of(machine)) {
        Some(_) => skipped(SUITE, &format!("the machine's kernel died of a fault of its own ({KERNELS_OWN})")),
        None => std::panic::resume_unwind(panic),
    }
}

/// A room with some radios in it.
pub(crate) struct Room {
    pub(crate) machine: &'static Machine,
    pub(crate) addresses: Vec<String>,
    pub(crate) air: Process,
    pub(crate) daemon: Process,
    pace: Pace,
    _bus: Process,
    _turn: MutexGuard<'static, ()>,
}

/// How bluetoothd is set up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    /// As it comes: who may be connected to shows an address that never changes.
    Public,
    /// `Privacy = device`: resolvable addresses.
    Private,
}

impl Room {
    /// A room with so many radios; `None`, said aloud, where there can be no machine.
    pub(crate) fn with(radios: usize) -> Option<Self> {
        Self::furnished(radios, Addresses::Public)
    }

    pub(crate) fn furnished(radios: usize, addresses: Addresses) -> Option<Self> {
        Self::opened(radios, addresses, Pace::Usual)
    }

    /// A room in a machine of its own that skips the time in which nothing happens.
    pub(crate) fn hurried(radios: usize, addresses: Addresses) -> Option<Self> {
        Self::opened(radios, addresses, Pace::Hurried)
    }

    fn opened(radios: usize, addresses: Addresses, pace: Pace) -> Option<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let machine = match machine(pace) {
            Ok(machine) => machine,
            Err(Without::Parts(why)) => {
                skipped(SUITE, why);
                return None;
            }
            Err(Without::Machine(why)) => panic!("{why}"),
        };
        let privacy = if addresses == Addresses::Private { "Privacy = device" } else { "" };
        machine.shell(&format!(
            "rm -rf /var/lib/bluetooth /run/dbus /run/hither* /tmp/*; mkdir -p /var/lib/bluetooth /run/dbus /etc/bluetooth
             printf '[General]\\n{privacy}\\n' >/etc/bluetooth/main.conf"
        ));
        let bus = machine.start(&["dbus-daemon", "--system", "--nofork", "--nopidfile"], &[]);
        machine.shell("until [ -S /run/dbus/system_bus_socket ]; do usleep 20000; done");
        let mut air = machine.start(&["ble-air", &radios.to_string()], &[]);
        let addresses = told_addresses(&mut air, radios);
        let daemon = machine.start(&["bluetoothd", "-n"], &[]);
        let room = Self { machine, addresses, air, daemon, pace, _bus: bus, _turn: turn };
        for radio in 0..radios {
            room.until_powered(radio, true);
        }
        Some(room)
    }

    /// A radio's address.
    pub(crate) fn address(&self, radio: usize) -> &str {
        &self.addresses[radio]
    }

    /// Waits until bluetoothd says of a radio that it is on, or off.
    pub(crate) fn until_powered(&self, radio: usize, on: bool) {
        let address = self.address(radio);
        let wanted = if on { "yes" } else { "no" };
        self.machine.shell(&format!(
            "until bluetoothctl show {address} 2>/dev/null | grep -q 'Powered: {wanted}'; do usleep 50000; done"
        ));
    }

    /// Switches a radio, as a person does in the settings of the desktop.
    pub(crate) fn power(&self, radio: usize, on: bool) {
        let address = self.address(radio);
        let word = if on { "on" } else { "off" };
        self.machine.shell(&format!("printf 'select {address}\\npower {word}\\n' | bluetoothctl >/dev/null"));
        self.until_powered(radio, on);
    }

    /// Starts bluetoothd anew.
    pub(crate) fn start_daemon(&mut self) {
        self.daemon = self.machine.start(&["bluetoothd", "-n"], &[]);
    }

    /// Starts the probe of discovery on a radio.
    pub(crate) fn probe(&self, what: &str, radio: usize, words: &[&str]) -> Process {
        let mut argv = vec!["ble_probe", what, self.address(radio)];
        argv.extend(words);
        self.machine.start(&argv, &[("HITHER_LOG", "debug")])
    }

    /// A person at a radio: a profile of their own, in the network of this name if one is given.
    pub(crate) fn person(&self, name: &str, radio: usize, network: Option<&str>) -> Person {
        let home = format!("/tmp/people/{name}");
        let address = self.address(radio).to_lowercase();
        // The program writes its settings itself; the adapter is the one thing that only their file can tell.
        self.machine.shell(&format!(
            "mkdir -p {home}/profile {home}/run {home}/tmp; chmod 700 {home} {home}/*
             if [ -e /var/settings.toml ]; then cp /var/settings.toml {home}/profile/
             else
                 export HITHER_PROFILE={home}/profile XDG_RUNTIME_DIR={home}/run
                 hither settings list >/dev/null; hither stop >/dev/null; cp {home}/profile/settings.toml /var/
             fi
             sed -i '/^\\[bluetooth\\]/a adapter = \"{address}\"' {home}/profile/settings.toml
             sed -i 's|people/[A-Za-z]*/|people/{name}/|' {home}/profile/settings.toml
             grep -q {address} {home}/profile/settings.toml"
        ));
        Person { machine: self.machine, home, network: network.map(str::to_owned), name: name.to_owned() }
    }

    /// Tells the air something.
    pub(crate) fn order(&self, order: &Order) {
        let mut line = Vec::new();
        words::say(&mut line, order).expect("an order is JSON");
        self.air.type_in(&line);
    }

    /// A radio that advertises from now on, by what the air saw of it.
    pub(crate) fn advert(&mut self, by: usize) -> Row {
        self.air.wait_for("an advert", PATIENTLY, |v| kind(v) == "advert" && number(v, "by") == by as u64)
    }

    /// Packets that each radio's host gave it so far.
    pub(crate) fn packets(&mut self) -> Vec<u64> {
        self.order(&Order::Count);
        let told = self.air.wait("counted");
        match serde_json::from_value(told) {
            Ok(Told::Counted { packets }) => packets,
            other => panic!("{other:?}"),
        }
    }
}

/// The addresses of all controllers, in their order; they come in any.
fn told_addresses(air: &mut Process, radios: usize) -> Vec<String> {
    let told = RefCell::new(BTreeMap::new());
    air.wait_for("all controllers", PATIENTLY, |v| {
        if kind(v) == "controller" {
            told.borrow_mut().insert(number(v, "index"), text(v, "address").to_owned());
        }
        told.borrow().len() == radios
    });
    told.into_inner().into_values().collect()
}

impl Drop for Room {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = format!("--- bluetoothd\n{}\n--- the air\n{}\n", self.daemon.errors(), self.air.said());
            let lines: Vec<&str> = said.lines().collect();
            let _ = std::io::Write::write_all(&mut std::io::stderr(), lines.join("\n").as_bytes());
        }
        // Before its controllers: taking those away under its links has made this kernel stumble.
        if self.machine.is_up() && self.pace == Pace::Usual {
            self.daemon.kill_9();
        } else {
            self.machine.switch_off();
        }
    }
}

/// Somebody with a profile.
pub(crate) struct Person {
    machine: &'static Machine,
    home: String,
    network: Option<String>,
    pub(crate) name: String,
}

impl Person {
    /// Starts `hither --json …`.
    pub(crate) fn hither(&self, words: &[&str]) -> Process {
        let mut argv: Vec<&str> = match &self.network {
            Some(network) => vec!["ip", "netns", "exec", network, "/opt/hither", "--json"],
            None => vec!["hither", "--json"],
        };
        argv.extend(words);
        let (profile, run) = (format!("{}/profile", self.home), format!("{}/run", self.home));
        let environment = [
            ("HITHER_PROFILE", profile.as_str()),
            ("XDG_RUNTIME_DIR", &run),
            ("HOME", &self.home),
            ("TMPDIR", "/tmp"),
            ("HITHER_LOG", "info,hither_discovery=debug,hither_engine=debug"),
        ];
        self.machine.start(&argv, &environment)
    }

    /// Starts the agent, shown to everyone by this person's name, and waits until it is ready.
    pub(crate) fn agent(&self, words: &[&str]) -> (Process, Row) {
        let mut argv = vec!["agent", "--name", &self.name];
        argv.extend(words);
        let mut agent = self.hither(&argv);
        let ready = agent.wait("ready");
        (agent, ready)
    }

    /// Runs a command that must succeed and gives its rows.
    pub(crate) fn rows(&self, words: &[&str]) -> Vec<Row> {
        let end = self.hither(words).end(PATIENTLY);
        assert_eq!(end.code, Some(0), "{}: hither {words:?}\n{}\n{}", self.name, end.said, end.errors);
        end.rows()
    }

    /// Watches who is near until a row is so.
    pub(crate) fn sees(&self, what: &str, so: impl Fn(&Row) -> bool) -> Row {
        let mut near = self.hither(&["near", "--watch"]);
        near.wait_for(what, PATIENTLY, |v| kind(v) != "peer-removed" && so(v))
    }
}
