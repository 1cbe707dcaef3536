//! SRV records (RFC 2782): the question for them, and the order of the answers. Pure but for [`ask`].

use super::NameFault;
use hickory_resolver::{
    Resolver, TokioResolver,
    config::{NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{RData, RecordType},
};
use std::net::SocketAddr;

/// Most answers taken.
const MAX_TARGETS: usize = 16;

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Lower is tried first.
    pub(crate) priority: u16,
    /// Among the same priority: how often it is tried first.
    pub(crate) weight: u16,
    /// The port.
    pub(crate) port: u16,
    /// The host.
    pub(crate) host: String,
}

/// The name to ask for: `_xmpp-client._tcp.contoso.com` for `xmpp-client` at `contoso.com`, and
/// `_xmpp-client._service01._tcp.contoso.com` for `xmpp-client._service01` (R3.4).
pub(crate) fn question(service: &str, host: &str) -> String {
    let labels: Vec<String> = service
        .split('.')
        .map(|label| if label.starts_with('_') { label.to_owned() } else { format!("_{label}") })
        .collect();
    format!("{}._tcp.{host}", labels.join("."))
}

/// The answers in the order they are tried: by priority, and by chance in proportion to weight where that is equal.
/// `chance(n)` gives a number below `n`.
pub(crate) fn ordered(mut targets: Vec<Target>, mut chance: impl FnMut(u32) -> u32) -> Vec<Target> {
    targets.sort_by_key(|target| (target.priority, target.weight != 0));
    let mut out = Vec::with_capacity(targets.len());
    while let Some(priority) = targets.first().map(|first| first.priority) {
        let same = targets.iter().take_while(|target| target.priority == priority).count();
        let sum: u32 = targets.iter().take(same).map(|target| u32::from(target.weight)).sum();
        let pick = chance(sum.saturating_add(1));
        let mut run = 0;
        let at = targets.iter().take(same).position(|target| {
            run += u32::from(target.weight);
            run >= pick
        });
        out.push(targets.remove(at.unwrap_or(0)));
    }
    out
}

/// Asks the system's name servers, or the one given.
pub(crate) async fn ask(server: Option<SocketAddr>, name: &str) -> Result<Vec<Target>, NameFault> {
    let resolver = resolver(server).map_err(|_| NameFault::Failed)?;
    // The final dot: no search list is gone through.
    let answer = resolver.lookup(format!("{name}."), RecordType::SRV).await.map_err(|error| fault(&error))?;
    let targets = answer.answers().iter().filter_map(|record| match &record.data {
        RData::SRV(srv) => Some(Target {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            host: srv.target.to_ascii().trim_end_matches('.').to_owned(),
        }),
        _ => None,
    });
    // A target of "." says that there is decidedly no such service.
    let targets: Vec<_> = targets.filter(|target| !target.host.is_empty()).take(MAX_TARGETS).collect();
    if targets.is_empty() { Err(NameFault::NoSuchService) } else { Ok(targets) }
}

fn resolver(server: Option<SocketAddr>) -> Result<TokioResolver, NetError> {
    let Some(server) = server else { return Resolver::builder_tokio()?.build() };
    let mut name_server = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut name_server.connections {
        connection.port = server.port();
    }
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![name_server]);
    Resolver::builder_with_config(config, TokioRuntimeProvider::default()).build()
}

fn fault(error: &NetError) -> NameFault {
    if error.is_nx_domain() || error.is_no_records_found() { NameFault::NoSuchService } else { NameFault::TryAgain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r3_4_the_question_follows_from_host_and_service() {
        assert_eq!(question("xmpp-client", "contoso.com"), "_xmpp-client._tcp.contoso.com");
        assert_eq!(question("xmpp-client._service01", "contoso.com"), "_xmpp-client._service01._tcp.contoso.com");
    }

    fn target(priority: u16, weight: u16, host: &str) -> Target {
        Target { priority, weight, port: 1, host: host.into() }
    }

    #[test]
    fn r3_4_answers_go_by_priority_and_then_by_weight() {
        let all = vec![target(20, 0, "d"), target(10, 90, "b"), target(10, 10, "a"), target(10, 0, "c")];
        let order = |pick: u32| {
            let mut picks = vec![pick].into_iter();
            let ordered = ordered(all.clone(), |n| picks.next().unwrap_or(0).min(n - 1));
            ordered.into_iter().map(|t| t.host).collect::<String>()
        };
        assert!(order(0).starts_with('c') && order(0).ends_with('d'));
        assert!(order(1).starts_with('b') && order(90).starts_with('b'), "ninety of a hundred");
        assert!(order(91).starts_with('a') && order(100).starts_with('a'));
    }
}
