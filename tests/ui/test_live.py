"""web/live.js in a browser: what it tells a page while things happen, while the server is away, and when the session has ended."""
import json

import pytest

from conftest import hour_later
from console import browser, console, make_console, workspace  # noqa: F401, fixtures
from servers.process import free_ports

PEOPLE = [{"email_address_prefix": "ada", "first_name": "Ada", "last_name": "Byron"}]


def place(console, domain):  # noqa: F811
    """The id of its order."""
    who = {"Authorization": f"Bearer {console.key}"}
    answer = console.server.order([{"domain": domain, "email_provider": 2, "accounts": PEOPLE}], headers=who)
    assert answer["order_placed"], answer
    found = console.server.request("GET", "/api/dfyd/v1/orders", headers=who, params={"search": domain})
    return found.json()["items"][0]["id"]


class Told:
    """What follow(ORDER) told the page since it was called."""

    def __init__(self, console, order=None):  # noqa: F811
        self.console = console
        console.driver.execute_async_script(
            """const [order, done] = arguments;
               window.told = [];
               import("/console/live.js").then(({ follow }) => {
                   window.unfollow = follow(order, {
                       online: (is) => window.told.push(is ? "online" : "offline"),
                       progress: () => window.told.push("progress"),
                       event: (type, data) => window.told.push(`${type} ${data.domain || ""}`.trim()),
                   });
                   done();
               });""", order)

    def all(self):
        return self.console.script("return window.told")

    def wait(self, *wanted):
        """Until WANTED were told, whatever else between them; those of a set in any order, the others in this one. Then it begins anew."""
        def told():
            left = [set(one) if isinstance(one, set) else {one} for one in wanted]
            for one in self.all():
                if left and one in left[0]:
                    left[0].remove(one)
                    if not left[0]:
                        left.pop(0)
            return not left
        try:
            self.console.wait(str(wanted), told)
        except pytest.fail.Exception as failure:
            pytest.fail(f"told: {self.all()}\n{failure}")
        self.console.script("window.told.length = 0")


def allow_refusals(console):  # noqa: F811
    """While the server was away the browser complained of that, and of nothing else."""
    said = [entry["message"] for entry in console.driver.get_log("browser") if entry["level"] == "SEVERE"]
    wrong = [text for text in said if "net::ERR_" not in text and "status of 401" not in text]
    assert not wrong, json.dumps(wrong)


@pytest.fixture
def signed_in(console):  # noqa: F811
    console.sign_in("/invoices")  # a page that follows nothing by itself
    console.h1()
    return console


def test_what_happens_is_told(patient, make_console):
    console = make_console(patient, workspace(patient))  # noqa: F811
    console.sign_in("/invoices")
    console.h1()
    order = place(console, "lost-live1.com")
    told = Told(console, order)
    told.wait("online", "progress")
    hour_later(patient)
    told.wait({"progress", "dfy_domain_ready lost-live1.com"})
    place(console, "live2.com")
    told.wait("dfy_order_placed", "dfy_account_ready live2.com", "dfy_domain_ready live2.com")
    console.script("window.unfollow()")
    assert told.all() == ["offline"]
    place(console, "live3.com")
    assert told.all() == ["offline"]


def test_a_server_that_was_away(make_console, fresh):  # noqa: F811
    server = fresh(listen=f"127.0.0.1:{free_ports(1)[0]}")
    console = make_console(server)  # noqa: F811
    console.sign_in("/invoices")
    console.h1()
    order = place(console, "live4.com")
    told = Told(console, order)
    told.wait("online", "progress")
    server.restart()
    told.wait("offline", "online", "progress")
    place(console, "live5.com")
    told.wait("dfy_domain_ready live5.com")
    console.script("window.unfollow()")
    allow_refusals(console)


def test_a_session_that_ended_leads_to_sign_in(signed_in):
    signed_in.allowed.add(401)  # it goes on to try for as long as it is there
    told = Told(signed_in)
    told.wait("online")
    status, _ = signed_in.fetch("/api/dfyd/v1/session", "DELETE")
    assert status == 204
    signed_in.wait("the sign-in page", lambda: signed_in.path.startswith("/sign-in"))
    allow_refusals(signed_in)


def test_a_page_that_nobody_looks_at_gives_its_connection_back(signed_in):
    signed_in.script("const real = setTimeout; window.setTimeout = (act, ms) => real(act, ms / 20)")
    told = Told(signed_in, place(signed_in, "live6.com"))
    told.wait("online", "progress")
    signed_in.script("Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
                     "document.dispatchEvent(new Event('visibilitychange'))")
    told.wait("offline")
    place(signed_in, "live7.com")
    assert told.all() == []
    signed_in.script("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    told.wait("online", {"missed", "progress"})  # the latter says that the server follows
    place(signed_in, "live8.com")
    told.wait("dfy_domain_ready live8.com")
    signed_in.script("window.unfollow()")
