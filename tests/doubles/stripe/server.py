"""HTTP: takes requests, lets faults happen to them, and notes them down."""
import http.server
import json
import socket
import threading
import urllib.parse

import api
import errors
from account import Account
from control import Control
from faults import ARRIVING, LEAVING, WITHIN, Faults
from webhooks import Webhooks

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>\n"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address, key):
        super().__init__(address, Handler)
        self.account, self.faults = Account(key), Faults()
        self.control = Control(self.account, self.faults, Webhooks(self.account))

    def handle_error(self, request, client_address):
        """Clients that went away are no news."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "double", ""
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._handle()

    do_POST = do_DELETE = do_PUT = do_PATCH = do_GET

    def _handle(self):
        if "Transfer-Encoding" in self.headers:
            return self._send(411, b"{}", {})
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/_control/"):
            status, answer = self.server.control.answer(self.command, self.path, body)
            return self._send(status, answer, {})
        path, _, query = self.path.partition("?")
        return self._api(api.Request(self.command, path, query, self.headers, body))

    def _api(self, request):
        form = urllib.parse.parse_qsl(request.query or request.body.decode(errors="replace"), keep_blank_values=True)
        key = request.headers.get("Idempotency-Key")
        entry = {"at_ms": self.server.account.now_ms(), "method": request.method, "path": request.path, "form": form,
                 "key": key, "version": request.headers.get("Stripe-Version"), "fault": None, "status": None, "replayed": False,
                 "request_id": None, "complaint": None}
        self.server.control.requests.append(entry)
        text = "&".join(f"{name}={value}" for name, value in form) + "\n" + (key or "")
        fault = self.server.faults.meet(request.method, request.path, text)
        entry["fault"] = fault and fault.kind
        if fault is None:
            return self._reply(self._answer(request, entry))
        try:
            return self._faulty(fault, request, entry)
        finally:
            if fault.kind != "late":
                self.server.faults.end(fault)

    def _answer(self, request, entry, fault=None):
        def within():
            if fault and fault.kind == "hold_within":
                self.server.faults.hold(fault)
            return {"error_within": ("before", fault.status), "error_after": ("after", fault.status)}.get(
                fault.kind) if fault else None

        answer = api.answer(self.server.account, request, within)
        entry |= {"status": answer.status, "request_id": answer.headers["Request-Id"], "complaint": answer.complaint,
                  "replayed": "Idempotent-Replayed" in answer.headers}
        return answer

    def _faulty(self, fault, request, entry):
        kind = fault.kind
        if kind in ARRIVING:
            return self._arriving(fault, request, entry)
        answer = self._answer(request, entry, fault)
        if kind in WITHIN or kind == "error_after":
            return self._reply(answer)
        assert kind in LEAVING
        if kind == "drop_after":
            return self._drop()
        if kind == "hold_after":
            self.server.faults.hold(fault)
            return self._reply(answer)
        if kind == "truncate":
            return self._reply(answer, cut=True)
        if kind == "half_json":
            whole = answer.bytes()
            return self._send(answer.status, whole[:len(whole) // 2], answer.headers)
        return self._send(502 if fault.status == 500 else fault.status, PAGE, {}, "text/html")

    def _arriving(self, fault, request, entry):
        refusals = {"rate_limit": errors.rate_limit, "lock_timeout": errors.lock_timeout,
                    "error_before": lambda: errors.api_error(fault.status)}
        if fault.kind == "drop_before":
            return self._drop()
        if fault.kind == "late":
            threading.Thread(target=self._late, args=(fault, request, entry), daemon=True).start()
            return self._drop()
        if fault.kind == "hold_before":
            self.server.faults.hold(fault)
            return self._reply(self._answer(request, entry))
        if fault.kind == "html_before":
            return self._send(502 if fault.status == 500 else fault.status, PAGE, {}, "text/html")
        refused = refusals[fault.kind]()
        entry["status"] = refused.status
        return self._send(refused.status, json.dumps(refused.body()).encode(), {})

    def _late(self, fault, request, entry):
        self.server.faults.hold(fault)
        self._answer(request, entry)
        self.server.faults.end(fault)

    def _reply(self, answer, cut=False):
        self._send(answer.status, answer.bytes(), answer.headers, cut=cut)

    def _send(self, status, body, headers, kind="application/json", cut=False):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if cut else body)
        if cut:
            self._drop()

    def _drop(self):
        self.close_connection = True
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
