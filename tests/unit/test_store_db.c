#include <pthread.h>
#include <stdatomic.h>

#include "store/sqlite/connection.h"
#include "store_fixture.h"

static void parameters_go_by_number(void **state) {
    struct fixture *f = *state;
    struct stmt *stmt = db_stmt(f->db, "SELECT $2 || $1 || $2, $3, $4");
    stmt_text(stmt, 1, STR("one"));
    stmt_text(stmt, 2, STR("two"));
    stmt_int(stmt, 3, INT64_MIN);
    stmt_null(stmt, 4);
    assert_int_equal(stmt_step(stmt, &f->error), DB_ROW);
    assert_true(str_is(stmt_col_text(stmt, 0), "twoonetwo"));
    assert_true(stmt_col_int(stmt, 1) == INT64_MIN);
    assert_true(stmt_col_is_null(stmt, 2));
    assert_int_equal(stmt_col_text(stmt, 2).n, 0);
    assert_int_equal(stmt_step(stmt, &f->error), DB_END);
}

static void statements_come_back_unbound(void **state) {
    struct fixture *f = *state;
    static const char sql[] = "SELECT $1";
    struct stmt *stmt = db_stmt(f->db, sql);
    stmt_text(stmt, 1, STR("left over"));
    assert_int_equal(stmt_step(stmt, &f->error), DB_ROW);
    assert_ptr_equal(db_stmt(f->db, sql), stmt);
    assert_int_equal(stmt_step(stmt, &f->error), DB_ROW);
    assert_true(stmt_col_is_null(stmt, 0));
    stmt_done(stmt);
}

static void empty_text_is_not_null(void **state) {
    struct fixture *f = *state;
    struct stmt *stmt = db_stmt(f->db, "SELECT $1 IS NULL, $2 IS NULL, length($3)");
    stmt_text(stmt, 1, (struct str){NULL, 0});
    stmt_blob(stmt, 2, (struct str){NULL, 0});
    stmt_blob(stmt, 3, STR("a\0b"));
    assert_int_equal(stmt_step(stmt, &f->error), DB_ROW);
    assert_int_equal(stmt_col_int(stmt, 0), 0);
    assert_int_equal(stmt_col_int(stmt, 1), 0);
    assert_int_equal(stmt_col_int(stmt, 2), 3);
    stmt_done(stmt);
}

static void lists_keep_odd_texts(void **state) {
    struct fixture *f = *state;
    const struct str values[] = {STR("plain"), STR("with \"quotes\" and \\"), STR("new\nline"), STR("")};
    struct stmt *stmt = db_stmt(f->db, "SELECT value FROM list($1)");
    stmt_list(stmt, 1, values, ARRAY_LEN(values));
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        assert_int_equal(stmt_step(stmt, &f->error), DB_ROW);
        assert_true(str_eq(stmt_col_text(stmt, 0), values[i]));
    }
    assert_int_equal(stmt_step(stmt, &f->error), DB_END);
    stmt_list(stmt, 1, values, 0);
    assert_int_equal(stmt_step(stmt, &f->error), DB_END);
}

/* More statements than the first table of them has room for. */
static void many_statements_stay_apart(void **state) {
    struct fixture *f = *state;
    enum { MANY = 500 };
    const char *sql[MANY];
    for (int i = 0; i < MANY; i++) sql[i] = arena_cstr(f->arena, arena_printf(f->arena, "SELECT %d", i));
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < MANY; i++) assert_int_equal(number_of(f, sql[i]), i);
}

static void broken_uniqueness_is_a_conflict(void **state) {
    struct fixture *f = *state;
    struct workspace twin = {.id = "01900000-0000-7000-8000-000000000009", .name = STR("mine")};
    FAILS(ERR_CONFLICT, workspace_add(f->db, &twin, &f->error));
    assert_non_null(strstr(f->error.message, "\"mine\""));
    twin.name = STR("new");
    memcpy(twin.id, WORKSPACE, UUID_TEXT);
    FAILS(ERR_CONFLICT, workspace_add(f->db, &twin, &f->error));
}

