//! Several hosts on one machine: network namespaces joined by a bridge that has a namespace of its own, so that the
//! machine's interfaces and firewall are never touched.
//!
//! Host *i* (counted from 0) has the interface `eth0` with 10.77.0.(i+1)/24, fd77::(i+1)/64 and a link-local address;
//! multicast is real (the bridge does not snoop). Each host has its own processes, host name, `/run` and home. When the
//! lab is dropped, or the test process dies however it may, the kernel ends every process of every host: each host
//! lives as long as a pipe that this process holds.
//!
//! Needs root, or a user namespace in which one is root (`script/test` makes one where it can).

mod faults;
mod space;

pub use faults::Loss;

use crate::{Seat, program, skip::skipped};
use space::{Space, run_in};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// Where each host finds the program under test.
pub const PROGRAM: &str = "/run/bin/hither";

/// Which addresses the hosts of a lab have, besides IPv6 link-local ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// IPv4 addresses.
    pub ipv4: bool,
    /// Unique local IPv6 addresses (RFC 4193).
    pub ula: bool,
    /// Whether the hosts can start the program under test.
    pub program: bool,
}

impl Shape {
    /// IPv4, unique local and link-local addresses, and the program.
    pub const FULL: Self = Self { ipv4: true, ula: true, program: true };
    /// Nothing but IPv6.
    pub const IPV6_ONLY: Self = Self { ipv4: false, ..Self::FULL };
    /// The network alone.
    pub const BARE: Self = Self { program: false, ..Self::FULL };
}

/// Hosts and the bridge between them.
#[derive(Debug)]
pub struct Lab {
    switch: Space,
    hosts: Vec<Host>,
}

/// One host.
#[derive(Debug)]
pub struct Host {
    space: Space,
    number: usize,
}

/// Why there can be no lab here.
pub type Reason = String;

impl Lab {
    /// Whether this machine lets us make hosts: tried, not guessed.
    ///
    /// # Errors
    /// What is missing.
    pub fn available() -> Result<(), Reason> {
        for tool in ["unshare", "nsenter", "ip", "bridge", "nft", "tc", "mount"] {
            if !program::on_path(tool) {
                return Err(format!("the tool `{tool}` is missing: run script/bootstrap"));
            }
        }
        let mut probe = Command::new("unshare");
        probe.args(["--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "sh", "-ec"]);
        probe.arg("ip link add br0 type bridge; nft add table bridge probe; mount -t tmpfs tmpfs /run");
        let out = probe.output().map_err(|e| format!("unshare cannot be started: {e}"))?;
        if out.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&out.stderr);
        Err(format!(
            "hosts need root and network namespaces ({})",
            said.lines().next().unwrap_or("no reason given").trim()
        ))
    }

    /// A lab of `count` full hosts; `None`, and the reason noted, where there can be none.
    pub fn of(count: usize) -> Option<Self> {
        Self::shaped(count, Shape::FULL)
    }

    /// A lab of `count` hosts of this shape; `None`, and the reason noted, where there can be none.
    ///
    /// # Panics
    /// When hosts can be made here but something goes wrong with these, or the program has not been built.
    pub fn shaped(count: usize, shape: Shape) -> Option<Self> {
        if let Err(reason) = Self::available() {
            skipped("netns", &reason);
            return None;
        }
        Some(Self::build(count, shape).unwrap_or_else(|why| panic!("the lab: {why}")))
    }

    fn build(count: usize, shape: Shape) -> Result<Self, String> {
        static LABS: AtomicU32 = AtomicU32::new(0);
        let name = format!("h{}-{}", std::process::id(), LABS.fetch_add(1, Ordering::Relaxed));
        let program = if shape.program { Some(program::hither()?) } else { None };
        let switch = Space::switch()?;
        switch.shell(SWITCH)?;
        let mut lab = Self { switch, hosts: Vec::with_capacity(count) };
        for number in 0..count {
            let space = Space::host(&format!("{name}-{number}"), program.as_deref())?;
            lab.plug(&space, &format!("p{number}"), "eth0")?;
            let host = Host { space, number };
            host.address("eth0", shape, number + 1)?;
            lab.hosts.push(host);
        }
        Ok(lab)
    }

    /// A cable from the bridge's `port` to an `interface` of a host.
    fn plug(&self, host: &Space, port: &str, interface: &str) -> Result<(), String> {
        let pid = host.pid();
        self.switch.shell(&format!(
            "ip link add {port} type veth peer name {interface} netns {pid}\nip link set {port} master br0 up"
        ))
    }

    /// A host, counted from 0.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn host(&self, number: usize) -> &Host {
        self.hosts.get(number).unwrap_or_else(|| panic!("the lab has {} hosts", self.hosts.len()))
    }

    /// The administrator's seat at a host.
    ///
    /// # Panics
    /// When there are not so many hosts, or the seat cannot be made.
    pub fn seat(&self, number: usize) -> Seat {
        self.host(number).seat(&format!("host {number}"), 0)
    }

