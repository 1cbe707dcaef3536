//! One file for each command, and what several of them share (`codes`, `flow`).

pub(crate) mod accept;
pub(crate) mod agent;
pub(crate) mod capability;
mod codes;
pub(crate) mod completions;
pub(crate) mod decline;
pub(crate) mod doctor;
mod flow;
pub(crate) mod history;
pub(crate) mod identity;
pub(crate) mod inbox;
pub(crate) mod invite;
pub(crate) mod invites;
pub(crate) mod messages;
pub(crate) mod near;
pub(crate) mod open;
pub(crate) mod pipe;
pub(crate) mod receive;
pub(crate) mod say;
pub(crate) mod send;
pub(crate) mod sessions;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod transfers;
pub(crate) mod trust;
pub(crate) mod visibility;
pub(crate) mod withdraw;
