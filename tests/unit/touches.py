#!/usr/bin/env python3
"""Every function that changes a table behind a caller's identity says db_touch_identities: else a node of a shared database would go
on with what it read before. The tables are all those of the files of src/store that src/api/auth.c and restrictions.c read by."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1]) / "src"
TELLS = ("db_touch_identities(", "move_used(", "count_up(")  # the others call the first
TEXT = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def sql(code):
    return re.sub(r"\s+", " ", " ".join(TEXT.findall(code)))


def functions(code):
    return re.split(r"^}\n", code, flags=re.M)


readers = "".join((ROOT / "api" / name).read_text() for name in ("auth.c", "auth.h", "restrictions.c"))
headers = set(re.findall(r'#include "store/(\w+)\.h"', readers)) - {"store"}
tables = {table for header in headers for table in re.findall(r"(?:FROM|JOIN|INTO|UPDATE) (\w+)", sql((ROOT / "store" / f"{header}.c").read_text()))}
tables -= {"SET"}
assert {"api_keys", "workspaces", "cards", "price_versions", "promotions", "promotion_uses", "restrictions"} <= tables, tables

changed, silent = set(), []
for path in sorted(ROOT.glob("**/*.c")):
    for function in functions(path.read_text()):
        text = sql(function)
        found = set(re.findall(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)", text)) & tables
        changed |= found
        if found and not any(word in function for word in TELLS):
            name = re.findall(r"^\w[^\n]*?(\w+)\(", function, flags=re.M)
            silent.append(f"{path}: {name[-1] if name else '?'} changes {', '.join(sorted(found))} and does not say db_touch_identities")
assert changed == tables, f"nothing changes {tables - changed}?"
sys.exit("\n".join(silent) or 0)
