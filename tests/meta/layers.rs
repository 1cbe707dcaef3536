//! Who may depend on whom. Both lists are whole: an edge that is not here is an error, and so is a walled-off
//! dependency in the wrong crate. Dependencies of tests are free.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::process::Command;

/// Allowed edges between our crates (without the `hither-` they all begin with).
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("protocol", &["model"]),
    ("capability", &["model"]),
    ("discovery", &["capability", "model"]),
    ("identity", &["capability", "model"]),
    ("socket", &["capability", "identity", "model"]),
    ("transfer", &["protocol", "model"]),
    ("control", &["model"]),
    ("broker", &["model"]),
    ("engine", &["socket", "discovery", "transfer", "identity", "protocol", "capability", "model"]),
    ("agent", &["engine", "broker", "control", "model"]),
    ("cli", &["agent", "broker", "capability", "control", "identity", "model", "socket"]),
    ("window", &["model"]),
    ("app", &["window", "control", "model"]),
];

/// Dependencies that only some of our crates may have: the dependency (`*` at its end stands for anything), who may, why.
const WALLS: &[(&str, &[&str], &str)] = &[
    ("tauri*", &["app"], "the window is one face among three"),
    ("gtk*", &["app"], "everything but the window is built without a toolkit"),
    ("webkit2gtk*", &["app"], "everything but the window is built without a toolkit"),
    ("ksni", &["app"], "everything but the window is built without a toolkit"),
    ("ts-rs", &["model", "window"], "only what the page hears of is made TypeScript"),
    ("rustls", &["socket", "identity"], "TLS policy is in one place"),
    ("tokio-rustls", &["socket", "identity"], "TLS policy is in one place"),
    ("rustls-webpki", &["socket", "identity"], "TLS policy is in one place"),
    ("tokio-tungstenite", &["socket"], "the wire of WebSockets is in one place"),
    ("hickory-resolver", &["socket"], "names are asked for in one place"),
    ("rustls-native-certs", &["socket"], "TLS policy is in one place"),
    ("mdns-sd", &["discovery"], "another way to find devices touches one crate"),
    ("btleplug", &["discovery"], "another way to find devices touches one crate"),
    ("bluer", &["discovery"], "another way to find devices touches one crate"),
    ("bluez-async", &["discovery"], "another way to find devices touches one crate"),
    ("dbus*", &["discovery"], "another way to find devices touches one crate"),
    ("cryptoki", &["identity"], "another card touches one crate"),
    ("keyring*", &["identity"], "another place for keys touches one crate"),
    ("p12-keystore", &["identity"], "another kind of key file touches one crate"),
    ("pkcs8", &["identity"], "another kind of key file touches one crate"),
    ("zbus*", &["agent", "identity"], "the desktop is the agent's business, its keyring identity's, and both optional"),
    ("notify-rust", &["agent"], "the desktop is the agent's business, and optional"),
    ("clap", &["cli", "app", "tests"], "libraries do not know the command line"),
    ("anyhow", &["cli", "app", "tests"], "libraries name their errors"),
];

/// Crates that are nowhere in the whole graph, and why.
const NOWHERE: &[(&str, &str)] = &[
    ("openssl", "one TLS library, and not this one"),
    ("openssl-sys", "one TLS library, and not this one"),
    ("native-tls", "one TLS library, and not this one"),
    ("async-std", "one runtime"),
    ("pkcs11", "unsound (RUSTSEC-2022-0034)"),
];

/// The graph for this platform, asked without the network.
fn metadata() -> Metadata {
    let version = Command::new("rustc").arg("-vV").output().expect("rustc tells its version");
    let version = String::from_utf8_lossy(&version.stdout);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc tells its host");
    MetadataCommand::new()
        .manifest_path(crate::source::root().join("Cargo.toml"))
        .other_options(["--offline", "--filter-platform", host].map(str::to_owned))
        .exec()
        .unwrap_or_else(|e| panic!("cargo metadata: {e}"))
}

/// Our crates with their short names.
fn ours(metadata: &Metadata) -> Vec<(String, &Package)> {
    let short = |p: &Package| p.name.strip_prefix("hither-").unwrap_or(&p.name).to_owned();
    metadata.workspace_packages().into_iter().map(|p| (short(p), p)).collect()
}

/// What a crate needs to be built and run, by the dependency's real name.
fn needs(package: &Package) -> impl Iterator<Item = &str> {
    package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development).map(|d| d.name.as_str())
}

#[test]
fn crates_depend_only_on_the_layers_below_them() {
    let metadata = metadata();
    let ours = ours(&metadata);
    for (name, package) in ours.iter().filter(|(name, _)| name != "tests") {
        let allowed = EDGES.iter().find(|(from, _)| from == name).map(|(_, to)| *to);
        let allowed = allowed.unwrap_or_else(|| panic!("{name} is a new crate: write its edges into this test"));
        for needed in needs(package).filter_map(|d| d.strip_prefix("hither-")) {
            assert!(allowed.contains(&needed), "{name} must not depend on {needed} (it may on {allowed:?})");
        }
    }
}

#[test]
fn walled_off_dependencies_stay_behind_their_wall() {
    let metadata = metadata();
    for (name, package) in ours(&metadata) {
        for needed in needs(package) {
            let wall = WALLS.iter().find(|(pattern, ..)| match pattern.strip_suffix('*') {
                Some(start) => needed.starts_with(start),
                None => *pattern == needed,
            });
            if let Some((_, may, why)) = wall {
                assert!(may.contains(&name.as_str()), "{name} must not depend on {needed}, only {may:?} may: {why}");
            }
        }
    }
}

#[test]
fn some_crates_are_nowhere_in_the_graph() {
    let metadata = metadata();
    for (name, why) in NOWHERE {
        let found = metadata.packages.iter().any(|p| p.name.as_str() == *name);
        assert!(!found, "{name} is in the dependency graph: {why}");
    }
}

#[test]
fn every_dependency_comes_from_the_registry_or_is_ours() {
    for package in &metadata().packages {
        let from_registry = package.source.as_ref().is_none_or(|s| s.repr.starts_with("registry+"));
        assert!(from_registry, "{} comes from {:?}", package.name, package.source);
    }
}
