//! The one owner of state: who is near, questions, invites, sessions, transfers.
