/* What happens to a store when its PostgreSQL, or the network before it, misbehaves. Runs beside with_postgres.py. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <sodium.h>
#include <time.h>

#include "base/clock.h"
#include "postgres_proxy.h"
#include "store/connect.h"
#include "store/migrate.h"
#include "store/postgres/statement.h"
#include "store/postgres/text.h"
#include "store/store.h"

struct pg {
    char folder[120], url[300], through[300]; /* url goes straight, through the proxy */
    struct proxy *proxy;
    struct db *db; /* straight, beside the stores */
    struct store *store;
    struct error error;
};

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        f->error = (struct error){ERR_NONE, ""};                                                                       \
        if (!(call)) fail_msg("%s: %s", #call, f->error.message);                                                      \
    } while (0)
#define FAILS(wanted, call)                                                                                            \
    do {                                                                                                               \
        f->error = (struct error){ERR_NONE, ""};                                                                       \
        assert_false(call);                                                                                            \
        if (f->error.code != (wanted)) fail_msg("%s: %s", error_name(f->error.code), f->error.message);                \
    } while (0)

static void open_store(struct pg *f, const char *url, unsigned connections, int64_t wait_ms) {
    const struct store_config config = {
        .url = url, .listen_url = f->url, .connections = connections, .wait_ms = wait_ms};
    store_close(f->store);
    f->store = NULL;
    OK(store_open(&config, &f->store, &f->error));
}

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int set_up(void **state) {
    static int number;
    struct pg *f = calloc(1, sizeof *f);
    const char *url = getenv("DFYD_TEST_POSTGRES"), *at = url ? strstr(url, "@?host=") : NULL;
    if (!f || !at) abort(); /* no memory, or no private server */
    char name[24], admin[300], sql[80];
    snprintf(f->folder, sizeof f->folder, "%s", at + 7);
    snprintf(name, sizeof name, "engine%d", ++number);
    snprintf(admin, sizeof admin, "%.*spostgres%s", (int)(at - url), url, at + 1);
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", name);
    PGconn *conn = PQconnectdb(admin);
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail_msg("%s", PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    char socket[200];
    snprintf(socket, sizeof socket, "%s/.s.PGSQL.5432", f->folder);
    f->proxy = proxy_start(socket);
    snprintf(f->url, sizeof f->url, "%.*s%s%s", (int)(at - url), url, name, at + 1);
    snprintf(f->through, sizeof f->through, "postgresql://dfy:hunter2@127.0.0.1:%d/%s", f->proxy->port, name);
    OK(db_open_postgres(f->url, 20000, &f->db, &f->error));
    OK(migrate_run(f->db, &f->error));
    OK(db_exec(f->db, "CREATE TABLE things (name TEXT PRIMARY KEY, n BIGINT NOT NULL DEFAULT 0)", &f->error));
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct pg *f = *state;
    atomic_store(&f->proxy->mode, PROXY_PASS);
    store_close(f->store);
    db_close(f->db);
    proxy_stop(f->proxy);
    free(f);
    return 0;
}

static int64_t ask(struct pg *f, const char *sql) {
    struct stmt *stmt = db_stmt(f->db, sql);
    assert_int_equal(stmt_step(stmt, &f->error), DB_ROW);
    int64_t n = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return n;
}

static int64_t count_things(struct pg *f) {
    return ask(f, "SELECT COUNT(*) FROM things");
}

/* A change that inserts a thing, and does one more thing before. */
struct change {
    const char *name;
    const char *sql; /* NULL: nothing more */
    int only_first;  /* so many times; 0: always */
    bool queued, goes_on, says_no, reads_only, touches;
    int runs;
    int64_t pids[8];
};

static bool do_change(struct db *db, void *arg, struct error *reterr) {
    struct change *c = arg;
    c->runs++;
    struct stmt *pid = db_stmt(db, "SELECT pg_backend_pid()");
    if (!c->queued) {
        if (stmt_step(pid, reterr) != DB_ROW) return false;
        c->pids[c->runs % 8] = stmt_col_int(pid, 0);
        stmt_done(pid);
    }
    if (c->sql && (!c->only_first || c->runs <= c->only_first)) {
        bool ok = c->queued ? stmt_queue(db_stmt(db, c->sql), reterr) : stmt_run(db_stmt(db, c->sql), NULL, reterr);
        if (!ok && !c->goes_on) return false;
    }
    if (c->touches) db_touch_identities(db);
    if (c->reads_only) return true;
    struct stmt *stmt = db_stmt(db, "INSERT INTO things (name) VALUES ($1)");
    stmt_text(stmt, 1, str_of(c->name));
    bool ok = c->queued ? stmt_queue(stmt, reterr) : stmt_run(stmt, NULL, reterr);
    if (!ok && !c->goes_on) return false;
    return !c->says_no || error_set(reterr, ERR_CONFLICT, "no");
}

static bool write_of(struct pg *f, struct change *c) {
    return store_write_of(f->store, STR("w"), do_change, c, &f->error);
}

#define RAISE(state) "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '" state "', MESSAGE = 'as asked for'; END $$"

/* ---- statements ---- */

static void values_come_back(void **state) {
    struct pg *f = *state;
    struct stmt *stmt = db_stmt(
        f->db,
        "SELECT $2 || $1 || $2, $3, $4, $5, CAST(3 AS SMALLINT), CAST(-4 AS INTEGER), true, 7::NUMERIC / 2,"
        " -12345678901234567::NUMERIC, 'lit', current_database(), CAST(NULL AS TEXT), '12', -0.5, 10000::NUMERIC,"
        " 12e30::NUMERIC");
    stmt_text(stmt, 1, STR("one"));
    stmt_text(stmt, 2, STR("zw\xc3\xb6lf"));
    stmt_int(stmt, 3, INT64_MIN);
    stmt_blob(stmt, 4, ((struct str){"\0\xff", 2}));
    stmt_null(stmt, 5);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(stmt_step(stmt, &f->error), DB_ROW);
        assert_true(str_is(stmt_col_text(stmt, 0), "zw\xc3\xb6lfonezw\xc3\xb6lf"));
        assert_true(stmt_col_int(stmt, 1) == INT64_MIN);
        assert_true(str_is(stmt_col_text(stmt, 1), "-9223372036854775808"));
        assert_true(str_eq(stmt_col_text(stmt, 2), (struct str){"\0\xff", 2}));
        assert_true(stmt_col_is_null(stmt, 3));
        assert_int_equal(stmt_col_text(stmt, 3).n, 0);
        assert_int_equal(stmt_col_int(stmt, 3), 0);
        assert_int_equal(stmt_col_int(stmt, 4), 3);
        assert_int_equal(stmt_col_int(stmt, 5), -4);
        assert_int_equal(stmt_col_int(stmt, 6), 1);
        assert_int_equal(stmt_col_int(stmt, 7), 3);
        assert_true(stmt_col_int(stmt, 8) == -12345678901234567);
        assert_true(str_is(stmt_col_text(stmt, 9), "lit"));
        assert_true(str_starts(stmt_col_text(stmt, 10), "engine"));
        assert_true(stmt_col_is_null(stmt, 11));
        assert_int_equal(stmt_col_int(stmt, 12), 12);
        assert_int_equal(stmt_col_int(stmt, 13), 0);
        assert_int_equal(stmt_col_int(stmt, 14), 10000);
        assert_true(stmt_col_int(stmt, 15) == INT64_MAX);
        assert_int_equal(stmt_step(stmt, &f->error), DB_END);
    }
}

