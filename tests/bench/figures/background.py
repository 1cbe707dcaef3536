"""Always there, costing nothing: an agent with three sessions at rest, one with a thousand, a first answer after a socket woke it,
and a start with ten thousand things to do. The thousand devices are a thousand agents, each in a profile of its own."""

import json
import os
import selectors
import shutil
import subprocess
import time

from figures import Figure, median
from lab import BenchError, Proc, busy_seconds, memory_mib
from people import PROGRAM, Person, kind, meet, parsed

NAME = "background"
ABOUT = "at rest with 3 sessions, with 1,000; woken by its socket; started with 10,000 things to do"

# Uses of one invite link, at most.
USES = 100
# Callers from one address while they say who they are, at most.
AT_ONCE = 4


def switched(pid):
    """How often each thread of a process waited for something."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/status") as status:
                lines = status.read().splitlines()
        except OSError:
            continue
        name = lines[0].split("\t", 1)[-1]
        found[f"{name} {task}"] = sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
    return found


def wakeups(pid, seconds):
    """How often a second its threads wake, each and all together."""
    before, began = switched(pid), time.monotonic()
    time.sleep(seconds)
    after, took = switched(pid), time.monotonic() - began
    each = {name: (count - before.get(name, 0)) / took for name, count in after.items()}
    return sum(each.values()), {name: round(rate, 2) for name, rate in each.items() if rate > 0}


def rest(bench):
    """Three sessions, nothing moves."""
    person = Person(bench, bench.lab.a, "Ana")
    others = [Person(bench, bench.lab.b, name) for name in ("Ben", "Cleo", "Dora")]
    person.start()
    for other in others:
        other.start()
        meet(person, other)
    time.sleep(90)  # the first adverts are over, and the connections calm
    seconds = min(60, bench.rest_seconds)
    busy, began = busy_seconds(person.pid), time.monotonic()
    rate, by_thread = wakeups(person.pid, seconds)
    took = time.monotonic() - began
    resident = memory_mib(person.pid, "VmRSS")
    detail = {field: round(memory_mib(person.pid, field), 1) for field in ("RssAnon", "RssFile")}
    detail |= {"cpu_ms_a_minute": round((busy_seconds(person.pid) - busy) * 60_000 / took, 1)}
    for each in (person, *others):
        each.stop()
    yield Figure("agent at rest with 3 sessions: memory", resident, "MiB", 16, False, detail)
    yield Figure("the same: wake-ups a second", rate, "/s", 1, False, {"seconds": seconds, "threads": by_thread})


class Device:
    """An agent that is one program's own: asked and answered in JSON lines on its standard input and output."""

    def __init__(self, bench, host, base, *more):
        if not os.path.exists(f"{host.root}{PROGRAM}"):
            host.sh(f": >{PROGRAM}; mount --bind '{bench.program}' {PROGRAM}")
        os.makedirs(f"{host.root}{base}/run", mode=0o700)
        env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": base, "HITHER_PROFILE": f"{base}/profile",
               "XDG_RUNTIME_DIR": f"{base}/run"}
        self.host, self.asked, self.left = host, 0, b""
        with open(bench.log, "ab") as log:
            self.process = subprocess.Popen(host.argv([PROGRAM, "--json", "agent", "--stdio", "--no-mdns", "--no-ble", *more]),
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=env)

    def say(self, what):
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, word, **fields):
        self.asked += 1
        self.say({"request": {"id": self.asked, "ask": {"ask": word, **fields}}})
        return self.asked

    def lines(self):
        """What it said since, as far as it is whole; nothing if nothing is there to read."""
        self.left += os.read(self.process.stdout.fileno(), 1 << 16)
        *whole, self.left = self.left.split(b"\n")
        return [parsed(line) for line in whole]

    def wait(self, wanted, seconds=60):
        """The first line that `wanted` says yes to; none is read ahead of it but in the same breath."""
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as chosen:
            chosen.register(self.process.stdout, selectors.EVENT_READ)
            while time.monotonic() < end:
                if chosen.select(end - time.monotonic()):
                    for line in self.lines():
                        if wanted(line):
                            return line
                    if self.process.poll() is not None:
                        break
        raise BenchError("a device did not say what was waited for")

    def answer(self, word, **fields):
        number = self.ask(word, **fields)
        reply = self.wait(lambda line: line.get("reply", {}).get("id") == number)
        return reply["reply"]["answer"]

    def close(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(word) for word in children.read().split()]


