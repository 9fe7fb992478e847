/*
 * pipeline: statements on their way to PostgreSQL, and its answers in the same order, by libpq's pipeline mode. There
 * is one synchronisation under way at most, which a pool like PgBouncer relies on. For connection.c.
 */
#pragma once

#include "store/postgres/errors.h"
#include "store/postgres/statement.h"

enum { PENDING_MAX = 128, NAMES = 512 };

/* A command that was sent and not answered yet. */
struct pending {
    struct statement *stmt;
    struct prepared *prepares; /* NULL: it runs */
    bool is_awaited;           /* its answer is kept in stmt */
    bool is_mine;              /* no change of the caller's */
    char *name;                /* what a conflict says is taken; NULL: nothing */
};

/* Zeroed but for conn, and for until or wait_ms. */
struct pipeline {
    PGconn *conn;
    int64_t until;   /* of clock_steady_ms: answers are waited for so long, and then the connection counts as lost */
    int64_t wait_ms; /* each answer may take so long; 0: see until */
    bool is_unnamed; /* statements are prepared anew at each run */
    bool is_mine;    /* what is sent from now on is no change of the caller's */
    bool changed;    /* an answer said that rows of the caller's were changed */
    enum trouble trouble; /* the first since somebody cleared it, or the end of the connection */
    struct error failure; /* what the first was */
    struct pending pending[PENDING_MAX];
    size_t n_pending;
    bool is_syncing; /* a synchronisation was sent and not answered yet */
    struct prepared *names[NAMES];
};

/* Frees what it has, but not conn. */
void pipeline_finish(struct pipeline *p);

/* Notes a trouble; both return false. */
bool pipeline_fail(struct pipeline *p, enum trouble trouble, const struct error *failure);
bool pipeline_lose(struct pipeline *p);

/* The next answer is about to be waited for: its time begins. */
void pipeline_limit(struct pipeline *p);
/* What was left behind is answered, and there is room for one statement. False: see trouble, also below. */
MUST_CHECK bool pipeline_ready(struct pipeline *p);
/* After pipeline_ready. Only into libpq's buffer. */
MUST_CHECK bool pipeline_send(struct pipeline *p, struct statement *stmt, bool is_awaited);
/* The same, never by a name; its answer is not kept. */
MUST_CHECK bool pipeline_send_unnamed(struct pipeline *p, struct statement *stmt);
/* A conflict of the statement that was sent last means that NAME is taken. */
void pipeline_name_last(struct pipeline *p, struct str name);
/* Asks for an answer to all that was sent. */
MUST_CHECK bool pipeline_synchronise(struct pipeline *p);
/* Does so and reads them. */
MUST_CHECK bool pipeline_exchange(struct pipeline *p);
/* The same where something is unanswered. */
bool pipeline_drain(struct pipeline *p);
/* Nobody reads the answer of STMT, if that is still to come. */
void pipeline_ignore(struct pipeline *p, const struct statement *stmt);

/* Whether the command's tag begins with WORD. */
bool pipeline_is_tag(PGresult *result, const char *word);
