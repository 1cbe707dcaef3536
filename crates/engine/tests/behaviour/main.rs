//! What persons, faces and strangers on the network may rely on of an engine: several engines in one process on
//! loopback, asked like a face asks them and attacked like a stranger would. Tests that answer a case of the threat
//! list begin with its id.

#[path = "../lab/mod.rs"]
mod lab;

mod believed;
mod capability;
mod certificates;
mod closing;
mod crowd;
mod errands;
mod granted_services;
mod grants;
mod grants_misused;
mod heirs;
mod hostile;
mod items;
mod links;
mod meeting;
mod messages;
mod outbox;
mod outbox_words;
mod pipes;
mod refusals;
mod resume;
mod seen;
mod services;
mod sessions;
mod settings;
mod stores;
mod transfers;
mod troubles;
mod trust;
