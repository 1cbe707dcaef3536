//! Whole connections to a server of this process: levels asked and checked, certificates, upgrades, client certificates.

mod certificates;
pub(crate) mod lab;
mod levels;
mod moments;
mod upgrades;
