/*
 * engine: what an engine provides behind store.h and db.h. Everyone else includes those; this one is for db.c, store.c
 * and the engines' own folders.
 */
#pragma once

#include "store/connect.h"
#include "store/store.h"

enum { PARAMETERS_MAX = 24 };

/* The first member of an engine's statement. */
struct stmt {
    const char *sql;
    struct db *db;
    bool running; /* between its first and its last row */
};

/* The first member of an engine's connection. */
struct db {
    const struct db_ops *ops;
    struct stmt **slots; /* open addressing by the address of the SQL text */
    size_t n_slots, n_statements;
    size_t running; /* statements between their first and last row */
};

/* Each is db.h's function of that name, but where it says more. */
struct db_ops {
    enum db_engine engine;
    size_t stmt_size;                   /* zeroed, sql and db set, given to prepare when it is asked for */
    void (*prepare)(struct stmt *stmt); /* new or used before; not running */
    void (*forget)(struct stmt *stmt);  /* its memory is the caller's */
    void (*text)(struct stmt *stmt, int parameter, struct str value);
    void (*integer)(struct stmt *stmt, int parameter, int64_t value);
    void (*blob)(struct stmt *stmt, int parameter, struct str value);
    void (*null)(struct stmt *stmt, int parameter);
    void (*list)(struct stmt *stmt, int parameter, const struct str *values, size_t n);
    enum db_step (*step)(struct stmt *stmt, struct error *reterr); /* keeps stmt->running by stmt_runs */
    struct str (*col_text)(struct stmt *stmt, int column);
    int64_t (*col_int)(struct stmt *stmt, int column);
    bool (*col_is_null)(struct stmt *stmt, int column);
    void (*done)(struct stmt *stmt); /* of a running one */
    bool (*run)(struct stmt *stmt, int64_t *ret_changes, struct error *reterr);
    bool (*queue)(struct stmt *stmt, struct str name, struct error *reterr); /* name: stmt_queue_named; empty: none */
    bool (*ask)(struct stmt *stmt, struct error *reterr);
    void (*touch_identities)(struct db *db);
    bool (*exec)(struct db *db, const char *sql, struct error *reterr);
    bool (*in_transaction)(struct db *db);
    void (*close)(struct db *db); /* its statements are forgotten; frees DB */
};

/* SIZE zeroed bytes for a connection that begins with struct db. */
struct db *db_make(const struct db_ops *ops, size_t size);
/* From the first row on, until it is done. */
static inline void stmt_runs(struct stmt *stmt, bool runs) {
    if (stmt->running == runs) return;
    stmt->running = runs;
    if (runs)
        stmt->db->running++;
    else
        stmt->db->running--;
}
/* The words of stmt_queue_named. */
bool db_taken(struct str name, struct error *reterr);
/* Ends the process: a bug, or no memory. */
void store_die(const char *what, const char *detail) __attribute__((noreturn));
/* calloc that does not fail. */
void *store_alloc(size_t count, size_t size);

/* Until when a call that begins now may wait, by the steady clock: WAIT_MS, or what store_wait_until said. */
int64_t store_until(int64_t wait_ms);

enum store_scope { SCOPE_OPERATOR, SCOPE_WORKSPACE, SCOPE_CLAIM };

/* The first member of an engine's store. */
struct store {
    const struct store_ops *ops;
};

/* Each is store.h's function of that name. */
struct store_ops {
    bool is_shared;
    void (*close)(struct store *store);
    bool (*write)(struct store *store, enum store_scope scope, struct str workspace_id, store_fn *change, void *arg,
                  struct error *reterr);
    bool (*read)(struct store *store, store_fn *read, void *arg, struct error *reterr);
    bool (*tally)(struct store *store, int64_t wait_ms, store_fn *fn, void *arg, struct error *reterr);
    uint64_t (*generation)(struct store *store, enum store_topic topic);
    void (*on_news)(struct store *store, void (*fn)(void *arg), void *arg);
    void (*tidy)(struct store *store);
};

MUST_CHECK bool store_open_sqlite(const struct store_config *config, struct store **ret, struct error *reterr);
MUST_CHECK bool store_open_postgres(const struct store_config *config, struct store **ret, struct error *reterr);
