//! READY: both ends say, inside TLS, whom they are and whom they take the other for. The listening end speaks first.
//!
//! A TLS 1.3 client believes in a connection before the server has judged its certificate; only the server's READY tells
//! it. And each end learns that the other means this very pair of keys (RFC 8446, security considerations on misbinding).

use crate::SocketError;
use hither_model::PeerId;
use serde::{Deserialize, Serialize};

/// Largest READY, bytes.
pub(crate) const MAX_READY: usize = 4096;
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Ready {
    t: String,
    v: u32,
    i_am: PeerId,
    you_are: PeerId,
}

/// What we say.
pub(crate) fn say(me: PeerId, peer: PeerId) -> Result<Vec<u8>, SocketError> {
    let ready = Ready { t: "ready".into(), v: VERSION, i_am: me, you_are: peer };
    serde_json::to_vec(&ready).map_err(|error| SocketError::Internal(error.to_string()))
}

/// Checks what they said against what TLS has proven.
pub(crate) fn hear(said: &[u8], me: PeerId, peer: PeerId) -> Result<(), SocketError> {
    let bad = |why: &str| SocketError::Misbehaved(why.into());
    let ready: Ready = serde_json::from_slice(said).map_err(|_| bad("its READY cannot be read"))?;
    if ready.t != "ready" {
        return Err(bad("something else than READY came first"));
    }
    if ready.v != VERSION {
        return Err(SocketError::Incompatible(format!("it speaks version {} of READY", ready.v)));
    }
    if ready.i_am != peer {
        return Err(bad("it claims another key than it has proven"));
    }
    if ready.you_are != me {
        return Err(bad("it takes us for somebody else"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ME: PeerId = PeerId::new([1; 32]);
    const THEM: PeerId = PeerId::new([2; 32]);

    #[test]
    fn both_keys_must_be_the_proven_ones() {
        hear(&say(THEM, ME).unwrap(), ME, THEM).unwrap();
        for (i_am, you_are) in [(ME, THEM), (THEM, THEM), (ME, ME)] {
            assert!(matches!(hear(&say(i_am, you_are).unwrap(), ME, THEM), Err(SocketError::Misbehaved(_))));
        }
    }

    #[test]
    fn m7_another_version_is_told_from_nonsense() {
        let text = String::from_utf8(say(THEM, ME).unwrap()).unwrap();
        let newer = text.replace("\"v\":1", "\"v\":2");
        assert!(matches!(hear(newer.as_bytes(), ME, THEM), Err(SocketError::Incompatible(_))));
        for bad in [text.replace("ready", "hello"), text.replace("i_am", "i"), text.replace('}', ""), "[[[".repeat(900)]
        {
            assert!(matches!(hear(bad.as_bytes(), ME, THEM), Err(SocketError::Misbehaved(_))), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn m6_no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(hear(&bytes, ME, THEM).is_err());
        }
    }
}
