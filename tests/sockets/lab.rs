//! Programs started for one test, certificates made for it, and the permission to reach loopback.

use hither_capability::{Gate, Manifest, Networks, Reach};
use hither_socket::{HostName, Roots, StreamSocket};
use hither_tests::{program::on_path, skip::skipped};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long a program may take until it listens.
const STARTING: Duration = Duration::from_secs(30);
/// How long a program may take to end when it is asked to.
const ENDING: Duration = Duration::from_secs(5);

/// Where the system keeps programs for servers.
const SBIN: &str = "/usr/local/sbin:/usr/sbin:/sbin";

/// Whether the programs are here; notes the skip if not.
pub(crate) fn have(programs: &[&str]) -> bool {
    for program in programs {
        let there = Path::new(program).is_file()
            || on_path(program)
            || SBIN.split(':').any(|dir| Path::new(dir).join(program).is_file());
        if !there {
            skipped("sockets", &format!("the program `{program}` is missing: run script/bootstrap sockets"));
            return false;
        }
    }
    true
}

/// Whether the system's Python has a module; notes the skip if not.
pub(crate) fn have_python(module: &str) -> bool {
    let mut probe = Command::new("/usr/bin/python3");
    let found = probe.args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        skipped("sockets", &format!("Python's module `{module}` is missing: run script/bootstrap sockets"));
    }
    found
}

/// A program that ends with the test.
pub(crate) struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // Asked first: some leave shared memory behind when they are killed.
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        let asked = pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let deadline = Instant::now() + ENDING;
        while asked && Instant::now() < deadline && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory with certificates, and the programs that use them.
pub(crate) struct Lab {
    dir: TempDir,
}

impl Lab {
    /// Makes an authority (`ca.pem`), a server's certificate for localhost (`server.pem`), one for another name
    /// (`other.pem`), a client's (`client.pem`) and one that vouches for itself (`own.pem`); keys beside them.
    pub(crate) fn new() -> Self {
        let lab = Self { dir: tempfile::Builder::new().prefix("hither-sockets-").tempdir().expect("a directory") };
        // Programs that give up root must be able to read it.
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(lab.dir.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
        lab.sh(
            "key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
             openssl req -x509 $key -keyout ca.key -out ca.pem -days 30 -subj /CN=root
             issue() {
               openssl req $key -keyout $1.key -out $1.csr -subj /CN=$2
               printf 'subjectAltName=DNS:%s\nextendedKeyUsage=%s\n' $2 $3 >$1.ext
               openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out $1.pem -extfile $1.ext
             }
             issue server localhost serverAuth
             issue other elsewhere.test serverAuth
             issue client ana clientAuth
             openssl req -x509 $key -keyout own.key -out own.pem -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost
             chmod 644 *.key",
        );
        lab
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.at(name), text).expect("a file");
        self.at(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Runs a shell script in the directory.
    pub(crate) fn sh(&self, script: &str) {
        let out = self.command("sh").args(["-ec", script]).output().expect("a shell");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.current_dir(self.dir.path()).env("PATH", format!("{path}:{SBIN}")).stdin(Stdio::null());
        command
    }

    /// Starts a program and waits until it listens on `port`. Its output goes to a file, for when it does not.
    pub(crate) fn start(&self, port: u16, program: &str, args: &[&str]) -> Program {
        let log = fs::File::create(self.at("log")).expect("a log");
        let mut command = self.command(program);
        command.args(args).stdout(log.try_clone().expect("a log")).stderr(log);
        if program == "openssl" {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{program}: {e}"));
        let deadline = Instant::now() + STARTING;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().expect("its state");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{program} does not listen ({ended:?}): {}",
                String::from_utf8_lossy(&self.read("log"))
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Program(child)
    }

    /// nginx with these lines in its `server` block.
    pub(crate) fn nginx(&self, server: &str) -> (Program, u16) {
        let port = free_port();
        let dir = self.dir.path().display();
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {dir}/{kind};\n"))
            .concat();
        let config = format!(
            "daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log;\n\
             events {{}}\nhttp {{ access_log off;\n{temp}\nserver {{ listen 127.0.0.1:{port} ssl;\n\
             ssl_certificate {dir}/server.pem; ssl_certificate_key {dir}/server.key;\n{server}\n}} }}\n"
        );
        let config = self.write("nginx.conf", &config);
        let error_log = self.at("error.log").display().to_string();
        let args = ["-c", &config.display().to_string(), "-p", &dir.to_string(), "-e", &error_log];
        (self.start(port, "nginx", &args), port)
    }

    /// A socket that trusts this lab's authority.
    pub(crate) fn socket(&self) -> StreamSocket {
        self.socket_trusting("ca.pem")
    }

    pub(crate) fn socket_trusting(&self, name: &str) -> StreamSocket {
        let mut socket = StreamSocket::new(permission());
        let roots = Roots::exclusive(&self.read(name)).expect("authorities");
        socket.control().set_roots(roots).expect("it is not connected");
        socket
    }
}

/// Waits until a file is there and not empty. The system tells of it; nobody asks again and again.
pub(crate) fn appears(file: &Path) {
    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        fs::inotify::{CreateFlags, WatchFlags, add_watch, init},
    };
    let told = init(CreateFlags::CLOEXEC).expect("files are watched");
    let dir = file.parent().expect("it is in a directory");
    add_watch(&told, dir, WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO).expect("the directory is watched");
    let deadline = Instant::now() + STARTING;
    while fs::metadata(file).map_or(0, |found| found.len()) == 0 {
        let left = deadline.checked_duration_since(Instant::now()).unwrap_or_else(|| panic!("no {}", file.display()));
        let left =
            Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
        let _ = poll(&mut [PollFd::new(&told, PollFlags::IN)], Some(&left));
        let mut seen = [0; 4096];
        let _ = rustix::io::read(&told, &mut seen);
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

pub(crate) fn permission() -> Reach {
    let manifest = Manifest::parse(r#"capabilities = ["internetClient"]"#).expect("a manifest");
    Gate::new(manifest, Default::default(), true).reach(Networks::public()).expect("it is declared")
}

pub(crate) fn localhost() -> HostName {
    HostName::new("localhost").expect("a name")
}
