//! The agent at a glance.

use crate::state::State;
use hither_model::{
    AgentState, Medium, MediumState, TransferState,
    row::{MeRow, StatusRow, TransferRow},
};
use std::collections::BTreeMap;

impl State {
    pub(crate) fn media_states(&self) -> BTreeMap<Medium, MediumState> {
        BTreeMap::from([(Medium::Mdns, self.media.state.clone()), (Medium::Ble, self.radio.state.clone())])
    }

    /// What others see of this device.
    pub(crate) fn me_row(&self) -> MeRow {
        MeRow { peer: self.my_id, name: self.shown_name(), visibility: self.visibility(), until: self.visible_until() }
    }

    /// When the visibility falls back, seconds since 1970.
    fn visible_until(&self) -> Option<u64> {
        self.media.passing.map(|passing| passing.until)
    }

    pub(super) fn status(&self) -> StatusRow {
        let settings = self.settings.borrow().clone();
        let over = |row: &TransferRow| matches!(row.state, TransferState::Kept | TransferState::Dropped);
        StatusRow {
            version: env!("CARGO_PKG_VERSION").into(),
            state: if self.cancel.is_cancelled() { AgentState::Draining } else { AgentState::Serving },
            peer: self.my_id,
            name: settings.name,
            visibility: self.visibility(),
            until: self.visible_until(),
            listen: self.listen.iter().map(ToString::to_string).collect(),
            media: self.media_states(),
            // The agent around the engine knows; it fills it in.
            desktop: BTreeMap::new(),
            capabilities: self.capability_rows(),
            sessions: self.session_rows(),
            transfers: self.transfer_rows().into_iter().filter(|r| !over(r)).collect(),
            exposed: self.exposed_rows(),
            forwarding: self.forwarding_rows(),
            questions: u32::try_from(self.questions.count()).unwrap_or(u32::MAX),
            near: u32::try_from(self.directory.rows().len()).unwrap_or(u32::MAX),
            inbox: settings.inbox.display().to_string(),
        }
    }
}
