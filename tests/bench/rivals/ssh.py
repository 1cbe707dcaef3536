"""scp, rsync and tar over ssh, default ciphers. Keys are made on the fly and thrown away."""

import os
import shutil
import subprocess
import time

from lab import BenchError, Proc
from rivals.rival import Rival, await_port


class Ssh(Rival):
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
