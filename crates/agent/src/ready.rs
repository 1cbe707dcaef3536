//! The one line an agent says on standard output when it is ready.

use crate::engine::Started;
use hither_model::{DisplayName, Medium, MediumState, PeerId, text};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    net::SocketAddr,
    path::Path,
};

#[derive(Serialize)]
#[serde(tag = "event", rename = "ready")]
struct Ready<'a> {
    peer: PeerId,
    name: Option<&'a DisplayName>,
    listen: &'a [SocketAddr],
    media: BTreeMap<Medium, MediumState>,
    profile: &'a Path,
}

/// Every medium the contract names; one of which nothing is known is off.
fn media(started: &Started) -> BTreeMap<Medium, MediumState> {
    let mut media = started.media.clone();
    for medium in [Medium::Mdns, Medium::Ble] {
        media.entry(medium).or_insert(MediumState::Off);
    }
    media
}

pub(crate) fn line(started: &Started, profile: &Path, json: bool) -> String {
    let media = media(started);
    if json {
        let ready = Ready { peer: started.peer, name: started.name.as_ref(), listen: &started.listen, media, profile };
        return serde_json::to_string(&ready).unwrap_or_default();
    }
    let name = started.name.as_ref().map_or_else(|| "without a name".into(), |n| text::printable(n.as_str()));
    let listen: Vec<String> = started.listen.iter().map(SocketAddr::to_string).collect();
    let media: Vec<String> = media.iter().map(|(medium, state)| format!("{medium}: {state}")).collect();
    format!(
        "hither is ready: {name} ({}), listening on {}; {}",
        started.peer.short(),
        listen.join(" "),
        text::printable(&media.join(", "))
    )
}

/// Says the line. A reader that has gone is no reason to stop.
pub(crate) fn say(line: &str) {
    let mut out = io::stdout().lock();
    if let Err(e) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        tracing::debug!("nobody reads that the agent is ready: {e}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_keeps_its_shape() {
        let started = Started {
            peer: PeerId::new([1; 32]),
            name: DisplayName::new("Ana").ok(),
            listen: vec!["127.0.0.1:4000".parse().unwrap()],
            media: [(Medium::Mdns, MediumState::Failed("no multicast".into()))].into(),
        };
        let json = line(&started, Path::new("/p"), true);
        let peer = "01".repeat(32);
        assert_eq!(
            json,
            format!(
                r#"{{"event":"ready","peer":"{peer}","name":"Ana","listen":["127.0.0.1:4000"],"media":{{"mdns":"no multicast","ble":"off"}},"profile":"/p"}}"#
            )
        );
        assert!(line(&started, Path::new("/p"), false).contains("Ana (01010101), listening on 127.0.0.1:4000"));
    }
}
