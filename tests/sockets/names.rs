//! SRV records and failing answers of a real name server.

use crate::lab::{Lab, free_port, have, permission};
use hither_model::SocketErrorStatus;
use hither_socket::{HostName, HostNameSortOptions, Names, SocketProtectionLevel as Level, StreamSocket};
use std::net::{SocketAddr, TcpListener};

#[tokio::test]
async fn r3_4_services_are_found_by_their_srv_records() {
    if !have(&["openssl", "named"]) {
        return;
    }
    let lab = Lab::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let service = listener.local_addr().expect("an address").port();
    let (port, closed) = (free_port(), free_port());
    lab.write(
        "zone",
        &format!(
            "$TTL 60\n@ SOA ns root 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n\
             _tea._tcp SRV 20 0 {closed} localhost.\n_tea._tcp SRV 10 5 {service} localhost.\n\
             _tea._kettle._tcp SRV 0 0 {service} localhost.\n_none._tcp SRV 0 0 0 .\n"
        ),
    );
    let dir = lab.at("");
    let config = format!(
        "options {{ directory \"{dir}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; \
         pid-file \"{dir}/named.pid\"; session-keyfile \"{dir}/session.key\"; recursion no; dnssec-validation no; }};\n\
         controls {{}};\nzone \"house.test\" {{ type primary; file \"zone\"; }};\n\
         zone \"broken.test\" {{ type primary; file \"absent\"; }};\n",
        dir = dir.display()
    );
    lab.write("named.conf", &config);
    let _named = lab.start(port, "named", &["-g", "-c", &lab.at("named.conf").display().to_string()]);
    let names = Names::with_server(SocketAddr::from(([127, 0, 0, 1], port)));
    let host = |name: &str| HostName::new(name).expect("a name");
    let pairs = names
        .endpoint_pairs(&permission(), &host("house.test"), "tea", HostNameSortOptions::None)
        .await
        .expect("answers");
    let ports: Vec<&str> = pairs.iter().map(|pair| pair.remote_service.as_str()).collect();
    assert_eq!(ports.first().copied(), Some(service.to_string().as_str()), "{ports:?}");
    assert_eq!(ports.last().copied(), Some(closed.to_string().as_str()), "{ports:?}");
    for name in ["tea", "tea._kettle"] {
        let mut socket = StreamSocket::with_names(permission(), names.clone());
        socket.connect(&host("house.test"), name, Level::PlainSocket).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(socket.information().remote_address.map(|at| at.port()), Some(service));
        assert_eq!(socket.information().remote_service_name, name);
    }
    for (name, service, status) in [
        ("house.test", "none", SocketErrorStatus::ClassTypeNotFound),
        ("house.test", "absent", SocketErrorStatus::ClassTypeNotFound),
        ("broken.test", "tea", SocketErrorStatus::NonAuthoritativeHostNotFound),
    ] {
        let found = names.endpoint_pairs(&permission(), &host(name), service, HostNameSortOptions::None).await;
        assert_eq!(found.expect_err(service).status(), status, "{name} {service}");
    }
}
