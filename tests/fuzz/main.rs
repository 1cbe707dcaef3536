//! Every fuzz target for a short time on stable Rust: its seeds, what fuzzing once found (`fuzz/seeds/<target>/`), and
//! deterministic mutations of both. The long runs are `cargo fuzz run <target>` in `fuzz/`.

#[allow(unreachable_pub, reason = "the file is a public module of the fuzz package")]
#[path = "../../fuzz/src/targets.rs"]
mod targets;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// How long each target is mutated. A time and not a count, so that a slow machine is not slower.
const LONG: Duration = Duration::from_secs(2);

/// A generator of its own: the same mutations in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn mutate(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(7) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, [0, 1, 0x7f, 0x80, 0xff, b'"', b'=', b'/'][self.below(8)]),
                2 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                3 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
                4 if at < bytes.len() => drop(bytes.remove(at)),
                5 => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len());
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[from..]);
                }
                _ => {
                    let end = (at + self.below(16)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    bytes.extend(piece);
                }
            }
        }
        bytes
    }
}

fn exercise(name: &str) {
    let target = targets::ALL.iter().find(|t| t.name == name).unwrap();
    let mut seeds = (target.seeds)();
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(name);
    seeds.extend(fs::read_dir(found).into_iter().flatten().map(|file| fs::read(file.unwrap().path()).unwrap()));
    assert!(!seeds.is_empty());
    for seed in &seeds {
        (target.run)(seed);
        for end in 0..seed.len().min(400) {
            (target.run)(&seed[..end]);
        }
    }
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let until = Instant::now() + LONG;
    while Instant::now() < until {
        for _ in 0..100 {
            (target.run)(&chance.mutate(&seeds));
        }
    }
}

macro_rules! targets {
    ($($name:ident: $test:ident),+ $(,)?) => {
        $(#[test] fn $test() { exercise(stringify!($name)); })+

        #[test]
        fn every_target_is_exercised() {
            let here = [$(stringify!($name)),+];
            assert!(targets::ALL.iter().all(|t| here.contains(&t.name)), "a target is missing in tests/fuzz");
            let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/Cargo.toml")).unwrap();
            for name in here {
                assert!(manifest.contains(&format!("fuzz_targets/{name}.rs")), "{name} is missing in fuzz/Cargo.toml");
            }
        }
    };
}

targets! {
    frames: m6_any_bytes_as_frames_are_taken_or_refused,
    invite_url: i7_any_text_as_a_link_is_taken_or_refused,
    txt: d4_any_bytes_as_a_txt_record_are_taken_or_dropped,
    control: a4_any_bytes_as_requests_are_taken_or_refused,
    manifest: f6_any_bytes_as_a_manifest_are_taken_or_refused,
    journal: f9_any_bytes_as_a_journal_are_replayed_or_refused,
    names: f1_any_text_as_a_path_stays_beneath_or_is_refused,
    lane: m1_any_bytes_in_a_lane_are_taken_or_refused,
    receipt: any_bytes_as_a_receipt_are_taken_or_refused,
}
