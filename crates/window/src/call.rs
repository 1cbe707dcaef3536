//! How the window's program may be called: by the desktop menu, a browser, a file manager, a notification, or at login.
//! Arguments also come over the session bus from a second start. Whatever is not exactly one of these forms just opens
//! the window (I16).

use crate::{link::link, words::Go};
use hither_model::{View, ask::LinkText};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Most files a file manager may hand over at once.
const FILES: usize = 1_000;
/// Longest id in hexadecimal digits.
const ID: usize = 64;

/// What a start of the program asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// The window.
    Open,
    /// At login: the agent and the tray, no window. `--background`
    Background,
    /// The window, with a link to decide about. A single `hither://` link
    Link(LinkText),
    /// The window, with files to find a device for. `--send FILE…`, absolute paths
    Offer(Vec<PathBuf>),
    /// The window, showing something. `--view VIEW [--id ID]`
    Show(Go),
}

/// The profile that stands before everything else (`--profile DIR`, an absolute path), and the arguments behind it. The
/// agent names its own when it starts the window.
pub fn profile(arguments: &[OsString]) -> (Option<PathBuf>, &[OsString]) {
    match arguments {
        [flag, dir, rest @ ..] if flag == "--profile" && Path::new(dir).is_absolute() => (Some(dir.into()), rest),
        all => (None, all),
    }
}

/// What the arguments (without the program's name) ask for.
pub fn call(arguments: &[OsString]) -> Call {
    let (_, arguments) = profile(arguments);
    let Some((first, rest)) = arguments.split_first() else { return Call::Open };
    match (first.to_str().unwrap_or_default(), rest) {
        ("--background", []) => Call::Background,
        ("--send", files) => offer(files).unwrap_or(Call::Open),
        ("--view", [view]) => show(view, None).unwrap_or(Call::Open),
        ("--view", [view, flag, id]) if flag == "--id" => show(view, Some(id)).unwrap_or(Call::Open),
        (text, []) => link(text).map_or(Call::Open, Call::Link),
        _ => Call::Open,
    }
}

fn offer(files: &[OsString]) -> Option<Call> {
    let paths: Vec<PathBuf> = files.iter().map(PathBuf::from).filter(|path| path.is_absolute()).take(FILES).collect();
    (!paths.is_empty() && (paths.len() == files.len() || files.len() > FILES)).then_some(Call::Offer(paths))
}

fn show(view: &OsString, id: Option<&OsString>) -> Option<Call> {
    let view = *View::ALL.iter().find(|known| view.to_str() == Some(known.word()))?;
    let id = match id {
        None => None,
        Some(id) => Some(id.to_str().filter(|id| is_id(id))?.to_owned()),
    };
    Some(Call::Show(Go { view, id }))
}

fn is_id(text: &str) -> bool {
    (1..=ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> Call {
        call(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn each_form_means_one_thing() {
        assert_eq!(of(&[]), Call::Open);
        assert_eq!(of(&["--background"]), Call::Background);
        assert_eq!(of(&["hither://i/1#AQ"]), Call::Link(LinkText("hither://i/1#AQ".into())));
        assert_eq!(of(&["--send", "/a", "/b c"]), Call::Offer(vec!["/a".into(), "/b c".into()]));
        assert_eq!(of(&["--view", "history"]), Call::Show(Go { view: View::History, id: None }));
        let go = Go { view: View::Question, id: Some("00ff".into()) };
        assert_eq!(of(&["--view", "question", "--id", "00ff"]), Call::Show(go));
    }

    #[test]
    fn a_profile_stands_before_everything_else() {
        let arguments = ["--profile", "/p", "--view", "near"].map(OsString::from);
        let (dir, rest) = profile(&arguments);
        assert_eq!((dir, rest.len()), (Some(PathBuf::from("/p")), 2));
        assert_eq!(call(&arguments), Call::Show(Go { view: View::Near, id: None }));
        for bad in [["--profile", "p"], ["--view", "--profile"]] {
            assert_eq!(profile(&bad.map(OsString::from)).0, None);
            assert_eq!(of(&bad), Call::Open);
        }
    }

    #[test]
    fn i16_everything_else_only_opens_the_window() {
        for bad in [
            &["--flag"][..],
            &["--flag", "hither://i/1#AQ"],
            &["hither://i/1#AQ", "hither://i/1#AQ"],
            &["hither://settings?x=1"],
            &["hither://i/1#%00"],
            &["--background", "x"],
            &["--send"],
            &["--send", "relative"],
            &["--send", "/a", "relative"],
            &["--send", "--background"],
            &["--profile", "/p", "x", "hither://i/1#AQ"],
            &["--view"],
            &["--view", "settings"],
            &["--view", "near", "--id", "../x"],
            &["--view", "near", "--id", ""],
            &["--view", "near", "--id"],
            &["--view", "near", "a", "b"],
            &["/etc/passwd"],
            &["file:///etc/passwd"],
        ] {
            assert_eq!(of(bad), Call::Open, "{bad:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_argument_that_is_not_text_only_opens_the_window() {
        use std::os::unix::ffi::OsStringExt;
        assert_eq!(call(&[OsString::from_vec(vec![0xff, 0xfe])]), Call::Open);
    }
}
