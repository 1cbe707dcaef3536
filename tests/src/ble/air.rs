//! What is between the controllers: who advertises, who scans, and what each scanner hears of it (Bluetooth Core 5.3,
//! volume 4 part E: HCI; the legacy commands, which is what a controller with LE 4 is asked by).
//!
//! Links, data and everything else a controller does are btvirt's. Its adverts are not taken: it tells each once, at no
//! strength. Here an advertiser is heard again and again at its interval, as loud as the test says, or not at all; and
//! the test may put neighbours on the air that are no controller, with whatever bytes it likes.
//!
//! Pure: time is an argument (milliseconds), what is to be sent is given back. What is *not* here: devices and sockets
//! (`ble-air`) and interference. How long a controller that filters duplicates remembers whom it heard is its maker's
//! business; here it is a second.

mod ear;
mod spoken;

pub use spoken::{Order, Told};

use data_encoding::HEXLOWER;
use ear::Ear;
use std::collections::{BTreeMap, HashMap};

/// How loud an advertiser is where the test said nothing, dBm.
pub const LOUDNESS: i8 = -60;

/// How long a controller that filters duplicates remembers an advert, ms.
const MEMORY: u64 = 1000;

/// An address as it travels: six bytes, the last one first.
pub type Address = [u8; 6];

/// Somebody who advertises.
#[derive(Debug, Clone, Default)]
struct Advert {
    kind: u8,
    random: bool,
    every: u64,
    data: Vec<u8>,
    response: Vec<u8>,
}

/// A controller, as far as its adverts and scans go.
#[derive(Debug, Default)]
struct Post {
    public: Address,
    own: Address,
    advert: Advert,
    advertising: bool,
    due: u64,
    active: bool,
    listening: Option<bool>,
    heard: HashMap<Address, (Vec<u8>, u64)>,
    packets: u64,
}

#[derive(Debug)]
struct Neighbour {
    address: Address,
    advert: Advert,
    rssi: i8,
    due: u64,
}

/// Everything on the air.
#[derive(Debug)]
pub struct Air {
    posts: Vec<Post>,
    neighbours: BTreeMap<String, Neighbour>,
    loudness: HashMap<(usize, usize), Option<i8>>,
    /// Who has a link with whom, by what each calls it; nothing while it is being made.
    links: Vec<Link>,
    floods: u32,
    now: u64,
    ear: Option<Ear>,
}

/// Two controllers with a link, or about to have one.
#[derive(Debug)]
struct Link {
    central: usize,
    peripheral: usize,
    /// What the central calls it.
    handle: Option<[u8; 2]>,
}

/// What becomes of a packet that a host gives its controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The controller gets it.
    Passed,
    /// The host is answered with this instead.
    Answered(Vec<u8>),
}

/// A packet for the host of a controller.
pub type Delivery = (usize, Vec<u8>);

impl Air {
    /// An air with so many controllers.
    pub fn new(controllers: usize) -> Self {
        let posts = (0..controllers).map(|_| Post::default()).collect();
        Self {
            posts,
            neighbours: BTreeMap::new(),
            loudness: HashMap::new(),
            links: Vec::new(),
            floods: 0,
            now: 0,
            ear: None,
        }
    }

    /// What becomes of a packet that a host gives its controller. btvirt makes a second link between the same two, which
    /// no controller does (Core, LE Create Connection) and no kernel expects.
    pub fn fate(&mut self, by: usize, packet: &[u8]) -> Fate {
        match packet {
            // LE Create Connection: interval, window, one device and not a list, its kind of address, its address, …
            [1, 0x0d, 0x20, _, _, _, _, _, 0, _, rest @ ..] => {
                let Some(to) = rest.get(..6).and_then(|to| self.who_is(to)) else { return Fate::Passed };
                let pair = |link: &Link| [[by, to], [to, by]].contains(&[link.central, link.peripheral]);
                if self.links.iter().any(pair) {
                    // Command Status: Connection Already Exists.
                    return Fate::Answered(vec![4, 0x0f, 4, 0x0b, 1, 0x0d, 0x20]);
                }
                self.links.push(Link { central: by, peripheral: to, handle: None });
            }
            // LE Create Connection Cancel.
            [1, 0x0e, 0x20, ..] => self.links.retain(|link| link.central != by || link.handle.is_some()),
            // Reset.
            [1, 0x03, 0x0c, ..] => self.links.retain(|link| link.central != by && link.peripheral != by),
            _ => {}
        }
        Fate::Passed
    }

