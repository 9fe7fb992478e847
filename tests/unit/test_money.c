/* money: amounts as people and clients write them (cases/money.txt), and what must hold for every amount. */
#include "core/money.h"

#include "base/ids.h"
#include "cases.h"
#include "core/prices.h"

static void amounts_read_and_write_as_listed(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct buf out;
    buf_init(&out, 100);
    size_t n;
    const struct case_line *rows = cases_rows("money.txt", arena, &n);
    for (size_t i = 0; i < n; i++) {
        cents amount = -7;
        bool ok = money_parse(cases_text(rows[i].cells[0], arena), &amount);
        if (str_is(rows[i].cells[1], "no")) {
            if (ok || amount != -7) CASE_FAIL(&rows[i], "was accepted");
            continue;
        }
        int64_t want;
        assert_true(str_to_int(rows[i].cells[1], 0, INT64_MAX, &want));
        if (!ok || amount != want) CASE_FAIL(&rows[i], "was read as %lld", (long long)amount);
        buf_clear(&out);
        money_json(&out, amount);
        if (!str_eq(buf_str(&out), rows[i].cells[2])) CASE_FAIL(&rows[i], "JSON is %.*s", STR_ARG(buf_str(&out)));
        buf_clear(&out);
        money_text(&out, amount);
        if (!str_eq(buf_str(&out), rows[i].cells[3])) CASE_FAIL(&rows[i], "text is %.*s", STR_ARG(buf_str(&out)));
    }
    buf_finish(&out);
    arena_destroy(arena);
}

static void every_amount_comes_back(void **state) {
    (void)state;
    struct rng rng = rng_seeded(1);
    struct buf out;
    buf_init(&out, 100);
    for (int i = 0; i < 200000; i++) {
        cents amount = i; /* the first 1000 dollars in full, then anywhere */
        if (i >= 100000) {
            uint64_t any;
            rng_fill(&rng, &any, sizeof any);
            amount = (cents)(any % ((uint64_t)CENTS_MAX + 1));
        }
        cents again;
        buf_clear(&out);
        money_json(&out, amount);
        assert_true(money_parse(buf_str(&out), &again));
        assert_int_equal(again, amount);
        buf_clear(&out);
        money_text(&out, amount);
        assert_true(money_parse(buf_str(&out), &again));
        assert_int_equal(again, amount);
    }
    buf_finish(&out);
}

static void negative_amounts_are_written_with_a_sign(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 100);
    money_json(&out, -5);
    BUF_LIT(&out, " ");
    money_text(&out, -1250);
    assert_true(str_is(buf_str(&out), "-0.05 -12.50"));
    buf_finish(&out);
}

static void adding_refuses_what_leaves_the_range(void **state) {
    (void)state;
    cents total = 100;
    assert_true(money_add(&total, 500, 3));
    assert_int_equal(total, 1600);
    assert_true(money_add(&total, -600, 1));
    assert_int_equal(total, 1000);
    assert_false(money_add(&total, -1001, 1));
    assert_false(money_add(&total, CENTS_MAX, 1));
    assert_false(money_add(&total, CENTS_MAX, INT64_MAX));
    assert_false(money_add(&total, INT64_MAX, 1));
    assert_false(money_add(&total, INT64_MIN, 1));
    assert_int_equal(total, 1000);
    assert_true(money_add(&total, CENTS_MAX - 1000, 1));
    assert_int_equal(total, CENTS_MAX);
    assert_false(money_add(&total, 1, 1));
}

static void standard_prices_are_the_contract_s(void **state) {
    (void)state;
    struct prices prices = prices_standard();
    assert_int_equal(prices.of[PRICE_DOMAIN_YEAR], 1500);
    assert_int_equal(prices.of[PRICE_GOOGLE_MAILBOX_MONTH], 500);
    assert_int_equal(prices.of[PRICE_AIRMAIL_MAILBOX_MONTH], 400);
    assert_int_equal(prices.of[PRICE_MICROSOFT_MAILBOX_MONTH], 0);
    assert_int_equal(prices.of[PRICE_MICROSOFT_DOMAIN_MONTH], 2000);
    assert_int_equal(prices.of[PRICE_PRE_WARMED_DOMAIN_YEAR], 1500);
    assert_int_equal(prices.of[PRICE_PRE_WARMED_MAILBOX_MONTH], 1000);
    for (int i = 0; i < PRICE_END; i++) assert_int_equal(price_by_name(str_of(price_rows[i].name)), i);
    assert_int_equal(price_by_name(STR("domain")), PRICE_END);
    assert_int_equal(price_by_name(STR("")), PRICE_END);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_read_and_write_as_listed),
        cmocka_unit_test(every_amount_comes_back),
        cmocka_unit_test(negative_amounts_are_written_with_a_sign),
        cmocka_unit_test(adding_refuses_what_leaves_the_range),
        cmocka_unit_test(standard_prices_are_the_contract_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
