//! Streams and WebSockets against programs of others on loopback: nginx, openssl, squid, microsocks, bind, Python's
//! websockets. A test whose program is missing says so and is counted as skipped.

mod commands;
mod home;
mod hostile;
mod hosts;
mod identities;
mod kerberos;
mod lab;
mod managers;
mod names;
mod networks;
mod packets;
mod peers;
mod peers_denied;
mod peers_proxy;
mod proxies;
mod servers;
mod upgrades;
mod vault;
mod websockets;
