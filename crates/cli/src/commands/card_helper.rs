//! `hither card-helper`: the process a card's software runs in. The agent starts it and speaks to it; people do not.

use crate::halt::Halt;
use clap::Args;
use hither_model::{ErrorCode, Failure};

/// Run the software of a card apart from the agent (the agent starts this)
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither card-helper")]
pub(crate) struct CardHelper {}

impl CardHelper {
    #[allow(clippy::unused_self, reason = "every command has a body")]
    pub(crate) fn run(self) -> Result<(), Halt> {
        let served = hither_identity::card::serve();
        Ok(served.map_err(|error| Failure::new(ErrorCode::Internal, format!("the card's process: {error}")))?)
    }
}
