"""Makes pgbench's script of what PostgreSQL was sent for one order: its log, statement by statement, with ids, names and times that are
new each time. Nothing is written here by hand, so the script is what dfyd of today sends."""
import re

STATEMENT = re.compile(r"^@(\d+) LOG:  execute [^:]*: (.*)$")
PARAMETERS = re.compile(r"^@\d+ DETAIL:  parameters: (.*)$")
VALUE = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
COUNTER = "UPDATE invoice_counter"  # its answer is needed at once
NEAR_MS = 600_000  # a number so close to the time of the order is a time
WRITES = ("INSERT", "UPDATE", "DELETE")


class Statement:
    def __init__(self, text):
        self.text = re.sub(r"^/\*.*?\*/ ?", "", text)
        self.values = {}

    def is_a(self, *words):
        return self.text.startswith(words)


def transactions(log):
    """What stands in LOG (with log_line_prefix '@%p ' and log_statement 'all') as lists of statements, in the order of their ends."""
    ended, under_way, last = [], {}, None
    for line in log.splitlines():
        if found := STATEMENT.match(line):
            last = Statement(found[2])
            under_way.setdefault(found[1], []).append(last)
            if last.is_a("COMMIT", "ROLLBACK"):
                ended.append(under_way.pop(found[1]))
        elif last and (found := PARAMETERS.match(line)):
            last.values = {int(number): value for number, value in VALUE.findall(found[1])}
    while ended and not ended[-1][-1].is_a("COMMIT"):  # what a node does by itself
        ended.pop()
    return ended


def is_write(transaction):
    return transaction[-1].is_a("COMMIT")


class Script:
    """ORDER: transactions() of one; NAME: of its domain, without .com; AT_MS: its time; WORKSPACES: the ids that may stand for WORKSPACE;
    KEPT: other ids that are no part of the order."""

    def __init__(self, order, name, at_ms, workspace, workspaces, kept):
        self.order, self.at_ms, self.workspace, self.kept = order, at_ms, workspace, kept
        self.pieces = re.compile(f'({re.escape(name)}|{UUID}|"number":[0-9]+)')
        self.name, self.of_workspaces = name, "(CAST('{" + ",".join(workspaces) + "}' AS text[]))[CAST(:w AS int)]"
        # A client has workspaces of its own, so that none waits for another's lock.
        self.head = ["\\set n :n + 1", "\\set id 100000000000 + :n * 1000 + :client_id", f"\\set now {at_ms} + :n",
                     f"\\set w mod(:client_id + :n * :clients, {len(workspaces)}) + 1"]

    def piece(self, text):
        if text == self.name:
            return "'x' || CAST(:id AS text)"
        if text == self.workspace:
            return self.of_workspaces
        if text.startswith('"number":'):
            return "'\"number\":' || CAST(:number AS text)"
        if re.fullmatch(UUID, text) and text not in self.kept:
            return f"'{text[:24]}' || CAST(:id AS text)"
        return f"'{text}'"

    def value(self, value):
        """SQL for a parameter; what is the same in each order stays as it is."""
        bare = value.strip("'")
        if re.fullmatch(r"[0-9]{13}", bare) and abs(int(bare) - self.at_ms) < NEAR_MS:
            return f"(CAST(:now AS bigint) + {int(bare) - self.at_ms})"
        if re.fullmatch(r"-?[0-9]{10,}", bare):  # alone it would be taken for a small one
            return f"CAST({value} AS bigint)"
        if value == "NULL" or not self.pieces.search(bare):
            return value
        return "(" + " || ".join(self.piece(text) for text in self.pieces.split(bare) if text) + ")"

    def sql(self, statement):
        values = dict(statement.values)
        if statement.is_a("INSERT INTO invoices"):
            number = values.pop(1)
            assert re.fullmatch("'[0-9]+'", number), number
        if statement.is_a("SELECT pg_advisory_xact_lock"):
            values = {1: ":w"}
        text = re.sub(r"list\((\$\d+)\)", r"list(CAST(\1 AS text[]))", statement.text)
        return re.sub(r"\$(\d+)", lambda at: self.value(values[int(at[1])]) if int(at[1]) in values else "CAST(:number AS bigint)", text)

    def text(self, all_of_it):
        """ALL_OF_IT: with reads, limits, locks and marks; else only the rows that are written, in the same transactions. What can be is sent
        without waiting for answers, which is more than dfyd can do: it looks at them."""
        lines = list(self.head)
        for transaction in self.order:
            if not all_of_it and not is_write(transaction):
                continue
            lines.append("\\startpipeline")
            for one in transaction:
                if one.is_a(COUNTER):
                    lines += ["\\endpipeline", f"{self.sql(one)} \\gset", "\\startpipeline"]
                elif all_of_it or one.is_a("BEGIN", "COMMIT", *WRITES):
                    lines.append(f"{self.sql(one)};")
            lines.append("\\endpipeline")
        return "\n".join(lines) + "\n"
