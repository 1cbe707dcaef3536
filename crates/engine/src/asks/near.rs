//! Links, and visibility.

use crate::{clock::random, media::Passing, state::State, store::Slot};
use hither_model::{Answer, DisplayName, ErrorCode, Failure, InviteId, News, row::Visibility};
use hither_protocol::{InviteUrl, LinkToken};
use std::net::SocketAddr;

/// Longest life of a link, seconds.
const MAX_LINK: u64 = 86_400;

impl State {
    /// Makes an invite link with our addresses in it.
    pub(super) async fn make_link(&mut self, expires: Option<u64>, uses: Option<u32>) -> Result<Answer, Failure> {
        self.gate.listen()?;
        let unix = self.clock.unix();
        let seconds = expires.unwrap_or(600).clamp(1, MAX_LINK);
        let (invite, bytes) = (InviteId::new(random()), random());
        let expires = self
            .links
            .make(unix, invite, LinkToken::new(bytes), seconds, uses.unwrap_or(1).clamp(1, 100))
            .map_err(Failure::from)?;
        let written = self.keeper.save_now(Slot::Links, &self.links).await;
        if !matches!(written, Ok(Ok(()))) {
            return Err(Failure::new(ErrorCode::StorageFailed, "the link could not be written to disk"));
        }
        self.publish_door();
        let hints = self.hints().await;
        let url = InviteUrl::new(self.my_id, LinkToken::new(bytes), u32::try_from(expires).unwrap_or(u32::MAX), &hints)
            .with_web(self.web.for_links());
        Ok(Answer::Link { invite, url: url.text(), expires })
    }

    /// Addresses others may reach us at: those we advertise, else those we would.
    async fn hints(&self) -> Vec<SocketAddr> {
        let port = self.port();
        let mut ips: Vec<std::net::IpAddr> = match &self.media.mdns {
            Some(mdns) => mdns.advertised().await.into_iter().flat_map(|(_, ips)| ips).collect(),
            None => vec![],
        };
        if ips.is_empty() {
            let all = hither_discovery::interfaces::list().unwrap_or_default();
            ips = self.interface_rule().select(&all).into_iter().flat_map(|i| i.addrs).map(|s| s.ip).collect();
        }
        // A link carries no scope, so a link-local address means nothing to its reader.
        ips.retain(|ip| !matches!(ip, std::net::IpAddr::V6(v6) if v6.is_unicast_link_local()));
        ips.sort_by_key(std::net::IpAddr::is_ipv6);
        ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
    }

    pub(super) fn revoke_link(&mut self, wanted: &str) -> Result<Answer, Failure> {
        let unix = self.clock.unix();
        let rows = self.links.rows(unix);
        let found: Vec<InviteId> =
            rows.iter().map(|r| r.invite).filter(|id| id.to_string().starts_with(&wanted.to_lowercase())).collect();
        let [invite] = found.as_slice() else {
            return Err(Failure::new(ErrorCode::UnknownId, format!("there is no single link {wanted:?}"))
                .hint("run `hither invites list`"));
        };
        self.links.revoke(invite).map_err(Failure::from)?;
        self.keeper.save(Slot::Links, &self.links);
        self.publish_door();
        Ok(Answer::Done)
    }

    pub(super) async fn set_visibility(
        &mut self,
        visibility: Visibility,
        name: Option<DisplayName>,
        seconds: Option<u64>,
    ) -> Result<Answer, Failure> {
        if visibility == Visibility::Everyone && name.is_none() && self.shown_name().is_none() {
            return Err(Failure::new(ErrorCode::Misuse, "a name to show is needed").hint(
                "run `hither visibility everyone --name \"…\"`; the computer's own name is never used by itself",
            ));
        }
        self.media.passing = seconds.map(|s| s.clamp(1, MAX_LINK)).map(|s| Passing {
            visibility,
            at: self.clock.now() + s * 1_000,
            until: self.clock.unix() + s,
        });
        self.settings.send_modify(|settings| {
            if seconds.is_none() {
                settings.visibility = visibility;
            }
            if let Some(name) = name {
                settings.name = Some(name);
            }
        });
        self.tell(News::Me { me: self.me_row() });
        self.align_media().await;
        Ok(Answer::Done)
    }
}
