# SPDX-License-Identifier: MIT
"""lighttpd, a web server, lists a directory for one client after another.

Inputs: a directory of 10 entries, and one of 100. Besides the listing each client asks for a small file and for one
that is not there, all on one connection that is kept open."""

import http.client

from drive import FLAGS, HOST, connect, free_port, recorded
from harness import expect_equal
from source import run

PACKAGE = "lighttpd"
VARIABLE = "TENURE_AUDIT_LIGHTTPD"
INPUTS = {"10": 10, "100": 100}
CLIENTS = 50
ROUNDS = 4  # on each connection

CONFIGURATION = """
server.document-root = "{root}"
server.bind = "{host}"
server.port = {port}
server.errorlog = "{work}/error.log"
server.modules = ("mod_dirlisting", "mod_accesslog")
accesslog.filename = "{work}/access.log"
dir-listing.activate = "enable"
mimetype.assign = (".txt" => "text/plain", ".html" => "text/html")
"""


def build(_world, folder):
    """Everything optional is left out; modules stay libraries of their own, as in the package."""
    if not (folder / "Makefile").exists():
        without = ("--without-pcre2", "--without-zlib", "--without-bzip2", "--without-brotli", "--without-zstd")
        run(["./configure", *without, "--disable-ipv6", f"CFLAGS={FLAGS}"], folder)
    run(["make", "-j2"], folder)
    return folder / "src"


def make_directory(root, count):
    """A file to ask for, and a directory of `count` entries, a fifth of them directories, with names of many lengths."""
    listed = root / "listed"
    listed.mkdir(parents=True)
    (root / "small.txt").write_text("a small file\n" * 20)
    for i in range(count):
        name = f"entry-{i:03}-" + "x" * (i % 37)
        if i % 5 == 0:
            (listed / name).mkdir()
        else:
            (listed / f"{name}.txt").write_text("x" * i)


def ask(connection, path, status):
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read().decode()
    expect_equal(answer.status, status, f"status of {path}")
    return text


def visit(port, count):
    """One client: some rounds of requests on one connection."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    for _ in range(ROUNDS):
        expect_equal(ask(connection, "/listed/", 200).count("entry-") // 2, count, "entries listed")
        ask(connection, "/small.txt", 200)
        ask(connection, "/missing.txt", 404)
    connection.close()


def record(world, built, log, kind):
    port = free_port()
    root = world.work / "root"
    make_directory(root, INPUTS[kind])
    configuration = world.work / "lighttpd.conf"
    configuration.write_text(CONFIGURATION.format(root=root, host=HOST, port=port, work=world.work))
    command = (built / "lighttpd", "-D", "-f", configuration, "-m", built / ".libs")
    with recorded(world, log, *command) as daemon:
        connect(port).close()
        for _ in range(CLIENTS):
            visit(port, INPUTS[kind])
        daemon.process.terminate()
        daemon.wait_end()
