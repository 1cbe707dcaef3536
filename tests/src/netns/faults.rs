//! What can go wrong on the link, one call each. Every fault can be taken back.

use super::{Lab, space::run_in};

/// How many of a host's packets are lost, in both directions, per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss(pub u8);

impl Lab {
    /// Pulls the host's cable: its interface loses the carrier.
    ///
    /// # Errors
    /// What the system said; so for every fault here.
    pub fn cut(&self, host: usize) -> Result<(), String> {
        self.switch.shell(&format!("ip link set p{host} down"))
    }

    /// Plugs the cable in again.
    ///
    /// # Errors
    /// What the system said.
    pub fn join(&self, host: usize) -> Result<(), String> {
        self.switch.shell(&format!("ip link set p{host} up"))
    }

    /// Nothing passes any more, yet the carrier stays: the other end of a wireless link that went away.
    ///
    /// # Errors
    /// What the system said.
    pub fn mute(&self, host: usize) -> Result<(), String> {
        self.element("add", "mute", host)
    }

    /// Takes [`Lab::mute`] back.
    ///
    /// # Errors
    /// What the system said.
    pub fn unmute(&self, host: usize) -> Result<(), String> {
        self.element("delete", "mute", host)
    }

    /// Multicast to and from the host is dropped, as some access points do; the rest passes.
    ///
    /// # Errors
    /// What the system said.
    pub fn drop_multicast(&self, host: usize) -> Result<(), String> {
        self.element("add", "unicast_only", host)
    }

    /// Takes [`Lab::drop_multicast`] back.
    ///
    /// # Errors
    /// What the system said.
    pub fn pass_multicast(&self, host: usize) -> Result<(), String> {
        self.element("delete", "unicast_only", host)
    }

    /// Client isolation as on a guest network: isolated hosts cannot reach each other.
    ///
    /// # Errors
    /// What the system said.
    pub fn isolate(&self, host: usize, isolated: bool) -> Result<(), String> {
        let word = if isolated { "on" } else { "off" };
        self.switch.shell(&format!("bridge link set dev p{host} isolated {word}"))
    }

    /// Loses packets of a host at random; `Loss(0)` ends every loss in the lab.
    ///
    /// # Errors
    /// What the system said.
    pub fn lose(&self, host: usize, Loss(percent): Loss) -> Result<(), String> {
        let chance = match percent {
            0 => return self.switch.shell("nft flush chain bridge faults loss"),
            1..=99 => format!("numgen random mod 100 '<' {percent}"),
            _ => String::new(),
        };
        self.switch.shell(&format!(
            "nft add rule bridge faults loss iifname p{host} {chance} drop\n\
             nft add rule bridge faults loss oifname p{host} {chance} drop"
        ))
    }

    /// Limits what goes to the host to so many megabits a second.
    ///
    /// # Errors
    /// What the system said.
    pub fn limit(&self, host: usize, megabits: u32) -> Result<(), String> {
        self.switch
            .shell(&format!("tc qdisc replace dev p{host} root tbf rate {megabits}mbit burst 128kb latency 50ms"))
    }

    /// Takes [`Lab::limit`] back.
    ///
    /// # Errors
    /// What the system said.
    pub fn unlimit(&self, host: usize) -> Result<(), String> {
        self.switch.shell(&format!("tc qdisc del dev p{host} root"))
    }

    /// Counts what a host sends to the mDNS port from now on.
    ///
    /// # Errors
    /// What the system said.
    pub fn count_mdns(&self, host: usize) -> Result<(), String> {
        self.switch.shell(&format!(
            "nft add table netdev heard\n\
             nft add chain netdev heard p{host} '{{ type filter hook ingress device p{host} priority 0; }}'\n\
             nft add rule netdev heard p{host} udp dport 5353 counter"
        ))
    }

    /// How many packets [`Lab::count_mdns`] has counted.
    ///
    /// # Errors
    /// What the system said.
    pub fn counted_mdns(&self, host: usize) -> Result<u64, String> {
        let chain = format!("p{host}");
        let shown = run_in(self.switch.pid(), false, "nft", &["list", "chain", "netdev", "heard", &chain])?;
        let mut words = shown.split_whitespace().skip_while(|word| *word != "packets").skip(1);
        words.next().and_then(|n| n.parse().ok()).ok_or(shown)
    }

    fn element(&self, verb: &str, set: &str, host: usize) -> Result<(), String> {
        self.switch.shell(&format!("nft {verb} element bridge faults {set} '{{ p{host} }}'"))
    }
}
