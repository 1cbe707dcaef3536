//! The bytes of a manifest. One manifest has exactly one encoding, so its hash stands for it.
//!
//! `"hither manifest 1\n"`, then the number of entries (u32), then for each: parent (u32, all ones at the top), flags
//! (u8: 1 folder, 2 executable), length of the name (u8), name (UTF-8), seconds (i64), nanoseconds (u32), and for files
//! the size (u64). All numbers big-endian.

use super::{Builder, Kind, Manifest, ManifestFault, Mtime, TOP};
use crate::{
    Limits,
    bytes::{Cursor, put_short_text},
};

const MAGIC: &[u8] = b"hither manifest 1\n";
const FOLDER: u8 = 1;
const EXECUTABLE: u8 = 2;
/// The fewest bytes an entry takes: a folder with a name of one byte.
const LEAST: usize = 4 + 1 + 1 + 1 + 8 + 4;

impl Manifest {
    /// The bytes to offer. May be longer than a receiver takes; [`crate::scan`] checks that.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MAGIC.len() + 4 + self.entries.len() * 48);
        out.extend_from_slice(MAGIC);
        out.extend(self.items().to_be_bytes());
        for entry in &self.entries {
            out.extend(entry.parent.unwrap_or(TOP).to_be_bytes());
            out.push(match entry.kind {
                Kind::Folder => FOLDER,
                Kind::File { executable, .. } => u8::from(executable) * EXECUTABLE,
            });
            put_short_text(&mut out, entry.name.as_str());
            out.extend(entry.mtime.seconds.to_be_bytes());
            out.extend(entry.mtime.nanos.to_be_bytes());
            if let Kind::File { size, .. } = entry.kind {
                out.extend(size.to_be_bytes());
            }
        }
        out
    }

    /// Reads an offered manifest; nothing is allocated that the bytes do not pay for.
    ///
    /// # Errors
    /// [`ManifestFault`]: the first rule that is broken.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, ManifestFault> {
        if bytes.len() > limits.manifest_bytes {
            return Err(ManifestFault::Long { limit: limits.manifest_bytes });
        }
        let mut from = Cursor::new(bytes);
        if from.take(MAGIC.len()) != Some(MAGIC) {
            return Err(ManifestFault::Malformed("it does not begin as one"));
        }
        let count = from.u32().ok_or(ManifestFault::Malformed("it ends early"))? as usize;
        if count > limits.items {
            return Err(ManifestFault::Many { limit: limits.items });
        }
        if count > from.left() / LEAST {
            return Err(ManifestFault::Malformed("it ends early"));
        }
        let mut builder = Builder::new(limits);
        for _ in 0..count {
            take_entry(&mut from, &mut builder)?;
        }
        if from.left() > 0 {
            return Err(ManifestFault::Malformed("something follows its end"));
        }
        builder.finish()
    }
}

