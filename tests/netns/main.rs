//! The real program on several hosts. Every scenario makes its own lab; where there can be none it says so and is
//! counted as skipped.

mod crashes;
mod discovery;
mod files;
mod forward;
mod impostor;
mod lab;
mod links;
mod meeting;
mod middle;
mod places;
mod resources;
