//! The agent as a service of a real systemd: started by a socket, kept over crashes, gone when there is nothing to do.

mod service;
