//! `hither card-helper`: the process a card's software runs in. The agent starts it and speaks to it; people do not.

use crate::{exit, halt::Halt};
use clap::Args;
use hither_model::{ErrorCode, Failure};

/// Run the software of a card apart from the agent (the agent starts this)
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither card-helper")]
pub(crate) struct CardProcess {}

/// Whether this process is to be it.
pub(crate) fn is_asked() -> bool {
    let mut args = std::env::args_os().skip(1);
    args.next().is_some_and(|name| name == "card-helper") && args.next().is_none()
}

/// Is it, until its agent has no more use for it. Gives the exit status; nobody reads what it would say.
pub(crate) fn serve() -> u8 {
    if hither_identity::card::serve().is_ok() { exit::DONE } else { exit::OTHER }
}

impl CardProcess {
    #[allow(clippy::unused_self, reason = "every command has a body")]
    pub(crate) fn run(self) -> Result<(), Halt> {
        let served = hither_identity::card::serve();
        Ok(served.map_err(|error| Failure::new(ErrorCode::Internal, format!("the card's process: {error}")))?)
    }
}
