//! What the sender must remember so that a killed agent can go on (R6.10, F9): what was offered to whom, where the files
//! are, and what each sent file hashed to.
//!
//! Two files in a directory of the agent's: `<transfer>.offer`, written once and atomically, and `<transfer>.sent`, to
//! which digests are appended. Paths may hold any bytes. What is *not* here: how far the receiver got; it says so itself.

use crate::{
    Digests, Limits, Manifest, NameRules, Scan, TransferError,
    bytes::{Cursor, code_named, put_short_text},
    scan::Skipped,
};
use hither_model::{PeerId, TransferId};
use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::OpenOptionsExt,
    },
    path::{Path, PathBuf},
    sync::Arc,
};

const MAGIC: &[u8] = b"hither outgoing 1\n";
/// Number, digest, and four bytes of BLAKE3 over both.
const SENT_BYTES: usize = 4 + 32 + 4;
/// Largest offer that is read back: the largest manifest and ample room for paths.
const MAX_OFFER: u64 = 64 << 20;

/// One transfer of the sender's.
#[derive(Debug)]
pub struct Outgoing {
    transfer: TransferId,
    peer: PeerId,
    scan: Arc<Scan>,
    digests: Digests,
    directory: PathBuf,
    log: File,
    unwritten: Vec<u8>,
}

impl Outgoing {
    /// Remembers a new transfer in a directory (which must exist and be ours alone).
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn create(directory: &Path, transfer: TransferId, peer: PeerId, scan: Scan) -> Result<Self, TransferError> {
        let failed = |error| TransferError::storage("store the transfer in", directory.to_string_lossy(), error);
        let bytes = encode(transfer, peer, &scan);
        write_atomically(directory, &offer_name(transfer), &bytes).map_err(failed)?;
        let log = open_log(directory, transfer).map_err(failed)?;
        log.set_len(0).map_err(failed)?;
        let digests = Digests::new(scan.manifest.entries().len());
        let directory = directory.to_owned();
        Ok(Self { transfer, peer, scan: Arc::new(scan), digests, directory, log, unwritten: Vec::new() })
    }

