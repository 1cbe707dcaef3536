//! The real program on several hosts. Every scenario makes its own lab; where there can be none it says so and is
//! counted as skipped.

mod crashes;
mod discovery;
mod files;
mod forward;
mod grants;
mod impostor;
mod killed;
mod lab;
mod links;
mod meeting;
mod middle;
mod outbox;
mod places;
mod resources;
