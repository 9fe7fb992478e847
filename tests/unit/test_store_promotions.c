/* promotions: the operator's list, and limits that hold whatever happens at once. */
#include "store/promotions.h"

#include <pthread.h>
#include <stdatomic.h>

#include "store_fixture.h"

static struct promotion_row row_of(struct fixture *f, const char *name, enum promotion_kind kind, int64_t value) {
    char *id = arena_alloc(f->arena, UUID_TEXT);
    ids_uuid(&f->ids, id);
    return (struct promotion_row){.id = str_of(id),
                                  .name = str_of(name),
                                  .workspace_id = STR(""),
                                  .kind = kind,
                                  .value = value,
                                  .starts_ms = f->now,
                                  .ends_ms = INT64_MAX,
                                  .created_ms = f->now};
}

static bool add(struct fixture *f, const struct promotion_row *row) {
    return IN_TX(promotion_add(f->db, row, &f->error));
}

struct open {
    struct promotion *promotions;
    size_t n;
    int64_t until_ms;
};

static struct open open_to(struct fixture *f, const char *workspace_id, int64_t now_ms) {
    struct open open = {0};
    OK(promotions_open(f->db, str_of(workspace_id), now_ms, f->arena, &open.promotions, &open.n, &open.until_ms,
                       &f->error));
    return open;
}

static void only_promotions_that_make_sense_are_added(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *name;
        enum promotion_kind kind;
        int64_t value;
    } wrong[] = {
        {"", PROMOTION_FIRST_MONTH, 0},
        {"black friday", PROMOTION_FIRST_MONTH, 0},
        {"1234567890123456789012345678901234567890123456789012345678901", PROMOTION_FIRST_MONTH, 0},
        {"x", PROMOTION_FIRST_MONTH, 1},
        {"x", PROMOTION_PERCENT, 0},
        {"x", PROMOTION_PERCENT, 101},
        {"x", PROMOTION_AMOUNT, 0},
        {"x", PROMOTION_AMOUNT, -1},
        {"x", PROMOTION_AMOUNT, CENTS_MAX + 1},
        {"x", PROMOTION_FREE_DOMAINS, 0},
        {"x", PROMOTION_FREE_DOMAINS, 1000001},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct promotion_row row = row_of(f, wrong[i].name, wrong[i].kind, wrong[i].value);
        FAILS(ERR_INVALID, add(f, &row));
    }
    struct promotion_row row = row_of(f, "x", PROMOTION_PERCENT, 10);
    row.starts_ms = f->now - 1;
    FAILS(ERR_INVALID, add(f, &row));
    row.starts_ms = f->now + 5;
    row.ends_ms = f->now + 5;
    FAILS(ERR_INVALID, add(f, &row));
    row.ends_ms = f->now + 6;
    row.max_orders = -1;
    FAILS(ERR_INVALID, add(f, &row));
    row.max_orders = 1;
    OK(add(f, &row));
    struct promotion_row again = row_of(f, "x", PROMOTION_AMOUNT, 10);
    FAILS(ERR_CONFLICT, add(f, &again));
    assert_non_null(strstr(f->error.message, "\"x\" already"));
}

