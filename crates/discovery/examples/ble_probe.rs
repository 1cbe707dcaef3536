//! Tries Bluetooth discovery out, and prints what happens as JSON, one object per line.
//!
//! `ble_probe advertise ADAPTER [broadcast] [name=NAME] [rid=HEX]` — shows this device; standard input: `rotate`, `name
//! NAME` (another card, same advert), `withdraw`, `stop`. Channels that arrive are echoed.
//! `ble_probe scan ADAPTER [rest]` — tells who is heard; standard input: `look`, `rest`, `read SOURCE`, `stop`.
//! `ble_probe read ADAPTER SOURCE`, `ble_probe knock ADAPTER SOURCE RID`, `ble_probe pipe ADAPTER SOURCE RID [BYTES]` (knocks,
//! opens the channel, sends so many bytes and takes the echo), `ble_probe facts ADAPTER`.
//! ADAPTER is its address or `-`; SOURCE an address or `any`. Ends with status 0 if it worked.
#![allow(clippy::print_stdout, reason = "it prints what happens")]

use hither_capability::{Gate, Manifest};
use hither_discovery::{
    Ble,
    ble::{Announcement, BeaconId, Card, Event, Options, Pipe, Porter, RadioAddress, Routes, card::VERSION},
};
use hither_model::{DisplayName, Rid};
use serde_json::{Value, json};
use std::{collections::BTreeSet, error::Error, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    sync::mpsc,
    time::{Instant, timeout},
};

type Outcome = Result<(), Box<dyn Error>>;

/// How long a source may take to be heard.
const HEARD_WITHIN: Duration = Duration::from_secs(40);

struct OnePorter(Option<Rid>);

impl Porter for OnePorter {
    fn admits(&self, rid: &Rid) -> bool {
        self.0.as_ref() == Some(rid)
    }

    fn routes(&self) -> Routes {
        let addresses = vec![[192, 0, 2, 7].into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into()];
        Routes { port: 7_777, addresses, psm: None, network: Some("probe".into()) }
    }
}

fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn say(what: &str, mut value: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert("event".into(), what.into());
    }
    println!("{value}");
}

fn card(card: &Card) -> Value {
    json!({"power": card.power, "epoch": card.epoch, "name": card.name.as_ref().map(DisplayName::as_str),
        "rid": card.rid.map(|rid| rid.to_string()), "tags": card.tags.len()})
}

fn routes(routes: &Routes) -> Value {
    let addresses: Vec<String> = routes.addresses.iter().map(ToString::to_string).collect();
    json!({"port": routes.port, "addresses": addresses, "psm": routes.psm, "network": routes.network})
}

fn tell(event: &Event) {
    match event {
        Event::Seen(s) => say(
            "seen",
            json!({"source": s.source.to_string(), "id": s.id.map(|id| id.to_string()), "open": s.open, "rssi": s.rssi,
                "nearness": s.nearness.map(|n| n.to_string()), "metres": s.metres, "card": s.card.as_ref().map(card)}),
        ),
        Event::Gone { source, id } => {
            say("gone", json!({"source": source.to_string(), "id": id.map(|id| id.to_string())}));
        }
        Event::State(state) => say("state", json!({"state": state.to_string()})),
        Event::Arrived(pipe) => say("arrived", json!({"peer": pipe.peer().to_string()})),
        other => say("other", json!({"debug": format!("{other:?}")})),
    }
}

struct Probe {
    ble: Ble,
    events: mpsc::Receiver<Event>,
    words: Vec<String>,
}

impl Probe {
    fn start() -> Result<(String, Self), Box<dyn Error>> {
        let mut words: Vec<String> = std::env::args().skip(1).collect();
        if words.len() < 2 {
            return Err("ble_probe advertise|scan|read|knock|pipe|facts ADAPTER|- …".into());
        }
        let (what, adapter) = (words.remove(0), words.remove(0));
        let adapter = if adapter == "-" { None } else { Some(adapter.parse()?) };
        let gate = Gate::new(Manifest::shipped()?, BTreeSet::default(), false);
        let rid = words.iter().find_map(|word| word.strip_prefix("rid=")).map(str::parse).transpose()?;
        let (sender, events) = mpsc::channel(64);
        let ble = Ble::start(gate.discover()?, Options { adapter, porter: Arc::new(OnePorter(rid)) }, sender)?;
        Ok((what, Self { ble, events, words }))
    }

    fn word(&self, number: usize) -> Result<&str, String> {
        self.words.get(number).map(String::as_str).ok_or_else(|| "a word is missing".into())
    }

    /// Listens until the wanted source is heard.
    async fn source(&mut self) -> Result<RadioAddress, Box<dyn Error>> {
        let wanted = self.word(0)?.to_owned();
        let wanted: Option<RadioAddress> = if wanted == "any" { None } else { Some(wanted.parse()?) };
        self.ble.look(true).await;
        let heard = async {
            while let Some(event) = self.events.recv().await {
                tell(&event);
                match event {
                    Event::Seen(sighting) if wanted.is_none_or(|wanted| wanted == sighting.source) => {
                        return Some(sighting.source);
                    }
                    _ => {}
                }
            }
            None
        };
        let heard = timeout(HEARD_WITHIN, heard).await.ok().flatten().ok_or("it is not heard")?;
        // What follows is to be alone with the radio: no reading unasked.
        self.ble.look(false).await;
        Ok(heard)
    }

