/* quote: what orders cost (cases/quote.txt), and what must hold for every order. */
#include "core/quote.h"

#include "base/ids.h"
#include "priced_case.h"

/* What one line of a case is compared with; false when KEY is not known. */
static bool says(const struct quote *q, const struct check *check, struct str key, struct buf *out) {
    if (str_is(key, "due")) {
        money_text(out, q->total);
    } else if (str_is(key, "monthly")) {
        money_text(out, q->total_accounts_month);
    } else if (str_is(key, "yearly")) {
        money_text(out, q->total_domains_year);
    } else if (str_is(key, "domains")) {
        buf_add_int(out, q->n_domains);
    } else if (str_is(key, "accounts of")) {
        buf_add_int(out, q->n_accounts);
    } else if (str_is(key, "domain year")) {
        money_text(out, q->domain_year);
    } else if (str_is(key, "mailbox") && q->has_account_month) {
        money_text(out, q->account_month);
    } else if (str_is(key, "mailbox")) {
        BUF_LIT(out, "differs");
    } else if (str_is(key, "domain month") && q->has_domain_month) {
        money_text(out, q->domain_month);
    } else if (str_is(key, "by provider") && q->mixed) {
        for (int p = PROVIDER_GOOGLE; p <= PROVIDER_AIRMAIL; p++) {
            buf_printf(out, "%s%s ", p == PROVIDER_GOOGLE ? "" : ", ", provider_names[p]);
            money_text(out, q->mailbox_month[p]);
        }
    } else if (str_is(key, "domain month") || str_is(key, "by provider")) {
        BUF_LIT(out, "none");
    } else if (str_is(key, "line")) {
        for (size_t i = 0; i < q->n_items; i++)
            if (q->items[i].sold) priced_line(out, &q->items[i], check->items[i].name);
    } else {
        return false;
    }
    return true;
}

static void orders_cost_what_is_listed(void **state) {
    (void)state;
    priced_cases("quote.txt", "due", says);
}

static struct check *random_check(struct rng *rng, struct arena *arena) {
    struct check *check = ARENA_NEW(arena, struct check);
    check->type = (enum order_type)rng_below(rng, 3);
    check->n_items = rng_below(rng, 8);
    check->items = ARENA_ARRAY(arena, check->n_items, struct checked_item);
    for (size_t i = 0; i < check->n_items; i++) {
        check->items[i].provider = (enum provider)(1 + rng_below(rng, PROVIDER_END - 1));
        check->items[i].n_accounts = rng_below(rng, 101);
        check->items[i].faults = rng_below(rng, 3) ? 0 : 1U << rng_below(rng, 10);
        check->faults |= check->items[i].faults;
    }
    return check;
}

/* The lines of an item, whose amounts are to be what the item costs. */
static cents sum_of_lines(const struct quote_item *item) {
    struct bill_line lines[LINE_KIND_END];
    size_t n = quote_bill(item, 1, lines);
    cents amount = 0, discount = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(lines[i].quantity > 0 && lines[i].unit > 0);
        assert_in_range(lines[i].discount, 0, lines[i].quantity * lines[i].unit);
        assert_int_equal(lines[i].amount, lines[i].quantity * lines[i].unit - lines[i].discount);
        assert_int_equal(lines[i].from_ms, 1);
        assert_true(lines[i].to_ms > lines[i].from_ms);
        amount += lines[i].amount;
        discount += lines[i].discount;
    }
    assert_int_equal(discount, item->discount);
    return amount;
}

static void sums_always_agree(void **state) {
    (void)state;
    struct arena *arena = arena_create(1 << 14);
    struct rng rng = rng_seeded(4);
    for (int round = 0; round < 50000; round++) {
        arena_reset(arena);
        const struct check *check = random_check(&rng, arena);
        struct prices prices = {.version = round};
        for (int i = 0; i < PRICE_END; i++) prices.of[i] = rng_below(&rng, 5) ? (cents)rng_below(&rng, 100000) : 0;
        struct quote q;
        struct error error;
        assert_true(quote_make(check, &prices, arena, &q, &error));

        /* The contract's identity. */
        assert_int_equal(q.total, q.total_accounts_month + q.total_domains_year);
        assert_int_equal(q.n_items, check->n_items);
        assert_int_equal(q.version, round);
        cents total = 0, yearly = 0, monthly = 0;
        int64_t n_good = 0, n_accounts = 0;
        for (size_t i = 0; i < q.n_items; i++) {
            const struct quote_item *item = &q.items[i];
            assert_int_equal(item->sold, check->items[i].faults == 0);
            assert_int_equal(item->total, item->domain_year + item->accounts_month + item->domain_month);
            assert_true(item->has_domain_month || item->domain_month == 0);
            assert_true(item->sold || item->total == 0);
            assert_int_equal(sum_of_lines(item), item->total);
            total += item->total;
            yearly += item->domain_year;
            monthly += item->accounts_month + item->domain_month;
            if (!item->sold) continue;
            n_good++;
            n_accounts += (int64_t)check->items[i].n_accounts;
            assert_true(q.uses[check->items[i].provider]);
            assert_int_equal(item->accounts_month,
                             q.mailbox_month[check->items[i].provider] * (cents)check->items[i].n_accounts);
            if (q.has_account_month) assert_int_equal(q.account_month, q.mailbox_month[check->items[i].provider]);
        }
        assert_int_equal(q.total, total);
        assert_int_equal(q.total_domains_year, yearly);
        assert_int_equal(q.total_accounts_month, monthly);
        assert_int_equal(q.n_accounts, n_accounts);
        assert_int_equal(q.n_domains, check->type == ORDER_EXTRA_ACCOUNTS ? 0 : n_good);
        assert_int_equal(yearly, q.n_domains * q.domain_year);
        assert_false(q.mixed && q.has_account_month);
        assert_int_equal(q.discount, 0);
    }
    arena_destroy(arena);
}

static void an_order_too_large_to_price_is_refused(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct checked_item items[2] = {{.provider = PROVIDER_GOOGLE, .n_accounts = 100},
                                    {.provider = PROVIDER_GOOGLE, .n_accounts = 100}};
    struct check check = {.type = ORDER_EXTRA_ACCOUNTS, .items = items, .n_items = 2};
    struct prices prices = prices_standard();
    struct quote quote = {.total = -1};
    struct error error;
    prices.of[PRICE_EXTRA_GOOGLE_MAILBOX_MONTH] = CENTS_MAX / 100;
    assert_false(quote_make(&check, &prices, arena, &quote, &error));
    assert_int_equal(error.code, ERR_INVALID);
    assert_int_equal(quote.total, -1);
    check.n_items = 1;
    assert_true(quote_make(&check, &prices, arena, &quote, &error));
    assert_int_equal(quote.total, CENTS_MAX);
    prices.of[PRICE_EXTRA_GOOGLE_MAILBOX_MONTH] += 1;
    assert_false(quote_make(&check, &prices, arena, &quote, &error));
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_cost_what_is_listed),
        cmocka_unit_test(sums_always_agree),
        cmocka_unit_test(an_order_too_large_to_price_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