fn take_entry(from: &mut Cursor<'_>, builder: &mut Builder) -> Result<(), ManifestFault> {
    let early = ManifestFault::Malformed("it ends early, or a name is not UTF-8");
    let head = (|| {
        let parent = from.u32()?;
        let flags = from.u8()?;
        let name = from.short_text()?;
        let seconds = i64::from_be_bytes(from.array()?);
        let nanos = from.u32()?;
        Some((parent, flags, name, Mtime { seconds, nanos }))
    })();
    let (parent, flags, name, mtime) = head.ok_or(early.clone())?;
    let kind = match flags {
        FOLDER => Kind::Folder,
        0 | EXECUTABLE => Kind::File { size: from.u64().ok_or(early)?, executable: flags == EXECUTABLE },
        _ => return Err(ManifestFault::Malformed("an entry is neither file nor folder")),
    };
    builder.push(Some(parent).filter(|parent| *parent != TOP), name, kind, mtime)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NameFault;
    use proptest::prelude::*;

    const NOW: Mtime = Mtime { seconds: 1_700_000_000, nanos: 5 };

    fn file(size: u64) -> Kind {
        Kind::File { size, executable: false }
    }

    fn sample() -> Manifest {
        let mut builder = Builder::new(&Limits::default());
        let folder = builder.push(None, "photos", Kind::Folder, NOW).unwrap();
        builder.push(Some(folder), "a.jpg", file(10), NOW).unwrap();
        builder
            .push(None, "run.sh", Kind::File { size: 3, executable: true }, Mtime { seconds: -1, nanos: 0 })
            .unwrap();
        builder.finish().unwrap()
    }

    /// An encoded manifest with one entry, made by hand.
    fn raw(parent: u32, flags: u8, name: &[u8], size: Option<u64>) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(1u32.to_be_bytes());
        out.extend(parent.to_be_bytes());
        out.push(flags);
        out.push(name.len() as u8);
        out.extend(name);
        out.extend([0; 12]);
        out.extend(size.into_iter().flat_map(u64::to_be_bytes));
        out
    }

    #[test]
    fn a_manifest_survives_the_way_over_the_wire() {
        let manifest = sample();
        let decoded = Manifest::decode(&manifest.encode(), &Limits::default()).unwrap();
        assert_eq!(decoded, manifest);
        assert_eq!(decoded.path_text(1), "photos/a.jpg");
        let summary = decoded.summary();
        assert_eq!((summary.items, summary.files, summary.bytes), (3, 2, 13));
        assert_eq!(summary.title, "photos and 1 more");
        assert!(summary.executables);
    }

    #[test]
    fn f1_an_unsafe_name_is_refused_before_any_dialog() {
        for name in ["../x", "/x", "..", ".", "", "a\0", "a/../../b", "\\\\s\\x", "C:\\x"] {
            let fault = Manifest::decode(&raw(TOP, 0, name.as_bytes(), Some(1)), &Limits::default()).unwrap_err();
            assert!(matches!(fault, ManifestFault::Name { .. }), "{name:?}: {fault}");
        }
        assert!(Manifest::decode(&raw(TOP, 0, b"\xff\xfe", Some(1)), &Limits::default()).is_err());
        assert!(Manifest::decode(&raw(TOP, 0, b"fine", Some(1)), &Limits::default()).is_ok());
    }

    #[test]
    fn f2_two_names_that_clash_are_refused() {
        let mut builder = Builder::new(&Limits::default());
        builder.push(None, "Café", Kind::Folder, NOW).unwrap();
        let clash = builder.push(None, "CAFE\u{301}", file(1), NOW);
        assert!(matches!(clash, Err(ManifestFault::Clash { .. })));
    }

    #[test]
    fn f6_a_size_that_no_disk_has_is_refused() {
        for size in [1 << 63, u64::MAX] {
            let fault = Manifest::decode(&raw(TOP, 0, b"x", Some(size)), &Limits::default());
            assert_eq!(fault, Err(ManifestFault::Sizes));
        }
        let mut builder = Builder::new(&Limits::default());
        builder.push(None, "a", file(1 << 62), NOW).unwrap();
        assert_eq!(builder.push(None, "b", file(1 << 62), NOW), Err(ManifestFault::Sizes));
    }

    #[test]
    fn f14_counts_and_lengths_are_capped_before_anything_is_allocated() {
        let mut claim = MAGIC.to_vec();
        claim.extend(u32::MAX.to_be_bytes());
        assert_eq!(Manifest::decode(&claim, &Limits::default()), Err(ManifestFault::Many { limit: 100_000 }));
        let mut claim = MAGIC.to_vec();
        claim.extend(99_999u32.to_be_bytes());
        assert!(matches!(Manifest::decode(&claim, &Limits::default()), Err(ManifestFault::Malformed(_))));
        let small = Limits { manifest_bytes: 10, ..Limits::default() };
        assert_eq!(Manifest::decode(&claim, &small), Err(ManifestFault::Long { limit: 10 }));
        let mut builder = Builder::new(&Limits::default());
        let mut parent = None;
        let deep = (0..1000).find_map(|_| match builder.push(parent, "d", Kind::Folder, NOW) {
            Ok(number) => {
                parent = Some(number);
                None
            }
            Err(fault) => Some(fault),
        });
        assert!(matches!(deep, Some(ManifestFault::Name { fault: NameFault::Deep, .. })));
        assert_eq!(builder.len(), 64);
    }

    #[test]
    fn a_file_cannot_be_a_parent_and_a_parent_comes_first() {
        assert!(matches!(
            Manifest::decode(&raw(0, 0, b"x", Some(1)), &Limits::default()),
            Err(ManifestFault::Malformed(_))
        ));
        let mut builder = Builder::new(&Limits::default());
        builder.push(None, "file", file(1), NOW).unwrap();
        assert!(builder.push(Some(0), "child", file(1), NOW).is_err());
        assert!(builder.push(Some(7), "orphan", file(1), NOW).is_err());
    }

    proptest! {
        #[test]
        fn bytes_that_are_a_manifest_are_its_only_encoding(at in 0usize..200, flip in 1u8.., cut in 0usize..200) {
            let good = sample().encode();
            let mut bad = good.clone();
            if let Some(byte) = bad.get_mut(at) { *byte ^= flip; }
            bad.truncate(good.len().saturating_sub(cut / 10));
            if let Ok(manifest) = Manifest::decode(&bad, &Limits::default()) {
                prop_assert_eq!(manifest.encode(), bad);
            }
        }

        #[test]
        fn any_bytes_are_judged_without_a_panic(tail in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Manifest::decode(&tail, &Limits::default());
            let mut bytes = MAGIC.to_vec();
            bytes.extend(tail);
            let _ = Manifest::decode(&bytes, &Limits::default());
        }
    }
}
