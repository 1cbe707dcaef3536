//! The text of the units and of the autostart entry. systemd.unit(5), systemd.service(5), systemd.socket(5); Desktop Entry
//! Specification 1.5.

use super::Program;
use hither_model::text::exec_argument;
use std::path::Path;

/// An agent on demand ends after so many seconds with nothing to do.
const IDLE: u64 = 60;

const WRITTEN: &str = "# Written by `hither background`; `hither background off` removes it.\n";

/// The two units of a profile.
pub(super) struct Unit<'a> {
    pub(super) program: &'a Program,
    /// Path of the control socket.
    pub(super) control: &'a Path,
    /// Path of the socket for programs that hand sockets over.
    pub(super) broker: &'a Path,
    pub(super) on_demand: bool,
}

impl Unit<'_> {
    pub(super) fn service(&self) -> String {
        let (program, profile) = (quoted(&self.program.path), quoted(&self.program.profile));
        let idle = if self.on_demand { format!(" --until-idle {IDLE}") } else { String::new() };
        let start = format!("ExecStart={program} --profile {profile} agent{idle}\n");
        format!("{WRITTEN}{}", PACKAGED.replacen(PACKAGED_START, &start, 1))
    }

    pub(super) fn socket(&self) -> String {
        let [control, broker] = [self.control, self.broker].map(|path| escaped(&path.to_string_lossy()));
        format!(
            "{WRITTEN}[Unit]\nDescription=hither: starts the agent when a window, a command or a program wants it\n\n\
             [Socket]\nListenStream={control}\nListenStream={broker}\nFileDescriptorName=control\nSocketMode=0600\nDirectoryMode=0700\nRemoveOnStop=yes\n\n\
             [Install]\nWantedBy=sockets.target\n"
        )
    }
}

/// The unit of the port that devices call: whoever calls starts the service. `six` says whether there is IPv6.
pub(super) fn peer_socket(port: u16, six: bool, service: &str) -> String {
    let six = if six { format!("ListenStream=[::]:{port}\nBindIPv6Only=ipv6-only\n") } else { String::new() };
    format!(
        "{WRITTEN}[Unit]\nDescription=hither: starts the agent when a device calls\n\n\
         [Socket]\nListenStream=0.0.0.0:{port}\n{six}FileDescriptorName=peer\nService={service}\n\n\
         [Install]\nWantedBy=sockets.target\n"
    )
}

/// The unit of the package. What is written here differs from it in the command alone.
const PACKAGED: &str = include_str!("../../../../packaging/systemd/hither.service");
const PACKAGED_START: &str = "ExecStart=/usr/bin/hither agent\n";

/// The entry by which a desktop starts the agent at login.
pub(super) fn autostart(program: &Program) -> String {
    let word = |path: &Path| exec_argument(&path.to_string_lossy());
    let (path, profile) = (word(&program.path), word(&program.profile));
    format!(
        "[Desktop Entry]\nType=Application\nName=hither agent\nNoDisplay=true\nTerminal=false\n\
         Exec={path} --profile {profile} agent\nX-GNOME-Autostart-enabled=true\n"
    )
}

/// A word of a command line: in quotes, with nothing in it that systemd would replace.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = escaped(&text).replace('\\', "\\\\").replace('"', "\\\"").replace('$', "$$");
    format!("\"{text}\"")
}

/// Specifiers begin with a percent sign; a line break would begin another setting.
fn escaped(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect::<String>().replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn program() -> Program {
        Program {
            path: PathBuf::from("/opt/my $apps/100%/h\"i\nExecStart=t\\her"),
            profile: PathBuf::from("/home/ana/the profile"),
        }
    }

    #[test]
    fn a_path_with_signs_in_it_stays_one_word_and_begins_no_other_setting() {
        let program = program();
        let [control, broker] = ["control", "broker"].map(|name| format!("/run/user/1/hither/100%/{name}.sock"));
        let unit =
            Unit { program: &program, control: Path::new(&control), broker: Path::new(&broker), on_demand: true };
        let service = unit.service();
        let starts: Vec<&str> = service.lines().filter(|line| line.starts_with("ExecStart")).collect();
        let path = r#""/opt/my $$apps/100%%/h\"iExecStart=t\\her""#;
        let words = format!(r#"ExecStart={path} --profile "/home/ana/the profile" agent --until-idle 60"#);
        assert_eq!(starts, [words.as_str()]);
        assert!(service.contains("Type=notify"), "the rest is the package's");
        assert!(unit.socket().contains("ListenStream=/run/user/1/hither/100%%/control.sock\n"));
        assert!(unit.socket().contains("ListenStream=/run/user/1/hither/100%%/broker.sock\n"));
        assert_eq!(autostart(&program).lines().filter(|line| line.starts_with("Exec=")).count(), 1);
    }

    #[test]
    fn only_an_agent_on_demand_ends_by_itself() {
        let program = program();
        let unit = Unit { program: &program, control: Path::new("/c"), broker: Path::new("/b"), on_demand: false };
        assert!(!unit.service().contains("--until-idle"));
    }
}