    fn who_is(&self, address: &[u8]) -> Option<usize> {
        self.posts.iter().position(|post| post.public == address || post.own == address)
    }

    /// Learns which links there are from what a controller tells its host.
    fn linked(&mut self, by: usize, packet: &[u8]) {
        match packet {
            [4, 0x3e, _, 0x01 | 0x0a, 0, low, high, 0, ..] => {
                for link in self.links.iter_mut().filter(|link| link.central == by && link.handle.is_none()) {
                    link.handle = Some([*low, *high]);
                }
            }
            // A link that did not come about.
            [4, 0x3e, _, 0x01 | 0x0a, 1..=255, ..] => {
                self.links.retain(|link| link.central != by || link.handle.is_some());
            }
            // Disconnection Complete.
            [4, 0x05, _, 0, low, high, ..] => {
                self.links.retain(|link| link.central != by || link.handle != Some([*low, *high]));
            }
            _ => {}
        }
    }

    /// Learns from a packet that a host gives its controller.
    pub fn from_host(&mut self, by: usize, packet: &[u8]) -> Option<Told> {
        let post = self.posts.get_mut(by)?;
        post.packets += 1;
        let [1, low, high, _, rest @ ..] = packet else { return None };
        match u16::from_le_bytes([*low, *high]) {
            // Reset.
            0x0c03 => *post = Post { public: post.public, packets: post.packets, ..Post::default() },
            // LE Set Random Address.
            0x2005 => post.own = rest.try_into().ok()?,
            // LE Set Advertising Parameters: shortest interval, longest, kind, own address type, …
            0x2006 => {
                let [low, high, _, _, kind, own, ..] = rest else { return None };
                // Units of 0.625 ms.
                post.advert.every = u64::from(u16::from_le_bytes([*low, *high])) * 5 / 8;
                (post.advert.kind, post.advert.random) = (*kind, own & 1 == 1);
            }
            // LE Set Advertising Data, LE Set Scan Response Data: a length, then 31 bytes.
            0x2008 => {
                post.advert.data = filled(rest);
                return post.advertising.then(|| post.says(by));
            }
            0x2009 => post.advert.response = filled(rest),
            // LE Set Advertising Enable.
            0x200a => {
                let on = rest.first() == Some(&1);
                let was = std::mem::replace(&mut post.advertising, on);
                post.due = 0;
                return if on { Some(post.says(by)) } else { was.then_some(Told::Silent { by }) };
            }
            // LE Set Scan Parameters: active or passive, …
            0x200b => post.active = rest.first() == Some(&1),
            // LE Set Scan Enable: on, filter duplicates.
            0x200c => {
                let on = rest.first() == Some(&1);
                post.heard.clear();
                let was = std::mem::replace(&mut post.listening, on.then_some(rest.get(1) == Some(&1)));
                return (on || was.is_some()).then_some(Told::Scan { by, on, active: post.active });
            }
            _ => {}
        }
        None
    }

    /// Learns from a packet that a controller gives its host, and whether the host is to have it.
    pub fn from_controller(&mut self, by: usize, packet: &[u8]) -> (bool, Option<Told>) {
        self.linked(by, packet);
        let Some(post) = self.posts.get_mut(by) else { return (true, None) };
        match packet {
            // Read BD_ADDR is complete.
            [4, 0x0e, _, _, 0x09, 0x10, 0, address @ ..] => {
                let Ok(address) = Address::try_from(address) else { return (true, None) };
                let known = std::mem::replace(&mut post.public, address) == address;
                (true, (!known).then(|| Told::Controller { index: by, address: shown(&address) }))
            }
            // An advert that btvirt heard.
            [4, 0x3e, _, 0x02, ..] => (false, None),
            // A link: status, handle, role. Who is connected to does not advertise any more.
            [4, 0x3e, _, 0x01 | 0x0a, 0, _, _, role, ..] => {
                if *role == 1 {
                    post.advertising = false;
                }
                (true, Some(Told::Link { by, central: *role == 0 }))
            }
            _ => (true, None),
        }
    }

