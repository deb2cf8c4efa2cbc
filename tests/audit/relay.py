# SPDX-License-Identifier: MIT
"""A relay between a client and a server that can stop taking what the server sends: to the server it looks like a
client that is stopped, but with small socket buffers, so that the server soon cannot write any more."""

import selectors
import socket
import threading

from drive import HOST
from harness import PATIENCE_S

RECEIVE_BYTES = 1 << 15
PART_BYTES = 1 << 14


class Relay:
    """Passes one connection on to a server's port, in a thread of its own, until one side closes."""

    def __init__(self, server_port):
        self.listening = socket.create_server((HOST, 0))
        self.listening.settimeout(PATIENCE_S)
        self.port = self.listening.getsockname()[1]
        self.server_port = server_port
        self.passed_bytes = 0  # from the server to the client; written by the thread
        self.may_pass = threading.Event()
        self.may_pass.set()
        self.thread = threading.Thread(target=self.pass_on, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.may_pass.set()
        self.listening.close()
        self.thread.join(timeout=PATIENCE_S)

    def pass_on(self):
        client, _ = self.listening.accept()
        with client, socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            server.connect((HOST, self.server_port))
            with selectors.DefaultSelector() as ready:
                ready.register(client, selectors.EVENT_READ, server)
                ready.register(server, selectors.EVENT_READ, client)
                while all(self.pass_part(key.fileobj, key.data, server) for key, _ in ready.select(PATIENCE_S)):
                    self.may_pass.wait(PATIENCE_S)

    def pass_part(self, source, target, server):
        """One part of what waits; False at the end of a side's data."""
        part = source.recv(PART_BYTES)
        target.sendall(part)
        if source is server:
            self.passed_bytes += len(part)
        return len(part) > 0
