"""A receiver of webhooks that is often of no help: it says no, or takes an event and goes away without a word."""
import collections
import http.server
import json
import random
import threading


class Hooks:
    """Listens at url(workspace); taken: workspace -> events in the order of their first arrival, repeats are counted."""

    def __init__(self, seed):
        self.random, self.lock = random.Random(seed), threading.Lock()
        self.taken = collections.defaultdict(list)
        self.ids, self.repeats, self.refused = set(), 0, 0
        hooks = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = hooks.take(self.path[1:], self.headers["X-Dfyd-Event-Id"], body)
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *about):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda request, address: None  # a node that was killed
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, workspace):
        return f"http://127.0.0.1:{self.server.server_address[1]}/{workspace}"

    def take(self, workspace, id, body):
        """The status to answer; None: nothing, though it was taken."""
        with self.lock:
            dice = self.random.random()
            if dice < 0.02:
                self.refused += 1
                return 500
            if id in self.ids:
                self.repeats += 1
            else:
                self.ids.add(id)
                self.taken[workspace].append(body)
            return None if dice < 0.03 else 200

    def close(self):
        self.server.shutdown()
        self.server.server_close()
