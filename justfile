# Everything cheap, as one command. `just check` needs cargo-deny only if it is installed.

# Format, lints, documentation, unit tests, the shape of the code; licences and advisories where cargo-deny is at hand.
check:
    script/test unit
    if cargo deny --version >/dev/null 2>&1; then cargo deny check; else echo "cargo-deny is not installed: left out"; fi

# All tests.
test *suites:
    script/test {{suites}}

# Measure.
bench *figures:
    script/bench {{figures}}

# The tour.
run:
    script/run

# A parser for ten minutes (needs nightly Rust and cargo-fuzz).
fuzz target seconds="600":
    cd fuzz && cargo +nightly fuzz run {{target}} -- -max_total_time={{seconds}}

# Write the tests' names into docs/security.md.
cases:
    script/cases
