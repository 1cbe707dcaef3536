//! Writes a "newc" cpio archive, what a kernel unpacks as its first file system (Linux, Documentation/driver-api/
//! early-userspace/buffer-format.rst). Everything belongs to root; there are no devices (the guest mounts devtmpfs).

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Directory,
    File { executable: bool, content: Vec<u8> },
}

/// A tree of files. Paths begin with `/`; directories above an entry are made by themselves.
#[derive(Debug, Default)]
pub(super) struct Tree(BTreeMap<String, Entry>);

impl Tree {
    /// Puts an entry at a path, over what was there.
    pub(super) fn put(&mut self, path: &str, entry: Entry) {
        let path = path.trim_start_matches('/');
        for (at, _) in path.match_indices('/') {
            let above = path.get(..at).unwrap_or_default();
            self.0.entry(above.to_owned()).or_insert(Entry::Directory);
        }
        self.0.insert(path.to_owned(), entry);
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path.trim_start_matches('/'))
    }

    /// Writes the archive.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut number = 0;
        for (path, entry) in &self.0 {
            number += 1;
            let (mode, content) = match entry {
                Entry::Directory => (0o040_755, &b""[..]),
                Entry::File { executable: true, content } => (0o100_755, &content[..]),
                Entry::File { executable: false, content } => (0o100_644, &content[..]),
            };
            record(out, number, mode, path, content)?;
        }
        record(out, 0, 0, "TRAILER!!!", b"")
    }
}

/// One entry: thirteen numbers of eight hexadecimal digits, the name with a zero byte, the content; name and content
/// each filled up to a multiple of four.
fn record(out: &mut impl Write, number: usize, mode: usize, name: &str, content: &[u8]) -> io::Result<()> {
    let numbers = [number, mode, 0, 0, 1, 0, content.len(), 0, 0, 0, 0, name.len() + 1, 0];
    let mut head = String::from("070701");
    for value in numbers {
        head.push_str(&format!("{value:08x}"));
    }
    head.push_str(name);
    head.push('\0');
    out.write_all(head.as_bytes())?;
    out.write_all(filler(head.len()))?;
    out.write_all(content)?;
    out.write_all(filler(content.len()))
}

fn filler(length: usize) -> &'static [u8] {
    &b"\0\0\0"[..(4 - length % 4) % 4]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_directories_before_their_files_and_ends_on_a_boundary() {
        let mut tree = Tree::default();
        tree.put("/etc/a/b", Entry::File { executable: true, content: b"hello".to_vec() });
        tree.put("/bin", Entry::Directory);
        let mut out = Vec::new();
        tree.write(&mut out).unwrap();
        assert_eq!(out.len() % 4, 0);
        let text = String::from_utf8_lossy(&out);
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what}"));
        assert!(at("bin\0") < at("etc\0") && at("etc\0") < at("etc/a\0") && at("etc/a\0") < at("etc/a/b\0"));
        assert!(text.contains("000081ed") && text.contains("00000005") && text.contains("hello\0\0\0"));
        assert!(tree.has("/etc/a") && !tree.has("/etc/b"));
    }
}
