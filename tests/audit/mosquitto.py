# SPDX-License-Identifier: MIT
"""mosquitto, a broker of MQTT messages, with three publishers and two subscribers that speak MQTT 3.1.1 from here.

Inputs: `fast`, where both subscribers take each message before the next is published; and `slow`, where one of them
stops reading for the second half of the messages and takes all that waited at the end. Messages are larger than
usual in `slow`, so that the socket's buffers fill and the broker has to keep packets."""

import socket
import struct

from drive import FLAGS, HOST, connect, free_port, recorded
from harness import PATIENCE_S, expect, expect_equal
from source import run

PACKAGE = "mosquitto"
VARIABLE = "TENURE_AUDIT_MOSQUITTO"
INPUTS = {"fast": 40, "slow": 16000}  # the largest payload, bytes
MESSAGES = 2000
RETAINED = 40
RECEIVE_BYTES = 1 << 15  # of the slow subscriber's socket

CONNACK, PUBLISH, PUBACK, SUBACK = 0x20, 0x30, 0x40, 0x90


def build(_world, folder):
    """The broker alone, without TLS and what needs further libraries."""
    without = [f"WITH_{part}=no" for part in ("TLS", "CJSON", "SYSTEMD", "DOCS", "STRIP")]
    include = "-I. -I.. -I../include -I../lib -I../deps"
    run(["make", "-j2", *without, f"CFLAGS={FLAGS} {include}", "mosquitto"], folder / "src")
    return folder / "src/mosquitto"


def text(value):
    return struct.pack("!H", len(value)) + value.encode()


def packet(kind, body):
    """A control packet: kind and flags, the length in groups of seven bits, the body."""
    length, left = b"", len(body)
    while True:
        left, low = left >> 7, left & 0x7F
        length += bytes([low | 0x80 if left else low])
        if not left:
            return bytes([kind]) + length + body


class Client:
    """One connection to the broker; what it sends and receives is in step with the test."""

    def __init__(self, port, name, receive_bytes=None):
        self.socket = connect(port)
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(PATIENCE_S)
        self.file = self.socket.makefile("rb")
        self.packet_id = 0
        will = text(f"gone/{name}") + text(f"{name} has gone")
        body = text("MQTT") + bytes([4, 0x06]) + struct.pack("!H", 600) + text(name) + will
        self.socket.sendall(packet(0x10, body))
        expect_equal(self.read()[0], CONNACK, "answer to CONNECT")

    def read(self):
        """The next packet: kind with its flags, and body."""
        kind, length, shift = self.file.read(1)[0], 0, 0
        while True:
            part = self.file.read(1)[0]
            length |= (part & 0x7F) << shift
            shift += 7
            if not part & 0x80:
                return kind, self.file.read(length)

    def next_id(self):
        self.packet_id = self.packet_id % 65535 + 1
        return struct.pack("!H", self.packet_id)

    def subscribe(self, topic, qos):
        self.socket.sendall(packet(0x82, self.next_id() + text(topic) + bytes([qos])))
        while self.read()[0] != SUBACK:  # retained messages may come before it
            pass

    def publish(self, topic, payload, is_retained=False):
        """Publish at QoS 1 and wait until the broker has it."""
        self.socket.sendall(packet(PUBLISH | 0x02 | is_retained, text(topic) + self.next_id() + payload))
        expect_equal(self.read()[0], PUBACK, "answer to PUBLISH")

    def take(self):
        """Receive one message, and acknowledge it where its sender asks for that; gives its topic."""
        kind, body = self.read()
        expect_equal(kind & 0xF0, PUBLISH, "kind of what came")
        size = struct.unpack("!H", body[:2])[0]
        if kind & 0x06:
            self.socket.sendall(packet(PUBACK, body[2 + size : 4 + size]))
        return body[2 : 2 + size].decode()

    def leave(self):
        self.socket.sendall(packet(0xE0, b""))
        self.socket.close()


def retain(publisher):
    """Messages that stay with the broker, which later ones replace."""
    for i in range(RETAINED * 2):
        publisher.publish(f"state/room{i % RETAINED}/lamp", b"on" * (1 + i % 7), is_retained=True)


def publish_all(publishers, takers_of, largest):
    """All messages in turn; `takers_of(i)` are the subscribers that take message `i` at once."""
    for i in range(MESSAGES):
        payload = b"m" * (1 + i * 7919 % largest)
        publishers[i % len(publishers)].publish(f"sensor/{i % 11}/value", payload)
        for subscriber in takers_of(i):
            subscriber.take()


def drive(port, kind):
    is_slow = kind == "slow"
    quick = Client(port, "quick")
    other = Client(port, "other", RECEIVE_BYTES if is_slow else None)
    publishers = [Client(port, f"publisher{i}") for i in range(3)]
    retain(publishers[0])
    quick.subscribe("sensor/#", 1)
    other.subscribe("sensor/+/value", 0)
    begin = MESSAGES // 2 if is_slow else MESSAGES
    publish_all(publishers, lambda i: (quick, other) if i < begin else (quick,), INPUTS[kind])
    late = Client(port, "late")
    late.subscribe("state/#", 1)
    waiting = 0
    while is_slow and other.take() != "sensor/end/value":
        waiting += 1
        if waiting == 1:
            publishers[0].publish("sensor/end/value", b"end")
    expect(waiting > 0 or not is_slow, "no message waited for the slow subscriber")
    for client in (late, other, quick, *publishers):
        client.leave()


def record(world, built, log, kind):
    port = free_port()
    configuration = world.work / "mosquitto.conf"
    lines = (f"listener {port} {HOST}", "allow_anonymous true", "log_dest none", "sys_interval 0", "set_tcp_nodelay true")
    configuration.write_text("".join(f"{line}\n" for line in lines))
    with recorded(world, log, built, "-c", configuration) as daemon:
        drive(port, kind)
        daemon.process.terminate()
        daemon.wait_end()
