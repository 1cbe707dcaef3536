//! Stream sockets whose protection was asked for and checked.
