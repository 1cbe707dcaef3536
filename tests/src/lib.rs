//! Scenarios and labs.
