//! `hither-sign-in HOST`: one token of the person's ticket for HTTP at a host (SPNEGO, RFC 4178), base64, on standard output; or
//! a reason on standard error. Started by hither where the person asked for it and the capability is there. The system's
//! Kerberos library is spoken to in this process alone. The ticket is not delegated.

use data_encoding::BASE64;
use libgssapi::{
    context::{ClientCtx, CtxFlags},
    error::Error,
    name::Name,
    oid::{GSS_MECH_SPNEGO, GSS_NT_HOSTBASED_SERVICE},
};
use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let mut words = env::args().skip(1);
    let (Some(host), None) = (words.next(), words.next()) else {
        return failed("the name of a host is expected");
    };
    match token(&host) {
        Ok(Some(token)) => match writeln!(io::stdout(), "{token}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error.to_string()),
        },
        Ok(None) => failed("there is nothing to say"),
        Err(error) => failed(&error.to_string()),
    }
}

fn token(host: &str) -> Result<Option<String>, Error> {
    let name = Name::new(format!("HTTP@{host}").as_bytes(), Some(GSS_NT_HOSTBASED_SERVICE))?;
    let mut context = ClientCtx::new(None, name, CtxFlags::empty(), Some(GSS_MECH_SPNEGO));
    Ok(context.step(None, None)?.map(|token| BASE64.encode(&token)))
}

fn failed(why: &str) -> ExitCode {
    // If nobody can be told, the status says enough.
    let _ = writeln!(io::stderr(), "{why}");
    ExitCode::FAILURE
}
