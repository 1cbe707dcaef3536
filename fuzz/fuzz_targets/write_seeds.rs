//! Writes every target's seeds into `corpus/<target>/`, where `cargo fuzz` begins. Run it in `fuzz/`:
//! `cargo run --bin write-seeds`.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    for target in hither_fuzz::targets::ALL {
        let directory = Path::new("corpus").join(target.name);
        fs::create_dir_all(&directory)?;
        for (number, seed) in hither_fuzz::mutations::seeds(target).into_iter().enumerate() {
            fs::write(directory.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
