/* fuzz_check: bytes as an order, judged and priced. What is sold must obey the rules, and the sums must agree. */
#include "base/arena.h"
#include "core/name.h"
#include "core/promotion.h"
#include "core/restricted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte chooses the order type, the second the providers that are off; then lines: "d" + provider digit +
 * domain, "f" + forwarding, "a" + prefix,first,last, "w" + a byte of facts.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct restricted *restricted; /* kept from one input to the next: building it is slow */
    if (!restricted) restricted = restricted_create_default(NULL, 0);
    if (size < 2 || size > 4096) return 0;
    struct arena *arena = arena_create(65536);
    struct order order = {.type = data[0] % 3, .items = ARENA_ARRAY(arena, size, struct order_item)};
    struct rules rules = {.restricted = restricted, .providers_off = data[1] & 14U};
    struct domain_facts *facts = ARENA_ARRAY(arena, size, struct domain_facts);
    struct account *accounts = ARENA_ARRAY(arena, size, struct account), *next = accounts;
    struct str rest = {(const char *)data + 2, size - 2};
    struct order_item *item = NULL;
    while (rest.n) {
        struct str line = str_cut(rest, '\n', &rest);
        if (line.n >= 2 && line.p[0] == 'd') {
            item = &order.items[order.n_items++];
            item->provider = 1 + (unsigned char)line.p[1] % 3;
            item->domain = (struct str){line.p + 2, line.n - 2};
            item->accounts = next;
        } else if (item && line.n && line.p[0] == 'f') {
            item->forwarding = (struct str){line.p + 1, line.n - 1};
        } else if (item && line.n && line.p[0] == 'a') {
            struct str names = {line.p + 1, line.n - 1};
            next->prefix = str_cut(names, ',', &names);
            next->first_name = str_cut(names, ',', &names);
            next++->last_name = names;
            item->n_accounts++;
        } else if (item && line.n >= 2 && line.p[0] == 'w') {
            unsigned f = (unsigned char)line.p[1];
            facts[order.n_items - 1] = (struct domain_facts){.sold = f & 1,
                                                             .mine = f & 2,
                                                             .taken = f & 4,
                                                             .stocked = f & 8,
                                                             .provider = (enum provider)(1 + (f >> 4) % 3),
                                                             .stock = accounts,
                                                             .n_stock = (size_t)(next - accounts)};
        }
    }
    struct check *check = check_words(&order, &rules, arena);
    check_facts(check, facts, &rules, arena);
    unsigned before = check->faults;
    check_facts(check, facts, &rules, arena);
    if (check->faults != before || !check->faults != !check_error(check)) __builtin_trap();
    for (size_t i = 0; i < check->n_items; i++) {
        const struct checked_item *sold = &check->items[i];
        if (sold->faults) continue;
        if (!name_is_registrable(sold->name) || (rules.providers_off & 1U << sold->provider)) __builtin_trap();
        for (size_t j = 0; j < sold->n_accounts; j++)
            if (sold->accounts[j].reason != REASON_NONE) __builtin_trap();
        if (order.type == ORDER_DFY && sold->provider != PROVIDER_MICROSOFT &&
            (sold->n_accounts < 1 || sold->n_accounts > ACCOUNTS_MAX))
            __builtin_trap();
    }
    struct prices prices = prices_standard();
    struct quote quote;
    struct error error;
    if (!quote_make(check, &prices, arena, &quote, &error)) __builtin_trap();
    if (quote.total != quote.total_accounts_month + quote.total_domains_year) __builtin_trap();

    const struct promotion promotions[] = {
        {.id = STR("a"), .kind = PROMOTION_PERCENT, .value = 7},
        {.id = STR("b"), .kind = PROMOTION_FREE_DOMAINS, .value = 2, .domains_left = 2},
        {.id = STR("c"), .kind = PROMOTION_AMOUNT, .value = 1234},
        {.id = STR("d"), .kind = PROMOTION_FIRST_MONTH},
    };
    cents list = quote.total, lines = 0;
    promotion_apply(promotions, ARRAY_LEN(promotions), &quote);
    for (size_t i = 0; i < quote.n_items; i++) {
        struct bill_line bill[LINE_KIND_END];
        for (size_t n = quote_bill(&quote.items[i], 0, bill); n > 0; n--) {
            if (bill[n - 1].amount < 0 || bill[n - 1].discount < 0) __builtin_trap();
            lines += bill[n - 1].amount;
        }
    }
    if (quote.total + quote.discount != list || quote.total != lines || quote.discount < 0) __builtin_trap();
    arena_destroy(arena);
    return 0;
}
