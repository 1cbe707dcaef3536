//! Who is who, decided by hand; and our own certificate.

use crate::{
    state::State,
    store::{Person, Slot},
};
use hither_model::{
    Answer, DisplayName, ErrorCode, Failure, PeerId, Trust, Verified,
    ask::TrustChoice,
    row::{CheckRow, HistoryRow, MessageRow},
};
use std::sync::Arc;

impl State {
    pub(super) async fn set_trust(&mut self, wanted: &str, to: TrustChoice) -> Result<Answer, Failure> {
        let peer = self.peer_named(wanted)?;
        let name = self.people.find(&peer).map(|p| p.name.to_string()).unwrap_or_default();
        match to {
            TrustChoice::Blocked => {
                self.block(peer, &name).await;
                return Ok(Answer::Done);
            }
            TrustChoice::Forget => {
                for session in self.sessions_with(&peer) {
                    self.close_session(session, "the device was forgotten", true);
                }
                self.end_loans_to(peer, "the device was forgotten");
                self.end_grants_to(peer, true, "the device was forgotten").await;
                self.people.forget(&peer);
                self.renew_radio_key();
            }
            TrustChoice::Known | TrustChoice::Verified => {
                let person = self.people.find_mut(&peer).ok_or_else(|| crate::asks::stale("that device"))?;
                if person.pair_key.is_none() && to == TrustChoice::Verified {
                    return Err(Failure::new(ErrorCode::Misuse, format!("{name} was never met with a code or a link"))
                        .hint("invite them once and compare the code"));
                }
                person.trust = if to == TrustChoice::Verified { Trust::Verified } else { Trust::Known };
                if person.pair_key.is_none() {
                    person.trust = Trust::New;
                }
            }
        }
        self.note("trust", Some(peer), Some(name), format!("set by hand to {to:?}").to_lowercase());
        let written = self.keeper.save_now(Slot::People, &self.people).await;
        self.people_changed();
        match written {
            Ok(Ok(())) => Ok(Answer::Done),
            _ => Err(Failure::new(ErrorCode::StorageFailed, "the decision could not be written to disk")),
        }
    }

    /// Takes no more questions from a device; its sessions end.
    pub(super) async fn block(&mut self, peer: PeerId, name: &str) {
        let unix = self.clock.unix();
        for session in self.sessions_with(&peer) {
            self.close_session(session, "closed", true);
        }
        self.end_loans_to(peer, "the device was blocked");
        self.end_grants_to(peer, false, "the device was blocked").await;
        let blank = || Person {
            name: DisplayName::cleaned(name).unwrap_or_else(|| self.unnamed()),
            trust: Trust::Blocked,
            verified: Verified::No,
            pair_key: None,
            since: unix,
            last_seen: unix,
            routes: vec![],
            always: false,
            certified: None,
            identity: None,
            radio: None,
            web: None,
            heir: None,
            told_heir: None,
        };
        let mut person = self.people.find(&peer).cloned().unwrap_or_else(blank);
        person.trust = Trust::Blocked;
        person.always = false;
        self.people.insert(peer, person);
        self.renew_radio_key();
        self.note("trust", Some(peer), Some(name.to_owned()), "blocked".into());
        let _ = self.keeper.save_now(Slot::People, &self.people).await;
        self.people_changed();
    }

    pub(super) fn history_rows(&self, peer: Option<&str>, limit: u32, search: Option<&str>) -> Result<Answer, Failure> {
        let peer = peer.map(|wanted| self.peer_named(wanted)).transpose()?;
        let search = search.map(str::to_lowercase);
        let holds = |text: &str, sought: &str| text.to_lowercase().contains(sought);
        let wanted = |row: &&HistoryRow| {
            let words = [Some(row.what.as_str()), row.name.as_deref(), Some(row.detail.as_str())];
            (peer.is_none() || row.peer == peer)
                && search.as_deref().is_none_or(|sought| words.iter().flatten().any(|text| holds(text, sought)))
        };
        let limit = usize::try_from(limit.clamp(1, 2_000)).unwrap_or(2_000);
        let rows = self.history.rows().filter(wanted).take(limit).cloned().collect();
        Ok(Answer::History { rows, state: Some(self.history.state()) })
    }

    /// A line of the doctor's if the history was changed by hand.
    pub(super) fn history_check(&self) -> Option<CheckRow> {
        self.history.state().broken?;
        let what =
            "a line of the history does not follow from the one before: the file was changed by hand, or damaged";
        Some(super::doctor::warn("history", what, "see which by `hither history check`"))
    }

    pub(super) fn erase_history(&mut self, peer: Option<&str>, before: Option<u64>) -> Result<Answer, Failure> {
        let peer = peer.map(|wanted| self.peer_named(wanted)).transpose()?;
        let which =
            |row: &HistoryRow| (peer.is_none() || row.peer == peer) && before.is_none_or(|before| row.at < before);
        let lines = self.history.erase(&self.keeper, which);
        if lines > 0 {
            self.note("erased", None, None, format!("{lines} lines of the history were erased"));
        }
        Ok(Answer::Erased { lines })
    }

    pub(super) fn messages(&self, session: Option<&str>) -> Result<Answer, Failure> {
        let only = session.map(|wanted| self.session_named(wanted)).transpose()?;
        let wanted = self.sessions.iter().filter(|(id, _)| only.is_none_or(|only| only == **id));
        let mut rows: Vec<_> = wanted.flat_map(|(_, s)| s.kept.messages.iter().cloned()).collect();
        rows.sort_by_key(|m| (m.at, m.number));
        // Of several long conversations together: the newest that fit an answer.
        let mut room = crate::sessions::MAX_MESSAGE_BYTES;
        let fits = |m: &&MessageRow| {
            let fits = m.text.len() <= room;
            room = room.saturating_sub(m.text.len());
            fits
        };
        let newest = rows.iter().rev().take(crate::sessions::MAX_MESSAGES).take_while(fits).count();
        let rows = rows.split_off(rows.len() - newest);
        Ok(Answer::Messages { rows })
    }

    /// A new certificate for the same key: who we are stays.
    pub(super) fn renew_certificate(&mut self) -> Result<Answer, Failure> {
        self.me = Arc::new(self.me.renewed().map_err(Failure::from)?);
        self.publish_door();
        Ok(Answer::Identities { rows: vec![self.local_row()] })
    }
}