/* Of two questions that differ in their parameter alone the second counts, and what nobody reads is in nobody's way. */
static void what_is_asked_is_read_later(void **state) {
    struct fixture *f = *state;
    static const char by_id[] = "SELECT name FROM workspaces WHERE id = $1",
                      count[] = "SELECT COUNT(*) FROM workspaces",
                      rename[] = "UPDATE workspaces SET name = $1 WHERE name = $2";
    for (int in_transaction = 0; in_transaction < 2; in_transaction++) {
        if (in_transaction) assert_true(fixture_begin(f));
        struct stmt *dropped = db_stmt(f->db, by_id);
        stmt_text(dropped, 1, STR(STRANGER));
        OK(stmt_ask(dropped, &f->error));
        struct stmt *name = db_stmt(f->db, by_id), *n = db_stmt(f->db, count), *change = db_stmt(f->db, rename);
        stmt_text(name, 1, STR(WORKSPACE));
        stmt_text(change, 1, STR("theirs, now"));
        stmt_text(change, 2, STR("theirs"));
        OK(stmt_ask(name, &f->error));
        OK(stmt_ask(n, &f->error));
        OK(stmt_ask(change, &f->error));
        int64_t changed;
        OK(stmt_run(change, &changed, &f->error));
        assert_int_equal(changed, in_transaction ? 0 : 1);
        assert_int_equal(stmt_step(n, &f->error), DB_ROW);
        assert_int_equal(stmt_col_int(n, 0), 2);
        assert_int_equal(stmt_step(name, &f->error), DB_ROW);
        assert_true(str_is(stmt_col_text(name, 0), "mine"));
        assert_int_equal(stmt_step(name, &f->error), DB_END);
        OK(stmt_ask(db_stmt(f->db, "SELECT 1"), &f->error));
        if (in_transaction) OK(fixture_end(f, true));
        assert_int_equal(number_of(f, "SELECT 1"), 1);
    }
}

static void a_queued_conflict_names_what_was_taken(void **state) {
    struct fixture *f = *state;
    static const char sql[] =
        "INSERT INTO workspaces (id, name, plan_active, created_ms, updated_ms) VALUES ($1, $2, 1, 1, 1)";
    const char *ids[] = {"01900000-0000-7000-8000-000000000009", WORKSPACE, "01900000-0000-7000-8000-000000000008"};
    assert_true(fixture_begin(f));
    bool ok = true;
    for (size_t i = 0; ok && i < ARRAY_LEN(ids); i++) {
        char name[] = {'n', (char)('0' + i), '\0'};
        struct stmt *stmt = db_stmt(f->db, sql);
        stmt_text(stmt, 1, str_of(ids[i]));
        stmt_text(stmt, 2, str_of(name));
        ok = stmt_queue_named(stmt, str_of(name), &f->error);
    }
    FAILS(ERR_CONFLICT, fixture_end(f, ok));
    assert_string_equal(f->error.message, "n1 was taken meanwhile");
}

static void other_constraints_are_bugs(void **state) {
    struct fixture *f = *state;
    struct card card = {.token = STR("t")};
    FAILS(ERR_INTERNAL, card_set(f->db, STR("no such workspace"), &card, 1, &f->error));
}

static void a_lock_is_unavailable(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    const struct connect connect = {.path = f->path};
    struct db *other = NULL;
    OK(db_open(&connect, &other, &f->error));
    fixture_run(f, "BEGIN IMMEDIATE");
    FAILS(ERR_UNAVAILABLE, db_exec(other, "UPDATE heartbeat SET beats = 1", &f->error));
    assert_non_null(strstr(f->error.message, "locked"));
    fixture_run(f, "ROLLBACK");
    OK(db_exec(other, "UPDATE heartbeat SET beats = 1", &f->error));
    db_close(other);
}

