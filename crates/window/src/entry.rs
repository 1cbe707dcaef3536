//! Desktop entries (freedesktop.org, Desktop Entry Specification 1.5) that the shell writes for this person: one that
//! opens `hither://` links where no package has registered them, and one that starts hither at login.

use hither_model::text::exec_argument;
use std::path::Path;

/// The file name of the entry that opens links.
pub const LINKS: &str = "dev.hither.app.links.desktop";
/// The file name of the entry that starts hither at login.
pub const AUTOSTART: &str = "dev.hither.app.desktop";

/// The entry that opens `hither://` links with this program.
pub fn links(program: &Path) -> String {
    entry(&format!("{} %u", quoted(program)), "NoDisplay=true\nMimeType=x-scheme-handler/hither;\n")
}

/// The entry that starts this program at login, without a window; for another profile than the usual one if it is named.
pub fn autostart(program: &Path, profile: Option<&Path>) -> String {
    let profile = profile.map(|dir| format!(" --profile {}", quoted(dir))).unwrap_or_default();
    entry(&format!("{}{profile} --background", quoted(program)), "X-GNOME-Autostart-enabled=true\n")
}

fn entry(exec: &str, more: &str) -> String {
    format!("[Desktop Entry]\nType=Application\nName=hither\nExec={exec}\nTerminal=false\n{more}")
}

fn quoted(argument: &Path) -> String {
    exec_argument(&argument.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_spaces_and_signs_in_its_path_stays_one_argument() {
        let text = links(Path::new("/opt/my $apps/100%/h\"i`t\\her"));
        let exec = text.lines().find(|line| line.starts_with("Exec=")).unwrap();
        assert_eq!(exec, r#"Exec="/opt/my \\$apps/100%%/h\\"i\\`t\\\\her" %u"#);
    }

    #[test]
    fn a_path_cannot_add_keys() {
        let text = autostart(Path::new("/x\nHidden=true\n/hither-app"), Some(Path::new("/p q\nHidden=true")));
        assert!(!text.lines().any(|line| line.starts_with("Hidden")), "{text}");
        assert_eq!(text.matches("Exec=").count(), 1);
        assert!(text.contains(r#"" --profile "/p qHidden=true" --background"#), "{text}");
    }
}
