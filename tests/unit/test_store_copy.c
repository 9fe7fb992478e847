#include "store/copy.h"

#include <stdlib.h>

#include "store/migrate.h"
#include "store/moves.h"
#include "store_fixture.h"

extern const char postgres_009_baseline[], postgres_010_console[];

/* -- what is copied */

/* Whoever adds a table has to say in copy.c what becomes of it. */
static void test_every_table_is_known(void **state) {
    struct fixture *f = *state;
    struct stmt *stmt =
        db_stmt(f->db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    int taken = 0;
    enum db_step step;
    while ((step = stmt_step(stmt, &f->error)) == DB_ROW) {
        bool is_known;
        const char *name = arena_cstr(f->arena, stmt_col_text(stmt, 0));
        taken += copy_takes(name, &is_known);
        if (!is_known) fail_msg("copy.c says nothing of the table %s", name);
    }
    assert_int_equal(step, DB_END);
    assert_true(taken > 30);
}

/* -- marks */

static void put_state(struct fixture *f, enum move_state state) {
    const struct move move = {
        .state = state, .source = STR("the-id"), .place = STR("postgresql://there/db"), .at_ms = 5};
    OK(move_put(f->db, &move, &f->error));
}

static void test_marks(void **state) {
    struct fixture *f = *state;
    struct move move;
    OK(move_get(f->db, f->arena, &move, &f->error));
    assert_int_equal(move.state, MOVE_NONE);
    for (enum move_state s = MOVE_KEPT; s <= MOVE_DONE; s++) {
        put_state(f, s);
        OK(move_get(f->db, f->arena, &move, &f->error));
        assert_int_equal(move.state, s);
        assert_true(str_is(move.source, "the-id") && str_is(move.place, "postgresql://there/db") && move.at_ms == 5);
        bool is_free = s == MOVE_KEPT || s == MOVE_DONE;
        assert_int_equal(move_check(f->db, &f->error), is_free);
        if (!is_free) assert_non_null(strstr(f->error.message, "postgresql://there/db"));
    }
    put_state(f, MOVE_NONE);
    OK(move_check(f->db, &f->error));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM moves"), 0);
}

/* -- places */

static void test_places_hold_no_password(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *url, *place;
    } cases[] = {
        {"postgresql://ann:secret@db.example/shop", "postgresql://db.example/shop"},
        {"postgres://ann:secret@one:5433,two:5434/shop?sslmode=require&password=secret",
         "postgresql://one,two:5433,5434/shop"},
        {"postgresql:///shop?host=/run/postgresql", "postgresql:///run/postgresql/shop"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str place;
        OK(bulk_place(cases[i].url, f->arena, &place, &f->error));
        assert_string_equal(arena_cstr(f->arena, place), cases[i].place);
    }
    static const char *const wrong[] = {"sqlite:dir", "", "postgresql://ann:secret%zz@db/shop",
                                        "host=db password=secret", "postgresql://ann:secret@[db/shop"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct str place;
        FAILS(ERR_INVALID, bulk_place(wrong[i], f->arena, &place, &f->error));
        assert_null(strstr(f->error.message, "secret"));
    }
}

/* -- into a real PostgreSQL, when DFYD_TEST_POSTGRES names one: taken from the environment, as the source is SQLite */

static char given[160];

struct target {
    char url[512];
    struct bulk *bulk;
    struct copy copy;
};

/* A schema of its own, in the database that is given. */
static struct target target_make(struct fixture *f) {
    struct target t = {.bulk = NULL};
    struct bulk *first;
    if (!*given) skip();
    static int number;
    char name[64];
    snprintf(name, sizeof name, "copy_%ld_%d", (long)getpid(), ++number);
    OK(bulk_open(given, &first, &f->error));
    OK(bulk_run(first, arena_cstr(f->arena, arena_printf(f->arena, "CREATE SCHEMA %s", name)), &f->error));
    bulk_close(first);
    snprintf(t.url, sizeof t.url, "%s%coptions=-csearch_path%%3D%s", given, strchr(given, '?') ? '&' : '?', name);
    OK(bulk_open(t.url, &t.bulk, &f->error));
    OK(bulk_run(t.bulk, postgres_009_baseline, &f->error));
    OK(bulk_run(t.bulk, postgres_010_console, &f->error));
    t.copy = (struct copy){.source = f->db, .target = t.bulk, .arena = f->arena};
    return t;
}

static void target_drop(struct fixture *f, struct target *t) {
    OK(bulk_run(
        t->bulk,
        "SET client_min_messages = error; DO $$ BEGIN EXECUTE 'DROP SCHEMA ' || current_schema() || ' CASCADE'; END $$",
        &f->error));
    bulk_close(t->bulk);
}

static const char *ask(struct fixture *f, struct target *t, const char *sql) {
    struct str *values;
    size_t n;
    OK(bulk_ask(t->bulk, sql, f->arena, &values, &n, &f->error));
    struct str all = STR("");
    for (size_t i = 0; i < n; i++)
        all = arena_printf(f->arena, "%.*s%s%.*s", STR_ARG(all), i ? "|" : "", STR_ARG(values[i]));
    return arena_cstr(f->arena, all);
}

/* Which comparisons say no. */
static const char *differing(struct fixture *f, struct target *t) {
    struct copy_check *checks;
    size_t n;
    OK(copy_compare(&t->copy, &checks, &n, &f->error));
    struct str all = STR("");
    for (size_t i = 0; i < n; i++)
        if (!checks[i].same)
            all = arena_printf(f->arena, "%.*s%s%.*s", STR_ARG(all), all.n ? "|" : "", STR_ARG(checks[i].what));
    assert_true(n > 40);
    return arena_cstr(f->arena, all);
}

static void place_order(struct fixture *f, const char *name) {
    struct reserve_domain domain = make_domain(f, name, 3, "https://example.org/?a=b");
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
}

/* Each kind of value at its edges. */
static void fill(struct fixture *f) {
    place_order(f, "one.com");
    place_order(f, "two.com");
    fixture_run(f, "UPDATE workspaces SET name = 'tab\there', org_logo_url = NULL WHERE id = '" WORKSPACE "';"
                   "UPDATE workspaces SET name = '\\N', org_logo_url = '' WHERE id = '" STRANGER "';");
    struct stmt *stmt =
        db_stmt(f->db, "INSERT INTO audit_logs (id, workspace_id, at_ms, activity, key_id, address,"
                       " user_agent, affected, detail) VALUES ($1, '" WORKSPACE "', $2, 'x', '', '', $3, $4, '{}')");
    static const char *const agents[] = {"",        "\\",      "\\.", "a\nb\r\n\tc\b\f\v", "\xc3\xa4\xf0\x9f\x98\x80",
                                         "\\\\x00", "\x7f\x01"};
    for (size_t i = 0; i < ARRAY_LEN(agents); i++) {
        stmt_text(stmt, 1,
                  arena_printf(f->arena, "%c%zu", i % 2 ? 'a' : 'B', i)); /* the order of bytes is not that of words */
        stmt_int(stmt, 2, i % 2 ? INT64_MAX : INT64_MIN);
        stmt_text(stmt, 3, str_of(agents[i]));
        stmt_int(stmt, 4, 0);
        OK(stmt_run(stmt, NULL, &f->error));
    }
    stmt = db_stmt(f->db,
                   "INSERT INTO api_keys (id, workspace_id, hash, name, scopes, is_operator, created_ms, revoked_ms)"
                   " VALUES ('k', '" WORKSPACE "', $1, '', '', 0, 1, 0)");
    char bytes[256];
    for (int i = 0; i < 256; i++) bytes[i] = (char)i;
    stmt_blob(stmt, 1, (struct str){bytes, sizeof bytes});
    OK(stmt_run(stmt, NULL, &f->error));
    fixture_run(
        f, "INSERT INTO vault_proof (id, sealed) VALUES (1, x'');"
           "INSERT INTO events (seq, workspace_id, type, domain, payload, created_ms) VALUES"
           " (3, '" WORKSPACE "', 't', '', '{}', 1), (7, '" WORKSPACE "', 't', '', '{}', 1), (9, '" WORKSPACE
           "', 't', '', '{}', 1);"
           "UPDATE webhook_cursor SET seq = 5;"
           "INSERT INTO webhooks (id, workspace_id, target, created_ms, after_seq, status, error_ms, reason, failures,"
           " due_ms, not_before_ms, lease, is_leased) VALUES ('w', '" WORKSPACE
           "', 'http://x', 1, 40, 1, 0, '', 0, NULL, 0, 0, 0);"
           "INSERT INTO ledger_entries (seq, transaction_id, account, amount, workspace_id, subject_kind, subject_id, "
           "at_ms)"
           " VALUES (11, 't', 'cash/x', 1500, '" WORKSPACE
           "', 'order', 'o', 1), (12, 't', 'revenue', -1500, '" WORKSPACE "', 'order', 'o', 1);"
           "INSERT INTO invoices (number, workspace_id, kind, subject_kind, subject_id, total, driver, document, "
           "issued_ms)"
           " VALUES (1, '" WORKSPACE "', 'invoice', 'order', 'o', 1500, 'sandbox', '{}', 1),"
           " (2, '" WORKSPACE "', 'invoice', 'order', 'p', 1500, 'sandbox', '{}', 1);");
}

static void test_all_values_arrive(void **state) {
    struct fixture *f = *state;
    int64_t rows, again;
    fill(f);
    struct target t = target_make(f);
    OK(copy_is_empty(&t.copy, &f->error));
    OK(IN_TX(copy_run(&t.copy, &rows, &f->error)));
    assert_string_equal(differing(f, &t), "");
    assert_true(rows > 30);
    /* What PostgreSQL keeps otherwise. */
    assert_string_equal(ask(f, &t, "SELECT seq FROM events_new ORDER BY seq"), "7|9");
    assert_string_equal(ask(f, &t, "SELECT seq FROM webhook_cursor"), "0");
    assert_string_equal(ask(f, &t, "SELECT number FROM invoice_counter"), "2");
    assert_string_equal(ask(f, &t, "SELECT nextval(pg_get_serial_sequence('events', 'seq'))"), "41");
    assert_string_equal(ask(f, &t, "SELECT nextval(pg_get_serial_sequence('ledger_entries', 'seq'))"), "13");
    assert_string_equal(ask(f, &t, "SELECT nextval(pg_get_serial_sequence('price_versions', 'version'))"), "1");
    /* Triggers wrote nothing down a second time, and do so again. */
    assert_string_equal(ask(f, &t, "SELECT name FROM edge_changes"), "");
    assert_false(bulk_run(t.bulk, "UPDATE ledger_entries SET amount = 1", &f->error));
    assert_false(bulk_run(t.bulk, "DELETE FROM invoices", &f->error));

    OK(IN_TX(copy_run(&t.copy, &again, &f->error)));
    assert_true(again == rows);
    assert_string_equal(differing(f, &t), "");
    assert_string_equal(ask(f, &t, "SELECT seq FROM events_new ORDER BY seq"), "7|9");
    FAILS(ERR_CONFLICT, copy_is_empty(&t.copy, &f->error));
    assert_non_null(strstr(f->error.message, "vault_proof"));
    target_drop(f, &t);
}

/* One value of one row, a row more, a row less: the table is named, and what is summed up of it. */
static void test_differences_are_found(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *change, *differing;
    } cases[] = {
        {"UPDATE audit_logs SET user_agent = user_agent || ' ' WHERE id = 'a1'", "audit_logs"},
        {"UPDATE workspaces SET org_logo_url = '' WHERE org_logo_url IS NULL", "workspaces"},
        {"UPDATE api_keys SET hash = hash || '\\x00'", "api_keys"},
        {"DELETE FROM events WHERE seq = 7", "events"},
        {"UPDATE orders SET amount = amount + CASE id WHEN (SELECT MIN(id) FROM orders) THEN 1 ELSE -1 END", "orders"},
        {"UPDATE orders SET amount = amount + 1", "orders|sum of orders.amount"},
        {"INSERT INTO ledger_entries (transaction_id, account, amount, workspace_id, subject_kind, subject_id, at_ms)"
         " VALUES ('u', 'cash/x', 5, '" WORKSPACE "', 'order', 'o', 1), ('u', 'gifts', -5, '" WORKSPACE
         "', 'order', 'o', 1)",
         "ledger_entries|balance of cash/x|balance of gifts"},
    };
    int64_t rows;
    fill(f);
    struct target t = target_make(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        OK(IN_TX(copy_run(&t.copy, &rows, &f->error)));
        OK(bulk_run(t.bulk, cases[i].change, &f->error));
        assert_string_equal(differing(f, &t), cases[i].differing);
    }
    target_drop(f, &t);
}