static void a_promotion_has_its_window_and_its_workspace(void **state) {
    struct fixture *f = *state;
    struct promotion_row now = row_of(f, "now", PROMOTION_PERCENT, 10),
                         later = row_of(f, "later", PROMOTION_AMOUNT, 500),
                         mine = row_of(f, "mine", PROMOTION_FREE_DOMAINS, 3);
    now.ends_ms = f->now + 100;
    later.starts_ms = f->now + 50;
    later.ends_ms = f->now + 200;
    mine.workspace_id = STR(WORKSPACE);
    OK(add(f, &now) && add(f, &later) && add(f, &mine));

    struct open open = open_to(f, WORKSPACE, f->now);
    assert_int_equal(open.n, 2);
    assert_true(str_is(open.promotions[0].name, "now") && str_is(open.promotions[1].name, "mine"));
    assert_int_equal(open.promotions[1].domains_left, 3);
    assert_false(open.promotions[1].has_limit);
    assert_int_equal(open.until_ms, f->now + 50);
    open = open_to(f, STRANGER, f->now + 50);
    assert_int_equal(open.n, 2);
    assert_true(str_is(open.promotions[1].name, "later"));
    assert_int_equal(open.until_ms, f->now + 100);
    open = open_to(f, STRANGER, f->now + 100);
    assert_int_equal(open.n, 1);
    assert_int_equal(open.until_ms, f->now + 200);
    open = open_to(f, STRANGER, f->now + 200);
    assert_int_equal(open.n, 0);
    assert_true(open.until_ms == INT64_MAX);

    OK(IN_TX(promotion_end(f->db, STR("mine"), f->now + 60, f->now, &f->error)));
    assert_int_equal(open_to(f, WORKSPACE, f->now + 59).n, 3);
    assert_int_equal(open_to(f, WORKSPACE, f->now + 60).n, 2);
    FAILS(ERR_CONFLICT, IN_TX(promotion_end(f->db, STR("mine"), f->now + 99, f->now + 60, &f->error)));
    FAILS(ERR_INVALID, IN_TX(promotion_end(f->db, STR("now"), f->now, f->now + 1, &f->error)));
    FAILS(ERR_NOT_FOUND, IN_TX(promotion_end(f->db, STR("none"), f->now, f->now, &f->error)));

    struct promotion_row *rows = NULL;
    size_t n = 0;
    OK(promotion_list(f->db, &(struct promotion_query){.now_ms = f->now + 100}, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 1);
    OK(promotion_list(f->db, &(struct promotion_query){.all = true}, f->arena, &rows, &n, &f->error));
    assert_int_equal(n, 3);
    assert_true(str_is(rows[0].name, "mine") && str_is(rows[0].workspace_id, WORKSPACE));
    assert_true(str_is(rows[0].workspace, "mine") && rows[1].workspace.n == 0);
    assert_int_equal(rows[0].kind, PROMOTION_FREE_DOMAINS);
    assert_int_equal(rows[1].value, 500);
    assert_int_equal(rows[1].starts_ms, f->now + 50);
}

/* An order of one new domain whose year is free under the promotion. */
static struct reservation order_with(struct fixture *f, struct str promotion_id, struct reserve_domain *domain,
                                     const char *name) {
    *domain = make_domain(f, name, 1, "");
    domain->n_lines = 1;
    domain->lines[0] = (struct bill_line){
        .kind = LINE_DOMAIN_YEAR, .quantity = 1, .unit = 1500, .discount = 1500, .from_ms = 1, .to_ms = 2};
    struct reservation r = make_order(f, ORDER_DFY, domain, 1);
    r.amount = 0;
    r.discount = 1500;
    r.promotion_id = promotion_id;
    return r;
}

#define USES "SELECT used_orders FROM promotions"
#define MINE "SELECT orders || ' ' || domains FROM promotion_uses WHERE workspace_id = '" WORKSPACE "'"

static void uses_are_counted_and_given_back(void **state) {
    struct fixture *f = *state;
    struct promotion_row row = row_of(f, "two", PROMOTION_FREE_DOMAINS, 2);
    row.max_orders = 10;
    row.max_orders_each = 3;
    OK(add(f, &row));
    struct reserve_domain domains[4];
    struct reservation orders[4];
    static const char *const names[] = {"a.com", "b.com", "c.com", "d.com"};
    for (size_t i = 0; i < 4; i++) orders[i] = order_with(f, row.id, &domains[i], names[i]);
    OK(IN_TX(order_reserve(f->db, &orders[0], &f->error)));
    assert_int_equal(number_of(f, USES), 1);
    assert_string_equal(words_of(f, MINE), "1 1");
    struct open open = open_to(f, WORKSPACE, f->now);
    assert_int_equal(open.promotions[0].domains_left, 1);
    assert_int_equal(open.promotions[0].orders_left, 2);
    assert_int_equal(open_to(f, STRANGER, f->now).promotions[0].domains_left, 2);

    OK(IN_TX(order_reserve(f->db, &orders[1], &f->error)));
    assert_int_equal(open_to(f, WORKSPACE, f->now).n, 0);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &orders[2], &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM orders"), 2);
    assert_int_equal(number_of(f, USES), 2);
    assert_string_equal(words_of(f, MINE), "2 2");

    /* What is not paid gives its use back, once; what is paid keeps it. */
    for (int i = 0; i < 2; i++)
        OK(IN_TX(order_release(f->db, str_of(orders[0].order_id), STR(""), STR("x"), STR(""), f->now, &f->error)));
    assert_int_equal(number_of(f, USES), 1);
    assert_string_equal(words_of(f, MINE), "1 1");
    OK(IN_TX(order_settle(f->db, str_of(orders[1].order_id), STR(""), f->now, &f->error)));
    assert_int_equal(number_of(f, USES), 1);
    OK(IN_TX(order_reserve(f->db, &orders[2], &f->error)));
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &orders[3], &f->error)));

    /* Another workspace has its own; nobody has what has ended. */
    orders[3].workspace_id = STR(STRANGER);
    OK(IN_TX(order_reserve(f->db, &orders[3], &f->error)));
    assert_int_equal(number_of(f, USES), 3);
    OK(IN_TX(promotion_end(f->db, STR("two"), f->now, f->now, &f->error)));
    struct reserve_domain domain;
    struct reservation late = order_with(f, row.id, &domain, "e.com");
    late.workspace_id = STR(STRANGER);
    FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &late, &f->error)));
    assert_string_equal(f->error.message, "the promotion has ended or was used up meanwhile");
}

