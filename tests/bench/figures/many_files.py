"""10,000 files of 4 KiB, each verified, next to tar over ssh."""

import filecmp
import os
import shutil

from figures import Figure, median
from figures.one_file import Hither
from lab import BenchError
from people import Person, meet
from rivals import TarSsh, found

NAME = "many-files"
ABOUT = "10,000 files of 4 KiB: time against tar over ssh"


def same(one, other):
    for base, folders, files in os.walk(one):
        beside = os.path.join(other, os.path.relpath(base, one))
        if sorted(os.listdir(base)) != sorted(os.listdir(beside)):
            return False
        if filecmp.cmpfiles(base, beside, files, shallow=False)[1:] != ([], []):
            return False
    return True


def run(bench):
    lab, source, target = bench.lab, "/run/bench/many", "/run/bench/in"
    outside = f"{lab.a.root}{source}"
    for folder in range(100):
        os.makedirs(f"{outside}/d{folder:02}")
        for number in range(100):
            with open(f"{outside}/d{folder:02}/f{number:02}", "wb") as out:
                out.write(os.urandom(4096))
    sender, receiver = Person(bench, lab.a, "Ana"), Person(bench, lab.b, "Ben")
    sender.start()
    receiver.start()
    meet(sender, receiver)
    ways = [Hither(bench, sender, receiver)] + [rival(bench) for rival in (TarSsh,) if found(*rival.tools)]
    seconds = {way.name: [] for way in ways}
    for number in range(bench.rounds):
        for way in ways if number % 2 else ways[::-1]:
            shutil.rmtree(f"{lab.b.root}{target}", ignore_errors=True)
            os.makedirs(f"{lab.b.root}{target}")
            row = way.tree(source, target)
            if not same(outside, f"{lab.b.root}{target}/many"):
                raise BenchError(f"{way.name} did not deliver what was sent")
            seconds[way.name].append(row[0])
            bench.say(f"  round {number + 1}: {way.name:18} {row[0]:6.3f} s")
    sender.stop()
    receiver.stop()
    middle = {name: round(median(many), 4) for name, many in seconds.items()}
    if TarSsh.name in middle:
        yield Figure("10,000 files: time ÷ tar over ssh", middle["hither"] / middle[TarSsh.name], "×", 1.0, False, {"seconds": middle})