    /// A second cable from a host to the bridge (`eth1`), in the same subnets.
    ///
    /// # Errors
    /// What the system said.
    pub fn second_cable(&self, number: usize) -> Result<(), String> {
        let host = self.host(number);
        self.plug(&host.space, &format!("p{number}b"), "eth1")?;
        host.address("eth1", Shape::FULL, number + 101)
    }
}

impl Host {
    fn address(&self, interface: &str, shape: Shape, last: usize) -> Result<(), String> {
        let mut script = format!(
            "echo 0 >/proc/sys/net/ipv6/conf/{interface}/accept_dad\nip link set lo up\nip link set {interface} multicast on up\n"
        );
        if shape.ipv4 {
            let _ = writeln!(script, "ip addr add 10.77.0.{last}/24 brd + dev {interface}");
        }
        if shape.ula {
            let _ = writeln!(script, "ip addr add fd77::{last:x}/64 dev {interface} nodad");
        }
        self.space.shell(&script)
    }

    /// Its IPv4 address, while nobody changed it.
    pub fn ipv4(&self) -> String {
        format!("10.77.0.{}", self.number + 1)
    }

    /// Its unique local address, while nobody changed it.
    pub fn ula(&self) -> String {
        format!("fd77::{:x}", self.number + 1)
    }

    /// A seat for a user of this host, with a directory of its own.
    ///
    /// # Panics
    /// When its directory cannot be made.
    pub fn seat(&self, title: &str, user: u32) -> Seat {
        let base = PathBuf::from(format!("/run/people/{user}"));
        let made = self.space.shell(&format!(
            "for d in '' /run /home /tmp; do install -d -m 700 -o {user} -g {user} {base}$d; done",
            base = base.display()
        ));
        made.unwrap_or_else(|why| panic!("a seat for user {user}: {why}"));
        Seat::at_host(title.to_owned(), self.space.pid(), user, base)
    }

    /// Whether somebody can be this user here: not in a user namespace, which knows its administrator only.
    pub fn knows_user(&self, user: u32) -> bool {
        self.space.shell(&format!("setpriv --reuid {user} --regid {user} --clear-groups true")).is_ok()
    }

    /// Runs a shell script on the host, as its administrator.
    ///
    /// # Errors
    /// What it said on standard error, when it failed.
    pub fn shell(&self, script: &str) -> Result<(), String> {
        self.space.shell(script)
    }

    /// Gives the host's `eth0` other addresses and takes the present ones away.
    ///
    /// # Errors
    /// What the system said.
    pub fn move_to(&self, last: usize) -> Result<(), String> {
        self.space.shell(&format!(
            "ip addr del 10.77.0.{}/24 dev eth0\nip addr del fd77::{:x}/64 dev eth0\n\
             ip addr add 10.77.0.{last}/24 brd + dev eth0\nip addr add fd77::{last:x}/64 dev eth0 nodad",
            self.number + 1,
            self.number + 1
        ))
    }

    /// A file system of `mebibytes` at `path` (made if absent), open to every user of the host.
    ///
    /// # Errors
    /// What the system said.
    pub fn small_disk(&self, path: &Path, mebibytes: u32) -> Result<(), String> {
        let path = path.display();
        self.space.shell(&format!("mkdir -p '{path}'\nmount -t tmpfs -o size={mebibytes}m,mode=1777 tmpfs '{path}'"))
    }

    /// Bytes its `eth0` has sent so far, headers included.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn sent_bytes(&self) -> Result<u64, String> {
        let shown = self.output("cat", &["/proc/net/dev"])?;
        let line = shown.lines().find_map(|line| line.trim().strip_prefix("eth0:"));
        line.and_then(|l| l.split_whitespace().nth(8)?.parse().ok()).ok_or(shown)
    }

    /// Runs a command on the host and gives its standard output.
    ///
    /// # Errors
    /// What it said on standard error, when it failed.
    pub fn output(&self, program: &str, args: &[&str]) -> Result<String, String> {
        run_in(self.space.pid(), true, program, args)
    }
}

/// The bridge, with the firewall table the faults use.
const SWITCH: &str = "ip link set lo up
ip link add br0 type bridge stp_state 0 mcast_snooping 0 forward_delay 0
ip link set br0 up
nft -f - <<'TABLE'
table bridge faults {
    set mute { type ifname; }
    set unicast_only { type ifname; }
    chain loss { }
    chain switching {
        type filter hook forward priority 0; policy accept;
        iifname @mute drop
        oifname @mute drop
        iifname @unicast_only meta pkttype multicast ip daddr 224.0.0.0/4 drop
        oifname @unicast_only meta pkttype multicast ip daddr 224.0.0.0/4 drop
        iifname @unicast_only meta pkttype multicast udp dport 5353 drop
        oifname @unicast_only meta pkttype multicast udp dport 5353 drop
        jump loss
    }
}
TABLE";
