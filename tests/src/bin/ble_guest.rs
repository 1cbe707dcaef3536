//! The only child of the guest's init: serves what the tests ask of their machine. `ble-guest PORT`.

fn main() -> std::io::Result<()> {
    let port = std::env::args_os().nth(1).ok_or_else(|| std::io::Error::other("which port?"))?;
    hither_tests::ble::guest::serve(std::path::Path::new(&port))
}
