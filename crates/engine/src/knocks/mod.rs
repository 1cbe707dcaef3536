//! Invites under way, ours and theirs: each has a machine that decides, a connection task, and at most one question.

mod effects;
mod incoming;
mod locate;
mod machine;
mod outgoing;
mod wire;

pub(crate) use locate::Located;
pub(crate) use machine::{Machine, Stepped};
pub(crate) use wire::{Order, Silence, Wire, run as run_wire};

use crate::{
    certificates::{Holder, Proven, Shown},
    directory::DeviceId,
    questions::{Terms, Verdict},
    state::State,
};
use hither_discovery::ble::RadioAddress;
use hither_identity::proof::Occasion;
use hither_model::{DisplayName, Failure, InstanceId, InviteId, PeerId, QuestionId, Rid};
use hither_protocol::{Ending, Frame, Reply, RunNumber, WebRoute};
use hither_socket::Expected;
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::mpsc;

/// Names one invite under way, for the life of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct KnockId(pub(crate) u64);

/// Frames that may wait for one connection before it counts as stuck.
pub(crate) const MAX_ORDERS: usize = 16;

/// One invite under way.
pub(crate) struct Knock {
    /// Taken out while it makes a step.
    pub(crate) machine: Option<Machine>,
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) invite: InviteId,
    pub(crate) peer: PeerId,
    pub(crate) remote: SocketAddr,
    /// Whether we dialled.
    pub(crate) ours: bool,
    pub(crate) question: Option<QuestionId>,
    pub(crate) run: Option<RunNumber>,
    /// The advert it went to, if we dialled one.
    pub(crate) instance: Option<InstanceId>,
    /// What they call themselves.
    pub(crate) claimed: Option<DisplayName>,
    /// The person's terms, once they said yes.
    pub(crate) terms: Terms,
    /// Names the connection where a certificate is proven.
    pub(crate) occasion: Option<Occasion>,
    /// Who they proved to be by a certificate.
    pub(crate) theirs: Option<Proven>,
    /// The certificate we showed.
    pub(crate) shown: Option<Shown>,
    /// The web server of the other side, if we know one.
    pub(crate) web: Option<WebRoute>,
    /// Set when the protocol admitted the peer and the channel is being handed over.
    pub(crate) admitted: bool,
}

/// One of our invites that is not connected yet.
pub(crate) struct Dial {
    pub(crate) invite: InviteId,
    pub(crate) device: DeviceId,
    pub(crate) plan: Plan,
    /// Ends the dialling task.
    pub(crate) cancel: tokio_util::sync::CancellationToken,
    /// It must be connected by then, monotonic milliseconds.
    pub(crate) deadline: u64,
    /// How long the other person may take after that, milliseconds.
    pub(crate) wait: u64,
    pub(crate) way: Way,
}

/// How a device that is dialled for an invite may be reached.
pub(crate) struct Way {
    pub(crate) rids: Vec<Rid>,
    pub(crate) expected: Expected,
    /// The key that signs for the connection, if a certificate is shown.
    pub(crate) holder: Option<Arc<Holder>>,
    /// Radios that can be asked where it is; none once they were.
    pub(crate) radio: Vec<RadioAddress>,
    /// Its web server, tried after its addresses.
    pub(crate) web: Option<WebRoute>,
}

/// What to do once connected.
pub(crate) enum Plan {
    Invite { message: Option<String>, unverified: bool },
    Link { url: Box<hither_protocol::InviteUrl> },
}

impl State {
    /// Lets the machine of a knock make one step and carries out what follows.
    pub(crate) async fn step(
        &mut self,
        id: KnockId,
        step: impl FnOnce(Machine, u64) -> Stepped,
    ) -> Result<(), Failure> {
        let now = self.clock.now();
        let machine = self.knocks.get_mut(&id).and_then(|knock| knock.machine.take());
        let machine = machine.ok_or_else(|| crate::asks::stale("that invite"))?;
        let stepped = step(machine, now);
        match self.carry_out(id, stepped).await {
            Some(unfit) => Err(unfit),
            None => Ok(()),
        }
    }

    pub(crate) async fn knock_heard(&mut self, id: KnockId, frame: Frame) {
        if let Frame::Accepted { certified: Some(certified), .. } = &frame
            && frame.check().is_ok()
        {
            match self.heard_certificate(id, certified) {
                Some(true) => {
                    if let Some(machine) = self.knocks.get_mut(&id).and_then(|knock| knock.machine.as_mut()) {
                        machine.vouched();
                    }
                }
                Some(false) => {}
                None => return drop(self.step(id, |machine, _| machine.refuse_certificate()).await),
            }
        }
        let _ = self.step(id, |machine, now| machine.heard(now, frame)).await;
    }

