/*
 * notebook: a small SQLite file with one transaction at a time, under one mutex. Statements are kept prepared.
 * A failure inside a transaction sticks: later calls do nothing and find nothing, and notebook_end takes everything
 * back and answers UNKNOWN. So an operation need not look after each statement, but may touch nothing else than the
 * notebook before it is committed.
 */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "driver/outcome.h"

struct notebook;

struct notebook_value {
    struct str text;
    int64_t number;
    bool is_number;
};

#define NOTEBOOK_TEXT(s) ((struct notebook_value){.text = (s)})
#define NOTEBOOK_INT(v) ((struct notebook_value){.number = (int64_t)(v), .is_number = true})

/* Whose file it is, and what is asked of it. The texts must outlive the notebook. */
struct notebook_kind {
    const char *who;    /* "sandbox", for messages */
    const char *remedy; /* what to do with a damaged file */
    int64_t wait_ms;    /* for others who are at the file, threads and processes, from notebook_begin to the end */
    int mode;           /* of the file and its journal, such as 0640; 0: as the system makes them */
    /*
     * Other programs, which may not write, read the file while it changes: a rollback journal then, that is there only
     * during a commit, for a WAL cannot be read without writing. And what is committed survives a crash of the machine.
     */
    bool is_shared;
    bool erases; /* what is deleted is overwritten in the file */
};

/*
 * PATH: the file, or ":memory:". SCHEMA is run on it each time and must be repeatable. VERSION, from 1, is that of the
 * schema: a file with a later one is refused. reterr names the file.
 */
MUST_CHECK bool notebook_open(const char *path, const struct notebook_kind *kind, const char *schema, int version,
                              struct notebook **ret, struct error *reterr);
/* NULL is fine. */
void notebook_close(struct notebook *notebook);

/* Takes the mutex until notebook_end. Who waited for it has that much less time to wait for other processes. */
void notebook_begin(struct notebook *notebook);
/*
 * Runs SQL (a literal: it is known by its address) with its parameters bound: $1, $2, ..., which have to appear in that
 * order. They stay the caller's and must last until the next call. True when there is a row; notebook_next goes on to
 * the next one.
 */
bool notebook_run_values(struct notebook *notebook, const char *sql, const struct notebook_value *values, int n);
#define notebook_run(notebook, sql, ...)                                                                               \
    notebook_run_values((notebook), (sql), (const struct notebook_value[]){__VA_ARGS__},                               \
                        (int)(sizeof((const struct notebook_value[]){__VA_ARGS__}) / sizeof(struct notebook_value)))
bool notebook_next(struct notebook *notebook);
/* Columns of the row, from 0; borrowed until the next call. */
int64_t notebook_int(struct notebook *notebook, int column);
struct str notebook_text(struct notebook *notebook, int column);
/*
 * Commits and gives the mutex back. False when anything failed since notebook_begin: then nothing is kept, and ANSWER,
 * which may be NULL, says why.
 */
MUST_CHECK bool notebook_commit(struct notebook *notebook, struct answer *answer);
/* The same for most operations: OUTCOME, or OUTCOME_UNKNOWN when it failed. */
enum outcome notebook_end(struct notebook *notebook, enum outcome outcome, struct answer *answer);
