//! What can be set on a socket to a server, and when: options of the connection before it is made, what concerns TLS before
//! the handshake (so still between a plain connection and its upgrade), nothing after that (R3.10, R3.19).

use super::ServerError;
use crate::{
    SignIn, StreamSocketControl,
    proxy::Proxies,
    server::{ChainValidationResult, Roots, ServerCertificate, SocketSslErrorSeverity},
};
use hither_capability::Reach;
use hither_identity::Credential;
use hither_model::{CertificateSource, ProtectionLevel};
use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

/// What a caller's own check says (R5.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Accept,
    /// Close the connection before a byte of the caller's has left.
    Reject,
}

/// A caller's own check of the server, after ours. One that panics or takes longer than the handshake may has rejected.
pub type Validation = Arc<dyn Fn(ServerCertificate) -> Pin<Box<dyn Future<Output = Verdict> + Send>> + Send + Sync>;

/// How far the socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    Fresh,
    Plain,
    Protected,
}

/// The settings of a socket to a server.
#[derive(Clone)]
pub struct OutwardControl {
    pub(crate) options: StreamSocketControl,
    pub(crate) serialize: bool,
    pub(crate) proxies: Proxies,
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) connect: Duration,
    pub(crate) handshake: Duration,
    pub(crate) roots: Roots,
    pub(crate) certificate: Option<Arc<dyn Credential>>,
    pub(crate) ignorable: Vec<ChainValidationResult>,
    pub(crate) minimum: Option<ProtectionLevel>,
    pub(crate) alpn: Vec<Vec<u8>>,
    pub(crate) validation: Option<Validation>,
    pub(crate) moment: Moment,
}

impl Default for OutwardControl {
    fn default() -> Self {
        Self {
            options: StreamSocketControl::default(),
            serialize: false,
            proxies: Proxies::Direct,
            sign_in: None,
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            roots: Roots::system(),
            certificate: None,
            ignorable: Vec::new(),
            minimum: None,
            alpn: Vec::new(),
            validation: None,
            moment: Moment::Fresh,
        }
    }
}

impl OutwardControl {
    /// The options of the TCP connection; each setter fails once it is there.
    pub fn options(&mut self) -> &mut StreamSocketControl {
        &mut self.options
    }

    /// Tries one address at a time (`SerializeConnectionAttempts`).
    ///
    /// # Errors
    /// [`ServerError::IllegalCall`] once connected.
    pub fn set_serialize_attempts(&mut self, on: bool) -> Result<(), ServerError> {
        self.before_connecting()?;
        self.serialize = on;
        Ok(())
    }

    /// Which proxy is used.
    ///
    /// # Errors
    /// [`ServerError::IllegalCall`] once connected.
    pub fn set_proxies(&mut self, proxies: Proxies) -> Result<(), ServerError> {
        self.before_connecting()?;
        self.proxies = proxies;
        Ok(())
    }

    /// Which proxy is set.
    pub fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// The person's sign-in at their organisation, for a proxy (or the server of a WebSocket) that asks for it (R1.9); `None` for
    /// none. The capability is asked again when it is used.
    ///
    /// # Errors
    /// [`ServerError::IllegalCall`] once connected; [`ServerError::Denied`] if `enterpriseAuthentication` is missing.
    pub fn set_sign_in(&mut self, sign_in: Option<SignIn>, reach: &Reach) -> Result<(), ServerError> {
        self.before_connecting()?;
        if sign_in.is_some() {
            reach.permits_enterprise()?;
        }
        self.sign_in = sign_in;
        Ok(())
    }

    /// How long connecting (names included) and the TLS handshake may take; 10 s each if nothing is said (R3.6).
    ///
    /// # Errors
    /// [`ServerError::IllegalCall`] once connected.
    pub fn set_deadlines(&mut self, connect: Duration, handshake: Duration) -> Result<(), ServerError> {
        self.before_connecting()?;
        (self.connect, self.handshake) = (connect, handshake);
        Ok(())
    }

