"""An agent at rest with two devices near: memory, and processor time a minute."""

import time

from figures import Figure
from lab import memory_mib
from people import Person

NAME = "rest"
ABOUT = "an agent at rest, two devices near: memory, CPU a minute"


def run(bench):
    person = Person(bench, bench.lab.a, "Ana")
    others = [Person(bench, bench.lab.b, name) for name in ("Ben", "Cleo")]
    for each in (person, *others):
        each.start()
    for other in others:
        person.sees(other.name)
    time.sleep(10)  # the first adverts and their repetitions are over
    before, began = person.cpu(), time.monotonic()
    time.sleep(bench.rest_seconds)
    cpu = (person.cpu() - before) * 60 / (time.monotonic() - began) * 1000
    resident = memory_mib(person.pid, "VmRSS")
    for each in (person, *others):
        each.stop()
    yield Figure("agent at rest: memory", resident, "MiB", 12)
    yield Figure("agent at rest: CPU a minute", cpu, "ms", 10, False, {"resolution_ms": 10, "seconds": bench.rest_seconds})
