//! The text of the units and of the autostart entry. systemd.unit(5), systemd.service(5), systemd.socket(5); Desktop Entry
//! Specification 1.5.

use super::Program;
use std::path::Path;

/// An agent on demand ends after so many seconds with nothing to do.
const IDLE: u64 = 60;

const WRITTEN: &str = "# Written by `hither background`; `hither background off` removes it.\n";

/// The two units of a profile.
pub(super) struct Unit<'a> {
    pub(super) program: &'a Program,
    /// Path of the control socket.
    pub(super) control: &'a Path,
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
        let path = escaped(&self.control.to_string_lossy());
        format!(
            "{WRITTEN}[Unit]\nDescription=hither: starts the agent when a window or a command wants it\n\n\
             [Socket]\nListenStream={path}\nFileDescriptorName=control\nSocketMode=0600\nDirectoryMode=0700\nRemoveOnStop=yes\n\n\
             [Install]\nWantedBy=sockets.target\n"
        )
    }
}

/// The unit of the package. What is written here differs from it in the command alone.
const PACKAGED: &str = include_str!("../../../../packaging/systemd/hither.service");
const PACKAGED_START: &str = "ExecStart=/usr/bin/hither agent\n";

/// The entry by which a desktop starts the agent at login.
pub(super) fn autostart(program: &Program) -> String {
    let word = |path: &Path| {
        let mut out = String::from("\"");
        for c in path.to_string_lossy().chars() {
            match c {
                '"' | '`' | '$' => out.extend(['\\', '\\', c]),
                '\\' => out.push_str("\\\\\\\\"),
                '%' => out.push_str("%%"),
                c if c.is_control() => {}
                c => out.push(c),
            }
        }
        out + "\""
    };
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
        let unit =
            Unit { program: &program, control: Path::new("/run/user/1/hither/100%/control.sock"), on_demand: true };
        let service = unit.service();
        let starts: Vec<&str> = service.lines().filter(|line| line.starts_with("ExecStart")).collect();
        let path = r#""/opt/my $$apps/100%%/h\"iExecStart=t\\her""#;
        let words = format!(r#"ExecStart={path} --profile "/home/ana/the profile" agent --until-idle 60"#);
        assert_eq!(starts, [words.as_str()]);
        assert!(service.contains("Type=notify"), "the rest is the package's");
        assert!(unit.socket().contains("ListenStream=/run/user/1/hither/100%%/control.sock\n"));
        assert_eq!(autostart(&program).lines().filter(|line| line.starts_with("Exec=")).count(), 1);
    }

    #[test]
    fn only_an_agent_on_demand_ends_by_itself() {
        let program = program();
        let unit = Unit { program: &program, control: Path::new("/c"), on_demand: false };
        assert!(!unit.service().contains("--until-idle"));
    }
}
