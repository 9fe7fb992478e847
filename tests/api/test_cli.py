"""The command line: help, errors, settings and their order, the life of the server, and changes beside it."""
import re
import signal
import socket
import stat
import subprocess

import pytest
import requests
from conftest import environment, stores, wait_for

ORDERS = "/api/v2/dfy-email-account-orders"
COMMANDS = ["serve", "work", "key create", "key list", "key revoke", "workspace create", "workspace list", "workspace show",
            "workspace plan", "workspace credit", "card set", "card show", "card remove", "clock show", "clock advance",
            "inventory add", "inventory list",
            "inventory remove", "price add", "price list", "price history", "price end",
            "promo add", "promo list", "promo end",
            "refund list", "refund make", "refund retry", "renewal list", "renewal retry", "restrict add", "restrict allow",
            "restrict remove", "restrict list", "node list", "openapi", "order list", "order show",
            "domain list", "domain show", "domain check", "domain publish", "domain repair", "domain rotate-dkim", "payment list", "invoice list", "invoice show", "invoice pay", "ledger check", "ledger show", "webhook list", "webhook secret", "backup check", "backup",
            "migrate", "restore"]
ALONE = {"openapi", "backup check"}  # needs no data folder


def failed(done, status, *parts):
    assert done.returncode == status and done.stdout == "", done
    assert done.stderr.startswith("dfyd: ") and done.stderr.count("\n") == 1, done.stderr
    for part in parts:
        assert part in done.stderr, done.stderr


def quote(server, domain="cli-quote.com", provider=1, **more):
    account = {"email_address_prefix": "a", "first_name": "A", "last_name": "B"}
    return server.order([{"domain": domain, "email_provider": provider, "accounts": [account], **more}], simulation=True)


# -- help and wrong calls

def test_help_lists_every_command(cli):
    done = cli("--help")
    assert done.returncode == 0 and done.stderr == ""
    assert re.findall(r"^  ((?:\w+ )?[\w-]+)  ", done.stdout, re.M) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(cli, command):
    done = cli(*command.split(), "--help")
    assert done.returncode == 0 and done.stderr == ""
    alone = command in ALONE
    usage = done.stdout.splitlines()[0] + " "
    assert usage.startswith(f"usage: dfyd {command} ") and (" --data DIR " in usage) != (alone or command == "migrate")
    assert ("--config FILE" in done.stdout and "DFYD_" in done.stdout) != alone


def test_help_shows_ranges_and_defaults(cli):
    text = cli("serve", "--help").stdout
    assert re.search(r"--worker-threads N .*\(1 to 64, default 4\)", text)
    assert re.search(r"--listen ADDRESS:PORT .*\(default 127\.0\.0\.1:8025\)", text)
    assert re.search(r"--log-level LEVEL .*debug, info, warn, error, off", text)
    group = cli("key", "--help").stdout
    assert "key create" in group and "serve" not in group


def test_version(cli):
    assert re.fullmatch(r"dfyd \d+\.\d+\.\d+\n", cli("--version").stdout)


@pytest.mark.parametrize("args,parts", [
    (["sevre"], ['"sevre"', 'did you mean "serve"?']),
    (["frobnicate"], ['"frobnicate"', "dfyd --help"]),
    (["key"], ["key needs one of: create, list, revoke"]),
    (["key", "craete"], ['did you mean "key create"?']),
    (["key", "xyzzy"], ["create, list, revoke"]),
    (["serve", "--lsten", "x"], ["--lsten", "did you mean --listen?"]),
    (["serve", "--frobnicate"], ["--frobnicate", "dfyd serve --help"]),
    (["serve", "--list", "127.0.0.1:0"], ["--list", "did you mean --listen?"]),
    (["serve", "-x"], ["-x", "dfyd serve --help"]),
    (["clock", "advance", "-5d"], ["clock advance has no flag -5d", "dfyd clock advance --help"]),
    (["--data", "x", "serve"], ["--data", "before the command"]),
    (["serve", "--listen"], ["--listen needs a value", "127.0.0.1:8025"]),
    (["serve", "extra"], ['does not take "extra"']),
    (["serve"], ["--data DIR", "DFYD_DATA"]),
    (["order", "list", "--stuck=yes"], ["--stuck takes no value"]),
    (["key", "create", "--data", "x"], ["key create needs --scope SCOPE"]),
    (["workspace", "plan", "--active", "maybe"], ["--active must be one of: yes, no", '"maybe"']),
    (["inventory", "add", "--provider", "4"], ["--provider must be one of: 1, 2, 3"]),
    (["serve", "--data", "x\x1b[31m", "--listen", "a\x1bb"], ["--listen must be", "a?b"]),
])
def test_a_wrong_call_is_named_with_what_would_do(cli, args, parts):
    failed(cli(*args), 2, *parts)


