//! A started window: its display, its session bus, its driver. The driver starts the app, so everything the app leaves
//! behind is a child of the driver, and the app's own process can be told apart and killed.
//!
//! There is no window manager and nothing else on the session bus: no tray, no notifications, no portal.

use super::{
    display::Display,
    driver::Session,
    find::{PATIENCE, until},
    program,
};
use crate::{
    Run, Seat,
    run::{SOON, children_of},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU16, Ordering},
    time::Instant,
};

/// How a window is to look and what it is started with.
#[derive(Debug, Clone)]
pub struct Look {
    /// Size of the display in pixels. The window begins smaller; [`App::resize`] changes that.
    pub screen: (u32, u32),
    /// The language of the system, as `LANG` says it.
    pub language: String,
    /// Whether the desktop is dark.
    pub dark: bool,
    /// Whether the page's animations run. Off for pictures.
    pub motion: bool,
    /// Arguments of the app.
    pub arguments: Vec<String>,
    /// More variables for it.
    pub variables: Vec<(String, String)>,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            screen: (1280, 900),
            language: "C.UTF-8".to_owned(),
            dark: false,
            motion: true,
            arguments: Vec::new(),
            variables: Vec::new(),
        }
    }
}

/// A window somebody sits at.
#[derive(Debug)]
pub struct App {
    /// Who sits at it.
    pub seat: Seat,
    pub(super) session: Option<Session>,
    driver: Option<Run>,
    display: Display,
    bus: Run,
    look: Look,
}