def thousand(bench):
    """So many devices, one session each with one agent. All came by its links, and it said yes to each."""
    count = 1000 if bench.rounds > 2 else 200
    a, b = bench.lab.a, bench.lab.b
    for host in (a, b):
        host.sh("echo 65536 >/proc/sys/net/core/somaxconn 2>/dev/null || true")
    hub = Device(bench, a, "/run/people/hub")
    hub.wait(lambda line: kind(line) == "ready")
    pid = children_of(hub.process.pid)[0]
    hub.say({"subscribe": {"id": 0}})
    before, busy = memory_mib(pid, "VmRSS"), busy_seconds(pid)
    anon_before = memory_mib(pid, "RssAnon")
    devices = [Device(bench, b, f"/run/people/d{number}") for number in range(count)]
    try:
        for device in devices:
            device.wait(lambda line: kind(line) == "ready")
        began = time.monotonic()
        meet_all(hub, devices)
        took = time.monotonic() - began
        busy = busy_seconds(pid) - busy
        time.sleep(5)
        resident, anon = memory_mib(pid, "VmRSS"), memory_mib(pid, "RssAnon")
        held = len(hub.answer("status")["status"]["sessions"])
        if held < count:
            raise BenchError(f"only {held} of {count} sessions are open")
        time.sleep(75)  # until the connections are calm
        rate, _ = wakeups(pid, 20)
    finally:
        for device in devices:
            device.close()
        hub.close()
    detail = {"sessions": count, "resident_mib": round(resident, 1), "anonymous_kib_each": round((anon - anon_before) * 1024 / count, 1),
              "wakeups_a_second": round(rate, 1)}
    yield Figure(f"{count} sessions to one agent: memory each", (resident - before) * 1024 / count, "KiB", 64, False, detail)
    detail = {"seconds": round(took, 1), "cpu_of_the_agent_s": round(busy, 2), "at_a_time": AT_ONCE}
    yield Figure("the same: accepted a second", count / took, "/s", None, True, detail)


def meet_all(hub, devices):
    """Every device opens a link of the agent's, which says yes; a few at a time, as an agent lets no more in from one address."""
    begun, opened = 0, 0
    while opened < len(devices):
        while begun < len(devices) and begun - opened < AT_ONCE:
            if begun % USES == 0:
                if opened < begun:
                    break
                url = hub.answer("make-link", expires=3600, uses=USES)["url"]
            devices[begun].ask("open-link", url=url)
            begun += 1
        for line in heard(hub, 30):
            note = line.get("note", {})
            if note.get("event") == "question":
                hub.ask("accept", question=note["id"], always=False, same_code=False, unverified=False, to=None, executable=False)
            opened += note.get("event") == "accepted"


def heard(device, seconds):
    """What a device says within that time, once it says something."""
    with selectors.DefaultSelector() as chosen:
        chosen.register(device.process.stdout, selectors.EVENT_READ)
        if not chosen.select(seconds):
            raise BenchError("the agent fell silent before all sessions were open")
        return device.lines()


def woken(bench):
    """From the first connection to the socket until the first answer, the agent being started by it."""
    activate = shutil.which("systemd-socket-activate")
    if activate is None:
        bench.say("  systemd-socket-activate is not here: the start by a socket is not measured")
        return
    person = Person(bench, bench.lab.a, "Gil")
    person.start()
    person.stop()
    times = []
    for _ in range(bench.tries):
        person.host.sh(f"mkdir -p -m 700 {person.base}/run/hither")
        socket = control_socket(person)
        env = {**person.env}
        waiting = Proc(person.host, [activate, "-E", "HITHER_PROFILE", "-E", "XDG_RUNTIME_DIR", "-E", "HOME", f"--fdname=control",
                                     f"--listen={socket}", PROGRAM, "agent", "--no-ble"], env, log=bench.log)
        outside = f"{person.host.root}{socket}"
        end = time.monotonic() + 10
        while not os.path.exists(outside) and time.monotonic() < end:
            time.sleep(0.01)
        status = person.run("--no-start", "status")
        at, _ = status.wait_line(lambda line: kind(parsed(line)) == "status")
        times.append((at - status.began) * 1000)
        status.wait(20)
        person.ask("stop")
        waiting.wait(20)
    yield Figure("first answer after the socket woke it, p50", median(times), "ms", 150, False, {"worst": round(max(times), 1)})


def control_socket(person):
    """Where the agent of a profile has its control socket: asked of one that runs."""
    person.start()
    found = [os.path.join(folder, name) for folder, _, names in os.walk(f"{person.host.root}{person.base}/run") for name in names
             if name == "control.sock"]
    person.stop()
    if not found:
        raise BenchError("the agent has no control socket")
    return found[0].removeprefix(person.host.root)


def queue(bench):
    """Ten thousand things to send to somebody who is away, and a start with them; and one offer of ten thousand files."""
    person, other = Person(bench, bench.lab.a, "Eva"), Person(bench, bench.lab.b, "Finn")
    folder = f"{person.host.root}/run/bench/many"
    for part in range(100):
        os.makedirs(f"{folder}/{part}")
        for number in range(100):
            with open(f"{folder}/{part}/{number}", "w") as out:
                out.write(f"{part} {number}")
    person.start()
    other.start()
    session = meet(person, other)
    offer = person.run("send", other.peer, "/run/bench/many")
    at, _ = offer.wait_line(lambda line: kind(parsed(line)) == "offered", 60)
    yield Figure("10,000 files: the offer is ready", at - offer.began, "s", 1, False)
    person.ask("close", session)
    other.stop()
    count = 10_000 if bench.rounds > 2 else 1_000
    for first in range(0, count, 100):
        for number in range(first, first + 100):
            person.ask("send", other.peer, f"/run/bench/many/{number // 100}/{number % 100}", "--later", "--group", "bench")
    person.stop()
    ready = person.start()
    # A list has as many rows as fit into an answer; the group counts all.
    waiting = [row["waiting"] for row in person.ask("outbox") if kind(row) == "outbox-group"]
    person.stop()
    if waiting != [count]:
        raise BenchError(f"{waiting} of {count} are in the outbox")
    yield Figure(f"start with {count} in the outbox", ready, "s", 1, False)


def run(bench):
    yield from rest(bench)
    yield from woken(bench)
    yield from thousand(bench)
    yield from queue(bench)
