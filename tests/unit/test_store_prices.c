/* price_book: prices as versions with a start. */
#include "store/price_book.h"

#include "store_fixture.h"

static struct prices prices_at(struct fixture *f, const char *workspace_id, int64_t now_ms) {
    struct prices prices = {0};
    int64_t until_ms;
    OK(price_book_get(f->db, str_of(workspace_id), now_ms, &prices, &until_ms, &f->error));
    int64_t version = -1;
    struct stmt *asked;
    OK(price_book_ask_version(f->db, now_ms, &asked, &f->error));
    OK(price_book_version(asked, &version, &f->error));
    assert_int_equal(prices.version, version);
    return prices;
}

static cents price_at(struct fixture *f, const char *workspace_id, enum price price, int64_t now_ms) {
    return prices_at(f, workspace_id, now_ms).of[price];
}

static int64_t until(struct fixture *f, int64_t now_ms) {
    struct prices prices;
    int64_t until_ms = 0;
    OK(price_book_get(f->db, STR(WORKSPACE), now_ms, &prices, &until_ms, &f->error));
    return until_ms;
}

static bool changed(struct fixture *f, const char *workspace_id, enum price price, cents amount, int64_t starts_ms,
                    int64_t now_ms, struct price_changed *ret) {
    const struct price_change change = {.workspace_id = str_of(workspace_id),
                                        .price = price,
                                        .is_set = amount >= 0,
                                        .amount = amount,
                                        .starts_ms = starts_ms,
                                        .now_ms = now_ms};
    return IN_TX(price_book_change(f->db, &change, ret, &f->error));
}

static bool change(struct fixture *f, const char *workspace_id, enum price price, cents amount, int64_t starts_ms,
                   int64_t now_ms) {
    struct price_changed ignored;
    return changed(f, workspace_id, price, amount, starts_ms, now_ms, &ignored);
}

enum { UNSET = -1 };
static const enum price year = PRICE_DOMAIN_YEAR, google = PRICE_GOOGLE_MAILBOX_MONTH;

static void the_nearest_price_counts(void **state) {
    struct fixture *f = *state;
    const cents standard = price_rows[year].standard;
    assert_int_equal(price_at(f, WORKSPACE, year, 1), standard);
    assert_int_equal(prices_at(f, WORKSPACE, 1).version, 0);
    OK(change(f, WORKSPACE, year, 700, 1, 1));
    OK(change(f, "", year, 900, 1, 1));
    assert_int_equal(price_at(f, WORKSPACE, year, 1), 700);
    assert_int_equal(price_at(f, STRANGER, year, 1), 900);
    assert_int_equal(price_at(f, STRANGER, google, 1), price_rows[google].standard);
    OK(change(f, WORKSPACE, year, 0, 2, 2));
    assert_int_equal(price_at(f, WORKSPACE, year, 2), 0);
    OK(change(f, WORKSPACE, year, UNSET, 2, 2));
    assert_int_equal(price_at(f, WORKSPACE, year, 2), 900);
    OK(change(f, "", year, UNSET, 3, 3));
    assert_int_equal(price_at(f, WORKSPACE, year, 3), standard);
    int64_t versions = number_of(f, "SELECT COUNT(*) FROM price_versions");
    OK(change(f, "", year, UNSET, 4, 4)); /* nothing to put back */
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM price_versions"), versions);
    /* What was paid when is still known. */
    assert_int_equal(price_at(f, WORKSPACE, year, 1), 700);
    assert_int_equal(price_at(f, STRANGER, year, 2), 900);
}

static void a_price_is_an_amount_from_now_on(void **state) {
    struct fixture *f = *state;
    const struct price_change low = {.price = year, .is_set = true, .amount = -1};
    struct price_changed ignored;
    FAILS(ERR_INVALID, IN_TX(price_book_change(f->db, &low, &ignored, &f->error)));
    FAILS(ERR_INVALID, change(f, "", year, CENTS_MAX + 1, 5, 5));
    OK(change(f, "", year, CENTS_MAX, 5, 5));
    FAILS(ERR_INVALID, change(f, "", year, 1, 4, 5));
    assert_string_equal(f->error.message,
                        "1970-01-01T00:00:00.004Z is past: orders were priced since; prices start now or later");
    FAILS(ERR_INVALID, change(f, "", year, UNSET, 4, 5));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM price_versions"), 1);
}

