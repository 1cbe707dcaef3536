"""Two hosts as network namespaces joined by a virtual cable, and processes in them whose cost is measured.

Each host has its own network, mounts, processes and /run (tmpfs). It lives as long as a pipe this program holds: if the
bench dies, the kernel ends everything in it.
"""

import contextlib
import os
import resource
import subprocess
import threading
import time

HOST = """
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/bench /run/sshd /run/home
echo up
exec cat >/dev/null
"""


class BenchError(Exception):
    """Something the bench needs did not happen."""


def children(pid):
    """Processes whose parent is pid."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as stat:
                    if int(stat.read().rsplit(")", 1)[1].split()[1]) == pid:
                        found.append(int(entry))
            except (OSError, ValueError):
                pass
    return found


class Host:
    """One end of the cable."""

    def __init__(self, number):
        self.number = number
        self.address = f"10.77.0.{number}"
        self.keeper = subprocess.Popen(
            ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-ec", HOST],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.keeper.stdout.readline() != b"up\n":
            raise BenchError("a host did not start: the bench needs root, or a user namespace (script/bench makes one)")
        self.pid = children(self.keeper.pid)[0]
        # What the host has on its file systems, seen from outside.
        self.root = f"/proc/{self.pid}/root"
        self.work = f"{self.root}/run/bench"

    def argv(self, words):
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-u", "-p", "--", *words]

    def sh(self, script):
        subprocess.run(self.argv(["sh", "-ec", script]), check=True, stdout=subprocess.DEVNULL)

    def close(self):
        self.keeper.stdin.close()
        self.keeper.wait()


@contextlib.contextmanager
def cubic_allowed():
    """A host of its own may choose only among what the machine allows: allow cubic while the hosts choose, if need be."""
    path = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
    with open(path) as allowed:
        before = allowed.read().strip()
    if "cubic" in before.split():
        yield
        return
    try:
        with open(path, "w") as allowed:
            allowed.write(f"{before} cubic")
    except OSError:
        yield
        return
    try:
        yield
    finally:
        with open(path, "w") as allowed:
            allowed.write(before)


class Lab:
    """Two hosts and the cable."""

    def __init__(self):
        self.a, self.b = Host(1), Host(2)
        subprocess.run(["nsenter", "-t", str(self.a.pid), "-n", "ip", "link", "add", "eth0", "type", "veth",
                        "peer", "name", "eth0", "netns", str(self.b.pid)], check=True)
        with cubic_allowed():
            self.configure()

    def configure(self):
        self.cubic = True
        for host in (self.a, self.b):
            host.sh("echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad; ip link set lo up; ip link set eth0 up; "
                    f"ip addr add {host.address}/24 brd + dev eth0; ip addr add fd77::{host.number}/64 dev eth0 nodad; "
                    "ip route add 224.0.0.0/4 dev eth0")
            try:
                host.sh("echo cubic >/proc/sys/net/ipv4/tcp_congestion_control 2>/dev/null")
            except subprocess.CalledProcessError:
                self.cubic = False

    def close(self):
        self.a.close()
        self.b.close()


class Proc:
    """A process in a host; its output is read line by line, its cost told at the end."""

    def __init__(self, host, words, env=None, stdin=subprocess.DEVNULL, log=None):
        self.words = words
        full = {"PATH": os.environ["PATH"], "HOME": "/run/home", "LANG": "C.UTF-8", "XDG_RUNTIME_DIR": "/run", **(env or {})}
        self.began = time.monotonic()
        self.log = open(log, "ab") if log else subprocess.DEVNULL
        self.process = subprocess.Popen(host.argv(words), stdin=stdin, stdout=subprocess.PIPE, stderr=self.log, env=full)
        self.lines, self.ready, self.over = [], threading.Condition(), False
        self.usage = None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self.ready:
                self.lines.append((time.monotonic(), line.decode(errors="replace").rstrip("\n")))
                self.ready.notify_all()
        with self.ready:
            self.over = True
            self.ready.notify_all()

    def wait_line(self, wanted, seconds=30, start=0):
        """The (time, line) of the first line that `wanted` says yes to."""
        end = time.monotonic() + seconds
        at = start
        with self.ready:
            while True:
                while at < len(self.lines):
                    if wanted(self.lines[at][1]):
                        return self.lines[at]
                    at += 1
                left = end - time.monotonic()
                if self.over or left <= 0:
                    said = "\n".join(line for _, line in self.lines[-20:])
                    raise BenchError(f"{' '.join(self.words)}: what was waited for did not come; it said:\n{said}")
                self.ready.wait(left)

    def inner(self):
        """The process id of the program itself."""
        found = children(self.process.pid)
        if not found:
            raise BenchError(f"{' '.join(self.words)} is gone")
        return found[0]

    def wait(self, seconds=600):
        """Waits for its end; gives (exit code, CPU seconds), its waited-for children included.

        Peak memory is not read here: the kernel counts what the process was before it became the program, which is us.
        """
        if self.usage is None:
            end = time.monotonic() + seconds
            with self.ready:
                while not self.over:
                    left = end - time.monotonic()
                    if left <= 0:
                        self.kill()
                        raise BenchError(f"{' '.join(self.words)} did not end within {seconds} s")
                    self.ready.wait(left)
            _, status, used = os.wait4(self.process.pid, 0)
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self.usage = (self.process.returncode, used.ru_utime + used.ru_stime)
        return self.usage

    def signal(self, number):
        for pid in children(self.process.pid):
            os.kill(pid, number)

    def kill(self):
        if self.usage is None and self.process.poll() is None:
            self.signal(9)
            self.process.wait()


def cpu_seconds(pid):
    """User and system time of a living process, in seconds."""
    with open(f"/proc/{pid}/stat") as stat:
        words = stat.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def busy_seconds(pid):
    """Time its present threads have run, by the scheduler's clock: nanoseconds, where `cpu_seconds` knows hundredths."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as stat:
                total += int(stat.read().split()[0])
        except OSError:
            pass
    return total / 1e9


def memory_mib(pid, field):
    """VmHWM (peak) or VmRSS (now) of a living process, in MiB."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    raise BenchError(f"no {field} for process {pid}")


def forget_peak(pid):
    """Lets VmHWM start again from the present size."""
    with open(f"/proc/{pid}/clear_refs", "w") as refs:
        refs.write("5")


def raise_limits():
    """As many open files as we may have, for the crowd figures."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
