/* audit: pages of records by time, type and words; records and keys of a database of the version before. */
#include "store/audit.h"
#include "store/keys.h"
#include "store_fixture.h"

enum { RECORDS = 25 };

static const char *record_id(unsigned i) {
    static char id[UUID_TEXT];
    snprintf(id, sizeof id, "01900000-0000-7000-9000-%012x", i);
    return id;
}

static void add(struct fixture *f, unsigned i, const char *workspace, enum activity activity, const char *agent,
                int64_t at_ms) {
    struct audit_record record = {.id = str_of(record_id(i)),
                                  .workspace_id = str_of(workspace),
                                  .activity = activity,
                                  .actor = {STR("key"), STR("192.0.2.1"), str_of(agent)},
                                  .affected = i,
                                  .detail = STR("{\"what\":\"a 100% Thing\"}"),
                                  .now_ms = at_ms};
    OK(IN_TX(audit_add(f->db, &record, &f->error)));
}

static size_t page(struct fixture *f, struct audit_query query, struct audit_row **ret) {
    size_t n;
    query.workspace_id = STR(WORKSPACE);
    if (!query.limit) query.limit = 100;
    if (!query.to_ms) query.to_ms = INT64_MAX;
    OK(audit_page(f->db, &query, f->arena, ret, &n, &f->error));
    return n;
}

/* Newest first by time, of one time by id, each once; ids and times may run against each other. */
static void pages_hold_each_record_once(void **state) {
    struct fixture *f = *state;
    for (unsigned i = 0; i < RECORDS; i++) add(f, i, WORKSPACE, ACTIVITY_KEY_CREATED, "curl", 1000 + (i * 7) % 5);
    add(f, 99, STRANGER, ACTIVITY_KEY_CREATED, "curl", 1001);
    bool seen[RECORDS] = {false};
    struct audit_row *rows;
    struct str before = STR("");
    int64_t last_ms = INT64_MAX;
    size_t total = 0, n;
    while ((n = page(f, (struct audit_query){.before = before, .limit = 4}, &rows)) > 0) {
        for (size_t i = 0; i < n; i++, total++) {
            assert_false(seen[rows[i].affected]);
            seen[rows[i].affected] = true;
            assert_true(rows[i].at_ms <= last_ms);
            if (rows[i].at_ms == last_ms) assert_true(str_cmp(rows[i].id, before) < 0);
            last_ms = rows[i].at_ms;
            before = rows[i].id;
        }
    }
    assert_int_equal(total, RECORDS);
    assert_int_equal(page(f, (struct audit_query){.before = str_of(record_id(99))}, &rows), 0);
    assert_int_equal(page(f, (struct audit_query){.before = str_of(record_id(98))}, &rows), 0);
}

static void filters_narrow_the_page(void **state) {
    struct fixture *f = *state;
    add(f, 1, WORKSPACE, ACTIVITY_KEY_CREATED, "curl", 10);
    add(f, 2, WORKSPACE, ACTIVITY_KEY_REVOKED, "Python_3", 20);
    add(f, 3, WORKSPACE, ACTIVITY_ORDER_PLACED, "PythonX3", 30);
    struct audit_row *rows;
    assert_int_equal(page(f, (struct audit_query){.has_type = true, .type = 37}, &rows), 1);
    assert_int_equal(rows[0].type, 37);
    assert_int_equal(page(f, (struct audit_query){.has_type = true, .type = 5}, &rows), 0);
    assert_int_equal(page(f, (struct audit_query){.from_ms = 20}, &rows), 2);
    assert_int_equal(page(f, (struct audit_query){.from_ms = 20, .to_ms = 20}, &rows), 1);
    assert_int_equal(page(f, (struct audit_query){.from_ms = 21, .to_ms = 29}, &rows), 0);
    assert_int_equal(page(f, (struct audit_query){.before = str_of(record_id(3)), .to_ms = 1000}, &rows), 2);
    assert_int_equal(page(f, (struct audit_query){.search = STR("PYTHON_3")}, &rows), 1);
    assert_int_equal(rows[0].affected, 2);
    assert_int_equal(page(f, (struct audit_query){.search = STR("python")}, &rows), 2);
    assert_int_equal(page(f, (struct audit_query){.search = STR("100% thing")}, &rows), 3);
    assert_int_equal(page(f, (struct audit_query){.search = STR("100%%thing")}, &rows), 0);
    assert_int_equal(page(f, (struct audit_query){.search = STR("\\")}, &rows), 0);
    assert_int_equal(page(f, (struct audit_query){.search = STR("key_"), .has_type = true, .type = 38}, &rows), 1);
}

