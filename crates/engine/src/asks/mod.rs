//! What clients ask, sorted to the rooms that answer.

mod capabilities;
pub(crate) mod doctor;
mod near;
mod people;
mod settings;
mod status;

use crate::{
    certificates::CardAnswer,
    handle::ClientId,
    questions::{Asker, Terms, Verdict},
    state::State,
};
use hither_model::{Answer, Ask, ErrorCode, Failure, QuestionId};
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
            Ask::Outbox(ask) => return self.outbox_asked(ask, reply),
            Ask::Grant(ask) => self.grant_asked(ask).await,
            Ask::Doctor { peer } => return self.examine(peer, reply),
            Ask::Items { transfer, after, limit } => return self.items(&transfer, after, limit, reply),
            Ask::Forward { peer, name, bind } => return self.forward(&peer, name, bind.as_deref(), reply),
            Ask::Resume { transfer } => self.resume_transfer(&transfer),
            Ask::Identities { .. }
            | Ask::Tokens
            | Ask::UseIdentity { .. }
            | Ask::ImportIdentity { .. }
            | Ask::RemoveIdentity { .. }
            | Ask::KeepKey { .. } => return self.certificates_asked(ask, reply),
            Ask::Pin { question, pin, last_try } => {
                return self.card_answered(&question, CardAnswer::Pin { pin, last_try }, reply);
            }
            Ask::Choose { question, identity } => {
                return self.card_answered(&question, CardAnswer::Choose { identity }, reply);
            }
            Ask::Accept { question, always, same_code, unverified, to, executable, grant, identity } => {
                let terms = Terms { always, same_code, unverified, to, executable, grant };
                return self.accept(&question, terms, identity.as_deref(), reply).await;
            }
            Ask::Receive { to, from, once } => self.receive(client, to, from, once).await,
            other => self.answer(other).await,
        };
        let _ = reply.send(answer);
    }

    async fn answer(&mut self, ask: Ask) -> Result<Answer, Failure> {
        match ask {
            Ask::Invite { peer, message, timeout, unverified, identity } => {
                let identity = identity.as_deref();
                self.invite(&peer, message, timeout, unverified, identity).map(|invite| Answer::Inviting { invite })
            }
            Ask::ConfirmCode { invite, same } => self.confirm_code(invite, same).await.map(|()| Answer::Done),
            Ask::Withdraw { invite } => self.withdraw(invite).await.map(|()| Answer::Done),
            Ask::OpenLink { url, identity } => {
                let url = InviteUrl::parse(&url.0).map_err(Failure::from)?;
                self.open_link(url, identity.as_deref()).map(|invite| Answer::Inviting { invite })
            }
            Ask::Decline { question, block } => self.verdict(&question, Verdict::No, block).await,
            Ask::Authorities
            | Ask::AddAuthority { .. }
            | Ask::SetAuthority { .. }
            | Ask::RemoveAuthority { .. }
            | Ask::AddRevocations { .. } => self.authorities_asked(ask).await,
            Ask::RegisterModule { path, network } => self.module_asked(path, Some(network)),
            Ask::UnregisterModule { path } => self.module_asked(path, None),
            Ask::Say { to, text } => {
                let session = self.session_for_new(&to)?;
                self.say(session, text).map(|number| Answer::Said { session, number })
            }
            Ask::Close { session } => {
                let id = self.session_named(&session)?;
                self.finish_session(id);
                Ok(Answer::Done)
            }
            Ask::Expose { name, target, to, lasts, seconds } => self.expose(&name, &target, &to, lasts, seconds),
            Ask::Unexpose { name, to } => self.unexpose(&name, to.as_deref()),
            Ask::Unforward { what } => self.unforward(&what),
            Ask::Drain => Ok(self.rest_outbox()),
            Ask::Pause { transfer } => self.pause_transfer(&transfer),
            Ask::Cancel { transfer } => self.cancel_transfer(&transfer),
            Ask::SetVisibility { visibility, name, seconds } => self.set_visibility(visibility, name, seconds).await,
            Ask::SetCapability { name, granted } => self.set_capability(&name, granted).await,
            Ask::Set { change } => self.change_settings(change).await,
            Ask::TrustSet { peer, to } => self.set_trust(&peer, to).await,
            Ask::MakeLink { expires, uses } => self.make_link(expires, uses).await,
            Ask::RevokeLink { invite } => self.revoke_link(&invite),
            Ask::RenewCertificate => self.renew_certificate(),
            Ask::RotateKey { now } => self.rotate_key(now).await,
            Ask::Near => {
                self.look_near().await;
                Ok(Answer::Peers { rows: self.directory.rows() })
            }
            Ask::Look => {
                self.look_near().await;
                Ok(Answer::Done)
            }
            other => self.look_up(other),
        }
    }

    /// Requests that only read.
    fn look_up(&mut self, ask: Ask) -> Result<Answer, Failure> {
        match ask {
            Ask::Status => Ok(Answer::Status { status: Box::new(self.status()) }),
            Ask::Links => Ok(Answer::Links { rows: self.links.rows(self.clock.unix()) }),
            Ask::Inbox => Ok(Answer::Questions { rows: self.questions.rows(self.clock.now()) }),
            Ask::Sessions => Ok(Answer::Sessions { rows: self.session_rows() }),
            Ask::Session { session } => {
                let id = self.session_named(&session)?;
                let rows = self.sessions.get(&id).map(|s| s.row(id)).into_iter().collect();
                Ok(Answer::Sessions { rows })
            }
            Ask::Messages { session } => self.messages(session.as_deref()),
            Ask::Lent => Ok(self.lent()),
            Ask::Transfers => Ok(Answer::Transfers { rows: self.transfer_rows() }),
            Ask::Transfer { transfer } => {
                let id = self.transfer_named(&transfer)?;
                Ok(Answer::Transfers { rows: self.transfer_row(id).into_iter().collect() })
            }
            Ask::ExportCertificate => Ok(Answer::Certificate { pem: self.me.certificate_pem() }),
            Ask::Settings => Ok(Answer::Settings { settings: self.settings_row() }),
            Ask::TrustList => Ok(Answer::Trust { rows: self.people.rows() }),
            Ask::Capabilities => Ok(Answer::Capabilities { rows: self.capability_rows() }),
            Ask::History { peer, limit, search } => self.history_rows(peer.as_deref(), limit, search.as_deref()),
            Ask::EraseHistory { peer, before } => self.erase_history(peer.as_deref(), before),
            other => Err(Failure::new(ErrorCode::Misuse, format!("that cannot be asked here: {other:?}"))),
        }
    }

    fn question_named(&self, wanted: &str) -> Result<QuestionId, Failure> {
        self.questions.named(wanted).map_err(|count| match count {
            0 => Failure::new(ErrorCode::UnknownId, format!("there is no open question {wanted:?}"))
                .hint("run `hither inbox` to see them"),
            _ => Failure::new(ErrorCode::UnknownId, format!("{wanted:?} could be several questions"))
                .hint("give more of its id"),
        })
    }

    fn asker_of(&mut self, wanted: &str) -> Result<(QuestionId, Asker), Failure> {
        let question = self.question_named(wanted)?;
        let asker = self.questions.find_mut(&question).map(|q| q.asker).ok_or_else(|| stale("that question"))?;
        Ok((question, asker))
    }

    /// An answer to a question about certificates.
    fn card_answered(&mut self, wanted: &str, answer: CardAnswer, reply: Reply) {
        match self.asker_of(wanted) {
            Ok((question, Asker::Errand(errand))) => self.answer_errand(question, errand, answer, reply),
            Ok(_) => {
                let failure = Failure::new(ErrorCode::Misuse, "that question is not about a card or a certificate")
                    .hint("answer it with `hither accept` or `hither decline`");
                let _ = reply.send(Err(failure));
            }
            Err(failure) => drop(reply.send(Err(failure))),
        }
    }

    /// A person's yes. To an invite it may need a certificate first.
    async fn accept(&mut self, wanted: &str, terms: Terms, identity: Option<&str>, reply: Reply) {
        let (question, asker) = match self.asker_of(wanted) {
            Ok(found) => found,
            Err(failure) => return drop(reply.send(Err(failure))),
        };
        if let Err(failure) = self.may_grant(question, asker, &terms) {
            return drop(reply.send(Err(failure)));
        }
        match asker {
            Asker::Errand(errand) => self.answer_errand(question, errand, CardAnswer::Again, reply),
            Asker::Invite => {
                if let Some(reply) = self.accept_certified(question, &terms, identity, reply) {
                    let _ = reply.send(self.verdict(wanted, Verdict::Yes(terms), false).await);
                }
            }
            Asker::Transfer(_) => drop(reply.send(self.verdict(wanted, Verdict::Yes(terms), false).await)),
        }
    }

    /// A person's word on a question.
    async fn verdict(&mut self, wanted: &str, verdict: Verdict, block: bool) -> Result<Answer, Failure> {
        let question = self.question_named(wanted)?;
        let Some((asker, peer, name)) =
            self.questions.find_mut(&question).map(|q| (q.asker, q.row.peer, q.row.name.clone()))
        else {
            return Err(stale("that question"));
        };
        match asker {
            Asker::Invite => {
                let of = self.knocks.iter().find(|(_, knock)| knock.question == Some(question)).map(|(id, _)| *id);
                if let Some(knock) = of {
                    self.certify(knock, None);
                }
                self.answer_invite(question, verdict).await?;
            }
            Asker::Transfer(transfer) => self.answer_offer(transfer, verdict).await?,
            Asker::Errand(errand) => {
                self.cancel_errand(errand).await;
                return Ok(Answer::Answered { question });
            }
        }
        if block {
            self.block(peer, &name).await;
        }
        Ok(Answer::Answered { question })
    }
}