    /// Does what a test orders; gives an answer and what is to be heard at once. Unplugging is not done here.
    pub fn ordered(&mut self, order: Order) -> (Option<Told>, Vec<Delivery>) {
        match order {
            Order::Neighbour { name, address, kind, data, rssi } => {
                if let (Some(address), Ok(data)) = (parsed(&address), HEXLOWER.decode(data.as_bytes())) {
                    let advert = Advert { kind, random: true, every: 100, data, response: Vec::new() };
                    self.neighbours.insert(name, Neighbour { address, advert, rssi, due: 0 });
                }
            }
            Order::Gone { name } => drop(self.neighbours.remove(&name)),
            Order::Loudness { of, at, rssi } => drop(self.loudness.insert((of, at), rssi)),
            Order::Flood { count, data } => return (Some(Told::Flooded), self.flood(count, &data)),
            Order::Overhear => self.ear = Some(Ear::default()),
            Order::Count => {
                let packets = self.posts.iter().map(|post| post.packets).collect();
                return (Some(Told::Counted { packets }), Vec::new());
            }
            Order::Unplug { controller } => return (Some(Told::Unplugged { controller }), Vec::new()),
        }
        (None, Vec::new())
    }

    /// What everybody who listens hears at this time.
    pub fn heard(&mut self, now: u64) -> Vec<Delivery> {
        self.now = now;
        let mut said = Vec::new();
        for (of, post) in self.posts.iter_mut().enumerate().filter(|(_, post)| post.advertising) {
            if post.due <= now {
                post.due = now + post.advert.every.max(20);
                if let Some(ear) = &mut self.ear {
                    ear.hears(now, of, post.address(), &post.advert);
                }
                said.push((Some(of), post.address(), post.advert.clone(), LOUDNESS));
            }
        }
        for neighbour in self.neighbours.values_mut().filter(|neighbour| neighbour.due <= now) {
            neighbour.due = now + neighbour.advert.every;
            said.push((None, neighbour.address, neighbour.advert.clone(), neighbour.rssi));
        }
        let mut deliveries = Vec::new();
        for (of, address, advert, loudness) in said {
            for (at, post) in self.posts.iter_mut().enumerate().filter(|(at, _)| of != Some(*at)) {
                let set = of.and_then(|of| self.loudness.get(&(of, at)).copied());
                let Some(rssi) = set.unwrap_or(Some(loudness)) else { continue };
                deliveries.extend(post.hears(now, &address, &advert, rssi).into_iter().map(|packet| (at, packet)));
            }
        }
        deliveries
    }

    /// When the next advert is to be sent, if any is.
    pub fn due(&self) -> Option<u64> {
        let posts = self.posts.iter().filter(|post| post.advertising).map(|post| post.due);
        posts.chain(self.neighbours.values().map(|neighbour| neighbour.due)).min()
    }

    /// What the stranger heard that was new.
    pub fn overheard(&mut self) -> Vec<Told> {
        self.ear.as_mut().map(Ear::told).unwrap_or_default()
    }

    fn flood(&mut self, count: u32, data: &str) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for _ in 0..count {
            self.floods += 1;
            let [a, b, c, d] = self.floods.to_be_bytes();
            let bytes = HEXLOWER.decode(data.replace("ii", &format!("{d:02x}")).as_bytes()).unwrap_or_default();
            let advert = Advert { kind: 3, random: true, every: 0, data: bytes, response: Vec::new() };
            for (at, post) in self.posts.iter_mut().enumerate() {
                let packets = post.hears(self.now, &[d, c, b, a, 0xf0, 0xc0], &advert, LOUDNESS);
                deliveries.extend(packets.into_iter().map(|packet| (at, packet)));
            }
        }
        deliveries
    }
}

