//! Measures the window: `window-figures [--quick]` prints one JSON object a line, `{"figure", "value", "unit", "goal",
//! "detail"}`; a goal of `null` means that the figure is only stated. `script/bench --window` runs it with release
//! builds; what is measured and how is in docs/performance.md.
//!
//! The programs are those that `HITHER_APP_BIN`, `HITHER_BIN` and `HITHER_EMPTY_BIN` name. Frames are counted by the
//! page's own clock between two animation frames, while a script scrolls as fast as a person flicks.

use anyhow::{Context, Result, bail};
use hither_tests::{
    Run, Seat,
    acts::{meet, noise, question, until},
    events::{kind, text},
    netns::Lab,
    run::children_of,
    window::{self, App, Look, Wanted},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

/// How long a start may take before it is given up.
const START: Duration = Duration::from_secs(60);

/// What the app says when the page can be used.
const READY: &str = "the page was ready after";

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    if let Err(why) = window::available() {
        bail!("{why}");
    }
    starts(if quick { 3 } else { 10 })?;
    near()?;
    items(if quick { 1_000 } else { 10_000 })?;
    progress()
}

/// A figure without a goal is stated only.
fn tell(figure: &str, value: f64, unit: &str, goal: Option<f64>, detail: &Value) -> Result<()> {
    let row = json!({"figure": figure, "value": value, "unit": unit, "goal": goal, "detail": detail});
    writeln!(std::io::stdout(), "{row}").context("standard output")
}

