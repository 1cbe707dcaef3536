//! Streams and WebSockets against programs of others on loopback: nginx, openssl, squid, microsocks, bind, Python's
//! websockets. A test whose program is missing says so and is counted as skipped.

mod commands;
mod hosts;
mod lab;
mod names;
mod proxies;
mod servers;
mod websockets;