static void lists_are_tables(void **state) {
    struct pg *f = *state;
    static const struct str values[] = {{"a", 1}, {"", 0}, {"b,\"c\" {}\\", 9}};
    for (size_t n = 0; n <= 3; n++) {
        struct stmt *stmt = db_stmt(f->db, "SELECT COUNT(*), COALESCE(MAX(value), '') FROM list($1)");
        stmt_list(stmt, 1, values, n);
        assert_int_equal(stmt_step(stmt, &f->error), DB_ROW);
        assert_int_equal(stmt_col_int(stmt, 0), n);
        assert_true(str_eq(stmt_col_text(stmt, 1), n == 3 ? values[2] : n ? values[0] : STR("")));
        stmt_done(stmt);
    }
}

static void null_and_value_share_a_statement(void **state) {
    struct pg *f = *state;
    static const char sql[] = "SELECT COALESCE($1, 5) + 1";
    for (int i = 0; i < 4; i++) {
        struct stmt *stmt = db_stmt(f->db, sql);
        if (i % 2) stmt_int(stmt, 1, i);
        assert_int_equal(stmt_step(stmt, &f->error), DB_ROW);
        assert_int_equal(stmt_col_int(stmt, 0), i % 2 ? i + 1 : 6);
        stmt_done(stmt);
    }
}

static void each_stands_alone(void **state) {
    struct pg *f = *state;
    FAILS(ERR_INTERNAL, stmt_run(db_stmt(f->db, "SELECT 1 / (g - g) FROM generate_series(1, 1) g"), NULL, &f->error));
    FAILS(ERR_INTERNAL, stmt_queue(db_stmt(f->db, "SELECT 1 / (g - g) FROM generate_series(1, 1) g"), &f->error));
    FAILS(ERR_INTERNAL, db_exec(f->db, "SELECT 1; SELECT 1 / 0; INSERT INTO things VALUES ('a')", &f->error));
    assert_int_equal(count_things(f), 0);
    OK(db_exec(f->db, "BEGIN; INSERT INTO things VALUES ('a')", &f->error));
    FAILS(ERR_CONFLICT, stmt_run(db_stmt(f->db, "INSERT INTO things VALUES ('a')"), NULL, &f->error));
    FAILS(ERR_CONFLICT, stmt_run(db_stmt(f->db, "SELECT 1"), NULL, &f->error));
    assert_true(db_in_transaction(f->db));
    FAILS(ERR_CONFLICT, db_exec(f->db, "COMMIT", &f->error));
    assert_false(db_in_transaction(f->db));
    assert_int_equal(count_things(f), 0);
}

