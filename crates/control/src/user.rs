//! Who is at the other end of the control socket: the kernel's word (SO_PEERCRED), as numbers, never as text (A1).

use crate::fault::ControlError;
use tokio::net::UnixStream;

/// The user this process runs as.
pub(crate) fn ours() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Refuses a process of any user but `expected`, root included.
pub(crate) fn check(stream: &UnixStream, expected: u32) -> Result<(), ControlError> {
    let theirs = stream.peer_cred().map_err(ControlError::Lost)?.uid();
    same(theirs, expected)
}

fn same(theirs: u32, ours: u32) -> Result<(), ControlError> {
    if theirs == ours { Ok(()) } else { Err(ControlError::Stranger { theirs, ours }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_only_the_very_same_user_passes() {
        assert!(same(1000, 1000).is_ok());
        for (theirs, ours) in [(0, 1000), (1000, 0), (1001, 1000), (u32::MAX, 0)] {
            assert!(same(theirs, ours).is_err(), "{theirs} passed for {ours}");
        }
    }

    #[tokio::test]
    async fn a1_the_kernel_says_who_is_at_the_other_end() {
        let (a, _b) = UnixStream::pair().unwrap();
        assert!(check(&a, ours()).is_ok());
        assert!(check(&a, ours() + 1).is_err());
    }
}
