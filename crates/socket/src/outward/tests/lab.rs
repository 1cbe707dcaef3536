//! A TLS server on loopback that does as it is told, in a thread, and a permission to reach it.

use crate::{HostName, Roots, SocketProtectionLevel, StreamSocket, server::tests::Shown};
use hither_capability::{Gate, Manifest, Networks, Reach};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
    server::WebPkiClientVerifier,
    version,
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
};

pub(crate) fn permission() -> Reach {
    let manifest = Manifest::parse(r#"capabilities = ["internetClient"]"#).unwrap();
    Gate::new(manifest, Default::default(), true).reach(Networks::public()).unwrap()
}

/// What a server does besides TLS.
#[derive(Clone, Default)]
pub(crate) struct Manner {
    /// Only this version.
    pub(crate) only: Option<&'static SupportedProtocolVersion>,
    /// Wants a client certificate from this authority.
    pub(crate) wants: Option<String>,
    /// What it says in the clear before TLS begins, after a line of the client's.
    pub(crate) preface: Option<&'static [u8]>,
}

/// A server; what each connection came to can be waited for.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// For each connection: the client's certificates, or why it failed.
    pub(crate) met: mpsc::Receiver<Result<usize, String>>,
}

impl Server {
    pub(crate) fn start(shown: Shown, manner: Manner) -> Self {
        let config = Arc::new(config(shown, &manner));
        let manner = Arc::new(manner);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, met) = mpsc::channel();
        thread::spawn(move || {
            for tcp in listener.incoming() {
                let Ok(tcp) = tcp else { return };
                let (tell, config, manner) = (tell.clone(), Arc::clone(&config), Arc::clone(&manner));
                // Nobody may be waiting to hear how it went.
                thread::spawn(move || tell.send(serve(tcp, &config, &manner).map_err(|error| error.to_string())));
            }
        });
        Self { port, met }
    }

    pub(crate) fn service(&self) -> String {
        self.port.to_string()
    }
}

fn config(shown: Shown, manner: &Manner) -> ServerConfig {
    let all = [&version::TLS13, &version::TLS12];
    let versions: Vec<_> = all.into_iter().filter(|v| manner.only.is_none_or(|only| only == *v)).collect();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&versions).unwrap();
    let builder = match &manner.wants {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    builder.with_single_cert(shown.chain, shown.key).unwrap()
}

/// Shakes hands and sends back what comes, until the client's end.
fn serve(mut tcp: TcpStream, config: &Arc<ServerConfig>, manner: &Manner) -> std::io::Result<usize> {
    if let Some(preface) = manner.preface {
        let mut line = String::new();
        BufReader::with_capacity(1, &tcp).read_line(&mut line)?;
        tcp.write_all(preface)?;
    }
    let tls = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(tls, tcp);
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer)? {
            0 => break,
            count => stream.write_all(&buffer[..count])?,
        }
    }
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(stream.conn.peer_certificates().map_or(0, <[_]>::len))
}

/// A socket that trusts this authority only.
pub(crate) fn socket(pem: &str) -> StreamSocket {
    let mut socket = StreamSocket::new(permission());
    socket.control().set_roots(Roots::exclusive(pem.as_bytes()).unwrap()).unwrap();
    socket
}

pub(crate) fn localhost() -> HostName {
    HostName::new("localhost").unwrap()
}

pub(crate) const TLS12: SocketProtectionLevel = SocketProtectionLevel::Tls12;
pub(crate) const TLS13: SocketProtectionLevel = SocketProtectionLevel::Tls13;
