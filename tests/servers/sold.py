"""What dfyd sold at a Site, looked at by other eyes than its own: zones, mailboxes, keys, the books; and what the operator is told."""
import imaplib
import re
import smtplib
import sqlite3
import subprocess

from conftest import ORDERS, Server, rows, wait_for

HERE = "127.0.0.1"


def item(domain, *prefixes, **more):
    accounts = [{"email_address_prefix": one, "first_name": one.title(), "last_name": "Doe"} for one in prefixes or ("ann",)]
    return {"domain": domain, "email_provider": 2, "accounts": accounts, **more}


class Shop(Server):
    """`dfyd serve` at SITE, and its other commands. All get the settings by the environment, as on a machine."""

    def __init__(self, site, folder, monkeypatch, **settings):
        super().__init__(folder, retry_base_ms=50, retry_max_ms=400, **settings)
        self.mail, self.dns = site.mailhost, site.powerdns
        for name, value in site.settings().items():
            monkeypatch.setenv(f"DFYD_{name.upper()}", str(value))

    def sell(self, domain, *prefixes, type="dfy", **more):
        answer = self.order([item(domain, *prefixes, **more)], type=type)
        assert answer["order_placed"], answer

    # ---- what the operator is told

    def says(self, domain, *words):
        """Until `order show` and `order list --stuck` give a reason with all WORDS for an open step of DOMAIN; meanwhile nobody is told
        a password of a mailbox that waits. The reason."""
        order = rows(self, "SELECT order_id FROM domains WHERE name = ? ORDER BY id DESC", domain)[0][0]
        seen = set()

        def found():
            fitting = [one for one in self.reasons(domain) if all(word in one for word in words)]
            seen.update(self.reasons(domain))
            if not fitting:
                return None
            stuck = [line for line in self.cli("order", "list", "--stuck").splitlines() if line.startswith(order)]
            return next((one for one in fitting if one in self.cli("order", "show", "--id", order) and stuck
                         and re.search(r"20\d\d-\S+Z +\w+ " + re.escape(f"{domain}: {one}"), stuck[0])), None)
        try:
            return wait_for(f"`{' ... '.join(words)}` for {domain}", found, every=0.05)
        except BaseException:
            print(*seen, self.cli("order", "list", "--stuck"), sep="\n")
            raise

    def reasons(self, domain):
        """Why steps of it wait."""
        return [one for one, in rows(self, "SELECT s.reason FROM steps s JOIN domains d ON d.id = s.domain_id WHERE d.name = ?"
                                           " AND s.state IN ('retrying', 'running') AND s.reason <> ''", domain)]

    def is_pending(self, domain):
        return not self.ready_accounts(domain)

    def has_ended(self, domain):
        return not rows(self, "SELECT 1 FROM steps s JOIN domains d ON d.id = s.domain_id WHERE d.name = ?"
                              " AND s.state NOT IN ('done', 'failed', 'skipped')", domain)

    def ended(self, domain):
        wait_for(f"all steps of {domain}", lambda: self.has_ended(domain))

    def records(self, domain):
        """GET .../dns."""
        response = self.request("GET", f"/api/dfyd/v1/domains/{domain}/dns")
        assert response.status_code == 200, response.text
        return response.json()

    def events(self, type, domain):
        return [one for one, in rows(self, "SELECT json_extract(payload, '$.domain') FROM events WHERE type = ?", type) if one == domain]

    # ---- mailboxes, as their owners and others see them

    def inbox(self, account):
        """The messages in it, by the password that was shown."""
        with imaplib.IMAP4_SSL(HERE, self.mail.imaps, ssl_context=self.mail.client_context()) as imap:
            imap.login(account["email"], account["password"])
            imap.select("INBOX")
            numbers = imap.search(None, "ALL")[1][0].split()
            return [imap.fetch(one, "(RFC822)")[1][0][1] for one in numbers]

    def opens(self, email, password):
        try:
            self.inbox({"email": email, "password": password})
            return True
        except imaplib.IMAP4.error as error:
            assert "AUTHENTICATIONFAILED" in str(error), error
            return False

    def answer_to_mail(self, email, data=None):
        """What port 25 says to a message for EMAIL; with DATA it is sent."""
        with smtplib.SMTP(HERE, self.mail.mx, "sender.test", timeout=30) as mx:
            mx.ehlo()
            mx.mail("somebody@outside.test")
            code, _ = mx.rcpt(email)
            if data and code == 250:
                code, _ = mx.data(data)
            return code

    def mailbox_rows(self, domain):
        """(email, key, home) as the mail host has them; who died amid a commit left what only a writer can take back."""
        with sqlite3.connect(f"file:{self.mail.mailhost_dir}/mail.db?mode=rw", uri=True, timeout=30) as db:
            return db.execute("SELECT email, key, home FROM mailhost_users WHERE domain = ? ORDER BY email", (domain,)).fetchall()

    def signer(self, sql, *values):
        """Read or changed by hand."""
        with sqlite3.connect(self.mail.signer_dir / "dkim.db", timeout=30) as db:
            return db.execute(sql, values).fetchall()

    def keys(self, domain):
        """selector -> what the DNS should say of it, by the mail host."""
        return dict(self.signer("SELECT selector, record FROM dkim_keys WHERE domain = ?", domain))

    def published_keys(self, domain):
        """selector -> what it says; every TXT record below _domainkey."""
        answer = self.dns.api("GET", f"/zones/{domain}.")
        if answer.status_code != 200:
            return {}
        found = {}
        for one in answer.json()["rrsets"]:
            selector, dot, rest = one["name"].partition("._domainkey.")
            if dot and one["type"] == "TXT":
                record, = one["records"]
                found[selector] = "".join(re.findall(r'"([^"]*)"', record["content"]))
        return found

    # ---- all together

    def expect_delivered(self, domain, count, limit=60, was_killed=False):
        """DOMAIN is sold as it should be, and nothing of it twice; its accounts. A check that was cut off by a kill may have left its
        message, for a later one to delete."""
        accounts = self.wait_accounts(count, domain, limit)
        self.ended(domain)
        assert len(accounts) == count
        for account in accounts:
            left = self.inbox(account)
            assert all(was_killed and b"\nX-Dfyd-Check:" in one for one in left), "what the check sent is gone"
            assert self.answer_to_mail(account["email"]) == 250
        ids = dict(rows(self, "SELECT email, id FROM accounts WHERE domain_id = (SELECT id FROM domains WHERE name = ? AND active = 1)"
                              " AND active = 1", domain))
        assert self.mailbox_rows(domain) == sorted((email, id, id) for email, id in ids.items()), "one row an account"
        assert len(self.zones(domain)) == 1 and self.zones(domain)[0]["account"] == "dfyd"
        assert set(self.keys(domain)) == {"dfy1", "dfy1e"} and self.published_keys(domain) == self.keys(domain)
        parts = rows(self, "SELECT intended, overwrite FROM zone_parts WHERE domain_id = (SELECT id FROM domains WHERE name = ? AND active = 1)", domain)
        assert parts and all(part == (None, 0) for part in parts), "nothing is under way"
        assert rows(self, "SELECT count(*) FROM registrations WHERE name = ?", domain, file="sandbox.db") == [(1,)]
        self.cli("ledger", "check")
        return accounts

    def expect_no_drift(self, domain):
        done = self.run("domain", "check", domain)
        assert done.returncode == 0, done.stdout + done.stderr
        assert self.records(domain)["ok"] is True

    def zones(self, domain):
        return [one for one in self.dns.api("GET", "/zones").json() if one["name"] == f"{domain}."]

    def cancel(self, *emails):
        response = self.request("POST", ORDERS + "/accounts/cancel", json={"accounts": list(emails)})
        assert response.status_code == 200, response.text
        return response.json()["items"]


class Disk:
    """A small disk of its own at FOLDER, which is empty yet; None where nobody may mount one."""

    def __init__(self, folder, kib):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.is_there = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=0755", "none", folder],
                                       capture_output=True).returncode == 0

    def fill(self):
        with open(self.folder / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 1024)
            except OSError:
                pass

    def free(self):
        (self.folder / "filler").unlink()

    def end(self):
        if self.is_there:
            subprocess.run(["umount", "-l", self.folder], check=True)
