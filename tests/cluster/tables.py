"""The books as they stand there, read without dfyd: the database's, of either engine, and the sandbox's."""
import csv
import io
import os
import sqlite3
import subprocess

NULL = "\\N"


def sqlite_rows(path, sql):
    """All rows as tuples of text; NULL is None."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30) as db:
        return [tuple(None if v is None else str(v) for v in row) for row in db.execute(sql)]


def postgres_rows(url, sql):
    """The same from a PostgreSQL; psql reads the URL as dfyd's libpq does."""
    done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "--csv", "-t", "-P", f"null={NULL}", "-c", sql, url],
                          capture_output=True, text=True, check=False, env={**os.environ, "PGOPTIONS": "-c statement_timeout=120s"})
    if done.returncode:
        raise AssertionError(f"psql: {done.stderr}")
    csv.field_size_limit(1 << 30)
    return [tuple(None if v == NULL else v for v in row) for row in csv.reader(io.StringIO(done.stdout))]