def test_no_command_at_all(cli):
    done = cli()
    assert done.returncode == 2 and done.stdout == "" and "usage: dfyd" in done.stderr


# -- settings

@pytest.mark.parametrize("flag,value,allowed", [
    ("--http-threads", "65", "a whole number from 1 to 64"),
    ("--order-threads", "0", "a whole number from 1 to 256"),
    ("--worker-threads", "four", "a whole number from 1 to 64"),
    ("--retry-base-ms", "9", "a whole number from 10 to 3600000 milliseconds"),
    ("--request-timeout-ms", "99", "a whole number from 100 to 600000 milliseconds"),
    ("--lease-ms", "999", "from 1000 to"),
    ("--listen", "localhost:80", "a numeric ADDRESS:PORT"),
    ("--listen", "127.0.0.1:65536", "a port from 0 to 65535"),
    ("--listen", "::1:80", "[::1]:8025"),
    ("--providers-off", "1,4", "a list of 1, 2 and 3"),
    ("--web-address", "::1", "an IPv4 address"),
    ("--log-level", "loud", "one of debug, info, warn, error, off"),
])
def test_a_bad_setting_is_named_with_its_range(cli, tmp_path, flag, value, allowed):
    name = flag[2:].replace("-", "_")
    failed(cli("serve", "--data", str(tmp_path / "d"), flag, value), 2, flag, allowed, f'"{value}"')
    variable = "DFYD_" + name.upper()
    failed(cli("serve", "--data", str(tmp_path / "d"), env={variable: value}), 2, variable, allowed, f'"{value}"')
    config = tmp_path / "dfyd.conf"
    config.write_text(f"# first\n\n{name} = {value}\n")
    failed(cli("serve", "--data", str(tmp_path / "d"), "--config", str(config)), 2, f"{config}:3: {name}", allowed)
    assert not (tmp_path / "d").exists()


def test_another_database_is_refused_without_showing_its_password(cli, tmp_path):
    done = cli("serve", "--data", str(tmp_path), "--db", "mysql://dfyd:secret@db/dfyd")
    failed(done, 2, "--db must be sqlite")
    assert "secret" not in done.stderr
    done = cli("serve", "--data", str(tmp_path), "--db", "postgresql://dfyd:secret@127.0.0.1:1/dfyd")
    failed(done, 1, "127.0.0.1")
    assert "secret" not in done.stderr


@pytest.mark.parametrize("text,parts", [
    ("worker_treads = 4\n", [":1:", '"worker_treads"']),
    ("\nlisten\n", [":2:", "name = value"]),
    ("drain_ms = 1\ndrain_ms = 2\n", [":2:", "drain_ms is set twice"]),
    ("config = other\n", [":1:", "config cannot be set in a file"]),
    ("drain_ms = " + "1" * 5000 + "\n", [":1:", "longer than"]),
    ("retry_base_ms = 500\nretry_max_ms = 100\n", ["retry_max_ms (100)", "retry_base_ms (500)"]),
])
def test_a_bad_configuration_file(cli, tmp_path, text, parts):
    config = tmp_path / "dfyd.conf"
    config.write_text(text)
    failed(cli("serve", "--data", str(tmp_path / "d"), "--config", str(config)), 2, *parts)


def test_a_missing_configuration_file(cli, tmp_path):
    failed(cli("serve", "--data", str(tmp_path), "--config", str(tmp_path / "none")), 2, str(tmp_path / "none"))