/* Rows of one are read while others run. */
static void statements_nest(void **state) {
    struct pg *f = *state;
    struct stmt *outer = db_stmt(f->db, "SELECT g FROM generate_series(1, 3) g"), *inner;
    int64_t sum = 0;
    while (stmt_step(outer, &f->error) == DB_ROW) {
        inner = db_stmt(f->db, "SELECT $1 * 10");
        stmt_int(inner, 1, stmt_col_int(outer, 0));
        assert_int_equal(stmt_step(inner, &f->error), DB_ROW);
        sum += stmt_col_int(inner, 0);
    }
    assert_int_equal(sum, 60);
}

static void more_is_queued_than_fits(void **state) {
    struct pg *f = *state;
    OK(db_exec(f->db, "BEGIN", &f->error));
    for (int i = 0; i < 1000; i++) {
        char name[2000];
        memset(name, 'x', sizeof name);
        snprintf(name, 12, "%09d", i);
        struct stmt *stmt = db_stmt(f->db, "INSERT INTO things (name) VALUES ($1)");
        stmt_text(stmt, 1, (struct str){name, sizeof name - 12});
        name[9] = 'y';
        OK(stmt_queue(stmt, &f->error));
    }
    OK(db_exec(f->db, "COMMIT", &f->error));
    assert_int_equal(count_things(f), 1000);
}

#define NOT_A_NUMBER "SELECT 1 / (g - g) FROM generate_series(1, 1) g"

/* Asking waits for nothing, so it cannot know; what was answered before the failure can be read. */
static void what_was_asked_fails_when_it_is_read(void **state) {
    struct pg *f = *state;
    OK(db_exec(f->db, "BEGIN", &f->error));
    struct stmt *first = db_stmt(f->db, "SELECT 7"), *second = db_stmt(f->db, NOT_A_NUMBER);
    OK(stmt_ask(first, &f->error));
    OK(stmt_ask(second, &f->error));
    assert_int_equal(stmt_step(second, &f->error), DB_FAIL);
    assert_int_equal(f->error.code, ERR_INTERNAL);
    assert_int_equal(stmt_step(first, &f->error), DB_ROW);
    assert_int_equal(stmt_col_int(first, 0), 7);
    FAILS(ERR_INTERNAL, stmt_ask(db_stmt(f->db, "SELECT 8"), &f->error));
    OK(db_exec(f->db, "ROLLBACK", &f->error));
    assert_int_equal(ask(f, "SELECT 7"), 7);
}

static void an_answer_is_kept_while_more_is_sent(void **state) {
    struct pg *f = *state;
    OK(db_exec(f->db, "BEGIN", &f->error));
    struct stmt *asked = db_stmt(f->db, "SELECT COUNT(*) FROM things");
    OK(stmt_ask(asked, &f->error));
    for (int i = 0; i < 1000; i++) {
        struct stmt *stmt = db_stmt(f->db, "INSERT INTO things (name) VALUES (CAST(CAST($1 AS BIGINT) AS TEXT))");
        stmt_int(stmt, 1, i);
        OK(stmt_queue(stmt, &f->error));
    }
    assert_int_equal(stmt_step(asked, &f->error), DB_ROW);
    assert_int_equal(stmt_col_int(asked, 0), 0);
    OK(db_exec(f->db, "COMMIT", &f->error));
    assert_int_equal(count_things(f), 1000);
}

static void texts_for_postgres(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"SELECT 1 /*pg FOR UPDATE*/", "SELECT 1  FOR UPDATE "},
        {"a /*pg ::x '*/' */ b -- /*pg c\n/*d*/ /*pg e*/", "a  ::x '*/'   b -- /*pg c\n/*d*/  e "},
        {"'/*pg x*/' \"/*pg y*/\"", "'/*pg x*/' \"/*pg y*/\""},
        {"/*pgx*/ 'open", "/*pgx*/ 'open"},
    };
    int n;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = text_for_postgres(cases[i][0], &n);
        assert_string_equal(text, cases[i][1]);
        free(text);
    }
    free(text_for_postgres("$2 '$9' $11 $1", &n));
    assert_int_equal(n, 11);
    assert_true(text_hides_change("/*postgres*/ WITH x AS (DELETE FROM t) SELECT 1"));
    assert_false(text_hides_change("WITH x AS (SELECT 2) SELECT 1"));
    assert_false(text_hides_change("SELECT 1 FOR UPDATE"));
}

/* ---- transactions ---- */

static void a_failure_is_told(void **state) {
    struct pg *f = *state;
    open_store(f, f->url, 2, 5000);
    struct change c = {.name = "a"};
    OK(write_of(f, &c));
    FAILS(ERR_CONFLICT, write_of(f, &c));
    assert_string_equal(f->error.message, "already exists (things_pkey of things)");
    c = (struct change){.name = "b", .says_no = true};
    FAILS(ERR_CONFLICT, write_of(f, &c));
    assert_string_equal(f->error.message, "no");
    c = (struct change){.name = "b", .sql = "SELECT nothing FROM nowhere"};
    FAILS(ERR_INTERNAL, write_of(f, &c));
    assert_true(str_contains(str_of(f->error.message), "restore a backup"));
    c = (struct change){.name = "b", .sql = "SELECT convert_from('\\xff', 'UTF8')"};
    FAILS(ERR_INVALID, write_of(f, &c));
    c = (struct change){.name = "b", .sql = RAISE("53100")};
    FAILS(ERR_UNAVAILABLE, write_of(f, &c));
    assert_string_equal(f->error.message, "the disk that holds the database is full");
    assert_int_equal(c.runs, 1);
    assert_int_equal(count_things(f), 1);
}

