//! `hither man`: the manual, made from what the command line understands, so that it cannot say anything else.

use crate::{args::Cli, halt::Halt, screen::Screen};
use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;
use hither_model::{ErrorCode, Failure};
use std::path::{Path, PathBuf};

/// Write the manual page to standard output, or one page for each command to a directory.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  hither man | man -l -")]
pub(crate) struct Man {
    /// Write hither.1 and a page for each command here
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, screen: &Screen) -> Result<(), Halt> {
        match self.to {
            Some(dir) => clap_mangen::generate_to(Cli::command(), &dir).map_err(|e| unwritten(&dir, &e)),
            None => {
                let mut page = Vec::new();
                Page::new(Cli::command()).render(&mut page)?;
                screen.raw(&page)
            }
        }
    }
}

fn unwritten(dir: &Path, error: &std::io::Error) -> Halt {
    Failure::new(ErrorCode::StorageFailed, format!("{}: {error}", dir.display()))
        .hint("name a directory that is there and can be written")
        .into()
}
