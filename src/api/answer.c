#include "api/answer.h"

#include <stdlib.h>

#include "base/arena.h"

bool answer_is_valid(const struct check *check) {
    return check->n_items > 0 && check->faults == 0;
}

const char *answer_error(const struct order_answer *answer) {
    /* The contract has no word for an order of nothing, which its schema allows; the nearest says what to mend. */
    if (answer->check->n_items == 0) return "invalid_domains";
    if (answer->check->faults) return check_fault_name(check_error(answer->check));
    return answer->not_paid ? "payment_failed" : NULL;
}

/* ---- lists ---- */

struct listed {
    struct str text;
    size_t at;
};

static int listed_cmp(const void *a, const void *b) {
    const struct listed *x = a, *y = b;
    int order = str_cmp(x->text, y->text);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* The texts as a JSON array, each once, where it came first. Sorted to find repeats: clients choose how many. */
static void add_texts(struct buf *out, const struct str *texts, size_t n, struct arena *arena) {
    struct listed *sorted = ARENA_ARRAY(arena, n, struct listed);
    bool *repeated = ARENA_ARRAY(arena, n, bool);
    for (size_t i = 0; i < n; i++) sorted[i] = (struct listed){texts[i], i};
    if (n > 1) qsort(sorted, n, sizeof *sorted, listed_cmp);
    for (size_t i = 1; i < n; i++) repeated[sorted[i].at] = str_eq(sorted[i].text, sorted[i - 1].text);

    buf_add_byte(out, '[');
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        if (repeated[i]) continue;
        if (!first) buf_add_byte(out, ',');
        first = false;
        buf_add_json(out, texts[i]);
    }
    buf_add_byte(out, ']');
}

static struct str item_name(const struct checked_item *item) {
    return item->name;
}

static struct str item_forwarding(const struct checked_item *item) {
    return item->asked->forwarding;
}

static struct str item_keyword(const struct checked_item *item) {
    return item->keyword;
}

/* Adds ,"KEY":[...] of what TEXT_OF says of each item with FAULT. */
static void add_faulty(struct buf *out, const char *key, const struct check *check, enum fault fault,
                       struct str (*text_of)(const struct checked_item *), struct arena *arena) {
    struct str *texts = ARENA_ARRAY(arena, check->n_items, struct str);
    size_t n = 0;
    for (size_t i = 0; i < check->n_items; i++) {
        if (!(check->items[i].faults & (unsigned)fault)) continue;
        struct str text = text_of(&check->items[i]);
        /* A block list matches without a keyword; but "" can be what someone sent for a domain. */
        if (text.n || text_of != item_keyword) texts[n++] = text;
    }
    BUF_LIT(out, ",\"");
    buf_add(out, str_of(key));
    BUF_LIT(out, "\":");
    add_texts(out, texts, n, arena);
}

static void add_providers(struct buf *out, const struct check *check) {
    bool off[PROVIDER_END] = {false};
    for (size_t i = 0; i < check->n_items; i++)
        if (check->items[i].faults & FAULT_PROVIDER_UNAVAILABLE) off[check->items[i].provider] = true;
    BUF_LIT(out, ",\"unavailable_email_providers\":[");
    bool first = true;
    for (int p = PROVIDER_NONE + 1; p < PROVIDER_END; p++) {
        if (!off[p]) continue;
        if (!first) buf_add_byte(out, ',');
        first = false;
        buf_add_int(out, p);
    }
    BUF_LIT(out, "]");
}

static void add_invalid_accounts(struct buf *out, const struct check *check) {
    BUF_LIT(out, ",\"invalid_accounts\":[");
    bool first = true;
    for (size_t i = 0; i < check->n_items; i++) {
        const struct checked_item *item = &check->items[i];
        if (!(item->faults & FAULT_INVALID_ACCOUNTS)) continue;
        for (size_t j = 0; j < item->n_accounts; j++) {
            const struct checked_account *account = &item->accounts[j];
            if (account->reason == REASON_NONE) continue;
            if (!first) buf_add_byte(out, ',');
            first = false;
            BUF_LIT(out, "{\"domain\":");
            buf_add_json(out, item->name);
            BUF_LIT(out, ",\"first_name\":");
            buf_add_json(out, account->account.first_name);
            BUF_LIT(out, ",\"last_name\":");
            buf_add_json(out, account->account.last_name);
            BUF_LIT(out, ",\"email\":");
            buf_add_json(out, account->email);
            BUF_LIT(out, ",\"reason\":");
            buf_add_json(out, str_of(check_reason_text(account->reason)));
            BUF_LIT(out, "}");
        }
    }
    BUF_LIT(out, "]");
}

