"""What another site can do in the browser of who is signed in: nothing."""
import http.server
import threading

import pytest

from console import browser, console, make_console  # noqa: F401, fixtures
from conftest import wait_for

OWN = "/api/dfyd/v1"
# What a site can have a browser send without asking: a request whose answer it does not see, a picture, a form.
PAGE = """<!doctype html><title>evil</title><h1>loading</h1>
<form method="post" enctype="text/plain" target="frame" action="{base}/api/v2/api-keys?by=form"><input name='{{"name":"' value='evil","scopes":[]}}'></form>
<iframe name="frame"></iframe><img src="{base}/api/v2/workspaces/current?by=picture">
<script>
const send = (path, options) => fetch("{base}" + path, {{credentials: "include", ...options}}).then((r) => r.type + r.status, () => "failed");
(async () => {{
    const ends = [
        await send("/api/dfyd/v1/session?by=simple", {{method: "POST", mode: "no-cors", body: '{{"key":"x"}}'}}),
        await send("/api/v2/api-keys?by=simple", {{method: "POST", mode: "no-cors", body: '{{"name":"evil","scopes":[]}}'}}),
        await send("/api/v2/workspaces/current?by=read", {{}}),
        await send("/api/v2/api-keys?by=json", {{method: "POST", headers: {{"content-type": "application/json"}}, body: "{{}}"}}),
        await send("/api/v2/api-keys?by=header", {{method: "POST", headers: {{"x-dfyd-console": "1"}}, body: "{{}}"}}),
        await send("/api/dfyd/v1/session?by=delete", {{method: "DELETE"}}),
    ];
    document.forms[0].submit();
    document.querySelector("h1").textContent = ends.join(" ");
}})();
</script>"""


@pytest.fixture
def evil(dfyd):
    """A site on another port: a neighbour as 127.0.0.1, a stranger as localhost."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.format(base=dfyd.base).encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def answered(log, method, path):
    """The statuses of the calls that the server logged, in their order."""
    return [line.partition("status=")[2].split()[0] for line in log.splitlines()
            if "event=request " in line and f"method={method} " in line and f"path={path} " in line]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_site_can_do_nothing(console, evil, host):
    """The cookie of 127.0.0.1 goes along from a neighbour and the server refuses; from a stranger the browser keeps it back."""
    refused = {"127.0.0.1": "403", "localhost": "401"}[host]
    console.sign_in("/")
    console.see("Overview")
    keys = console.fetch("/api/v2/api-keys")
    assert keys[0] == 200
    before = len(console.server.log())
    console.driver.get(f"http://{host}:{evil}/")
    # What it sees: no more than that something was sent, and nothing of what needs leave to be sent.
    console.see("opaque0 opaque0 failed failed failed failed")

    def fresh():
        return console.server.log()[before:]
    wait_for("the form", lambda: len(answered(fresh(), "POST", "/api/v2/api-keys")) == 2)
    wait_for("the picture", lambda: len(answered(fresh(), "GET", "/api/v2/workspaces/current")) == 2)
    assert answered(fresh(), "POST", "/api/v2/api-keys") == [refused] * 2
    assert answered(fresh(), "GET", "/api/v2/workspaces/current") == [refused] * 2
    assert answered(fresh(), "POST", f"{OWN}/session") == ["415"], "what needs no leave cannot be JSON"
    assert answered(fresh(), "DELETE", f"{OWN}/session") == []
    console.driver.get("about:blank")
    console.driver.get_log("browser")  # the other site's, of which nothing can come any more
    console.open("/").see("Overview")
    assert console.fetch("/api/v2/api-keys") == keys and console.fetch(f"{OWN}/session")[0] == 200
