//! What two agents say to each other: frames, invites, sessions, limits. Pure state machines.
