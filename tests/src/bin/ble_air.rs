//! Virtual controllers for the guest: `ble-air COUNT`. Each is a `/dev/vhci` towards the kernel and a socket towards
//! btvirt; what passes is told to [`hither_tests::ble::air`], which decides what is heard. Orders come as JSON lines on
//! standard input, what happens goes as JSON lines to standard output. It ends with its standard input.

use hither_tests::ble::{
    air::{Air, Delivery, Fate, Order, Told},
    words::{hear, say},
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// Where `btvirt -s` takes controllers that are LE only.
const SERVER: &str = "/tmp/bt-server-le";

/// How often a thing that is about to come is looked for.
const TICK: Duration = Duration::from_millis(20);

/// How long the air may be left alone: until the next advert is due, or a host wants something else.
const LONGEST_REST: Duration = Duration::from_millis(500);

/// A controller's two ends.
#[derive(Clone)]
struct Ends {
    host: Arc<File>,
    controller: Arc<UnixStream>,
    unplugged: Arc<AtomicBool>,
}

/// The air, its controllers, and the one line of output.
struct Sky {
    air: Mutex<Air>,
    ends: Mutex<Vec<Option<Ends>>>,
    ticker: OnceLock<Thread>,
}

fn main() -> io::Result<()> {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2);
    let _ = std::fs::remove_file(SERVER);
    let mut btvirt = Command::new("btvirt").arg("-s").stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let mut ends = Vec::new();
    for _ in 0..count {
        ends.push(Some(plugged()?));
    }
    let sky =
        Arc::new(Sky { air: Mutex::new(Air::new(count)), ends: Mutex::new(ends.clone()), ticker: OnceLock::new() });
    for (index, ends) in ends.into_iter().flatten().enumerate() {
        let (above, below) = (Arc::clone(&sky), Arc::clone(&sky));
        let same = ends.clone();
        thread::spawn(move || above.down(index, &ends));
        thread::spawn(move || below.up(index, &same));
    }
    let ticking = Arc::clone(&sky);
    let ticker = thread::spawn(move || ticking.tick());
    let _ = sky.ticker.set(ticker.thread().clone());
    let mut orders = io::stdin().lock();
    while let Some(order) = hear::<Order>(&mut orders)? {
        sky.obey(order);
    }
    let _ = btvirt.kill();
    btvirt.wait().map(drop)
}

/// A new controller: the kernel gets it, btvirt is it.
fn plugged() -> io::Result<Ends> {
    let began = Instant::now();
    let controller = loop {
        match UnixStream::connect(SERVER) {
            Ok(stream) => break stream,
            Err(error) if began.elapsed() > Duration::from_secs(20) => return Err(error),
            Err(_) => thread::park_timeout(TICK),
        }
    };
    let host = File::options().read(true).write(true).open("/dev/vhci")?;
    // A vendor's packet: make a primary controller. The kernel answers with its number.
    (&host).write_all(&[0xff, 0])?;
    let mut answer = [0; 16];
    let _ = (&host).read(&mut answer)?;
    Ok(Ends { host: Arc::new(host), controller: Arc::new(controller), unplugged: Arc::default() })
}

fn tell(told: Option<Told>) {
    if let Some(told) = told {
        let _ = say(&mut io::stdout().lock(), &told);
    }
}

impl Sky {
    fn air(&self) -> std::sync::MutexGuard<'_, Air> {
        self.air.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From the kernel to btvirt, until the controller is unplugged.
    fn down(&self, index: usize, ends: &Ends) {
        let mut packet = vec![0; 4096];
        let pause = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };
        while !ends.unplugged.load(Ordering::Relaxed) {
            if poll(&mut [PollFd::new(&*ends.host, PollFlags::IN)], Some(&pause)).unwrap_or(0) == 0 {
                continue;
            }
            let Ok(n @ 1..) = (&*ends.host).read(&mut packet) else { break };
            let packet = packet.get(..n).unwrap_or_default();
            // The test hears of it before the controller does.
            let (told, fate) = {
                let mut air = self.air();
                (air.from_host(index, packet), air.fate(index, packet))
            };
            if told.is_some() {
                self.wake();
            }
            tell(told);
            if let Fate::Answered(answer) = fate {
                let _ = (&*ends.host).write_all(&answer);
                continue;
            }
            if (&*ends.controller).write_all(packet).is_err() {
                break;
            }
        }
    }

    /// From btvirt to the kernel.
    fn up(&self, index: usize, ends: &Ends) {
        while let Ok(packet) = framed(&ends.controller) {
            let (pass, told) = self.air().from_controller(index, &packet);
            if pass && (&*ends.host).write_all(&packet).is_err() {
                break;
            }
            tell(told);
            if ends.unplugged.load(Ordering::Relaxed) {
                break;
            }
        }
    }

    fn tick(&self) {
        let began = Instant::now();
        loop {
            let now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let (heard, overheard, due) = {
                let mut air = self.air();
                (air.heard(now), air.overheard(), air.due())
            };
            self.deliver(heard);
            overheard.into_iter().for_each(|told| tell(Some(told)));
            let rest = due.map_or(LONGEST_REST, |due| Duration::from_millis(due.saturating_sub(now)));
            thread::park_timeout(rest.min(LONGEST_REST));
        }
    }

    /// Something is to be sent that was not before.
    fn wake(&self) {
        if let Some(ticker) = self.ticker.get() {
            ticker.unpark();
        }
    }

    fn deliver(&self, deliveries: Vec<Delivery>) {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (at, packet) in deliveries {
            if let Some(Some(ends)) = ends.get(at) {
                let _ = (&*ends.host).write_all(&packet);
            }
        }
    }

    fn obey(&self, order: Order) {
        if let Order::Unplug { controller } = order {
            let taken =
                self.ends.lock().unwrap_or_else(PoisonError::into_inner).get_mut(controller).and_then(Option::take);
            if let Some(ends) = taken {
                // Both threads let go of their ends; the kernel then takes the controller away.
                ends.unplugged.store(true, Ordering::Relaxed);
                let _ = ends.controller.shutdown(std::net::Shutdown::Both);
            }
        }
        let (told, heard) = self.air().ordered(order);
        self.deliver(heard);
        self.wake();
        tell(told);
    }
}

/// One packet of a stream: its kind, its head, which tells how long the rest is (Core volume 4 part A, UART).
fn framed(mut from: &UnixStream) -> io::Result<Vec<u8>> {
    let mut packet = vec![0];
    from.read_exact(&mut packet)?;
    let head = match packet.first() {
        Some(4) => 2,
        Some(3) => 3,
        Some(2 | 5) => 4,
        _ => return Err(io::Error::other("btvirt speaks another language")),
    };
    packet.resize(1 + head, 0);
    from.read_exact(packet.get_mut(1..).unwrap_or_default())?;
    let rest = match packet[..] {
        [4, _, length] | [3, _, _, length] => usize::from(length),
        [_, _, _, low, high] => usize::from(u16::from_le_bytes([low, high])),
        _ => 0,
    };
    packet.resize(1 + head + rest, 0);
    from.read_exact(packet.get_mut(1 + head..).unwrap_or_default())?;
    Ok(packet)
}
