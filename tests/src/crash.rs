//! Agents that are killed at random moments, and what has to be true of what they leave behind.
//!
//! The moments come from a [`Chance`] with a seed, which is printed: `HITHER_SEED=N` repeats a run's choices (what the
//! machine does in between is its own), `HITHER_SEED=new` draws a seed nobody has tried. Waiting for a moment is
//! listening to the agent for so long; a word of its own does not end it.

use crate::{
    Seat,
    events::{kind, text},
    run::SOON,
    seat::Agent,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Choices that can be made again.
#[derive(Debug)]
pub struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// The seed that `HITHER_SEED` names; `usual` if it names none.
    ///
    /// # Panics
    /// When it names something else.
    pub fn of(test: &str, usual: u64) -> Self {
        let seed = match std::env::var("HITHER_SEED") {
            Ok(word) if word == "new" => drawn(),
            Ok(word) => word.parse().unwrap_or_else(|_| panic!("HITHER_SEED is a number or `new`, not {word}")),
            Err(_) => usual,
        };
        say(&format!("{test}: HITHER_SEED={seed}"));
        Self { seed, state: seed }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64: not for secrets.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    /// A time below `most`, in steps of a tenth of a millisecond.
    pub fn moment(&mut self, most: Duration) -> Duration {
        let steps = u64::try_from(most.as_micros() / 100).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(steps) * 100)
    }

    /// One of these.
    ///
    /// # Panics
    /// When there is none.
    pub fn one_of<'c, T>(&mut self, of: &'c [T]) -> &'c T {
        let at = self.below(of.len() as u64);
        of.get(usize::try_from(at).unwrap_or_default()).expect("there is one")
    }
}

/// Says a line where whoever looks for the reason of a failure finds it.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn drawn() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::from(since.subsec_nanos()) << 16 | u64::from(std::process::id())
}

/// A seat whose agent is killed and started again.
#[derive(Debug)]
pub struct Mortal {
    /// Where it sits.
    pub seat: Seat,
    args: Vec<String>,
    agent: Option<Agent>,
    deaths: u32,
}

impl Mortal {
    /// Starts the agent for the first time.
    pub fn born(seat: Seat, args: &[&str]) -> Self {
        let agent = Some(seat.agent_with(args));
        Self { seat, args: args.iter().map(ToString::to_string).collect(), agent, deaths: 0 }
    }

    /// This device's lasting id.
    ///
    /// # Panics
    /// When the agent does not run.
    pub fn peer(&self) -> String {
        self.agent.as_ref().expect("it lives").peer().to_owned()
    }

    /// How often it was killed.
    pub fn deaths(&self) -> u32 {
        self.deaths
    }

    /// Kills the agent when `moment` is over, and looks at what it leaves.
    ///
    /// # Panics
    /// When it ended by itself before, or leaves something half.
    pub fn dies_after(&mut self, moment: Duration) {
        let mut agent = self.agent.take().expect("it lives");
        let told = agent.run.events.during(moment);
        assert!(told.iter().all(|v| kind(v) != "error"), "{}: {told:?}\n{}", self.seat.title, agent.run.errors());
        agent.run.kill_9();
        self.deaths += 1;
        let faults = stores_at(&self.seat.profile());
        assert!(faults.is_empty(), "{}: {faults:?}", self.seat.title);
    }

    /// Starts the agent and kills it when `moment` is over, wherever its start is then.
    ///
    /// # Panics
    /// When it refuses to start, or leaves something half.
    pub fn dies_at_birth(&mut self, moment: Duration) {
        let mut run = self.seat.hither(["agent"].into_iter().chain(self.args.iter().map(String::as_str)));
        let told = run.events.during(moment);
        assert!(told.iter().all(|v| kind(v) != "error"), "{}: {told:?}\n{}", self.seat.title, run.errors());
        run.kill_9();
        self.deaths += 1;
        let faults = stores_at(&self.seat.profile());
        assert!(faults.is_empty(), "{}: {faults:?}", self.seat.title);
    }

    /// Starts the agent again, and looks whether it remembers.
    ///
    /// # Panics
    /// When it does not start, or its history was damaged.
    pub fn rises(&mut self) {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        self.agent = Some(self.seat.agent_with(&args));
        let whole = self.seat.ask(["history", "check"]);
        assert_eq!(whole.code, Some(0), "{}: {:?}", self.seat.title, whole.said);
    }

    /// Starts the agent again unless it runs.
    ///
    /// # Panics
    /// As [`Self::rises`].
    pub fn rises_if_dead(&mut self) {
        if self.agent.is_none() {
            self.rises();
        }
    }

