"""One 1 GiB file of random bytes, tmpfs to tmpfs: speed, processor time and peak memory, next to what people use."""

import filecmp
import os

from figures import Figure, median
from lab import BenchError, forget_peak, memory_mib
from people import Person, kind, meet, parsed
from rivals import PEOPLE_USE, Socat, at_hand, compete

NAME = "one-file"
ABOUT = "1 GiB file: speed and CPU against socat, scp, rsync, Syncthing, magic-wormhole, sendme; peak memory"


class Hither:
    name = "hither"

    def __init__(self, bench, sender, receiver):
        self.bench, self.sender, self.receiver = bench, sender, receiver

    def file(self, source, target):
        people = (self.sender, self.receiver)
        receive = self.receiver.run("receive", "--to", target)
        self.bench.settle()
        for person in people:
            forget_peak(person.pid)
        before = sum(person.cpu() for person in people)
        send = self.sender.run("send", self.receiver.peer, source, "--wait")
        send.wait_line(lambda l: kind(parsed(l)) == "offered")
        # The commands hold no file data: what they take is known as soon as they have begun.
        peaks = [memory_mib(send.inner(), "VmHWM")]
        code, cpu = send.wait()
        at, _ = send.wait_line(lambda l: kind(parsed(l)) == "done")
        cpu += sum(person.cpu() for person in people) - before
        peaks += [memory_mib(pid, "VmHWM") for pid in (self.sender.pid, self.receiver.pid, receive.inner())]
        receive.signal(2)
        _, cpu_receive = receive.wait(20)
        if code:
            raise BenchError(f"hither send ended with {code}: {send.lines[-1:]}")
        return at - send.began, cpu + cpu_receive, max(peaks)

    tree = file


def run(bench):
    lab, size = bench.lab, bench.mebibytes << 20
    source, target = "/run/bench/file", "/run/bench/in"
    outside = f"{lab.a.root}{source}"
    with open(outside, "wb") as out:
        for _ in range(bench.mebibytes):
            out.write(os.urandom(1 << 20))
    sender, receiver = Person(bench, lab.a, "Ana"), Person(bench, lab.b, "Ben")
    sender.start()
    receiver.start()
    meet(sender, receiver)
    ways = [Hither(bench, sender, receiver), *at_hand(bench, (Socat, *PEOPLE_USE))]
    arrived = lambda: filecmp.cmp(outside, f"{lab.b.root}{target}/file", shallow=False)
    rows = compete(bench, ways, lambda way: way.file(source, target), arrived, target)
    sender.stop()
    receiver.stop()
    seconds = {name: median([row[0] for row in many]) for name, many in rows.items()}
    speed = {name: round(size / s / 2**20, 1) for name, s in seconds.items()}
    per_gib = {name: round(median([row[1] for row in many]) * 2**30 / size, 2) for name, many in rows.items()}
    detail = {"mebibytes_per_second": speed, "cpu_seconds_per_gib": per_gib, "mebibytes": bench.mebibytes, "cubic": lab.cubic}
    if Socat.name in speed:
        yield Figure("speed ÷ socat mutual TLS", speed["hither"] / speed[Socat.name], "×", 1.0, True, detail)
        yield Figure("CPU per GiB ÷ socat mutual TLS", per_gib["hither"] / per_gib[Socat.name], "×", 1.3, False, detail)
    others = [rival.name for rival in PEOPLE_USE if rival.name in speed]
    if others:
        best = max(others, key=speed.get)
        yield Figure(f"speed ÷ best of {', '.join(others)}", speed["hither"] / speed[best], "×", 3, True, {"best": best, **detail})
    peak = max(row[2] for row in rows[Hither.name])
    yield Figure("peak memory of either side, 1 GiB file", peak, "MiB", 48, False, {"mebibytes": bench.mebibytes})
