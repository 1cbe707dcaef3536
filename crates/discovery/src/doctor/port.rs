//! Who else has the mDNS port open. Linux tells under /proc; elsewhere nothing is known.

use std::{collections::BTreeSet, io};

/// Another program with UDP port 5353 open. Usually the system's responder, which is fine: the port is shared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The account it runs under.
    pub uid: u32,
    /// Its name, if this account may know.
    pub program: Option<String>,
}

/// Other programs with the mDNS port open, each once.
///
/// # Errors
/// The system does not tell.
#[cfg(target_os = "linux")]
pub fn port_5353() -> io::Result<Vec<Holder>> {
    let tables = ["/proc/self/net/udp", "/proc/self/net/udp6"];
    let text: String = tables.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    if text.is_empty() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "the system does not list its UDP sockets"));
    }
    let ours = sockets_of("self");
    let mut open: Vec<(u32, u64)> = holders(&text, 5353);
    open.retain(|(_, inode)| !ours.contains(inode));
    let mut found = BTreeSet::new();
    for (uid, inode) in open {
        found.insert(Holder { uid, program: program_of(inode) });
    }
    Ok(found.into_iter().collect())
}

/// Other programs with the mDNS port open: unknown on this system.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn port_5353() -> io::Result<Vec<Holder>> {
    Ok(vec![])
}

/// Account and inode of each socket on a port, from the text of /proc/net/udp.
#[cfg(target_os = "linux")]
fn holders(table: &str, port: u16) -> Vec<(u32, u64)> {
    let port = format!("{port:04X}");
    let read = |line: &str| {
        let mut columns = line.split_ascii_whitespace();
        let local = columns.nth(1)?.rsplit(':').next()?;
        // uid and inode are the 8th and the 10th column.
        let uid = columns.nth(5)?.parse().ok()?;
        let inode = columns.nth(1)?.parse().ok()?;
        (local == port).then_some((uid, inode))
    };
    table.lines().filter_map(read).collect()
}

#[cfg(target_os = "linux")]
fn sockets_of(process: &str) -> BTreeSet<u64> {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let inode = |entry: std::fs::DirEntry| {
        let target = std::fs::read_link(entry.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    open.filter_map(inode).collect()
}

#[cfg(target_os = "linux")]
fn program_of(inode: u64) -> Option<String> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut numbers = processes.filter_map(|p| p.file_name().into_string().ok()).filter(|p| p.parse::<u32>().is_ok());
    let process = numbers.find(|process| sockets_of(process).contains(&inode))?;
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    Some(hither_model::text::printable(name.trim()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_on_the_mdns_port_are_listed() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  12: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000   107        0 18012 2 0000000000000000 0
  13: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 18013 2 0000000000000000 0
  14: 00000000000000000000000000000000:14E9 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 18014 2 0000000000000000 0
 garbage 14E9
";
        assert_eq!(holders(table, 5353), [(107, 18012), (1000, 18014)]);
    }

    #[test]
    fn a_socket_of_ours_is_found_to_be_ours() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let table = std::fs::read_to_string("/proc/self/net/udp").unwrap();
        let listed = holders(&table, socket.local_addr().unwrap().port());
        let ours = sockets_of("self");
        assert!(!listed.is_empty() && listed.iter().any(|(_, inode)| ours.contains(inode)));
    }
}
