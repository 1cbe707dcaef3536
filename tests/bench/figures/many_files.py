"""10,000 files of 4 KiB, each verified, next to tar over ssh; what else moves folders is timed too, as detail."""

import filecmp
import os

from figures import Figure, median
from figures.one_file import Hither
from people import Person, meet
from rivals import PEOPLE_USE, TarSsh, at_hand, compete

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
    ways = [Hither(bench, sender, receiver), *at_hand(bench, (TarSsh, *PEOPLE_USE))]
    rows = compete(bench, ways, lambda way: way.tree(source, target), lambda: same(outside, f"{lab.b.root}{target}/many"), target)
    sender.stop()
    receiver.stop()
    seconds = {name: round(median([row[0] for row in many]), 4) for name, many in rows.items()}
    if TarSsh.name in seconds:
        yield Figure("10,000 files: time ÷ tar over ssh", seconds["hither"] / seconds[TarSsh.name], "×", 1.0, False, {"seconds": seconds})
