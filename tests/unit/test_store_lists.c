#include "store/inventory.h"
#include "store/lists.h"
#include "store_fixture.h"

static void place(struct fixture *f, const char *workspace_id, const char *name, size_t accounts) {
    struct reserve_domain domain = make_domain(f, name, accounts, "target.org");
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    r.workspace_id = str_of(workspace_id);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(r.order_id), STR("ch_1"), f->now, &f->error)));
}

enum { DOMAINS = 25 };

/* DOMAINS domains of ours with two mailboxes each, and one of someone else between any two. */
static void place_many(struct fixture *f) {
    for (int i = 0; i < DOMAINS; i++) {
        place(f, WORKSPACE, arena_cstr(f->arena, arena_printf(f->arena, "n%02d.com", i)), 2);
        place(f, STRANGER, arena_cstr(f->arena, arena_printf(f->arena, "s%02d.com", i)), 1);
    }
}

static void pages_hold_each_domain_once(void **state) {
    struct fixture *f = *state;
    place_many(f);
    struct reserve_domain held = make_domain(f, "held.com", 1, "");
    struct reservation r = make_order(f, ORDER_DFY, &held, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    for (size_t limit = 1; limit <= DOMAINS + 1; limit += 6) {
        int next = DOMAINS;
        struct str before = STR("");
        for (;;) {
            struct domain_row *rows;
            size_t n;
            OK(domain_page(f->db, STR(WORKSPACE), before, limit, f->arena, &rows, &n, &f->error));
            if (!n) break;
            assert_true(n <= limit);
            for (size_t i = 0; i < n; i++) {
                assert_true(str_eq(rows[i].name, arena_printf(f->arena, "n%02d.com", --next)));
                assert_true(str_is(rows[i].forwarding, "target.org"));
                assert_int_equal(rows[i].state, DOMAIN_PROVISIONING);
                assert_int_equal(rows[i].created_ms, f->now);
                assert_int_equal(rows[i].cancelled_ms, 0);
                assert_false(rows[i].is_pre_warmed);
            }
            before = rows[n - 1].id;
        }
        assert_int_equal(next, 0);
    }
}

static void pages_hold_each_account_once(void **state) {
    struct fixture *f = *state;
    place_many(f);
    struct reserve_domain held = make_domain(f, "held.com", 1, "");
    struct reservation r = make_order(f, ORDER_DFY, &held, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    int next = 2 * DOMAINS;
    struct str before = STR("");
    for (;;) {
        struct account_row *rows;
        size_t n;
        OK(account_page(f->db, STR(WORKSPACE), before, 7, f->arena, &rows, &n, &f->error));
        if (!n) break;
        for (size_t i = 0; i < n; i++) {
            next--;
            assert_true(str_eq(rows[i].email, arena_printf(f->arena, "%c@n%02d.com", 'a' + next % 2, next / 2)));
            assert_true(str_eq(rows[i].domain, arena_printf(f->arena, "n%02d.com", next / 2)));
            assert_true(str_eq(rows[i].sealed_password, STR("sealed\0bytes")));
            assert_int_equal(rows[i].state, ACCOUNT_PENDING);
            assert_int_equal(rows[i].provider, PROVIDER_GOOGLE);
            assert_true(str_is(rows[i].first_name, "Ada"));
        }
        before = rows[n - 1].id;
    }
    assert_int_equal(next, 0);
}

static void an_empty_workspace_has_empty_pages(void **state) {
    struct fixture *f = *state;
    struct domain_row *domains;
    struct account_row *accounts;
    size_t n = 9;
    OK(domain_page(f->db, STR(WORKSPACE), STR(""), 10, f->arena, &domains, &n, &f->error));
    assert_int_equal(n, 0);
    n = 9;
    OK(account_page(f->db, STR(WORKSPACE), STR(""), 10, f->arena, &accounts, &n, &f->error));
    assert_int_equal(n, 0);
}

/* The queries that run all the time go through their index, without sorting: their cost does not grow with the table.
 */
static void pages_and_due_work_use_their_index(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    static const struct {
        const char *sql, *index;
    } uses[] = {
        {"SELECT id FROM domains WHERE workspace_id = 'w' AND id < 'x' AND state <> 'reserved' ORDER BY id DESC LIMIT "
         "9",
         "domains_by_workspace"},
        {"SELECT id FROM accounts WHERE workspace_id = 'w' AND id < 'x' AND state <> 'reserved' ORDER BY id DESC LIMIT "
         "9",
         "accounts_by_workspace"},
        {"SELECT * FROM steps s JOIN domains d ON d.id = s.domain_id LEFT JOIN accounts a ON a.id = s.account_id"
         " WHERE (s.state = 'due' OR s.state = 'retrying' OR s.state = 'running') AND s.due_ms <= 5"
         " ORDER BY s.due_ms, s.domain_id, s.account_id, s.kind LIMIT 9",
         "steps_open"},
        {"SELECT id FROM orders WHERE state = 'reserved' AND settle_after_ms <= 5 ORDER BY settle_after_ms, id LIMIT 9",
         "orders_unsettled"},
        {"SELECT name FROM domains WHERE active = 1 AND name IN (SELECT value FROM list(NULL))", "domains_active_name"},
        {"SELECT 1 FROM steps WHERE order_id = 'o'", "steps_by_order"},
    };
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        const char *sql = arena_cstr(f->arena, arena_printf(f->arena, "EXPLAIN QUERY PLAN %s", uses[i].sql));
        struct stmt *stmt = db_stmt(f->db, sql);
        bool indexed = false;
        while (stmt_step(stmt, &f->error) == DB_ROW) {
            struct str line = stmt_col_text(stmt, 3);
            indexed |= str_contains(line, uses[i].index);
            if (str_contains(line, "TEMP B-TREE")) fail_msg("sorts: %s", uses[i].sql);
        }
        if (!indexed) fail_msg("not through %s: %s", uses[i].index, uses[i].sql);
    }
}

static struct stock stock_of(const char *domain, struct account *accounts, size_t n) {
    return (struct stock){
        .domain = str_of(domain), .provider = PROVIDER_AIRMAIL, .accounts = accounts, .n_accounts = n};
}

static void stock_is_listed_by_name(void **state) {
    struct fixture *f = *state;
    struct account accounts[] = {{STR("zoe"), STR("Zoe"), STR("Z")}, {STR("amy"), STR("Amy"), STR("A")}};
    struct stock b = stock_of("b.com", accounts, 2), a = stock_of("a.com", accounts, 1), c = stock_of("c.com", NULL, 0);
    OK(IN_TX(inventory_add(f->db, &b, 1, &f->error)));
    OK(IN_TX(inventory_add(f->db, &a, 1, &f->error)));
    OK(IN_TX(inventory_add(f->db, &c, 1, &f->error)));
    FAILS(ERR_CONFLICT, IN_TX(inventory_add(f->db, &a, 1, &f->error)));
    struct stock *list;
    size_t n;
    OK(inventory_list(f->db, true, f->arena, &list, &n, &f->error));
    assert_int_equal(n, 3);
    assert_true(str_is(list[0].domain, "a.com"));
    assert_int_equal(list[0].n_accounts, 1);
    assert_int_equal(list[0].provider, PROVIDER_AIRMAIL);
    assert_true(str_is(list[1].domain, "b.com"));
    assert_int_equal(list[1].n_accounts, 2);
    assert_true(str_is(list[1].accounts[0].prefix, "zoe")); /* as listed */
    assert_true(str_is(list[1].accounts[1].first_name, "Amy"));
    assert_int_equal(list[2].n_accounts, 0);

    OK(IN_TX(inventory_remove(f->db, STR("b.com"), &f->error)));
    FAILS(ERR_NOT_FOUND, IN_TX(inventory_remove(f->db, STR("b.com"), &f->error)));
    OK(IN_TX(inventory_add(f->db, &b, 1, &f->error)));
}

static void sold_stock_is_marked(void **state) {
    struct fixture *f = *state;
    struct account accounts[] = {{STR("a"), STR("Ada"), STR("Byron")}};
    struct stock stock = stock_of("warm.com", accounts, 1);
    OK(IN_TX(inventory_add(f->db, &stock, 1, &f->error)));
    struct reserve_domain domain = make_domain(f, "warm.com", 1, "");
    domain.provider = PROVIDER_AIRMAIL;
    struct reservation r = make_order(f, ORDER_PRE_WARMED_UP, &domain, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    struct stock *list;
    size_t n;
    OK(inventory_list(f->db, true, f->arena, &list, &n, &f->error));
    assert_int_equal(n, 0);
    OK(inventory_list(f->db, false, f->arena, &list, &n, &f->error));
    assert_int_equal(n, 1);
    assert_true(list[0].sold);
}

static void what_was_ordered_cannot_be_stocked(void **state) {
    struct fixture *f = *state;
    place(f, WORKSPACE, "mine.com", 1);
    struct stock stock = stock_of("mine.com", NULL, 0);
    FAILS(ERR_CONFLICT, IN_TX(inventory_add(f->db, &stock, 1, &f->error)));
    assert_non_null(strstr(f->error.message, "ordered"));
    struct account twice[] = {{STR("a"), STR("A"), STR("A")}, {STR("a"), STR("B"), STR("B")}};
    stock = stock_of("warm.com", twice, 2);
    FAILS(ERR_CONFLICT, IN_TX(inventory_add(f->db, &stock, 1, &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM stock"), 0);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(pages_hold_each_domain_once),
        CASE(pages_hold_each_account_once),
        CASE(an_empty_workspace_has_empty_pages),
        CASE(pages_and_due_work_use_their_index),
        CASE(stock_is_listed_by_name),
        CASE(sold_stock_is_marked),
        CASE(what_was_ordered_cannot_be_stocked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
