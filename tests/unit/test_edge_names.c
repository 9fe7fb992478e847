#include "edge/names.h"
#include "store/edge_names.h"
#include "store_fixture.h"

/* A store of threads beside the fixture's connection, which is another process to it: no generation tells of that. */
struct edge_fixture {
    struct fixture *f;
    struct store *store;
    struct names *names;
};

static void run(struct fixture *f, const char *sql) {
    OK(db_exec(f->db, sql, &f->error));
}

struct change {
    const char *sql;
};

static bool change(struct db *db, void *arg, struct error *reterr) {
    const struct change *c = arg;
    return db_exec(db, c->sql, reterr);
}

/* In a commit of this process. */
static void commit(struct edge_fixture *e, const char *sql) {
    struct fixture *f = e->f;
    struct change c = {sql};
    OK(store_write(e->store, change, &c, &f->error));
}

#define DOMAIN(name, target, mode, state)                                                                              \
    "INSERT INTO domains (id, workspace_id, order_id, name, provider, forwarding, forwarding_mode, is_pre_warmed,"     \
    " state, active, created_ms, cancelled_ms) VALUES ('" name "', '" WORKSPACE "', 'o', '" name "', 2, '" target      \
    "', '" mode "', 0, '" state "', 1, 1, 0);"
#define ACCOUNT(id, domain)                                                                                            \
    "INSERT INTO accounts (id, workspace_id, domain_id, order_id, email, first_name, last_name, sealed_password,"      \
    " provider, is_pre_warmed, state, active, reason, created_ms, cancelled_ms) VALUES ('" id "', '" WORKSPACE         \
    "', '" domain "', 'o', '" id "@" domain "', 'A', 'B', zeroblob(1), 2, 0, 'ready', 1, '', 1, 0);"

static void begin(struct edge_fixture *e, struct fixture *f) {
    *e = (struct edge_fixture){.f = f};
    run(f, "INSERT INTO orders (id, workspace_id, type, state, amount, card_token, idempotency_key, answer, reason,"
           " attempts, settle_after_ms, created_ms, ended_ms) VALUES ('o', '" WORKSPACE
           "', 'dfy', 'placed', 0, '', '', '', '', 0, 0, 1, 1);" DOMAIN("one.com", "home.net", "redirect", "ready")
               DOMAIN("two.com", "", "redirect", "ready") DOMAIN("held.com", "home.net", "stealth", "reserved"));
    e->store = fixture_store(f);
    OK(names_create(e->store, &e->names, &f->error));
}

static void finish(struct edge_fixture *e) {
    names_destroy(e->names);
    store_close(e->store);
}

/* "home.net redirect", "" without a target, NULL when it is not served. */
static const char *seen(struct edge_fixture *e, const char *name) {
    static char text[300];
    struct fixture *f = e->f;
    struct served served;
    /* A visitor waits for a file, and not for a server: that is asked once a second. */
    if (fixture_on_postgres()) OK(names_tidy(e->names, &f->error));
    names_begin(e->names);
    bool found = names_find(e->names, str_of(name), &served);
    if (found && served.target.n)
        snprintf(text, sizeof text, "%.*s %s", STR_ARG(served.target), forwarding_mode_names[served.mode]);
    names_end(e->names);
    return !found ? "not served" : served.target.n ? text : "mail";
}

static void test_what_is_there_and_what_changes(void **state) {
    struct fixture *f = *state;
    struct edge_fixture e;
    begin(&e, f);
    assert_string_equal(seen(&e, "one.com"), "home.net redirect");
    assert_string_equal(seen(&e, "two.com"), "mail");
    assert_string_equal(seen(&e, "held.com"), "not served");
    assert_string_equal(seen(&e, "other.com"), "not served");
    assert_int_equal(names_count(e.names), 2);
    commit(&e, "UPDATE domains SET forwarding = 'new.org', forwarding_mode = 'stealth' WHERE name = 'one.com'");
    assert_string_equal(seen(&e, "one.com"), "new.org stealth");
    commit(&e, "UPDATE domains SET forwarding = '' WHERE name = 'one.com'");
    assert_string_equal(seen(&e, "one.com"), "mail");
    commit(&e, "UPDATE domains SET forwarding = 'x.org' WHERE name = 'two.com'");
    assert_string_equal(seen(&e, "two.com"), "x.org redirect");
    commit(&e, "UPDATE domains SET state = 'cancelled' WHERE name = 'two.com'");
    assert_string_equal(seen(&e, "two.com"), "not served");
    commit(&e, "DELETE FROM domains WHERE name = 'one.com'");
    assert_string_equal(seen(&e, "one.com"), "not served");
    assert_int_equal(names_count(e.names), 0);
    finish(&e);
}

