//! What `connect` and `ws` share: the permission to reach servers as the agent knows it, authorities from a file, the proxy
//! and who we are to it, and the end of it all when the permission is taken away.

use super::network;
use crate::{
    desk::Desk,
    halt::{Halt, unexpected},
};
use clap::Args;
use hither_capability::{Capability, Gate, Manifest, Reach};
use hither_model::{Answer, Ask, ErrorCode, Failure, News};
use hither_socket::{
    Environment, HostName, OutwardControl, PasswordCredential, Proxies, Proxy, Roots, ServerError, SignIn,
};
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
    /// Certificates on these lists are revoked (CRLs, in PEM or DER); then a list of each issuer must be there, and in date
    #[arg(long, value_name = "FILE")]
    crl: Option<PathBuf>,
    /// Go through this proxy: http://HOST:PORT, socks5://HOST:PORT, or `none` (default: what the environment says, raced
    /// with the direct way)
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// User name and password for the proxy, on two lines of a file that only you can read
    #[arg(long, value_name = "FILE", requires = "proxy")]
    pub(super) proxy_credential: Option<PathBuf>,
    /// Who you are to a server or proxy that asks, if several users are kept for it (`hither credential add`)
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,
    /// Type the password on the terminal when it is asked for, instead of keeping one; it is gone with this command
    #[arg(long, requires = "user")]
    pub(super) ask: bool,
    /// Sign in as yourself, with a ticket of your organisation (Kerberos), where the proxy or server asks for that
    #[arg(long)]
    sign_in: bool,
    /// The certificate to show if the server asks for one: imported or on a card (`hither identity list`)
    #[arg(long, value_name = "ID")]
    pub(super) identity: Option<String>,
    /// The PIN of its card is the first line of standard input, instead of being typed
    #[arg(long, requires = "identity")]
    pub(super) pin_stdin: bool,
    /// Permit addresses of this machine
    #[arg(long)]
    loopback: bool,
}

impl Way {
    /// What is permitted, as far as the person has not taken it away.
    pub(crate) async fn gate(&self, desk: &Desk<'_>) -> Result<Gate, Halt> {
        let mut client = desk.client().await?;
        let Answer::Capabilities { rows } = client.ask(Ask::Capabilities).await? else { return Err(unexpected()) };
        let manifest = Manifest::shipped().map_err(Failure::from)?;
        let missing = |capability: &&Capability| !rows.iter().any(|row| row.name == capability.name() && row.granted);
        let revoked = Capability::ALL.iter().filter(missing).copied().collect();
        Ok(Gate::new(manifest, revoked, self.loopback))
    }

    /// The permission to reach servers, with the networks as they are now.
    pub(crate) async fn permission(desk: &Desk<'_>, gate: &Gate) -> Result<Reach, Halt> {
        Ok(gate.reach(network::trusted(desk).await).map_err(Failure::from)?)
    }

    /// The capabilities whose end is the connection's.
    pub(crate) fn stands_on(&self, private: bool) -> Vec<Capability> {
        let way = if private { Capability::PrivateNetworkClientServer } else { Capability::InternetClient };
        let card = self.identity.as_ref().is_some_and(|id| id.trim().to_lowercase().starts_with("card-"));
        let ticket = self.sign_in.then_some(Capability::EnterpriseAuthentication);
        let shared = card.then_some(Capability::SharedUserCertificates);
        [Some(way), ticket, shared].into_iter().flatten().collect()
    }

    /// Puts authorities and proxies into the settings.
    pub(crate) fn set(
        &self,
        control: &mut OutwardControl,
        host: &HostName,
        protected: bool,
        permission: &Reach,
    ) -> Result<(), Halt> {
        if self.sign_in {
            permission.permits_enterprise().map_err(Failure::from)?;
            let sign_in = SignIn::of_system().map_err(ServerError::from).map_err(Failure::from)?;
            control.set_sign_in(Some(sign_in), permission).map_err(Failure::from)?;
        }
        control.set_roots(self.roots()?).map_err(Failure::from)?;
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

    /// Who vouches for the server, and whom they do not vouch for any more.
    fn roots(&self) -> Result<Roots, Failure> {
        let wrong = |path: &Path| {
            let path = path.display().to_string();
            move |fault: hither_socket::RootsFault| Failure::new(ErrorCode::Misuse, format!("{path}: {fault}"))
        };
        let roots = match &self.ca {
            Some(path) => Roots::exclusive(&read(path, MAX_AUTHORITIES)?).map_err(wrong(path))?,
            None => Roots::system(),
        };
        match &self.crl {
            Some(path) => roots.revoking(&read(path, MAX_AUTHORITIES)?).map_err(wrong(path)),
            None => Ok(roots),
        }
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
pub(crate) async fn revoked(desk: &Desk<'_>, stands_on: Vec<Capability>) -> Failure {
    let feed = async {
        let client = desk.running().await.ok()?;
        client.news().await.ok()
    };
    if let Some(mut feed) = feed.await {
        while let Ok(news) = feed.next().await {
            if let News::Capability { capability } = news
                && stands_on.iter().any(|needed| capability.name == needed.name())
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
