"""What goes wrong with the next matching requests. A test sets faults through the control interface.

    drop_before    the connection ends, nothing is done
    late           the connection ends at once; the request is acted on when the test releases it
    hold_before    waits for the release, then acts and answers
    rate_limit     429 before acting, not kept            lock_timeout   429, another of Stripe's words
    error_before   a 5xx from in front of the API: nothing is done, nothing is kept
    html_before    the same as a web page
    hold_within    begun, its key in use; waits for the release, then acts and answers
    error_within   begun and failed: nothing is done, the 5xx is kept under the key
    error_after    acts, then fails: the 5xx is kept under the key
    drop_after     acts, the answer is lost
    hold_after     acts, answers at the release
    truncate       acts, the connection ends in the middle of the answer
    half_json      acts, the answer is whole HTTP and half the JSON
    html_after     acts, answers with a web page
"""
import itertools
import re
import threading

ARRIVING = ("drop_before", "late", "hold_before", "rate_limit", "lock_timeout", "error_before", "html_before")
WITHIN = ("hold_within", "error_within")
LEAVING = ("error_after", "drop_after", "hold_after", "truncate", "half_json", "html_after")
KINDS = ARRIVING + WITHIN + LEAVING
WORDS = {"kind", "method", "path", "contains", "times", "skip", "status"}


class Fault:
    def __init__(self, name, spec):
        unknown = set(spec) - WORDS
        if unknown or spec.get("kind") not in KINDS:
            raise ValueError(f"a fault has {sorted(WORDS)} and one kind of {KINDS}; got {spec}")
        self.name, self.kind = name, spec["kind"]
        self.method, self.path = spec.get("method"), re.compile(spec.get("path", ""))
        self.contains = spec.get("contains", "")  # in the decoded form or the idempotency key
        self.left, self.skip = spec.get("times", 1), spec.get("skip", 0)
        self.status = spec.get("status", 500)
        self.hits = self.waiting = self.done = 0
        self.released = False

    def matches(self, method, path, text):
        return (self.left and self.method in (None, method) and self.path.search(path) is not None
                and self.contains in text)

    def state(self):
        return {"id": self.name, "kind": self.kind, "left": self.left, "hits": self.hits, "waiting": self.waiting,
                "done": self.done, "released": self.released}


class Faults:
    def __init__(self):
        self.changed = threading.Condition()
        self.all, self.names = {}, itertools.count(1)

    def add(self, spec):
        with self.changed:
            fault = Fault(f"f{next(self.names)}", spec)
            self.all[fault.name] = fault
            return fault.state()

    def clear(self):
        """Faults that are set hit nobody any more; those who wait go on."""
        with self.changed:
            for fault in self.all.values():
                fault.left, fault.released = 0, True
            self.changed.notify_all()

    def meet(self, method, path, text):
        """The fault that this request meets, or None."""
        with self.changed:
            for fault in self.all.values():
                if not fault.matches(method, path, text):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.left -= 1
                fault.hits += 1
                self.changed.notify_all()
                return fault
        return None

    def hold(self, fault):
        """Waits until the test releases FAULT."""
        with self.changed:
            fault.waiting += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: fault.released)
            fault.waiting -= 1
            self.changed.notify_all()

    def end(self, fault):
        """A request that met FAULT is through with it."""
        with self.changed:
            fault.done += 1
            self.changed.notify_all()

    def release(self, name):
        with self.changed:
            self.all[name].released = True
            self.changed.notify_all()

    def wait(self, name, word, least, seconds):
        """Until the fault's WORD ("hits", "waiting", "done") is LEAST; its state, or None when that takes too long."""
        with self.changed:
            fault = self.all[name]
            reached = self.changed.wait_for(lambda: getattr(fault, word) >= least, seconds)
            return fault.state() if reached else None