static void test_from_the_registration_on(void **state) {
    struct fixture *f = *state;
    struct edge_fixture e;
    begin(&e, f);
#define STEP(kind, state)                                                                                              \
    "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms, reason)"   \
    " VALUES ('held.com', '', '" kind "', 0, 'o', '" WORKSPACE "', '" state "', 0, 1, '');"
    commit(&e, STEP("register_domain", "due")
                   STEP("publish_dns", "blocked") "UPDATE domains SET state = 'provisioning' WHERE name = 'held.com'");
    assert_string_equal(seen(&e, "held.com"), "not served");
    commit(&e, "UPDATE steps SET state = 'running' WHERE kind = 'register_domain'");
    assert_string_equal(seen(&e, "held.com"), "not served");
    commit(&e, "UPDATE steps SET state = 'done' WHERE kind = 'register_domain'");
    assert_string_equal(seen(&e, "held.com"), "home.net stealth");
    commit(&e, "UPDATE domains SET state = 'partial' WHERE name = 'held.com'");
    assert_string_equal(seen(&e, "held.com"), "home.net stealth");
    commit(&e, "UPDATE domains SET state = 'failed' WHERE name = 'held.com'");
    assert_string_equal(seen(&e, "held.com"), "not served");
    finish(&e);
}

static void test_not_paid(void **state) {
    struct fixture *f = *state;
    struct edge_fixture e;
    begin(&e, f);
    commit(&e, ACCOUNT("a", "one.com") ACCOUNT("b", "one.com"));
    assert_string_equal(seen(&e, "one.com"), "home.net redirect");
    commit(&e, "UPDATE accounts SET suspended_ms = 5 WHERE id = 'a'");
    assert_string_equal(seen(&e, "one.com"), "mail");
    commit(&e, "UPDATE accounts SET suspended_ms = 0 WHERE id = 'a'");
    assert_string_equal(seen(&e, "one.com"), "home.net redirect");
    commit(&e, "UPDATE accounts SET suspended_ms = 5 WHERE id = 'b'");
    assert_string_equal(seen(&e, "one.com"), "mail");
    commit(&e, "UPDATE accounts SET state = 'cancelled' WHERE id = 'b'");
    assert_string_equal(seen(&e, "one.com"), "home.net redirect");
    finish(&e);
}

static void test_sites_and_loops(void **state) {
    struct fixture *f = *state;
    struct edge_fixture e;
    begin(&e, f);
    commit(&e, DOMAIN("a.com", "www.b.com", "redirect", "ready") DOMAIN("b.com", "c.com", "stealth", "ready")
                   DOMAIN("c.com", "a.com", "redirect", "ready") DOMAIN("d.com", "a.com", "redirect", "ready")
                       DOMAIN("self.com", "www.self.com", "redirect", "ready")
                           DOMAIN("www.com", "home.net", "redirect", "ready")
                               DOMAIN("to.com", "one.com", "redirect", "ready"));
    struct served site;
    OK(names_tidy(e.names, &f->error));
    names_begin(e.names);
    assert_true(names_find_site(e.names, STR("www.one.com"), &site) && str_is(site.domain, "one.com"));
    assert_true(names_find_site(e.names, STR("www.com"), &site) && str_is(site.domain, "www.com"));
    assert_true(names_find_site(e.names, STR("www.www.com"), &site) && str_is(site.domain, "www.com"));
    assert_false(names_find_site(e.names, STR("www.www.one.com"), &site));
    assert_false(names_find_site(e.names, STR("two.com"), &site));
    assert_false(names_find_site(e.names, STR("www."), &site));
    assert_true(names_is_loop(e.names, STR("a.com"), STR("www.b.com")));
    assert_true(names_is_loop(e.names, STR("c.com"), STR("a.com")));
    assert_true(names_is_loop(e.names, STR("d.com"), STR("a.com"))); /* it leads into one, and never out */
    assert_true(names_is_loop(e.names, STR("self.com"), STR("www.self.com")));
    assert_true(names_is_loop(e.names, STR("one.com"), STR("one.com")));
    assert_false(names_is_loop(e.names, STR("to.com"), STR("one.com")));
    assert_false(names_is_loop(e.names, STR("one.com"), STR("home.net")));
    names_end(e.names);
    finish(&e);
}

