//! The local API: requests, replies, notes, and the socket they travel on.
