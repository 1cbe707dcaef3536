"""What hither is compared with, on the same cable: socat with mutual TLS 1.3, scp, rsync, tar over ssh.

Certificates and keys are made on the fly and thrown away. Each rival's `file` or `tree` gives (seconds, CPU seconds of
both ends); the receiver is waiting before the clock starts.
"""

import os
import shutil
import subprocess
import time

from lab import BenchError, Proc


def found(*tools):
    return all(shutil.which(tool) for tool in tools)


def listening(host, port):
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{host.pid}/net/{table}") as lines:
            for line in lines.read().splitlines()[1:]:
                words = line.split()
                if words[1].endswith(f":{port:04X}") and words[3] == "0A":
                    return True
    return False


def await_port(host, port, open_=True, seconds=10):
    end = time.monotonic() + seconds
    while listening(host, port) != open_:
        if time.monotonic() > end:
            raise BenchError(f"port {port} did not {'open' if open_ else 'close'}")
        time.sleep(0.002)


class Socat:
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


class Ssh:
    """What all that go over ssh share: a private server on the receiver's host."""

    tools, port, server = ("ssh", "sshd"), 7022, None

    def __init__(self, bench):
        self.bench, self.dir = bench, os.path.join(bench.tmp, "ssh")
        if not os.path.isdir(self.dir):
            os.makedirs(self.dir, mode=0o700)
            for key in ("host", "user"):
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.dir}/{key}"], check=True)
            shutil.copy(f"{self.dir}/user.pub", f"{self.dir}/authorized_keys")
            with open(f"{self.dir}/sshd_config", "w") as config:
                config.write(f"Port {self.port}\nListenAddress {bench.lab.b.address}\nHostKey {self.dir}/host\n"
                             f"AuthorizedKeysFile {self.dir}/authorized_keys\nStrictModes no\nPermitRootLogin yes\n"
                             "PasswordAuthentication no\nUsePAM no\nPidFile none\nSubsystem sftp internal-sftp\n")
            with open(f"{self.dir}/ssh_config", "w") as config:
                config.write(f"Host *\n Port {self.port}\n User root\n IdentityFile {self.dir}/user\n IdentitiesOnly yes\n"
                             " StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n")

    def over_ssh(self, words):
        b = self.bench.lab.b
        await_port(b, self.port, False)
        server = Proc(b, [shutil.which("sshd"), "-D", "-e", "-f", f"{self.dir}/sshd_config"], log=self.bench.log)
        await_port(b, self.port)
        began = time.monotonic()
        sender = Proc(self.bench.lab.a, words, log=self.bench.log)
        code, cpu = sender.wait()
        seconds = time.monotonic() - began
        time.sleep(0.3)  # the server reaps its session, so that its time is counted
        server.signal(15)
        _, cpu_b = server.wait()
        if code:
            raise BenchError(f"{self.name} ended with {code} (see {self.bench.log})")
        return seconds, cpu + cpu_b


class Scp(Ssh):
    name, tools = "scp", ("scp", "sshd")

    def file(self, source, target):
        return self.over_ssh(["scp", "-F", f"{self.dir}/ssh_config", "-q", "-r", source, f"{self.bench.lab.b.address}:{target}/"])

    tree = file


class Rsync(Ssh):
    name, tools = "rsync", ("rsync", "ssh", "sshd")

    def file(self, source, target):
        return self.over_ssh(["rsync", "-a", "-e", f"ssh -F {self.dir}/ssh_config", source, f"{self.bench.lab.b.address}:{target}/"])

    tree = file


class TarSsh(Ssh):
    name, tools = "tar over ssh", ("tar", "ssh", "sshd")

    def tree(self, source, target):
        parent, base = os.path.split(source)
        return self.over_ssh(["sh", "-c", f"tar -C {parent} -cf - {base} | ssh -F {self.dir}/ssh_config {self.bench.lab.b.address} tar -C {target} -xf -"])