static void nothing_is_kept_after_a_failure(void **state) {
    struct pg *f = *state;
    open_store(f, f->url, 2, 5000);
    struct change c = {.name = "a", .sql = "INSERT INTO things (name, n) VALUES ('x', 1 / (n - n))", .goes_on = true};
    c.sql = "INSERT INTO things (name, n) SELECT 'x', 1 / (g - g) FROM generate_series(1, 1) g";
    FAILS(ERR_INTERNAL, write_of(f, &c));
    c.queued = true;
    FAILS(ERR_INTERNAL, write_of(f, &c));
    assert_true(str_contains(str_of(f->error.message), "division by zero"));
    assert_int_equal(count_things(f), 0);
    c = (struct change){.name = "a", .queued = true};
    OK(write_of(f, &c));
    FAILS(ERR_CONFLICT, write_of(f, &c));
    assert_int_equal(count_things(f), 1);
}

static void what_cannot_be_ordered_runs_again(void **state) {
    struct pg *f = *state;
    static const char *const raised[] = {RAISE("40001"), RAISE("40P01"), RAISE("26000"), RAISE("25006"),
                                         "SELECT pg_terminate_backend(pg_backend_pid())"};
    open_store(f, f->url, 2, 8000);
    for (size_t i = 0; i < ARRAY_LEN(raised); i++) {
        for (int queued = 0; queued < 2; queued++) {
            char name[] = {(char)('a' + i), (char)('0' + queued), '\0'};
            struct change c = {.name = name, .sql = raised[i], .only_first = 2, .queued = queued};
            OK(write_of(f, &c));
            assert_int_equal(c.runs, 3);
            if (i >= 3 && !queued) assert_true(c.pids[1] != c.pids[2] && c.pids[2] != c.pids[3]);
        }
    }
    assert_int_equal(count_things(f), 2 * ARRAY_LEN(raised));
    open_store(f, f->url, 2, 3000);
    struct change c = {.name = "z", .sql = RAISE("40001")};
    FAILS(ERR_UNAVAILABLE, write_of(f, &c));
    assert_true(c.runs > 1);
}

static void a_read_runs_again(void **state) {
    struct pg *f = *state;
    open_store(f, f->url, 2, 8000);
    struct change c = {.sql = "SELECT pg_terminate_backend(pg_backend_pid())", .only_first = 1, .reads_only = true};
    OK(store_read(f->store, do_change, &c, &f->error));
    assert_int_equal(c.runs, 2);
    c = (struct change){.name = "x"};
    open_store(f, f->url, 2, 3000);
    FAILS(ERR_UNAVAILABLE, store_read(f->store, do_change, &c, &f->error)); /* reads do not write */
}

/* A pool like PgBouncer hands out servers on which others gave names to what ends a transaction. */
static void a_taken_name_keeps_no_transaction_open(void **state) {
    struct pg *f = *state;
    char name[NAME_TEXT], sql[80];
    static const char open_ones[] =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid"
        " <> pg_backend_pid() AND backend_type = 'client backend'";
    statement_name(&(struct statement){.text = (char[]){"ROLLBACK"}}, name);
    snprintf(sql, sizeof sql, "PREPARE %s AS SELECT 1", name);
    open_store(f, f->url, 1, 8000);
    struct change c = {.sql = sql, .reads_only = true};
    OK(store_read(f->store, do_change, &c, &f->error));
    assert_int_equal(c.runs, 1);
    int64_t until = clock_steady_ms() + 30000, open;
    while ((open = ask(f, open_ones)) && clock_steady_ms() < until) sleep_ms(5);
    assert_int_equal(open, 0); /* asked again, the store's listener may be seen at its first words */
}

/* Two that take each other's rows. */
struct locker {
    struct pg *f;
    const char *first, *second;
    struct error error;
    pthread_barrier_t *meet;
    int runs;
    bool ok;
};

static bool lock_both(struct db *db, void *arg, struct error *reterr) {
    struct locker *l = arg;
    struct stmt *stmt = db_stmt(db, "UPDATE things SET n = n + 1 WHERE name = $1");
    stmt_text(stmt, 1, str_of(l->first));
    if (!stmt_run(stmt, NULL, reterr)) return false;
    if (l->runs++ == 0) pthread_barrier_wait(l->meet);
    stmt_text(stmt, 1, str_of(l->second));
    return stmt_run(stmt, NULL, reterr);
}

static void *run_locker(void *arg) {
    struct locker *l = arg;
    l->ok = store_claim(l->f->store, lock_both, l, &l->error);
    return NULL;
}

