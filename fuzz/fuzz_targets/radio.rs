//! Fuzzes `radio`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (hither_fuzz::targets::named("radio").run)(bytes));

#[cfg(not(fuzzing))]
fn main() {
    hither_fuzz::targets::replay("radio");
}
