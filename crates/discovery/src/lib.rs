//! Who is near: mDNS / DNS-SD adverts and sightings.
