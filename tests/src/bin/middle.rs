//! A device in the middle of a first meeting, for the scenarios: hears the advert of somebody, copies its name and tags
//! under labels of its own, terminates TLS towards whoever takes it for that somebody, and dials the real one itself.
//!
//! `middle NAME relay` passes the frames on as they are. `middle NAME two` runs the protocol twice, properly, once with
//! each side, and says yes on both. It tells what happens as JSON lines; it never ends by itself.

use anyhow::{Context, Result, bail};
use hither_capability::{Consent, Gate, Manifest};
use hither_discovery::{Announcement, Event, InterfaceRule, Mdns, Sighting, Txt};
use hither_identity::{Credential, SessionKey};
use hither_model::{InstanceId, Rid};
use hither_protocol::{
    Binding, Effect, Frame, Hello, InviteAsk, Invitee, InviteeSide, Inviter, MAX_HELLO, Reply, Step, encode_payload,
    parse,
};
use hither_socket::{Caps, Channel, Connected, Door, Entry, Expected, Profile, Stranger, StreamSocketListener, dial};
use serde_json::{Value, json};
use std::{
    io::Write,
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const OWN_RID: Rid = Rid::new([0xee; 16]);

/// Lets everybody in who read the forged advert.
struct OpenDoor(Arc<dyn Credential>);

impl Door for OpenDoor {
    fn admit(&self, rid: &Rid, _from: SocketAddr) -> Option<Entry> {
        (*rid == OWN_RID).then(|| Entry {
            credential: Arc::clone(&self.0),
            expected: Expected::Anyone,
            reserved: false,
        })
    }
}

fn tell(event: &Value) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{event}");
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let victim = args.next().context("whom to copy?")?;
    let relay = args.next().as_deref() == Some("relay");
    let gate = Gate::new(Manifest::shipped()?, std::collections::BTreeSet::default(), false);
    let me: Arc<dyn Credential> = Arc::new(SessionKey::generate()?);

    let any: SocketAddr = "0.0.0.0:0".parse()?;
    let listener = StreamSocketListener::bind(gate.listen()?, &[any], hither_socket::StreamSocketControl::default())?;
    let port = listener.local_addrs().first().context("the listener has an address")?.port();
    let (out, mut arrivals) = mpsc::channel(8);
    let door: Arc<dyn Door> = Arc::new(OpenDoor(Arc::clone(&me)));
    tokio::spawn(listener.serve(door, Profile::default(), Caps::default(), CancellationToken::new(), out));

    let (to, mut events) = mpsc::channel(64);
    let mdns = Mdns::start(gate.discover()?, InterfaceRule::default(), to).await?;
    let real = hear(&victim, &mut events).await?;
    let txt = Txt { rid: Some(OWN_RID), tags: vec![[0xaa; 8]; 8], ..real.txt.clone() };
    mdns.announce(Announcement { instance: InstanceId::new([0xee; 16]), host: [0xdd; 16], port, txt }).await?;
    tell(&json!({"event": "ready"}));

    while let Some(arrival) = arrivals.recv().await {
        let real = hear_again(&victim, &mut events, &real);
        let outcome = between(arrival.connected, &real, &gate, &me, relay).await;
        tell(&json!({"event": "over", "why": outcome.err().map(|e| format!("{e:#}"))}));
    }
    Ok(())
}

/// Waits for the victim's advert.
async fn hear(victim: &str, events: &mut mpsc::Receiver<Event>) -> Result<Sighting> {
    while let Some(event) = events.recv().await {
        // Addresses come one after the other; the one that is dialled later must be among them.
        if let Some(sighting) = of_victim(victim, event).filter(|s| s.routes.iter().any(|r| r.is_ipv4())) {
            return Ok(sighting);
        }
    }
    bail!("the link went silent")
}

/// The newest advert of the victim that was heard meanwhile.
fn hear_again(victim: &str, events: &mut mpsc::Receiver<Event>, known: &Sighting) -> Sighting {
    let mut newest = known.clone();
    while let Ok(event) = events.try_recv() {
        newest = of_victim(victim, event).unwrap_or(newest);
    }
    newest
}

fn of_victim(victim: &str, event: Event) -> Option<Sighting> {
    match event {
        Event::Seen(s)
            if s.txt.rid.is_some_and(|r| r != OWN_RID) && s.txt.name.as_ref().is_some_and(|n| n.as_str() == victim) =>
        {
            Some(s)
        }
        _ => None,
    }
}

/// One meeting with us in its middle.
async fn between(caller: Connected, real: &Sighting, gate: &Gate, me: &Arc<dyn Credential>, relay: bool) -> Result<()> {
    let mut caller = caller.stranger().context("the caller is a stranger")?;
    let hello: Hello = parse(&caller.read_frame(MAX_HELLO).await?.context("the caller says something")?)?;
    let route = *real.routes.iter().find(|r| r.is_ipv4()).context("the victim has an address")?;
    let grant = gate.dial(Consent::new("the victim".to_owned(), vec![route], now()), now())?;
    let rid = real.txt.rid.context("the victim may be dialled")?;
    let connected = dial(&grant, route, rid, me, Expected::Anyone, &Profile::default()).await?;
    let mut called = connected.stranger().context("the called one is a stranger")?;
    if relay { pass_on(hello, &mut caller, &mut called).await } else { twice(hello, caller, called).await }
}

