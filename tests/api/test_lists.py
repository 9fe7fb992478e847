"""The lists of dfyd's own: orders, domains, mailboxes, invoices. Pages, searches, filters; one domain; one password."""
import csv
import datetime
import io
import threading

import pytest

from conftest import LIMIT, database, rows, wait_for
from contract import client  # noqa: F401, a fixture
from contract import TIME, UUID_7, check_error, check_head, item, make_client, name, people, person

OWN = "/api/dfyd/v1"
PATHS = {"orders": OWN + "/orders", "domains": OWN + "/domains", "mailboxes": OWN + "/mailboxes", "invoices": OWN + "/invoices"}
KEYS = {"orders": "id", "domains": "domain", "mailboxes": "email", "invoices": "number"}
STATES = {"orders": ["reserved", "placed", "payment_failed"], "domains": ["provisioning", "ready", "partial", "failed", "cancelled"],
          "mailboxes": ["pending", "ready", "failed", "cancelled"], "invoices": ["paid", "owed", "credited"]}
every_list = pytest.mark.parametrize("what", PATHS)


def page(client, what, **params):
    response = client.send("GET", PATHS[what], params=params)
    assert response.status_code == 200, response.text
    check_head(response)
    return response.json()


def pages(client, what, **params):
    found = [page(client, what, **params)]
    while "next_starting_after" in found[-1]:
        found.append(page(client, what, **params, starting_after=found[-1]["next_starting_after"]))
    return found


def items(client, what, **params):
    return [row for one in pages(client, what, **{"limit": 100, **params}) for row in one["items"]]


def keys(client, what, **params):
    return [row[KEYS[what]] for row in items(client, what, **params)]


def wait_done(client, n=1):
    """Until N domains have come to an end."""
    wait_for("the domains", lambda: sum(row["state"] != "provisioning" for row in items(client, "domains")) >= n)


def many(client, n):
    """N orders of a domain and a mailbox."""
    for _ in range(n):
        client.placed([item()])


# ---- rows


def test_what_an_order_is(client):
    wanted = [item(accounts=2), item(name("org"), provider=2), item(), item(provider=2)]
    client.placed(wanted)
    wait_done(client, 4)
    [row] = items(client, "orders")
    assert UUID_7.fullmatch(row.pop("id")) and TIME.fullmatch(row.pop("timestamp_created"))
    assert TIME.fullmatch(row.pop("timestamp_ended"))
    assert row == {"order_type": "dfy", "state": "placed", "reason": None, "total_price": row["total_price"],
                   "domains": [one["domain"] for one in wanted[:3]], "n_domains": 4, "n_mailboxes": 5,
                   "steps": {"done": 4 * 2 + 5, "open": 0, "retrying": 0, "failed": 0}}
    assert row["total_price"] == 4 * 15 + 3 * 5 + 2 * 4


def test_how_far_orders_are(client):
    """Also of extra mailboxes, which have no domain of their own, and of an order that was given up."""
    fine, bad = item(), item(accounts=[person("ana"), person("refused")])
    client.placed([fine])
    wait_done(client, 1)
    client.placed([{**fine, "accounts": people(2, start=5)}], "extra_accounts")
    client.placed([bad, item("silent-" + name())])
    client.card("tok_declined")
    assert client.order([item()])["order_error"] == "payment_failed"

    def settled():
        found = [row["steps"] for row in items(client, "orders")]
        return found if [one["open"] for one in found] == [0, 2, 0, 0] and found[1]["failed"] and found[1]["retrying"] else None
    steps = wait_for("all that can be done", settled)
    assert steps == [{"done": 0, "open": 0, "retrying": 0, "failed": 0}, {"done": 3, "open": 2, "retrying": 1, "failed": 1},
                     {"done": 2, "open": 0, "retrying": 0, "failed": 0}, {"done": 3, "open": 0, "retrying": 0, "failed": 0}]
    refused, _, extra, _ = items(client, "orders")
    assert (refused["state"], refused["reason"], refused["domains"], refused["n_domains"], refused["n_mailboxes"]) == (
        "payment_failed", "generic_decline", [], 0, 0)
    assert (extra["order_type"], extra["domains"], extra["n_domains"], extra["n_mailboxes"]) == ("extra_accounts", [fine["domain"]], 1, 2)


