/* list: the table-valued function list($1) of this program's SQLite connections: a list of texts as rows. For
 * connection.c. */
#pragma once

#include <sqlite3.h>

#include "base/str.h"

/* What a statement's parameter points to; both belong to the caller, until the statement is done. */
struct list {
    const struct str *values;
    size_t n;
};

/* Makes "SELECT value FROM list($1)" known to HANDLE; an SQLite code. */
int list_register(sqlite3 *handle);
/* An SQLite code. */
int list_bind(sqlite3_stmt *stmt, int index, struct list *list);
