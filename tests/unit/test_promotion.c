/* promotion: what is taken off (cases/promotions.txt), and what must hold for all promotions and orders. */
#include "core/promotion.h"

#include <string.h>

#include "base/ids.h"
#include "priced_case.h"

/* What one line of a case is compared with; false when KEY is not known. */
static bool says(const struct quote *q, const struct check *check, struct str key, struct buf *out) {
    if (str_is(key, "applied")) {
        buf_add(out, q->promotion_id.n ? q->promotion_id : STR("none"));
    } else if (str_is(key, "discount")) {
        money_text(out, q->discount);
    } else if (str_is(key, "due")) {
        money_text(out, q->total);
    } else if (str_is(key, "monthly")) {
        money_text(out, q->total_accounts_month);
    } else if (str_is(key, "yearly")) {
        money_text(out, q->total_domains_year);
    } else if (str_is(key, "recurs")) {
        money_text(out, q->recurs_month);
        BUF_LIT(out, " | ");
        money_text(out, q->recurs_year);
    } else if (str_is(key, "line")) {
        for (size_t i = 0; i < q->n_items; i++) {
            if (!q->items[i].sold) continue;
            priced_line(out, &q->items[i], check->items[i].name);
            BUF_LIT(out, " | ");
            money_text(out, q->items[i].discount);
        }
    } else if (str_is(key, "free")) {
        for (size_t i = 0; i < q->n_items; i++) {
            if (q->items[i].domain_year || !q->items[i].lines[LINE_DOMAIN_YEAR].discount) continue;
            if (out->n) BUF_LIT(out, ", ");
            buf_add(out, check->items[i].name);
        }
        if (!out->n) BUF_LIT(out, "none");
    } else {
        return false;
    }
    return true;
}

static void promotions_take_off_what_is_listed(void **state) {
    (void)state;
    priced_cases("promotions.txt", "applied", says);
}

/* ---- what always holds ---- */

static struct check *random_check(struct rng *rng, struct arena *arena) {
    struct check *check = ARENA_NEW(arena, struct check);
    check->type = (enum order_type)rng_below(rng, 3);
    check->n_items = rng_below(rng, 6);
    check->items = ARENA_ARRAY(arena, check->n_items, struct checked_item);
    for (size_t i = 0; i < check->n_items; i++) {
        check->items[i].provider = (enum provider)(1 + rng_below(rng, PROVIDER_END - 1));
        check->items[i].n_accounts = rng_below(rng, 101);
        check->items[i].faults = rng_below(rng, 4) ? 0 : 1U << rng_below(rng, 10);
    }
    return check;
}

static struct promotion random_promotion(struct rng *rng) {
    const struct str ids[] = {STR("a"), STR("b"), STR("c")};
    struct promotion p = {.id = ids[rng_below(rng, 3)],
                          .kind = (enum promotion_kind)rng_below(rng, PROMOTION_KIND_END)};
    if (p.kind == PROMOTION_PERCENT) p.value = 1 + rng_below(rng, 100);
    if (p.kind == PROMOTION_AMOUNT) p.value = 1 + rng_below(rng, rng_below(rng, 2) ? 100 : 1000000);
    if (p.kind == PROMOTION_FREE_DOMAINS) p.value = 1 + rng_below(rng, 6);
    p.domains_left = p.kind == PROMOTION_FREE_DOMAINS ? (int64_t)rng_below(rng, (uint32_t)p.value + 1) : 0;
    return p;
}

/* Every line of ITEM between nothing and its list price, and in sum what the item says. */
static void item_adds_up(const struct quote_item *item, const struct quote_item *list) {
    struct bill_line lines[LINE_KIND_END];
    cents amount = 0, discount = 0;
    size_t n = quote_bill(item, 0, lines);
    for (size_t i = 0; i < n; i++) {
        assert_true(lines[i].discount >= 0 && lines[i].amount >= 0);
        assert_int_equal(lines[i].amount + lines[i].discount, lines[i].quantity * lines[i].unit);
        amount += lines[i].amount;
        discount += lines[i].discount;
    }
    assert_int_equal(amount, item->total);
    assert_int_equal(discount, item->discount);
    assert_int_equal(item->total, item->domain_year + item->domain_month + item->accounts_month);
    assert_int_equal(item->total + item->discount, list->total);
    assert_true(item->domain_year >= 0 && item->domain_month >= 0 && item->accounts_month >= 0);
}

