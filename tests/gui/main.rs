//! The real window, as people use it: apps at hosts of a lab, each on a display of its own, driven through WebDriver.
//! Every scenario makes its own lab; where there can be none it says so and is counted as skipped. What a failed one
//! showed is kept in `target/window-tests/`.

mod desks;
mod files;
mod gates;
mod hostile;
mod later;
mod lending;
mod life;
mod links;
mod meeting;
mod paste;
mod sending;
