//! The running machine: qemu as a child whose standard input and output are the conversation of [`super::words`], and
//! whose serial line is the kernel's log, kept in a file.
//!
//! Software emulation (TCG) unless a probe shows that this host's KVM really runs the kernel; what the probe found is
//! kept until the host restarts. However this process ends, the kernel ends qemu with it.

use super::{
    image::Image,
    process::{Process, Sinks},
    words::{Order, Word, hear, say},
};
use std::{
    collections::HashMap,
    fs,
    io::BufReader,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// How long the machine may take to come up under emulation on a busy host.
const BOOT: Duration = Duration::from_secs(240);

/// How long it may take where KVM works (there it takes two seconds).
const PROBE: Duration = Duration::from_secs(20);

/// A machine that is up. It ends when this is dropped.
#[derive(Debug)]
pub struct Machine {
    line: Arc<Line>,
    console: PathBuf,
    /// How long it took to come up.
    pub booted_in: Duration,
    _qemu: Kept,
}

/// The conversation with the guest.
#[derive(Debug)]
pub(super) struct Line {
    to_guest: Mutex<ChildStdin>,
    /// Nothing once the guest is gone.
    listeners: Mutex<Option<HashMap<u32, Sinks>>>,
    next: AtomicU32,
}

/// A child that ends with this value, or with this process, whichever ends first.
#[derive(Debug)]
struct Kept {
    child: Child,
    _until: mpsc::Sender<()>,
}

/// What runs the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Kvm,
    Tcg,
    /// Emulated, with a clock that counts instructions (each is a nanosecond) and passes over every moment in which the
    /// processor would wait.
    Hurried,
}

impl Machine {
    /// Boots the image and waits until it takes orders.
    ///
    /// # Errors
    /// When qemu does not start or the guest does not come up; the end of the kernel's log is in the message.
    pub fn boot(image: &Image) -> Result<Self, String> {
        let found = image.parts.place.join("kvm");
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let known = fs::read_to_string(&found).ok().filter(|text| text.starts_with(boot_id.trim()));
        let untried = known.is_none() && kvm_may_run();
        if untried || known.is_some_and(|text| text.contains("works")) {
            let tried = Self::boot_with(image, Engine::Kvm, PROBE);
            let word = if tried.is_ok() { "works" } else { "fails" };
            let _ = fs::write(&found, format!("{} {word}\n", boot_id.trim()));
            if tried.is_ok() {
                return tried;
            }
        }
        Self::boot_with(image, Engine::Tcg, BOOT)
    }

    /// The same, with a clock that does not wait: an hour in which little happens passes in minutes, and kernel, service
    /// and programs live through all of it. What the test does between two moments takes the guest any time.
    ///
    /// # Errors
    /// As [`Machine::boot`].
    pub fn boot_hurried(image: &Image) -> Result<Self, String> {
        Self::boot_with(image, Engine::Hurried, BOOT)
    }

    /// Switches the machine off. One that hurries would go on at full speed for nobody.
    pub fn switch_off(&self) {
        drop(self.start(&["poweroff", "-f"], &[]));
    }

    fn boot_with(image: &Image, engine: Engine, within: Duration) -> Result<Self, String> {
        let began = Instant::now();
        let console = image.path.with_extension("log");
        let _ = fs::remove_file(&console);
        let mut qemu = Kept::spawn(qemu(image, engine, &console))?;
        let (Some(to_guest), Some(from_guest)) = (qemu.child.stdin.take(), qemu.child.stdout.take()) else {
            return Err("qemu has no standard input and output".to_owned());
        };
        let line = Line {
            to_guest: Mutex::new(to_guest),
            listeners: Mutex::new(Some(HashMap::new())),
            next: AtomicU32::new(1),
        };
        let line = Arc::new(line);
        let (tell, ready) = mpsc::channel();
        let listening = Arc::clone(&line);
        thread::spawn(move || listening.listen(from_guest, tell));
        match ready.recv_timeout(within) {
            Ok(()) => Ok(Self { line, console, booted_in: began.elapsed(), _qemu: qemu }),
            Err(why) => Err(format!("the machine did not come up within {within:?} ({why}):\n{}", tail(&console))),
        }
    }

    /// Starts a program in the guest; variables come after its usual environment.
    ///
    /// # Panics
    /// When the machine is gone.
    pub fn start(&self, argv: &[&str], environment: &[(&str, &str)]) -> Process {
        Process::start(Arc::clone(&self.line), argv, environment, self.console.clone())
    }

