/*
 * db: one connection to the database: prepare, bind, step, read a column. Parameters are $1, $2, ...; statements are
 * kept prepared, so that the same text costs nothing the second time. The only header that SQL goes through.
 * A connection belongs to one thread at a time.
 *
 * The same text serves SQLite and PostgreSQL. Where they part, an SQL comment that begins with the letters pg and a
 * space is text for PostgreSQL alone, as in steps.c; DB_EITHER has two texts.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct db;
struct stmt;

enum db_step { DB_ROW, DB_END, DB_FAIL };

enum db_engine { DB_SQLITE, DB_POSTGRES };

enum db_engine db_engine(const struct db *db);
/* The text for DB's engine; both are literals. The marks tell tests/unit/statements.py which engine has to take a text.
 */
#define DB_EITHER(db, sqlite, postgres)                                                                                \
    (db_engine(db) == DB_POSTGRES ? DB_ONLY_POSTGRES(postgres) : DB_ONLY_SQLITE(sqlite))
#define DB_ONLY_SQLITE(sql) "/*sqlite*/ " sql
#define DB_ONLY_POSTGRES(sql) "/*postgres*/ " sql
/* This transaction changes what STORE_IDENTITIES stands for (store.h): its commit is told to all nodes. */
void db_touch_identities(struct db *db);

/* The prepared statement of SQL (a literal: it is known by its address), reset and unbound. Ends the process when SQL
 * is wrong. */
struct stmt *db_stmt(struct db *db, const char *sql);
void stmt_text(struct stmt *stmt, int parameter, struct str value);
void stmt_int(struct stmt *stmt, int parameter, int64_t value);
void stmt_blob(struct stmt *stmt, int parameter, struct str value);
void stmt_null(struct stmt *stmt, int parameter);
/* A list of texts, for `IN (SELECT value FROM list($n))`, one a statement at most; borrowed until it is done. */
void stmt_list(struct stmt *stmt, int parameter, const struct str *values, size_t n);
/* DB_FAIL fills reterr: ERR_CONFLICT for a broken uniqueness, ERR_UNAVAILABLE for a full or read-only disk or a lock,
 * else ERR_INTERNAL. */
enum db_step stmt_step(struct stmt *stmt, struct error *reterr);
/* Columns from 0, of the current row; borrowed until the next step. NULL reads as "" and 0. */
struct str stmt_col_text(struct stmt *stmt, int column);
int64_t stmt_col_int(struct stmt *stmt, int column);
bool stmt_col_is_null(struct stmt *stmt, int column);
/* Ends a query before its last row. */
void stmt_done(struct stmt *stmt);
/* Runs a statement that returns no rows that matter; *ret_changes (may be NULL) gets the rows it changed. */
MUST_CHECK bool stmt_run(struct stmt *stmt, int64_t *ret_changes, struct error *reterr);
/*
 * The same for a change whose number of rows does not matter, and whose failure may be told by any later call of the
 * transaction, or by its commit: PostgreSQL need not answer before the next statement is sent. What is bound is copied
 * before it returns. When a failure has to be told in words of its own, stmt_run is right.
 */
MUST_CHECK bool stmt_queue(struct stmt *stmt, struct error *reterr);
/* The same for a row that only one may have: ERR_CONFLICT, whoever tells it, says that NAME was taken meanwhile. */
MUST_CHECK bool stmt_queue_named(struct stmt *stmt, struct str name, struct error *reterr);
/*
 * Asks now what stmt_step or stmt_run, called later in the transaction, gets: PostgreSQL answers it together with the
 * next statement that is waited for, so that several questions cost one round trip. SQLite runs it only when its answer
 * is wanted: until then what is bound has to live, and nothing may change what it reads, or need what it changes. A
 * query's answer may be left alone; db_stmt for the same text drops it.
 */
MUST_CHECK bool stmt_ask(struct stmt *stmt, struct error *reterr);
