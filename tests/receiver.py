"""A receiver of webhooks, and a fixture of one. Import it where it is needed:

    from receiver import receiver  # noqa: F401
"""
import collections
import http.server
import json
import threading

import pytest

Got = collections.namedtuple("Got", "path headers body event")


class Receiver:
    """Takes deliveries on 127.0.0.1; `answer(got)` gives the status, or (status, headers)."""

    def __init__(self):
        self.got = []
        self.answer = lambda got: 200
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got = Got(self.path, self.headers, body, json.loads(body))
                receiver.got.append(got)
                answer = receiver.answer(got)
                status, headers = answer if isinstance(answer, tuple) else (answer, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, host="127.0.0.1", path="/in"):
        return f"http://{host}:{self.port}{path}"

    def events(self, type=None, domain=None):
        return [g.event for g in list(self.got)
                if type in (None, g.event["event_type"]) and domain in (None, g.event.get("domain"))]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()
