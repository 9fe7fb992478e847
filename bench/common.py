"""What the benches share: a dfyd in a temporary folder, and wrk."""
import contextlib
import json
import os
import re
import subprocess
import tempfile

PATH = "/api/v2/dfy-email-account-orders"
PERSON = {"email_address_prefix": "john", "first_name": "John", "last_name": "Doe"}


def order(first, second, simulation):
    """The order of all benches: two domains with a mailbox each, one of them forwarding."""
    return json.dumps({"order_type": "dfy", "simulation": simulation, "items": [
        {"domain": first, "email_provider": 1, "forwarding_domain": "home.net", "accounts": [PERSON]},
        {"domain": second, "email_provider": 2, "accounts": [PERSON]}]}, separators=(",", ":"))


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="dfyd-bench-") as work:
        os.chmod(work, 0o755)  # for nginx, which gives up its rights
        yield work


@contextlib.contextmanager
def serving(dfyd, work, *flags, pin=()):
    """Yields the process, its URL and a key; ends it."""
    child = subprocess.Popen([*pin, dfyd, "serve", "--data", f"{work}/data", "--listen", "127.0.0.1:0", "--log-level", "warn", "--rate-limit", "off", *flags],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = child.stdout.readline()
        if not line:
            raise SystemExit("dfyd does not start")
        key = subprocess.run([dfyd, "key", "create", "--data", f"{work}/data", "--workspace", "default", "--scope", "all:all"],
                             check=True, capture_output=True, text=True).stdout.strip()
        yield child, line.split()[-1], key
    finally:
        child.terminate()
        child.wait(timeout=60)


def wrk(url, script, seconds, *, pin=(), connections=64):
    """Answers a second, and within how many milliseconds 99 of 100 came."""
    out = subprocess.run([*pin, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script, url + PATH],
                         check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in out or "not as expected" in out:
        raise SystemExit(f"answers other than expected:\n{out}")
    amount, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), float(amount) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        user, system = stat.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024
