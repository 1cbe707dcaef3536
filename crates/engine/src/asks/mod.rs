//! What clients ask, sorted to the rooms that answer.

mod capabilities;
mod doctor;
mod near;
mod people;
mod settings;
mod status;

use crate::{
    handle::ClientId,
    questions::{Asker, Terms, Verdict},
    state::State,
};
use hither_model::{Answer, Ask, ErrorCode, Failure};
use hither_protocol::InviteUrl;
use tokio::sync::oneshot;

/// A reply that is given now, or by somebody later.
pub(crate) type Reply = oneshot::Sender<Result<Answer, Failure>>;

/// The thing was answered or ended already.
pub(crate) fn stale(what: &str) -> Failure {
    Failure::new(ErrorCode::Stale, format!("{what} is not open any more")).hint("run `hither inbox` or `hither status`")
}

impl State {
    /// Answers a request; those that take time answer through `reply` later.
    pub(crate) async fn asked(&mut self, client: ClientId, ask: Ask, reply: Reply) {
        let answer = match ask {
            Ask::Send { peer, paths } => return self.send(&peer, paths, reply),
            Ask::Doctor { peer } => return self.examine(peer, reply),
            Ask::Items { transfer, after, limit } => return self.items(&transfer, after, limit, reply),
            Ask::Resume { transfer } => self.resume_transfer(&transfer),
            Ask::Receive { to, from, once } => self.receive(client, to, from, once).await,
            other => self.answer(other).await,
        };
        let _ = reply.send(answer);
    }

    async fn answer(&mut self, ask: Ask) -> Result<Answer, Failure> {
        match ask {
            Ask::Invite { peer, message, timeout, unverified } => {
                self.invite(&peer, message, timeout, unverified).map(|invite| Answer::Inviting { invite })
            }
            Ask::ConfirmCode { invite, same } => self.confirm_code(invite, same).await.map(|()| Answer::Done),
            Ask::Withdraw { invite } => self.withdraw(invite).await.map(|()| Answer::Done),
            Ask::OpenLink { url } => {
                let url = InviteUrl::parse(&url.0).map_err(Failure::from)?;
                self.open_link(url).map(|invite| Answer::Inviting { invite })
            }
            Ask::Accept { question, always, same_code, unverified, to, executable } => {
                let terms = Terms { always, same_code, unverified, to, executable };
                self.verdict(&question, Verdict::Yes(terms), false).await
            }
            Ask::Decline { question, block } => self.verdict(&question, Verdict::No, block).await,
            Ask::Say { to, text } => {
                let session = self.session_for_new(&to)?;
                self.say(session, text).map(|number| Answer::Said { session, number })
            }
            Ask::Close { session } => {
                let id = self.session_named(&session)?;
                self.finish_session(id);
                Ok(Answer::Done)
            }
            Ask::Pause { transfer } => self.pause_transfer(&transfer),
            Ask::Cancel { transfer } => self.cancel_transfer(&transfer),
            Ask::SetVisibility { visibility, name, seconds } => self.set_visibility(visibility, name, seconds).await,
            Ask::SetCapability { name, granted } => self.set_capability(&name, granted).await,
            Ask::Set { change } => self.change_settings(change).await,
            Ask::TrustSet { peer, to } => self.set_trust(&peer, to).await,
            Ask::MakeLink { expires, uses } => self.make_link(expires, uses).await,
            Ask::RevokeLink { invite } => self.revoke_link(&invite),
            Ask::RenewCertificate => self.renew_certificate(),
            other => self.look_up(other),
        }
    }

    /// Requests that only read.
    fn look_up(&mut self, ask: Ask) -> Result<Answer, Failure> {
        match ask {
            Ask::Status => Ok(Answer::Status { status: Box::new(self.status()) }),
            Ask::Near => Ok(Answer::Peers { rows: self.directory.rows() }),
            Ask::Links => Ok(Answer::Links { rows: self.links.rows(self.clock.unix()) }),
            Ask::Inbox => Ok(Answer::Questions { rows: self.questions.rows(self.clock.now()) }),
            Ask::Sessions => Ok(Answer::Sessions { rows: self.session_rows() }),
            Ask::Session { session } => {
                let id = self.session_named(&session)?;
                let rows = self.sessions.get(&id).map(|s| s.row(id)).into_iter().collect();
                Ok(Answer::Sessions { rows })
            }
            Ask::Messages { session } => self.messages(session.as_deref()),
            Ask::Transfers => Ok(Answer::Transfers { rows: self.transfer_rows() }),
            Ask::Transfer { transfer } => {
                let id = self.transfer_named(&transfer)?;
                Ok(Answer::Transfers { rows: self.transfer_row(id).into_iter().collect() })
            }
            Ask::Identities => Ok(Answer::Identities { rows: vec![self.identity_row()] }),
            Ask::ExportCertificate => Ok(Answer::Certificate { pem: self.me.certificate_pem() }),
            Ask::Settings => Ok(Answer::Settings { settings: self.settings_row() }),
            Ask::TrustList => Ok(Answer::Trust { rows: self.people.rows() }),
            Ask::Capabilities => Ok(Answer::Capabilities { rows: self.capability_rows() }),
            Ask::History { peer, limit } => self.history_rows(peer.as_deref(), limit),
            other => Err(Failure::new(ErrorCode::Misuse, format!("that cannot be asked here: {other:?}"))),
        }
    }

    /// A person's word on a question.
    async fn verdict(&mut self, wanted: &str, verdict: Verdict, block: bool) -> Result<Answer, Failure> {
        let question = self.questions.named(wanted).map_err(|count| match count {
            0 => Failure::new(ErrorCode::UnknownId, format!("there is no open question {wanted:?}"))
                .hint("run `hither inbox` to see them"),
            _ => Failure::new(ErrorCode::UnknownId, format!("{wanted:?} could be several questions"))
                .hint("give more of its id"),
        })?;
        let Some((asker, peer, name)) =
            self.questions.find_mut(&question).map(|q| (q.asker, q.row.peer, q.row.name.clone()))
        else {
            return Err(stale("that question"));
        };
        match asker {
            Asker::Invite => self.answer_invite(question, verdict).await?,
            Asker::Transfer(transfer) => self.answer_offer(transfer, verdict).await?,
        }
        if block {
            self.block(peer, &name).await;
        }
        Ok(Answer::Answered { question })
    }
}
