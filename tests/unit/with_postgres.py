#!/usr/bin/env python3
"""with_postgres.py TEMPLATE COMMAND...: runs COMMAND beside a PostgreSQL of its own, which ends with it.

DFYD_TEST_POSTGRES tells COMMAND where: a URL with @ in place of the database's name. The server is a copy of TEMPLATE, a
folder that the first call makes; it listens on a socket alone, and may lose what it was given when the power goes. Ends with
77, Meson's word for skipped, where PostgreSQL is missing, unless CI is set.
"""
import fcntl
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

USER = "dfy"
SETTINGS = {"listen_addresses": "", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off",
            "max_wal_senders": "0", "wal_level": "minimal", "shared_buffers": "32MB", "max_connections": "60"}


def programs():
    """The folder of the newest PostgreSQL's programs; None where there is none."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    there = str(found[-1]) if found else shutil.which("postgres")
    return pathlib.Path(there).resolve().parent if there else None


def own(path):
    """PostgreSQL refuses root: then all of it is its own user's."""
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(path, account.pw_uid, account.pw_gid)
    os.chmod(path, 0o700)
    return path


def ordinary():
    """What stands before a command of PostgreSQL's, which also ends with this program, however that ends."""
    return ["setpriv", "--pdeathsig", "QUIT", *(["--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else [])]


def make_template(template, bin_folder):
    """Once, whoever comes first. Its databases sort like people: what needs the order of bytes has to say so."""
    template.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{template}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if template.exists():
            return
        with tempfile.TemporaryDirectory(prefix="dfyd-pg-") as folder:
            own(folder)
            subprocess.run([*ordinary(), bin_folder / "initdb", "-D", f"{folder}/data", "-U", USER, "--auth=trust", "--no-sync", "-E",
                            "UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en", "--wal-segsize=1"],
                           check=True, stdout=subprocess.DEVNULL, cwd="/")
            subprocess.run(["cp", "-a", f"{folder}/data", f"{template}.new"], check=True)
        os.rename(f"{template}.new", template)


def start(template, folder, bin_folder):
    subprocess.run(["cp", "-a", template, f"{folder}/data"], check=True)
    settings = {**SETTINGS, "unix_socket_directories": folder}
    with open(f"{folder}/log", "wb") as log:
        server = subprocess.Popen([*ordinary(), bin_folder / "postgres", "-D", f"{folder}/data",
                                   *(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))],
                                  stdout=log, stderr=log, cwd="/")
    deadline = time.monotonic() + 60
    ready = [bin_folder / "pg_isready", "-q", "-h", folder, "-U", USER]
    while subprocess.run(ready, check=False).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"PostgreSQL did not start:\n{pathlib.Path(folder, 'log').read_text(errors='replace')}")
        time.sleep(0.02)
    return server


def main(template, *command):
    bin_folder = programs()
    if not bin_folder:
        print("skipped: there is no PostgreSQL here; scripts/setup postgres installs it")
        return 1 if os.environ.get("CI") else 77
    make_template(pathlib.Path(template), bin_folder)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = tempfile.mkdtemp(prefix="dfyd-pg-")
    server = None
    try:
        own(folder)
        server = start(template, folder, bin_folder)
        if os.geteuid() == 0:
            os.chmod(folder, 0o711)
        url = f"postgresql://{USER}@/@?host={folder}"
        return subprocess.run(command, check=False, env={**os.environ, "DFYD_TEST_POSTGRES": url}).returncode
    finally:
        if server:
            server.send_signal(signal.SIGQUIT)
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