impl Post {
    fn address(&self) -> Address {
        if self.advert.random { self.own } else { self.public }
    }

    fn says(&self, by: usize) -> Told {
        Told::Advert {
            by,
            address: shown(&self.address()),
            random: self.advert.random,
            connectable: matches!(self.advert.kind, 0 | 1 | 4),
            data: HEXLOWER.encode(&self.advert.data),
        }
    }

    /// The packets this host gets of an advert: nothing when it does not listen or has heard just that.
    fn hears(&mut self, now: u64, from: &Address, advert: &Advert, rssi: i8) -> Vec<Vec<u8>> {
        let Some(filter) = self.listening else { return Vec::new() };
        let known = self.heard.get(from).is_some_and(|(data, at)| *data == advert.data && now < at + MEMORY);
        if filter && known {
            return Vec::new();
        }
        self.heard.insert(*from, (advert.data.clone(), now));
        let kind = match advert.kind {
            1 | 4 => 1,
            other => other,
        };
        let mut packets = vec![report(kind, from, advert.random, &advert.data, rssi)];
        if self.active && matches!(advert.kind, 0 | 2) {
            packets.push(report(4, from, advert.random, &advert.response, rssi));
        }
        packets
    }
}

/// LE Advertising Report with one report.
fn report(kind: u8, from: &Address, random: bool, data: &[u8], rssi: i8) -> Vec<u8> {
    let length = u8::try_from(data.len()).unwrap_or(31);
    let mut packet = vec![4, 0x3e, 12 + length, 0x02, 1, kind, u8::from(random)];
    packet.extend_from_slice(from);
    packet.push(length);
    packet.extend_from_slice(data);
    packet.push(rssi.to_le_bytes()[0]);
    packet
}

/// The bytes of a field that begins with their number.
fn filled(field: &[u8]) -> Vec<u8> {
    let [length, bytes @ ..] = field else { return Vec::new() };
    bytes.get(..usize::from(*length)).unwrap_or_default().to_vec()
}

