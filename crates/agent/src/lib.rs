//! The process that holds one profile: lock, settings, life cycle, control socket.
