//! The page's TypeScript is what the Rust words say. `HITHER_WRITE_TS=1 cargo test -p hither-window --test typescript`
//! (or `script/types`) writes it; otherwise the test compares.

use hither_model::{Answer, Ask, Blame, ErrorCode};
use hither_window::{
    Background, Desktop, Drop, Go, LendTerms, Offer, Pasted, PickKind, Picked, PostTerms, TakenLink, WindowNews,
};
use std::{collections::BTreeMap, fs, path::Path};
use ts_rs::{Config, TS, TypeVisitor};

const HEAD: &str = "// Made from the Rust words by script/types; not written by hand. `null` may be left out wherever a field is marked with `?`.\n\n";

/// Every type met on the way, by name, with its declaration.
struct Words {
    config: Config,
    met: BTreeMap<String, String>,
}

impl TypeVisitor for Words {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // What TypeScript has itself has no file.
        if T::output_path().is_none() {
            return;
        }
        let name = T::ident(&self.config);
        if self.met.contains_key(&name) {
            return;
        }
        let declared = format!("{}export {}\n", T::docs().unwrap_or_default(), T::decl(&self.config));
        self.met.insert(name, declared);
        T::visit_dependencies(self);
    }
}

fn words() -> String {
    let mut words = Words { config: Config::new().with_large_int("number"), met: BTreeMap::new() };
    words.visit::<Ask>();
    words.visit::<Answer>();
    words.visit::<WindowNews>();
    words.visit::<Picked>();
    words.visit::<PickKind>();
    words.visit::<Pasted>();
    words.visit::<Drop>();
    words.visit::<Offer>();
    words.visit::<Go>();
    words.visit::<TakenLink>();
    words.visit::<Desktop>();
    words.visit::<PostTerms>();
    words.visit::<LendTerms>();
    words.visit::<Background>();
    words.visit::<Blame>();
    words.met.into_values().collect::<Vec<_>>().join("\n")
}

/// Who must act, for each code: values and not only types.
fn blames() -> String {
    let rows: Vec<String> = ErrorCode::ALL
        .iter()
        .map(|code| format!("  {code}: {},\n", serde_json::to_string(&code.blame()).unwrap()))
        .collect();
    format!(
        "/** Who must act for an operation that failed with this code to succeed. */\nexport const blame: Record<ErrorCode, Blame> = {{\n{}}};\n",
        rows.concat()
    )
}

#[test]
fn the_pages_types_are_those_of_the_rust_words() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/bridge/gen/words.ts");
    let now: String =
        format!("{HEAD}{}\n{}", words(), blames()).lines().map(|line| format!("{}\n", line.trim_end())).collect();
    if std::env::var_os("HITHER_WRITE_TS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, now).unwrap();
        return;
    }
    let there = fs::read_to_string(&file).unwrap_or_default();
    assert!(there == now, "ui/bridge/gen/words.ts is not what the Rust words say: run script/types");
}