static void prices_start_when_they_are_to(void **state) {
    struct fixture *f = *state;
    assert_true(until(f, 1) == INT64_MAX);
    OK(change(f, "", year, 1600, 100, 1));         /* version 1 */
    OK(change(f, "", year, 1700, 200, 1));         /* 2 */
    OK(change(f, "", year, 1800, 200, 2));         /* 3: said later about the same time */
    OK(change(f, WORKSPACE, year, 1300, 150, 2));  /* 4 */
    OK(change(f, WORKSPACE, year, UNSET, 250, 3)); /* 5 */
    OK(change(f, STRANGER, google, 100, 300, 3));  /* 6 */
    OK(change(f, "", year, 1550, 50, 50));         /* 7: begins before all that were planned */
    static const struct {
        int64_t now, version, until;
        cents mine, theirs;
    } rows[] = {
        {1, 0, 50, 1500, 1500},          {49, 0, 50, 1500, 1500},   {50, 7, 100, 1550, 1550},
        {99, 7, 100, 1550, 1550},        {100, 1, 150, 1600, 1600}, {150, 4, 200, 1300, 1600},
        {199, 4, 200, 1300, 1600},       {200, 3, 250, 1300, 1800}, {250, 5, 300, 1800, 1800},
        {300, 6, INT64_MAX, 1800, 1800},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(prices_at(f, WORKSPACE, rows[i].now).version, rows[i].version);
        assert_int_equal(price_at(f, WORKSPACE, year, rows[i].now), rows[i].mine);
        assert_int_equal(price_at(f, STRANGER, year, rows[i].now), rows[i].theirs);
        assert_true(until(f, rows[i].now) == rows[i].until);
    }
    assert_int_equal(price_at(f, STRANGER, google, 299), 500);
    assert_int_equal(price_at(f, STRANGER, google, 300), 100);

    struct price_plan *plans = NULL;
    size_t n = 0;
    OK(price_book_plans(f->db, STR(WORKSPACE), 60, f->arena, &plans, &n, &f->error));
    assert_int_equal(n, 3); /* what starts at 200 is hidden by the workspace's own price, 300 is another's */
    static const int64_t starts[] = {100, 150, 250}, versions[] = {1, 4, 5};
    static const cents amounts[] = {1600, 1300, 1800};
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(plans[i].starts_ms, starts[i]);
        assert_int_equal(plans[i].prices.version, versions[i]);
        assert_int_equal(plans[i].prices.of[year], amounts[i]);
        assert_int_equal(plans[i].prices.of[google], 500);
    }
    OK(price_book_plans(f->db, STR(WORKSPACE), 300, f->arena, &plans, &n, &f->error));
    assert_int_equal(n, 0);
    OK(price_book_plans(f->db, STR(STRANGER), 250, f->arena, &plans, &n, &f->error));
    assert_int_equal(n, 1);

    struct price_version *all = NULL;
    OK(price_book_history(f->db, &(struct price_query){.all = true, .max = 100}, f->arena, &all, &n, &f->error));
    static const int64_t order[] = {6, 5, 3, 2, 4, 1, 7};
    assert_int_equal(n, ARRAY_LEN(order));
    for (size_t i = 0; i < n; i++) assert_int_equal(all[i].version, order[i]);
    assert_false(all[1].is_set);
    assert_true(str_is(all[1].workspace_id, WORKSPACE) && str_is(all[1].price, "domain_year"));
    assert_true(str_is(all[1].workspace, "mine") && all[6].workspace.n == 0);
    assert_int_equal(all[1].starts_ms, 250);
    assert_int_equal(all[1].created_ms, 3);
    assert_int_equal(all[2].amount, 1800);
    OK(price_book_history(f->db, &(struct price_query){.workspace_id = STR(STRANGER), .max = 3}, f->arena, &all, &n,
                          &f->error));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) assert_false(str_is(all[i].workspace_id, WORKSPACE));
}

static bool ends(struct fixture *f, int64_t version, int64_t at_ms, int64_t now_ms, struct price_changed *ret) {
    return IN_TX(price_book_end(f->db, version, at_ms, now_ms, f->arena, ret, &f->error));
}

static void a_change_says_what_it_made_and_ended(void **state) {
    struct fixture *f = *state;
    struct price_changed said;
    OK(changed(f, WORKSPACE, year, UNSET, 1, 1, &said));
    assert_true(said.version == 0 && said.ended == 0); /* nothing to put back */
    OK(changed(f, WORKSPACE, year, 700, 1, 1, &said));
    assert_true(said.version == 1 && said.ended == 0);
    OK(changed(f, WORKSPACE, year, UNSET, 5, 2, &said));
    assert_true(said.version == 2 && said.ended == 1);
    OK(changed(f, WORKSPACE, year, 800, 9, 3, &said));
    OK(ends(f, 3, 4, 4, &said)); /* not yet begun: from its start on it is what it was before */
    assert_true(said.version == 4 && said.ended == 3);
    assert_true(price_at(f, WORKSPACE, year, 9) == price_at(f, STRANGER, year, 9));
    OK(ends(f, 1, 4, 4, &said));
    assert_true(said.version == 5 && said.ended == 1);
}

/* Nothing would go on instead: so there is no version that could be told of. */
static void the_end_of_nothing_cannot_be_taken_back(void **state) {
    struct fixture *f = *state;
    struct price_changed said;
    OK(change(f, "", year, 700, 10, 1));
    OK(change(f, "", year, UNSET, 20, 1)); /* version 2 */
    OK(ends(f, 1, 1, 2, &said));           /* 3, at 10 */
    FAILS(ERR_CONFLICT, ends(f, 2, 2, 2, &said));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM price_versions"), 3);
}

