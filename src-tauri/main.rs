//! The window's program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    hither_app::run()
}
