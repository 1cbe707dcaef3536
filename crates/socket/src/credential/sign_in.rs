//! The person's sign-in at their organisation as an answer to Negotiate (RFC 4559, Kerberos). Only with
//! `enterpriseAuthentication` and only where the caller asked for it (R1.9); never where a password of the caller's fits.
//!
//! Tickets are the system's business: its library is spoken to by a program of its own, `hither-sign-in`, which gets the name of
//! a host and gives one token. So nothing here depends on that library, and what it does with a damaged cache or a hostile
//! network happens in another process. Tickets are never delegated.

use super::{Challenge, PasswordCredential};
use hither_capability::{Denied, Reach};
use std::{env, io, path::PathBuf, process::Stdio, time::Duration};
use tokio::{io::AsyncReadExt, process::Command, time::timeout};
use zeroize::Zeroizing;

/// The program that speaks to the system's library.
const PROGRAM: &str = "hither-sign-in";
/// Longest token, base64. Tickets of people in very many groups have some ten thousand bytes.
const MAX_TOKEN: u64 = 64 * 1024;
/// How long a ticket for the server may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// Why the sign-in gave no answer. Nothing a server wrote is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInFault {
    /// The capability is missing.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The program for it is not installed.
    #[error("signing in with a ticket needs the program {PROGRAM}, which is not installed")]
    NotInstalled,
    /// The program cannot be started, or ended early.
    #[error("the program for signing in failed: {0}")]
    Broken(io::Error),
    /// There is no ticket, or none for this server.
    #[error("there is no ticket for this server")]
    NoTicket,
    /// The organisation's server did not answer in time.
    #[error("no ticket came within {} s", PATIENCE.as_secs())]
    TimedOut,
}

impl SignInFault {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Denied(denied) => denied.hint(),
            Self::NotInstalled => "install it, or give a user name and password".into(),
            Self::Broken(_) => "install it again; if it stays, report it".into(),
            Self::NoTicket => "get one with `kinit`, and see with `klist` whether it is still good".into(),
            Self::TimedOut => "check the network to your organisation".into(),
        }
    }
}

/// The person's sign-in, to be used where a server or proxy asks for it.
#[derive(Debug, Clone)]
pub struct SignIn {
    program: PathBuf,
}

impl SignIn {
    /// By the program that was installed with this one: beside it, or in `../libexec/hither`. No other place is looked at.
    ///
    /// # Errors
    /// [`SignInFault::NotInstalled`].
    pub fn of_system() -> Result<Self, SignInFault> {
        let own = env::current_exe().ok();
        let beside = own.as_ref().and_then(|own| own.parent()).ok_or(SignInFault::NotInstalled)?;
        let places = [beside.join(PROGRAM), beside.join("../libexec/hither").join(PROGRAM)];
        let program = places.into_iter().find(|path| path.is_file()).ok_or(SignInFault::NotInstalled)?;
        Ok(Self { program })
    }

    /// By a program that lies elsewhere.
    pub fn by_program(program: PathBuf) -> Self {
        Self { program }
    }

    /// A token for HTTP at `host`, base64.
    async fn token(&self, host: &str) -> Result<Zeroizing<String>, SignInFault> {
        let mut command = Command::new(&self.program);
        command.arg(host).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().map_err(SignInFault::Broken)?;
        let output = child.stdout.take().ok_or_else(|| SignInFault::Broken(io::ErrorKind::BrokenPipe.into()))?;
        let work = async {
            let mut token = Zeroizing::new(String::with_capacity(4096));
            output.take(MAX_TOKEN).read_to_string(&mut token).await?;
            Ok::<_, io::Error>((token, child.wait().await?))
        };
        let (mut token, status) = match timeout(PATIENCE, work).await {
            Ok(done) => done.map_err(SignInFault::Broken)?,
            Err(_) => return Err(SignInFault::TimedOut),
        };
        let length = token.trim_end().len();
        token.truncate(length);
        let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        match status.success() && !token.is_empty() && token.bytes().all(base64) {
            true => Ok(token),
            false => Err(SignInFault::NoTicket),
        }
    }
}

/// How a question is answered.
#[derive(Debug)]
pub(crate) enum Reply {
    /// By a user name and password, to these challenges.
    Password(Vec<Challenge>),
    /// By a token of the sign-in.
    Token(Zeroizing<String>),
}

