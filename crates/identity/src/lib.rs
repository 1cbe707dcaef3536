//! Who we are: the device key, session keys, certificates and fingerprints.
