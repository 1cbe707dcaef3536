//! Pictures of the real window, for the README and for eyes to judge: `window-pictures FOLDER [LOOK…]` writes
//! `<view>-<look>.png` for every view in every look (`light`, `dark`, `korean`, `narrow`), and `empty`, `first`, `asked`,
//! `code` and `lost` in the first one.
//!
//! Everything shown is real: two agents at two hosts of a lab, a conversation, a transfer that moves. The programs are
//! those that `HITHER_APP_BIN` and `HITHER_BIN` name, or those built beside this one.

use anyhow::{Context, Result, bail};
use hither_tests::{
    Seat,
    acts::{meet, noise, question, until},
    events::text,
    netns::Lab,
    seat::Agent,
    window::{self, App, Look, PATIENCE, Wanted},
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The views of the sidebar, by their addresses.
const VIEWS: &[&str] = &["near", "transfers", "links", "history", "identity", "capabilities", "doctor", "settings"];

/// Every look, with the size of the window in it.
const LOOKS: &[(&str, (u32, u32))] =
    &[("light", (1100, 760)), ("dark", (1100, 760)), ("korean", (1100, 760)), ("narrow", (400, 800))];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("where to? window-pictures FOLDER [LOOK…]")?);
    let wanted: Vec<String> = arguments.collect();
    if let Err(why) = window::available() {
        bail!("{why}");
    }
    fs::create_dir_all(&folder)?;
    let scene = Scene::set()?;
    for (name, size) in LOOKS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|one| one == name)) {
        scene.views(&folder, name, *size)?;
    }
    if wanted.is_empty() || wanted.iter().any(|one| one == "light") {
        scene.moments(&folder)?;
    }
    Ok(())
}

fn look(name: &str) -> Look {
    Look {
        dark: name == "dark",
        language: if name == "korean" { "ko_KR.UTF-8" } else { "en_GB.UTF-8" }.to_owned(),
        motion: false,
        ..Look::default()
    }
}

/// Two people who met and are in the middle of things, and a third who is near.
struct Scene {
    ana: Seat,
    ben: Seat,
    peer: String,
    own: String,
    _agents: Vec<Agent>,
    _lab: Lab,
}

impl Scene {
    fn set() -> Result<Self> {
        let lab = Lab::of(5).context("hosts cannot be made here")?;
        let names = ["Ana’s laptop", "Ben’s desktop", "서연의 노트북", "Workshop tablet", "Reading room"];
        let seats: Vec<Seat> = (0..names.len()).map(|number| lab.seat(number)).collect();
        let agents: Vec<Agent> = seats.iter().zip(names).map(|(seat, name)| seat.agent(name)).collect();
        let [ana, ben, ..] = seats.as_slice() else { bail!("five seats") };
        let met = meet(ana, ben, "Ben’s desktop");
        let own = agents.first().context("an agent")?.peer().to_owned();
        let scene = Self { ana: ana.clone(), ben: ben.clone(), peer: met.peer, own, _agents: agents, _lab: lab };
        scene.talk()?;
        Ok(scene)
    }

    /// A conversation with files: one kept, one that moves.
    fn talk(&self) -> Result<()> {
        let (ana, ben) = (&self.ana, &self.ben);
        ben.rows(["say", &self.own, "Hi! I have the pictures from Saturday."]);
        ana.rows(["say", &self.peer, "Great, please send them over. All of them if you can 📷"]);
        fs::create_dir(ben.file("Saturday"))?;
        for number in 1..=24 {
            noise(&ben.file(&format!("Saturday/picture {number:02}.jpg")), 400_000 + number * 9_000, number as u64)?;
        }
        fs::write(ana.file("directions.pdf"), vec![b'x'; 120_000])?;
        self.send(ben, ana, &self.own, "Saturday")?;
        self.send(ana, ben, &self.peer, "directions.pdf")?;
        ben.rows(["say", &self.own, "The long video is on its way too."]);
        self._lab.limit(0, 40).map_err(anyhow::Error::msg)?;
        noise(&ben.file("Saturday, the whole evening.mp4"), 900 << 20, 77)?;
        self.offer(ben, ana, &self.own, "Saturday, the whole evening.mp4")?;
        until(ana, &["transfers"], "moving transfer", PATIENCE, |row| text(row, "state") == "moving");
        Ok(())
    }

