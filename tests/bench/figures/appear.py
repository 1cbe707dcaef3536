"""How long until somebody who starts is shown by a running `near --watch`: strangers, and people who met."""

from figures import Figure, median, percentile
from people import Person, kind, meet, parsed

NAME = "appear"
ABOUT = "a device starts → it is shown, stranger and known"


def run(bench):
    yield from strangers(bench)
    yield from known(bench)


def strangers(bench):
    watcher = Person(bench, bench.lab.a, "Watcher")
    watcher.start()
    near = watcher.run("near", "--watch")
    times = []
    for number in range(bench.tries):
        name = f"Stranger {number}"
        other = Person(bench, bench.lab.b, name.replace(" ", "-"))
        other.name = name
        seen = len(near.lines)
        other.start()
        at, _ = near.wait_line(lambda l: parsed(l).get("name") == name and kind(parsed(l)) != "peer-removed", 30, seen)
        times.append(at - other.agent.began)
        other.stop()
        near.wait_line(lambda l: parsed(l).get("name") == name and kind(parsed(l)) == "peer-removed", 150, seen)
    near.kill()
    watcher.stop()
    detail = {"runs": len(times), "max": round(max(times), 3)}
    yield Figure("unknown device shown, p50", median(times), "s", 0.95, False, detail)
    yield Figure("unknown device shown, p95", percentile(times, 95), "s", 1.1, False, detail)


def known(bench):
    watcher, other = Person(bench, bench.lab.a, "Ana"), Person(bench, bench.lab.b, "Ben")
    watcher.start()
    other.start()
    session = meet(watcher, other)
    watcher.ask("close", session)
    near = watcher.run("near", "--watch")
    times = []
    for _ in range(bench.tries):
        seen = len(near.lines)
        peer = other.peer
        other.stop()
        near.wait_line(lambda l: parsed(l).get("peer") == peer and (kind(parsed(l)) == "peer-removed" or parsed(l).get("presence") != "near"), 150, seen)
        seen = len(near.lines)
        other.start()
        at, _ = near.wait_line(lambda l: parsed(l).get("peer") == peer and kind(parsed(l)) != "peer-removed" and parsed(l).get("presence") == "near", 30, seen)
        times.append(at - other.agent.began)
    near.kill()
    watcher.stop()
    other.stop()
    yield Figure("known device shown, p50", median(times), "s", 0.2, False, {"p95": round(percentile(times, 95), 3), "runs": len(times)})
