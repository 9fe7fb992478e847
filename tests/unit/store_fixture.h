/*
 * store_fixture: folders, stores and orders for the tests of src/store. Beside with_postgres.py the same tests run on
 * PostgreSQL, each in a database of its own; what is about SQLite's files begins with SQLITE_ALONE.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <libpq-fe.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ids.h"
#include "store/connect.h"
#include "store/migrate.h"
#include "store/orders.h"
#include "store/steps.h"
#include "store/store.h"
#include "store/workspaces.h"

static inline _Noreturn void fixture_fail(const char *what, const char *why) {
    fail_msg("%s: %s", what, why);
    abort(); /* not reached; says so to those who only read the code */
}

/* Fails the test with the error's words. */
#define OK(call)                                                                                                       \
    do {                                                                                                               \
        if (!(call)) fixture_fail(#call, f->error.message);                                                            \
    } while (0)
#define FAILS(expected, call)                                                                                          \
    do {                                                                                                               \
        assert_false(call);                                                                                            \
        assert_int_equal(f->error.code, expected);                                                                     \
    } while (0)
/* Runs CALL in a transaction, as store_write would. */
#define IN_TX(call) fixture_end(f, fixture_begin(f) && (call))

#define WORKSPACE "01900000-0000-7000-8000-000000000001"
#define STRANGER "01900000-0000-7000-8000-000000000002"

struct fixture {
    char dir[64], path[80];
    char url[160]; /* PostgreSQL's; "": SQLite */
    struct db *db; /* a connection of its own */
    struct clock clock;
    struct rng rng;
    struct ids ids;
    struct arena *arena;
    struct error error;
    int64_t now;
};

/* Skips the test on PostgreSQL. */
#define SQLITE_ALONE                                                                                                   \
    do {                                                                                                               \
        if (fixture_on_postgres()) skip();                                                                             \
    } while (0)

static inline bool fixture_on_postgres(void) {
    return getenv("DFYD_TEST_POSTGRES") != NULL;
}

static inline bool fixture_begin(struct fixture *f) {
    return db_exec(f->db, fixture_on_postgres() ? "BEGIN" : "BEGIN IMMEDIATE", &f->error);
}

static inline bool fixture_end(struct fixture *f, bool ok) {
    struct error second;
    db_rest(f->db);
    if (!db_exec(f->db, ok ? "COMMIT" : "ROLLBACK", ok ? &f->error : &second)) return false;
    return ok;
}

static inline void fixture_add_workspace(struct fixture *f, const char *id, const char *name) {
    struct workspace w = {.name = str_of(name), .plan_active = true, .created_ms = 1};
    memcpy(w.id, id, UUID_TEXT);
    OK(workspace_add(f->db, &w, &f->error));
}

/* ---- PostgreSQL: one database, which each test finds as it was in the beginning ---- */

static const char fixture_first[] =
    /* SQLite's words that tests ask with. */
    "CREATE FUNCTION strftime(TEXT, BIGINT, TEXT) RETURNS TEXT LANGUAGE sql AS $$ SELECT to_char(to_timestamp($2)"
    " AT TIME ZONE 'UTC', replace(replace(replace($1, '%Y', 'YYYY'), '%m', 'MM'), '%d', 'DD')) $$;"
    "CREATE FUNCTION date(BIGINT, TEXT) RETURNS TEXT LANGUAGE sql AS $$ SELECT strftime('%Y-%m-%d', $1, $2) $$;"
    "CREATE FUNCTION json_extract(TEXT, TEXT) RETURNS TEXT LANGUAGE sql AS"
    " $$ SELECT $1::jsonb #>> string_to_array(substr($2, 3), '.') $$;"
    "CREATE FUNCTION json_array_length(TEXT, TEXT) RETURNS BIGINT LANGUAGE sql AS"
    " $$ SELECT jsonb_array_length($1::jsonb #> string_to_array(substr($2, 3), '.')) $$;"
    "CREATE FUNCTION zeroblob(INTEGER) RETURNS BYTEA LANGUAGE sql AS"
    " $$ SELECT decode(repeat('00', $1), 'hex') $$;"
    "CREATE FUNCTION randomblob(INTEGER) RETURNS BYTEA LANGUAGE sql AS"
    " $$ SELECT substr(decode(md5(random()::text), 'hex'), 1, $1) $$;"
    "CREATE FUNCTION hex(BYTEA) RETURNS TEXT LANGUAGE sql AS $$ SELECT upper(encode($1, 'hex')) $$;"
    /* What the tables hold in the beginning. */
    "CREATE SCHEMA kept; DO $$ DECLARE t TEXT; BEGIN"
    " FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP"
    " EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', t, t); END LOOP; END $$";

/* As the superuser, so that no trigger asks why. Connections that a failed test left must not hold anything up. */
static const char fixture_again[] =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND"
    " pid <> pg_backend_pid(); SET session_replication_role = replica; DO $$ DECLARE t TEXT; BEGIN"
    " FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP"
    " EXECUTE format('DELETE FROM public.%I', t);"
    " EXECUTE format('INSERT INTO public.%I SELECT * FROM kept.%I', t, t); END LOOP;"
    " FOR t IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' LOOP"
    " PERFORM setval(t::regclass, 1, false); END LOOP; END $$";

static inline void fixture_url(const char *database, char *ret, size_t cap) {
    const char *url = getenv("DFYD_TEST_POSTGRES"), *at = url ? strstr(url, "@?") : NULL;
    if (!at) fixture_fail("DFYD_TEST_POSTGRES", "no URL of a private server");
    snprintf(ret, cap, "%.*s%s%s", (int)(at - url), url, database, at + 1);
}

static inline void fixture_say(const char *database, const char *sql) {
    char url[160];
    fixture_url(database, url, sizeof url);
    PGconn *conn = PQconnectdb(url);
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fixture_fail(sql, PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
}

/* An empty database, and where it is. */
static inline void fixture_create(const char *name, char *ret_url, size_t cap) {
    char sql[100];
    snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE template0", name);
    fixture_say("postgres", sql);
    fixture_url(name, ret_url, cap);
}

/* For tests that change the schema: each has a database of its own. */
static bool fixture_changes_schema;

static inline void fixture_open_postgres(struct fixture *f) {
    static bool is_there;
    static int n_apart;
    if (fixture_changes_schema) {
        char name[24];
        snprintf(name, sizeof name, "apart%d", n_apart++);
        fixture_create(name, f->url, sizeof f->url);
        OK(db_open_postgres(f->url, 60000, &f->db, &f->error));
        OK(migrate_run(f->db, &f->error));
        return;
    }
    if (is_there) {
        fixture_url("tests", f->url, sizeof f->url);
        fixture_say("tests", fixture_again);
        OK(db_open_postgres(f->url, 60000, &f->db, &f->error));
        return;
    }
    fixture_create("tests", f->url, sizeof f->url);
    OK(db_open_postgres(f->url, 60000, &f->db, &f->error));
    OK(migrate_run(f->db, &f->error));
    fixture_say("tests", fixture_first);
    is_there = true;
}

static inline int fixture_make(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    const char *base = getenv("TMPDIR");
    snprintf(f->dir, sizeof f->dir, "%s/dfyd-test-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/dfyd.db", f->dir);
    f->now = 1000000;
    f->clock = clock_manual(f->now);
    f->rng = rng_seeded(7);
    ids_init(&f->ids, &f->clock, &f->rng);
    f->arena = arena_create(4096);
    if (fixture_on_postgres()) {
        fixture_open_postgres(f);
    } else {
        const struct connect connect = {.path = f->path, .lock_wait_ms = 5000};
        OK(db_open(&connect, &f->db, &f->error));
        OK(migrate_run(f->db, &f->error));
    }
    fixture_add_workspace(f, WORKSPACE, "mine");
    fixture_add_workspace(f, STRANGER, "theirs");
    *state = f;
    return 0;
}

static inline int fixture_drop(void **state) {
    struct fixture *f = *state;
    db_close(f->db);
    arena_destroy(f->arena);
    DIR *dir = opendir(f->dir);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.') unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(f->dir);
    free(f);
    return 0;
}

static inline struct store_config fixture_config(const struct fixture *f) {
    return (struct store_config){.dir = f->dir, .url = f->url[0] ? f->url : NULL, .connections = 4};
}

static inline struct store *fixture_store(struct fixture *f) {
    const struct store_config config = fixture_config(f);
    struct store *store = NULL;
    OK(store_open(&config, &store, &f->error));
    return store;
}

/* A step's end, with half a second until the next try. */
static inline struct step_end step_end_of(struct fixture *f, enum step_state state, const char *reason) {
    return (struct step_end){
        .state = state, .reason = str_of(reason), .again_ms = f->now + 500, .now_ms = f->now, .ids = &f->ids};
}

/* The number that SQL, a literal, selects. */
static inline int64_t number_of(struct fixture *f, const char *sql) {
    struct stmt *stmt = db_stmt(f->db, sql);
    if (stmt_step(stmt, &f->error) != DB_ROW) fixture_fail(sql, f->error.message);
    int64_t n = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return n;
}

/* "a|b|c": the texts of the first column of the rows that SQL, a literal, selects. */
static inline const char *words_of(struct fixture *f, const char *sql) {
    struct str all = STR("");
    struct stmt *stmt = db_stmt(f->db, sql);
    enum db_step step;
    while ((step = stmt_step(stmt, &f->error)) == DB_ROW) {
        struct str word = stmt_col_text(stmt, 0);
        all = arena_printf(f->arena, "%.*s%s%.*s", STR_ARG(all), all.n ? "|" : "", STR_ARG(word));
    }
    if (step == DB_FAIL) fixture_fail(sql, f->error.message);
    return arena_cstr(f->arena, all);
}

static inline void fixture_run(struct fixture *f, const char *sql) {
    OK(db_exec(f->db, sql, &f->error));
}

/* A domain with N mailboxes named a@, b@, ... */
static inline struct reserve_domain make_domain(struct fixture *f, const char *name, size_t n, const char *forwarding) {
    struct reserve_domain domain = {.name = str_of(name),
                                    .forwarding = str_of(forwarding),
                                    .provider = PROVIDER_GOOGLE,
                                    .accounts = ARENA_ARRAY(f->arena, n, struct reserve_account),
                                    .n_accounts = n};
    ids_uuid(&f->ids, domain.id);
    for (size_t i = 0; i < n; i++) {
        struct reserve_account *account = &domain.accounts[i];
        ids_uuid(&f->ids, account->id);
        account->account = (struct account){
            .prefix = arena_printf(f->arena, "%c", 'a' + (int)i), .first_name = STR("Ada"), .last_name = STR("Byron")};
        account->email = arena_printf(f->arena, "%c@%s", 'a' + (int)i, name);
        account->sealed_password = STR("sealed\0bytes");
    }
    return domain;
}

static inline struct reservation make_order(struct fixture *f, enum order_type type, struct reserve_domain *domains,
                                            size_t n) {
    struct reservation r = {.workspace_id = STR(WORKSPACE),
                            .type = type,
                            .amount = 1500,
                            .card_token = STR("tok"),
                            .payment_driver = STR("sandbox"),
                            .now_ms = f->now,
                            .settle_after_ms = f->now + 60000,
                            .domains = domains,
                            .n_domains = n};
    ids_uuid(&f->ids, r.order_id);
    return r;
}
