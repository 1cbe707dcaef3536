//! Adversaries: the TLS library without our checks, driven by hand.

use super::*;
use crate::{
    ALPN,
    ready::{hear, say},
};
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, Error as Tls, SignatureScheme,
    SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::SingleCertAndKey,
    version,
};
use std::io::{Read, Write};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Believes every certificate: only adversaries do.
#[derive(Debug)]
struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Tls> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Tls> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

pub(super) const ONLY_12: &[&SupportedProtocolVersion] = &[&version::TLS12];
pub(super) const ONLY_13: &[&SupportedProtocolVersion] = &[&version::TLS13];

/// A client of the TLS library without our rules.
pub(super) fn client(versions: &[&'static SupportedProtocolVersion], me: Option<&Arc<dyn Credential>>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Gullible));
    let mut config = match me {
        Some(me) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(me.certified_key()))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN.into()];
    config
}

/// A TLS connection of the library over TCP, driven by hand.
pub(super) struct Raw {
    pub(super) tcp: TcpStream,
    pub(super) tls: Connection,
}

impl Raw {
    pub(super) async fn dial(at: SocketAddr, config: &Arc<ClientConfig>, name: &str) -> Self {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let tls = ClientConnection::new(Arc::clone(config), name).unwrap();
        Self { tcp: TcpStream::connect(at).await.unwrap(), tls: tls.into() }
    }

    pub(super) async fn push(&mut self) {
        let mut bytes = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut bytes).unwrap();
        }
        // The other end may have hung up, which is what some of the tests are about.
        let _ = self.tcp.write_all(&bytes).await;
    }

    /// False at the end of the connection.
    pub(super) async fn pull(&mut self) -> Result<bool, Tls> {
        let mut bytes = [0; 4096];
        let count = self.tcp.read(&mut bytes).await.unwrap_or(0);
        let mut rest = &bytes[..count];
        while !rest.is_empty() {
            self.tls.read_tls(&mut rest).unwrap();
            self.tls.process_new_packets()?;
        }
        Ok(count > 0)
    }

    pub(super) async fn shake(&mut self) -> Result<(), Tls> {
        self.push().await;
        while self.tls.is_handshaking() {
            let pulled = self.pull().await;
            self.push().await; // the alert too
            if !pulled? {
                return Err(Tls::HandshakeNotComplete);
            }
        }
        Ok(())
    }

    pub(super) async fn frame(&mut self) -> Result<Vec<u8>, Tls> {
        let mut bytes = Vec::new();
        loop {
            let mut piece = [0; 1024];
            match self.tls.reader().read(&mut piece) {
                Ok(count) => bytes.extend_from_slice(&piece[..count]),
                Err(_) if !self.pull().await? => return Err(Tls::HandshakeNotComplete),
                Err(_) => {}
            }
            if bytes.len() > 4 && bytes.len() == 4 + u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize {
                return Ok(bytes.split_off(4));
            }
        }
    }

    pub(super) async fn send(&mut self, frame: &[u8]) {
        self.tls.writer().write_all(&(frame.len() as u32).to_be_bytes()).unwrap();
        self.tls.writer().write_all(frame).unwrap();
        self.push().await;
    }
}

pub(super) fn name() -> String {
    format!("{RID}.hither.invalid")
}

/// One of our channels (the listening end) against the bare library.
pub(super) async fn against_library() -> (Channel<Proven>, Raw) {
    let (here, there) = (key(), key());
    let mut host = Host::start(&there, Expected::Only(here.peer_id()));
    let mut raw = Raw::dial(host.at, &Arc::new(client(ONLY_13, Some(&here))), &name()).await;
    raw.shake().await.unwrap();
    hear(&raw.frame().await.unwrap(), here.peer_id(), there.peer_id()).unwrap();
    raw.send(&say(here.peer_id(), there.peer_id()).unwrap()).await;
    (host.arrival().await.known().unwrap(), raw)
}

/// Sends bytes as they are and returns everything that comes back until the connection ends.
pub(super) async fn answer_to(at: SocketAddr, pieces: &[&[u8]]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(at).await.unwrap();
    for piece in pieces {
        tcp.write_all(piece).await.unwrap();
    }
    let mut back = Vec::new();
    let _ = tcp.read_to_end(&mut back).await;
    back
}

/// The first flight of a client.
pub(super) fn hello(config: ClientConfig, name: &str) -> Vec<u8> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut bytes).unwrap();
    }
    bytes
}
