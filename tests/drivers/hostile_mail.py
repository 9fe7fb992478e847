"""A small IMAP and submission server with TLS, that misbehaves where it is told to. What is sent over submission lies in INBOX
at once, unsigned."""
import contextlib
import re
import socket
import ssl
import subprocess
import threading
import time

HOST = "mx.hostile.test"


def make_certificate(folder, name=HOST):
    """A CA of its own and a certificate by it: paths of the CA, the certificate and its key."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=folder)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=hostile CA")
    openssl("req", "-x509", *curve, "-keyout", "key.pem", "-out", "cert.pem", "-subj", f"/CN={name}", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=CA:FALSE")
    return folder / "ca.pem", folder / "cert.pem", folder / "key.pem"


class Cut(Exception):
    """The connection ends here."""


class Hostile:
    """`faults`: {stage: what is done there in place of the answer}; stages are "imap greeting", "smtp ehlo", "imap fetch"... A fault
    is bytes to send, or a function of the connection. `said`: stages that were reached. `where`: the folder that mail arrives in."""

    def __init__(self, folder):
        self.ca, cert, key = make_certificate(folder)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.next_uid = 1
        self.begin()
        self.lock = threading.Lock()  # of the inbox
        self.listeners, self.threads = [], []
        self.imap = self._listen(Imap)
        self.submission = self._listen(Smtp)

    def _listen(self, kind):
        listener = socket.create_server(("127.0.0.1", 0))
        self.listeners.append(listener)
        self.threads.append(threading.Thread(target=self._accept, args=(listener, kind), daemon=True))
        self.threads[-1].start()
        return listener.getsockname()[1]

    def _accept(self, listener, kind):
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain, kind), daemon=True).start()

    def _serve(self, plain, kind):
        faults, said = self.faults, self.said
        with contextlib.suppress(OSError, Cut), plain:
            fault = faults.get(f"{kind.name} connect")
            if fault:
                said.append(f"{kind.name} connect")
                fault(plain) if callable(fault) else plain.sendall(fault)
                return
            with self.context.wrap_socket(plain, server_side=True) as one:
                kind(self, one).talk()

    def begin(self, **faults):
        self.faults, self.said, self.inbox, self.where = faults, [], {}, "INBOX"

    def stop(self):
        for listener, thread in zip(self.listeners, self.threads):
            listener.shutdown(socket.SHUT_RDWR)  # ends accept(); closed first, its number could be the next one's socket
            thread.join(60)
            listener.close()


class Talk:
    """Belongs to what began before it: however late it ends, it says nothing to the next."""

    def __init__(self, server, one):
        self.server, self.socket, self.file = server, one, one.makefile("rb")
        self.faults, self.said, self.inbox = server.faults, server.said, server.inbox

    def answer(self, stage, good):
        """What GOOD() says, or the fault in its place; whether it was GOOD."""
        stage = f"{self.name} {stage}"
        self.said.append(stage)
        fault = self.faults.get(stage)
        if callable(fault):
            fault(self.socket)
        else:
            self.socket.sendall(good().encode() if fault is None else fault.replace(b"TAG", self.tag))
        return fault is None

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise Cut
        return line[:-2].decode("latin-1")


class Imap(Talk):
    name, tag = "imap", b"*"

    def talk(self):
        self.answer("greeting", lambda: "* OK here\r\n")
        while True:
            tag, command = self.line().split(" ", 1)
            self.tag, words = tag.encode(), command.split()
            verb = words[0].lower() if words[0] != "UID" else words[1].lower()
            if verb == "search" and "SAVE" in command:
                verb = "save"
            if verb == "authenticate":
                self.server.credentials = words[2]
            self.answer(verb, lambda: getattr(self, verb, self.ok)(tag, words))
            if verb == "logout":
                raise Cut

    def ok(self, tag, words):
        return f"{tag} OK done\r\n"

    def logout(self, tag, words):
        return f"* BYE then\r\n{tag} OK done\r\n"

    def capability(self, tag, words):
        return f"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN UIDPLUS SEARCHRES\r\n{tag} OK done\r\n"

    def authenticate(self, tag, words):
        return f"{tag} OK logged in\r\n"

    def select(self, tag, words):
        self.folder, uid = words[1], self.server.next_uid
        return f"* {len(self.inbox)} EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n* OK [UIDNEXT {uid}] next\r\n{tag} OK selected\r\n"

    def search(self, tag, words):
        found = [str(uid) for uid, message in self.messages() if words[-1].encode() in message and self.folder == self.server.where]
        return f"* SEARCH {' '.join(found)}\r\n{tag} OK done\r\n"

    def messages(self):
        with self.server.lock:  # others come and go
            return list(self.inbox.items())

    def save(self, tag, words):
        token = re.search(r"Check ([0-9a-f]{32})", " ".join(words)).group(1)
        self.saved = [uid for uid, message in self.messages() if token.encode() in message]
        return f"* ESEARCH (TAG \"{tag}\") UID\r\n{tag} OK done\r\n"

    def fetch(self, tag, words):
        message = self.inbox[int(words[2])].decode("latin-1")
        return f"* 1 FETCH (UID {words[2]} BODY[] {{{len(message)}}}\r\n{message})\r\n{tag} OK done\r\n"

    def expunge(self, tag, words):
        for uid in self.saved:
            with self.server.lock:
                del self.inbox[uid]
        return f"{tag} OK done\r\n"


class Smtp(Talk):
    name, tag = "smtp", b""
    GOOD = {"ehlo": "250-here\r\n250-SIZE 1000000\r\n250 AUTH PLAIN\r\n", "auth": "235 2.7.0 welcome\r\n", "data": "354 go on\r\n"}

    def talk(self):
        self.answer("greeting", lambda: "220 here\r\n")
        while True:
            verb = self.line().split(" ")[0].lower()
            if self.answer(verb, lambda: self.GOOD.get(verb, "250 2.0.0 well\r\n")) and verb == "data":
                self.take()
            if verb == "quit":
                raise Cut

    def take(self):
        lines = []
        while (line := self.file.readline()) != b".\r\n":
            if not line:
                raise Cut
            lines.append(line)
        with self.server.lock:
            self.inbox[self.server.next_uid] = b"".join(lines)
            self.server.next_uid += 1
        self.answer("body", lambda: "250 2.0.0 taken\r\n")


# ---- faults ----

def silence(one):
    """Nothing more, until the other side goes."""
    while one.recv(4096):
        pass


def cut(one):
    raise Cut


def cut_within(one):
    one.sendall(b"* OK half of a li")
    raise Cut


def flood(piece):
    """Never stops talking, while somebody listens."""
    def fault(one):
        block, until = piece * (1 + 65536 // len(piece)), time.monotonic() + 60
        while time.monotonic() < until:
            one.sendall(block)
    return fault