def test_what_a_domain_and_a_mailbox_are(client):
    wanted = item(provider=2, accounts=[person("ana"), person("refused", "Bo", "Li")], forwarding_domain="www.acme.example")
    client.placed([wanted])
    wait_done(client)
    [order], [domain] = items(client, "orders"), items(client, "domains")
    assert UUID_7.fullmatch(domain.pop("id"))
    assert domain.pop("timestamp_created") == order["timestamp_created"]
    assert domain.pop("timestamp_renews")[5:10] == order["timestamp_created"][5:10].replace("02-29", "02-28")
    assert domain == {"domain": wanted["domain"], "provider": "AirMail", "state": "partial", "is_pre_warmed": False,
                      "forwarding": "www.acme.example", "forwarding_mode": "redirect", "n_mailboxes": 1, "order_id": order["id"],
                      "drift": False, "timestamp_cancelled": None}
    ana, bo = items(client, "mailboxes")
    assert UUID_7.fullmatch(ana.pop("id")) and ana.pop("timestamp_created") == order["timestamp_created"]
    assert ana.pop("timestamp_renews")[8:] == "15T00:00:00.000Z"
    assert ana == {"email": f"ana@{wanted['domain']}", "first_name": "Ana", "last_name": "Silva", "domain": wanted["domain"],
                   "provider": "AirMail", "state": "ready", "reason": None, "is_suspended": False, "is_pre_warmed": False,
                   "timestamp_cancelled": None}
    assert bo["state"] == "failed" and bo["reason"] and bo["timestamp_renews"] is None and bo["email"].startswith("refused@")


def test_a_domain_that_has_drifted_says_so(fresh):
    client = make_client(fresh())
    wanted = item(provider=2)
    client.placed([wanted])
    wait_done(client)
    with database(client.server, "sandbox.db") as db:
        assert db.execute("UPDATE rrsets SET data = '24:10 mx.elsewhere.example.' WHERE zone = ? AND type = 'MX'", (wanted["domain"],)).rowcount
    wait_for("the check", lambda: client.server.run("domain", "check", wanted["domain"]).returncode == 1)
    [row] = items(client, "domains")
    assert row["drift"] is True
    assert keys(client, "domains", drift="true") == [wanted["domain"]] and keys(client, "domains", drift="false") == []
    found = client.send("GET", f"{PATHS['domains']}/{wanted['domain']}").json()
    assert TIME.fullmatch(found["findings"]["timestamp_checked"])
    assert ["record"] == list({one["kind"] for one in found["findings"]["items"]})
    assert any("mx.elsewhere.example" in one["seen"] and one["mend"] for one in found["findings"]["items"])


def test_what_was_cancelled_and_suspended_says_so(client):
    wanted = item(accounts=2)
    client.placed([wanted])
    wait_done(client)
    client.send("POST", "/api/v2/dfy-email-account-orders/accounts/cancel", json={"accounts": [f"p0@{wanted['domain']}"]})
    with database(client.server) as db:
        db.execute("UPDATE accounts SET suspended_ms = created_ms WHERE email = ?", (f"p1@{wanted['domain']}",))
    first, second = items(client, "mailboxes")
    assert (first["state"], second["state"], second["is_suspended"]) == ("cancelled", "ready", True)
    assert TIME.fullmatch(first["timestamp_cancelled"]) and first["timestamp_renews"] is None
    assert items(client, "domains")[0]["n_mailboxes"] == 1


# ---- pages


