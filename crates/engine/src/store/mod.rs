//! What the agent remembers between runs. Every file is versioned, carries its own digest, is written atomically with
//! 0600, and keeps its previous version as a backup: a damaged file is repaired from the backup or refused, never taken
//! for an empty one (N5).

mod history;
mod keeper;
mod people;
mod sealed;
mod sessions;
mod transfers;
mod uses;

pub(crate) use history::History;
pub(crate) use keeper::{Keeper, Slot, Stale};
pub(crate) use people::{Heir, People, Person};
pub use sealed::StoreFault;
pub(crate) use sessions::{KeptSession, KeptSessions};
pub(crate) use transfers::{KeptTransfer, KeptTransfers};
pub(crate) use uses::Uses;
