"""Cold start of the agent to its word `ready`, with a profile that exists."""

from figures import Figure, median, percentile
from people import Person

NAME = "cold-start"
ABOUT = "start of `hither agent` to ready"


def run(bench):
    person = Person(bench, bench.lab.a, "Ana")
    first = person.start()
    person.stop()
    times = []
    for _ in range(bench.tries):
        times.append(person.start() * 1000)
        person.stop()
    detail = {"p95": round(percentile(times, 95), 1), "first_ever": round(first * 1000, 1), "runs": len(times)}
    yield Figure("cold start to ready, p50", median(times), "ms", 50, False, detail)