    pub(crate) async fn knock_silent(&mut self, id: KnockId, why: Silence) {
        match why {
            // Admitted, its machine is done: the last word did not get out.
            Silence::Lost if self.knocks.get(&id).is_some_and(|k| k.machine.is_none()) => {
                self.end_knock(id, Ending::Interrupted).await;
            }
            Silence::Lost => drop(self.step(id, |machine, _| machine.lost()).await),
            Silence::Breach(breach) => {
                tracing::info!(%breach, "an invite broke the protocol");
                self.end_knock(id, Ending::Misbehaved(breach)).await;
            }
        }
    }

    /// Lets machines whose time has come make their step, and gives up dialling that takes too long.
    pub(crate) async fn knocks_due(&mut self) {
        let now = self.clock.now();
        let due = |knock: &Knock| knock.machine.as_ref().is_some_and(|m| m.deadline() <= now);
        let ids: Vec<KnockId> = self.knocks.iter().filter(|(_, k)| due(k)).map(|(id, _)| *id).collect();
        for id in ids {
            let _ = self.step(id, Machine::tick).await;
        }
        let late: Vec<KnockId> = self.dials.iter().filter(|(_, d)| d.deadline <= now).map(|(id, _)| *id).collect();
        for id in late {
            self.end_dial(id, Ending::TimedOut.failure());
        }
    }

    pub(crate) fn knocks_deadline(&self) -> Option<u64> {
        let machines = self.knocks.values().filter_map(|k| k.machine.as_ref()).map(Machine::deadline);
        machines.chain(self.dials.values().map(|d| d.deadline)).min()
    }

    /// The person at this machine answers a question about an invite.
    pub(crate) async fn answer_invite(&mut self, question: QuestionId, verdict: Verdict) -> Result<(), Failure> {
        let found = self.knocks.iter().find(|(_, knock)| knock.question == Some(question)).map(|(id, _)| *id);
        let Some(id) = found else { return Err(crate::asks::stale("that question")) };
        if let (Verdict::Yes(terms), Some(knock)) = (&verdict, self.knocks.get_mut(&id)) {
            knock.terms = terms.clone();
        }
        let unix = self.clock.unix();
        let now = self.clock.now();
        let Some(machine) = self.knocks.get_mut(&id).and_then(|knock| knock.machine.take()) else { return Ok(()) };
        let stepped: Stepped = match machine {
            Machine::Invitee(m) => m.answer(now, reply(&verdict)).into(),
            Machine::Host(m) => {
                let stepped = m.answer(now, unix, verdict != Verdict::No, &mut self.links).into();
                self.keeper.save(crate::store::Slot::Links, &self.links);
                stepped
            }
            other => Stepped { effects: vec![], next: Some(other) },
        };
        match self.carry_out(id, stepped).await {
            Some(unfit) => Err(unfit),
            None => Ok(()),
        }
    }

    /// Our person compared the codes.
    pub(crate) async fn confirm_code(&mut self, invite: InviteId, same: bool) -> Result<(), Failure> {
        let id = self.knock_of(invite)?;
        self.step(id, |machine, now| match machine {
            Machine::Inviter(m) => m.confirm_code(now, same).into(),
            other => Stepped { effects: vec![], next: Some(other) },
        })
        .await
    }

    /// Our person takes an invite back.
    pub(crate) async fn withdraw(&mut self, invite: InviteId) -> Result<(), Failure> {
        if let Some(id) = self.dials.iter().find(|(_, d)| d.invite == invite).map(|(id, _)| *id) {
            self.end_dial(id, Ending::Canceled.failure());
            return Ok(());
        }
        if let Some(errand) = self.errand_of(invite) {
            self.cancel_errand(errand).await;
            return Ok(());
        }
        let id = self.knock_of(invite)?;
        self.step(id, Machine::withdraw).await
    }

    /// The person unlocks a key for their answer: machine and question give them their time anew.
    pub(crate) fn unlocking(&mut self, id: KnockId) {
        let now = self.clock.now();
        let Some(knock) = self.knocks.get_mut(&id) else { return };
        let Some(machine) = knock.machine.take() else { return };
        let machine = machine.unlocking(now).next;
        let deadline = machine.as_ref().map(Machine::deadline);
        knock.machine = machine;
        if let (Some(at), Some(question)) = (deadline, knock.question.and_then(|q| self.questions.find_mut(&q))) {
            question.expires_at = at;
        }
    }

    fn knock_of(&self, invite: InviteId) -> Result<KnockId, Failure> {
        let found = self.knocks.iter().find(|(_, knock)| knock.ours && knock.invite == invite).map(|(id, _)| *id);
        found.ok_or_else(|| crate::asks::stale("that invite"))
    }
}

fn reply(verdict: &Verdict) -> Reply {
    match verdict {
        Verdict::Yes(terms) => Reply::Yes { same_code: terms.same_code, unverified: terms.unverified },
        Verdict::No => Reply::No,
    }
}
