"""The window: its start, its memory, its frames, the JavaScript it ships. The measuring is done by `window-figures`
(tests/src/bin/window_figures.rs), which drives the real app on a virtual display."""

import glob
import gzip
import json
import os
import subprocess

from figures import Figure
from lab import BenchError

NAME = "window"
ABOUT = "the window's start, memory, frames and size"


def shipped():
    """KiB of all JavaScript of the built page, each file gzipped as a server would."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    files = glob.glob(os.path.join(root, "ui", "dist", "assets", "*.js"))
    if not files:
        raise BenchError("ui/dist is not built: npm run build")
    sizes = {}
    for file in files:
        with open(file, "rb") as code:
            sizes[os.path.basename(file)] = len(gzip.compress(code.read(), 9)) / 1024
    return sum(sizes.values()), {"files": len(sizes)}


def run(bench):
    size, detail = shipped()
    yield Figure("window: JavaScript shipped, gzipped", size, "KiB", 250, False, detail)
    beside = os.path.dirname(bench.program)
    words = [os.path.join(beside, "window-figures")] + (["--quick"] if bench.rounds == 2 else [])
    env = os.environ | {"HITHER_BIN": bench.program, "HITHER_APP_BIN": os.path.join(beside, "hither-app"),
                        "HITHER_EMPTY_BIN": os.path.join(beside, "empty-window")}
    with open(bench.log, "ab") as log:
        done = subprocess.run(words, env=env, stdout=subprocess.PIPE, stderr=log, text=True, timeout=900)
    for line in done.stdout.splitlines():
        row = json.loads(line)
        yield Figure(row["figure"], row["value"], row["unit"], row["goal"], False, row["detail"])
    if done.returncode != 0:
        raise BenchError(f"window-figures ended with status {done.returncode}")
