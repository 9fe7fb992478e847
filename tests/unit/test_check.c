/* check: orders, what the world says of them, and what they are refused for (cases/check.txt). */
#include "core/check.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "cases.h"
#include "core/name.h"
#include "order_case.h"

enum { N_FAULTS = 10 };

static void add_part(struct buf *list, bool first, struct str part) {
    if (!first) BUF_LIT(list, ", ");
    buf_add(list, part);
}

/* The names of the items with one of FAULTS, or, with 0, of those with none. */
static struct str names_with(const struct check *check, unsigned faults, struct buf *list) {
    buf_clear(list);
    bool first = true;
    for (size_t i = 0; i < check->n_items; i++) {
        if (faults ? !(check->items[i].faults & faults) : check->items[i].faults != 0) continue;
        add_part(list, first, check->items[i].name);
        first = false;
    }
    return buf_str(list);
}

static struct str keywords(const struct check *check, struct buf *list) {
    buf_clear(list);
    for (size_t i = 0; i < check->n_items; i++)
        if (check->items[i].faults & FAULT_BLACKLISTED)
            add_part(list, !list->n, check->items[i].keyword.n ? check->items[i].keyword : STR("block list"));
    return buf_str(list);
}

static struct str forwardings(const struct check *check, struct buf *list) {
    buf_clear(list);
    for (size_t i = 0; i < check->n_items; i++)
        if (check->items[i].forwarding.n) add_part(list, !list->n, check->items[i].forwarding);
    return buf_str(list);
}

static struct str looked_up(const struct order_case *c, struct arena *arena, struct buf *list) {
    const struct check *check = check_words(&c->order, &c->rules, arena);
    buf_clear(list);
    for (size_t i = 0; i < check->n_items; i++)
        if (check_needs_facts(check, i)) add_part(list, !list->n, check->items[i].name);
    return buf_str(list);
}

/* One line for each account: those that are refused, with the reason, or those that are not, with their names. */
static struct str accounts(const struct check *check, bool refused, struct buf *list) {
    buf_clear(list);
    for (size_t i = 0; i < check->n_items; i++)
        for (size_t j = 0; j < check->items[i].n_accounts; j++) {
            const struct checked_account *a = &check->items[i].accounts[j];
            if ((a->reason != REASON_NONE) != refused) continue;
            buf_add(list, a->email);
            BUF_LIT(list, " | ");
            if (refused) {
                buf_add(list, str_of(check_reason_text(a->reason)));
            } else {
                buf_add(list, a->account.first_name);
                BUF_LIT(list, " | ");
                buf_add(list, a->account.last_name);
            }
            BUF_LIT(list, "\n");
        }
    return buf_str(list);
}

/* All values of KEY, one a line. */
static struct str wanted_lines(const struct order_case *c, const char *key, struct arena *arena, struct buf *list) {
    buf_clear(list);
    for (size_t i = 0; i < c->n_lines; i++) {
        if (!str_is(c->lines[i].key, key)) continue;
        buf_add(list, cases_text(c->lines[i].value, arena));
        BUF_LIT(list, "\n");
    }
    return buf_str(list);
}

/* The value of KEY; *ret_given says whether there was one. */
static struct str wanted(const struct order_case *c, const char *key, bool *ret_given) {
    for (size_t i = 0; i < c->n_lines; i++) {
        if (!str_is(c->lines[i].key, key)) continue;
        *ret_given = true;
        return c->lines[i].value;
    }
    *ret_given = false;
    return STR("");
}

static void must_be(const struct order_case *c, const char *what, struct str is, struct str want) {
    if (!str_eq(is, want))
        CASE_FAIL(c->lines, "%.*s\n%s is:\n%.*s\nnot:\n%.*s", STR_ARG(c->lines->value), what, STR_ARG(is),
                  STR_ARG(want));
}

static void must_be_if_given(const struct order_case *c, const char *key, struct str is) {
    bool given;
    struct str want = wanted(c, key, &given);
    if (given) must_be(c, key, is, want);
}

/* A misspelt key must not pass for a list that is expected to be empty. */
static void refuse_unknown_keys(const struct order_case *c, struct arena *arena) {
    static const char *const keys[] = {"error", "keywords", "reason", "names", "forwarding", "looked up", "sells"};
    struct order_case scratch = *c;
    scratch.order.n_items = 1;
    scratch.order.items = ARENA_ARRAY(arena, CASE_ITEMS, struct order_item);
    scratch.order.items[0].accounts = ARENA_ARRAY(arena, CASE_ACCOUNTS, struct account);
    scratch.facts = ARENA_ARRAY(arena, CASE_ITEMS, struct domain_facts);
    for (size_t i = 0; i < c->n_lines; i++) {
        bool known = case_input(&scratch, &c->lines[i], arena);
        for (size_t k = 0; k < ARRAY_LEN(keys); k++) known |= str_is(c->lines[i].key, keys[k]);
        for (int bit = 0; bit < N_FAULTS; bit++)
            known |= str_is(c->lines[i].key, check_fault_name((enum fault)(1 << bit)));
        if (!known) CASE_FAIL(&c->lines[i], "unknown word '%.*s'", STR_ARG(c->lines[i].key));
    }
}