static void pages_use_their_index(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    static const struct {
        const char *sql, *index;
    } uses[] = {
        {"SELECT id FROM audit_logs WHERE workspace_id = 'a' AND at_ms >= 1 AND at_ms <= 2 AND (at_ms, id) < (2, 'b')"
         " ORDER BY at_ms DESC, id DESC LIMIT 5",
         "audit_logs_by_time"},
        {"SELECT id FROM audit_logs WHERE workspace_id = 'a' AND activity_type = 6 AND at_ms >= 1 AND at_ms <= 2"
         " AND (at_ms, id) < (2, 'b') ORDER BY at_ms DESC, id DESC LIMIT 5",
         "audit_logs_by_type"},
        {"SELECT id FROM api_keys WHERE workspace_id = 'a' AND revoked_ms = 0 AND id < 'b' ORDER BY id DESC LIMIT 5",
         "api_keys_valid"},
    };
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        struct stmt *stmt = db_stmt(f->db, arena_printf(f->arena, "EXPLAIN QUERY PLAN %s", uses[i].sql).p);
        bool indexed = false;
        while (stmt_step(stmt, &f->error) == DB_ROW) {
            struct str line = stmt_col_text(stmt, 3);
            indexed |= str_contains(line, uses[i].index);
            if (str_contains(line, "TEMP B-TREE")) fail_msg("sorts: %s", uses[i].sql);
        }
        if (!indexed) fail_msg("not through %s: %s", uses[i].index, uses[i].sql);
    }
}

static void every_activity_has_a_name_and_a_number(void **state) {
    (void)state;
    for (int i = 0; i < ACTIVITY_END; i++) {
        assert_non_null(activity_names[i]);
        int type = activity_types[i];
        assert_true((type >= 1 && type <= 12) || (type >= 18 && type <= 38) || type == 40);
    }
}

static void keys_are_paged_without_the_revoked_and_the_operators(void **state) {
    struct fixture *f = *state;
    for (unsigned i = 0; i < 5; i++) {
        struct api_key key = {.name = STR("k"), .scopes = STR("all:all"), .created_ms = 7, .is_operator = i == 1};
        snprintf(key.id, sizeof key.id, "%s", record_id(i));
        memcpy(key.workspace_id, i == 4 ? STRANGER : WORKSPACE, UUID_TEXT);
        char secret[KEY_TEXT];
        unsigned char hash[KEY_HASH];
        key_secret_make(&f->rng, secret);
        key_hash(str_of(secret), hash);
        key_hint(secret, key.hint);
        assert_int_equal(strlen(key.hint), 9);
        assert_memory_equal(key.hint, secret, 9);
        OK(IN_TX(key_add(f->db, &key, hash, &f->error)));
        struct api_key found;
        OK(key_get(f->db, str_of(key.id), f->arena, &found, &f->error));
        assert_string_equal(found.hint, key.hint);
        assert_int_equal(found.updated_ms, 7);
    }
    OK(IN_TX(key_revoke(f->db, str_of(record_id(2)), 9, &f->error)));
    struct api_key *keys, gone;
    size_t n;
    OK(key_get(f->db, str_of(record_id(2)), f->arena, &gone, &f->error));
    assert_int_equal(gone.updated_ms, 9);
    FAILS(ERR_NOT_FOUND, key_get(f->db, STR("none"), f->arena, &gone, &f->error));
    OK(key_page(f->db, STR(WORKSPACE), false, STR(""), 10, f->arena, &keys, &n, &f->error));
    assert_int_equal(n, 2);
    assert_string_equal(keys[0].id, record_id(3));
    OK(key_page(f->db, STR(WORKSPACE), true, STR(""), 2, f->arena, &keys, &n, &f->error));
    assert_int_equal(n, 2);
    assert_string_equal(keys[1].id, record_id(1));
    OK(key_page(f->db, STR(WORKSPACE), true, str_of(record_id(1)), 2, f->arena, &keys, &n, &f->error));
    assert_int_equal(n, 1);
    assert_string_equal(keys[0].id, record_id(0));
}