/// Whether there is an answer at all to these challenges.
pub(crate) fn answerable(asked: &[Challenge], known: Option<&PasswordCredential>, sign_in: Option<&SignIn>) -> bool {
    known.is_some() || (sign_in.is_some() && asks_for(asked, "negotiate"))
}

fn asks_for(asked: &[Challenge], scheme: &str) -> bool {
    asked.iter().any(|challenge| challenge.scheme == scheme)
}

/// The answer to challenges that are [`answerable`]: a password where one fits, else the sign-in, if that is permitted now.
pub(crate) async fn reply(
    asked: Vec<Challenge>,
    known: Option<&PasswordCredential>,
    sign_in: Option<&SignIn>,
    host: &str,
    permission: &Reach,
) -> Result<Reply, SignInFault> {
    let fits = known.is_some() && (asks_for(&asked, "basic") || asks_for(&asked, "digest"));
    match sign_in.filter(|_| !fits && asks_for(&asked, "negotiate")) {
        None => Ok(Reply::Password(asked)),
        Some(sign_in) => {
            permission.permits_enterprise()?;
            Ok(Reply::Token(sign_in.token(host).await?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::challenges, *};
    use hither_capability::{Gate, Manifest, Networks};

    fn permission(names: &str) -> Reach {
        let manifest = Manifest::parse(&format!("capabilities = [{names}]")).unwrap();
        Gate::new(manifest, Default::default(), true).reach(Networks::public()).unwrap()
    }

    /// A program that says `text`, and notes that it ran.
    fn saying(dir: &std::path::Path, text: &str) -> SignIn {
        use std::os::unix::fs::PermissionsExt;
        let program = dir.join("says");
        std::fs::write(&program, format!("#!/bin/sh\necho \"$1\" >'{}'\n{text}\n", dir.join("ran").display())).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        SignIn::by_program(program)
    }

    const BOTH: &str = r#""internetClient", "enterpriseAuthentication""#;

    #[tokio::test]
    async fn r1_9_without_the_capability_no_ticket_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let sign_in = saying(dir.path(), "echo YIIabc=");
        let none = permission(r#""internetClient""#);
        let error = reply(challenges("Negotiate"), None, Some(&sign_in), "s.test", &none).await.unwrap_err();
        assert!(matches!(error, SignInFault::Denied(_)) && !dir.path().join("ran").exists(), "{error}");
        let answer = reply(challenges("Negotiate"), None, Some(&sign_in), "s.test", &permission(BOTH)).await.unwrap();
        assert!(matches!(answer, Reply::Token(token) if *token == "YIIabc="));
        assert_eq!(std::fs::read_to_string(dir.path().join("ran")).unwrap(), "s.test\n");
    }

    #[tokio::test]
    async fn r1_9_a_password_of_ones_own_goes_before_the_ticket_and_needs_no_capability() {
        let dir = tempfile::tempdir().unwrap();
        let sign_in = saying(dir.path(), "echo YIIabc=");
        let known = PasswordCredential::new("s.test:1", "ana", Zeroizing::new("x".into())).unwrap();
        let asked = || challenges("Negotiate, Basic realm=x");
        let none = permission(r#""internetClient""#);
        assert!(matches!(reply(asked(), Some(&known), Some(&sign_in), "s.test", &none).await, Ok(Reply::Password(_))));
        assert!(!dir.path().join("ran").exists());
        assert!(answerable(&asked(), Some(&known), None) && answerable(&asked(), None, Some(&sign_in)));
        assert!(!answerable(&challenges("Basic realm=x"), None, Some(&sign_in)) && !answerable(&asked(), None, None));
    }

    #[tokio::test]
    async fn r1_9_what_is_no_token_is_none() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["exit 1", "echo 'a b'", "printf 'a\\r\\nX: y'", "true", "echo YIIabc; exit 3"] {
            let sign_in = saying(dir.path(), text);
            let answer = reply(challenges("Negotiate"), None, Some(&sign_in), "s.test", &permission(BOTH)).await;
            assert!(matches!(answer, Err(SignInFault::NoTicket)), "{text}");
        }
        let gone = SignIn::by_program(dir.path().join("gone"));
        let answer = reply(challenges("Negotiate"), None, Some(&gone), "s.test", &permission(BOTH)).await;
        assert!(matches!(answer, Err(SignInFault::Broken(_))));
    }
}
