//! Opening a sealed file in a process of its own, which has no network, leaves no core dump and ends right after.

use super::{
    inside::shelter,
    pin::Pin,
    process::Program,
    wire::{self, file},
};
use crate::import::{ImportFault, Opened, opened};
use std::{
    fs::File,
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

/// Has the file opened by this program (`hither card-helper`). Blocks for as long as deriving the key takes.
pub(crate) fn unsealed(program: &Program, file: &[u8], password: Option<&Pin>) -> Result<Opened, ImportFault> {
    let failed = |error: io::Error| ImportFault::Process(error.to_string());
    let question = file::question(file, password).map_err(|_| ImportFault::TooLarge)?;
    let mut command = Command::new(&program.path);
    command.args(&program.args).arg0("hither").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // It reads all of it before it answers. If it cannot, the end of its answers says so.
        let _ = input.write_all(&question);
    }
    drop(question);
    let said = child.stdout.take().map(|mut output| wire::receive(&mut output, file::MAX_ANSWER));
    let ended = child.wait().map_err(failed)?;
    match said {
        Some(Ok(Some(bytes))) => {
            file::answered(&bytes).unwrap_or_else(|| Err(failed(io::ErrorKind::InvalidData.into())))
        }
        Some(Err(error)) => Err(failed(error)),
        Some(Ok(None)) | None => Err(ImportFault::Process(format!("it ended ({ended})"))),
    }
}

/// Opens it, in that process.
pub(super) fn serve(output: &mut File, file: &[u8], password: Option<&Pin>) -> io::Result<()> {
    shelter::enclose(false)?;
    shelter::hurry()?;
    output.write_all(&file::answer(&opened(file, password))?)
}