static void workspaces_change(void **state) {
    struct fixture *f = *state;
    struct workspace w;
    const struct str id = STR(WORKSPACE);
    struct workspace_change change = {.has_name = true, .name = STR("new")};
    OK(IN_TX(workspace_change(f->db, id, &change, 50, &f->error)));
    OK(workspace_find(f->db, STR("new"), f->arena, &w, &f->error));
    assert_string_equal(w.id, WORKSPACE);
    assert_int_equal(w.updated_ms, 50);
    assert_int_equal(w.created_ms, 1);
    assert_false(w.has_logo);
    change = (struct workspace_change){.has_logo = true, .org_logo_url = STR("")};
    OK(IN_TX(workspace_change(f->db, id, &change, 60, &f->error)));
    OK(workspace_find(f->db, STR("new"), f->arena, &w, &f->error));
    assert_true(w.has_logo && w.org_logo_url.n == 0);
    change.logo_is_null = true;
    OK(IN_TX(workspace_change(f->db, id, &change, 70, &f->error)));
    OK(workspace_find(f->db, STR("new"), f->arena, &w, &f->error));
    assert_false(w.has_logo);
    change = (struct workspace_change){.has_name = true, .name = STR("theirs")};
    FAILS(ERR_CONFLICT, IN_TX(workspace_change(f->db, id, &change, 80, &f->error)));
    change.name = STR("");
    FAILS(ERR_INVALID, IN_TX(workspace_change(f->db, id, &change, 80, &f->error)));
    change.name = STR("free");
    FAILS(ERR_NOT_FOUND, IN_TX(workspace_change(f->db, STR("nobody"), &change, 80, &f->error)));
}

/* The migrations up to then; see migrate.c. */
extern const char sql_001_first[], sql_002_audit_events[];

/* A database from before the records had numbers and the keys a hint. */
static void an_older_database_is_brought_along(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    struct db *db;
    char path[128];
    snprintf(path, sizeof path, "%s/old.db", f->dir);
    const struct connect connect = {.path = path};
    OK(db_open(&connect, &db, &f->error));
    OK(db_exec(db, "CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT",
               &f->error));
    OK(db_exec(db, sql_001_first, &f->error));
    OK(db_exec(db, sql_002_audit_events, &f->error));
    OK(db_exec(db,
               "INSERT INTO schema_version VALUES (1, '001-first'), (2, '002-audit-events');"
               "INSERT INTO workspaces VALUES ('" WORKSPACE "', 'old', 1, 5);"
               "INSERT INTO api_keys VALUES ('k1', '" WORKSPACE "', x'00', 'one', 'all:all', 0, 6, 0),"
               " ('k2', '" WORKSPACE "', x'01', 'two', 'all:all', 0, 6, 9);"
               "INSERT INTO audit_logs VALUES ('a', '" WORKSPACE "', 7, 'order_placed', '', '', '', 1, '{}')",
               &f->error));
    OK(migrate_run(db, &f->error));
    struct workspace workspace;
    struct api_key key;
    OK(workspace_find(db, STR("old"), f->arena, &workspace, &f->error));
    assert_int_equal(workspace.updated_ms, 5);
    assert_false(workspace.has_logo);
    OK(key_get(db, STR("k1"), f->arena, &key, &f->error));
    assert_int_equal(key.updated_ms, 6);
    assert_string_equal(key.hint, "");
    OK(key_get(db, STR("k2"), f->arena, &key, &f->error));
    assert_int_equal(key.updated_ms, 9);
    struct audit_row *rows;
    size_t n;
    const struct audit_query query = {
        .workspace_id = STR(WORKSPACE), .to_ms = INT64_MAX, .has_type = true, .type = 6, .limit = 2};
    OK(audit_page(db, &query, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 1);
    db_close(db);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(pages_hold_each_record_once),
        CASE(filters_narrow_the_page),
        CASE(pages_use_their_index),
        CASE(keys_are_paged_without_the_revoked_and_the_operators),
        CASE(workspaces_change),
        CASE(an_older_database_is_brought_along),
        cmocka_unit_test(every_activity_has_a_name_and_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
