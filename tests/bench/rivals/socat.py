"""socat with mutual TLS 1.3 in blocks of 256 KiB, nothing hashed. Certificates are made on the fly and thrown away."""

import os
import subprocess
import time

from lab import BenchError, Proc
from rivals.rival import Rival, await_port


class Socat(Rival):
    name, tools, port, block = "socat mutual TLS", ("socat", "openssl"), 7001, 262144

    def __init__(self, bench):
        self.bench, self.dir = bench, os.path.join(bench.tmp, "tls")
        os.makedirs(self.dir)
        run = lambda *words: subprocess.run(["openssl", *words], cwd=self.dir, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        run("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=bench")
        for end in ("a", "b"):
            run("req", *curve, "-keyout", f"{end}.key", "-out", f"{end}.csr", "-subj", f"/CN={end}")
            run("x509", "-req", "-in", f"{end}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", f"{end}.pem")

    def tls(self, end):
        return f"cert={self.dir}/{end}.pem,key={self.dir}/{end}.key,cafile={self.dir}/ca.pem,verify=1,openssl-min-proto-version=TLS1.3"

    def words(self):
        a, b = self.bench.lab.a, self.bench.lab.b
        send = f"socat -u -b {self.block} STDIN OPENSSL:{b.address}:{self.port},{self.tls('a')},commonname=b"
        take = f"socat -u -b {self.block} OPENSSL-LISTEN:{self.port},reuseaddr,{self.tls('b')} STDOUT"
        return a, b, send, take

    def pipe(self, sending, taking):
        a, b, send, take = self.words()
        await_port(b, self.port, False)
        receiver = Proc(b, ["sh", "-c", taking(take)], log=self.bench.log)
        await_port(b, self.port)
        began = time.monotonic()
        sender = Proc(a, ["sh", "-c", sending(send)], log=self.bench.log)
        sent, received = sender.wait(), receiver.wait()
        seconds = time.monotonic() - began
        if sent[0] or received[0]:
            raise BenchError(f"{self.name} ended with {sent[0]} and {received[0]}")
        return seconds, sent[1] + received[1]

    def file(self, source, target):
        return self.pipe(lambda s: f"exec {s} <{source}", lambda t: f"exec {t} >{target}/{os.path.basename(source)}")
