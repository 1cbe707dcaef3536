"""What every rival is: a program people use for the same job, run on the lab's two hosts.

`file` and `tree` give (seconds, CPU seconds of both ends); whatever a receiver can do before it is sent something is
done before the clock starts.
"""

import shutil
import time

from lab import BenchError, children, cpu_seconds


class Rival:
    """A program to be compared with. `tools` are the programs it is made of."""

    name, tools = "", ()

    def __init__(self, bench):
        self.bench = bench

    @classmethod
    def missing(cls):
        """Why it cannot be compared with here; None if it can."""
        absent = [tool for tool in cls.tools if not shutil.which(tool)]
        return f"no {', '.join(absent)} in PATH" if absent else None


def sockets(host, listening):
    """(local port, remote port) of the host's TCP sockets that listen, or that are connected."""
    found = []
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{host.pid}/net/{table}") as lines:
            for line in lines.read().splitlines()[1:]:
                words = line.split()
                if words[3] == ("0A" if listening else "01"):
                    found.append(tuple(int(end.rsplit(":", 1)[1], 16) for end in words[1:3]))
    return found


def await_true(true, what, seconds=10, pause=0.002):
    """Waits until `true()`; `what` says what did not happen if it never does."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise BenchError(f"{what} within {seconds} s")
        time.sleep(pause)


def await_port(host, port, open_=True):
    """Waits until somebody listens on the port, or nobody does any more."""
    await_true(lambda: any(local == port for local, _ in sockets(host, True)) == open_,
               f"port {port} did not {'open' if open_ else 'close'}")


def family_cpu(pid):
    """CPU seconds of a living process and of the processes it started that live."""
    return cpu_seconds(pid) + sum(family_cpu(child) for child in children(pid))
