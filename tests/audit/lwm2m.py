# SPDX-License-Identifier: MIT
"""The LwM2M client of Eclipse Wakaama against the server of the same source, which is steered over its input.

Inputs: `read`, where the server reads, discovers and observes; and `write`, where it makes, writes, executes and
deletes instances of the client's test object, among them a text of several blocks' length."""

import socket

from drive import FLAGS, HOST, Process, free_port, recorded
from source import run

PACKAGE = None  # Debian has none
VARIABLE = "TENURE_AUDIT_WAKAAMA"
ROUNDS = 40
READS = ("read 0 /3/0", "read 0 /3/0/9", "read 0 /1/0", "read 0 /4/0", "read 0 /31024/10", "read 0 /6/0/0", "disc 0 /3")
WRITES = (
    "create 0 /31024/{instance} [{{\"bn\":\"/31024/{instance}/\",\"n\":\"1\",\"v\":20}}]",
    "write 0 /31024/{instance}/5 {text}",
    "read 0 /31024/{instance}",
    "exec 0 /31024/{instance}/2 1",
    "attr 0 /31024/{instance}/1 5 50 1",
    "update 0 /1/0 [{{\"bn\":\"/1/0/\",\"n\":\"1\",\"v\":300}}]",
    "del 0 /31024/{instance}",
)
INPUTS = {"read": READS, "write": WRITES}

COMMON = ("core/*.c", "data/*.c", "coap/*.c", "coap/er-coap-13/*.c", "transport/udp/*.c", "examples/shared/*.c")
INCLUDES = ("include", "core", "coap", "transport/udp/include", "examples/shared", "examples/client/common")
DEFINES = (
    "_GNU_SOURCE", "LWM2M_LITTLE_ENDIAN", "LWM2M_SUPPORT_TLV", "LWM2M_SUPPORT_JSON", "LWM2M_SUPPORT_SENML_JSON",
    "LWM2M_OLD_CONTENT_FORMAT_SUPPORT", "LWM2M_COAP_DEFAULT_BLOCK_SIZE=1024", "LWM2M_COAP_MAX_MESSAGE_SIZE=2048",
    "LWM2M_COAP_DEFAULT_MAX_RETRANSMIT=4", "LWM2M_COAP_SEPARATE_TIMEOUT=15", "LWM2M_LOG_LEVEL=LWM2M_LOG_DISABLED",
)


def compile_one(folder, name, mode, own):
    """Client or server, straight from the sources: the project's CMake files ask for a submodule that is not used."""
    files = sorted(path for pattern in (*COMMON, own) for path in folder.glob(pattern))
    defines = [f"-D{define}" for define in (*DEFINES, mode)]
    includes = [f"-I{folder / include}" for include in INCLUDES]
    run(["cc", *FLAGS.split(), "-std=gnu11", *defines, *includes, *files, "-o", folder / name, "-lm"], folder)
    return folder / name


def build(_world, folder):
    client = compile_one(folder, "audit-client", "LWM2M_CLIENT_MODE", "examples/client/common/*.c")
    server = compile_one(folder, "audit-server", "LWM2M_SERVER_MODE", "examples/server/lwm2mserver.c")
    return client, server


def ask(server, command, answers):
    """One command, whose answer or failure the server tells in a line about the client."""
    before = server.text().count(answers)
    server.say(command)
    server.wait_text(answers, before + 1)


def drive(server, kind):
    server.wait_text("New client #0 registered.")
    if kind == "read":
        ask(server, "observe 0 /3/0/9", "Notify from client #0 /")
    for i in range(ROUNDS):
        for command in INPUTS[kind]:
            long_text = "t" * (1 + i * 61 % 900)
            ask(server, command.format(instance=20 + i % 3, text=long_text), "\nClient #0 /")


def record(world, built, log, kind):
    client, server = built
    server_port, client_port = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    command = (client, "-4", "-h", HOST, "-p", server_port, "-l", client_port, "-n", "audit", "-t", 300)
    with Process(world, "server", server, "-4", "-l", server_port) as listening:
        listening.wait_text(">")
        with recorded(world, log, *command) as daemon:
            drive(listening, kind)
            daemon.say("quit")
            daemon.wait_end()
            listening.wait_text("Client #0 unregistered.")
        listening.say("q")
        listening.wait_end()
