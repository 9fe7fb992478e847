/* rows: carries the columns of a row into memory that outlives the query. For the files of this folder. */
#pragma once

#include "store/db.h"

/* Steps to the row that STMT selects; ERR_NOT_FOUND, with MISSING as its words, when there is none. */
MUST_CHECK bool row_find(struct stmt *stmt, struct error *reterr, const char *missing, ...) PRINTF_LIKE(3, 4);
/* A column as text from ARENA. */
struct str row_text(struct stmt *stmt, int column, struct arena *arena);
/* A UUID column into its fixed place. */
void row_uuid(struct stmt *stmt, int column, char *ret_text);
/* The index of a column's word in NAMES; the schema lets no other word in. */
size_t row_word(struct stmt *stmt, int column, const char *const *names, size_t n);

/* Rows whose number is not known before. */
struct rows {
    void *first;
    size_t n, cap, size; /* bytes an element */
};

/* Room for one more element, zeroed; earlier pointers into the rows are dead. */
void *rows_add(struct rows *rows, struct arena *arena) __attribute__((returns_nonnull));

/* The first column of the rows that STMT selects, as texts from ARENA. */
MUST_CHECK bool rows_texts(struct stmt *stmt, struct arena *arena, struct str **ret, size_t *ret_n,
                           struct error *reterr);

/* "%TEXT%" for LIKE ... ESCAPE '\', in lower case, with its own wildcards escaped; empty for none. From ARENA. */
struct str row_like(struct str text, struct arena *arena);

/* BEFORE, the id of the last row of the page before, for "id < $n" of the next; when it is empty, what is greater than
 * every id. */
struct str rows_before(struct str before);

/* Runs a change of rows; SQL names what they belong to $1. A failure may be told later (stmt_queue). */
MUST_CHECK bool rows_change(struct db *db, const char *sql, struct str id, struct error *reterr);
/* Holds rows until the end of the transaction: SQL, which is DB_ONLY_POSTGRES, selects them FOR UPDATE. What is read of
 * them afterwards stands still. In SQLite everything does. */
MUST_CHECK bool rows_hold(struct db *db, const char *sql, struct str id, struct error *reterr);