/// An address as people write it.
pub fn shown(address: &Address) -> String {
    address.iter().rev().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn parsed(text: &str) -> Option<Address> {
    let bytes: Vec<u8> = text.rsplit(':').map(|part| u8::from_str_radix(part, 16).ok()).collect::<Option<_>>()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Address = [1, 2, 3, 4, 5, 6];

    /// Controller 0 advertises "hi" to whoever connects, controller 1 listens.
    fn two(filter: u8) -> Air {
        let mut air = Air::new(2);
        air.from_controller(0, &[4, 0x0e, 10, 1, 0x09, 0x10, 0, 1, 2, 3, 4, 5, 6]);
        air.from_host(0, &[1, 0x06, 0x20, 15, 0xa0, 0, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0]);
        air.from_host(0, &[1, 0x08, 0x20, 32, 2, b'h', b'i', 0, 0]);
        let told = air.from_host(0, &[1, 0x0a, 0x20, 1, 1]);
        let (address, data) = ("06:05:04:03:02:01".to_owned(), "6869".to_owned());
        assert_eq!(told, Some(Told::Advert { by: 0, address, random: false, connectable: true, data }));
        air.from_host(1, &[1, 0x0b, 0x20, 7, 1, 0, 0, 0, 0, 0, 0]);
        let told = air.from_host(1, &[1, 0x0c, 0x20, 2, 1, filter]);
        assert_eq!(told, Some(Told::Scan { by: 1, on: true, active: true }));
        air
    }

    #[test]
    fn who_listens_hears_who_advertises_as_loud_as_is_said() {
        let mut air = two(0);
        air.ordered(Order::Loudness { of: 0, at: 1, rssi: Some(-40) });
        let heard = air.heard(0);
        let mut first = vec![4, 0x3e, 14, 2, 1, 0, 0, 1, 2, 3, 4, 5, 6, 2, b'h', b'i', 0xd8];
        assert_eq!(ADDRESS[..], first[7..13]);
        assert_eq!(heard.first(), Some(&(1, first.clone())));
        // Who listens actively is told that there is no more to be said.
        first.splice(13..16, [0]);
        (first[2], first[5]) = (12, 4);
        assert_eq!(heard.get(1), Some(&(1, first)));
        assert_eq!((air.heard(50), air.due()), (vec![], Some(100)), "its interval is 100 ms");
        assert_eq!(air.heard(100).len(), 2);
        air.ordered(Order::Loudness { of: 0, at: 1, rssi: None });
        assert_eq!(air.heard(200), []);
    }

    #[test]
    fn duplicates_are_filtered_for_a_second_and_until_the_next_scan() {
        let mut air = two(1);
        assert_eq!((air.heard(0).len(), air.heard(100).len(), air.heard(1100).len()), (2, 0, 2));
        air.from_host(1, &[1, 0x0c, 0x20, 2, 1, 1]);
        assert_eq!(air.heard(1200).len(), 2);
    }

    #[test]
    fn who_is_connected_to_falls_silent_and_btvirts_own_adverts_do_not_pass() {
        let mut air = two(0);
        let (passes, told) = air.from_controller(0, &[4, 0x3e, 19, 1, 0, 42, 0, 1, 0]);
        assert_eq!((passes, told), (true, Some(Told::Link { by: 0, central: false })));
        assert_eq!(air.heard(0), []);
        assert_eq!(air.from_controller(1, &[4, 0x3e, 12, 2, 1, 0]), (false, None));
    }

    #[test]
    fn there_is_one_link_between_two_until_it_ends() {
        let mut air = two(0);
        air.from_controller(1, &[4, 0x0e, 10, 1, 0x09, 0x10, 0, 9, 9, 9, 9, 9, 9]);
        let create = |to: Address| [&[1, 0x0d, 0x20, 25, 0, 0, 0, 0, 0, 0][..], &to].concat();
        let exists = Fate::Answered(vec![4, 0x0f, 4, 0x0b, 1, 0x0d, 0x20]);
        assert_eq!(air.fate(1, &create(ADDRESS)), Fate::Passed);
        assert_eq!(air.fate(0, &create([9; 6])), exists, "it is about to be there");
        air.from_controller(1, &[4, 0x3e, 19, 1, 0, 42, 0, 0, 0]);
        air.from_controller(0, &[4, 0x3e, 19, 1, 0, 43, 0, 1, 0]);
        assert_eq!((air.fate(1, &create(ADDRESS)), air.fate(0, &create([9; 6]))), (exists.clone(), exists));
        air.from_controller(1, &[4, 0x05, 4, 0, 42, 0, 0x13]);
        assert_eq!(air.fate(0, &create([9; 6])), Fate::Passed);
        assert_eq!(air.fate(0, &[1, 0x0e, 0x20, 0]), Fate::Passed);
        assert_eq!(air.fate(1, &create(ADDRESS)), Fate::Passed, "the first was given up");
    }

    #[test]
    fn neighbours_and_floods_are_heard_by_who_listens() {
        let mut air = two(1);
        air.from_host(0, &[1, 0x0a, 0x20, 1, 0]);
        let (name, address, data) = ("n".to_owned(), "C0:00:00:00:00:01".to_owned(), "0201".to_owned());
        air.ordered(Order::Neighbour { name: name.clone(), address, kind: 3, data, rssi: -70 });
        assert_eq!(air.heard(0), [(1, vec![4, 0x3e, 14, 2, 1, 3, 1, 1, 0, 0, 0, 0, 0xc0, 2, 2, 1, 0xba])]);
        air.ordered(Order::Gone { name });
        assert_eq!(air.heard(5000), []);
        let (told, heard) = air.ordered(Order::Flood { count: 300, data: "02ii".to_owned() });
        assert_eq!((told, heard.len()), (Some(Told::Flooded), 300));
        assert_ne!(heard.first(), heard.get(256));
    }
}
