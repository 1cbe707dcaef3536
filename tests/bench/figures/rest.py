"""An agent at rest with two devices near: memory, and processor time a minute."""

import time

from figures import Figure
from lab import busy_seconds, memory_mib
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
    before, began = busy_seconds(person.pid), time.monotonic()
    time.sleep(bench.rest_seconds)
    cpu = (busy_seconds(person.pid) - before) * 60 / (time.monotonic() - began) * 1000
    resident = memory_mib(person.pid, "VmRSS")
    parts = {field: round(memory_mib(person.pid, field), 1) for field in ("RssAnon", "RssFile")}
    for each in (person, *others):
        each.stop()
    yield Figure("agent at rest: memory", resident, "MiB", 12, False, parts)
    yield Figure("agent at rest: CPU a minute", cpu, "ms", 10, False, {"seconds": bench.rest_seconds})