void answer_lists(struct buf *out, const struct check *check, struct arena *arena) {
    if (check->faults == 0) {
        BUF_LIT(out, ",\"unavailable_domains\":[],\"blacklist_domains\":[],\"invalid_domains\":[],"
                     "\"invalid_forwarding_domains\":[],\"missing_domain_orders\":[],\"provider_mismatch_domains\":[],"
                     "\"unsupported_provider_domains\":[],\"unavailable_email_providers\":[],"
                     "\"domains_without_accounts\":[],\"invalid_accounts\":[]");
        return;
    }
    add_faulty(out, "unavailable_domains", check, FAULT_UNAVAILABLE, item_name, arena);
    add_faulty(out, "blacklist_domains", check, FAULT_BLACKLISTED, item_name, arena);
    bool any_keyword = false;
    for (size_t i = 0; i < check->n_items; i++) any_keyword |= check->items[i].keyword.n > 0;
    if (any_keyword) add_faulty(out, "blacklist_keywords", check, FAULT_BLACKLISTED, item_keyword, arena);
    add_faulty(out, "invalid_domains", check, FAULT_INVALID_DOMAIN, item_name, arena);
    add_faulty(out, "invalid_forwarding_domains", check, FAULT_INVALID_FORWARDING, item_forwarding, arena);
    add_faulty(out, "missing_domain_orders", check, FAULT_MISSING_ORDER, item_name, arena);
    add_faulty(out, "provider_mismatch_domains", check, FAULT_PROVIDER_MISMATCH, item_name, arena);
    add_faulty(out, "unsupported_provider_domains", check, FAULT_UNSUPPORTED_PROVIDER, item_name, arena);
    add_providers(out, check);
    add_faulty(out, "domains_without_accounts", check, FAULT_NO_ACCOUNTS, item_name, arena);
    add_invalid_accounts(out, check);
}

/* ---- money ---- */

static void add_money_or_null(struct buf *out, bool has, cents amount) {
    if (has)
        money_json(out, amount);
    else
        BUF_LIT(out, "null");
}

/* Microsoft is sold by the domain, so it has no part in this. */
static void add_by_account_type(struct buf *out, const struct quote *quote) {
    BUF_LIT(out, ",\"price_per_account_per_month_by_account_type\":{");
    bool first = true;
    for (int p = PROVIDER_GOOGLE; p <= PROVIDER_AIRMAIL; p++) {
        if (!quote->uses[p]) continue;
        if (!first) buf_add_byte(out, ',');
        first = false;
        buf_add_byte(out, '"');
        buf_add_int(out, p);
        BUF_LIT(out, "\":");
        money_json(out, quote->mailbox_month[p]);
    }
    BUF_LIT(out, "}");
}

/* Those whose first year a promotion gives. */
static void add_free_domains(struct buf *out, const struct check *check, const struct quote *quote) {
    BUF_LIT(out, ",\"free_domains\":[");
    bool first = true;
    for (size_t i = 0; quote->discount && i < quote->n_items; i++) {
        const struct quote_item *item = &quote->items[i];
        if (item->domain_year || !item->lines[LINE_DOMAIN_YEAR].discount) continue;
        if (!first) buf_add_byte(out, ',');
        first = false;
        buf_add_json(out, check->items[i].name);
    }
    BUF_LIT(out, "]");
}

static void add_quote(struct buf *out, const struct check *check, const struct quote *quote) {
    add_free_domains(out, check, quote);
    BUF_LIT(out, ",\"number_of_domains_ordered\":");
    buf_add_int(out, quote->n_domains);
    BUF_LIT(out, ",\"number_of_accounts_ordered\":");
    buf_add_int(out, quote->n_accounts);
    BUF_LIT(out, ",\"price_per_account_per_month\":");
    add_money_or_null(out, quote->has_account_month, quote->account_month);
    if (quote->mixed) add_by_account_type(out, quote);
    BUF_LIT(out, ",\"price_per_domain_per_month\":");
    add_money_or_null(out, quote->has_domain_month, quote->domain_month);
    BUF_LIT(out, ",\"price_per_domain_per_year\":");
    money_json(out, quote->domain_year);
    BUF_LIT(out, ",\"total_domains_price_per_year\":");
    money_json(out, quote->total_domains_year);
    BUF_LIT(out, ",\"total_accounts_price_per_month\":");
    money_json(out, quote->total_accounts_month);
    BUF_LIT(out, ",\"total_price_per_month\":");
    money_json(out, quote->recurs_month);
    BUF_LIT(out, ",\"total_price_per_year\":");
    money_json(out, quote->recurs_year);
    BUF_LIT(out, ",\"total_price\":");
    money_json(out, quote->total);
    BUF_LIT(out, ",\"total_discount\":");
    money_json(out, quote->discount);
}