    /// Reads a transfer back.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn load(directory: &Path, transfer: TransferId) -> Result<Self, TransferError> {
        let failed = |error| TransferError::storage("read the transfer in", directory.to_string_lossy(), error);
        let file = match File::open(directory.join(offer_name(transfer))) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(TransferError::NothingToResume),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Vec::new();
        file.take(MAX_OFFER).read_to_end(&mut bytes).map_err(failed)?;
        let (id, peer, scan) = decode(&bytes).ok_or(TransferError::JournalDamaged)?;
        if id != transfer {
            return Err(TransferError::JournalDamaged);
        }
        let log = open_log(directory, transfer).map_err(failed)?;
        let mut digests = Digests::new(scan.manifest.entries().len());
        let mut sent = Vec::new();
        (&log).take(MAX_OFFER).read_to_end(&mut sent).map_err(failed)?;
        let whole = sent.len() - sent.len() % SENT_BYTES;
        log.set_len(whole as u64).map_err(failed)?;
        for record in sent.chunks_exact(SENT_BYTES) {
            if let Some((item, digest)) = parse_sent(record) {
                digests.set(item, digest);
            }
        }
        let directory = directory.to_owned();
        Ok(Self { transfer, peer, scan: Arc::new(scan), digests, directory, log, unwritten: Vec::new() })
    }

    /// The transfers remembered in a directory.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(directory: &Path) -> Result<Vec<TransferId>, TransferError> {
        let failed = |error| TransferError::storage("list", directory.to_string_lossy(), error);
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(".offer"));
            found.extend(stem.and_then(|stem| stem.parse::<TransferId>().ok()));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Forgets the transfer on disk. What was to be sent is not touched.
    ///
    /// # Errors
    /// The files cannot be removed.
    pub fn forget(self) -> Result<(), TransferError> {
        Self::remove(&self.directory, self.transfer)
    }

    /// The same for one that is not read back, damaged or not.
    ///
    /// # Errors
    /// The files cannot be removed.
    pub fn remove(directory: &Path, transfer: TransferId) -> Result<(), TransferError> {
        for name in [log_name(transfer), offer_name(transfer)] {
            match std::fs::remove_file(directory.join(&name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(TransferError::storage("remove", name, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Its id.
    pub fn transfer(&self) -> TransferId {
        self.transfer
    }

    /// Whom it is for.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// What was scanned.
    pub fn scan(&self) -> &Arc<Scan> {
        &self.scan
    }

    /// What is offered.
    pub fn manifest(&self) -> &Manifest {
        &self.scan.manifest
    }

    /// What the sent files hashed to, to check the receipt with.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    /// Notes what a sent file hashed to.
    pub(crate) fn sent(&mut self, item: u32, digest: [u8; 32]) {
        self.digests.set(item, digest);
        let start = self.unwritten.len();
        self.unwritten.extend(item.to_be_bytes());
        self.unwritten.extend(digest);
        let check = sent_check(self.unwritten.get(start..).unwrap_or_default());
        self.unwritten.extend(check);
        if self.unwritten.len() > 512 * SENT_BYTES {
            self.settle();
        }
    }

    /// Writes what is noted. A failure is not the transfer's: what is missing later is hashed again
    /// ([`crate::Sender::recall`]).
    pub(crate) fn settle(&mut self) {
        if let Err(error) = self.log.write_all(&self.unwritten) {
            tracing::warn!(transfer = %self.transfer, %error, "cannot note what was sent");
        }
        self.unwritten.clear();
    }
}

fn offer_name(transfer: TransferId) -> String {
    format!("{transfer}.offer")
}

fn log_name(transfer: TransferId) -> String {
    format!("{transfer}.sent")
}

fn open_log(directory: &Path, transfer: TransferId) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(directory.join(log_name(transfer)))
}

fn write_atomically(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let fresh = directory.join(format!("{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, directory.join(name))?;
    File::open(directory)?.sync_all()
}

fn sent_check(record: &[u8]) -> [u8; 4] {
    let hash = blake3::hash(record);
    hash.as_bytes().first_chunk::<4>().copied().unwrap_or_default()
}

fn parse_sent(record: &[u8]) -> Option<(u32, [u8; 32])> {
    let (body, check) = record.split_last_chunk::<4>()?;
    let mut from = Cursor::new(body);
    (sent_check(body) == *check).then_some((from.u32()?, from.array()?))
}

fn put_long(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take_long<'a>(from: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = from.u32()? as usize;
    from.take(length)
}

/// Magic, ids, manifest, roots, skipped, and BLAKE3 of all that.
fn encode(transfer: TransferId, peer: PeerId, scan: &Scan) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(transfer.as_bytes());
    out.extend(peer.as_bytes());
    put_long(&mut out, &scan.manifest.encode());
    out.extend(u32::try_from(scan.roots.len()).unwrap_or(u32::MAX).to_be_bytes());
    for root in &scan.roots {
        put_long(&mut out, root.as_os_str().as_bytes());
    }
    out.extend(u32::try_from(scan.skipped.len()).unwrap_or(u32::MAX).to_be_bytes());
    for skipped in &scan.skipped {
        put_long(&mut out, skipped.path.as_bytes());
        put_short_text(&mut out, skipped.code.name());
        put_long(&mut out, skipped.why.as_bytes());
    }
    let check = blake3::hash(&out);
    out.extend(check.as_bytes());
    out
}

fn decode(bytes: &[u8]) -> Option<(TransferId, PeerId, Scan)> {
    let (body, check) = bytes.split_last_chunk::<32>()?;
    if blake3::hash(body) != blake3::Hash::from_bytes(*check) {
        return None;
    }
    let mut from = Cursor::new(body);
    if from.take(MAGIC.len()) != Some(MAGIC) {
        return None;
    }
    let transfer = TransferId::new(from.array()?);
    let peer = PeerId::new(from.array()?);
    // It was made within the limits of its time; they may have changed since.
    let limits = Limits { items: usize::MAX, manifest_bytes: usize::MAX, rules: NameRules::here(), reserve: 0 };
    let manifest = Manifest::decode(take_long(&mut from)?, &limits).ok()?;
    let mut roots = Vec::new();
    for _ in 0..from.u32()? {
        roots.push(PathBuf::from(OsString::from_vec(take_long(&mut from)?.to_vec())));
    }
    let mut skipped = Vec::new();
    for _ in 0..from.u32()? {
        let path = std::str::from_utf8(take_long(&mut from)?).ok()?.to_owned();
        let code = code_named(from.short_text()?)?;
        skipped.push(Skipped { path, code, why: std::str::from_utf8(take_long(&mut from)?).ok()?.to_owned() });
    }
    let tops = manifest.entries().iter().filter(|entry| entry.parent.is_none()).count();
    (from.left() == 0 && tops == roots.len()).then_some((transfer, peer, Scan { manifest, roots, skipped }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stop, scan};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_transfer_is_read_back_as_it_was_and_forgotten_without_a_trace() {
        let home = tempfile::tempdir().unwrap();
        let source = home.path().join("a.txt");
        std::fs::write(&source, "hello").unwrap();
        std::os::unix::fs::symlink("a.txt", home.path().join("link")).unwrap();
        let given = [source, home.path().join("link")];
        let scan = scan(&given, &Limits::default(), &Stop::new()).unwrap();
        let store = tempfile::tempdir().unwrap();
        let id = TransferId::new([7; 16]);
        let mut outgoing = Outgoing::create(store.path(), id, PeerId::new([9; 32]), scan.clone()).unwrap();
        outgoing.sent(0, [1; 32]);
        outgoing.settle();
        drop(outgoing);
        let mode = std::fs::metadata(store.path().join(offer_name(id))).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        // A torn tail, as after a power cut.
        let log = store.path().join(log_name(id));
        let mut bytes = std::fs::read(&log).unwrap();
        bytes.extend([5; 17]);
        std::fs::write(&log, bytes).unwrap();

        assert_eq!(Outgoing::list(store.path()).unwrap(), [id]);
        let again = Outgoing::load(store.path(), id).unwrap();
        assert_eq!((&**again.scan(), again.peer()), (&scan, PeerId::new([9; 32])));
        assert_eq!(again.scan().skipped().len(), 1);
        assert_eq!(again.digests().of(0), Some(&[1; 32]));
        again.forget().unwrap();
        assert_eq!(std::fs::read_dir(store.path()).unwrap().count(), 0);
        assert!(matches!(Outgoing::load(store.path(), id), Err(TransferError::NothingToResume)));
    }

    #[test]
    fn a_damaged_offer_is_refused() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("a"), "x").unwrap();
        let scan = scan(&[home.path().join("a")], &Limits::default(), &Stop::new()).unwrap();
        let bytes = encode(TransferId::new([1; 16]), PeerId::new([2; 32]), &scan);
        assert!(decode(&bytes).is_some());
        for at in (0..bytes.len()).step_by(3) {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(decode(&bad).is_none());
            assert!(decode(&bytes[..at]).is_none());
        }
    }
}