static void orders_are_limited(void **state) {
    struct fixture *f = *state;
    struct promotion_row row = row_of(f, "limited", PROMOTION_PERCENT, 100);
    row.max_orders = 3;
    row.max_orders_each = 2;
    OK(add(f, &row));
    static const char *const names[] = {"a.com", "b.com", "c.com", "d.com", "e.com"};
    static const char *const who[] = {WORKSPACE, WORKSPACE, WORKSPACE, STRANGER, STRANGER};
    static const bool fits[] = {true, true, false, true, false};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct reserve_domain domain;
        struct reservation r = order_with(f, row.id, &domain, names[i]);
        r.workspace_id = str_of(who[i]);
        assert_int_equal(open_to(f, who[i], f->now).n, fits[i]);
        if (fits[i])
            OK(IN_TX(order_reserve(f->db, &r, &f->error)));
        else
            FAILS(ERR_CONFLICT, IN_TX(order_reserve(f->db, &r, &f->error)));
    }
    assert_int_equal(number_of(f, USES), 3);
}

enum { THREADS = 32, LIMIT = 5 };

struct rush {
    struct store *store;
    struct reservation reservation;
    struct error error;
    _Atomic int *go;
    bool ok;
};

static bool reserve_fn(struct db *db, void *arg, struct error *reterr) {
    return order_reserve(db, &((struct rush *)arg)->reservation, reterr);
}

static void *rush_run(void *arg) {
    struct rush *rush = arg;
    while (!atomic_load(rush->go)) {}
    rush->ok = store_write(rush->store, reserve_fn, rush, &rush->error);
    return NULL;
}

static void a_limit_holds_when_all_come_at_once(void **state) {
    struct fixture *f = *state;
    struct promotion_row row = row_of(f, "rush", PROMOTION_PERCENT, 100);
    row.max_orders = LIMIT;
    OK(add(f, &row));
    struct store *store = fixture_store(f);
    static struct rush rushes[THREADS];
    static struct reserve_domain domains[THREADS];
    pthread_t threads[THREADS];
    _Atomic int go = 0;
    for (size_t i = 0; i < THREADS; i++) {
        const char *name = arena_cstr(f->arena, arena_printf(f->arena, "rush%zu.com", i));
        rushes[i] = (struct rush){.store = store, .go = &go, .reservation = order_with(f, row.id, &domains[i], name)};
        assert_int_equal(pthread_create(&threads[i], NULL, rush_run, &rushes[i]), 0);
    }
    atomic_store(&go, 1);
    int placed = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        placed += rushes[i].ok;
        if (!rushes[i].ok) assert_int_equal(rushes[i].error.code, ERR_CONFLICT);
    }
    assert_int_equal(placed, LIMIT);
    assert_int_equal(number_of(f, USES), LIMIT);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM orders WHERE promotion_id <> ''"), LIMIT);
    store_close(store);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(only_promotions_that_make_sense_are_added), CASE(a_promotion_has_its_window_and_its_workspace),
        CASE(uses_are_counted_and_given_back),           CASE(orders_are_limited),
        CASE(a_limit_holds_when_all_come_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
