"""magic-wormhole, with a mailbox server of its own on the receiver's host: the public ones are never asked.

The data goes straight from host to host; the transit helper it is given is a port of the receiver's where nobody
listens. The receiver waits with its code before the clock starts; the sender's start is in the time, as with scp. The
mailbox server's time is not counted: it stands for one on the net.
"""

import os
import secrets
import shutil
import subprocess
import time

from lab import BenchError, Proc
from rivals.rival import Rival, await_port, await_true, sockets

MAILBOX, HELPER, HOME = 4000, 4001, "/run/bench/wormhole"


def mailbox_program():
    """Twisted's runner that knows the mailbox server: Debian's, or the one beside the wormhole in PATH. None without."""
    beside = os.path.join(os.path.dirname(os.path.realpath(shutil.which("wormhole"))), "twist")
    for program in (shutil.which("twist3"), beside, shutil.which("twist")):
        if program and os.access(program, os.X_OK):
            asked = subprocess.run([program, "wormhole-mailbox", "--help"], stdin=subprocess.DEVNULL, capture_output=True)
            if asked.returncode == 0:
                return program
    return None


class Wormhole(Rival):
    name, tools = "magic-wormhole", ("wormhole",)

    def __init__(self, bench):
        super().__init__(bench)
        self.server, self.count = None, 0

    @classmethod
    def missing(cls):
        reason = super().missing()
        if not reason and not mailbox_program():
            reason = "no mailbox server (python3-magic-wormhole-mailbox-server), and the public one is not asked"
        return reason

    def serve(self):
        b = self.bench.lab.b
        if not self.server:
            b.sh(f"mkdir -p {HOME}")
            self.server = Proc(b, [mailbox_program(), "wormhole-mailbox", "--port", f"tcp:{MAILBOX}:interface={b.address}",
                                   "--channel-db", f"{HOME}/mailbox.sqlite"], log=self.bench.log)
            await_port(b, MAILBOX)

    def wormhole(self, host, folder, *words):
        b = self.bench.lab.b.address
        words = ["wormhole", "--relay-url", f"ws://{b}:{MAILBOX}/v1", "--transit-helper", f"tcp:{b}:{HELPER}", *words]
        # A folder travels as an archive: that one lies on tmpfs too.
        return Proc(host, ["sh", "-c", 'cd "$0" && exec "$@"', folder, *words], {"TMPDIR": "/run/bench"}, log=self.bench.log)

    def file(self, source, target):
        self.serve()
        a, b = self.bench.lab.a, self.bench.lab.b
        self.count += 1
        code = f"{self.count}-bench-{secrets.token_hex(4)}"
        receiver = self.wormhole(b, target, "receive", "--hide-progress", "--accept-file", code)
        sender = None
        try:
            await_true(lambda: any(remote == MAILBOX for _, remote in sockets(b, False)), "the receiver did not reach the mailbox", 20)
            time.sleep(0.3)  # it says which code it waits for
            began = time.monotonic()
            sender = self.wormhole(a, "/run/bench", "send", "--hide-progress", "--code", code, source)
            received, sent = receiver.wait(), sender.wait()
            seconds = time.monotonic() - began
        finally:
            for proc in (receiver, sender):
                if proc:
                    proc.kill()
        if sent[0] or received[0]:
            raise BenchError(f"the sender ended with {sent[0]}, the receiver with {received[0]} (see {self.bench.log})")
        return seconds, sent[1] + received[1]

    tree = file
