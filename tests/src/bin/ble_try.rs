//! Boots the machine of the Bluetooth tests and runs shell scripts in it, for a person who looks into something:
//! `ble-try [--hurried] [PROGRAM…] < SCRIPT`. The programs go to `/opt`.

use hither_tests::ble::{Image, Machine, Parts};
use std::{
    io::{Read, Write},
    path::PathBuf,
    time::Duration,
};

fn main() -> Result<(), String> {
    let parts = Parts::find()?;
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let beside = own.parent().ok_or("this program lies nowhere")?;
    let mut programs = vec![beside.join("ble-guest"), beside.join("ble-air")];
    programs.extend(std::env::args_os().skip(1).map(PathBuf::from));
    programs.retain(|p| p.is_file());
    let image = Image::build(&parts, "try", &programs)?;
    let hurried = std::env::args().any(|word| word == "--hurried");
    let machine = if hurried { Machine::boot_hurried(&image)? } else { Machine::boot(&image)? };
    let mut script = String::new();
    std::io::stdin().read_to_string(&mut script).map_err(|e| e.to_string())?;
    let end = machine.start(&["sh", "-c", &script], &[]).end(Duration::from_secs(280));
    let told = format!(
        "{}ended with {:?}; the machine was up in {:.1} s\n",
        end.errors,
        end.code,
        machine.booted_in.as_secs_f32()
    );
    let out = std::io::stdout().write_all(end.said.as_bytes());
    out.and_then(|()| std::io::stderr().write_all(told.as_bytes())).map_err(|e| e.to_string())
}