static void a_deadlock_is_resolved(void **state) {
    struct pg *f = *state;
    pthread_barrier_t meet;
    pthread_t thread;
    OK(db_exec(f->db, "INSERT INTO things VALUES ('a', 0), ('b', 0)", &f->error));
    open_store(f, f->url, 2, 20000);
    pthread_barrier_init(&meet, NULL, 2);
    struct locker one = {f, "a", "b", .meet = &meet}, two = {f, "b", "a", .meet = &meet};
    pthread_create(&thread, NULL, run_locker, &one);
    run_locker(&two);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&meet);
    assert_true(one.ok && two.ok);
    assert_true(one.runs + two.runs >= 3); /* the one that had to give way may meet the other again */
    assert_int_equal(ask(f, "SELECT CAST(SUM(n) AS BIGINT) FROM things"), 4);
}

/* A plan of before a migration. */
static void a_changed_table_is_met(void **state) {
    struct pg *f = *state;
    open_store(f, f->url, 1, 5000);
    struct change c = {.name = "a", .sql = "SELECT * FROM things"};
    OK(write_of(f, &c));
    OK(db_exec(f->db, "ALTER TABLE things ADD COLUMN more TEXT", &f->error));
    c.name = "b";
    OK(write_of(f, &c));
    assert_int_equal(c.runs, 3);
}

static void idle_connections_may_die(void **state) {
    struct pg *f = *state;
    open_store(f, f->url, 3, 5000);
    struct change c = {.name = "a"};
    OK(write_of(f, &c));
    /* By their numbers: the listener comes back at once with another one. */
    OK(db_exec(f->db,
               "CREATE TEMP TABLE ended AS SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid"
               " <> pg_backend_pid(); SELECT pg_terminate_backend(pid) FROM ended",
               &f->error));
    while (ask(f, "SELECT COUNT(*) FROM pg_stat_activity JOIN ended USING (pid)") > 0) sleep_ms(5);
    c = (struct change){.name = "b"};
    OK(write_of(f, &c));
    assert_int_equal(c.runs, 1);
}

/* ---- lost commits ---- */

static void a_lost_answer_is_looked_up(void **state) {
    struct pg *f = *state;
    open_store(f, f->through, 2, 8000);
    atomic_store(&f->proxy->mode, PROXY_LOSE_ANSWER);
    struct change c = {.name = "a"};
    uint64_t before = store_generation(f->store, STORE_ANYTHING);
    OK(write_of(f, &c));
    assert_int_equal(atomic_load(&f->proxy->mode), PROXY_PASS);
    assert_int_equal(c.runs, 1);
    assert_int_equal(count_things(f), 1);
    assert_true(store_generation(f->store, STORE_ANYTHING) > before);
    assert_int_equal(ask(f, "SELECT COUNT(*) FROM write_marks WHERE closed = 1"), 0);
}

static void a_lost_commit_runs_again(void **state) {
    struct pg *f = *state;
    open_store(f, f->through, 2, 8000);
    atomic_store(&f->proxy->mode, PROXY_LOSE_COMMIT);
    struct change c = {.name = "a"};
    OK(store_write(f->store, do_change, &c, &f->error));
    assert_int_equal(c.runs, 2);
    assert_int_equal(count_things(f), 1);
    assert_int_equal(ask(f, "SELECT COUNT(*) FROM write_marks WHERE closed = 1"), 1);
}

/* It was given up, and done again; when it arrives after all, it is refused. */
static void a_late_commit_never_happens(void **state) {
    struct pg *f = *state;
    open_store(f, f->through, 2, 8000);
    atomic_store(&f->proxy->mode, PROXY_KEEP_COMMIT);
    struct change c = {.name = "a", .sql = "INSERT INTO things VALUES ('first only')", .only_first = 1, .queued = true};
    OK(store_write(f->store, do_change, &c, &f->error));
    assert_int_equal(c.runs, 2);
    assert_true(atomic_load(&f->proxy->kept) >= 0);
    proxy_let_go(f->proxy);
    assert_int_equal(ask(f, "SELECT COUNT(*) FROM things WHERE name = 'first only'"), 0);
    assert_int_equal(count_things(f), 1);
}

/* The way to the server ends with the answer. */
static void nobody_knows(void **state) {
    struct pg *f = *state;
    open_store(f, f->through, 2, 3000);
    atomic_store(&f->proxy->mode, PROXY_LOSE_WAY);
    struct change c = {.name = "a"};
    FAILS(ERR_UNSURE, write_of(f, &c));
    assert_int_equal(c.runs, 1);
    atomic_store(&f->proxy->mode, PROXY_PASS);
    c = (struct change){.name = "b"};
    for (int64_t until = clock_steady_ms() + 30000; !write_of(f, &c) && clock_steady_ms() < until;) sleep_ms(20);
    /* After the first one's end, as both are of one workspace. */
    assert_int_equal(count_things(f), 2);
}

static void a_lost_claim_is_left_to_its_lease(void **state) {
    struct pg *f = *state;
    open_store(f, f->through, 2, 5000);
    atomic_store(&f->proxy->mode, PROXY_LOSE_ANSWER);
    struct change c = {.name = "a"};
    FAILS(ERR_UNSURE, store_claim(f->store, do_change, &c, &f->error));
    assert_int_equal(c.runs, 1);
    assert_int_equal(ask(f, "SELECT COUNT(*) FROM write_marks"), 0);
}

