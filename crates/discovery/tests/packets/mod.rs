//! DNS packets written by hand, as an attacker on the loopback interface would send them.

use socket2::{Domain, Protocol, Socket, Type};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{net::UdpSocket, sync::mpsc, time::timeout};

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const TTL: [u8; 4] = [0, 0, 0, 120];

fn socket(bind: Ipv4Addr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.set_nonblocking(true).unwrap();
    let address: SocketAddr = (bind, 5353).into();
    socket.bind(&address.into()).unwrap();
    socket
}

/// Reads along from the moment it is made.
pub(crate) struct Listener(mpsc::UnboundedReceiver<Vec<u8>>);

impl Listener {
    pub(crate) fn on_loopback() -> Self {
        let socket = socket(GROUP);
        socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
        let socket = UdpSocket::from_std(socket.into()).unwrap();
        let (packets, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut buffer = vec![0; 9_000];
            while let Ok(length) = socket.recv(&mut buffer).await {
                if packets.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self(heard)
    }

    /// Whether this advert has said goodbye since the listener was made.
    pub(crate) async fn heard_goodbye(&mut self, instance: &str) -> bool {
        const POINTER_WITHOUT_LIFE: &[u8] = &[0, 12, 0, 1, 0, 0, 0, 0];
        let last = format!("last word on {instance}");
        Sender::on_loopback().send(last.as_bytes()).await;
        let has = |packet: &[u8], part: &[u8]| packet.windows(part.len()).any(|w| w == part);
        let mut heard = false;
        loop {
            let packet =
                timeout(Duration::from_secs(30), self.0.recv()).await.expect("the last word was lost").unwrap();
            if packet == last.as_bytes() {
                return heard;
            }
            heard |= has(&packet, instance.as_bytes()) && has(&packet, POINTER_WITHOUT_LIFE);
        }
    }
}

/// Speaks.
pub(crate) struct Sender(UdpSocket);

impl Sender {
    pub(crate) fn on_loopback() -> Self {
        let socket = socket(Ipv4Addr::LOCALHOST);
        socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        Self(UdpSocket::from_std(socket.into()).unwrap())
    }

    async fn send(&self, packet: &[u8]) {
        self.0.send_to(packet, (GROUP, 5353)).await.unwrap();
    }

    /// A whole advert in one response.
    pub(crate) async fn advert(&self, instance: &str, address: [u8; 4], port: u16, txt: &[&[u8]]) {
        self.send(&advert(instance, address, port, txt)).await;
    }

    /// Truncated, looping, lying and random packets.
    pub(crate) async fn broken(&self, count: usize) {
        let whole = advert(&"ab".repeat(16), [127, 0, 0, 1], 1, &[b"v=1", b"e=5"]);
        for number in 0..count {
            let mut packet = whole.clone();
            match number % 6 {
                0 => packet.truncate(number % whole.len()),
                // A name that points at itself, and one that points ahead.
                1 => packet.splice(12..14, [0xc0, 0x0c]).for_each(drop),
                2 => packet.splice(12..14, [0xc3, 0xff]).for_each(drop),
                // Counts and lengths that promise more than there is.
                3 => packet.splice(4..12, [0xff; 8]).for_each(drop),
                4 => {
                    let at = 12 + number % (whole.len() - 12);
                    packet[at] = packet[at].wrapping_add(u8::try_from(number % 255).unwrap()).wrapping_add(1);
                }
                _ => {
                    packet = vec![0; number % 1_400];
                    getrandom::fill(&mut packet).unwrap();
                }
            }
            self.send(&packet).await;
        }
        // The largest TXT record that a packet can hold.
        let entry = [b'x'; 250];
        self.send(&advert(&"cd".repeat(16), [127, 0, 0, 1], 1, &[&entry[..]; 34])).await;
    }
}

fn name(labels: &[&str]) -> Vec<u8> {
    let mut out = vec![];
    for label in labels {
        out.push(u8::try_from(label.len()).unwrap());
        out.extend(label.bytes());
    }
    out.push(0);
    out
}

fn record(owner: &[u8], kind: u8, class: [u8; 2], content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [owner, &[0, kind], &class, &TTL, &length, content].concat()
}

fn advert(instance: &str, address: [u8; 4], port: u16, txt: &[&[u8]]) -> Vec<u8> {
    const SHARED: [u8; 2] = [0, 1];
    const UNIQUE: [u8; 2] = [0x80, 1];
    let service = name(&["_hither", "_tcp", "local"]);
    let full = name(&[instance, "_hither", "_tcp", "local"]);
    let host_label = format!("h{}", instance.replace(' ', "-"));
    let host = name(&[&host_label, "local"]);
    let location = [&[0, 0, 0, 0], &port.to_be_bytes()[..], &host].concat();
    let text: Vec<u8> = txt.iter().flat_map(|e| [&[u8::try_from(e.len()).unwrap()], *e].concat()).collect();
    [
        vec![0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0],
        record(&service, 12, SHARED, &full),
        record(&full, 33, UNIQUE, &location),
        record(&full, 16, UNIQUE, &text),
        record(&host, 1, UNIQUE, &address),
    ]
    .concat()
}
