"""`make demo-mailhost`: an order over HTTP on real servers, proved by dig, swaks, authheaders, IMAP and curl, until it is cancelled."""
import os
import re
import subprocess
import sys

from conftest import LIMIT, ROOT, binary
from servers.site import Site


def test_an_order_becomes_mailboxes_that_other_programs_can_use():
    Site().close()  # skips where the servers are missing
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DFYD_")}
    environment["DEMO_LIMIT_S"] = str(LIMIT)  # other tests run beside it
    done = subprocess.run([sys.executable, ROOT / "scripts/demo-mailhost", binary()], capture_output=True, text=True, check=False,
                          timeout=5 * LIMIT, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^8\. .*cancelled", done.stdout, re.M) and done.stdout.rstrip().endswith("is gone.")
