#!/usr/bin/env python3
"""statements.py BUILD SCHEMA...: PostgreSQL takes every SQL text that dfyd can prepare, with the types that db.h binds.

SQL is written as literals (db.h), so all of it stands in the object files of BUILD; this takes it from there and prepares it in a
database that the files SCHEMA made. Texts that begin with the mark of DB_ONLY_SQLITE are left out, and objects that speak to
SQLite themselves: the drivers' books and src/store/sqlite. Runs beside with_postgres.py.
"""
import os
import pathlib
import re
import struct
import subprocess
import sys

BOUND = {"text", "bigint", "bytea", "text[]"}  # what db.h binds; constants beside a parameter make it an integer: bigint does as well
PREPARED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES")
LEAST = 300  # fewer texts would mean that this program no longer finds them


def sections(data):
    """(name, flags, bytes) of each section of an ELF file of 64 bits, little endian; symbols as well."""
    at, = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    heads = [struct.unpack_from("<IIQQQQIIQQ", data, at + i * size) for i in range(count)]
    start = heads[names][4]
    for head in heads:
        name = data[start + head[0]:data.index(b"\0", start + head[0])].decode()
        yield name, data[head[4]:head[4] + head[5]] if head[1] != 8 else b""


def texts(path):
    """The SQL in an object file."""
    data = path.read_bytes()
    assert data[:5] == b"\x7fELF\x02", f"{path} is no object file of 64 bits"
    found = list(sections(data))
    strtab = next((content for name, content in found if name == ".strtab"), b"")
    if b"\0sqlite3_" in strtab:
        return
    for name, content in found:
        if name.startswith((".rodata", ".data")):
            words = rb"(?:^|(?<=\0))((?:/\*(?:sqlite|postgres)\*/ )?(?:" + "|".join(PREPARED).encode() + rb") [^\0]*)\0"
            for text in re.findall(words, content):
                yield text.decode()


def is_pattern(text, name):
    """What texts are made of at run time: by the copy between engines alone, whose own tests run on both."""
    is_one = re.search(r"%(\.\*)?s", text) is not None
    assert not is_one or name.startswith("copy.c"), f"{name} makes SQL from a pattern: {text}"
    return is_one


def for_postgres(sql):
    return re.sub(r"/\*pg (.*?)\*/", r" \1 ", sql)


def psql(*argv, **more):
    url = os.environ["DFYD_TEST_POSTGRES"].replace("@?", f"{more.pop('database', 'statements')}?")
    return subprocess.run(["psql", "-X", "-q", "-A", "-t", url, *argv], capture_output=True, text=True, check=False, **more)


def must(done):
    assert done.returncode == 0, done.stderr
    return done.stdout


def prepare(statements):
    """The types of the parameters of those that could be prepared, by their places in STATEMENTS."""
    script = "".join(f"PREPARE s{i} {types} AS {sql};\n" for i, (types, sql) in enumerate(statements))
    script += "SELECT substr(name, 2), array_to_string(parameter_types::text[], ',') FROM pg_prepared_statements"
    rows = (line.split("|") for line in psql(input=script).stdout.splitlines())
    return {int(number): [one for one in types.split(",") if one] for number, types in rows}


def why(types, sql):
    return psql("-c", f"PREPARE s {types} AS {sql}").stderr.strip()


def main(build, *schema):
    objects = [path for path in sorted(pathlib.Path(build, "src").rglob("*.o")) if "driver" not in path.relative_to(build).parts[1]]
    where = {text: path.name for path in objects for text in texts(path)}
    all_texts = [text for text in where if not text.startswith("/*sqlite*/") and not is_pattern(text, where[text])]
    assert len(all_texts) >= LEAST, f"only {len(all_texts)} texts were found in {len(objects)} objects"

    must(psql("-c", "CREATE DATABASE statements", database="postgres"))
    must(psql("-c", "CREATE TABLE schema_version (version BIGINT PRIMARY KEY, name TEXT, oldest BIGINT NOT NULL)"))
    for path in schema:
        must(psql("-v", "ON_ERROR_STOP=1", "-1", "-f", path))

    wrong = []
    inferred = prepare([("", for_postgres(text)) for text in all_texts])
    typed = []
    for i, text in enumerate(all_texts):
        if i not in inferred:
            wrong.append((text, why("", for_postgres(text))))
            continue
        types = ["bigint" if one == "integer" else one for one in inferred[i]]
        if set(types) - BOUND:
            wrong.append((text, f"its parameters are {', '.join(types)}: nothing binds such types"))
        typed.append((f"({', '.join(types)})" if types else "", for_postgres(text), text))
    taken = prepare([(types, sql) for types, sql, _ in typed])
    wrong += [(text, why(types, sql)) for i, (types, sql, text) in enumerate(typed) if i not in taken]

    for text, reason in wrong:
        print(f"{where[text]}: {text}\n    {reason}\n")
    print(f"{len(all_texts)} texts, {len(wrong)} of them wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