    /// Who may vouch for the server.
    ///
    /// # Errors
    /// [`ServerError::IllegalCall`] after the handshake.
    pub fn set_roots(&mut self, roots: Roots) -> Result<(), ServerError> {
        self.before_handshake()?;
        self.roots = roots;
        Ok(())
    }

    /// The certificate that is shown if the server asks for one, and only then; `None` for none (R3.19).
    ///
    /// # Errors
    /// [`ServerError::IllegalCall`] after the handshake; [`ServerError::Denied`] if it is on a card and
    /// `sharedUserCertificates` is missing (R1.15).
    pub fn set_client_certificate(
        &mut self,
        certificate: Option<Arc<dyn Credential>>,
        reach: &Reach,
    ) -> Result<(), ServerError> {
        self.before_handshake()?;
        if certificate.as_ref().is_some_and(|shown| shown.facts().source == CertificateSource::Card) {
            reach.permits_shared_certificates()?;
        }
        self.certificate = certificate;
        Ok(())
    }

    /// Errors of the server's certificate that the person has just decided to ignore, for this socket alone (R3.17).
    ///
    /// # Errors
    /// [`ServerError::IllegalCall`] after the handshake; [`ServerError::Argument`] if nobody may ignore one of them.
    pub fn set_ignorable_errors(&mut self, errors: &[ChainValidationResult]) -> Result<(), ServerError> {
        self.before_handshake()?;
        if errors.iter().any(|error| error.severity() == SocketSslErrorSeverity::Fatal) {
            return Err(ServerError::Argument("an error of this kind cannot be ignored"));
        }
        self.ignorable = errors.to_vec();
        Ok(())
    }

    /// A floor besides the level that is asked for (`MinProtectionLevel`); the higher one counts (R3.14).
    ///
    /// # Errors
    /// [`ServerError::IllegalCall`] after the handshake.
    pub fn set_minimum(&mut self, level: ProtectionLevel) -> Result<(), ServerError> {
        self.before_handshake()?;
        self.minimum = Some(level);
        Ok(())
    }

    /// Application protocols that are offered (RFC 7301), the preferred first; none if nothing is said.
    ///
    /// # Errors
    /// [`ServerError::IllegalCall`] after the handshake; [`ServerError::Argument`] if one is empty or over 255 bytes.
    pub fn set_alpn(&mut self, protocols: &[&str]) -> Result<(), ServerError> {
        self.before_handshake()?;
        if protocols.iter().any(|name| name.is_empty() || name.len() > 255) {
            return Err(ServerError::Argument("an application protocol's name has 1 to 255 bytes"));
        }
        self.alpn = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(())
    }

    /// A check of the caller's own, after ours and with what was ignored ignored (R5.16).
    ///
    /// # Errors
    /// [`ServerError::IllegalCall`] after the handshake.
    pub fn set_validation(&mut self, validation: Option<Validation>) -> Result<(), ServerError> {
        self.before_handshake()?;
        self.validation = validation;
        Ok(())
    }

    /// The floor for a level that is asked for.
    pub(crate) fn floor(&self, asked: ProtectionLevel) -> ProtectionLevel {
        self.minimum.map_or(asked, |minimum| minimum.max(asked))
    }

    fn before_connecting(&self) -> Result<(), ServerError> {
        match self.moment {
            Moment::Fresh => Ok(()),
            _ => Err(ServerError::IllegalCall("this is set before the socket is connected")),
        }
    }

    fn before_handshake(&self) -> Result<(), ServerError> {
        match self.moment {
            Moment::Fresh | Moment::Plain => Ok(()),
            Moment::Protected => Err(ServerError::IllegalCall("this is set before the TLS handshake")),
        }
    }
}

impl fmt::Debug for OutwardControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutwardControl").field("moment", &self.moment).finish_non_exhaustive()
    }
}