static void old_marks_go(void **state) {
    struct pg *f = *state;
    OK(db_exec(f->db,
               "INSERT INTO write_marks (id) SELECT regexp_replace(lpad(to_hex(CAST(EXTRACT(EPOCH FROM now() - h *"
               " INTERVAL '1 hour') * 1000 AS BIGINT)), 12, '0'), '(.{8})', '\\1-') || '-7000-8000-000000000000'"
               " FROM generate_series(1, 50) h",
               &f->error));
    open_store(f, f->url, 2, 5000);
    store_tidy(f->store);
    assert_int_equal(ask(f, "SELECT COUNT(*) FROM write_marks"), 23);
}

/* ---- the way to the server ---- */

static void silence_ends(void **state) {
    struct pg *f = *state;
    open_store(f, f->through, 2, 3000);
    struct change c = {.name = "a"};
    OK(write_of(f, &c));
    atomic_store(&f->proxy->mode, PROXY_SILENT);
    int64_t began = clock_steady_ms();
    c = (struct change){.name = "b"};
    FAILS(ERR_UNAVAILABLE, write_of(f, &c));
    int64_t took = clock_steady_ms() - began;
    assert_in_range(took, 2900, 10000);
    atomic_store(&f->proxy->mode, PROXY_PASS);
    for (int i = 0; i < 100 && !write_of(f, &c); i++) sleep_ms(20);
    assert_int_equal(count_things(f), 2);
}

static void while_it_is_away_calls_fail_at_once(void **state) {
    struct pg *f = *state;
    open_store(f, f->through, 2, 10000);
    atomic_store(&f->proxy->mode, PROXY_DEAD);
    struct change c = {.name = "a"};
    int64_t began = clock_steady_ms();
    FAILS(ERR_UNAVAILABLE, write_of(f, &c));
    assert_true(str_contains(str_of(f->error.message), "away"));
    assert_null(strstr(f->error.message, "hunter2"));
    assert_in_range(clock_steady_ms() - began, 900, 9000); /* of 10000 */
    int connects = atomic_load(&f->proxy->connects);
    began = clock_steady_ms();
    int slow = 0; /* the machine may stand still for a while */
    for (int i = 0; i < 100; i++) {
        int64_t called = clock_steady_ms();
        FAILS(ERR_UNAVAILABLE, write_of(f, &c));
        slow += clock_steady_ms() - called > 50;
    }
    assert_in_range(slow, 0, 10);
    /* The way is tried every 200 ms at most. */
    assert_in_range(atomic_load(&f->proxy->connects) - connects, 0, (clock_steady_ms() - began) / 200 + 1);
    atomic_store(&f->proxy->mode, PROXY_PASS);
    began = clock_steady_ms();
    while (!write_of(f, &c)) sleep_ms(10);
    assert_in_range(clock_steady_ms() - began, 0, 6000); /* of 10000 */
    assert_int_equal(count_things(f), 1);
}

/* It is waited for. */
static void a_short_outage_is_not_noticed(void **state) {
    struct pg *f = *state;
    open_store(f, f->through, 2, 10000);
    int connects = atomic_load(&f->proxy->connects);
    atomic_store(&f->proxy->mode, PROXY_REFUSE_ONE);
    struct change c = {.name = "a"};
    OK(write_of(f, &c));
    assert_int_equal(atomic_load(&f->proxy->connects) - connects, 2);
}

struct sleeper {
    struct pg *f;
    atomic_bool began, may_end;
    bool ok;
};

static bool sleep_inside(struct db *db, void *arg, struct error *reterr) {
    struct sleeper *s = arg;
    if (!stmt_run(db_stmt(db, "SELECT 1"), NULL, reterr)) return false;
    atomic_store(&s->began, true);
    while (!atomic_load(&s->may_end)) sleep_ms(1);
    return true;
}

static void *run_sleeper(void *arg) {
    struct sleeper *s = arg;
    struct error error;
    s->ok = store_claim(s->f->store, sleep_inside, s, &error);
    return NULL;
}

static void *wake_soon(void *arg) {
    struct sleeper *s = arg;
    sleep_ms(500);
    atomic_store(&s->may_end, true);
    return NULL;
}

static void a_full_pool_is_waited_for(void **state) {
    struct pg *f = *state;
    pthread_t thread, waker;
    open_store(f, f->url, 1, 20000);
    struct sleeper sleeper = {.f = f};
    pthread_create(&thread, NULL, run_sleeper, &sleeper);
    while (!atomic_load(&sleeper.began)) sleep_ms(1);
    struct error error;
    struct change tally = {.reads_only = true};
    int64_t began = clock_steady_ms();
    assert_false(store_tally(f->store, 200, do_change, &tally, &error));
    assert_int_equal(error.code, ERR_UNAVAILABLE);
    assert_true(str_contains(str_of(error.message), "in use"));
    assert_in_range(clock_steady_ms() - began, 150, 10000); /* not 20000 */

    pthread_create(&waker, NULL, wake_soon, &sleeper);
    struct change c = {.name = "a"};
    OK(write_of(f, &c));
    pthread_join(waker, NULL);
    pthread_join(thread, NULL);
    assert_true(sleeper.ok);
}

