/* GET /api/dfyd/v1/prices: what the workspace pays now, what is planned, and what promotions would take off. */
#include "api/call.h"
#include "api/list_query.h"
#include "store/price_book.h"
#include "store/promotions.h"

struct book {
    const struct call *call;
    struct prices prices;
    struct price_plan *plans;
    size_t n_plans;
    struct promotion *promotions;
    size_t n_promotions;
};

static bool read_book(struct db *db, void *arg, struct error *reterr) {
    struct book *b = arg;
    struct str workspace_id = str_of(b->call->identity->workspace.id);
    int64_t now = clock_now(b->call->config->world->clock), until_ms;
    return price_book_get(db, workspace_id, now, &b->prices, &until_ms, reterr) &&
           price_book_plans(db, workspace_id, now, b->call->arena, &b->plans, &b->n_plans, reterr) &&
           promotions_open(db, workspace_id, now, b->call->arena, &b->promotions, &b->n_promotions, &until_ms, reterr);
}

/* As an object; only those that differ from BEFORE, unless it is NULL. */
static void add_prices(struct buf *out, const struct prices *prices, const struct prices *before) {
    buf_add_byte(out, '{');
    bool first = true;
    for (int i = 0; i < PRICE_END; i++) {
        if (before && before->of[i] == prices->of[i]) continue;
        if (!first) buf_add_byte(out, ',');
        first = false;
        buf_printf(out, "\"%s\":", price_rows[i].name);
        money_json(out, prices->of[i]);
    }
    buf_add_byte(out, '}');
}

static void add_plans(struct buf *out, const struct book *book) {
    BUF_LIT(out, ",\"planned\":[");
    const struct prices *before = &book->prices;
    for (size_t i = 0; i < book->n_plans; i++) {
        const struct price_plan *plan = &book->plans[i];
        if (i) buf_add_byte(out, ',');
        BUF_LIT(out, "{\"timestamp_start\":");
        list_add_time(out, plan->starts_ms);
        BUF_LIT(out, ",\"prices\":");
        add_prices(out, &plan->prices, before);
        BUF_LIT(out, "}");
        before = &plan->prices;
    }
    BUF_LIT(out, "]");
}

static void add_value(struct buf *out, const struct promotion *promotion) {
    BUF_LIT(out, ",\"value\":");
    if (promotion->kind == PROMOTION_AMOUNT)
        money_json(out, promotion->value);
    else if (promotion->kind == PROMOTION_FIRST_MONTH)
        BUF_LIT(out, "null");
    else
        buf_add_int(out, promotion->value);
}

static void add_left(struct buf *out, const char *name, bool has_limit, int64_t left) {
    buf_printf(out, ",\"%s\":", name);
    if (has_limit)
        buf_add_int(out, left);
    else
        BUF_LIT(out, "null");
}

static void add_promotions(struct buf *out, const struct book *book) {
    BUF_LIT(out, ",\"promotions\":[");
    for (size_t i = 0; i < book->n_promotions; i++) {
        const struct promotion *promotion = &book->promotions[i];
        if (i) buf_add_byte(out, ',');
        BUF_LIT(out, "{\"id\":");
        buf_add_json(out, promotion->id);
        BUF_LIT(out, ",\"name\":");
        buf_add_json(out, promotion->name);
        buf_printf(out, ",\"kind\":\"%s\"", promotion_kind_names[promotion->kind]);
        add_value(out, promotion);
        BUF_LIT(out, ",\"timestamp_start\":");
        list_add_time(out, promotion->starts_ms);
        BUF_LIT(out, ",\"timestamp_end\":");
        if (promotion->ends_ms == INT64_MAX)
            BUF_LIT(out, "null");
        else
            list_add_time(out, promotion->ends_ms);
        add_left(out, "orders_left", promotion->has_limit, promotion->orders_left);
        add_left(out, "domains_left", promotion->kind == PROMOTION_FREE_DOMAINS, promotion->domains_left);
        BUF_LIT(out, "}");
    }
    BUF_LIT(out, "]");
}

enum http_verdict get_prices(struct call *call) {
    struct book book = {.call = call};
    struct error error = {0};
    if (!store_read(call->config->world->store, read_book, &book, &error)) {
        call_fail(call, &error, "");
        return HTTP_ANSWER;
    }
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"version\":");
    buf_add_int(out, book.prices.version);
    BUF_LIT(out, ",\"currency\":\"USD\",\"prices\":");
    add_prices(out, &book.prices, NULL);
    add_plans(out, &book);
    add_promotions(out, &book);
    BUF_LIT(out, "}");
    call_answer(call);
    return HTTP_ANSWER;
}
