//! What `connect` and `ws` share: the permission to reach servers as the agent knows it, authorities from a file, the proxy
//! and who we are to it, and the end of it all when the permission is taken away.

use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
};
use clap::Args;
use hither_capability::{Capability, Gate, Manifest, Networks, Reach};
use hither_model::{Answer, Ask, ErrorCode, Failure, News};
use hither_socket::{Environment, HostName, OutwardControl, PasswordCredential, Proxies, Proxy, Roots};
use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Longest file of authorities, bytes.
const MAX_AUTHORITIES: u64 = 4 * 1024 * 1024;
/// Longest file of a user name and password, bytes.
const MAX_CREDENTIAL: u64 = 4096;

/// How a server is reached.
#[derive(Debug, Args)]
pub(crate) struct Way {
    /// Only the authorities in this file may vouch for the server (PEM); its own certificate may be in it
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Go through this proxy: http://HOST:PORT, socks5://HOST:PORT, or `none` (default: what the environment says, raced
    /// with the direct way)
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// User name and password for the proxy, on two lines of a file that only you can read
    #[arg(long, value_name = "FILE", requires = "proxy")]
    proxy_credential: Option<PathBuf>,
    /// Permit addresses of this machine
    #[arg(long)]
    loopback: bool,
}

impl Way {
    /// The permission, as far as the person has not taken it away.
    pub(crate) async fn permission(&self, desk: &Desk<'_>) -> Result<Reach, Halt> {
        let mut client = desk.client().await?;
        let Answer::Capabilities { rows } = client.ask(Ask::Capabilities).await? else { return Err(unexpected()) };
        let manifest = Manifest::shipped().map_err(Failure::from)?;
        let missing = |capability: &&Capability| !rows.iter().any(|row| row.name == capability.name() && row.granted);
        let revoked = Capability::ALL.iter().filter(missing).copied().collect();
        let gate = Gate::new(manifest, revoked, self.loopback);
        // Nobody has vouched for the networks this machine is in: all are public.
        Ok(gate.reach(Networks::public()).map_err(Failure::from)?)
    }

    /// Puts authorities and proxies into the settings.
    pub(crate) fn set(&self, control: &mut OutwardControl, host: &HostName, protected: bool) -> Result<(), Halt> {
        if let Some(path) = &self.ca {
            let text = read(path, MAX_AUTHORITIES)?;
            let roots = Roots::exclusive(&text)
                .map_err(|fault| Failure::new(ErrorCode::Misuse, format!("{}: {fault}", path.display())))?;
            control.set_roots(roots).map_err(Failure::from)?;
        }
        let misuse = |fault: hither_socket::ProxyFault| Failure::new(ErrorCode::Misuse, fault.to_string());
        let proxies = match self.proxy.as_deref() {
            Some("none") => Proxies::Direct,
            Some(text) => Proxies::Only(self.credential(Proxy::parse(text).map_err(misuse)?)?),
            None => {
                let environment = Environment::read(|name| env::var(name).ok());
                environment.proxy(host, protected).map_err(misuse)?.map_or(Proxies::Direct, Proxies::Raced)
            }
        };
        Ok(control.set_proxies(proxies).map_err(Failure::from)?)
    }

    fn credential(&self, proxy: Proxy) -> Result<Proxy, Failure> {
        let Some(path) = &self.proxy_credential else { return Ok(proxy) };
        let mode = fs::metadata(path).map_err(|e| unreadable(path, &e))?.mode();
        if mode & 0o077 != 0 {
            let message = format!("{} can be read by others", path.display());
            return Err(Failure::new(ErrorCode::Misuse, message).hint("take their permission away with `chmod 600`"));
        }
        let text = Zeroizing::new(read(path, MAX_CREDENTIAL)?);
        let mut lines = BufReader::new(&text[..]).lines().map_while(Result::ok);
        let (user, secret) = (lines.next().unwrap_or_default(), Zeroizing::new(lines.next().unwrap_or_default()));
        let credential = PasswordCredential::new(&proxy.resource(), &user, secret)
            .map_err(|fault| Failure::new(ErrorCode::Misuse, format!("{}: {fault}", path.display())))?;
        Ok(proxy.with_credential(credential))
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(ErrorCode::Misuse, format!("{} cannot be read: {error}", path.display()))
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(|e| unreadable(path, &e))?;
    file.take(limit).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
    Ok(bytes)
}

/// Returns when the person takes away what the connection stands on; never if the agent goes.
pub(crate) async fn revoked(desk: &Desk<'_>) -> Failure {
    let feed = async {
        let client = desk.running().await.ok()?;
        client.news().await.ok()
    };
    if let Some(mut feed) = feed.await {
        while let Ok(news) = feed.next().await {
            if let News::Capability { capability } = news
                && capability.name == Capability::InternetClient.name()
                && !capability.granted
            {
                let message = format!("the capability {} was revoked", capability.name);
                return Failure::new(ErrorCode::AccessDenied, message)
                    .hint(format!("grant it with `hither capability grant {}`", capability.name));
            }
        }
    }
    std::future::pending().await
}
