//! Announces a device and prints what is heard, one line per event, until standard input ends or says `stop`.
//!
//! `hear [NAME] [loopback | only=INTERFACE | virtual]…` — further words on standard input: `withdraw`, `announce`,
//! `refresh`, `expire INSTANCE`, `doctor`. For trying discovery out between network namespaces; trusts nobody, dials
//! nothing.
#![allow(clippy::print_stdout, reason = "it prints what it hears")]

use hither_capability::{Gate, Manifest};
use hither_discovery::{Announcement, Event, InterfaceRule, Mdns, Txt, doctor, interfaces, txt::VERSION};
use hither_model::{DisplayName, InstanceId, Rid};
use std::{collections::BTreeSet, error::Error, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::mpsc,
    time::Instant,
};

type Outcome = Result<(), Box<dyn Error>>;

fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn advert(name: Option<&DisplayName>) -> Result<Announcement, Box<dyn Error>> {
    let rid = name.map(|_| random().map(Rid::new)).transpose()?;
    let tags = (0..8).map(|_| random()).collect::<Result<_, _>>()?;
    let txt = Txt { version: VERSION, epoch: 1, rid, beacon: None, name: name.cloned(), tags };
    Ok(Announcement { instance: InstanceId::new(random()?), host: random()?, port: 7_777, txt })
}

fn rule(words: &[String]) -> InterfaceRule {
    let mut rule = InterfaceRule::default();
    for word in words {
        match word.as_str() {
            "loopback" => rule.loopback = true,
            "virtual" => rule.virtual_too = true,
            other => rule.include.extend(other.strip_prefix("only=").map(str::to_owned)),
        }
    }
    rule
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let name = (!words.is_empty()).then(|| DisplayName::cleaned(&words.remove(0))).flatten();
    let rule = rule(&words);
    let gate = Gate::new(Manifest::shipped()?, BTreeSet::default(), rule.loopback);
    let (sender, mut events) = mpsc::channel(64);
    let start = Instant::now();
    let mdns = Mdns::start(gate.discover()?, rule.clone(), sender).await?;
    announce(&mdns, name.as_ref()).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            Some(event) = events.recv() => {
                println!("{:8.3} {event:?}", start.elapsed().as_secs_f64());
                if matches!(event, Event::NetworkChanged { .. } | Event::NameTaken(_)) {
                    announce(&mdns, name.as_ref()).await?;
                }
            }
            line = lines.next_line() => match line?.as_deref().map(str::split_ascii_whitespace).map(Iterator::collect::<Vec<_>>).as_deref() {
                None | Some(["stop"]) => break,
                Some(["withdraw"]) => mdns.withdraw().await?,
                Some(["announce"]) => announce(&mdns, name.as_ref()).await?,
                Some(["refresh"]) => mdns.refresh().await?,
                Some(["expire", instance]) => mdns.expire(instance.parse()?).await,
                Some(["doctor"]) => ask_doctor(&mdns, &gate, &rule).await?,
                Some(_) => println!("withdraw, announce, refresh, expire INSTANCE, doctor or stop"),
            },
        }
    }
    mdns.stop().await;
    println!("{:8.3} stopped", start.elapsed().as_secs_f64());
    Ok(())
}

async fn announce(mdns: &Mdns, name: Option<&DisplayName>) -> Outcome {
    let advert = advert(name)?;
    println!("announcing {}", advert.instance);
    Ok(mdns.announce(advert).await?)
}

async fn ask_doctor(mdns: &Mdns, gate: &Gate, rule: &InterfaceRule) -> Outcome {
    let all = interfaces::list()?;
    for interface in &all {
        println!("interface {interface:?}");
    }
    println!("advertised {:?}", mdns.advertised().await);
    println!("heard {:?}", mdns.heard().await);
    println!("echo {:?}", doctor::echo(&gate.discover()?, &rule.select(&all), Duration::from_secs(1)).await?);
    println!("port {:?}", doctor::port_5353()?);
    Ok(())
}
