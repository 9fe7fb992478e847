/*
 * ledger: a small SQLite file with one transaction at a time, under one mutex. Statements are kept prepared.
 * A failure inside a transaction sticks: later calls do nothing and find nothing, and ledger_end takes everything
 * back and answers UNKNOWN. So an operation need not look after each statement, but may touch nothing else than the
 * ledger before it is committed.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "driver/outcome.h"

struct ledger;

struct ledger_value {
    struct str text;
    int64_t number;
    bool is_number;
};

#define LEDGER_TEXT(s) ((struct ledger_value){.text = (s)})
#define LEDGER_INT(v) ((struct ledger_value){.number = (int64_t)(v), .is_number = true})

/*
 * PATH: the file, or ":memory:". SCHEMA is run on it each time and must be repeatable. VERSION, from 1, is that of the
 * schema: a file with a later one is refused. reterr names the file.
 */
MUST_CHECK bool ledger_open(const char *path, const char *schema, int version, struct ledger **ret,
                            struct error *reterr);
/* NULL is fine. */
void ledger_close(struct ledger *ledger);

/* Takes the mutex until ledger_end. */
void ledger_begin(struct ledger *ledger);
/*
 * Runs SQL (a literal: it is known by its address) with its parameters $1, $2, ... bound, which stay the caller's and
 * must last until the next call. True when there is a row; ledger_next goes on to the next one.
 */
bool ledger_run_values(struct ledger *ledger, const char *sql, const struct ledger_value *values, int n);
#define ledger_run(ledger, sql, ...)                                                                                   \
    ledger_run_values((ledger), (sql), (const struct ledger_value[]){__VA_ARGS__},                                     \
                      (int)(sizeof((const struct ledger_value[]){__VA_ARGS__}) / sizeof(struct ledger_value)))
bool ledger_next(struct ledger *ledger);
/* Columns of the row, from 0; borrowed until the next call. */
int64_t ledger_int(struct ledger *ledger, int column);
struct str ledger_text(struct ledger *ledger, int column);
/*
 * Commits and gives the mutex back. False when anything failed since ledger_begin: then nothing is kept, and ANSWER,
 * which may be NULL, says why.
 */
MUST_CHECK bool ledger_commit(struct ledger *ledger, struct answer *answer);
/* The same for most operations: OUTCOME, or OUTCOME_UNKNOWN when it failed. */
enum outcome ledger_end(struct ledger *ledger, enum outcome outcome, struct answer *answer);