    async fn announce(&self, id: BeaconId, name: Option<&str>) -> Outcome {
        let has = |word: &str| self.words.iter().any(|given| given == word);
        let tags = (0..8).map(|_| random()).collect::<Result<_, _>>()?;
        let name = name.and_then(|name| DisplayName::new(name).ok());
        let card = Card { version: VERSION, power: -59, epoch: 1, name, instance: None, rid: None, tags };
        let connectable = !has("broadcast");
        self.ble.announce(Announcement { id, card, connectable, open: connectable }).await?;
        say("announced", json!({"id": id.to_string(), "connectable": connectable}));
        Ok(())
    }

    async fn advertise(&mut self) -> Outcome {
        let mut id = BeaconId(random()?);
        let named = self.words.iter().find_map(|word| word.strip_prefix("name=")).map(str::to_owned);
        self.announce(id, named.as_deref()).await?;
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        loop {
            tokio::select! {
                Some(event) = self.events.recv() => {
                    tell(&event);
                    if let Event::State(_) = event {
                        say("psm", json!({"psm": self.ble.psm().await}));
                    }
                    if let Event::Arrived(pipe) = event {
                        tokio::spawn(echo(pipe));
                    }
                }
                line = lines.next_line() => match line?.as_deref().map(|line| line.split_once(' ').unwrap_or((line, ""))) {
                    None | Some(("stop", _)) => return Ok(()),
                    Some(("rotate", _)) => {
                        id = BeaconId(random()?);
                        self.announce(id, named.as_deref()).await?;
                    }
                    Some(("name", name)) => self.announce(id, Some(name)).await?,
                    Some(("withdraw", _)) => say("withdrawn", json!({"result": format!("{:?}", self.ble.withdraw().await)})),
                    Some(_) => say("help", json!({"words": "rotate, name NAME, withdraw, stop"})),
                },
            }
        }
    }

    async fn scan(&mut self) -> Outcome {
        self.ble.look(!self.words.iter().any(|word| word == "rest")).await;
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        loop {
            tokio::select! {
                Some(event) = self.events.recv() => tell(&event),
                line = lines.next_line() => match line?.as_deref().map(|line| line.split_once(' ').unwrap_or((line, ""))) {
                    None | Some(("stop", _)) => return Ok(()),
                    Some(("look", _)) => self.ble.look(true).await,
                    Some(("rest", _)) => self.ble.look(false).await,
                    Some(("read", source)) => match self.ble.read(source.parse()?).await {
                        Ok(read) => say("read", json!({"source": source, "card": card(&read)})),
                        Err(error) => say("unread", json!({"source": source, "why": error.to_string()})),
                    },
                    Some(_) => say("help", json!({"words": "look, rest, read SOURCE, stop"})),
                },
            }
        }
    }

    async fn knock(&mut self) -> Result<(RadioAddress, Routes), Box<dyn Error>> {
        let source = self.source().await?;
        let told = self.ble.knock(source, self.word(1)?.parse()?).await?;
        say("routes", json!({"source": source.to_string(), "routes": routes(&told)}));
        Ok((source, told))
    }

    async fn pipe(&mut self) -> Outcome {
        let (source, told) = self.knock().await?;
        let psm = told.psm.ok_or("it listens for no channel")?;
        let count: usize = self.word(2).ok().map(str::parse).transpose()?.unwrap_or(100_000);
        let begun = Instant::now();
        let pipe = self.ble.open(source, psm).await?;
        say("opened", json!({"peer": pipe.peer().to_string(), "ms": begun.elapsed().as_millis()}));
        let begun = Instant::now();
        let (mut reader, mut writer) = tokio::io::split(pipe);
        let sent: Vec<u8> = (0..count).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect();
        let mut back = vec![0; count];
        let send = async {
            writer.write_all(&sent).await?;
            writer.flush().await
        };
        let ((), _) = tokio::try_join!(send, reader.read_exact(&mut back))?;
        if sent != back {
            return Err("the echo is another".into());
        }
        say("echoed", json!({"bytes": count, "ms": begun.elapsed().as_millis()}));
        Ok(())
    }
}

async fn echo(pipe: Pipe) {
    let (mut reader, mut writer) = tokio::io::split(pipe);
    let copied = tokio::io::copy(&mut reader, &mut writer).await;
    say("echoed", json!({"bytes": copied.ok()}));
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let (what, mut probe) = Probe::start()?;
    let outcome = match what.as_str() {
        "advertise" => probe.advertise().await,
        "scan" => probe.scan().await,
        "read" => {
            let source = probe.source().await?;
            probe.ble.read(source).await.map(|read| say("read", json!({"card": card(&read)}))).map_err(Into::into)
        }
        "knock" => probe.knock().await.map(drop),
        "pipe" => probe.pipe().await,
        "facts" => {
            probe.ble.facts().await.iter().for_each(|fact| say("fact", json!({"fact": fact.to_string()})));
            Ok(())
        }
        other => Err(format!("{other} is nothing it can do").into()),
    };
    if let Err(error) = &outcome {
        say("error", json!({"why": error.to_string()}));
    }
    probe.ble.stop().await;
    say("stopped", json!({}));
    outcome
}
