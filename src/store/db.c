#include <stdio.h>
#include <stdlib.h>

#include "store/engine.h"

enum { SLOTS_MIN = 128 };

void store_die(const char *what, const char *detail) {
    fprintf(stderr, "dfyd: %s: %s\n", what, detail);
    abort();
}

void *store_alloc(size_t count, size_t size) {
    void *p = calloc(count, size);
    if (!p) store_die("store", "out of memory");
    return p;
}

struct db *db_make(const struct db_ops *ops, size_t size) {
    struct db *db = store_alloc(1, size);
    db->ops = ops;
    db->n_slots = SLOTS_MIN;
    db->slots = store_alloc(db->n_slots, sizeof(struct stmt *));
    return db;
}

void db_close(struct db *db) {
    if (!db) return;
    for (size_t i = 0; i < db->n_slots; i++) {
        if (!db->slots[i]) continue;
        db->ops->forget(db->slots[i]);
        free(db->slots[i]);
    }
    free(db->slots);
    db->ops->close(db);
}

void db_rest(struct db *db) {
    for (size_t i = 0; db->running && i < db->n_slots; i++)
        if (db->slots[i]) stmt_done(db->slots[i]);
}

static size_t slot_of(struct stmt *const *slots, size_t n, const char *sql) {
    size_t at = (size_t)(((uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (n - 1);
    while (slots[at] && slots[at]->sql != sql) at = (at + 1) & (n - 1);
    return at;
}

static void grow(struct db *db) {
    size_t n = db->n_slots * 2;
    struct stmt **slots = store_alloc(n, sizeof(struct stmt *));
    for (size_t i = 0; i < db->n_slots; i++)
        if (db->slots[i]) slots[slot_of(slots, n, db->slots[i]->sql)] = db->slots[i];
    free(db->slots);
    db->slots = slots;
    db->n_slots = n;
}

struct stmt *db_stmt(struct db *db, const char *sql) {
    size_t at = slot_of(db->slots, db->n_slots, sql);
    struct stmt *stmt = db->slots[at];
    if (!stmt) {
        if (++db->n_statements * 2 > db->n_slots) {
            grow(db);
            at = slot_of(db->slots, db->n_slots, sql);
        }
        stmt = store_alloc(1, db->ops->stmt_size);
        stmt->sql = sql;
        stmt->db = db;
        db->slots[at] = stmt;
    }
    stmt_done(stmt);
    db->ops->prepare(stmt);
    return stmt;
}

void stmt_done(struct stmt *stmt) {
    if (stmt->running) stmt->db->ops->done(stmt);
}

void stmt_text(struct stmt *stmt, int parameter, struct str value) {
    stmt->db->ops->text(stmt, parameter, value);
}

void stmt_int(struct stmt *stmt, int parameter, int64_t value) {
    stmt->db->ops->integer(stmt, parameter, value);
}

void stmt_blob(struct stmt *stmt, int parameter, struct str value) {
    stmt->db->ops->blob(stmt, parameter, value);
}

void stmt_null(struct stmt *stmt, int parameter) {
    stmt->db->ops->null(stmt, parameter);
}

void stmt_list(struct stmt *stmt, int parameter, const struct str *values, size_t n) {
    stmt->db->ops->list(stmt, parameter, values, n);
}

enum db_step stmt_step(struct stmt *stmt, struct error *reterr) {
    return stmt->db->ops->step(stmt, reterr);
}

struct str stmt_col_text(struct stmt *stmt, int column) {
    return stmt->db->ops->col_text(stmt, column);
}

int64_t stmt_col_int(struct stmt *stmt, int column) {
    return stmt->db->ops->col_int(stmt, column);
}

bool stmt_col_is_null(struct stmt *stmt, int column) {
    return stmt->db->ops->col_is_null(stmt, column);
}

bool stmt_run(struct stmt *stmt, int64_t *ret_changes, struct error *reterr) {
    return stmt->db->ops->run(stmt, ret_changes, reterr);
}

bool stmt_queue(struct stmt *stmt, struct error *reterr) {
    return stmt->db->ops->queue(stmt, STR(""), reterr);
}

bool stmt_queue_named(struct stmt *stmt, struct str name, struct error *reterr) {
    return stmt->db->ops->queue(stmt, name, reterr);
}

bool stmt_ask(struct stmt *stmt, struct error *reterr) {
    return stmt->db->ops->ask(stmt, reterr);
}

bool db_taken(struct str name, struct error *reterr) {
    return error_set(reterr, ERR_CONFLICT, "%.*s was taken meanwhile", STR_ARG(name));
}

enum db_engine db_engine(const struct db *db) {
    return db->ops->engine;
}

void db_touch_identities(struct db *db) {
    db->ops->touch_identities(db);
}

bool db_exec(struct db *db, const char *sql, struct error *reterr) {
    return db->ops->exec(db, sql, reterr);
}

bool db_in_transaction(struct db *db) {
    return db->ops->in_transaction(db);
}
