//! `hither completions`: a script that completes commands in a shell.

use crate::{args::Cli, halt::Halt, screen::Screen};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Write a completion script for a shell to standard output.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither completions bash > ~/.local/share/bash-completion/completions/hither")]
pub(crate) struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, screen: &Screen) -> Result<(), Halt> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "hither", &mut script);
        screen.raw(&script)
    }
}