    fn offer(&self, from: &Seat, to: &Seat, peer: &str, what: &str) -> Result<()> {
        let mut inbox = to.hither(["inbox", "--watch"]);
        let path = from.at(what);
        let send = from.hither(["send".as_ref(), peer.as_ref(), path.as_os_str()]);
        let asked = question(&mut inbox, "transfer");
        to.rows(["accept", text(&asked, "id")]);
        drop(send);
        Ok(())
    }

    fn send(&self, from: &Seat, to: &Seat, peer: &str, what: &str) -> Result<()> {
        self.offer(from, to, peer, what)?;
        until(to, &["transfers"], "kept transfer", PATIENCE, |row| {
            text(row, "state") == "kept" && text(row, "title").starts_with(what)
        });
        Ok(())
    }

    /// Every view in one look.
    fn views(&self, folder: &Path, name: &str, (width, height): (u32, u32)) -> Result<()> {
        let app = App::open_as(&self.ana, look(name));
        app.resize(width, height);
        for view in VIEWS {
            show(&app, view);
            app.picture_to(&folder.join(format!("{view}-{name}.png")));
        }
        show(&app, &format!("session/{}", self.peer));
        app.picture_to(&folder.join(format!("session-{name}.png")));
        let shield = app.all(".shield").into_iter().next().context("the protection button")?;
        app.click(&shield);
        // The sheet has come to rest.
        app.until("the protection panel", || {
            let rests = "const sheet = document.querySelector('dialog[open], [role=dialog]'); \
                         return !!sheet && sheet.getAnimations({ subtree: true }).length === 0 && sheet.innerText.length > 40";
            (app.run(rests, &json!([])) == json!(true)).then_some(())
        });
        app.picture_to(&folder.join(format!("protection-{name}.png")));
        Ok(())
    }

    /// What comes and goes: nobody near, the first run, a code, a question, an agent that is lost.
    fn moments(&self, folder: &Path) -> Result<()> {
        let lab = Lab::of(1).context("hosts cannot be made here")?;
        let alone = lab.seat(0);
        let first = App::open_as(&alone, look("light"));
        first.find(Wanted::of("heading", "Who may see this device?"));
        first.picture_to(&folder.join("first-light.png"));
        drop(first);
        alone.rows(["visibility", "everyone", "--name", "Cara"]);
        let empty = App::open_as(&alone, look("light"));
        empty.find(Wanted::of("heading", "Near"));
        empty.picture_to(&folder.join("empty-light.png"));
        alone.rows(["stop"]);
        empty.reads("does not answer");
        empty.picture_to(&folder.join("lost-light.png"));
        self.meeting(folder)
    }

    /// Both sides of a meeting, at the code.
    fn meeting(&self, folder: &Path) -> Result<()> {
        let third = self._lab.seat(2);
        let (here, there) = (App::open_as(&self.ana, look("light")), App::open_as(&third, look("light")));
        here.press_button("Invite 서연의 노트북");
        for (app, name) in [(&here, "code"), (&there, "asked")] {
            app.find(Wanted::with("img", "Your code:"));
            app.until("buttons that are awake", || app.all("dialog [aria-disabled=true]").is_empty().then_some(()));
            app.picture_to(&folder.join(format!("{name}-light.png")));
        }
        there.press_button("Decline");
        Ok(())
    }
}

/// Goes to a view and waits until it has what it shows.
fn show(app: &App, view: &str) {
    app.run("location.hash = '#/' + arguments[0]", &json!([view]));
    app.until("a view that is complete", || {
        let there = app.run(
            "return !!document.querySelector('main h1') && !document.querySelector('main [aria-busy=true]') \
             && !/One moment|잠시만|Looking at the network|네트워크를 살펴보는/.test(document.querySelector('main').innerText)",
            &json!([]),
        );
        (there == json!(true)).then_some(())
    });
}
