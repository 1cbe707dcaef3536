"""sendme, with relays off and tickets that hold nothing but the sender's addresses.

Its sender reads and hashes everything before it has a ticket to give, so the clock starts with the sender's command;
the receiver cannot wait for it. Versions without these options are left out.
"""

import re
import shutil
import subprocess
import time

from lab import BenchError, Proc
from rivals.rival import Rival

OPTIONS, OUTBOX = ["--no-progress", "--relay", "disabled"], "/run/bench/sendme"


class Sendme(Rival):
    name, tools = "sendme", ("sendme",)

    @classmethod
    def missing(cls):
        reason = super().missing()
        if not reason:
            asked = subprocess.run(["sendme", "send", "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if not all(option in asked.stdout for option in ("--no-progress", "--relay", "--ticket-type")):
                reason = f"{shutil.which('sendme')} has no options that keep it on the link"
        return reason

    def sendme(self, host, folder, *words):
        # It keeps its store in the folder it is started in.
        return Proc(host, ["sh", "-c", 'cd "$0" && exec sendme "$@"', folder, *words], log=self.bench.log)

    def file(self, source, target):
        a, b = self.bench.lab.a, self.bench.lab.b
        a.sh(f"rm -rf {OUTBOX}; mkdir -p {OUTBOX}")
        began = time.monotonic()
        sender, receiver = self.sendme(a, OUTBOX, "send", *OPTIONS, "--ticket-type", "addresses", source), None
        try:
            ticket = re.compile(r"sendme receive (\w+)")
            _, line = sender.wait_line(ticket.search, 600)
            receiver = self.sendme(b, target, "receive", *OPTIONS, ticket.search(line)[1])
            code, cpu = receiver.wait()
            seconds = time.monotonic() - began
            sender.signal(2)  # it serves until it is told to stop
            _, cpu_sender = sender.wait(20)
        finally:
            for proc in (sender, receiver):
                if proc:
                    proc.kill()
        if code:
            raise BenchError(f"the receiver ended with {code} (see {self.bench.log})")
        return seconds, cpu + cpu_sender

    tree = file
