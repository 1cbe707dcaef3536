//! Deterministic mutations for runs without a fuzzer: the same ones every time, of a target's seeds and of the files in
//! `fuzz/seeds/<target>/` (what fuzzing once found, and inputs that lead deep).

use crate::targets::Target;
use std::{fs, path::Path};

/// A generator of its own (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (limit.max(1) as u64)).unwrap_or(0)
    }

    fn of(&mut self, bytes: &[u8]) -> u8 {
        bytes.get(self.below(bytes.len())).copied().unwrap_or(0)
    }

    /// One to four changes to a seed: a bit, a byte, something more, something less, or the end of another seed.
    fn mutate(&mut self, seed: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match (self.below(8), bytes.get_mut(at)) {
                (0, Some(byte)) => *byte ^= 1 << self.below(8),
                (1, Some(byte)) => *byte = self.of(&[0, 1, 0x7f, 0x80, 0xff]),
                (2, Some(byte)) => *byte = u8::try_from(self.below(256)).unwrap_or(0),
                (3, Some(_)) => drop(bytes.remove(at)),
                (4, _) => bytes.truncate(at),
                (5, _) => {
                    let other = others.get(self.below(others.len())).map(Vec::as_slice).unwrap_or_default();
                    let tail = other.get(self.below(other.len())..).unwrap_or_default();
                    bytes.truncate(at);
                    bytes.extend_from_slice(tail);
                }
                (6, _) => {
                    let end = (at + self.below(16)).min(bytes.len());
                    let piece = bytes.get(at..end).unwrap_or_default().to_vec();
                    bytes.extend(piece);
                }
                _ => bytes.insert(at, self.of(&[0, 1, 0x7f, 0x80, 0xff, b'"', b'=', b'/', b'\n'])),
            }
        }
        bytes
    }
}

/// A target's own seeds and those in its directory.
///
/// # Panics
/// If a file there cannot be read.
pub fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let mut seeds = (target.seeds)();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target.name);
    let files = fs::read_dir(directory).into_iter().flatten();
    let mut files: Vec<_> = files.map(|file| file.expect("the directory can be listed").path()).collect();
    files.sort();
    seeds.extend(files.iter().map(|file| fs::read(file).expect("the file can be read")));
    seeds
}

/// Runs a target on its seeds, on every beginning of them, with every single bit flipped, and on so many mutations of
/// each.
pub fn exercise(target: &Target, mutations: usize) {
    let seeds = seeds(target);
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for seed in &seeds {
        for end in 0..=seed.len().min(512) {
            (target.run)(seed.get(..end).unwrap_or_default());
        }
        (target.run)(seed);
        for bit in 0..seed.len().min(512) * 8 {
            let mut flipped = seed.clone();
            if let Some(byte) = flipped.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            (target.run)(&flipped);
        }
        for _ in 0..mutations {
            (target.run)(&chance.mutate(seed, &seeds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets;

    /// Mutations of each seed: enough to see that a target works, not enough to find much.
    const MUTATIONS: usize = 2000;

    macro_rules! exercised {
        ($($name:ident: $test:ident),+ $(,)?) => {
            $(#[test] fn $test() { exercise(targets::named(stringify!($name)), MUTATIONS); })+

            #[test]
            fn every_target_is_exercised_and_has_seeds_and_a_binary() {
                let here = [$(stringify!($name)),+];
                let manifest = include_str!("../Cargo.toml");
                for target in targets::ALL {
                    assert!(here.contains(&target.name), "{} is not in this list", target.name);
                    assert!(!seeds(target).is_empty(), "{} has no seeds", target.name);
                    assert!(manifest.contains(&format!("\"fuzz_targets/{}.rs\"", target.name)), "{}", target.name);
                }
            }
        };
    }

    exercised! {
        frames: m6_any_bytes_as_frames_are_taken_or_refused,
        session: m11_any_script_of_a_session_keeps_messages_and_requests_whole,
        invite_url: i7_any_text_as_a_link_is_taken_or_refused,
        invite_machines: t11_any_script_ends_without_trust_that_nobody_earned,
        radio: b1_any_bytes_from_a_radio_are_taken_or_dropped,
        txt: d4_any_bytes_as_a_txt_record_are_taken_or_dropped,
        control: a4_any_bytes_as_requests_are_taken_or_refused,
        manifest: f6_any_bytes_as_a_manifest_are_taken_or_refused,
        journal: f9_any_bytes_as_a_journal_are_replayed_or_refused,
        names: f1_any_text_as_a_path_stays_beneath_or_is_refused,
        lane: m1_any_bytes_in_a_lane_are_taken_or_refused,
        receipt: any_bytes_as_a_receipt_are_taken_or_refused,
    }
}
