//! What a test tells the air and what the air tells a test: one JSON object a line. Addresses are written as people write
//! them, bytes in hexadecimal.

use serde::{Deserialize, Serialize};

/// What a test tells the air.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Order {
    /// A neighbour advertises from now on (or otherwise than before).
    Neighbour {
        /// The test's name for it.
        name: String,
        /// Its address, `C0:00:00:00:00:01`.
        address: String,
        /// The kind of advert: 0 connectable, 2 scannable, 3 neither.
        kind: u8,
        /// What it says, hexadecimal.
        data: String,
        /// How loud.
        rssi: i8,
    },
    /// A neighbour is silent from now on.
    Gone {
        /// Its name.
        name: String,
    },
    /// How loud one controller is at another; nothing: not heard at all.
    Loudness {
        /// Who advertises.
        of: usize,
        /// Who hears.
        at: usize,
        /// Strength in dBm.
        rssi: Option<i8>,
    },
    /// So many adverts, each of an address never heard before, at once to everyone who scans.
    Flood {
        /// How many.
        count: u32,
        /// What they say, hexadecimal; `ii` stands for a byte that differs.
        data: String,
    },
    /// A stranger listens to all of it from now on.
    Overhear,
    /// Tell how many commands each controller was given so far.
    Count,
    /// Take a controller away, as if it was unplugged.
    Unplug {
        /// Which one.
        controller: usize,
    },
}

/// What the air tells a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Told {
    /// A controller told its address: its host has it now.
    Controller {
        /// Which one, from 0.
        index: usize,
        /// Its address.
        address: String,
    },
    /// A controller advertises, or says something else.
    Advert {
        /// Which one.
        by: usize,
        /// The address it uses.
        address: String,
        /// Whether that is a random one.
        random: bool,
        /// Whether one may connect.
        connectable: bool,
        /// What it says.
        data: String,
    },
    /// A controller sends what it did not send before, as the stranger of [`Order::Overhear`] hears it.
    Overheard {
        /// Which one.
        by: usize,
        /// When, by the clock of the air, milliseconds.
        at: u64,
        /// The address it uses.
        address: String,
        /// Whether that is a random one.
        random: bool,
        /// The kind of advert: 0 connectable, 2 scannable, 3 neither.
        kind: u8,
        /// What it says.
        data: String,
        /// What it says to who asks for more.
        response: String,
    },
    /// A controller stopped advertising.
    Silent {
        /// Which one.
        by: usize,
    },
    /// A controller listens, or stopped to.
    Scan {
        /// Which one.
        by: usize,
        /// Whether it listens.
        on: bool,
        /// Whether it asks those it hears for more.
        active: bool,
    },
    /// A controller has a link.
    Link {
        /// Which one.
        by: usize,
        /// Whether it asked for it.
        central: bool,
    },
    /// Answer to [`Order::Count`].
    Counted {
        /// Commands and data packets given to each controller.
        packets: Vec<u64>,
    },
    /// Answer to [`Order::Flood`].
    Flooded,
    /// Answer to [`Order::Unplug`].
    Unplugged {
        /// Which one.
        controller: usize,
    },
}
