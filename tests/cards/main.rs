//! Cards, tokens and their software, for real: SoftHSM as the token that is always there, a virtual PIV card behind
//! pcscd and OpenSC where the rights suffice, and modules that crash or hang, compiled on the spot. The helper process
//! is the real `hither card-helper`, the handshakes go through the socket crate.

mod authority;
mod bad;
mod figures;
mod handshake;
mod keyring;
mod module;
mod people;
mod people_files;
mod people_keyring;
mod people_life;
mod people_modules;
mod people_piv;
mod people_rig;
mod people_secrets;
mod people_slots;
mod people_strangers;
mod people_trust;
mod piv;
mod piv_rig;
mod rig;
mod secrecy;
mod soft;
mod terminal;
