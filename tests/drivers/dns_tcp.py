"""Fakes that speak DNS over TCP, a thread a connection."""
import contextlib
import socket
import struct
import threading


def receive(connection):
    size = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))[0]
    return connection.recv(size, socket.MSG_WAITALL)


def send(connection, message):
    connection.sendall(struct.pack("!H", len(message)) + message)


class DnsTcp:
    """Calls talk(connection) for each, which may fail when the connection ends. Starts at once: set up what it needs before."""

    def __init__(self):
        self.stopped = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            connection, _ = self.listener.accept()
            if self.stopped:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, contextlib.suppress(OSError, struct.error):
            self.talk(connection)

    def stop(self):
        self.stopped = True
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.thread.join(10)
        self.listener.close()