impl App {
    /// Opens a window at a seat. An agent that runs there is met; else the app starts the one beside it.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn open(seat: &Seat) -> Self {
        Self::open_as(seat, Look::default())
    }

    /// Opens a window that looks like this.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn open_as(seat: &Seat, look: Look) -> Self {
        let mut app = Self::prepared(seat, look);
        app.reopen();
        app
    }

    /// Everything a window needs, and no window yet.
    ///
    /// # Panics
    /// When there can be none.
    pub fn prepared(seat: &Seat, look: Look) -> Self {
        furnish(seat, &look);
        let display = Display::of(look.screen.0, look.screen.1);
        let bus = bus(seat);
        Self { seat: seat.clone(), session: None, driver: None, display, bus, look }
    }

    /// Opens the window again after it was closed or killed: another process, the same profile and display.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn reopen(&mut self) {
        self.end();
        // Each driver has a port of its own, so that one that ends does not disturb the next.
        static PORTS: AtomicU16 = AtomicU16::new(4444);
        let port = PORTS.fetch_add(1, Ordering::Relaxed);
        let mut command = self.command("WebKitWebDriver");
        command.arg(format!("--port={port}"));
        self.driver = Some(self.seat.run(command, "WebKitWebDriver"));
        let stream = until("a driver that listens", PATIENCE, || self.seat.dial(port).ok());
        let program = program().unwrap_or_else(|why| panic!("{why}"));
        let arguments: Vec<&str> = self.look.arguments.iter().map(String::as_str).collect();
        match Session::start(stream, &program.to_string_lossy(), &arguments) {
            Ok(session) => self.session = Some(session),
            Err(why) => panic!("{}: the window did not open: {why}\n{}", self.seat.title, self.said()),
        }
        self.until("a page that is there", || {
            let state = self.ask_page("return document.querySelector('#app, p') ? document.readyState : ''");
            (state.as_deref() == Some("complete")).then_some(())
        });
    }

    /// A command with the environment of the window: same person, display and bus.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.seat.command(program);
        command.env("DISPLAY", self.display.name()).env("GDK_BACKEND", "x11").env("NO_AT_BRIDGE", "1");
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", self.seat.at("run/bus").display()));
        command.env("TAURI_WEBVIEW_AUTOMATION", "true").env("LANG", &self.look.language);
        command.env("HITHER_LOG", "warn,hither_app=info");
        command.envs(self.look.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the app's program once more at the same desk, as a link or the menu does.
    pub fn again(&self, arguments: &[&str]) -> Run {
        let mut command = self.command(program().unwrap_or_else(|why| panic!("{why}")));
        command.args(arguments);
        self.seat.run(command, "hither-app")
    }

    /// The display it is on.
    pub fn display(&self) -> &Display {
        &self.display
    }

    /// What the app and the driver said on standard error so far.
    pub fn said(&self) -> String {
        self.driver.as_ref().map(Run::errors).unwrap_or_default()
    }

    /// The process of the app; none when it has ended.
    pub fn pid(&self) -> Option<u32> {
        let driver = self.driver.as_ref()?.pids().first().map(|pid| pid.as_raw_nonzero().get())?;
        let children = children_of(u32::try_from(driver).ok()?);
        children.into_iter().find(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            // A process that has ended and was not yet waited for has no command line any more.
            line.split(|byte| *byte == 0).next().is_some_and(|name| name.ends_with(b"hither-app"))
        })
    }

    /// Sends the app a signal.
    ///
    /// # Panics
    /// When there is no app.
    pub fn signal(&self, signal: Signal) {
        let pid = self.pid().unwrap_or_else(|| panic!("{}: there is no window", self.seat.title));
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Kills the app without warning and waits until it is gone. The driver has nothing to drive then: [`Self::reopen`].
    ///
    /// # Panics
    /// When there is none, or it stays.
    pub fn kill_9(&mut self) {
        let pid = self.pid().unwrap_or_else(|| panic!("{}: there is no window to kill", self.seat.title));
        self.signal(Signal::KILL);
        self.gone(pid);
    }

    /// Waits until the app's process has ended.
    ///
    /// # Panics
    /// When it does not.
    pub fn gone(&mut self, pid: u32) {
        until("the end of the app", SOON, || (self.pid() != Some(pid)).then_some(()));
        self.session = None;
    }

    /// Ends the app, as by a driver's order, and the driver.
    pub fn end(&mut self) {
        if let Some(session) = self.session.take() {
            let _ = session.delete("");
        }
        if let Some(pid) = self.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        self.driver = None;
    }

    pub(super) fn session(&self) -> &Session {
        self.session.as_ref().unwrap_or_else(|| panic!("{}: the window is not open", self.seat.title))
    }

    /// Makes the window this large, in CSS pixels of an ordinary screen.
    ///
    /// # Panics
    /// When the driver refuses.
    pub fn resize(&self, width: u32, height: u32) {
        let rect = json!({"x": 0, "y": 0, "width": width, "height": height});
        self.session().post("/window/rect", rect).unwrap_or_else(|why| panic!("resize: {why}"));
        self.until("the new size", || {
            let size = self.run("return [innerWidth, innerHeight]", &json!([]));
            (size == json!([width, height])).then_some(())
        });
    }

    /// Runs a script in the page and gives what it returns.
    ///
    /// # Panics
    /// When the script throws or the driver is lost.
    pub fn run(&self, script: &str, arguments: &Value) -> Value {
        self.session().run(script, arguments).unwrap_or_else(|why| panic!("{}: {why}\n{script}", self.seat.title))
    }

    /// Runs a script whose last argument is a function that takes the result.
    ///
    /// # Panics
    /// When the script throws, does not answer within the driver's 30 s, or the driver is lost.
    pub fn run_later(&self, script: &str, arguments: &Value) -> Value {
        self.session().run_later(script, arguments).unwrap_or_else(|why| panic!("{}: {why}\n{script}", self.seat.title))
    }

    fn ask_page(&self, script: &str) -> Option<String> {
        self.session().run(script, &json!([])).ok()?.as_str().map(str::to_owned)
    }

    /// A picture of the window as PNG, of what the page shows now: what is seen may be a frame
    /// older than the page, hence two frames.
    ///
    /// # Errors
    /// The driver's, or the display's.
    pub fn picture(&self) -> anyhow::Result<Vec<u8>> {
        let painted = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => \
                       done([innerWidth * devicePixelRatio, innerHeight * devicePixelRatio])))";
        // Read from the display, as eyes do: the driver's own picture never comes while the page is painted plainly.
        let size = self.session().run_later(painted, &json!([])).map_err(|why| anyhow::anyhow!("{why}"))?;
        let [width, height] = serde_json::from_value::<[f64; 2]>(size)?.map(|side| side.round() as u16);
        self.display.picture(width, height)
    }

    /// Stores a picture.
    ///
    /// # Panics
    /// When it cannot be made or written.
    pub fn picture_to(&self, file: &Path) {
        let picture = self.picture().unwrap_or_else(|why| panic!("a picture of {}: {why}", self.seat.title));
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        }
        fs::write(file, picture).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }

    /// Waits until something is so at this window.
    ///
    /// # Panics
    /// When it is not within [`PATIENCE`].
    pub fn until<T>(&self, what: &str, condition: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        until(&format!("{what} at {}", self.seat.title), PATIENCE.saturating_sub(began.elapsed()), condition)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if std::thread::panicking() {
            super::evidence::keep(self);
        }
        self.end();
        self.bus.signal(Signal::KILL);
    }
}

/// Settings of the toolkit, where it looks for them.
fn furnish(seat: &Seat, look: &Look) {
    let folder: PathBuf = seat.file("home/.config/gtk-3.0");
    let settings = format!(
        "[Settings]\ngtk-application-prefer-dark-theme={}\ngtk-enable-animations={}\n",
        u8::from(look.dark),
        u8::from(look.motion)
    );
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(folder.join("settings.ini"), settings))
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
}

/// A session bus with nobody on it and nothing to start.
fn bus(seat: &Seat) -> Run {
    let config = format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        seat.at("run/bus").display()
    );
    fs::write(seat.file("bus.conf"), config).unwrap_or_else(|e| panic!("bus.conf: {e}"));
    let _ = fs::remove_file(seat.file("run/bus"));
    let mut run = seat.start(
        "dbus-daemon",
        [
            format!("--config-file={}", seat.at("bus.conf").display()),
            "--nofork".to_owned(),
            "--print-address".to_owned(),
        ],
    );
    run.wait_for("address of the bus", SOON, |line| line.as_str().is_some_and(|line| line.starts_with("unix:")));
    run
}