fn lab(hosts: usize) -> Result<Lab> {
    Lab::of(hosts).context("hosts cannot be made here")
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// From the start of the program to the moment it says that the page can be used; and the program, still running.
fn start(desk: &App) -> Result<(f64, Run)> {
    let mut command = desk.command(window::program().map_err(anyhow::Error::msg)?);
    // As people start it: not driven.
    command.env_remove("TAURI_WEBVIEW_AUTOMATION");
    let began = Instant::now();
    let run = desk.seat.run(command, "hither-app");
    while began.elapsed() < START {
        if run.errors().contains(READY) {
            return Ok((began.elapsed().as_secs_f64() * 1000.0, run));
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    bail!("the page was never ready:\n{}", run.errors())
}

/// Ends a window and waits until it is gone: the next one would take it for one that is open, and speak to it.
fn end(run: Run) {
    let own = run.pids();
    drop(run);
    let began = Instant::now();
    while began.elapsed() < START && own.iter().any(|pid| Path::new("/proc").join(pid.to_string()).exists()) {
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// The processes of a run and all their children.
fn family(run: &Run) -> Vec<u32> {
    let first = run.pids().into_iter().filter_map(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok());
    let (mut open, mut all) = (first.collect::<Vec<_>>(), Vec::new());
    while let Some(pid) = open.pop() {
        open.extend(children_of(pid));
        all.push(pid);
    }
    all
}

/// Cold: a profile that was never used and no agent. Warm: the agent runs.
fn starts(times: usize) -> Result<()> {
    let mut cold = Vec::new();
    for _ in 0..times {
        let lab = lab(1)?;
        let desk = App::prepared(&lab.seat(0), Look::default());
        let (took, run) = start(&desk)?;
        cold.push(took);
        end(run);
    }
    let lab = lab(1)?;
    let ana = lab.seat(0);
    let _agent = ana.agent("Ana");
    let desk = App::prepared(&ana, Look::default());
    end(start(&desk)?.1);
    let mut warm = Vec::new();
    for _ in 0..times {
        let (took, run) = start(&desk)?;
        warm.push(took);
        end(run);
    }
    let (_, run) = start(&desk)?;
    let (memory, parts) = memory_of(&run);
    end(run);
    let spread = |times: &[f64]| json!({"runs": times.len(), "best": times.first(), "worst": times.last()});
    let value = median(&mut cold);
    tell("window: start with a new profile and no agent, p50", value, "ms", Some(1000.0), &spread(&cold))?;
    let value = median(&mut warm);
    tell("window: start while the agent runs, p50", value, "ms", Some(600.0), &spread(&warm))?;
    let mut detail = json!({"processes": parts});
    empty_windows(&desk, times, &mut detail)?;
    tell("window: memory of all its processes (PSS)", memory, "MiB", None, &detail)
}

/// An empty Tauri window, to compare with: painted plainly, and as it starts by itself; its memory, and how long it takes
/// until its page is loaded. `HITHER_EMPTY_BIN` names it; without it nothing is compared with.
fn empty_windows(desk: &App, times: usize, detail: &mut Value) -> Result<()> {
    let Some(program) = std::env::var_os("HITHER_EMPTY_BIN") else { return Ok(()) };
    for (plainly, what) in [("1", "an empty window, painted plainly"), ("0", "an empty window, with OpenGL")] {
        let (mut starts, mut memory) = (Vec::new(), f64::NAN);
        for time in 1..=times {
            let mut command = desk.command(&program);
            command.env_remove("TAURI_WEBVIEW_AUTOMATION").env("WEBKIT_DISABLE_DMABUF_RENDERER", plainly);
            let began = Instant::now();
            let mut run = desk.seat.run(command, "an empty window");
            if run.events.next(START, |line| line.as_str() == Some("shown")).is_err() {
                bail!("the empty window was never shown:\n{}", run.errors());
            }
            starts.push(began.elapsed().as_secs_f64() * 1000.0);
            if time == times {
                memory = memory_of(&run).0;
            }
        }
        detail[what] = json!({"MiB": memory.round(), "loaded after ms, p50": median(&mut starts).round()});
    }
    Ok(())
}

/// The proportional memory of everything a window started, in MiB, once what was only needed to start has been given
/// back; and by program.
fn memory_of(run: &Run) -> (f64, Value) {
    std::thread::park_timeout(Duration::from_secs(3));
    let (mut total, mut parts) = (0.0, serde_json::Map::new());
    for pid in family(run) {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let kib =
            rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse::<u32>().ok());
        let mib = f64::from(kib.unwrap_or(0)) / 1024.0;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let before = parts.get(name.trim()).and_then(Value::as_f64).unwrap_or(0.0);
        parts.insert(name.trim().to_owned(), json!((before + mib).round()));
        total += mib;
    }
    (total, Value::Object(parts))
}

/// Scrolls a list for four seconds and gives the gaps between frames, in milliseconds.
const SCROLL: &str = r#"
const [label, done] = arguments;
const list = document.querySelector(`[role=list][aria-label="${label}"]`);
const gaps = [], work = []; let far = 0, way = 1, last, began;
const frame = (now) => {
  began ??= now;
  if (last !== undefined) {
    gaps.push(now - last);
    // What ran since the frame began: the page's answer to the scroll before.
    work.push(performance.now() - now);
  }
  last = now;
  const before = list.scrollTop;
  // At 60 frames a second, 3,600 pixels a second: a fast flick.
  list.scrollTop += way * 60;
  far += Math.abs(list.scrollTop - before);
  if (list.scrollTop <= 0) way = 1;
  if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1) way = -1;
  if (now - began < 4000) requestAnimationFrame(frame); else done({ gaps, work, far, rows: list.querySelectorAll("[role=listitem]").length,
    length: Number(list.querySelector("[aria-setsize]")?.getAttribute("aria-setsize")) });
};
requestAnimationFrame(frame);
"#;

/// How often a list is scrolled. Of what is seen each time the middle is told: one hiccup of a busy machine is none of
/// the window.
const PASSES: usize = 5;

fn scroll(app: &App, label: &str, figure: &str, more: Value) -> Result<()> {
    // Once to warm up: the first pass compiles the page's code and fetches rows.
    app.run_later(SCROLL, &json!([label]));
    let (mut longest, mut passes) = (Vec::new(), Vec::new());
    for _ in 0..PASSES {
        let seen = app.run_later(SCROLL, &json!([label]));
        let all =
            |what: &str| seen[what].as_array().into_iter().flatten().filter_map(Value::as_f64).collect::<Vec<f64>>();
        let (mut gaps, mut work) = (all("gaps"), all("work"));
        let fps = gaps.len() as f64 * 1000.0 / gaps.iter().sum::<f64>();
        let (middle, script) = (median(&mut gaps), median(&mut work));
        let at = |share: usize| gaps.get(gaps.len() * share / 1000).copied();
        longest.push(gaps.last().copied().context("no frame was drawn")?);
        passes.push(json!({
            "longest": gaps.last(), "p50": middle, "p99": at(990), "over 50 ms": gaps.iter().filter(|gap| **gap > 50.0).count(),
            "frames a second": fps.round(), "script p50": script, "script max": work.last().map(|most| most.round()),
            "rows": seen["length"], "rows drawn": seen["rows"], "pixels": seen["far"],
        }));
    }
    let value = median(&mut longest);
    let detail = json!({"passes": passes, "more": more});
    tell(&format!("window: longest frame while scrolling {figure}"), value, "ms", Some(50.0), &detail)
}

/// 500 devices on the link; an agent shows 256 of so many strangers.
fn near() -> Result<()> {
    let lab = lab(2)?;
    let (ana, crowd) = (lab.seat(0), lab.seat(1));
    let _agent = ana.agent("Ana");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/crowd_host.py");
    let _crowd = crowd.start("/usr/bin/python3", [script, "500", &lab.host(1).ipv4()]);
    let app = App::open(&ana);
    let all = "return Number(document.querySelector('[aria-label=\"Devices near\"] [aria-setsize]')?.getAttribute('aria-setsize'))";
    app.until("a full list", || app.run(all, &json!([])).as_f64().filter(|shown| *shown >= 200.0));
    scroll(&app, "Devices near", "500 devices", json!({"on the link": 500}))
}

/// A folder of so many files, offered and taken; its items looked through.
fn items(count: usize) -> Result<()> {
    let lab = lab(2)?;
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let _agents = [ana.agent("Ana"), ben.agent("Ben")];
    let met = meet(&ana, &ben, "Ben");
    let folder = ana.file("many");
    fs::create_dir(&folder)?;
    for number in 0..count {
        fs::write(folder.join(format!("file {number:05}.txt")), number.to_string())?;
    }
    let transfer = sent(&ana, &ben, &met.peer, "many")?;
    let app = App::open(&ben);
    app.press(Wanted::with("link", "Transfers"));
    app.press_button("Items");
    app.find(Wanted::of("list", "Items of this transfer"));
    scroll(&app, "Items of this transfer", &format!("{count} items"), json!({"transfer": transfer}))
}

/// Offers something, says yes to it, and waits until it is kept.
fn sent(ana: &Seat, ben: &Seat, peer: &str, what: &str) -> Result<String> {
    let mut inbox = ben.hither(["inbox", "--watch"]);
    let offered = ana.at(what);
    let _send = ana.hither(["send".as_ref(), peer.as_ref(), offered.as_os_str(), "--wait".as_ref()]);
    let asked = question(&mut inbox, "transfer");
    ben.rows(["accept", text(&asked, "id")]);
    let row = until(ben, &["transfers"], "kept transfer", Duration::from_secs(300), |row| text(row, "state") == "kept");
    Ok(text(&row, "transfer").to_owned())
}

/// Counts how often in five seconds the figures of a transfer change on the screen.
const CHANGES: &str = r#"
const [done] = arguments;
let batches = 0;
const observer = new MutationObserver((changes) => {
  if (changes.some((one) => one.target.nodeType === Node.TEXT_NODE || one.attributeName === "aria-valuenow" || one.attributeName === "style")) batches += 1;
});
observer.observe(document.querySelector("main"), { subtree: true, characterData: true, attributes: true, childList: true });
setTimeout(() => { observer.disconnect(); done(batches); }, 5000);
"#;

/// A transfer over a fast link, watched.
fn progress() -> Result<()> {
    let lab = lab(2)?;
    let (ana, ben) = (lab.seat(0), lab.seat(1));
    let _agents = [ana.agent("Ana"), ben.agent("Ben")];
    let met = meet(&ana, &ben, "Ben");
    noise(&ana.file("large"), 256 << 20, 31)?;
    lab.limit(1, 100).map_err(anyhow::Error::msg)?;
    let app = App::open(&ben);
    let mut inbox = ben.hither(["inbox", "--watch"]);
    let offered = ana.at("large");
    let _send = ana.hither(["send".as_ref(), met.peer.as_ref(), offered.as_os_str(), "--wait".as_ref()]);
    let asked = question(&mut inbox, "transfer");
    ben.rows(["accept", text(&asked, "id")]);
    let mut views = serde_json::Map::new();
    let mut most = 0.0_f64;
    for view in ["Transfers", "Ana"] {
        app.press(Wanted::with("link", view));
        app.find(Wanted::with("progressbar", "large"));
        let changes = app.run_later(CHANGES, &json!([])).as_f64().unwrap_or(f64::NAN) / 5.0;
        most = most.max(changes);
        views.insert(view.to_owned(), json!(changes));
    }
    if !ben.rows(["transfers"]).iter().any(|row| kind(row) != "error" && text(row, "state") == "moving") {
        bail!("the transfer was over before it was watched");
    }
    tell(
        "window: changes of a transfer's figures a second, in the view with most",
        most,
        "1/s",
        Some(10.0),
        &views.into(),
    )
}
