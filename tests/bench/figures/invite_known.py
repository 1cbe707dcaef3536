"""`invite` of a known device that accepts without asking → session open."""

from figures import Figure, median, percentile
from people import Person, kind, meet, parsed

NAME = "invite-known"
ABOUT = "`hither invite` of a known device to the open session"


def run(bench):
    one, other = Person(bench, bench.lab.a, "Ana"), Person(bench, bench.lab.b, "Ben")
    one.start()
    other.start()
    session = meet(one, other, always=True)
    times = []
    for _ in range(bench.tries):
        one.ask("close", session)
        invite = one.run("invite", other.peer)
        at, line = invite.wait_line(lambda l: kind(parsed(l)) == "accepted")
        session = parsed(line)["session"]
        times.append((at - invite.began) * 1000)
        invite.wait(10)
    one.stop()
    other.stop()
    yield Figure("invite of a known device → session, p50", median(times), "ms", 10, False,
                 {"p95": round(percentile(times, 95), 1), "runs": len(times), "includes": "start of the command"})
