"""A private mail host from the templates of packaging/mailhost: Postfix, Dovecot, the signer, mail-lookup, on free ports of
127.0.0.1, reading mail.db and signer/dkim.db of a folder that dfyd, or a test, keeps.

Runs as root; as an ordinary user in a user namespace, where that user has ranges in /etc/subuid and /etc/subgid.
"""
import contextlib
import os
import pathlib
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import threading

from aiosmtpd.controller import Controller

from servers.packaged import PACKAGING, TEMPLATES, render
from servers.process import Folder, Process, cannot_run, free_ports, listens, wait_until

NEEDED = {"/usr/lib/postfix/sbin/master": "postfix", "/usr/sbin/dovecot": "dovecot-core", "/usr/lib/dovecot/imap": "dovecot-imapd", "/usr/lib/dovecot/lmtp": "dovecot-lmtpd",
          "/usr/lib/dovecot/modules/auth/libdriver_sqlite.so": "dovecot-sqlite", "/usr/sbin/opendkim": "opendkim",
          "/usr/share/doc/lua-sql-sqlite3": "lua-sql-sqlite3"}
QUEUE_FOLDERS = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace")
SIGNERS = ("rsa", "ed25519")
HOST = "mx.dfyd.test"


def _listens_at(path):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as one:
        try:
            one.connect(str(path))
            return True
        except PermissionError:
            return True  # it is there; who may use it is another matter
        except OSError:
            return False


class Rights:
    """What is needed of root to change users and owners: nothing more for root, a user namespace for others."""

    def __init__(self):
        self.enter, self.holder = [], None
        if os.geteuid() == 0 or self._make_namespace():
            return
        cannot_run("a mail host needs root, or a user with ranges in /etc/subuid and /etc/subgid who may make user namespaces (package uidmap)")

    def _make_namespace(self):
        held = ["unshare", "--user", "--map-root-user", "--map-auto", "--setgroups", "allow", "cat"]
        with contextlib.suppress(OSError):
            if subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode != 0:
                return False  # with a map it would hang here
            self.holder = subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.holder.stdin.write(b".")
            self.holder.stdin.flush()
            if self.holder.stdout.read(1) == b".":
                self.enter = ["nsenter", "--user", "--target", str(self.holder.pid)]
                users = [*self.enter, "setpriv", "--reuid=nobody", "--regid=postdrop", "--clear-groups", "true"]
                if subprocess.run(users, capture_output=True).returncode == 0:
                    return True
        self.close()
        return False

    def run(self, *command):
        done = subprocess.run([*self.enter, *map(str, command)], capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr}"

    def close(self):
        if self.holder:
            with contextlib.suppress(OSError):
                self.holder.stdin.close()
            self.holder.stdout.close()
            self.holder.wait(60)
            self.holder = None


class _Server(Process):
    """One whose processes belong to other users, perhaps of another user namespace."""

    def __init__(self, rights, argv, log, ready, **rest):
        self.rights = rights
        super().__init__([*rights.enter, *map(str, argv)], log, ready, **rest)

    def kill(self, number=signal.SIGKILL):
        # The shell's own: a bare machine has no program of that name.
        subprocess.run([*self.rights.enter, "sh", "-c", f"kill -s {int(number)} -- -{self.child.pid}"], stderr=subprocess.DEVNULL)


class Outside:
    """A mail server of somebody else: all that the mail host sends away arrives here. Each message: sender, recipients, data (bytes),
    is_tls. `refuse`: an SMTP answer that is given instead of taking the message."""

    def __init__(self, folder, cert, key):
        self.messages, self.refuse, self.arrived = [], None, threading.Condition()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.port, = free_ports(1)
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, server_hostname="outside.test", tls_context=context,
                                     ready_timeout=60)
        self.controller.start()

    async def handle_DATA(self, server, session, envelope):
        with self.arrived:
            if self.refuse:
                return self.refuse
            self.messages.append({"sender": envelope.mail_from, "recipients": envelope.rcpt_tos, "data": envelope.original_content,
                                  "is_tls": session.ssl is not None})
            self.arrived.notify_all()
        return "250 2.0.0 taken"

    def wait(self, which, seconds=60):
        """The first message for which WHICH(message) is true."""
        def found():
            return next((one for one in self.messages if which(one)), None)
        with self.arrived:
            assert self.arrived.wait_for(found, seconds), f"no such message outside within {seconds} s; there are {len(self.messages)}"
            return found()

    def stop(self):
        self.controller.stop()