    /// Ends the agent in good order and looks at its profile once more: now nothing may lie beside the stores.
    ///
    /// # Panics
    /// When it does not end well, or something is left over.
    pub fn ends(mut self) -> Seat {
        let agent = self.agent.take().expect("it lives");
        self.seat.rows(["stop"]);
        let end = agent.run.end(SOON);
        assert_eq!(end.code, Some(0), "{}", end.errors);
        let mut faults = stores_at(&self.seat.profile());
        faults.extend(leftovers(&self.seat.profile()));
        assert!(faults.is_empty(), "{}: {faults:?}", self.seat.title);
        self.seat
    }
}

/// What is half among the stores of a profile whose agent does not run. A store is whole under its own name at every
/// moment: its backup is for other misfortunes.
pub fn stores_at(profile: &Path) -> Vec<String> {
    let mut faults = vec![];
    for path in files(profile) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Ok(bytes) = fs::read(&path) else { continue };
        let Some(rest) = bytes.strip_prefix(b"hither ") else { continue };
        if name.ends_with(".new") {
            continue;
        }
        let split = rest.iter().position(|byte| *byte == b'\n').unwrap_or_default();
        let (header, body) = rest.split_at(split);
        let header = String::from_utf8_lossy(header).into_owned();
        let mut words = header.split(' ');
        let kind_fits = words.next().is_some_and(|kind| name == kind || name.starts_with(&format!("{kind}.")));
        let versioned = words.next().is_some_and(|version| version.parse::<u32>().is_ok());
        let body = body.get(1..).unwrap_or_default();
        let whole = words.next() == Some(blake3::hash(body).to_hex().as_str());
        if !(kind_fits && versioned && whole && serde_json::from_slice::<Value>(body).is_ok()) {
            faults.push(format!("{name} is not whole: {header}"));
        }
    }
    let history = fs::read_to_string(profile.join("history.jsonl")).unwrap_or_default();
    if history.lines().any(|line| serde_json::from_str::<Value>(line).is_err()) {
        faults.push("the history has a line that is none".to_owned());
    }
    faults
}

/// What nobody needs any more in a profile whose agent ended well: files that were being written, offers that are over.
pub fn leftovers(profile: &Path) -> Vec<String> {
    let half =
        |path: &PathBuf| path.extension().is_some_and(|end| end == "new") || path.to_string_lossy().ends_with('~');
    let mut left: Vec<PathBuf> = files(profile).into_iter().filter(half).collect();
    left.extend(files(&profile.join("identity")).into_iter().filter(half));
    left.extend(
        fs::read_dir(profile.join("outgoing")).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())),
    );
    left.iter().map(|path| format!("{} is left over", path.display())).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    entries.filter(|path| path.is_file()).collect()
}

/// Every file below a folder, hidden ones too, by its path from there: the digest of what is in it.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, String> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                // One that goes away while it is looked at is not there.
                false => {
                    if let (Ok(bytes), Ok(relative)) = (fs::read(&path), path.strip_prefix(folder)) {
                        found.insert(relative.to_owned(), blake3::hash(&bytes).to_hex().to_string());
                    }
                }
            }
        }
    }
    found
}

/// The ids of questions of one kind that wait at a seat.
pub fn waiting(seat: &Seat, wanted: &str) -> Vec<String> {
    let rows = seat.rows(["inbox"]);
    let meant = rows.iter().filter(|v| kind(v) == "question" && text(v, "kind") == wanted);
    meant.map(|v| text(v, "id").to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_choices() {
        let mut chances = [7, 7, 8].map(|seed| Chance { seed, state: seed });
        let drawn = chances.each_mut().map(|chance| (0..50).map(|_| chance.below(1_000)).collect::<Vec<_>>());
        assert_eq!(drawn[0], drawn[1]);
        assert_ne!(drawn[0], drawn[2]);
        assert!(drawn[0].iter().all(|n| *n < 1_000));
        assert!(chances[0].moment(Duration::from_millis(5)) < Duration::from_millis(5));
    }

    #[test]
    fn a_store_that_was_cut_or_changed_is_found_and_a_whole_one_is_not() {
        let profile = tempfile::tempdir().unwrap();
        let path = profile.path().join("people");
        let whole = format!("hither people 1 {}\n{{}}", blake3::hash(b"{}").to_hex());
        fs::write(&path, &whole).unwrap();
        assert!(stores_at(profile.path()).is_empty());
        for end in 8..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            assert_eq!(stores_at(profile.path()).len(), 1, "cut at {end}");
        }
        fs::write(profile.path().join("people.new"), "half").unwrap();
        fs::write(&path, whole.replace("{}", "[]")).unwrap();
        assert_eq!(stores_at(profile.path()).len(), 1);
        assert_eq!(leftovers(profile.path()).len(), 1);
    }
}
