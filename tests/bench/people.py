"""hither on a host of the lab, driven as scripts drive it: by its JSON lines."""

import json
import os
import subprocess

from lab import BenchError, Proc, cpu_seconds

PROGRAM = "/run/hither"


def kind(row):
    return row.get("event") or row.get("type")


def parsed(line):
    try:
        return json.loads(line)
    except ValueError:
        return {}


class Person:
    """One profile on one host."""

    def __init__(self, bench, host, name):
        self.bench, self.host, self.name = bench, host, name
        self.base = f"/run/people/{name}"
        host.sh(f"mkdir -p {self.base}/run {self.base}/home; chmod 700 {self.base}/run")
        if not os.path.exists(f"{host.root}{PROGRAM}"):
            host.sh(f": >{PROGRAM}; mount --bind '{bench.program}' {PROGRAM}")
        self.env = {"HITHER_PROFILE": f"{self.base}/profile", "XDG_RUNTIME_DIR": f"{self.base}/run", "HOME": f"{self.base}/home"}
        self.agent, self.ready = None, None

    def start(self, *more):
        """Starts the agent; gives the seconds until it was ready."""
        self.agent = Proc(self.host, [PROGRAM, "--json", "agent", "--name", self.name, *more], self.env, log=self.bench.log)
        at, line = self.agent.wait_line(lambda l: kind(parsed(l)) == "ready")
        self.ready = parsed(line)
        self.pid = self.agent.inner()
        return at - self.agent.began

    def stop(self):
        if self.agent:
            self.agent.signal(15)
            self.agent.wait(20)
            self.agent = None

    @property
    def peer(self):
        return self.ready["peer"]

    def cpu(self):
        return cpu_seconds(self.pid)

    def run(self, *words, stdin=subprocess.DEVNULL):
        return Proc(self.host, [PROGRAM, "--json", *words], self.env, stdin=stdin, log=self.bench.log)

    def ask(self, *words, seconds=120):
        """Runs a command to its end; gives its rows."""
        proc = self.run(*words)
        code, _ = proc.wait(seconds)
        rows = [parsed(line) for _, line in proc.lines]
        if code != 0:
            raise BenchError(f"hither {' '.join(words)} ended with {code}: {rows[-1:]}")
        return rows

    def sees(self, name, seconds=30):
        """Waits until somebody of this name is shown; gives the row."""
        near = self.run("near", "--watch")
        try:
            _, line = near.wait_line(lambda l: parsed(l).get("name") == name and kind(parsed(l)) != "peer-removed", seconds)
            return parsed(line)
        finally:
            near.kill()


def meet(one, other, always=False):
    """`one` invites `other`, who accepts; gives the session id. Both compare the code."""
    row = one.sees(other.name)
    inbox = other.run("inbox", "--watch")
    invite = one.run("invite", row["peer"], "--yes-code")
    try:
        _, line = inbox.wait_line(lambda l: parsed(l).get("kind") == "invite" and "code" in parsed(l))
        question = parsed(line)
        _, line = invite.wait_line(lambda l: kind(parsed(l)) == "code")
        if parsed(line)["code"] != question["code"]:
            raise BenchError("the codes differ")
        other.ask("accept", question["id"], "--yes-code", *(["--always"] if always else []))
        _, line = invite.wait_line(lambda l: kind(parsed(l)) == "accepted")
        return parsed(line)["session"]
    finally:
        inbox.kill()
        invite.kill()
