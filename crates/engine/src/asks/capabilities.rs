//! Capabilities granted and revoked while running (R1.17).

use crate::state::State;
use hither_capability::Capability;
use hither_model::{Answer, ErrorCode, Failure, News, SessionId, row::CapabilityRow};

impl State {
    pub(super) fn capability_rows(&self) -> Vec<CapabilityRow> {
        let unix = self.clock.unix();
        let mut rows = self.gate.rows(&|capability| self.users_of(capability));
        for (row, capability) in rows.iter_mut().zip(Capability::ALL) {
            let noted = self.uses.of(*capability);
            let now = row.used_by.last().map(|by| (unix - unix % 60, by.clone()));
            let last = now.or_else(|| noted.map(|noted| (noted.at, noted.by.clone())));
            (row.last_used, row.last_by) = last.unzip();
        }
        rows
    }

    /// What uses a capability at the moment.
    fn users_of(&self, capability: Capability) -> Vec<String> {
        match capability {
            Capability::Proximity => {
                let mut used: Vec<String> = Vec::new();
                if self.media.mdns.is_some() {
                    used.push("discovery".into());
                }
                if self.listener.is_some() {
                    used.push("listener".into());
                }
                used.extend(self.sessions.values().map(|s| format!("session with {}", s.kept.name)));
                used
            }
            Capability::SharedUserCertificates => {
                let shown = self.sessions.values().filter_map(|s| Some((s, s.kept.shown.as_ref()?.card.as_ref()?)));
                shown
                    .map(|(s, card)| format!("the card {:?} in the session with {}", card.token, s.kept.name))
                    .collect()
            }
            Capability::InternetClient => self.used_by_web(true),
            Capability::InternetClientServer => self.used_by_web(false),
            _ => vec![],
        }
    }

    /// Sessions through web servers, theirs or ours.
    fn used_by_web(&self, outward: bool) -> Vec<String> {
        let bound = self.web.bound.filter(|_| !outward);
        let here = |link: &crate::sessions::Link| hither_capability::is_web(link.remote) && link.is_client == outward;
        let with = self.sessions.values().filter(|s| s.link.as_ref().is_some_and(here));
        let with = with.map(|s| format!("session with {} through a web server", s.kept.name));
        bound.map(|at| format!("listener for a web server at {at}")).into_iter().chain(with).collect()
    }

    /// What is in use at the end of a use was used then.
    fn note_users(&mut self, capability: Capability) {
        if let Some(by) = self.users_of(capability).pop() {
            self.used(capability, &by);
        }
    }

    /// The agent stops.
    pub(crate) fn keep_uses(&mut self) {
        self.note_users(Capability::Proximity);
        self.uses.keep(&self.keeper, self.clock.unix());
    }

    pub(super) async fn set_capability(&mut self, name: &str, granted: bool) -> Result<Answer, Failure> {
        let capability: Capability = name.parse().map_err(|_| {
            let names: Vec<&str> = Capability::ALL.iter().map(|c| c.name()).collect();
            Failure::new(ErrorCode::UnknownId, format!("there is no capability {name:?}"))
                .hint(format!("there are: {}", names.join(", ")))
        })?;
        if !granted {
            self.note_users(capability);
        }
        let changed = if granted { self.gate.restore(capability)? } else { self.gate.revoke(capability) };
        if changed {
            let revoked: Vec<String> = self.gate.revoked().iter().map(|c| c.name().to_owned()).collect();
            self.settings.send_modify(|s| s.revoked = revoked);
            self.note("capability", None, None, format!("{name} {}", if granted { "granted" } else { "revoked" }));
            if capability == Capability::Proximity {
                self.proximity_changed(granted).await;
            }
            if [Capability::InternetClient, Capability::InternetClientServer, Capability::PrivateNetworkClientServer]
                .contains(&capability)
            {
                self.align_web().await;
            }
            if capability == Capability::SharedUserCertificates && !granted {
                let failure =
                    Failure::new(ErrorCode::AccessDenied, "the capability `sharedUserCertificates` was revoked");
                self.end_errands(&failure).await;
                self.certificates_revoked();
            }
            self.tell(News::Identities);
        }
        let rows = self.capability_rows();
        for capability in rows.iter().filter(|r| r.name == name) {
            self.tell(News::Capability { capability: capability.clone() });
        }
        Ok(Answer::Capabilities { rows })
    }

    /// Revoked: everything opened under it closes at once. Granted: it comes up again.
    async fn proximity_changed(&mut self, granted: bool) {
        if granted {
            if let Err(failure) = self.listen_again() {
                self.alarm(format!("listening failed: {failure}"), None);
            }
            self.align_web().await;
            self.align_media().await;
            self.call_known();
            return;
        }
        let sessions: Vec<SessionId> = self.sessions.keys().copied().collect();
        for session in sessions {
            self.close_session(session, "the capability `proximity` was revoked", true);
        }
        let knocks: Vec<_> = self.knocks.keys().copied().collect();
        for knock in knocks {
            self.end_knock(knock, hither_protocol::Ending::Canceled).await;
        }
        for dial in std::mem::take(&mut self.dials).into_values() {
            dial.cancel.cancel();
            let failure = Failure::new(ErrorCode::AccessDenied, "the capability `proximity` was revoked");
            self.tell(News::InviteEnded { invite: dial.invite, failure });
        }
        if let Some(listener) = self.listener.take() {
            listener.cancel();
            self.standby.release();
        }
        self.stop_web();
        self.align_media().await;
        self.publish_door();
    }
}
