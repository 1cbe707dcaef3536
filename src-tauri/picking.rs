//! Tokens for paths, with name and size as the disk says.

use crate::shell::Shell;
use hither_window::Picked;
use std::{fs, path::PathBuf};

/// A token for each path that is a file or a folder; others are left out.
pub(crate) fn hand_out(shell: &Shell, paths: &[PathBuf]) -> Vec<Picked> {
    let mut tokens = shell.tokens();
    let there =
        paths.iter().filter(|path| path.is_absolute()).filter_map(|path| Some((path, fs::metadata(path).ok()?)));
    there
        .filter(|(_, what)| what.is_file() || what.is_dir())
        .map(|(path, what)| tokens.hand_out(path.clone(), what.is_file().then_some(what.len())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn only_files_and_folders_that_are_there_get_a_token() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.txt");
        fs::write(&file, "abc").unwrap();
        let shell = Shell::new(dir.path().to_owned(), false, Instant::now());
        let paths = [file, dir.path().to_owned(), dir.path().join("none"), "relative".into(), "/dev/null".into()];
        let picked = hand_out(&shell, &paths);
        assert_eq!(picked.iter().map(|p| (p.bytes, p.folder)).collect::<Vec<_>>(), [(Some(3), false), (None, true)]);
    }
}