static void add_card(struct buf *out, const struct card *card) {
    BUF_LIT(out, ",\"payment_method_last_4_digits\":");
    buf_add_json(out, card->exists ? card->last4 : STR(""));
    BUF_LIT(out, ",\"payment_method_brand\":");
    buf_add_json(out, card->exists ? card->brand : STR(""));
    BUF_LIT(out, ",\"payment_method_name_on_card\":");
    buf_add_json(out, card->exists ? card->name_on_card : STR(""));
}

static void add_checkout(struct buf *out, const struct order_answer *answer) {
    if (!answer->checkout) return;
    BUF_LIT(out, ",\"checkout_required\":true");
    if (!answer->checkout_url.n) return;
    BUF_LIT(out, ",\"checkout_url\":");
    buf_add_json(out, answer->checkout_url);
    BUF_LIT(out, ",\"cart_order_id\":");
    buf_add_json(out, answer->cart_order_id);
}

/* ---- items ---- */

static void add_accounts(struct buf *out, const struct checked_item *item) {
    BUF_LIT(out, ",\"accounts\":[");
    for (size_t i = 0; i < item->n_accounts; i++) {
        const struct account *account = &item->accounts[i].account;
        if (i) buf_add_byte(out, ',');
        BUF_LIT(out, "{\"email_address_prefix\":");
        buf_add_json(out, account->prefix);
        BUF_LIT(out, ",\"first_name\":");
        buf_add_json(out, account->first_name);
        BUF_LIT(out, ",\"last_name\":");
        buf_add_json(out, account->last_name);
        BUF_LIT(out, "}");
    }
    BUF_LIT(out, "]");
}

static void add_item(struct buf *out, const struct checked_item *item, const struct quote_item *price) {
    BUF_LIT(out, "{\"domain\":");
    buf_add_json(out, item->name);
    add_accounts(out, item);
    BUF_LIT(out, ",\"email_provider\":");
    buf_add_int(out, (int64_t)item->provider);
    if (item->forwarding.n) {
        BUF_LIT(out, ",\"forwarding_domain\":");
        buf_add_json(out, item->forwarding);
    }
    BUF_LIT(out, ",\"domain_price\":");
    money_json(out, price->domain_year);
    BUF_LIT(out, ",\"accounts_price\":");
    money_json(out, price->accounts_month);
    BUF_LIT(out, ",\"domain_monthly_price\":");
    add_money_or_null(out, price->has_domain_month, price->domain_month);
    BUF_LIT(out, ",\"total_price\":");
    money_json(out, price->total);
    BUF_LIT(out, ",\"total_discount\":");
    money_json(out, price->discount);
    BUF_LIT(out, "}");
}

static void add_items(struct buf *out, const struct check *check, const struct quote *quote) {
    BUF_LIT(out, ",\"order_items\":[");
    bool first = true;
    for (size_t i = 0; i < check->n_items; i++) {
        if (!quote->items[i].sold) continue;
        if (!first) buf_add_byte(out, ',');
        first = false;
        add_item(out, &check->items[i], &quote->items[i]);
    }
    BUF_LIT(out, "]");
}

static void add_bool(struct buf *out, bool value) {
    buf_add(out, value ? STR("true") : STR("false"));
}

void answer_write(struct buf *out, const struct order_answer *answer, struct arena *arena) {
    BUF_LIT(out, "{\"order_placed\":");
    add_bool(out, answer->placed);
    BUF_LIT(out, ",\"order_is_valid\":");
    add_bool(out, answer_is_valid(answer->check));
    const char *error = answer_error(answer);
    if (error) {
        BUF_LIT(out, ",\"order_error\":\"");
        buf_add(out, str_of(error));
        BUF_LIT(out, "\"");
    }
    if (answer->not_paid && answer->decline != DECLINE_NONE) {
        BUF_LIT(out, ",\"payment_failure_reason\":\"");
        buf_add(out, str_of(decline_names[answer->decline]));
        BUF_LIT(out, "\"");
    }
    answer_lists(out, answer->check, arena);
    add_quote(out, answer->check, answer->quote);
    add_card(out, answer->card);
    add_checkout(out, answer);
    BUF_LIT(out, ",\"simulation\":");
    add_bool(out, answer->simulation);
    add_items(out, answer->check, answer->quote);
    BUF_LIT(out, "}");
}
