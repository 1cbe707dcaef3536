//! Which firewall is at work here, and the exact command that opens our port in it. Reading its rules mostly needs root;
//! where that is missing, hither says so instead of guessing.

use super::{ok, warn};
use hither_model::row::CheckRow;
use std::time::Duration;
use tokio::process::Command;

/// Runs a program without input; its output if it ended well in time.
async fn output(program: &str, args: &[&str]) -> Option<String> {
    let run = Command::new(program)
        .args(args)
        .env("LC_ALL", "C")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(2), run).await.ok()?.ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// One line for each firewall found; one that says there is none.
pub(super) async fn examine(port: u16) -> Vec<CheckRow> {
    let mut rows = Vec::new();
    if let Some(state) = output("firewall-cmd", &["--state"]).await
        && state.trim() == "running"
    {
        let zone = output("firewall-cmd", &["--get-default-zone"]).await.unwrap_or_default();
        rows.push(warn(
            "firewall",
            format!("firewalld is running (zone {})", zone.trim()),
            format!("firewall-cmd --add-service=mdns --add-port={port}/tcp"),
        ));
    }
    if let Some(status) = output("ufw", &["status"]).await
        && status.contains("Status: active")
    {
        rows.push(judge_ufw(&status, port));
    }
    if rows.is_empty() {
        rows.push(match output("nft", &["list", "ruleset"]).await {
            Some(rules) => judge_nft(&rules, port),
            None => ok("firewall", "neither firewalld nor ufw is running; nftables could not be read without root"),
        });
    }
    rows
}

fn judge_ufw(status: &str, port: u16) -> CheckRow {
    let open = |what: &str| status.lines().any(|l| l.starts_with(what) && l.contains("ALLOW"));
    if open(&format!("{port}/tcp")) || open(&format!("{port} ")) {
        ok("firewall", format!("ufw is active and allows port {port}"))
    } else {
        warn(
            "firewall",
            format!("ufw is active and does not allow port {port}"),
            format!("ufw allow {port}/tcp && ufw allow 5353/udp"),
        )
    }
}

fn judge_nft(rules: &str, port: u16) -> CheckRow {
    let drops = rules.lines().any(|l| l.contains("hook input") && l.contains("policy drop"));
    match drops {
        true => warn(
            "firewall",
            "nftables drops what is not allowed",
            format!(
                "allow it, such as: nft add rule inet filter input tcp dport {port} accept; nft add rule inet filter input udp dport 5353 accept"
            ),
        ),
        false => ok("firewall", "nftables has no input chain that drops by default"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hither_model::row::CheckState;

    #[test]
    fn an_active_ufw_that_lets_the_port_through_is_no_reason() {
        let status = "Status: active\n\nTo    Action  From\n--\n7777/tcp   ALLOW   Anywhere\n";
        assert_eq!(judge_ufw(status, 7777).state, CheckState::Ok);
        let closed = judge_ufw(status, 7778);
        assert_eq!(closed.state, CheckState::Warn);
        assert!(closed.fix.unwrap().contains("ufw allow 7778/tcp"));
    }

    #[test]
    fn an_nftables_input_chain_that_drops_is_named() {
        let rules = "table inet filter {\n chain input {\n type filter hook input priority filter; policy drop;\n }\n}";
        assert_eq!(judge_nft(rules, 7000).state, CheckState::Warn);
        assert_eq!(judge_nft("", 7000).state, CheckState::Ok);
    }
}
