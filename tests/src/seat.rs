//! Where a person sits: a host (this machine, or one of a lab), a user, a profile of their own. Starts the real program
//! there, as that person would, with `--json`.

use crate::{events::text, program, run::End, run::Run};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;
use std::{
    ffi::OsStr,
    net::TcpStream,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// How long a command that only asks the agent may take.
const ASKING: Duration = Duration::from_secs(60);

/// Which host a seat is at.
#[derive(Debug, Clone)]
enum Place {
    /// This machine; the directory is thrown away with the last seat that uses it.
    Here { _thrown_away_with: std::sync::Arc<tempfile::TempDir> },
    /// A lab host, by the process that keeps its namespaces.
    Host(u32),
}

/// A person's place at a host.
#[derive(Debug, Clone)]
pub struct Seat {
    /// What the tests call it.
    pub title: String,
    place: Place,
    user: u32,
    /// The person's directory, as programs at the seat see it.
    base: PathBuf,
}

impl Seat {
    /// A seat on this machine, in a throw-away directory.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn here(title: &str) -> std::io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("hither-seat-").tempdir()?;
        let base = dir.path().to_owned();
        let seat =
            Self { title: title.to_owned(), place: Place::Here { _thrown_away_with: dir.into() }, user: 0, base };
        seat.furnish()?;
        Ok(seat)
    }

    /// A seat at the lab host that `holder` keeps. The directory must exist there and belong to `user`.
    pub(crate) fn at_host(title: String, holder: u32, user: u32, base: PathBuf) -> Self {
        Self { title, place: Place::Host(holder), user, base }
    }

    /// Another profile of the same person at the same place.
    ///
    /// # Errors
    /// When its directory cannot be made.
    pub fn beside(&self, title: &str) -> std::io::Result<Self> {
        let seat = Self { title: title.to_owned(), base: self.base.join(title), ..self.clone() };
        seat.furnish()?;
        Ok(seat)
    }

    fn furnish(&self) -> std::io::Result<()> {
        use std::os::unix::fs::{DirBuilderExt, chown};
        for part in ["", "run", "home", "tmp"] {
            let dir = self.outside(&self.base.join(part));
            if dir.is_dir() {
                continue;
            }
            std::fs::DirBuilder::new().mode(0o700).recursive(true).create(&dir)?;
            if self.user != 0 {
                chown(&dir, Some(self.user), Some(self.user))?;
            }
        }
        Ok(())
    }

    /// Where this process finds a path of the seat's host.
    pub fn outside(&self, inside: &Path) -> PathBuf {
        match &self.place {
            Place::Here { .. } => inside.to_owned(),
            Place::Host(holder) => {
                Path::new(&format!("/proc/{holder}/root")).join(inside.strip_prefix("/").unwrap_or(inside))
            }
        }
    }

    /// A path in the person's directory, as programs at the seat see it.
    pub fn at(&self, relative: &str) -> PathBuf {
        self.base.join(relative)
    }

    /// The same path, as this process sees it.
    pub fn file(&self, relative: &str) -> PathBuf {
        self.outside(&self.at(relative))
    }

    /// The profile's directory, as this process sees it.
    pub fn profile(&self) -> PathBuf {
        self.file("profile")
    }

    /// Where the control socket's directory is looked for (`XDG_RUNTIME_DIR`), as this process sees it.
    pub fn runtime(&self) -> PathBuf {
        self.file("run")
    }

    /// A command that runs `program` at this seat with a clean environment.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = match &self.place {
            Place::Here { .. } => Command::new(program.as_ref()),
            Place::Host(holder) => {
                let mut nsenter = Command::new("nsenter");
                nsenter.args(["-t", &holder.to_string(), "-n", "-m", "-u", "-p", "--"]);
                if self.user != 0 {
                    let user = self.user.to_string();
                    nsenter.args(["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups", "--"]);
                }
                nsenter.arg(program.as_ref());
                nsenter
            }
        };
        command.env_clear().env("HOME", self.at("home")).env("XDG_RUNTIME_DIR", self.at("run"));
        command.env("TMPDIR", self.at("tmp")).env("LANG", "C.UTF-8").env("HITHER_PROFILE", self.at("profile"));
        // Nothing of this machine's own desktop is asked for anything. Hosts have a place of their own for a bus.
        if !matches!(self.place, Place::Host(_)) {
            command.env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}", self.at("run/no-bus").display()));
        }
        for kept in ["PATH", "HITHER_LOG", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command
    }

    /// Connects to a port of the seat's own host, from within its network.
    ///
    /// # Errors
    /// Nobody listens there, or the host is gone.
    pub fn dial(&self, port: u16) -> std::io::Result<TcpStream> {
        let Place::Host(holder) = self.place else { return TcpStream::connect(("127.0.0.1", port)) };
        // A socket belongs to the network in which it was made; a thread of its own may change its network for that.
        let dialled = std::thread::spawn(move || {
            let network = std::fs::File::open(format!("/proc/{holder}/ns/net"))?;
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
            TcpStream::connect(("127.0.0.1", port))
        });
        dialled.join().unwrap_or_else(|_| Err(std::io::Error::other("the dialling thread ended early")))
    }

    /// Does something on a thread that sits in the network of the seat's host, as do those it starts.
    ///
    /// # Panics
    /// When the host is gone, or what is done there panics.
    pub fn inside<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let inside = move || {
            if let Place::Host(holder) = self.place {
                let network = std::fs::File::open(format!("/proc/{holder}/ns/net")).expect("the host is there");
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).expect("it lets us in");
            }
            act()
        };
        std::thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// The program under test, as this seat's host sees it.
    ///
    /// # Panics
    /// When it has not been built.
    pub fn program(&self) -> PathBuf {
        match self.place {
            Place::Here { .. } => program::hither().unwrap_or_else(|why| panic!("{why}")),
            Place::Host(_) => PathBuf::from(crate::netns::PROGRAM),
        }
    }

    /// Starts any program at the seat.
    pub fn start<I: AsRef<OsStr>>(&self, program: &str, args: impl IntoIterator<Item = I>) -> Run {
        let mut command = self.command(program);
        command.args(args);
        self.run(command, program)
    }

    /// Runs a command that [`Self::command`] made.
    pub fn run(&self, command: Command, called: &str) -> Run {
        Run::start(format!("{}: {called}", self.title), command, matches!(self.place, Place::Host(_)))
    }

    /// Starts `hither --json …` and leaves it running.
    pub fn hither<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Run {
        let args: Vec<_> = args.into_iter().map(|a| a.as_ref().to_owned()).collect();
        let mut command = self.command(self.program());
        command.arg("--json").args(&args);
        let words = args.join(OsStr::new(" "));
        Run::start(format!("{}: hither {}", self.title, words.display()), command, matches!(self.place, Place::Host(_)))
    }

    /// Starts an agent that everyone near may see by `name`, and waits until it is ready.
    pub fn agent(&self, name: &str) -> Agent {
        self.agent_with(&["--name", name])
    }

    /// Starts an agent with these arguments and waits until it is ready.
    pub fn agent_with(&self, args: &[&str]) -> Agent {
        let mut run = self.hither(["agent"].iter().chain(args));
        let ready = run.wait("ready");
        Agent { ready, run }
    }

    /// Runs a command that comes to its end by itself, and gives that.
    pub fn ask<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> End {
        self.hither(args).end(ASKING)
    }

    /// Runs a command that must succeed and gives what it said.
    ///
    /// # Panics
    /// When it fails.
    pub fn rows<I: AsRef<OsStr> + Clone>(&self, args: impl IntoIterator<Item = I>) -> Vec<Value> {
        let end = self.ask(args);
        assert_eq!(end.code, Some(0), "{}: {:?}\n{}", self.title, end.said, end.errors);
        end.said
    }
}

/// A running agent.
#[derive(Debug)]
pub struct Agent {
    /// What it said when it was ready.
    pub ready: Value,
    /// The process.
    pub run: Run,
}

impl Agent {
    /// This device's lasting id.
    pub fn peer(&self) -> &str {
        text(&self.ready, "peer")
    }
}
