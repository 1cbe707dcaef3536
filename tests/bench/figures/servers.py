"""Streams to servers: next to openssl, as a WebSocket's stream, and where the first address family is dead."""

import json
import os
import subprocess
import time

from figures import Figure, median
from lab import BenchError, Proc
from people import PROGRAM, Person

NAME = "servers"
ABOUT = "streams to servers: 1 GiB from nginx next to openssl, WebSocket next to TLS, a dead first family"

CERTIFICATE = """
cd /run/bench
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out ca.pem -days 2 -subj /CN=server.test \
    -addext subjectAltName=DNS:server.test 2>/dev/null
chmod 755 . ; mkdir -p tmp
"""

NGINX = """daemon off; master_process off; pid /run/bench/nginx.pid; error_log /run/bench/error.log; events {}
http { access_log off; sendfile on;
client_body_temp_path /run/bench/tmp/a; proxy_temp_path /run/bench/tmp/b; fastcgi_temp_path /run/bench/tmp/c;
uwsgi_temp_path /run/bench/tmp/d; scgi_temp_path /run/bench/tmp/e;
server { listen 10.77.0.2:8443 ssl; ssl_protocols TLSv1.3; ssl_certificate /run/bench/ca.pem;
ssl_certificate_key /run/bench/key.pem; root /run/bench/files; } }
"""

HELLO = """
import socket
server = socket.create_server(("::", 4000), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    call, _ = server.accept(); call.sendall(b"hello\\n"); call.close()
"""

REQUEST = b"GET /big HTTP/1.0\r\nHost: server.test\r\n\r\n"
DEAD = ("nft add table ip6 dead; nft 'add chain ip6 dead in { type filter hook input priority 0; }'; "
        "nft add rule ip6 dead in tcp dport 4000 drop")


def fetch(bench, person, words, size):
    """Seconds until a command has the whole file; its input stays open so that nobody ends early."""
    host = person.host
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **person.env}
    began = time.monotonic()
    with open(bench.log, "ab") as log:
        process = subprocess.Popen(host.argv(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=env)
        process.stdin.write(REQUEST)
        process.stdin.flush()
        got, buffer = 0, bytearray(1 << 20)
        while count := process.stdout.readinto(buffer):
            got += count
            # The server ends after the file; openssl's own end is not waited for.
            if got >= size:
                break
        took = time.monotonic() - began
        process.stdin.close()
        process.stdout.close()
        process.kill()
        process.wait()
    if got < size:
        raise BenchError(f"{' '.join(words)} brought {got} of {size} bytes")
    return took


def beside_openssl(bench, person):
    a, b = bench.lab.a, bench.lab.b
    size = bench.mebibytes << 20
    b.sh(CERTIFICATE + "mkdir -p files")
    with open(f"{b.work}/files/big", "wb") as out:
        out.truncate(size)
    with open(f"{b.work}/nginx.conf", "w") as out:
        out.write(NGINX)
    with open(f"{b.work}/ca.pem") as ca, open(f"{a.work}/ca.pem", "w") as copy:
        copy.write(ca.read())
    Proc(b, ["nginx", "-c", "/run/bench/nginx.conf", "-p", "/run/bench", "-e", "/run/bench/error.log"], log=bench.log)
    a.sh("for n in $(seq 100); do nc -z 10.77.0.2 8443 2>/dev/null && exit; "
         "python3 -c 'import socket; socket.create_connection((\"10.77.0.2\", 8443))' 2>/dev/null && exit; sleep 0.1; done; exit 1")
    hither = [PROGRAM, "connect", "server.test", "8443", "--ca", "/run/bench/ca.pem", "--level", "tls13", "--proxy", "none"]
    openssl = ["openssl", "s_client", "-quiet", "-connect", "server.test:8443", "-CAfile", "/run/bench/ca.pem",
               "-verify_return_error", "-servername", "server.test", "-tls1_3"]
    ours, theirs = [], []
    for _ in range(bench.rounds):
        theirs.append(fetch(bench, person, openssl, size))
        ours.append(fetch(bench, person, hither, size))
    more = (median(ours) / median(theirs) - 1) * 100
    detail = {"hither_s": round(median(ours), 3), "openssl_s": round(median(theirs), 3), "mebibytes": bench.mebibytes}
    return Figure("connect, wall time above openssl's", more, "%", 5, False, detail)


def websocket(bench):
    program = os.path.join(os.path.dirname(bench.program), "examples", "stream_ratio")
    if not os.path.exists(program):
        raise BenchError(f"{program} is not built: script/bench builds it")
    mebibytes = str(min(bench.mebibytes, 1024))
    out = subprocess.run([program, mebibytes, str(bench.rounds)], check=True, capture_output=True, text=True, timeout=600)
    found = json.loads(out.stdout)
    return Figure("WebSocket stream by TLS stream", found["ratio"], "", 0.7, True, found)


def dead_family(bench, person):
    a, b = bench.lab.a, bench.lab.b
    server = Proc(b, ["/usr/bin/python3", "-c", HELLO], log=bench.log)
    server.wait_line(lambda line: line == "ready")

    def times():
        found = []
        for _ in range(bench.tries):
            run = person.run("connect", "twin.test", "4000", "--level", "plain", "--proxy", "none")
            at, _ = run.wait_line(lambda line: line == "hello")
            found.append((at - run.began) * 1000)
            run.wait(20)
        return median(found)

    alive = times()
    b.sh(DEAD)
    dead = times()
    detail = {"both_alive_ms": round(alive, 1)}
    return Figure("connect, first address family dead", dead, "ms", 300, False, detail)


def run(bench):
    a = bench.lab.a
    a.sh("printf '127.0.0.1 localhost\\n10.77.0.2 server.test\\nfd77::2 twin.test\\n10.77.0.2 twin.test\\n' >/run/hosts; "
         "mount --bind /run/hosts /etc/hosts")
    person = Person(bench, a, "Ana")
    person.start("--no-mdns")
    yield beside_openssl(bench, person)
    yield dead_family(bench, person)
    person.stop()
    yield websocket(bench)
