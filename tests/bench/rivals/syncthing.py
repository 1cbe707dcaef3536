"""Syncthing: two throw-away homes that know each other's address, one folder between them.

It looks for nobody and asks nobody: no discovery, relays, NAT helpers, upgrades, usage or crash reports; its REST
interface is on the host's loopback. It runs at normal priority, not at the low one it gives itself: else whatever else
the machine does would be held against it. Every transfer begins with an empty database and a standing connection. The clock
runs from the word that the folder has something new (its own watcher would wait 10 s) until the last file has its name.
"""

import copy
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

from lab import BenchError, Proc
from rivals.rival import Rival, await_true, family_cpu

HOME, OUTBOX, FOLDER, PORT, REST = "/run/bench/syncthing", "/run/bench/syncthing-out", "bench", 22000, "127.0.0.1:8384"

QUIET = {"globalAnnounceEnabled": "false", "localAnnounceEnabled": "false", "relaysEnabled": "false", "natEnabled": "false",
         "urAccepted": "-1", "autoUpgradeIntervalH": "0", "crashReportingEnabled": "false", "stunKeepaliveStartS": "0",
         "announceLANAddresses": "false", "startBrowser": "false", "reconnectionIntervalS": "1", "setLowPriority": "false"}

# Asks the REST interface from inside the host: a line "METHOD path" in, a line of JSON out.
ASKER = """
import json, sys, urllib.request as http
for line in sys.stdin:
    method, path = line.split()
    ask = http.Request(f"http://{sys.argv[1]}/rest/{path}", method=method, headers={"X-API-Key": sys.argv[2]})
    try:
        with http.build_opener(http.ProxyHandler({})).open(ask, timeout=600) as reply:
            said = json.loads(reply.read() or "null")
    except (OSError, ValueError):
        said = None
    print(json.dumps(said), flush=True)
"""


class Node:
    """Syncthing on one host."""

    def __init__(self, bench, host):
        self.bench, self.host, self.root = bench, host, f"{host.root}{HOME}"
        self.env = {"HOME": HOME, "STNOUPGRADE": "1", "STNODEFAULTFOLDER": "1"}
        self.daemon = self.asker = None
        made = Proc(host, ["syncthing", "generate", "--home", HOME], self.env, log=bench.log)
        if made.wait(60)[0]:
            raise BenchError(f"syncthing made no home (see {bench.log})")
        self.device = xml.parse(f"{self.root}/config.xml").getroot().find("device").get("id")

    def configure(self, folder, other):
        """One folder with one other device, and nothing beyond them."""
        tree = xml.parse(f"{self.root}/config.xml")
        config, self.key, self.folder = tree.getroot(), secrets.token_hex(16), folder
        for old in config.findall("folder"):
            config.remove(old)
        me = config.find("device")
        them = copy.deepcopy(me)
        config.append(them)
        for device, node in ((me, self), (them, other)):
            device.set("id", node.device)
            device.find("address").text = f"tcp://{node.host.address}:{PORT}"
        shared = xml.SubElement(config, "folder", id=FOLDER, path=folder, type="sendreceive", rescanIntervalS="3600", fsWatcherEnabled="false")
        for node in (self, other):
            xml.SubElement(shared, "device", id=node.device)
        settings = {"options/listenAddress": f"tcp://{self.host.address}:{PORT}", "gui/address": REST, "gui/apikey": self.key,
                    **{f"options/{name}": value for name, value in QUIET.items()}}
        for path, value in settings.items():
            parent, name = path.split("/")
            found = config.find(path)
            found = xml.SubElement(config.find(parent), name) if found is None else found
            found.text = value
        tree.write(f"{self.root}/config.xml")

    def start(self):
        """Starts it with an empty folder and an empty database."""
        for name in os.listdir(self.root):
            if name not in ("cert.pem", "key.pem", "config.xml"):
                path = f"{self.root}/{name}"
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        shutil.rmtree(f"{self.host.root}{self.folder}", ignore_errors=True)
        os.makedirs(f"{self.host.root}{self.folder}/.stfolder")
        self.daemon = Proc(self.host, ["syncthing", "serve", "--home", HOME, "--no-browser", "--no-restart"], self.env, log=self.bench.log)
        self.asker = Proc(self.host, [sys.executable, "-c", ASKER, REST, self.key], stdin=subprocess.PIPE, log=self.bench.log)

    def order(self, path, method="GET"):
        self.asker.process.stdin.write(f"{method} {path}\n".encode())
        self.asker.process.stdin.flush()

    def ask(self, path):
        """What it answers; None while it does not."""
        said = len(self.asker.lines)
        self.order(path)
        return json.loads(self.asker.wait_line(lambda _: True, 60, said)[1])

    def ready(self, other):
        connections = (self.ask("system/connections") or {}).get("connections", {})
        return connections.get(other.device, {}).get("connected") and (self.ask(f"db/status?folder={FOLDER}") or {}).get("state") == "idle"

    def cpu(self):
        return family_cpu(self.daemon.inner())

    def stop(self):
        """Ends it, however far it came."""
        for proc in (self.asker, self.daemon):
            if proc and not proc.over:
                proc.signal(15)
                proc.wait(30)
        if self.daemon:  # it says on its output what others say on their error output
            with open(self.bench.log, "a") as log:
                log.writelines(f"syncthing, host {self.host.number}: {line}\n" for _, line in self.daemon.lines)
        self.asker = self.daemon = None


class Syncthing(Rival):
    name, tools = "Syncthing", ("syncthing",)

    def __init__(self, bench):
        super().__init__(bench)
        self.nodes = None

    def prepare(self, target):
        if not self.nodes:
            a, b = self.nodes = [Node(self.bench, host) for host in (self.bench.lab.a, self.bench.lab.b)]
            a.configure(OUTBOX, b)
            b.configure(target, a)
        a, b = self.nodes
        for node in self.nodes:
            node.start()
        await_true(lambda: a.ready(b) and b.ready(a), "the two did not connect", 90, 0.1)
        time.sleep(1)  # they have told each other what is in the folder: nothing

    def file(self, source, target):
        try:
            self.prepare(target)
            return self.timed(source, target)
        finally:
            for node in self.nodes or ():
                node.stop()

    def timed(self, source, target):
        a, b = self.nodes
        base = os.path.basename(source)
        awaited = offer(f"{a.host.root}{source}", f"{a.host.root}{OUTBOX}/{base}", f"{b.host.root}{target}/{base}")
        before, began = a.cpu() + b.cpu(), time.monotonic()
        a.order(f"db/scan?folder={FOLDER}", "POST")

        def complete():
            while awaited and os.path.exists(awaited[-1]):
                awaited.pop()
            return not awaited

        await_true(complete, "not everything arrived", 600, 0.005)
        seconds = time.monotonic() - began
        time.sleep(0.3)  # what the receiver still has to note is its cost too
        return seconds, a.cpu() + b.cpu() - before

    tree = file


def offer(source, outbox, inbox):
    """Puts a file or a folder into the outbox without copying it; gives the paths that will be in the inbox."""
    if not os.path.isdir(source):
        os.link(source, outbox)
        return [inbox]
    shutil.copytree(source, outbox, copy_function=os.link)
    return [os.path.join(inbox, os.path.relpath(os.path.join(base, name), source)) for base, _, files in os.walk(source) for name in files]
