#!/usr/bin/env python3
"""Measures hither. `script/bench` is the door; docs/performance.md says what is measured and how.

Prints a table, then one JSON line a figure. Python 3 and its standard library only.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from figures import appear, background, cold_start, crowd, invite_known, many_files, one_file, rest, servers, window  # noqa: E402
from lab import BenchError, Lab, raise_limits  # noqa: E402

GROUPS = [one_file, many_files, cold_start, appear, crowd, invite_known, rest, servers, background]
# Measured only when asked for: it needs the window's program built.
APART = [window]


class Bench:
    """What every figure gets: the lab, the program, how often."""

    def __init__(self, args):
        self.program = os.path.abspath(args.program)
        self.rounds, self.tries = (2, 5) if args.quick else (args.rounds, 20)
        self.mebibytes, self.rest_seconds = (256, 20) if args.quick else (1024, 120)
        self.tmp = tempfile.mkdtemp(prefix="hither-bench-")
        self.log = os.path.join(self.tmp, "log")
        self.lab, self.load = None, 0.0
        # Rivals that are not compared with, and why; whether one of them was there and failed.
        self.left_out, self.rival_failed = {}, False

    def settle(self):
        """Lets what was just started come to rest."""
        time.sleep(0.2)

    def leave_out(self, name, reason, failed=False):
        """Notes that a rival is not compared with."""
        self.left_out[name] = reason
        self.rival_failed |= failed
        self.say(f"  left out: {name}: {reason}")

    @staticmethod
    def say(text):
        print(text, file=sys.stderr, flush=True)

    def group(self, module):
        """Runs one group of figures in a fresh lab. What was measured is said at once: a later figure may fail."""
        self.say(f"{module.NAME}: {module.ABOUT}")
        self.load = max(self.load, os.getloadavg()[0])
        self.lab = Lab()
        try:
            figures = []
            for figure in module.run(self):
                figures.append(figure)
                self.say(f"  {figure.figure}: {figure.value:.3g} {figure.unit}")
            return figures
        finally:
            self.lab.close()
            for name in os.listdir(self.tmp):
                if name != "log":
                    shutil.rmtree(os.path.join(self.tmp, name), ignore_errors=True)


def commit():
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    dirty = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True).stdout.strip()
    return (found.stdout.strip() or "unknown") + ("+" if dirty else "")


def main():
    parser = argparse.ArgumentParser(description="Measures hither.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="groups of figures; all if none is named")
    parser.add_argument("--window", action="store_true", help="the figures of the window; without names nothing else")
    parser.add_argument("--list", action="store_true", help="name the groups")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a smaller file: a look, not a measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", default="target/release/hither")
    args = parser.parse_args()
    if args.list:
        for module in GROUPS + APART:
            print(f"{module.NAME:14} {module.ABOUT}")
        return 0
    if args.window and window.NAME not in args.names:
        args.names.append(window.NAME)
    unknown = set(args.names) - {module.NAME for module in GROUPS + APART}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}: try --list")
    raise_limits()
    bench, figures, failed = Bench(args), [], []
    for module in GROUPS + APART:
        if module.NAME in args.names or (not args.names and module in GROUPS):
            try:
                figures += bench.group(module)
            except (BenchError, OSError, subprocess.SubprocessError) as why:
                failed.append(module.NAME)
                bench.say(f"{module.NAME} FAILED: {why}\n(what the programs said: {bench.log})")
    width = max((len(f.figure) for f in figures), default=10)
    print(f"\n{'figure':{width}}  {'value':>10}  {'goal':>10}")
    for f in figures:
        sign = "≥" if f.more_is_better else "≤"
        if f.goal is None:
            print(f"{f.figure:{width}}  {f.value:>7.2f} {f.unit:<3} stated")
            continue
        print(f"{f.figure:{width}}  {f.value:>7.2f} {f.unit:<3} {sign} {f.goal:>4g} {f.unit:<3}  {'met' if f.met else 'MISSED'}")
    for name, reason in bench.left_out.items():
        print(f"left out: {name}: {reason.splitlines()[0]}")
    print()
    now = {"commit": commit(), "machine": f"{os.cpu_count()} cores, Linux {platform.release()}", "quick": args.quick,
           "load": round(max(bench.load, os.getloadavg()[0]), 1)}
    for f in figures:
        row = {"figure": f.figure, "value": round(f.value, 3), "unit": f.unit, "goal": f.goal, "met": f.met, **now, "detail": f.detail}
        print(json.dumps(row, ensure_ascii=False))
    if failed or bench.rival_failed:
        return 1
    shutil.rmtree(bench.tmp, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
