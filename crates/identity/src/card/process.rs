//! A module's process as the agent sees it: started when it is first asked, given a deadline for every question, killed
//! when it misses one, started anew at the next. A thread for each process waits for its answers and its end.

use super::{
    error::CardError,
    modules::ModuleSource,
    turn::Turn,
    wire::{self, Answer, MAX_ANSWER, Request, VERSION},
};
use std::{
    ffi::OsString,
    io::{self, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::PathBuf,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// The program that becomes the helper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The file.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl Default for Program {
    /// This very program, whatever happened to its file since it was started.
    fn default() -> Self {
        Self { path: "/proc/self/exe".into(), args: vec!["card-helper".into()] }
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Starting a process, loading its module, and listing what is there.
    pub list: Duration,
    /// A login with a PIN that was typed here.
    pub login: Duration,
    /// A login where a person types on the reader.
    pub pad: Duration,
    /// A signature. Whoever waits is free again after this long, whatever the module does.
    pub sign: Duration,
    /// How long a process stays when nothing is asked and nobody is logged in.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            list: Duration::from_secs(10),
            login: Duration::from_secs(15),
            pad: Duration::from_secs(60),
            sign: Duration::from_millis(4500),
            idle: Duration::from_secs(20),
        }
    }
}

/// Variables that make modules write down what passes through them.
const CHATTY: &[&str] = &["OPENSC_DEBUG", "PKCS11SPY", "PKCS11SPY_OUTPUT", "P11_KIT_DEBUG", "LIBPCSCLITE_DEBUG"];

/// A module and its process, if it has one now.
pub(super) struct Host {
    pub(super) source: ModuleSource,
    program: Program,
    limits: Limits,
    turn: Turn,
    /// Touched only by whoever has the turn.
    running: Mutex<Option<Running>>,
    /// For those who have not: the end of the process that runs now.
    end: Mutex<Option<Arc<End>>>,
    starts: AtomicU64,
}

struct Running {
    generation: u64,
    input: ChildStdin,
    answers: Receiver<io::Result<Zeroizing<Vec<u8>>>>,
    end: Arc<End>,
}

/// How a process ends: by whom, and how it ended.
struct End {
    child: Mutex<Child>,
    status: Mutex<Option<ExitStatus>>,
    canceled: AtomicBool,
}

impl End {
    fn kill(&self) {
        // It may have ended by itself in this very moment.
        let _ = locked(&self.child).kill();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}

impl Host {
    pub(super) fn new(source: ModuleSource, program: Program, limits: Limits) -> Self {
        let (running, end) = (Mutex::default(), Mutex::default());
        Self { source, program, limits, turn: Turn::default(), running, end, starts: AtomicU64::new(0) }
    }

    /// Asks, starting the process if there is none. `of` is the process the question is about (a lease of an earlier
    /// one is void). Gives the answer and the process that gave it.
    ///
    /// A question that a process has received is never put again to another one: it may have held a PIN.
    pub(super) fn ask(&self, request: &Request, of: Option<u64>, limit: Duration) -> Result<(Answer, u64), CardError> {
        let until = Instant::now() + limit;
        let _turn = self.turn.take(until).ok_or(CardError::Busy)?;
        let mut slot = locked(&self.running);
        loop {
            // One that was ended by `cancel` may not have noticed yet.
            slot.take_if(|running| {
                running.end.canceled.load(Ordering::Acquire) || locked(&running.end.status).is_some()
            });
            if of.is_some() && slot.as_ref().map(|running| running.generation) != of {
                return Err(CardError::PinNeeded { token: String::new() });
            }
            let mut running = match slot.take() {
                Some(running) => running,
                None => self.start(until, limit)?,
            };
            match self.exchange(&mut running, request, until, limit)? {
                // It ended for idleness while we were about to ask, without having read the question.
                Answer::Bye => {}
                answer => {
                    let generation = running.generation;
                    *slot = Some(running);
                    return Ok((answer, generation));
                }
            }
        }
    }

    /// Ends the process while somebody waits for it: a person has changed their mind.
    pub(super) fn cancel(&self) {
        if let Some(end) = &*locked(&self.end) {
            end.canceled.store(true, Ordering::Release);
            end.kill();
        }
    }

    /// The process id, if there is a process.
    pub(super) fn pid(&self) -> Option<u32> {
        let end = locked(&self.end).clone()?;
        let ended = locked(&end.status).is_some();
        (!ended).then(|| locked(&end.child).id())
    }

