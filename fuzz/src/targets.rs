//! What is fuzzed: each target takes any bytes, must neither panic nor hang nor take memory that the bytes do not pay
//! for, and checks what must hold for whatever was accepted. Each brings seeds: small valid inputs.

mod intakes;
mod radio;
mod records;
mod streams;
mod texts;

use crate::machines;

/// One parser, or one set of machines.
pub struct Target {
    /// Its name, as in `cargo fuzz run`.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
    /// Small valid inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const ALL: &[Target] = &[
    Target { name: "frames", run: streams::frames, seeds: streams::frame_seeds },
    Target { name: "control", run: streams::control, seeds: streams::control_seeds },
    Target { name: "lane", run: streams::lane, seeds: streams::lane_seeds },
    Target { name: "invite_machines", run: machines::invite_machines, seeds: machines::seeds },
    Target { name: "session", run: intakes::session, seeds: intakes::session_seeds },
    Target { name: "invite_url", run: texts::invite_url, seeds: texts::invite_url_seeds },
    Target { name: "txt", run: texts::txt, seeds: texts::txt_seeds },
    Target { name: "radio", run: radio::radio, seeds: radio::radio_seeds },
    Target { name: "names", run: texts::names, seeds: texts::name_seeds },
    Target { name: "manifest", run: records::manifest, seeds: records::manifest_seeds },
    Target { name: "journal", run: records::journal, seeds: records::journal_seeds },
    Target { name: "receipt", run: records::receipt, seeds: records::receipt_seeds },
];

/// The target of this name.
///
/// # Panics
/// If there is none.
pub fn named(name: &str) -> &'static Target {
    ALL.iter().find(|target| target.name == name).expect("the target is in the list")
}

/// Without a fuzzer: runs a target on the files named on the command line, to look into a finding.
///
/// # Panics
/// If there is no such target, a file cannot be read, or the finding is still there.
pub fn replay(name: &str) {
    let run = named(name).run;
    for file in std::env::args_os().skip(1) {
        run(&std::fs::read(file).expect("the file can be read"));
    }
}