struct busy {
    struct fixture *f;
    _Atomic bool stop, locked;
    _Atomic int rounds;
};

/* A server under load: its next commit begins half a millisecond after the last. */
static void *keep_locked(void *arg) {
    struct busy *busy = arg;
    struct fixture *f = busy->f;
    const struct connect connect = {.path = f->path, .lock_wait_ms = 5000};
    struct error error = {0};
    struct db *db;
    bool ok = db_open(&connect, &db, &error);
    while (ok && !atomic_load(&busy->stop)) {
        ok = db_exec(db, "BEGIN IMMEDIATE", &error);
        atomic_store(&busy->locked, true);
        atomic_fetch_add(&busy->rounds, 1);
        usleep(20000);
        atomic_store(&busy->locked, false);
        ok = ok && db_exec(db, "COMMIT", &error);
        usleep(500);
    }
    db_close(db);
    if (!ok) fprintf(stderr, "%s\n", error.message);
    return ok ? busy : NULL;
}

/* SQLite's own way of waiting looks ever more rarely, and misses the gaps for seconds: some two hundred each time. */
static void a_busy_writer_lets_others_in(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    struct busy busy = {.f = f};
    const struct connect connect = {.path = f->path, .lock_wait_ms = 60000};
    struct db *db;
    OK(db_open(&connect, &db, &f->error));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, keep_locked, &busy), 0);
    int missed = 0;
    for (int i = 0; i < 10; i++) {
        while (!atomic_load(&busy.locked)) usleep(100);
        int before = atomic_load(&busy.rounds);
        OK(db_exec(db, "BEGIN IMMEDIATE", &f->error));
        missed += atomic_load(&busy.rounds) - before;
        OK(db_exec(db, "COMMIT", &f->error));
    }
    assert_in_range(missed, 0, 400);
    atomic_store(&busy.stop, true);
    void *ok;
    pthread_join(thread, &ok);
    assert_non_null(ok);
    db_close(db);
}

static void readers_cannot_write(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    const struct connect connect = {.path = f->path, .read_only = true};
    struct db *reader = NULL;
    OK(db_open(&connect, &reader, &f->error));
    FAILS(ERR_UNAVAILABLE, db_exec(reader, "UPDATE heartbeat SET beats = 1", &f->error));
    db_close(reader);
}

static void a_missing_folder_is_told(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    const struct connect connect = {.path = "/nonexistent/dfyd.db"};
    struct db *db = NULL;
    FAILS(ERR_UNAVAILABLE, db_open(&connect, &db, &f->error));
}

static void a_file_of_something_else_is_told(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    const char *path = arena_cstr(f->arena, arena_printf(f->arena, "%s/other", f->dir));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) fputs("this is not a database\n", file);
    fclose(file);
    const struct connect connect = {.path = path};
    struct db *db = NULL;
    FAILS(ERR_INTERNAL, db_open(&connect, &db, &f->error));
    assert_non_null(strstr(f->error.message, "damaged"));
}

static void migrating_again_changes_nothing(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    int64_t before = db_total_changes(f->db), version = number_of(f, "SELECT MAX(version) FROM schema_version");
    assert_true(version > 0);
    OK(migrate_run(f->db, &f->error));
    assert_true(db_total_changes(f->db) == before);
    assert_int_equal(number_of(f, "SELECT MAX(version) FROM schema_version"), version);
}

static void a_newer_database_is_refused(void **state) {
    struct fixture *f = *state;
    fixture_run(f, "INSERT INTO schema_version (version, name, oldest) VALUES (999, 'of the future', 998)");
    FAILS(ERR_INVALID, migrate_run(f->db, &f->error));
    assert_non_null(strstr(f->error.message, "999"));
    const struct store_config config = fixture_config(f);
    struct store *store = NULL;
    FAILS(ERR_INVALID, store_open(&config, &store, &f->error));
}