def test_flag_over_environment_over_file(fresh, tmp_path, monkeypatch):
    config = tmp_path / "dfyd.conf"
    config.write_text("# three providers are sold\nproviders_off = 1   # but this one\n")
    server = fresh(config=config)
    off = lambda: [p for p in (1, 2) if quote(server, provider=p).get("order_error") == "provider_unavailable"]
    assert off() == [1], "the file alone"
    monkeypatch.setenv("DFYD_PROVIDERS_OFF", "2")
    server.restart()
    assert off() == [2], "the environment over the file"
    server.restart(providers_off="1,2")
    assert off() == [1, 2], "the flag over both"
    monkeypatch.setenv("DFYD_PROVIDERS_OFF", "")
    server.restart()
    assert off() == [1], "an empty variable counts as not set"


def test_the_folder_and_the_file_from_the_environment(cli, fresh, tmp_path):
    server = fresh()
    assert "default" in cli("workspace", "list", env={"DFYD_DATA": str(server.dir)}).stdout
    config = tmp_path / "dfyd.conf"
    config.write_text(f"data = {server.dir}\n")
    env = environment("--data", server.dir)  # a file may name its folder, but not its database's password
    assert "default" in cli("workspace", "list", env={**env, "DFYD_CONFIG": str(config)}).stdout
    assert "default" in cli("workspace", "list", f"--config={config}", env=env).stdout


# -- the life of the server

def test_first_start_makes_all_it_needs(fresh, tmp_path):
    server = fresh(dir=tmp_path / "new")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.base)
    shown = server.cli("workspace", "show")
    assert re.search(r"^name +default$", shown, re.M) and re.search(r"^plan +active$", shown, re.M)
    assert re.search(r"^card +visa ending in 4242, Sandbox Card$", shown, re.M)
    server.restart()
    assert server.cli("workspace", "list").count("default") == 1
    assert quote(server)["payment_method_name_on_card"] == "Sandbox Card"


def test_files_are_the_owners_alone(fresh, tmp_path):
    folder = tmp_path / "wide"
    folder.mkdir(mode=0o755)
    server = fresh(dir=folder)
    quote(server)
    wide = [f.name for f in folder.iterdir() if f.name != "log" and stat.S_IMODE(f.stat().st_mode) & 0o077]
    assert wide == []


def test_health(dfyd):
    for path in ("/healthz", "/readyz"):
        response = dfyd.request("GET", path, auth=False)
        assert response.status_code == 200, path


def test_serves_ipv6(fresh):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    server = fresh(listen="[::1]:0")
    assert server.base.startswith("http://[::1]:")
    assert quote(server)["order_is_valid"]


@pytest.mark.sqlite("nodes may share a folder")
def test_second_server_is_refused(fresh):
    server = fresh()
    failed(server.run("serve", "--listen", "127.0.0.1:0"), 1, f"another dfyd serves {server.dir} (pid {server.pid})")
    assert quote(server)["order_is_valid"], "the first one serves on"


def test_the_lock_goes_with_its_process(fresh):
    server = fresh()
    server.kill()
    assert server.start()


def test_a_taken_port_is_named(fresh, cli, tmp_path):
    server = fresh()
    done = cli("serve", "--data", str(tmp_path / "other"), "--listen", f"127.0.0.1:{server.port}")
    failed(done, 1, f"127.0.0.1:{server.port}")


