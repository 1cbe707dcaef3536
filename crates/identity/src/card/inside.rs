//! The helper process from the inside: the only place where a PKCS#11 module is loaded. One module for each process; or
//! else one sealed file that is opened ([`super::unseal`]).
//!
//! Asked one thing at a time over standard input, it answers over standard output, and ends at the end of its input,
//! when its parent dies, or when nothing was asked for long and nobody is logged in.

mod keys;
mod login;
pub(super) mod shelter;
mod tokens;

use super::{
    unseal,
    wire::{self, Answer, Fault, MAX_REQUEST, Request, VERSION, file},
};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
};
use login::Leases;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    time::{Duration, Instant},
};

/// A fault with the module's words for it.
pub(super) struct Trouble(pub(super) Fault, pub(super) String);

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self(fault, String::new())
    }
}

impl Trouble {
    /// A fault for which PKCS#11 has no better name.
    fn token(error: &Error) -> Self {
        Self(Fault::Token, word(error))
    }
}

/// The return value's name, or the library's own sentence. Never holds what was passed to the module.
fn word(error: &Error) -> String {
    match code(error) {
        Some(code) => format!("{code:?}"),
        None => error.to_string(),
    }
}

fn code(error: &Error) -> Option<&RvError> {
    match error {
        Error::Pkcs11(code, _) => Some(code),
        _ => None,
    }
}

/// Lives the helper's life on standard input and output, until its parent has no more use for it.
///
/// # Errors
/// When the pipes break or what comes in is no request; the process then ends.
pub fn serve() -> io::Result<()> {
    shelter::close_inherited()?;
    // Unbuffered: nothing of a PIN stays in a buffer that nobody wipes.
    let mut input = File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?);
    let mut output = File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?);
    shelter::harden()?;

    let Some(first) = wire::receive(&mut input, file::MAX_QUESTION)? else { return Ok(()) };
    if let Some((file, password)) = file::asked(&first) {
        return unseal::serve(&mut output, file, password.as_ref());
    }
    let Some(Request::Open { version, module, network, idle_ms }) = Request::decode(&first) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    drop(first);
    if version != VERSION {
        return answer(&mut output, &Answer::Failed(Fault::Version, String::new()));
    }
    shelter::enclose(network)?;
    let context = match open(&module) {
        Ok((context, description)) => {
            answer(&mut output, &Answer::Opened(description))?;
            context
        }
        Err(Trouble(fault, words)) => return answer(&mut output, &Answer::Failed(fault, words)),
    };
    let mut leases = Leases::new(context);
    let idle = Duration::from_millis(idle_ms.into());
    loop {
        if !asked(&input, &mut leases, idle)? {
            return answer(&mut output, &Answer::Bye);
        }
        let Some(bytes) = wire::receive(&mut input, MAX_REQUEST)? else { break };
        let Some(request) = Request::decode(&bytes) else { return Err(io::ErrorKind::InvalidData.into()) };
        drop(bytes);
        let said = carry_out(request, &mut leases).unwrap_or_else(|Trouble(fault, words)| Answer::Failed(fault, words));
        answer(&mut output, &said)?;
    }
    leases.lock_all();
    Ok(())
}

/// Waits for a question; false when it has been quiet for so long that the process may end.
fn asked(input: &File, leases: &mut Leases, idle: Duration) -> io::Result<bool> {
    let since = Instant::now();
    loop {
        let left = idle.saturating_sub(since.elapsed());
        if left.is_zero() && leases.is_empty() {
            return Ok(false);
        }
        // While somebody is logged in only the end of the input ends the process, but PINs that wait are let go.
        let wait = if leases.is_empty() { left } else { Duration::from_secs(5) };
        let timeout = Timespec::try_from(wait).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut [PollFd::new(input, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => leases.expire(Instant::now()),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn answer(output: &mut File, answer: &Answer) -> io::Result<()> {
    output.write_all(&answer.encode()?)
}

/// Loads the module.
fn open(module: &Path) -> Result<(Pkcs11, String), Trouble> {
    let unusable = |error: Error| Trouble(Fault::NoModule, word(&error));
    let context = Pkcs11::new(module).map_err(unusable)?;
    match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(unusable(error)),
    }
    let library = context.get_library_info().map_err(unusable)?;
    let description = format!("{} ({})", library.library_description().trim(), library.manufacturer_id().trim());
    Ok((context, description))
}

fn carry_out(request: Request, leases: &mut Leases) -> Result<Answer, Trouble> {
    match request {
        Request::Open { .. } => Err(Fault::Version.into()),
        Request::List => tokens::list(leases.context()).map(Answer::Listed),
        Request::Unlock { serial, label, key, pin, last_try } => {
            leases.unlock(&serial, &label, &key, pin.as_ref(), last_try)
        }
        Request::Sign { lease, scheme, message } => leases.sign(lease, scheme, &message).map(Answer::Signed),
        Request::Lock { lease } => {
            leases.lock(lease);
            Ok(Answer::Locked)
        }
    }
}