/* The schema spells the states out; the program takes them from tables. */
static void the_schema_knows_every_word(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *table;
        const char *const *names;
        size_t n;
    } uses[] = {
        {"orders", order_state_names, ORDER_STATE_END},    {"orders", order_type_names, 3},
        {"domains", domain_state_names, DOMAIN_STATE_END}, {"accounts", account_state_names, ACCOUNT_STATE_END},
        {"steps", step_state_names, STEP_STATE_END},       {"steps", step_kind_names, STEP_KIND_END},
    };
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        struct stmt *stmt =
            db_stmt(f->db, DB_EITHER(f->db, "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = $1",
                                     "SELECT string_agg(pg_get_constraintdef(oid), ' ') FROM pg_constraint"
                                     " WHERE contype = 'c' AND conrelid = to_regclass($1)"));
        stmt_text(stmt, 1, str_of(uses[i].table));
        assert_int_equal(stmt_step(stmt, &f->error), DB_ROW);
        struct str sql = arena_str(f->arena, stmt_col_text(stmt, 0));
        stmt_done(stmt);
        for (size_t k = 0; k < uses[i].n; k++) {
            const char *quoted = arena_cstr(f->arena, arena_printf(f->arena, "'%s'", uses[i].names[k]));
            if (!str_contains(sql, quoted)) fail_msg("table %s does not know %s", uses[i].table, quoted);
        }
    }
}

/* The checks of words neither let others in nor build a table for every row. */
static void the_schema_refuses_other_words(void **state) {
    struct fixture *f = *state;
    static const char *const tables[] = {"orders",     "domains",        "accounts", "steps",
                                         "bill_lines", "ledger_entries", "invoices", "renewal_items"};
    for (size_t i = 0; i < ARRAY_LEN(tables) && !fixture_on_postgres(); i++) {
        const char *sql = arena_cstr(
            f->arena, arena_printf(f->arena, "EXPLAIN INSERT INTO %s SELECT * FROM %s", tables[i], tables[i]));
        struct stmt *stmt = db_stmt(f->db, sql);
        int built = 0;
        while (stmt_step(stmt, &f->error) == DB_ROW) {
            struct str opcode = stmt_col_text(stmt, 1);
            built += str_is(opcode, "OpenEphemeral");
        }
        /* What is read from the table itself is put aside first. */
        if (built > 1) fail_msg("%s builds %d tables", tables[i], built);
    }
    static const char *const bad[] = {
        "UPDATE orders SET state = 'sold'",      "UPDATE orders SET type = 'gift'", "UPDATE domains SET state = 'due'",
        "UPDATE accounts SET state = 'partial'", "UPDATE steps SET state = 'sold'", "UPDATE steps SET kind = 'sell'",
    };
    struct reserve_domain domain = make_domain(f, "one.com", 1, "target.org");
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        FAILS(ERR_INTERNAL, IN_TX(stmt_run(db_stmt(f->db, bad[i]), NULL, &f->error)));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(parameters_go_by_number),         CASE(statements_come_back_unbound),
        CASE(empty_text_is_not_null),          CASE(lists_keep_odd_texts),
        CASE(many_statements_stay_apart),      CASE(broken_uniqueness_is_a_conflict),
        CASE(what_is_asked_is_read_later),     CASE(a_queued_conflict_names_what_was_taken),
        CASE(other_constraints_are_bugs),      CASE(a_lock_is_unavailable),
        CASE(a_busy_writer_lets_others_in),    CASE(readers_cannot_write),
        CASE(a_missing_folder_is_told),        CASE(a_file_of_something_else_is_told),
        CASE(migrating_again_changes_nothing), CASE(a_newer_database_is_refused),
        CASE(the_schema_knows_every_word),     CASE(the_schema_refuses_other_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
