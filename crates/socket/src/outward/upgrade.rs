//! TLS on a TCP connection: at once, or later as an upgrade of a plain one (R3.25 to R3.27). An upgrade that fails closes
//! the socket: it never goes on in the clear.

use super::{ServerError, StreamSocket, Verdict, control::Moment, stream::Face};
use crate::{
    HostName, HostNameType, Phase, SocketError, SocketProtectionLevel,
    inbox::Inbox,
    profile::Signing,
    server::{ServerJudge, checked, client_config, provider},
    wire::{Wire, within},
};
use hither_model::ProtectionLevel;
use rustls::{ClientConnection, pki_types::ServerName};
use std::sync::Arc;
use tokio::{net::TcpStream, time::timeout};

impl StreamSocket {
    /// Protects a plain connection from here on. The certificate must be for `validation_host`, whatever host was
    /// connected to.
    ///
    /// # Errors
    /// [`ServerError::IllegalCall`] unless the socket is connected in the clear; [`ServerError::Argument`] for a level
    /// without protection. After any other error the socket is closed.
    pub async fn upgrade(
        &mut self,
        level: SocketProtectionLevel,
        validation_host: &HostName,
    ) -> Result<(), ServerError> {
        if !matches!(self.face, Face::Plain(_)) {
            return Err(ServerError::IllegalCall("only a socket that is connected in the clear can be upgraded"));
        }
        let floor = level.floor()?;
        if floor == ProtectionLevel::Plain {
            return Err(ServerError::Argument("an upgrade asks for a level with protection"));
        }
        let floor = self.control.floor(floor);
        // From here on the socket is closed unless the upgrade succeeds, cancellation included.
        let Face::Plain(tcp) = self.take_face() else { return Err(ServerError::Closed) };
        self.information.requested = Some(floor);
        // A server waits for our hello before it says anything more. What is there already was put there by somebody who
        // wants it taken for protected.
        match tcp.try_read(&mut [0; 1]) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Ok(0) => return Err(ServerError::Interrupted(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => return Err(ServerError::Injected),
            Err(error) => return Err(error.into()),
        }
        let wire = self.protect(tcp, floor, validation_host).await?;
        self.put_face(Face::Protected(Box::new(wire)));
        self.settle(Moment::Protected);
        Ok(())
    }

    /// The handshake, the comparison, and the caller's own check.
    pub(super) async fn protect(
        &mut self,
        tcp: TcpStream,
        floor: ProtectionLevel,
        host: &HostName,
    ) -> Result<Wire, ServerError> {
        let control = self.control.clone();
        let judge = ServerJudge::new(provider(floor), control.roots.anchors().await, control.ignorable.clone());
        let config = client_config(floor, Arc::clone(&judge), control.certificate.as_ref(), &control.alpn)?;
        let tls = ClientConnection::new(config, server_name(host)?).map_err(SocketError::from)?;
        // A certificate of ours may be on a card and take its time.
        let signing = if control.certificate.is_some() { Signing::Aside } else { Signing::Inline };
        let shaking = Wire::new(tcp, tls.into(), Inbox::new()).handshake(signing);
        let outcome = within(control.handshake, Phase::Handshake, shaking).await;
        self.information.server_certificate = judge.shown();
        let mut wire = match (outcome, judge.shown()) {
            (Ok(wire), _) => wire,
            (Err(SocketError::CertificateRefused(_)), Some(shown)) if !judge.accepted() => {
                return Err(ServerError::Certificate(Box::new(shown)));
            }
            (Err(error), _) => return Err(error.into()),
        };
        match checked(&wire, floor, &judge, &control.alpn) {
            Ok(negotiated) => self.information.negotiated = Some(negotiated),
            Err(error) => {
                wire.farewell().await;
                return Err(error);
            }
        }
        if let Some((validation, shown)) = control.validation.zip(judge.shown()) {
            let said = timeout(control.handshake, tokio::spawn(validation(shown))).await;
            let reason = match said {
                Ok(Ok(Verdict::Accept)) => None,
                Ok(Ok(Verdict::Reject)) => Some("the program's own check said no"),
                Ok(Err(_)) => Some("the program's own check failed"),
                Err(_) => Some("the program's own check did not come to an end"),
            };
            if let Some(reason) = reason {
                self.information.negotiated = None;
                wire.farewell().await;
                return Err(ServerError::Rejected(reason));
            }
        }
        wire.authenticated();
        Ok(wire)
    }
}

fn server_name(host: &HostName) -> Result<ServerName<'static>, ServerError> {
    let name = match host.kind() {
        HostNameType::DomainName => host.canonical().to_owned(),
        HostNameType::Ipv4 | HostNameType::Ipv6 => host.canonical().split('%').next().unwrap_or_default().to_owned(),
        HostNameType::Bluetooth => return Err(ServerError::Argument("a Bluetooth address has no TLS server")),
    };
    ServerName::try_from(name).map_err(|_| ServerError::Argument("no certificate can be for this host name"))
}