static void *write_in_the_dark(void *arg) {
    struct pg *f = arg;
    struct change c = {.name = "dark"};
    struct error error;
    assert_false(store_write_of(f->store, STR("dark"), do_change, &c, &error));
    return NULL;
}

/* By another connection than its own, which is made now. */
static bool write_beside(struct db *db, void *arg, struct error *reterr) {
    struct change c = {.name = "b"};
    struct pg *f = arg;
    return stmt_run(db_stmt(db, "SELECT 1"), NULL, reterr) && store_write_of(f->store, STR("w"), do_change, &c, reterr);
}

/* Who began to connect during an outage may hear of it long after it is over. */
static void late_news_of_an_outage_change_nothing(void **state) {
    struct pg *f = *state;
    pthread_t dark;
    char url[340];
    snprintf(url, sizeof url, "%s?connect_timeout=60", f->through); /* its one try lasts as long as it does */
    open_store(f, url, 3, 6000);
    int swallowed = atomic_load(&f->proxy->swallowed);
    atomic_store(&f->proxy->mode, PROXY_SILENT);
    pthread_create(&dark, NULL, write_in_the_dark, f);
    while (atomic_load(&f->proxy->swallowed) == swallowed) sleep_ms(1);
    atomic_store(&f->proxy->mode, PROXY_PASS);
    struct change c = {.name = "a"};
    OK(write_of(f, &c));
    pthread_join(dark, NULL);
    OK(store_read(f->store, write_beside, f, &f->error));
}

static bool read_into_the_dark(struct db *db, void *arg, struct error *reterr) {
    struct pg *f = arg;
    if (!stmt_run(db_stmt(db, "SELECT 1"), NULL, reterr)) return false;
    atomic_store(&f->proxy->mode, PROXY_SILENT);
    return true;
}

/* The end of a transaction that nobody waited for got lost: the next one does not spend all its time on that. */
static void a_lost_rollback_is_left_behind(void **state) {
    struct pg *f = *state;
    open_store(f, f->through, 1, 6000);
    int swallowed = atomic_load(&f->proxy->swallowed);
    OK(store_read(f->store, read_into_the_dark, f, &f->error));
    while (atomic_load(&f->proxy->swallowed) == swallowed) sleep_ms(1);
    atomic_store(&f->proxy->mode, PROXY_PASS);
    struct change c = {.name = "a"};
    int64_t began = clock_steady_ms();
    OK(write_of(f, &c));
    assert_true(clock_steady_ms() - began < 4000); /* of 6000 */
}

static void a_slow_statement_is_ended(void **state) {
    struct pg *f = *state;
    enum { WAIT_MS = 3000 };
    open_store(f, f->url, 1, WAIT_MS);
    struct change c = {.name = "a", .sql = "SELECT pg_sleep(60)"};
    for (bool was_told = false; !was_told;) {
        int64_t began = clock_steady_ms();
        FAILS(ERR_UNAVAILABLE, write_of(f, &c));
        int64_t took = clock_steady_ms() - began;
        assert_in_range(took, WAIT_MS * 8 / 10, 20000);
        was_told = str_contains(str_of(f->error.message), "too long");
        /* A server that was late with its word was not waited for. */
        if (!was_told && took < WAIT_MS) fail_msg("after %d ms: %s", (int)took, f->error.message);
    }
}

static void the_next_host_is_tried(void **state) {
    struct pg *f = *state;
    char url[400];
    struct proxy *dead = proxy_start("/nowhere");
    snprintf(url, sizeof url, "postgresql://dfy@127.0.0.1:%d,127.0.0.1:%d/%s", dead->port, f->proxy->port,
             strrchr(f->through, '/') + 1);
    open_store(f, url, 2, 5000);
    struct change c = {.name = "a"};
    OK(write_of(f, &c));
    atomic_store(&dead->mode, PROXY_SILENT);
    int connects = atomic_load(&dead->connects);
    c.name = "b";
    OK(write_of(f, &c));
    assert_int_equal(atomic_load(&dead->connects), connects);
    proxy_stop(dead);
}

static void a_password_is_told_to_nobody(void **state) {
    struct pg *f = *state;
    static const char *const urls[] = {
        "postgresql://dfy:hunter2@127.0.0.1:1/x",
        "postgresql://dfy:hunter2%zz@127.0.0.1/x",
        "postgresql://dfy:hunter2@nowhere.invalid/x",
        "postgresql://dfy:hunter2@/x?sslmode=hunter2",
        "host=x password='hunter2",
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        const struct store_config config = {.url = urls[i], .wait_ms = 500};
        assert_false(store_open(&config, &f->store, &f->error));
        if (strstr(f->error.message, "hunter2")) fail_msg("%s", f->error.message);
        assert_true(f->error.message[0]);
    }
}

/* ---- scopes and generations ---- */

struct meeting {
    struct store *store;
    const char *workspace; /* NULL: the operator */
    atomic_int *inside, *most;
    int wanted; /* so many inside are waited for */
    bool ok;
};

