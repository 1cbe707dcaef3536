"""`near` asked of a running agent while 200 devices are on the link, and what it costs the agent to know them; 1,000
are stated. The crowd is one small program that speaks mDNS for all of them."""

import os

from figures import Figure, median, percentile
from lab import Proc, memory_mib
from people import Person, parsed

NAME = "crowd"
ABOUT = "`near` with 200 devices on the link; memory; 1,000 stated"


def asked(bench, crowd_size):
    watcher = Person(bench, bench.lab.a, f"Watcher{crowd_size}")
    watcher.start()
    script = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "crowd_host.py")
    crowd = Proc(bench.lab.b, ["/usr/bin/python3", script, str(crowd_size), bench.lab.b.address], log=bench.log)
    near = watcher.run("near", "--watch")
    shown = set()
    wanted = min(crowd_size, 256)

    def enough(line):
        name = parsed(line).get("name") or ""
        if name.startswith("Crowd "):
            shown.add(name)
        return len(shown) >= wanted

    at, _ = near.wait_line(enough, 60)
    near.kill()
    times = []
    for _ in range(bench.tries):
        proc = watcher.run("near")
        proc.wait(30)
        times.append((max((t for t, _ in proc.lines), default=proc.began) - proc.began) * 1000)
        rows = len(proc.lines)
    resident = memory_mib(watcher.pid, "VmRSS")
    crowd.kill()
    watcher.stop()
    return times, resident, {"rows": rows, "all_shown_after_s": round(at - near.began, 2), "p95": round(percentile(times, 95), 1)}


def run(bench):
    times, resident, detail = asked(bench, 200)
    thousand_times, thousand_resident, thousand = asked(bench, 1000)
    thousand |= {"near_ms": round(median(thousand_times), 1), "resident_mib": round(thousand_resident, 1)}
    yield Figure("`near` with 200 devices, p50", median(times), "ms", 20, False, detail | {"with_1000": thousand})
    yield Figure("agent's memory with 200 devices", resident, "MiB", 32, False, {"with_1000": round(thousand_resident, 1)})
