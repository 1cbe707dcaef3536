//! Streams and WebSockets against programs of others on loopback: nginx, openssl, squid, microsocks, bind, Python's
//! websockets. A test whose program is missing says so and is counted as skipped.

mod commands;
mod home;
mod hosts;
mod identities;
mod kerberos;
mod lab;
mod names;
mod networks;
mod peers;
mod peers_denied;
mod proxies;
mod servers;
mod vault;
mod websockets;
