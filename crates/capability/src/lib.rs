//! What hither may do here: manifest, consent, grants, endpoint classes. Pure.