    /// Runs a program that comes to its end by itself and must succeed; gives its standard output.
    ///
    /// # Panics
    /// When it fails or takes longer than a minute.
    pub fn run(&self, argv: &[&str]) -> String {
        let end = self.start(argv, &[]).end(Duration::from_secs(60));
        assert_eq!(end.code, Some(0), "{argv:?}: {}{}", end.said, end.errors);
        end.said
    }

    /// Runs a shell script that must succeed; gives its standard output.
    ///
    /// # Panics
    /// When it fails or takes longer than a minute.
    pub fn shell(&self, script: &str) -> String {
        self.run(&["sh", "-ec", script])
    }

    /// Whether the guest still runs.
    pub fn is_up(&self) -> bool {
        self.line.listeners.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The end of the kernel's log.
    pub fn console_tail(&self) -> String {
        tail(&self.console)
    }
}

/// The last lines of a file.
pub(super) fn tail(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(100)..).unwrap_or_default().join("\n")
}

impl Line {
    /// Asks the guest for something. That it is gone already is told by the end of what it says.
    pub(super) fn order(&self, order: &Order) {
        let _ = say(&mut *self.to_guest.lock().unwrap_or_else(PoisonError::into_inner), order);
    }

    /// A new process' number; what is said of it goes to `sinks`.
    pub(super) fn admit(&self, sinks: Sinks) -> u32 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(listeners) = &mut *self.listeners.lock().unwrap_or_else(PoisonError::into_inner) {
            listeners.insert(id, sinks);
        }
        id
    }

    fn listen(&self, from: ChildStdout, ready: mpsc::Sender<()>) {
        let mut from = BufReader::new(from);
        let mut ready = Some(ready);
        while let Ok(Some(word)) = hear::<Word>(&mut from) {
            let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(listeners) = &mut *listeners else { break };
            match word {
                Word::Ready => drop(ready.take().map(|tell| tell.send(()))),
                Word::Out { id, bytes } => drop(listeners.get(&id).map(|sinks| sinks.out(&bytes))),
                Word::Error { id, bytes } => drop(listeners.get(&id).map(|sinks| sinks.error(&bytes))),
                Word::End { id, code } => drop(listeners.remove(&id).map(|sinks| sinks.end(code))),
            }
        }
        // Whoever still waits hears that nothing will come any more.
        *self.listeners.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Kept {
    /// The kernel ends a child when the *thread* that started it ends: so a thread is kept for it.
    fn spawn(mut command: Command) -> Result<Self, String> {
        let (tell, told) = mpsc::channel();
        let (until, waiting) = mpsc::channel::<()>();
        thread::spawn(move || {
            let _ = tell.send(command.spawn().map_err(|e| format!("{command:?}: {e}")));
            let _ = waiting.recv();
        });
        let child = told.recv().map_err(|e| e.to_string())??;
        Ok(Self { child, _until: until })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn qemu(image: &Image, engine: Engine, console: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"]);
    match engine {
        Engine::Kvm => command.args(["-accel", "kvm", "-cpu", "host"]),
        Engine::Tcg => command.args(["-accel", "tcg,tb-size=256", "-cpu", "max"]),
        Engine::Hurried => command.args([
            "-accel",
            "tcg,tb-size=256",
            "-cpu",
            "max",
            "-icount",
            "shift=0,sleep=off",
            "-rtc",
            // Two minutes before a quarter of an hour: what lasts a quarter and a little sees three of them.
            "base=2030-01-01T00:13:00,clock=vm",
        ]),
    };
    command.args(["-M", "q35", "-smp", "1", "-m", "768", "-nodefaults", "-display", "none", "-no-reboot"]);
    command.arg("-serial").arg(format!("file:{}", console.display()));
    command.arg("-kernel").arg(&image.parts.kernel).arg("-initrd").arg(&image.path);
    // A kernel that stumbles must not look like a program that fails.
    command.args(["-append", "console=ttyS0 quiet panic=-1 oops=panic nokaslr mitigations=off"]);
    command.args(["-device", "virtio-serial-pci,max_ports=2", "-chardev", "stdio,id=words,signal=off"]);
    command.args(["-device", "virtserialport,chardev=words,nr=1,name=words"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// Whether a probe of KVM is worth its time: it can be opened, and the processor can do it (where it cannot, KVM is
/// itself emulated, and stock kernels do not come up).
fn kvm_may_run() -> bool {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let able = processor.split_whitespace().any(|flag| flag == "vmx" || flag == "svm");
    able && fs::OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok()
}