static void sums_agree_and_the_best_applies(void **state) {
    (void)state;
    struct arena *arena = arena_create(1 << 14);
    struct rng rng = rng_seeded(11);
    int applied = 0;
    for (int round = 0; round < 50000; round++) {
        arena_reset(arena);
        const struct check *check = random_check(&rng, arena);
        struct prices prices;
        for (int i = 0; i < PRICE_END; i++) prices.of[i] = rng_below(&rng, 5) ? (cents)rng_below(&rng, 3000) : 0;
        struct promotion promotions[3];
        size_t n = rng_below(&rng, 4);
        for (size_t i = 0; i < n; i++) promotions[i] = random_promotion(&rng);

        struct quote list, q;
        struct error error;
        assert_true(quote_make(check, &prices, arena, &list, &error));
        assert_true(quote_make(check, &prices, arena, &q, &error));
        promotion_apply(promotions, n, &q);

        cents most = 0, year = 0, month = 0;
        struct str best = STR("");
        for (size_t i = 0; i < n; i++) {
            cents worth = promotion_worth(&promotions[i], &list);
            assert_in_range(worth, 0, list.total);
            if (worth > most) most = worth, best = promotions[i].id;
        }
        assert_int_equal(q.discount, most);
        assert_true(str_eq(q.promotion_id, best));
        assert_int_equal(q.total + q.discount, list.total);
        assert_int_equal(q.total, q.total_domains_year + q.total_accounts_month);
        assert_int_equal(q.recurs_month, list.total_accounts_month);
        assert_int_equal(q.recurs_year, list.total_domains_year);
        assert_int_equal(q.domain_year, list.domain_year);
        assert_int_equal(q.account_month, list.account_month);
        assert_int_equal(q.domain_month, list.domain_month);
        for (size_t i = 0; i < q.n_items; i++) {
            item_adds_up(&q.items[i], &list.items[i]);
            year += q.items[i].domain_year;
            month += q.items[i].accounts_month + q.items[i].domain_month;
        }
        assert_int_equal(year, q.total_domains_year);
        assert_int_equal(month, q.total_accounts_month);
        applied += most > 0;
    }
    assert_true(applied > 10000);
    arena_destroy(arena);
}

static void the_largest_order_stays_in_range(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct checked_item item = {.provider = PROVIDER_GOOGLE, .n_accounts = 100};
    const struct check check = {.type = ORDER_EXTRA_ACCOUNTS, .items = &item, .n_items = 1};
    struct prices prices = prices_standard();
    prices.of[PRICE_EXTRA_GOOGLE_MAILBOX_MONTH] = CENTS_MAX / 100;
    const struct {
        struct promotion promotion;
        cents total;
    } rows[] = {
        {{.kind = PROMOTION_PERCENT, .value = 100, .id = STR("a")}, 0},
        {{.kind = PROMOTION_PERCENT, .value = 99, .id = STR("a")}, CENTS_MAX / 100},
        {{.kind = PROMOTION_AMOUNT, .value = CENTS_MAX, .id = STR("a")}, 0},
        {{.kind = PROMOTION_AMOUNT, .value = CENTS_MAX - 1, .id = STR("a")}, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct quote quote;
        struct error error;
        assert_true(quote_make(&check, &prices, arena, &quote, &error));
        promotion_apply(&rows[i].promotion, 1, &quote);
        assert_int_equal(quote.total, rows[i].total);
        assert_int_equal(quote.discount, CENTS_MAX - rows[i].total);
    }
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promotions_take_off_what_is_listed),
        cmocka_unit_test(sums_agree_and_the_best_applies),
        cmocka_unit_test(the_largest_order_stays_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
