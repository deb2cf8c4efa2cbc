# SPDX-License-Identifier: MIT
"""dropbear, an SSH server, with clients of the same source that run commands through it.

Inputs: `fast`, with short commands, a transfer in each direction and a forwarded port; and `stopped`, where a client
that downloads takes nothing for a second, so that the server's socket fills and it has to keep what it would send."""

import pathlib
import random
import time

from drive import FLAGS, HOST, Process, connect, free_port, recorded
from harness import expect_equal, wait_until
from relay import Relay
from source import run

PACKAGE = "dropbear"
VARIABLE = "TENURE_AUDIT_DROPBEAR"
INPUTS = {"fast": 1 << 20, "stopped": 16 << 20}  # bytes that are downloaded
COMMANDS = 5
STOPPED_S = 1  # nothing is decided by it: the server's buffers are full after some milliseconds
WINDOW_BYTES = 10 << 20  # the largest that dropbear takes: the socket is to be what stops the server

PARTS = ("dropbear", "dbclient", "dropbearkey")
LOGIN_RECORDS = ("lastlog", "utmp", "utmpx", "wtmp", "wtmpx", "loginfunc", "pututline", "pututxline")
HOME_C = pathlib.Path(__file__).resolve().parent / "dropbear_home.c"


def build(_world, folder):
    """Server, client and key maker. The user's home is where TENURE_AUDIT_HOME says (dropbear_home.c), and nothing
    is written into the machine's records of logins."""
    if not (folder / "Makefile").exists():
        without = [f"--disable-{part}" for part in LOGIN_RECORDS]
        run(["./configure", "--enable-bundled-libtom", *without, f"CFLAGS={FLAGS}"], folder)
    home = folder / "audit-home.o"
    run(["cc", *FLAGS.split(), "-c", HOME_C, "-o", home], folder)
    linking = f"LDFLAGS=-Wl,--wrap=getpwnam {home}"
    run(["make", "-j2", linking, f"PROGRAMS={' '.join(PARTS)}"], folder)
    return folder


def make_home(world, built):
    """A home folder with a key that may log in, and the server's own key; gives both keys' paths."""
    home = world.work / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    keys = home / "client.key", home / "server.key"
    for key in keys:
        made = world.run(built / "dropbearkey", "-t", "ed25519", "-f", key)
        expect_equal(made.status, 0, "status of dropbearkey")
    shown = world.run(built / "dropbearkey", "-y", "-f", keys[0]).out.decode().splitlines()
    allowed = home / ".ssh/authorized_keys"
    allowed.write_text("".join(f"{line}\n" for line in shown if line.startswith("ssh-")))
    allowed.chmod(0o600)
    return keys


class Clients:
    """Makes clients of one server."""

    def __init__(self, world, built, port, key):
        self.world, self.environment = world, {"HOME": world.work / "home"}
        self.port = port
        self.start = (built / "dbclient", "-y", "-y", "-i", key, "-W", WINDOW_BYTES)

    def run(self, command, stdin=b""):
        """Run a command through the server: its output."""
        done = self.world.run(*self.start, "-p", self.port, HOST, command, stdin=stdin, **self.environment)
        expect_equal(done.status, 0, f"status of {command}: {done.err.decode(errors='replace')}")
        return done.out

    def process(self, name, *arguments):
        return Process(self.world, name, *self.start, *arguments, **self.environment)


def forward(clients, port):
    """Take the server's greeting through a forwarded port."""
    local = free_port()
    with clients.process("forward", "-p", port, "-N", "-L", f"{HOST}:{local}:{HOST}:{port}", HOST):
        for _ in range(3):
            with connect(local) as through:
                expect_equal(through.recv(4), b"SSH-", "what came through the forwarded port")


def download_stopped(clients, relay, data, size):
    """Download through a relay that takes nothing for a while, when an eighth of the data has come."""
    with relay, clients.process("download", "-p", relay.port, HOST, f"cat {data}") as client:
        wait_until(lambda: relay.passed_bytes > size // 8, "too little is downloaded")
        relay.may_pass.clear()
        time.sleep(STOPPED_S)
        relay.may_pass.set()
        client.wait_end()
        expect_equal(client.path.stat().st_size, size, "bytes downloaded")


def drive(world, clients, port, kind):
    size = INPUTS[kind]
    data = world.work / "data"
    data.write_bytes(random.Random(size).randbytes(size))  # nothing that compression makes small
    for i in range(COMMANDS):
        expect_equal(clients.run(f"echo {i}"), f"{i}\n".encode(), "output of echo")
    if kind == "stopped":
        download_stopped(clients, Relay(port), data, size)
        return
    expect_equal(len(clients.run(f"cat {data}")), size, "bytes downloaded")
    expect_equal(clients.run("wc -c", stdin=data.read_bytes()).split(), [str(size).encode()], "bytes uploaded")
    forward(clients, port)


def record(world, built, log, kind):
    port = free_port()
    client_key, server_key = make_home(world, built)
    command = (built / "dropbear", "-F", "-E", "-p", f"{HOST}:{port}", "-r", server_key, "-P", world.work / "pid")
    with recorded(world, log, *command, TENURE_AUDIT_HOME=world.work / "home") as daemon:
        connect(port).close()
        drive(world, Clients(world, built, port, client_key), port, kind)
        daemon.process.terminate()
        daemon.wait_end(status=1)  # dropbear's own way to end by SIGTERM