class MailHost:
    """Start it with start(); mailhost_dir may be filled before or after. Servers: "dovecot", "mail-lookup", "rsa", "ed25519", "postfix"."""

    SERVERS = ("dovecot", "mail-lookup", *SIGNERS, "postfix")

    def __init__(self, mailhost_dir=None, *, host=HOST, **values):
        missing = sorted({package for path, package in NEEDED.items() if not os.path.exists(path)})
        if missing:
            cannot_run(f"no mail host here: install {' '.join(missing)} (scripts/setup servers)")
        self.host, self.running = host, {}
        self.rights = Rights()
        self.folder = Folder("mailhost")
        self.path = self.folder.path
        self.mailhost_dir = pathlib.Path(mailhost_dir or self.path / "mailhost")
        self.log = self.path / "log"
        ports = iter(free_ports(5))
        self.mx, self.submissions, self.submission, self.imaps, self.doveadm = ports
        self._make_folders()
        self._make_certificate()
        self.outside = Outside(self.path, self.cert, self.key)
        self.doveadm_key = secrets.token_hex(16)
        self.doveadm_key_file = self.path / "doveadm.key"
        self.doveadm_key_file.write_text(self.doveadm_key)
        self._render(values)

    def _make_folders(self):
        run, path = self.rights.run, self.path
        for name in ("etc", "queue", "data", "run/dovecot", "run/signer", "run/lookup", "state/dovecot", "counts", "mail", "log", "tls"):
            (path / name).mkdir(parents=True)
        for name in (*QUEUE_FOLDERS, "maildrop", "public", "pid"):
            (path / "queue" / name).mkdir()
        queue = path / "queue"
        run("chown", "postfix", path / "data", *(queue / name for name in QUEUE_FOLDERS))
        run("chown", "postfix:postdrop", queue / "maildrop", queue / "public")
        run("chmod", "700", path / "data", *(queue / name for name in QUEUE_FOLDERS))
        run("chmod", "730", queue / "maildrop")
        run("chmod", "710", queue / "public")
        run("chown", "opendkim:postfix", path / "run/signer")
        run("chown", "nobody:postfix", path / "run/lookup", path / "counts")
        run("chmod", "2750", path / "run/signer", path / "run/lookup")
        run("chown", "mail:mail", path / "mail")
        # Who reads mail.db has a group of its own on a real machine; here it is Postfix's.
        self.signer_dir = self.mailhost_dir / "signer"
        self.signer_dir.mkdir(parents=True, exist_ok=True)
        run("chgrp", "postfix", self.mailhost_dir)
        run("chgrp", "opendkim", self.signer_dir)
        run("chmod", "2751", self.mailhost_dir)  # so that the signer gets to its folder
        run("chmod", "2750", self.signer_dir)
        for path, group in ((self.mailhost_dir / "mail.db", "postfix"), (self.signer_dir / "dkim.db", "opendkim")):
            if path.exists():
                run("chgrp", group, path)

    def _make_certificate(self):
        tls = self.path / "tls"
        self.ca, self.cert, self.key = tls / "ca.pem", tls / "cert.pem", tls / "key.pem"

        def openssl(*words):
            subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=tls)
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=dfyd test CA")
        openssl("req", "-x509", *curve, "-keyout", "key.pem", "-out", "cert.pem", "-days", "30", "-subj", f"/CN={self.host}", "-CA", "ca.pem",
                "-CAkey", "ca.key", "-addext", f"subjectAltName=DNS:{self.host},IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE")

    def _render(self, more):
        path, etc, here = self.path, self.path / "etc", "127.0.0.1"
        self.values = {
            "HOST": self.host, "POSTMASTER": f"operator@{self.host.partition('.')[2]}", "MAILHOST_DIR": self.mailhost_dir,
            "ETC": etc / "postfix", "QUEUE": path / "queue", "POSTFIX_DATA": path / "data", "POSTFIX_LOG": self.log / "postfix",
            "LOG_PREFIX": self.log, "INTERFACES": here, "PROTOCOLS": "ipv4", "OWN_ADDRESSES": "127.0.0.2",
            "MESSAGE_BYTES": 35 << 20, "RELAYHOST": f"[{here}]:{self.outside.port}", "TLS_CERT": self.cert, "TLS_KEY": self.key,
            "PORT_MX": f"{here}:{self.mx}", "PORT_SUBMISSIONS": f"{here}:{self.submissions}",
            "PORT_SUBMISSION": f"{here}:{self.submission}", "LOOKUP_RUN": path / "run/lookup",
            "DOVECOT_ETC": etc / "dovecot", "DOVECOT_RUN": path / "run/dovecot", "DOVECOT_STATE": path / "state/dovecot",
            "DOVECOT_LISTEN": here, "DOVECOT_LOG": self.log / "dovecot", "INSTANCE": path.name,
            "MAIL_DIR": path / "mail", "MAIL_USER": "mail", "MAIL_GROUP": "mail", "READERS": "postfix", "PORT_IMAPS": self.imaps,
            "PORT_DOVEADM": self.doveadm, "DOVEADM_KEY_FILE": self.doveadm_key_file,
            "SIGNER_RUN": path / "run/signer", "SIGNER_ETC": etc / "signer", **more}
        for name in ("postfix", "dovecot", "signer"):
            render({key: str(value) for key, value in self.values.items()}, TEMPLATES / name, etc / name)
        shutil.copy(PACKAGING / "mail-lookup", etc)  # another user runs it, who may not look into this folder here

    def start(self):
        # In this order each finds the sockets of those that it asks.
        try:
            for name in self.SERVERS:
                self._begin(name)
        except BaseException:
            self.stop()
            raise
        return self

    def _begin(self, name):
        path, etc = self.path, self.path / "etc"
        as_user = ["setpriv", "--clear-groups"]
        commands = {
            "dovecot": ["dovecot", "-F", "-c", etc / "dovecot/dovecot.conf"],
            "mail-lookup": [*as_user, "--reuid=nobody", "--regid=postfix", "/usr/bin/python3", etc / "mail-lookup",
                           self.mailhost_dir / "mail.db", path / "counts/counts.db", path / "run/lookup"],
            "postfix": ["/usr/lib/postfix/sbin/master", "-d", "-c", etc / "postfix"],
        }
        for one in SIGNERS:
            commands[one] = [*as_user, "--reuid=opendkim", "--regid=opendkim", "opendkim", "-f", "-x", etc / "signer" / f"{one}.conf"]
        ready = {
            "dovecot": lambda: listens(self.imaps) and listens(self.doveadm) and self._is_there("run/dovecot/auth-postfix"),
            "mail-lookup": lambda: self._is_there("run/lookup/lookup"),
            "postfix": lambda: all(map(listens, (self.mx, self.submissions, self.submission))),
        }
        if name in SIGNERS:
            with contextlib.suppress(OSError):
                self.rights.run("rm", "-f", path / f"run/signer/{name}.sock")
            ready[name] = lambda: self._is_there(f"run/signer/{name}.sock")
        self.running[name] = _Server(self.rights, commands[name], self.log / f"{name}.out", ready[name], env={"HOME": str(path)},
                                     cwd=path)

    def _is_there(self, name):
        if not self.rights.enter:
            return _listens_at(self.path / name)
        # A socket that somebody left behind is there, too: only who connects knows.
        connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        return subprocess.run([*self.rights.enter, "/usr/bin/python3", "-c", connect, str(self.path / name)], capture_output=True).returncode == 0

    def stop_server(self, name):
        if name in SIGNERS:  # ends seconds after it was told to, and has nothing to put away
            self.kill_server(name)
        else:
            self.running.pop(name).stop()
            self._wait_closed(name)

    def kill_server(self, name):
        one = self.running.pop(name)
        one.kill()
        one.child.wait(60)
        self._wait_closed(name)

    def _wait_closed(self, name):
        """Its master is gone, but its children keep its sockets for a moment: they must not look like the next one's."""
        ports = {"dovecot": (self.imaps, self.doveadm), "postfix": (self.mx, self.submissions, self.submission)}.get(name, ())
        wait_until(lambda: not any(map(listens, ports)), f"{name}'s children end")

    def start_server(self, name):
        self._begin(name)

    @contextlib.contextmanager
    def without(self, name):
        self.stop_server(name)
        try:
            yield
        finally:
            self.start_server(name)

    def restart_server(self, name):
        self.stop_server(name)
        self.start_server(name)

    def stop(self):
        """Ends all, and removes the folder."""
        for name in reversed(self.SERVERS):
            if name in self.running:
                self.stop_server(name)
        self.outside.stop()
        with contextlib.suppress(AssertionError):
            self.rights.run("rm", "-rf", self.path)
        self.rights.close()
        self.folder.remove()

    def settings(self):
        """dfyd's settings for it, as flags."""
        return {"mailbox": "mailhost", "mailhost_dir": str(self.mailhost_dir), "mailhost_name": self.host,
                "mailhost_imap": f"127.0.0.1:{self.imaps}", "mailhost_submission": f"127.0.0.1:{self.submissions}",
                "mailhost_ca_file": str(self.ca), "mailhost_doveadm_url": f"http://127.0.0.1:{self.doveadm}",
                "mailhost_doveadm_key_file": str(self.doveadm_key_file)}

    def logs(self):
        """What all of them said, for a test that failed."""
        files = [str(path) for path in sorted(self.log.iterdir())]
        return subprocess.run([*self.rights.enter, "tail", "-c", "6000", "-v", *files], capture_output=True, text=True, errors="replace").stdout

    def client_context(self):
        """TLS that believes this host's certificate only."""
        return ssl.create_default_context(cafile=str(self.ca))

    def mail_of(self, home):
        """The messages in an account's inbox, as bytes."""
        found = subprocess.run([*self.rights.enter, "sh", "-c", 'cat "$0"/new/* "$0"/cur/* 2>/dev/null', str(self.path / "mail" / home / "Maildir")],
                               capture_output=True)
        return found.stdout
