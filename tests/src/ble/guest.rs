//! The guest's end of the conversation: starts programs and tells what they say. It runs in the machine (`ble-guest
//! PORT`), as the only child of its init.

use super::words::{CHUNK, Order, Word, hear, packed, say, unpacked};
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

/// Where words go: one line at a time.
type Mouth = Arc<Mutex<File>>;

/// The programs that run, by the test's numbers.
type Running = Arc<Mutex<HashMap<u32, Pid>>>;

/// Serves orders on a port until it closes.
///
/// # Errors
/// When the port cannot be opened or read.
pub fn serve(port: &Path) -> io::Result<()> {
    let port = File::options().read(true).write(true).open(port)?;
    let mouth: Mouth = Arc::new(Mutex::new(port.try_clone()?));
    let running: Running = Arc::default();
    let mut inputs: HashMap<u32, ChildStdin> = HashMap::new();
    let mut ears = BufReader::new(port);
    tell(&mouth, &Word::Ready);
    while let Some(order) = hear::<Order>(&mut ears)? {
        match order {
            Order::Start { id, argv, environment } => match start(&argv, environment) {
                Ok(child) => inputs.extend(watch(id, child, &mouth, &running).map(|input| (id, input))),
                Err(error) => {
                    tell(&mouth, &Word::Error { id, bytes: packed(format!("{argv:?}: {error}\n").as_bytes()) });
                    tell(&mouth, &Word::End { id, code: Some(127) });
                }
            },
            // A program that reads nothing more is no fault of the conversation.
            Order::Input { id, bytes } => {
                if let Some(input) = inputs.get_mut(&id) {
                    let _ = input.write_all(&unpacked(&bytes)?).and_then(|()| input.flush());
                }
            }
            Order::EndInput { id } => drop(inputs.remove(&id)),
            Order::Signal { id, signal } => {
                let group = running.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
                if let (Some(group), Some(signal)) = (group, Signal::from_named_raw(signal)) {
                    let _ = kill_process_group(group, signal);
                }
            }
        }
    }
    Ok(())
}

fn tell(mouth: &Mouth, word: &Word) {
    let _ = say(&mut *mouth.lock().unwrap_or_else(PoisonError::into_inner), word);
}

fn start(argv: &[String], environment: Vec<(String, String)>) -> io::Result<Child> {
    let mut words = argv.iter();
    let program = words.next().ok_or_else(|| io::Error::other("no program"))?;
    // The program is looked for along the path it is given, not along ours.
    let path = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone()).unwrap_or_default();
    let found = path.split(':').map(|dir| Path::new(dir).join(program)).find(|file| file.is_file());
    let mut command = Command::new(found.unwrap_or_else(|| program.into()));
    command.args(words).env_clear().envs(environment).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Tells what a program says and how it ends; gives its standard input.
fn watch(id: u32, mut child: Child, mouth: &Mouth, running: &Running) -> Option<ChildStdin> {
    let group = Pid::from_child(&child);
    running.lock().unwrap_or_else(PoisonError::into_inner).insert(id, group);
    let input = child.stdin.take();
    let out = child.stdout.take().map(|from| pass(from, Arc::clone(mouth), move |bytes| Word::Out { id, bytes }));
    let errors = child.stderr.take().map(|from| pass(from, Arc::clone(mouth), move |bytes| Word::Error { id, bytes }));
    let (mouth, running) = (Arc::clone(mouth), Arc::clone(running));
    thread::spawn(move || {
        let code = child.wait().ok().and_then(|status| status.code());
        // What it left running in its group ends with it, and lets go of its output.
        let _ = kill_process_group(group, Signal::KILL);
        for reader in [out, errors].into_iter().flatten() {
            let _ = reader.join();
        }
        running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        tell(&mouth, &Word::End { id, code });
    });
    input
}

fn pass(
    mut from: impl Read + Send + 'static,
    mouth: Mouth,
    word: impl Fn(String) -> Word + Send + 'static,
) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            tell(&mouth, &word(packed(buffer.get(..n).unwrap_or_default())));
        }
    })
}