static void some_prices_follow_others(void **state) {
    struct fixture *f = *state;
    static const enum price pairs[][2] = {
        {PRICE_EXTRA_GOOGLE_MAILBOX_MONTH, PRICE_GOOGLE_MAILBOX_MONTH},
        {PRICE_EXTRA_AIRMAIL_MAILBOX_MONTH, PRICE_AIRMAIL_MAILBOX_MONTH},
        {PRICE_PRE_WARMED_GOOGLE_MAILBOX_MONTH, PRICE_PRE_WARMED_MAILBOX_MONTH},
        {PRICE_PRE_WARMED_AIRMAIL_MAILBOX_MONTH, PRICE_PRE_WARMED_MAILBOX_MONTH},
        {PRICE_PRE_WARMED_MICROSOFT_MAILBOX_MONTH, PRICE_PRE_WARMED_MAILBOX_MONTH},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        int64_t now = 10 * ((int64_t)i + 1);
        enum price price = pairs[i][0], followed = pairs[i][1];
        assert_int_equal(price_at(f, WORKSPACE, price, now), price_rows[followed].standard);
        OK(change(f, "", followed, 300, now, now));
        OK(change(f, WORKSPACE, followed, 200, now, now));
        assert_int_equal(price_at(f, WORKSPACE, price, now), 200);
        assert_int_equal(price_at(f, STRANGER, price, now), 300);
        OK(change(f, "", price, 100, now + 1, now)); /* said of itself: counts before what is said of the other */
        assert_int_equal(price_at(f, WORKSPACE, price, now + 1), 100);
        assert_int_equal(price_at(f, WORKSPACE, followed, now + 1), 200);
        OK(change(f, WORKSPACE, price, 50, now + 2, now));
        assert_int_equal(price_at(f, WORKSPACE, price, now + 2), 50);
        assert_int_equal(price_at(f, STRANGER, price, now + 2), 100);
        OK(change(f, WORKSPACE, price, UNSET, now + 3, now));
        OK(change(f, "", price, UNSET, now + 3, now));
        assert_int_equal(price_at(f, WORKSPACE, price, now + 3), 200);
        OK(change(f, WORKSPACE, followed, UNSET, now + 4, now));
        OK(change(f, "", followed, UNSET, now + 4, now));
    }
}

static void an_order_keeps_to_the_prices_of_its_quote(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain = make_domain(f, "one.com", 1, "");
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    OK(change(f, STRANGER, year, 900, f->now, f->now));
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM orders"), 0);
    r.price_version = 1;
    OK(change(f, "", year, 900, f->now + 1, f->now));
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    assert_int_equal(number_of(f, "SELECT price_version FROM orders"), 1);

    /* The next one starts between quote and order. */
    struct reserve_domain other = make_domain(f, "two.com", 1, "");
    r = make_order(f, ORDER_DFY, &other, 1);
    r.price_version = 1;
    r.now_ms = f->now + 1;
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    assert_string_equal(f->error.message, "prices changed meanwhile");
}

extern const char sql_001_first[], sql_002_audit_events[], sql_003_webhooks[], sql_004_keys_workspaces_audit[],
    sql_005_cancel_forwarding[], sql_006_restrictions[];

static void prices_of_before_become_versions(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    static const char *const migrations[] = {sql_001_first,
                                             sql_002_audit_events,
                                             sql_003_webhooks,
                                             sql_004_keys_workspaces_audit,
                                             sql_005_cancel_forwarding,
                                             sql_006_restrictions};
    struct db *db, *own = f->db;
    char path[128];
    snprintf(path, sizeof path, "%s/old.db", f->dir);
    const struct connect connect = {.path = path};
    OK(db_open(&connect, &db, &f->error));
    OK(db_exec(db, "CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT",
               &f->error));
    for (size_t i = 0; i < ARRAY_LEN(migrations); i++) OK(db_exec(db, migrations[i], &f->error));
    OK(db_exec(db,
               "INSERT INTO schema_version VALUES (6, '006-restrictions');"
               "INSERT INTO prices VALUES ('', 'domain_year', 1200, 20), ('w', 'domain_year', 1100, 10),"
               " ('', 'google_mailbox_month', 450, 10)",
               &f->error));
    OK(migrate_run(db, &f->error));
    f->db = db;
    assert_int_equal(price_at(f, "w", year, 20), 1100);
    assert_int_equal(price_at(f, WORKSPACE, year, 20), 1200);
    assert_int_equal(price_at(f, WORKSPACE, google, 20), 450);
    assert_int_equal(prices_at(f, WORKSPACE, 20).version, 3);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'prices'"), 0);
    f->db = own;
    db_close(db);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(the_nearest_price_counts),
        CASE(a_price_is_an_amount_from_now_on),
        CASE(prices_start_when_they_are_to),
        CASE(a_change_says_what_it_made_and_ended),
        CASE(the_end_of_nothing_cannot_be_taken_back),
        CASE(some_prices_follow_others),
        CASE(an_order_keeps_to_the_prices_of_its_quote),
        CASE(prices_of_before_become_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
