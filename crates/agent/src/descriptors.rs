//! Room for connections: a thousand sessions take more descriptors than systems give by default.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// As many as are asked for, if the system allows so many.
const WANTED: u64 = 16_384;

/// Takes as much room as the system allows, up to what is wanted. What was there stays there.
pub(crate) fn make_room() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let most = maximum.unwrap_or(WANTED).min(WANTED);
    if current.is_some_and(|current| current < most) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum });
        if let Err(error) = raised {
            tracing::debug!(%error, "no more descriptors can be had");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t6_there_is_room_for_as_many_connections_as_the_system_allows() {
        let before = getrlimit(Resource::Nofile);
        make_room();
        let after = getrlimit(Resource::Nofile);
        assert_eq!(after.maximum, before.maximum, "what may be had is not touched");
        let most = after.maximum.unwrap_or(WANTED).min(WANTED);
        assert!(after.current.is_none_or(|current| current >= most), "{after:?}");
        make_room();
        assert_eq!(getrlimit(Resource::Nofile), after);
    }
}