/* What a program that is not dfyd commits is found by names_tidy; it has no generation to move. */
static void test_further_behind_than_is_kept(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    struct edge_fixture e;
    begin(&e, f);
    run(f, "DELETE FROM domains WHERE name = 'two.com';" DOMAIN(
               "new.com", "home.net", "redirect",
               "ready") "INSERT INTO edge_changes (version, name) VALUES (60000, 'one.com');");
    int64_t version, least = 0;
    bool is_known = true, has_more;
    OK(edge_names_version(f->db, &version, &f->error));
    assert_int_equal(version, 60000);
    struct stmt *stmt = db_stmt(f->db, "SELECT MIN(version) FROM edge_changes");
    if (stmt_step(stmt, &f->error) == DB_ROW) least = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    assert_int_equal(least, 60000);
    OK(edge_names_changed(f->db, 5, 10, NULL, NULL, &version, &has_more, &is_known, &f->error));
    assert_false(is_known);
    db_rest(f->db);
    commit(&e, "UPDATE workspaces SET updated_ms = 1"); /* from now on a visitor looks */
    assert_string_equal(seen(&e, "one.com"), "home.net redirect");
    assert_string_equal(seen(&e, "new.com"), "not served"); /* that is more than a visitor waits for */
    OK(names_tidy(e.names, &f->error));
    assert_string_equal(seen(&e, "new.com"), "home.net redirect");
    assert_string_equal(seen(&e, "two.com"), "not served");
    assert_int_equal(names_count(e.names), 2);
    finish(&e);
}

/* In PostgreSQL what began earlier may be committed later, when a later change was seen already. */
static void test_what_is_committed_late(void **state) {
    struct fixture *f = *state;
    if (!fixture_on_postgres()) skip();
    struct edge_fixture e;
    begin(&e, f);
    run(f, "BEGIN; UPDATE domains SET forwarding = 'late.org' WHERE name = 'one.com'");
    commit(&e, "UPDATE domains SET forwarding = 'x.org' WHERE name = 'two.com'");
    assert_string_equal(seen(&e, "two.com"), "x.org redirect");
    assert_string_equal(seen(&e, "one.com"), "home.net redirect");
    commit(&e, "UPDATE domains SET forwarding = 'y.org' WHERE name = 'two.com'");
    assert_string_equal(seen(&e, "two.com"), "y.org redirect");
    run(f, "COMMIT");
    commit(&e, "UPDATE workspaces SET updated_ms = 1"); /* from now on it is looked for */
    assert_string_equal(seen(&e, "one.com"), "late.org redirect");
    finish(&e);
}

static void test_what_is_forgotten_is_read_anew(void **state) {
    struct fixture *f = *state;
    if (!fixture_on_postgres()) skip();
    struct edge_fixture e;
    begin(&e, f);
    run(f, "UPDATE domains SET state = 'cancelled' WHERE name = 'two.com'");
    run(f, "UPDATE domains SET forwarding = 'x.org' WHERE name = 'one.com'");
    run(f, "DELETE FROM edge_changes WHERE version < (SELECT MAX(version) FROM edge_changes)");
    commit(&e, "UPDATE workspaces SET updated_ms = 1");
    assert_string_equal(seen(&e, "one.com"), "x.org redirect");
    assert_string_equal(seen(&e, "two.com"), "not served");
    /* The newest 50,000 stay, and what cannot have been given yet goes. */
    run(f, "INSERT INTO edge_changes SELECT 1, 'old' || i FROM generate_series(1, 50000) i");
    run(f, "INSERT INTO edge_changes SELECT 9223372036854775807 - i, 'new' FROM generate_series(1, 3) i");
    OK(edge_names_forget(f->db, &f->error));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM edge_changes WHERE name = 'new'"), 0);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM edge_changes WHERE name = 'old50000'"), 0);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM edge_changes WHERE name = 'one.com'"), 1);
    finish(&e);
}

/* More changes than a visitor waits for. */
static void test_many_changes(void **state) {
    struct fixture *f = *state;
    struct edge_fixture e;
    begin(&e, f);
    commit(&e, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1300)"
               " INSERT INTO domains (id, workspace_id, order_id, name, provider, forwarding, forwarding_mode,"
               " is_pre_warmed, state, active, created_ms, cancelled_ms) SELECT 'm' || i, '" WORKSPACE
               "', 'o', 'm' || i || '.com', 2, 'home.net', 'redirect', 0, 'ready', 1, 1, 0 FROM n");
    assert_string_equal(seen(&e, "m1.com"), "home.net redirect");
    OK(names_tidy(e.names, &f->error));
    assert_string_equal(seen(&e, "m1300.com"), "home.net redirect");
    assert_int_equal(names_count(e.names), 1302);
    finish(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_there_and_what_changes, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_from_the_registration_on, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_not_paid, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_sites_and_loops, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_further_behind_than_is_kept, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_what_is_committed_late, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_what_is_forgotten_is_read_anew, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_many_changes, fixture_make, fixture_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
