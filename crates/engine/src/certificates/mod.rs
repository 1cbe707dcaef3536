//! Certificates of people: those we can be known by, beside the device's key, and those others prove to hold.
//!
//! Rooms: `shelf` (what is there, looked up on a thread for blocking work) · `rows` (as they are shown) · `errand` (an
//! invite or an answer that waits for a certificate: choosing, inserting, the PIN, unlocking) · `holder` (an unlocked key)
//! · `judge` (what others show) · `authorities` (whom to believe) · `keep` (importing, choosing, modules) · `readers`
//! (cards that come and go). Nothing here chooses a certificate or tries a PIN by itself (R1.16).

mod answers;
mod authorities;
mod check;
mod errand;
mod holder;
mod judge;
mod keep;
mod readers;
mod rows;
mod shelf;

pub(crate) use answers::CardAnswer;
pub(crate) use errand::{Errand, ErrandId, Going, Unlocked};
pub(crate) use holder::{Holder, Shown, prove};
pub(crate) use judge::{Occasions, Proven, differs};
pub(crate) use shelf::{Looked, Wish};

use crate::store::{Keeper, Slot};
use hither_identity::{
    authority::Authorities,
    card::{Cards, Directories, Limits, Program, Readers, Registered, Watching, discover},
};
use hither_model::Failure;
use shelf::Pouch;
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Everything the engine knows about certificates of people.
pub(crate) struct Certificates {
    pub(crate) cards: Arc<Cards>,
    pub(crate) pouch: Arc<Pouch>,
    pub(crate) authorities: Authorities,
    pub(crate) errands: BTreeMap<ErrandId, Errand>,
    /// What was there when somebody last looked.
    looked: Option<Arc<Looked>>,
    /// Certificates on cards that were seen: the token's label and the subject.
    seen: BTreeMap<String, (String, String)>,
    /// A look is under way; these wait for it.
    wishes: Vec<Wish>,
    /// These came after it began and wait for the next.
    next_wishes: Vec<Wish>,
    watching: Option<Watching>,
    /// What the service for readers told last.
    readers: Option<Readers>,
}

impl Certificates {
    /// No module is loaded and no reader asked before somebody wants a certificate.
    ///
    /// # Errors
    /// The file of authorities is damaged.
    pub(crate) fn open(
        profile: &Path,
        settings: &crate::settings::Certificates,
        keeper: &Keeper,
        keyring: bool,
    ) -> Result<Self, Failure> {
        let authorities = keeper.load(Slot::Authorities).map_err(Failure::from)?.unwrap_or_default();
        let found = discover(&directories(), &registered(settings));
        Ok(Self {
            cards: Arc::new(Cards::new(Program::default(), Limits::default(), found)),
            pouch: Arc::new(Pouch::new(profile.join("identities"), keyring)),
            authorities,
            errands: BTreeMap::new(),
            looked: None,
            seen: BTreeMap::new(),
            wishes: Vec::new(),
            next_wishes: Vec::new(),
            watching: None,
            readers: None,
        })
    }
}

/// Where modules are described on this machine.
fn directories() -> Directories {
    Directories::system(std::env::var_os("HOME").map(std::path::PathBuf::from).as_deref())
}

/// The modules the person registered, as the settings have them.
fn registered(settings: &crate::settings::Certificates) -> Vec<Registered> {
    let local = settings.modules.iter().map(|path| Registered { path: path.clone(), network: false });
    let wired = settings.network_modules.iter().map(|path| Registered { path: path.clone(), network: true });
    local.chain(wired).collect()
}