def test_a_folder_that_cannot_be_made(cli, tmp_path):
    (tmp_path / "file").write_text("")
    failed(cli("serve", "--data", str(tmp_path / "file" / "d")), 1, str(tmp_path / "file" / "d"))
    failed(cli("serve", "--data", str(tmp_path / "none" / "d")), 1, str(tmp_path / "none" / "d"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0(fresh, number):
    server = fresh()
    assert quote(server)["order_is_valid"]
    server.process.send_signal(number)
    assert server.process.wait(60) == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(server.base + "/healthz", timeout=5)
    server.start()  # so that the end of the test stops it as usual


def test_an_order_under_way_is_answered_before_it_ends(fresh):
    server = fresh(http_threads=1)  # which reads what came first first
    body = b'{"order_type":"dfy","simulation":true,"items":[]}'
    head = (f"POST {ORDERS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        connection.sendall(head + body[:10])
        # An answer to a later request shows that the server read the first half.
        assert quote(server)["order_is_valid"]
        server.process.send_signal(signal.SIGTERM)
        connection.sendall(body[10:])
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    assert server.process.wait(60) == 0
    server.start()


def test_orders_survive_a_stop(fresh):
    server = fresh()
    account = {"email_address_prefix": "a", "first_name": "A", "last_name": "B"}
    assert server.order([{"domain": "stays-here.com", "accounts": [account]}])["order_placed"]
    server.restart()
    assert [a["email"] for a in server.wait_accounts(1)] == ["a@stays-here.com"]


def test_output_that_cannot_be_written_is_an_error(fresh):
    server = fresh()
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([server.process.args[0], "price", "list", "--data", str(server.dir)], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=environment("--data", server.dir))
    assert done.returncode == 1 and "standard output" in done.stderr


# -- keys

def test_key_create_prints_only_the_key_and_may_come_first(cli, fresh, tmp_path):
    folder = tmp_path / "early"
    done = cli("key", "create", "--data", str(folder), "--workspace", "default", "--scope", "all:all")
    assert done.returncode == 0 and done.stderr == ""
    assert re.fullmatch(r"dfyd_[A-Za-z0-9_-]{43}\n", done.stdout)
    server = fresh(dir=folder)
    response = server.request("GET", ORDERS, headers={"Authorization": "Bearer " + done.stdout.strip()})
    assert response.status_code == 200


def test_keys_are_stored_as_hashes(fresh):
    server = fresh()
    secret = server.key[5:].encode()
    server.stop()
    for file in server.dir.iterdir():
        assert secret not in file.read_bytes(), file


def test_scopes_are_checked_and_kept(dfyd):
    failed(dfyd.run("key", "create", "--scope", "orders:all"), 2, '"orders:all"', "dfy_email_account_orders", "audit_logs",
           "create, read, update, delete, all")
    failed(dfyd.run("key", "create", "--scope", "all:write"), 2, '"all:write"')
    failed(dfyd.run("key", "create", "--scope", "all:all", "--workspace", "nobody"), 1, '"nobody"')
    key = dfyd.cli("key", "create", "--scope=dfy_email_account_orders:read", "--scope", "webhooks:all", "--name",
                   "reader").strip()
    headers = {"Authorization": f"Bearer {key}"}
    assert dfyd.request("GET", ORDERS, headers=headers).status_code == 200
    assert dfyd.post_order([], headers=headers).status_code == 403
    assert re.search(r" reader +dfy_email_account_orders:read webhooks:all +no ", dfyd.cli("key", "list"))


def test_a_revoked_key_is_refused_at_once(dfyd):
    key = dfyd.cli("key", "create", "--scope", "all:all", "--name", "short-lived").strip()
    headers = {"Authorization": f"Bearer {key}"}
    assert dfyd.request("GET", ORDERS, headers=headers).status_code == 200
    number = next(line.split()[0] for line in dfyd.cli("key", "list").splitlines() if "short-lived" in line)
    dfyd.cli("key", "revoke", "--id", number)
    response = dfyd.request("GET", ORDERS, headers=headers)
    assert response.status_code == 401 and response.json()["message"] == "Invalid API key"
    failed(dfyd.run("key", "revoke", number), 1, number)


# -- changes beside a running server

def test_a_plan_that_ends(dfyd):
    dfyd.cli("workspace", "create", "--name", "payer")
    key = dfyd.cli("key", "create", "--workspace", "payer", "--scope", "all:all").strip()
    headers = {"Authorization": f"Bearer {key}"}
    status = lambda: dfyd.post_order([{"domain": "plan-ends.com"}], simulation=True, headers=headers).status_code
    assert status() == 200
    dfyd.cli("workspace", "plan", "--workspace", "payer", "--active", "no")
    assert status() == 402
    assert re.search(r"^plan +inactive$", dfyd.cli("workspace", "show", "payer"), re.M)
    dfyd.cli("workspace", "plan", "--workspace", "payer", "--active", "yes")
    assert status() == 200
    failed(dfyd.run("workspace", "create", "--name", "payer"), 1, '"payer"', "already")
    failed(dfyd.run("workspace", "show", "--workspace", "nobody"), 1, '"nobody"')


def test_prices(dfyd):
    first = quote(dfyd)["price_per_account_per_month"]
    assert first == 5 and re.search(r"^google_mailbox_month +5\.00 +5\.00 ", dfyd.cli("price", "list"), re.M)
    dfyd.cli("price", "add", "google_mailbox_month", "--amount", "4.50")
    assert quote(dfyd)["price_per_account_per_month"] == 4.5
    dfyd.cli("price", "set", "--name", "google_mailbox_month", "--amount", "3.07", "--workspace", "default")
    answer = quote(dfyd)
    assert answer["price_per_account_per_month"] == 3.07 and answer["total_price"] == 18.07
    assert re.search(r"^google_mailbox_month +4\.50 +5\.00 ", dfyd.cli("price", "list"), re.M)
    assert re.search(r"^google_mailbox_month +3\.07 ", dfyd.cli("price", "list", "--workspace", "default"), re.M)
    dfyd.cli("price", "end", "google_mailbox_month", "--workspace", "default")
    assert quote(dfyd)["price_per_account_per_month"] == 4.5
    dfyd.cli("price", "unset", "--name", "google_mailbox_month")
    assert quote(dfyd)["price_per_account_per_month"] == 5


@pytest.mark.parametrize("amount", ["4.505", "-1", "four", "1e3", "99999999999999"])
def test_a_wrong_amount(dfyd, amount):
    failed(dfyd.run("price", "set", "--name", "domain_year", f"--amount={amount}"), 2, "--amount", f'"{amount}"', "4.50")


def test_a_wrong_price_name_is_told_the_right_one(dfyd):
    failed(dfyd.run("price", "set", "--name", "domain_yaer", "--amount", "1"), 2, '"domain_yaer"', "mean domain_year?")
    failed(dfyd.run("price", "set", "--name", "rent", "--amount", "1"), 2, '"rent"', "`dfyd price list`")


def test_prices_that_start_later(dfyd):
    name = ("--name", "domain_year", "--workspace", "default")
    dfyd.cli("price", "add", *name, "--amount", "12", "--starts", "2999-02-28")
    dfyd.cli("price", "end", *name, "--at", "2999-03-01T08:30Z")
    assert quote(dfyd)["price_per_domain_per_year"] == 15
    year = lambda at: re.search(r"^domain_year +(\S+) +15\.00 ",
                                dfyd.cli("price", "list", "--workspace", "default", "--at", at), re.M)[1]
    assert [year(at) for at in ("2999-02-27T23:59:59.999Z", "2999-02-28", "2999-03-01T08:29:59Z", "2999-03-01T08:30Z")
            ] == ["15.00", "12.00", "12.00", "15.00"]
    history = dfyd.cli("price", "history", "--workspace", "default").splitlines()
    assert re.match(r"VERSION +STARTS +NAME +AMOUNT +FOR +MADE", history[0])
    assert re.match(r"\d+ +2999-03-01T08:30:00\.000Z +domain_year +ended +default +20", history[1])
    assert re.match(r"\d+ +2999-02-28T00:00:00\.000Z +domain_year +12\.00 +default +20", history[2])
    assert len(dfyd.cli("price", "history", "--limit", "1").splitlines()) == 2
    failed(dfyd.run("price", "history", "--limit", "0"), 2, "--limit", '"0"')


@pytest.mark.parametrize("time,why", [
    ("2026-01-01", "2026-01-01T00:00:00.000Z is past"), ("2999-02-29", "--starts must be a day"),
    ("tomorrow", '"tomorrow"'), ("2999-01-01T08:30", "UTC"), ("2999-01-01T08:30+01:00", "UTC"), ("2999-1-1", "a day"),
    ("2999-01-01 08:30Z", "a day"), ("2999-01-01T24:00Z", "a day")])
def test_a_start_that_is_none(dfyd, time, why):
    failed(dfyd.run("price", "add", "domain_year", "--amount", "1", "--starts", time), 2, why)
    failed(dfyd.run("price", "end", "domain_year", "--at", time), 2, why.replace("starts", "at"))


def test_prices_are_also_set_and_unset(dfyd):
    """The names that `price add` and `price end` had, and the flag."""
    name = ("--name", "extra_airmail_mailbox_month", "--workspace", "default")
    at = lambda day: re.search(r"^extra_airmail_mailbox_month +(\S+)",
                               dfyd.cli("price", "list", "--workspace", "default", "--at", day), re.M)[1]
    dfyd.cli("price", "set", *name, "--amount", "3", "--starts", "2998-01-01")
    dfyd.cli("price", "unset", *name, "--starts", "2998-01-02")
    assert [at(day) for day in ("2998-01-01", "2998-01-02")] == ["3.00", "4.00"]
    assert "usage: dfyd price add" in dfyd.cli("price", "set", "--help")


@pytest.mark.parametrize("amount", ["EUR 4", "4 EUR", "€4", "$4"])
def test_there_is_one_currency(dfyd, amount):
    failed(dfyd.run("price", "set", "--name", "domain_year", "--amount", amount), 2, "US dollars, the one currency")


def test_cards(fresh):
    server = fresh()
    server.cli("card", "set", "--token", "tok_mastercard", "--name", "Jane Doe")
    answer = quote(server)
    assert [answer["payment_method_" + field] for field in ("brand", "last_4_digits", "name_on_card")] == [
        "mastercard", "4444", "Jane Doe"]
    assert server.cli("card", "show") == (
        "token   tok_mastercard\nbrand   mastercard\nlast4   4444\nname    Jane Doe\ndriver  sandbox\n")
    failed(server.run("card", "set", "--token", "tok_gold", "--name", "Jane Doe"), 2, '"tok_gold"', "tok_visa",
           "tok_declined")
    server.cli("card", "remove")
    assert quote(server)["payment_method_brand"] == ""
    failed(server.run("card", "show"), 1, "no card")
    failed(server.run("card", "remove"), 1, "no card")


def test_on_account(fresh):
    server = fresh()
    failed(server.run("card", "set", "--token", "tok_visa"), 2, "--token and --name", "--on-account")
    failed(server.run("card", "set", "--on-account", "--token", "tok_visa"), 2, "--on-account without them")
    failed(server.run("card", "set", "--token", "on_account", "--name", "Jane"), 2, '"on_account"')
    failed(server.run("workspace", "credit", "--limit", "-1"), 2, "--limit", "499.50")
    server.cli("card", "set", "--on-account")
    assert server.cli("card", "show") == (
        "token   on_account\nbrand   invoice\nlast4   -\nname    default\ndriver  invoice\n")
    assert server.cli("workspace", "credit", "--limit", "500") == "limit  500.00\nowed   0.00\nleft   500.00\n"
    assert server.cli("workspace", "credit") == "limit  500.00\nowed   0.00\nleft   500.00\n"
    shown = server.cli("workspace", "show")
    assert re.search(r"^card +none: on account$", shown, re.M) and re.search(r"^credit limit +500\.00$", shown, re.M)
    answer = quote(server)
    assert [answer["payment_method_" + field] for field in ("brand", "last_4_digits", "name_on_card")] == [
        "invoice", "", "default"]


def test_inventory(fresh):
    server = fresh()
    server.cli("inventory", "add", "--domain", "Warm-One.CO", "--provider", "2", "--account", "Anna,Anna,Berg",
               "--account", "olaf,Olaf,van der Dahl")
    server.cli("inventory", "add", "--domain", "warm-two.com", "--provider", "1", "--account", "ida,Ida,Lund")
    assert server.cli("inventory", "list").splitlines()[1:] == [
        "warm-one.co   AirMail   for sale  anna, olaf", "warm-two.com  Google    for sale  ida"]
    buy = lambda simulation: server.order([{"domain": "warm-one.co"}], type="pre_warmed_up", simulation=simulation)
    assert [a["last_name"] for a in buy(True)["order_items"][0]["accounts"]] == ["Berg", "van der Dahl"]
    assert buy(False)["order_placed"]
    assert "sold" in server.cli("inventory", "list") and "warm-one" not in server.cli("inventory", "list", "--unsold")
    failed(server.run("inventory", "remove", "--domain", "warm-one.co"), 1, "warm-one.co", "sold")
    server.cli("inventory", "remove", "warm-two.com")
    failed(server.run("inventory", "remove", "warm-two.com"), 1, "warm-two.com")
    answer = server.order([{"domain": "warm-two.com"}], type="pre_warmed_up", simulation=True)
    assert answer["order_error"] == "unavailable_domains"


@pytest.mark.parametrize("domain,account,parts", [
    ("not a name", "a,A,B", ["--domain", '"not a name"']),
    ("warm.io", "a,A,B", ["--domain", "com, org or co"]),
    ("example.com", "a,A,B", ["example.com", "restricted", "example"]),
    ("warm-x.com", "a,A", ["--account", "PREFIX,FIRST,LAST", '"a,A"']),
    ("warm-x.com", "a b,A,B", ["Email address prefix is invalid"]),
])
def test_wrong_stock(dfyd, domain, account, parts):
    failed(dfyd.run("inventory", "add", "--domain", domain, "--provider", "1", "--account", account), 2, *parts)


def test_stock_is_added_once(dfyd):
    add = ["inventory", "add", "--domain", "warm-once.com", "--provider", "1", "--account", "a,A,B"]
    dfyd.cli(*add)
    failed(dfyd.run(*add), 1, "warm-once.com", "already")
    failed(dfyd.run(*add, "--account", "A,A,C"), 2, "Duplicate email address")


# -- orders

def test_order_show_tells_every_step(fresh):
    server = fresh(retry_base_ms=3600000)
    accounts = [{"email_address_prefix": p, "first_name": "A", "last_name": "B"} for p in ("anna", "silent", "refused")]
    assert server.order([{"domain": "shown-here.com", "accounts": accounts}])["order_placed"]
    assert server.order([{"domain": "plain-here.com", "accounts": accounts[:1]}])["order_placed"]
    server.wait_accounts(2)
    server.wait_order("shown-here.com", "retrying")
    server.wait_order("shown-here.com", "failed")
    show = lambda: server.wait_order("shown-here.com", "failed")
    text = wait_for("the refund", lambda: next((t for t in [show()] if re.search(r"^refund +5\.00 +done ", t, re.M)), None))
    assert re.search(r"^state +placed$", text, re.M) and re.search(r"^amount +30\.00$", text, re.M)
    steps = {line.split()[2] if "@" in line else line.split()[1]: line for line in text.splitlines()
             if line.startswith("shown-here.com")}
    assert re.search(r" done +1 +- +-$", steps["register_domain"])
    assert re.search(r" done +1 +- +-$", steps["anna@shown-here.com"])
    assert re.search(r" retrying +1 +\d{4}-\d\d-\d\dT\S+Z +\S", steps["silent@shown-here.com"])
    assert re.search(r" failed +1 +- +\S", steps["refused@shown-here.com"])
    starts = {line.index("create_mailbox") for line in text.splitlines() if "create_mailbox" in line}
    assert len(starts) == 1, "columns are aligned"

    ids = lambda *flags: re.findall(r"^[0-9a-f-]{36}", server.cli("order", "list", *flags), re.M)
    stuck = re.search(r"^order +(\S+)$", text, re.M)[1]
    assert len(ids()) == 2 and ids("--stuck") == [stuck] and len(ids("--limit", "1")) == 1
    assert server.cli("order", "show", stuck) == text
    failed(server.run("order", "show", "--id", "nope"), 1, "nope")
    failed(server.run("order", "list", "--limit", "0"), 2, "--limit", "from 1 to")


@pytest.mark.sqlite("beside a shared database they need no folder")
def test_commands_need_data(cli, tmp_path):
    failed(cli("order", "list", "--data", str(tmp_path / "typo")), 1, str(tmp_path / "typo"), "dfyd serve")
    assert not (tmp_path / "typo").exists()


def test_the_log_holds_no_secret(fresh):
    server = fresh(log_level="debug")
    account = {"email_address_prefix": "a", "first_name": "A", "last_name": "B"}
    assert server.order([{"domain": "quiet-log.com", "accounts": [account]}])["order_placed"]
    password = server.wait_accounts(1)[0]["password"]
    log = server.log()
    assert "order_placed" in log and server.key not in log and password not in log and "tok_visa" not in log


def test_the_database_holds_no_password(fresh):
    server = fresh()
    account = {"email_address_prefix": "a", "first_name": "A", "last_name": "B"}
    assert server.order([{"domain": "sealed-here.com", "accounts": [account]}])["order_placed"]
    password = server.wait_accounts(1)[0]["password"]
    server.stop()
    assert stores(server, "sealed-here.com") and not stores(server, password)


@pytest.mark.parametrize("change", ["missing", "another"])
def test_a_database_is_not_served_with_the_wrong_key(fresh, change):
    server = fresh()
    server.stop()
    key = server.dir / "secret.key"
    right = key.read_bytes()
    if change == "missing":
        key.unlink()
    else:
        key.write_bytes(bytes(32))
    assert not server.start(expect_start=False)
    assert str(key) in server.log() and "restore" in server.log()
    key.write_bytes(right)
    key.chmod(0o600)
    assert server.start()


def test_a_server_that_cannot_know_notices_says_so(fresh, tmp_path):
    key = tmp_path / "stripe.key"
    key.write_text("sk_test_" + "a" * 24)
    server = fresh(payment="stripe", stripe_url="http://127.0.0.1:9", stripe_key_file=key, checkout="on", public_url="http://127.0.0.1:1")
    line = wait_for("the warning", lambda: re.search(r"event=no_webhook_secret .*", server.log()))[0]
    assert "stripe_webhook_secret_file" in line and "refused" in line


@pytest.mark.parametrize("settings, key, words", [
    ({}, None, "rfc2136_server is missing"),
    ({"rfc2136_server": "127.0.0.1:53"}, None, "TSIG key is missing: say rfc2136_key_file"),
    ({"rfc2136_server": "127.0.0.1:53"}, "hmac-sha256:dfyd:not*base64", "secret must be base64"),
    ({"rfc2136_server": "127.0.0.1:53"}, "hmac-sha256:dfyd:c2VjcmV0", "dns_nameservers is missing"),
    ({"rfc2136_server": "127.0.0.1:53", "dns_nameservers": "ns1.a.net", "resolver": "127.0.0.1:0"}, "hmac-sha256:dfyd:c2VjcmV0",
     "resolver: 127.0.0.1 port 0"),
])
def test_a_primary_needs_its_settings(fresh, tmp_path, settings, key, words):
    if key:
        (tmp_path / "key").write_text(key + "\n")
        settings = {**settings, "rfc2136_key_file": tmp_path / "key"}
    server = fresh(expect_start=False, dns="rfc2136", **settings)
    assert server.refused and words in server.log()
    assert not key or key.rpartition(":")[2] not in server.log()


def test_a_primary_is_not_asked_at_start(fresh, tmp_path):
    (tmp_path / "key").write_text("HMAC-SHA512:Dfyd.Key.:c2VjcmV0")
    assert fresh(dns="rfc2136", rfc2136_server="127.0.0.1:1", rfc2136_key_file=tmp_path / "key", dns_nameservers="ns1.a.net").alive()


@pytest.mark.parametrize("settings, words", [
    ({}, "mailhost_name is missing: say the host name"),
    ({"mailhost_name": "mx.a.net", "mailhost_ca_file": "/nonexistent.pem"}, "mailhost_ca_file /nonexistent.pem: No such file"),
    ({"mailhost_name": "mx.a.net", "mailhost_doveadm_url": "http://127.0.0.1:1"}, "say mailhost_doveadm_key_file, or DFYD_MAILHOST_DOVEADM_KEY"),
    ({"mailhost_name": "mx.a.net", "mailhost_doveadm_url": "http://127.0.0.1:1", "mailhost_doveadm_key_file": "/nonexistent"},
     "mailhost_doveadm_key_file /nonexistent: No such file"),
    ({"mailhost_name": "mx.a.net", "mailhost_doveadm_url": "http://127.0.0.1:1", "mailhost_doveadm_key_file": "/dev/null"},
     "mailhost_doveadm_key_file /dev/null must hold one word"),
])
def test_a_mail_host_needs_its_settings(fresh, settings, words):
    server = fresh(expect_start=False, mailbox="mailhost", **settings)
    assert server.refused and words in server.log()


def test_records_that_point_nowhere_are_warned_of(fresh, tmp_path):
    (tmp_path / "key").write_text("k")
    powerdns = {"dns": "powerdns", "powerdns_url": "http://127.0.0.1:1", "powerdns_key_file": tmp_path / "key", "dns_nameservers": "ns1.a.net"}
    server = fresh(**powerdns)
    wait_for("the warnings", lambda: "event=web_address_is_loopback" in server.log() and "event=no_edge" in server.log())
    server.restart(**powerdns, web_address="192.0.2.1", edge_listen="127.0.0.1:0")
    server.stop()
    assert [server.log().count(f"event={word} ") for word in ("started", "stopped", "no_edge", "web_address_is_loopback")] == [2, 2, 1, 1]