/* A value that PostgreSQL cannot hold is named by its place, and nothing of the copy stays. */
static void test_what_cannot_be_copied_is_named(void **state) {
    struct fixture *f = *state;
    int64_t rows;
    fixture_run(
        f, "INSERT INTO audit_logs (id, workspace_id, at_ms, activity, key_id, address, user_agent, affected, detail)"
           " VALUES ('1', '" WORKSPACE "', 1, 'x', '', '', CAST(x'61ff62' AS TEXT), 0, '{}')");
    struct target t = target_make(f);
    assert_false(IN_TX(copy_run(&t.copy, &rows, &f->error)));
    assert_non_null(strstr(f->error.message, "audit_logs, line 1"));
    struct bulk *failed = t.bulk;
    OK(bulk_open(t.url, &t.bulk, &f->error));
    bulk_close(failed);
    t.copy.target = t.bulk;
    OK(copy_is_empty(&t.copy, &f->error));
    target_drop(f, &t);
}

static void take_server(void) {
    const char *url = getenv("DFYD_TEST_POSTGRES"), *at = url ? strstr(url, "@?") : NULL;
    if (at) snprintf(given, sizeof given, "%.*spostgres%s", (int)(at - url), url, at + 1);
    unsetenv("DFYD_TEST_POSTGRES");
}

int main(void) {
    take_server();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_table_is_known, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_marks, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_places_hold_no_password, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_all_values_arrive, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_differences_are_found, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_copied_is_named, fixture_make, fixture_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