static bool be_inside(struct db *db, void *arg, struct error *reterr) {
    struct meeting *m = arg;
    if (!stmt_run(db_stmt(db, "SELECT 1"), NULL, reterr)) return false;
    int now = atomic_fetch_add(m->inside, 1) + 1, most = atomic_load(m->most);
    while (now > most && !atomic_compare_exchange_weak(m->most, &most, now))
        ;
    if (m->wanted == 1) sleep_ms(300); /* in which the other would come if it could */
    for (int64_t until = clock_steady_ms() + 15000; atomic_load(m->most) < m->wanted && clock_steady_ms() < until;)
        sleep_ms(1);
    atomic_fetch_sub(m->inside, 1);
    return true;
}

static void *run_meeting(void *arg) {
    struct meeting *m = arg;
    struct error error;
    m->ok = m->workspace ? store_write_of(m->store, str_of(m->workspace), be_inside, m, &error)
                         : store_write(m->store, be_inside, m, &error);
    return NULL;
}

/* How many are inside at once at most. */
static void expect_meet(struct pg *f, int wanted, const char *a, const char *b) {
    atomic_int inside = 0, most = 0;
    pthread_t threads[2];
    struct meeting m[2] = {{f->store, a, &inside, &most, wanted, false}, {f->store, b, &inside, &most, wanted, false}};
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, run_meeting, &m[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert_true(m[0].ok && m[1].ok);
    assert_int_equal(atomic_load(&most), wanted);
}

static void scopes_keep_apart(void **state) {
    struct pg *f = *state;
    open_store(f, f->url, 4, 20000);
    expect_meet(f, 2, "w1", "w2");
    expect_meet(f, 1, "w1", "w1");
    expect_meet(f, 1, "w1", NULL);
    expect_meet(f, 1, NULL, NULL);
}

static void generations_tell_changes(void **state) {
    struct pg *f = *state;
    /* What another node may have done is not told to a short command. */
    const struct store_config config = {.url = f->url, .single = true};
    OK(store_open(&config, &f->store, &f->error));
    uint64_t any = store_generation(f->store, STORE_ANYTHING), who = store_generation(f->store, STORE_IDENTITIES);
    struct change c = {.reads_only = true, .sql = "UPDATE things SET n = 1 WHERE name = 'nobody'"};
    OK(write_of(f, &c));
    assert_true(store_generation(f->store, STORE_ANYTHING) == any);
    c = (struct change){.name = "a"};
    OK(write_of(f, &c));
    assert_true(store_generation(f->store, STORE_ANYTHING) > any);
    assert_true(store_generation(f->store, STORE_IDENTITIES) == who);
    c = (struct change){.name = "b", .touches = true, .queued = true};
    OK(write_of(f, &c));
    assert_true(store_generation(f->store, STORE_IDENTITIES) > who);
    any = store_generation(f->store, STORE_ANYTHING);
    c = (struct change){.reads_only = true,
                        .sql = "WITH x AS (UPDATE things SET n = 1 RETURNING n) SELECT COUNT(*) FROM x"};
    OK(store_claim(f->store, do_change, &c, &f->error));
    assert_true(store_generation(f->store, STORE_ANYTHING) > any);
    assert_int_equal(ask(f, "SELECT COUNT(*) FROM things WHERE n = 1"), 2);
}

int main(void) {
    if (sodium_init() < 0 || !getenv("DFYD_TEST_POSTGRES")) return 77;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(values_come_back),
        TEST(lists_are_tables),
        TEST(null_and_value_share_a_statement),
        TEST(each_stands_alone),
        TEST(statements_nest),
        TEST(more_is_queued_than_fits),
        TEST(what_was_asked_fails_when_it_is_read),
        TEST(an_answer_is_kept_while_more_is_sent),
        TEST(texts_for_postgres),
        TEST(a_failure_is_told),
        TEST(nothing_is_kept_after_a_failure),
        TEST(what_cannot_be_ordered_runs_again),
        TEST(a_read_runs_again),
        TEST(a_taken_name_keeps_no_transaction_open),
        TEST(a_deadlock_is_resolved),
        TEST(a_changed_table_is_met),
        TEST(idle_connections_may_die),
        TEST(a_lost_answer_is_looked_up),
        TEST(a_lost_commit_runs_again),
        TEST(a_late_commit_never_happens),
        TEST(nobody_knows),
        TEST(a_lost_claim_is_left_to_its_lease),
        TEST(old_marks_go),
        TEST(silence_ends),
        TEST(while_it_is_away_calls_fail_at_once),
        TEST(a_short_outage_is_not_noticed),
        TEST(a_full_pool_is_waited_for),
        TEST(late_news_of_an_outage_change_nothing),
        TEST(a_lost_rollback_is_left_behind),
        TEST(a_slow_statement_is_ended),
        TEST(the_next_host_is_tried),
        TEST(a_password_is_told_to_nobody),
        TEST(scopes_keep_apart),
        TEST(generations_tell_changes),
    };
    cmocka_set_test_filter(getenv("CMOCKA_TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