/// Passes every frame on as it is.
async fn pass_on(hello: Hello, caller: &mut Channel<Stranger>, called: &mut Channel<Stranger>) -> Result<()> {
    called.write_frame(&encode_payload(&hello, MAX_HELLO)?).await?;
    loop {
        let payload = called.read_frame(MAX_HELLO).await?.context("the called one ended it")?;
        let frame: Frame = parse(&payload)?;
        caller.write_frame(&payload).await?;
        if matches!(frame, Frame::Commit { .. } | Frame::NonceS { .. }) {
            let answer = caller.read_frame(MAX_HELLO).await?.context("the caller ended it")?;
            tell(&json!({"event": "relayed", "answer": serde_json::from_slice::<Value>(&answer)?}));
            called.write_frame(&answer).await?;
        }
    }
}

/// Runs the protocol with each side, waits until both show a code, then says yes to both.
async fn twice(hello: Hello, caller: Channel<Stranger>, called: Channel<Stranger>) -> Result<()> {
    let Hello::Invite(invite) = hello else { bail!("the caller does not invite") };
    let ask = InviteAsk {
        invite: invite.invite,
        name: None,
        message: None,
        known: false,
        unverified: false,
        codes: true,
        certified: None,
        codeless: false,
    };
    let as_invitee =
        Invitee::start(now(), binding(&caller)?, invite, InviteeSide { name: None, known: false, codeless: false });
    let as_inviter = Inviter::start(now(), binding(&called)?, ask, [0x11; 32], 60_000);
    let mut caller = Side { name: "caller", channel: caller, machine: None };
    let mut called = Side { name: "called", channel: called, machine: None };
    caller.step(as_invitee).await?;
    called.step(as_inviter).await?;
    let machine = caller.machine.take().context("the caller waits")?;
    caller.step(machine.displayed(now(), [0x22; 32])).await?;

    while caller.machine.as_ref().is_some_and(|m| m.code().is_none()) {
        let frame = caller.hear().await?;
        let machine = caller.machine.take().context("the caller waits")?;
        caller.step(machine.heard(now(), frame)).await?;
    }
    while called.machine.as_ref().is_some_and(|m| m.code().is_none()) {
        let frame = called.hear().await?;
        let machine = called.machine.take().context("the called one waits")?;
        called.step(machine.heard(now(), frame)).await?;
    }
    let code_with_caller = caller.machine.as_ref().and_then(Invitee::code).map(|c| c.to_string());
    let code_with_called = called.machine.as_ref().and_then(Inviter::code).map(|c| c.to_string());
    tell(&json!({"event": "codes", "caller": code_with_caller, "called": code_with_called}));

    let machine = caller.machine.take().context("the caller waits")?;
    caller.step(machine.answer(now(), Reply::Yes { same_code: true, unverified: false })).await?;
    let machine = called.machine.take().context("the called one waits")?;
    called.step(machine.confirm_code(now(), true)).await?;
    let (mut caller, mut called) = (caller, called);
    let with_caller = async {
        while let (Ok(frame), Some(machine)) = (caller.hear().await, caller.machine.take()) {
            caller.step(machine.heard(now(), frame)).await?;
        }
        anyhow::Ok(())
    };
    let with_called = async {
        while let (Ok(frame), Some(machine)) = (called.hear().await, called.machine.take()) {
            called.step(machine.heard(now(), frame)).await?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(with_caller, with_called).map(drop)
}

fn binding(channel: &Channel<Stranger>) -> Result<Binding> {
    let exporter = channel.exporter("EXPORTER-Channel-Binding", b"")?;
    let own = channel.local_certificate().spki_sha256;
    Ok(match channel.is_client() {
        true => Binding::new(exporter, own, channel.peer()),
        false => Binding::new(exporter, channel.peer(), own),
    })
}

/// One of the two, and how far the protocol with it has come.
struct Side<M> {
    name: &'static str,
    channel: Channel<Stranger>,
    machine: Option<M>,
}

impl<M> Side<M> {
    async fn hear(&mut self) -> Result<Frame> {
        let payload = self.channel.read_frame(MAX_HELLO).await?.context("it was ended")?;
        let frame = parse(&payload)?;
        tell(&json!({"event": "heard", "from": self.name, "frame": serde_json::from_slice::<Value>(&payload)?["t"]}));
        Ok(frame)
    }

    async fn step(&mut self, step: Step<M>) -> Result<()> {
        for effect in step.effects {
            let payload = match effect {
                Effect::Open(hello) => encode_payload(&hello, MAX_HELLO)?,
                Effect::Send(frame) => encode_payload(&frame, MAX_HELLO)?,
                Effect::Admit(admission) => {
                    tell(&json!({"event": "admitted", "by": self.name, "peer": admission.peer().to_string()}));
                    continue;
                }
                Effect::End(ending) => {
                    tell(&json!({"event": "ended", "by": self.name, "how": format!("{ending:?}")}));
                    continue;
                }
                _ => continue,
            };
            self.channel.write_frame(&payload).await?;
        }
        self.machine = step.next;
        Ok(())
    }
}
