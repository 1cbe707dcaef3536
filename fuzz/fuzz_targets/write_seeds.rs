//! Writes every target's seeds into `corpus/<target>/`, where `cargo fuzz` begins. Run it in `fuzz/`.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    for target in hither_fuzz::targets::ALL {
        let dir = Path::new("corpus").join(target.name);
        fs::create_dir_all(&dir)?;
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(dir.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