static void judge_case(const struct order_case *c, struct arena *arena) {
    struct buf is, want;
    buf_init(&is, 1 << 16);
    buf_init(&want, 1 << 16);
    bool given;
    refuse_unknown_keys(c, arena);
    const struct check *check = order_case_judge(c, arena);

    enum fault error = check_error(check);
    must_be(c, "error", error ? str_of(check_fault_name(error)) : STR("none"), wanted(c, "error", &given));
    for (int bit = 0; bit < N_FAULTS; bit++) {
        const char *key = check_fault_name((enum fault)(1 << bit));
        must_be(c, key, names_with(check, 1U << bit, &is), wanted(c, key, &given));
    }
    must_be(c, "keywords", keywords(check, &is), wanted(c, "keywords", &given));
    must_be(c, "reasons", accounts(check, true, &is), wanted_lines(c, "reason", arena, &want));
    must_be_if_given(c, "names", names_with(check, 0, &is));
    must_be_if_given(c, "forwarding", forwardings(check, &is));
    must_be_if_given(c, "looked up", looked_up(c, arena, &is));
    wanted(c, "sells", &given);
    if (given) must_be(c, "sells", accounts(check, false, &is), wanted_lines(c, "sells", arena, &want));
    buf_finish(&is);
    buf_finish(&want);
}

static void orders_are_judged_as_listed(void **state) {
    (void)state;
    struct arena *arena = arena_create(1 << 16);
    struct restricted *restricted = restricted_create_default(NULL, 0);
    size_t n;
    const struct case_line *lines = cases_rows("check.txt", arena, &n);
    unsigned errors = 0;
    for (size_t at = 0; at < n;) {
        struct order_case c = order_case_read(&lines[at], restricted, arena);
        judge_case(&c, arena);
        errors |= (unsigned)check_error(order_case_judge(&c, arena));
        at += c.n_lines;
    }
    assert_int_equal(errors, (1U << N_FAULTS) - 1); /* the file shows every order_error */
    restricted_destroy(restricted);
    arena_destroy(arena);
}

static void unknown_faults_have_no_name(void **state) {
    (void)state;
    assert_string_equal(check_fault_name((enum fault)0), "");
    assert_string_equal(check_fault_name((enum fault)(1 << N_FAULTS)), "");
    assert_string_equal(check_fault_name(FAULT_UNAVAILABLE), "unavailable_domains");
    assert_string_equal(check_reason_text(REASON_NONE), "");
}

/* Of processor time, the quickest of three: of a virtual machine, what it stands still may be counted, too. */
static int64_t judging_ms(const struct order *order, const struct rules *rules, struct arena *arena,
                          const struct check **ret) {
    int64_t quickest = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        struct timespec from, to;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        *ret = check_words(order, rules, arena);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        int64_t ms = (int64_t)(to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
        if (ms < quickest) quickest = ms;
    }
    return quickest;
}

/* A body of 1 MiB holds some 50,000 short items. Their order is shuffled: sorted ones would be too easy. */
static void many_items_are_judged_in_reasonable_time(void **state) {
    (void)state;
    /* It takes some 25 ms, twice that under a sanitizer; quadratic work takes more than 2 s. */
    enum { N = 50000, LIMIT_MS = 700 };
    struct arena *arena = arena_create(1 << 20);
    struct restricted *restricted = restricted_create_default(NULL, 0);
    struct account account = {STR("ana"), STR("Ana"), STR("Silva")};
    struct order order = {.type = ORDER_DFY, .items = ARENA_ARRAY(arena, N, struct order_item), .n_items = N};
    for (size_t i = 0; i < N; i++)
        order.items[i] = (struct order_item){
            .domain = arena_printf(arena, "name-of-one-%zu.com", i % (N - 100) * 7919 % (N - 100)),
            .provider = PROVIDER_GOOGLE,
            .accounts = &account,
            .n_accounts = 1,
        };
    struct rules rules = {.restricted = restricted};
    const struct check *check;
    assert_in_range(judging_ms(&order, &rules, arena, &check), 0, LIMIT_MS);
    for (size_t i = 0; i < N; i++) assert_int_equal(check->items[i].faults, i < N - 100 ? 0 : FAULT_INVALID_DOMAIN);

    order.n_items = 1;
    order.items[0].accounts = ARENA_ARRAY(arena, N, struct account);
    order.items[0].n_accounts = N;
    for (size_t i = 0; i < N; i++) {
        order.items[0].accounts[i] = account;
        order.items[0].accounts[i].prefix = arena_printf(arena, "user%zu", i / 2 * 7919 % N);
    }
    assert_in_range(judging_ms(&order, &rules, arena, &check), 0, LIMIT_MS);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(check->items[0].accounts[i].reason, i % 2                  ? REASON_DUPLICATE
                                                             : i / 2 < ACCOUNTS_MAX ? REASON_NONE
                                                                                    : REASON_TOO_MANY);
    restricted_destroy(restricted);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_judged_as_listed),
        cmocka_unit_test(unknown_faults_have_no_name),
        cmocka_unit_test(many_items_are_judged_in_reasonable_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
