"""A client of server-sent events (HTML Living Standard section 9.2) that listens on a thread of its own."""
import collections
import http.client
import json
import threading

import conftest

EVENTS = "/api/dfyd/v1/events"
Event = collections.namedtuple("Event", "type data id")


class Stream:
    """The answer to GET EVENTS, as it comes in. `end`: None while it is open, "last chunk" or what cut it."""

    def __init__(self, port, key, order=None, after=None, host="127.0.0.1"):
        headers = {"Authorization": f"Bearer {key}", **({"Last-Event-ID": after} if after else {})}
        self.events, self.comments, self.id, self.end = [], 0, None, None
        self.changed = threading.Condition()
        self.connection = http.client.HTTPConnection(host, port, timeout=conftest.LIMIT)
        self.connection.request("GET", EVENTS + (f"?order={order}" if order else ""), headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        text = "" if self.status == 200 else self.response.read().decode()
        self.message = text and json.loads(text)["message"]
        wrong = conftest.DESCRIPTION.judge("GET", EVENTS, self.status, self.response.headers, text)
        assert not wrong, wrong
        self.thread = threading.Thread(target=self._listen, daemon=True)
        if self.status == 200:
            self.thread.start()
            self.wait("the greeting", lambda: self.id or self.events or self.end)

    def _listen(self):
        end, fields = "last chunk", {}
        try:
            for line in iter(self.response.readline, b""):
                with self.changed:
                    fields = self._take(line.decode().rstrip("\n"), fields)
                    self.changed.notify_all()
        except (OSError, http.client.HTTPException, ValueError) as error:
            end = repr(error)
        with self.changed:
            self.end = end
            self.changed.notify_all()

    def _take(self, line, fields):
        if line.startswith(":"):
            self.comments += 1
        elif line:
            name, _, value = line.partition(": ")
            assert name in ("id", "event", "data", "retry") and name not in fields, line
            return {**fields, name: value}
        elif fields:
            self.id = fields.get("id", self.id)
            if "data" in fields:
                self.events.append(Event(fields["event"], json.loads(fields["data"]), self.id))
            return {}
        return fields

    def wait(self, what, condition, limit=conftest.LIMIT):
        with self.changed:
            assert self.changed.wait_for(condition, limit), f"{what}: not within {limit:g} s; got {self.events}"
            return condition()

    def of(self, type=None, domain=None):
        return [event for event in list(self.events)
                if type in (None, event.type) and domain in (None, event.data.get("domain"))]

    def wait_for(self, type, domain=None, n=1):
        """The first N of that kind."""
        return self.wait(f"{n} {type} {domain or ''}", lambda: len(self.of(type, domain)) >= n and self.of(type, domain)[:n])

    def wait_end(self, limit=conftest.LIMIT):
        return self.wait("the end", lambda: self.end, limit)

    def close(self):
        """As a client that goes away."""
        if self.status == 200 and self.end is None:
            self.connection.sock.shutdown(2)
            self.thread.join(conftest.LIMIT)
        self.connection.close()