@every_list
@pytest.mark.parametrize("count", [0, 1, 7])
def test_pages(client, what, count):
    """Whatever the limit: all rows, each once, in order; a cursor on all pages but the last, and no empty last page."""
    many(client, count)
    everything = keys(client, what)
    assert len(everything) == len(set(everything)) == count
    for limit in (1, 2, 3, 6, 7, 8, 100):
        found = pages(client, what, limit=limit)
        assert [row[KEYS[what]] for one in found for row in one["items"]] == everything
        assert len(found) == max(1, -(-count // limit))
    assert len(page(client, what)["items"]) == min(count, 10)


@every_list
def test_newest_first(client, what):
    many(client, 5)
    created = [row.get("timestamp_created") or row["timestamp_issued"] for row in items(client, what)]
    assert created == sorted(created, reverse=True) and len(set(created)) == 5


@every_list
def test_each_row_once_while_many_order(client, what):
    many(client, 20)
    before = set(keys(client, what))
    stop = threading.Event()

    def order():
        while not stop.is_set():
            client.post([item()])
    threads = [threading.Thread(target=order) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for search in ("", "ct-", "@ct-" if what in ("orders", "mailboxes") else "ct-"):
            seen = keys(client, what, limit=7, search=search)
            assert len(seen) == len(set(seen)) and before <= set(seen)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@every_list
@pytest.mark.parametrize("cursor", ["x", "0", "-1", "{cursor}x", " {cursor}", "' OR 1=1 --", "é"])
def test_forged_cursors(client, what, cursor):
    many(client, 2)
    real = page(client, what, limit=1)["next_starting_after"]
    check_error(client.send("GET", PATHS[what], params={"starting_after": cursor.format(cursor=real)}), 400,
                "querystring/starting_after must be the next_starting_after of the page before")


@every_list
def test_what_a_query_may_not_say(client, what):
    for params, message in (({"limit": 0}, "querystring/limit must be >= 1"), ({"limit": 101}, "querystring/limit must be <= 100"),
                            ({"state": "gone"}, "querystring/state must be equal to one of the allowed values")):
        check_error(client.send("GET", PATHS[what], params=params), 400, message)


@every_list
def test_workspaces_see_their_own_alone(client, what):
    other = make_client(client.server)
    client.placed([item(f"mine-of-{what}.com")])  # without digits, which may be their invoice's number
    other.placed([item(name(word="theirs-"), accounts=[person("theirs", "Theirs", "Alone")])])
    mine, theirs = keys(client, what), keys(other, what)
    assert len(mine) == len(theirs) == 1 and not set(mine) & set(theirs)
    assert keys(client, what, search="theirs-") == [] and keys(other, what, search="theirs-") == theirs
    for search in ("theirs", "theirs@", "Theirs Alone", other.server.base, str(theirs[0])):
        assert keys(client, what, search=search) == [], search
    for state in STATES[what]:
        assert set(keys(client, what, state=state)) <= set(mine)
    assert keys(client, "mailboxes", domain=items(other, "domains")[0]["domain"]) == []
    if what in ("orders", "invoices"):  # a foreign cursor shows nothing foreign
        assert {row[KEYS[what]] for row in page(client, what, starting_after=str(theirs[0]))["items"]} <= set(mine)


@every_list
def test_who_may_look(client, what):
    reader = type(client)(client.server, client.workspace, client.workspace_id, scopes=("dfy_email_account_orders:read",))
    nobody = type(client)(client.server, client.workspace, client.workspace_id, scopes=("webhooks:all",))
    assert reader.send("GET", PATHS[what]).status_code == 200
    assert nobody.send("GET", PATHS[what]).status_code == 403
    assert client.server.request("GET", PATHS[what], auth=False).status_code == 401


# ---- searches and filters


def test_domains_are_found_by_a_part_of_their_name(client):
    one, two = name("com", "rocket-"), name("org", "pocket-")
    client.placed([item(one), item(two)])
    for search, found in ((one, [one]), ("ROCKET-", [one]), (" ocket- ", [one, two]), (".org", [two]), ("", [one, two]), ("none", [])):
        assert keys(client, "domains", search=search) == found, search


@every_list
@pytest.mark.parametrize("search", ["%", "_", "%%", "c_-", "c%", "\\", "ct\\-", "'", "\"", "%' OR '1'='1", "é", "\x01", "?" * 300])
def test_wildcards_stand_for_themselves(client, what, search):
    many(client, 2)
    assert keys(client, what, search="ct-") == keys(client, what)
    assert keys(client, what, search=search) == []


def test_wildcards_are_found(client):
    domain = name()
    client.placed([item(domain, accounts=[person("a_b", "100%", "A\\B"), person("acb", "1000", "AB")])])
    for search in ("a_b", "100%", "%", "\\", "a\\b", "_"):
        assert keys(client, "mailboxes", search=search) == [f"a_b@{domain}"], search


def test_mailboxes_are_found_by_address_and_name(client):
    one, two = name(), name()
    client.placed([item(one, accounts=[person("ana", "Ana", "Silva"), person("bo", "Bo", "Li")]),
                   item(two, accounts=[person("ana", "Anaïs", "Silva")])])
    ana, bo, anais = f"ana@{one}", f"bo@{one}", f"ana@{two}"
    for params, found in (({"search": "ana@"}, [ana, anais]), ({"search": one}, [ana, bo]), ({"search": "na SIL"}, [ana]),
                          ({"search": "Anaïs"}, [anais]), ({"search": "bo li"}, [bo]), ({"domain": two}, [anais]),
                          ({"domain": two.upper(), "search": "ana"}, [anais]), ({"domain": one, "search": "li"}, [bo]),
                          ({"domain": "none.example"}, []), ({"domain": "a b"}, []), ({"domain": one, "limit": 1}, [ana, bo])):
        assert keys(client, "mailboxes", **params) == found, params


def test_orders_are_found_by_domain_address_and_id(client):
    one, two = item(accounts=[person("ana")]), item(accounts=[person("bo")])
    client.placed([one])
    wait_done(client)
    client.placed([two, item()])
    client.placed([{**one, "accounts": [person("zoe")]}], "extra_accounts")
    extra, second, first = keys(client, "orders")
    for search, found in ((one["domain"], [extra, first]), (two["domain"], [second]), ("ana@", [first]), ("zoe@" + one["domain"], [extra]),
                          ("@" + two["domain"], [second]), (first, [first]), (first[:30], []), ("ct-", [extra, second, first])):
        assert keys(client, "orders", search=search) == found, search
    assert page(client, "orders", search="ct-", limit=1, starting_after=extra)["items"][0]["id"] == second


def test_states_filter(client):
    good, bad, odd = item(), item("refused-" + name()), item(accounts=[person("ana"), person("refused")])
    client.placed([good])
    client.placed([bad])
    client.placed([odd])
    wait_done(client, 3)
    for what in ("domains", "mailboxes", "orders"):
        by_state = {state: keys(client, what, state=state) for state in STATES[what]}
        assert sorted(sum(by_state.values(), [])) == sorted(keys(client, what)), "each in one"
        for state, found in by_state.items():
            assert [row[KEYS[what]] for row in items(client, what) if row["state"] == state] == found
    assert keys(client, "domains", state="failed") == [bad["domain"]]
    assert keys(client, "domains", drift="true") == [] and len(keys(client, "domains", drift="false")) == 3
    assert keys(client, "domains", state="failed", search="ct-") == [bad["domain"]]
    assert keys(client, "domains", state="ready", search="refused") == []
    assert keys(client, "mailboxes", state="failed", domain=odd["domain"]) == [f"refused@{odd['domain']}"]


def test_invoices_filter(client):
    client.placed([item()])
    client.cli("card", "set", "--on-account")
    client.cli("workspace", "credit", "--limit", "1000")
    owed, bad = item(), item("nodns-" + name())
    client.placed([owed])
    client.placed([bad])
    rows_then = wait_for("the credit note", lambda: [row for row in [items(client, "invoices")] if len(row) == 4])[0]
    by_state = {state: items(client, "invoices", state=state) for state in STATES["invoices"]}
    assert [len(found) for found in by_state.values()] == [2, 1, 1]
    assert sorted(sum(by_state.values(), []), key=lambda row: -row["number"]) == rows_then
    for state, found in by_state.items():
        assert {row["state"] for row in found} == {state}
    assert keys(client, "invoices", search=owed["domain"]) == [by_state["owed"][0]["number"]]
    assert {row["kind"] for row in items(client, "invoices", search=bad["domain"])} == {"invoice", "credit_note"}
    number = by_state["owed"][0]["number"]
    assert number in keys(client, "invoices", search=str(number))
    assert keys(client, "invoices", search=str(number), state="credited") != [number]


# ---- files


def file(client, what, **params):
    """The lines of a list as CSV, read as RFC 4180 says: the names, and the rest."""
    response = client.send("GET", PATHS[what], params={"format": "csv", **params})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    day = datetime.datetime.now(datetime.timezone.utc).date()
    assert response.headers["content-disposition"] in [
        f'attachment; filename="{what}-{one}.csv"' for one in (day, day - datetime.timedelta(1))]
    text = response.content.decode()
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
    names, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert all(len(line) == len(names) for line in lines)
    return names, lines


def as_cells(row):
    """An item of the JSON list as the names and cells that it has to have in the file."""
    names, cells = [], []
    for name, value in row.items():
        parts = {f"{name}_{inner}": one for inner, one in value.items()} if isinstance(value, dict) else {name: value}
        names += parts
        cells += [" ".join(one) if isinstance(one, list) else "" if one is None else str(one).lower() if isinstance(one, bool) else
                  f"{one:g}" if isinstance(one, float) else str(one) for one in parts.values()]
    return names, cells


@every_list
def test_a_file_has_what_the_list_has(client, what):
    client.placed([item(accounts=2), item("refused-" + name(), provider=2)])
    many(client, 2)
    wait_done(client, 4)
    listed = items(client, what)
    names, lines = file(client, what)
    assert names == as_cells(listed[0])[0] and lines == [as_cells(row)[1] for row in listed]
    assert file(client, what, limit=1)[1] == lines, "a file is whole"
    assert file(client, what, search="refused-") == (names, [as_cells(row)[1] for row in items(client, what, search="refused-")])
    for state in STATES[what]:
        assert file(client, what, state=state) == (names, [as_cells(row)[1] for row in items(client, what, state=state)])
    assert file(client, what, search="nothing-like-it") == (names, [])
    assert client.send("HEAD", PATHS[what], params={"format": "csv"}).status_code == 200
    check_error(client.send("GET", PATHS[what], params={"format": "pdf"}), 400, "querystring/format must be equal to one of the allowed values")


def test_a_file_of_many_parts(client):
    client.placed([item(provider=3, accounts=100) for _ in range(12)])
    wait_for("the mailboxes", lambda: len(keys(client, "mailboxes", state="ready")) == 1200, limit=5 * LIMIT, every=0.5)
    _, lines = file(client, "mailboxes")
    assert [line[1] for line in lines] == keys(client, "mailboxes") and len({line[1] for line in lines}) == 1200
    last = page(client, "mailboxes", limit=100)["next_starting_after"]
    assert [line[1] for line in file(client, "mailboxes", starting_after=last)[1]] == [line[1] for line in lines[100:]]


def test_cells_are_quoted_and_formulas_defused(client):
    domain = name()
    people_of = [("=1+1", "a,b"), ("+1", 'say "x"'), ("-1", "plain"), ("@SUM(A1)", "=A1,B1"), ("Anaïs", "O'Neil")]
    client.placed([item(domain, accounts=[person(f"p{i}", *names) for i, names in enumerate(people_of)])])
    names, lines = file(client, "mailboxes")
    at = names.index("first_name")
    assert [tuple(line[at:at + 2]) for line in lines] == [
        ("'=1+1", "a,b"), ("'+1", 'say "x"'), ("'-1", "plain"), ("'@SUM(A1)", "'=A1,B1"), ("Anaïs", "O'Neil")]
    assert {row["first_name"] for row in items(client, "mailboxes")} == {one for one, _ in people_of}, "JSON has them as they are"


@every_list
def test_a_file_has_the_workspaces_own_alone(client, what):
    other = make_client(client.server)
    other.placed([item()])
    assert file(client, what)[1] == []
    many(client, 1)
    assert len(file(client, what)[1]) == 1
    assert client.server.request("GET", PATHS[what], params={"format": "csv"}, auth=False).status_code == 401


# ---- one domain


def test_one_domain(client):
    wanted = item(accounts=[person("ana"), person("refused")])
    client.placed([wanted])
    wait_done(client)
    client.placed([{**wanted, "accounts": [person("zoe")]}], "extra_accounts")
    wait_for("zoe", lambda: keys(client, "mailboxes", state="ready", search="zoe"))
    found = client.send("GET", f"{PATHS['domains']}/{wanted['domain'].upper()}").json()
    [listed], mailboxes, orders = items(client, "domains"), items(client, "mailboxes"), items(client, "orders")
    assert {name: found[name] for name in listed} == listed
    assert found["mailboxes"] == mailboxes and len(mailboxes) == 3
    assert found["orders"] == [{name: order[name] for name in ("id", "order_type", "timestamp_created")} for order in orders]
    assert [step["kind"] for step in found["steps"]] == ["register_domain", "publish_dns"] + ["create_mailbox"] * 3
    states = {step["email"]: step["state"] for step in found["steps"]}
    assert states == {None: "done", f"ana@{wanted['domain']}": "done", f"refused@{wanted['domain']}": "failed", f"zoe@{wanted['domain']}": "done"}
    assert (found["year_price"], found["month_price"], found["swapped_for"]) == (15, 0, None)
    assert found["timestamp_month_renews"] is None and found["timestamp_year_renews"] == found["timestamp_renews"]
    assert found["dkim"]["rotation"] == 1 and found["dkim"]["phase"] == "sole" and found["findings"]["items"] == []


def test_a_domain_that_is_renewed_by_the_month_and_the_year(client):
    wanted = item(provider=3, accounts=50)
    client.placed([wanted])
    wait_done(client)
    found = client.send("GET", f"{PATHS['domains']}/{wanted['domain']}").json()
    assert (found["year_price"], found["month_price"], found["provider"], found["n_mailboxes"]) == (15, 20, "Microsoft", 50)
    assert found["timestamp_month_renews"] == found["timestamp_renews"] < found["timestamp_year_renews"]


def test_a_domain_that_was_cancelled(client):
    wanted = item()
    client.placed([wanted])
    wait_done(client)
    client.send("POST", "/api/v2/dfy-email-account-orders/accounts/cancel", json={"accounts": [f"p0@{wanted['domain']}"]})
    found = client.send("GET", f"{PATHS['domains']}/{wanted['domain']}").json()
    assert (found["state"], found["dkim"], found["timestamp_renews"], found["n_mailboxes"]) == ("cancelled", None, None, 0)
    assert TIME.fullmatch(found["timestamp_cancelled"]) and [row["state"] for row in found["mailboxes"]] == ["cancelled"]
    assert found["findings"] == {"timestamp_checked": None, "unclear_reason": None, "items": []}


def test_of_several_domains_of_a_name_the_newest(client):
    wanted = item("refused-" + name())
    for n in (1, 2):
        client.placed([wanted])
        wait_done(client, n)
    newest, oldest = items(client, "domains")
    assert client.send("GET", f"{PATHS['domains']}/{wanted['domain']}").json()["id"] == newest["id"] > oldest["id"]
    assert keys(client, "mailboxes", domain=wanted["domain"]) == [f"p0@{wanted['domain']}"] * 2


def test_domains_that_are_not_there(client):
    other = make_client(client.server)
    theirs = item()
    other.placed([theirs])
    for one in (theirs["domain"], "none.example", "a..com"):
        check_error(client.send("GET", f"{PATHS['domains']}/{one}"), 404, "Resource not found")
    check_error(client.send("GET", f"{PATHS['domains']}/none"), 400, r'params/domain must match pattern "^\s*\S+\.[a-zA-Z]{2,}\s*$"')


# ---- one password


def password(client, email, **kw):
    return client.send("POST", f"{PATHS['mailboxes']}/{email}/password", **kw)


def shown(client):
    return [entry for entry in client.send("GET", "/api/v2/audit-logs").json()["items"]
            if entry["audit_metadata"]["activity"] == "password_shown"]


def test_a_password_is_shown_and_written_down(client):
    wanted = item(accounts=2)
    client.placed([wanted])
    wait_done(client)
    [want] = [row for row in client.send("GET", "/api/v2/dfy-email-account-orders/accounts", params={"with_passwords": "true"}).json()["items"]
              if row["email"].startswith("p1@")]
    reader = type(client)(client.server, client.workspace, client.workspace_id, scopes=("dfy_email_account_orders:read",))
    response = password(reader, f"P1%40{wanted['domain'].upper()}", headers={"User-Agent": "console/1"})
    assert response.json() == {"email": f"p1@{wanted['domain']}", "password": want["password"]} and want["password"]
    [entry] = shown(client)
    assert entry["audit_metadata"] == {"activity": "password_shown", "email": f"p1@{wanted['domain']}"}
    assert (entry["user_agent"], entry["affected_count"], entry["activity_type"]) == ("console/1", 1, 40)
    assert entry["api_key_id"] == rows(client.server, "SELECT MAX(id) FROM api_keys WHERE workspace_id = ?", client.workspace_id)[0][0]
    assert want["password"] not in client.server.log()


def test_passwords_that_are_not_shown(client):
    other = make_client(client.server)
    wanted, theirs = item(accounts=[person("refused"), person("silent"), person("gone")]), item()
    client.placed([wanted])
    other.placed([theirs])
    wait_done(other)
    wait_for("the first mailboxes", lambda: len(keys(client, "mailboxes", state="failed") + keys(client, "mailboxes", state="ready")) == 2)
    domain = wanted["domain"]
    client.send("POST", "/api/v2/dfy-email-account-orders/accounts/cancel", json={"accounts": [f"gone@{domain}"]})
    for email in (f"p0@{theirs['domain']}", f"none@{domain}", domain, "x" * 400, "a@b%2Fc", "%00@x", "%ff"):
        check_error(password(client, email), 404, "Resource not found")
    reason = items(client, "mailboxes", state="failed")[0]["reason"]
    check_error(password(client, f"refused@{domain}"), 409, f"refused@{domain} could not be set up, so it has no password: {reason}")
    check_error(password(client, f"silent@{domain}"), 409, f"silent@{domain} is still being set up. It has a password once it is ready.")
    check_error(password(client, f"gone@{domain}"), 409, f"gone@{domain} is cancelled: it has no password any more")
    assert shown(client) == [] == shown(other)
    nobody = type(client)(client.server, client.workspace, client.workspace_id, scopes=("webhooks:all",))
    assert password(nobody, f"silent@{domain}").status_code == 403


@pytest.mark.sqlite("a trigger of its own")
def test_without_its_record_no_password_is_shown(fresh):
    client = make_client(fresh())
    wanted = item()
    client.placed([wanted])
    wait_done(client)
    with database(client.server) as db:
        db.execute("CREATE TRIGGER no_more BEFORE INSERT ON audit_logs BEGIN SELECT RAISE(ABORT, 'no more'); END")
    response = password(client, f"p0@{wanted['domain']}")
    assert response.status_code == 500 and "password\":" not in response.text
    with database(client.server) as db:
        db.execute("DROP TRIGGER no_more")
    assert password(client, f"p0@{wanted['domain']}").status_code == 200 and len(shown(client)) == 1