    fn start(&self, until: Instant, limit: Duration) -> Result<Running, CardError> {
        self.source.vet()?;
        let generation = self.starts.fetch_add(1, Ordering::Relaxed) + 1;
        let (out, answers) = mpsc::sync_channel(1);
        let (said, born) = mpsc::sync_channel(1);
        let program = self.program.clone();
        // The process dies with the thread that started it, so the thread that waits for it has to start it.
        let keeper = thread::Builder::new().name("card".into()).spawn(move || keep(&program, &said, &out));
        let failed = |error: io::Error| CardError::Process(error.to_string());
        keeper.map_err(failed)?;
        let (input, end) = born.recv().map_err(|_| failed(io::ErrorKind::BrokenPipe.into()))?.map_err(failed)?;
        *locked(&self.end) = Some(Arc::clone(&end));
        let mut running = Running { generation, input, answers, end };

        let idle_ms = u32::try_from(self.limits.idle.as_millis()).unwrap_or(u32::MAX);
        let (module, network) = (self.source.path().to_owned(), self.source.network());
        let open = Request::Open { version: VERSION, module, network, idle_ms };
        match self.exchange(&mut running, &open, until, limit)? {
            Answer::Opened(_) => Ok(running),
            Answer::Failed(fault, words) => Err(fault.into_error(words, self.source.path(), "", (0, 0))),
            _ => Err(self.broken(&running)),
        }
    }

    /// One question and its answer. After an error the process is gone or as good as gone.
    fn exchange(
        &self,
        running: &mut Running,
        request: &Request,
        until: Instant,
        limit: Duration,
    ) -> Result<Answer, CardError> {
        let bytes = request.encode().map_err(|error| CardError::Process(error.to_string()))?;
        // The pipe is empty and holds more than any request: this does not block. A failure needs no word of its own:
        // the end of the answers follows.
        let _ = running.input.write_all(&bytes);
        drop(bytes);
        let module = || self.source.name.clone();
        match running.answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Ok(bytes)) => Answer::decode(&bytes, self.source.path()).ok_or_else(|| self.broken(running)),
            Ok(Err(_)) => Err(self.broken(running)),
            Err(RecvTimeoutError::Timeout) => {
                running.end.kill();
                Err(CardError::Hung { module: module(), after: limit })
            }
            Err(RecvTimeoutError::Disconnected) if running.end.canceled.load(Ordering::Acquire) => {
                Err(CardError::Canceled)
            }
            Err(RecvTimeoutError::Disconnected) => {
                let how = locked(&running.end.status).map_or_else(|| "its process is gone".to_owned(), ended);
                Err(CardError::Crashed { module: module(), how })
            }
        }
    }

    fn broken(&self, running: &Running) -> CardError {
        running.end.kill();
        CardError::Crashed { module: self.source.name.clone(), how: "it said something that is no answer".into() }
    }
}

fn ended(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(11), _) => "it read memory that is not there (signal 11)".to_owned(),
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "its process is gone".to_owned(),
    }
}

type Born = io::Result<(ChildStdin, Arc<End>)>;

/// Starts the process, passes on what it says, and sees to its end.
fn keep(program: &Program, said: &SyncSender<Born>, out: &SyncSender<io::Result<Zeroizing<Vec<u8>>>>) {
    let mut command = Command::new(&program.path);
    command.args(&program.args).arg0("hither").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    CHATTY.iter().for_each(|name| {
        command.env_remove(name);
    });
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return drop(said.send(Err(error))),
    };
    let (Some(input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else { return };
    let end = End { child: Mutex::new(child), status: Mutex::default(), canceled: AtomicBool::new(false) };
    let end = Arc::new(end);
    if said.send(Ok((input, Arc::clone(&end)))).is_err() {
        end.kill();
    }
    loop {
        match wire::receive(&mut output, MAX_ANSWER) {
            Ok(None) => break,
            Ok(Some(bytes)) => {
                if out.send(Ok(bytes)).is_err() {
                    break;
                }
            }
            Err(error) => {
                let _ = out.send(Err(error));
                break;
            }
        }
    }
    // Its output is closed: it has ended, is about to, or is of no more use.
    let patience = Instant::now() + Duration::from_secs(2);
    let status = loop {
        match locked(&end.child).try_wait() {
            Ok(None) if Instant::now() < patience => {}
            Ok(Some(status)) => break Some(status),
            Ok(None) | Err(_) => break None,
        }
        thread::sleep(Duration::from_millis(10));
    };
    let status = status.or_else(|| {
        end.kill();
        locked(&end.child).wait().ok()
    });
    *locked(&end.status) = status.or(Some(ExitStatus::default()));
    // Only now: whoever sees the end of the answers can see how it ended.
}
