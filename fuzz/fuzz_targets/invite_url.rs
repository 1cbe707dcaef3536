//! Fuzzes `targets::invite_url`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hither_fuzz::targets::invite_url(bytes));
