//! Files that are handed to the agent: certificates, keys, lists. Small, and wiped when done with.

use crate::halt::Halt;
use hither_model::{ErrorCode, Failure, text::printable};
use rustix::io::{read, retry_on_intr};
use std::{fs::File, io, os::fd::AsFd, path::Path};
use zeroize::Zeroizing;

/// Largest file, bytes: with what is around it, it has to fit into one request.
const LARGEST: usize = 256 * 1024;

/// What is in the file; `-` is standard input.
pub(crate) async fn small(path: &Path) -> Result<Zeroizing<Vec<u8>>, Halt> {
    let (name, path) = (printable(&path.to_string_lossy()), path.to_owned());
    let all = tokio::task::spawn_blocking(move || {
        if path.as_os_str() == "-" { whole(io::stdin()) } else { whole(File::open(path)?) }
    });
    let unread = |e: io::Error| match e.kind() {
        io::ErrorKind::FileTooLarge => Failure::new(ErrorCode::TooLarge, format!("{name} is larger than 256 KiB"))
            .hint("a certificate, a key or a list of revoked certificates is expected"),
        _ => Failure::new(ErrorCode::StorageFailed, format!("{name} cannot be read: {e}")),
    };
    all.await.map_err(io::Error::other).and_then(|read| read).map_err(|e| unread(e).into())
}

/// Reads without a buffer of its own, and never grows: a copy that is left behind would not be wiped.
fn whole(from: impl AsFd) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut all = Zeroizing::new(vec![0; LARGEST + 1]);
    let mut length = 0;
    loop {
        let rest = all.get_mut(length..).unwrap_or_default();
        if rest.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        match retry_on_intr(|| read(&from, &mut *rest))? {
            0 => break,
            more => length += more,
        }
    }
    all.truncate(length);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    #[test]
    fn a_file_is_read_whole_or_refused_as_too_large() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; LARGEST]).unwrap();
        file.rewind().unwrap();
        assert_eq!(whole(&file).unwrap().len(), LARGEST);
        file.write_all(b"x").unwrap();
        file.rewind().unwrap();
        assert_eq!(whole(&file).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
