"""What hither is compared with, on the same cable: one module for each family of rivals.

All of them run inside the lab's two hosts, which reach each other and nothing else.
"""

import os
import shutil
import subprocess

from lab import BenchError
from rivals.rival import Rival
from rivals.sendme import Sendme
from rivals.socat import Socat
from rivals.ssh import Rsync, Scp, TarSsh
from rivals.syncthing import Syncthing
from rivals.wormhole import Wormhole

# Those that scripts and people send files with, as against the bare pipe that socat is.
PEOPLE_USE = (Scp, Rsync, Syncthing, Wormhole, Sendme)


def at_hand(bench, kinds):
    """Those that can run here. The others are left out, and the table says so."""
    found = []
    for kind in kinds:
        reason = kind.missing()
        if reason:
            bench.leave_out(kind.name, reason)
        else:
            found.append(kind(bench))
    return found


def compete(bench, ways, deliver, arrived, target):
    """Lets every way do the same job, in turn, each round beginning with another: {name: [(seconds, …), …]}.

    `deliver(way)` does it, `arrived()` compares what came. A rival that fails is left out, with all it did; hither, the
    first, must not fail.
    """
    running, rows, inbox = list(ways), {way.name: [] for way in ways}, f"{bench.lab.b.root}{target}"
    for number in range(bench.rounds):
        turn = number % len(running)
        for way in running[turn:] + running[:turn]:
            shutil.rmtree(inbox, ignore_errors=True)
            os.makedirs(inbox)
            try:
                row = deliver(way)
                if not arrived():
                    raise BenchError(f"{way.name} did not deliver what was sent")
            except (BenchError, OSError, subprocess.SubprocessError) as why:
                if not isinstance(way, Rival):
                    raise
                bench.leave_out(way.name, f"it failed: {why}", failed=True)
                running.remove(way)
                del rows[way.name]
                continue
            rows[way.name].append(row)
            bench.say(f"  round {number + 1}: {way.name:18} {row[0]:7.3f} s  {row[1]:6.2f} CPU s")
    return rows
