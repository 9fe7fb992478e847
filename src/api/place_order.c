#include "api/place_order.h"

#include <stddef.h>
#include <string.h>

#include "api/answer.h"
#include "api/call.h"
#include "api/idempotent.h"
#include "api/order_judge.h"
#include "base/log.h"
#include "core/promotion.h"
#include "driver/registrar/registrar.h"
#include "step/place.h"
#include "worker/worker.h"

/* More items than this are not judged where waiting is forbidden. */
enum { INLINE_ITEMS_MAX = 100 };
/* How often an order is judged anew because the world changed between judging and reserving. */
enum { ROUNDS_MAX = 3 };
/* An order of a full body (1 MiB) answers with less. */
enum { ANSWER_MAX_BYTES = 64 << 20 };

static const char nothing_done[] = "Nothing was placed or charged.";

/* ---- the body ---- */

const int64_t email_providers[] = {PROVIDER_GOOGLE, PROVIDER_AIRMAIL, PROVIDER_MICROSOFT, 0};
static const char *const types[] = {"dfy", "pre_warmed_up", "extra_accounts", NULL}; /* by enum order_type */

static const struct schema_field account_fields[] = {
    {.name = "email_address_prefix",
     .type = SCHEMA_STRING,
     .required = true,
     .offset = offsetof(struct account, prefix)},
    {.name = "first_name", .type = SCHEMA_STRING, .required = true, .offset = offsetof(struct account, first_name)},
    {.name = "last_name", .type = SCHEMA_STRING, .required = true, .offset = offsetof(struct account, last_name)},
};

const struct schema account_schema = {account_fields, ARRAY_LEN(account_fields), sizeof(struct account)};

static const struct schema_field item_fields[] = {
    {.name = "domain", .type = SCHEMA_STRING, .required = true, .offset = offsetof(struct order_item, domain)},
    {.name = "email_provider",
     .type = SCHEMA_NUMBER,
     .offset = offsetof(struct order_item, provider),
     .numbers = email_providers,
     .has_default = true,
     .fallback = PROVIDER_GOOGLE},
    {.name = "forwarding_domain", .type = SCHEMA_STRING, .offset = offsetof(struct order_item, forwarding)},
    {.name = "accounts",
     .type = SCHEMA_ARRAY,
     .offset = offsetof(struct order_item, accounts),
     .count_offset = offsetof(struct order_item, n_accounts),
     .items = SCHEMA_OBJECT,
     .of = &account_schema,
     .has_max_items = true,
     .max_items = 100,
     .has_default = true},
};

static const struct schema item_schema = {item_fields, ARRAY_LEN(item_fields), sizeof(struct order_item)};

static const struct schema_field order_fields[] = {
    {.name = "items",
     .type = SCHEMA_ARRAY,
     .required = true,
     .offset = offsetof(struct order, items),
     .count_offset = offsetof(struct order, n_items),
     .items = SCHEMA_OBJECT,
     .of = &item_schema},
    {.name = "order_type",
     .type = SCHEMA_STRING,
     .required = true,
     .offset = offsetof(struct order, type),
     .words = types},
    {.name = "simulation",
     .type = SCHEMA_BOOLEAN,
     .offset = offsetof(struct order, simulation),
     .has_default = true,
     .fallback = false},
};

const struct schema place_order_schema = {order_fields, ARRAY_LEN(order_fields), sizeof(struct order)};

/* ---- judging ---- */

struct judged {
    struct check *check;
    struct quote quote;
    bool registrar_silent; /* why judging failed */
};

/* Judges and prices ORDER by what is true now. */
static bool judge(const struct call *call, const struct order *order, struct judged *ret, struct error *reterr) {
    const struct identity *identity = call->identity;
    if (!order_judge(call, order, &ret->check, &ret->registrar_silent, reterr) ||
        !quote_make(ret->check, &identity->prices, call->arena, &ret->quote, reterr))
        return false;
    promotion_apply(identity->promotions, identity->n_promotions, &ret->quote);
    return true;
}

static void refuse_judging(struct call *call, const struct judged *judged, const struct error *error) {
    if (judged->registrar_silent)
        call_refuse(call, error);
    else
        call_fail(call, error, nothing_done);
}

/* The card that can be charged here; one that does not exist, otherwise. */
static const struct card *usable_card(const struct call *call) {
    static const struct card none = {.exists = false};
    const struct card *card = &call->identity->card;
    return card->exists && drivers_payment(call->config->world->drivers, card->driver) ? card : &none;
}

/* Whether a valid order is paid on a page of the payment provider's, for want of a card. */
static bool pays_on_page(const struct call *call, const struct judged *judged) {
    const struct world *world = call->config->world;
    return judged->quote.total > 0 && !usable_card(call)->exists && world->checkout_ms > 0 &&
           payment_has_checkout(world->drivers->payment);
}

static struct order_answer answer_of(const struct call *call, const struct order *order, const struct judged *judged) {
    return (struct order_answer){
        .checkout = order->simulation && answer_is_valid(judged->check) && pays_on_page(call, judged),
        .check = judged->check,
        .quote = &judged->quote,
        .card = usable_card(call),
        .simulation = order->simulation,
    };
}

/* 200 with what was put into the body, and by which prices. */
static void answer_priced(struct call *call, const struct judged *judged) {
    call_header(call, "x-price-version", judged->quote.version);
    call_answer(call);
}

static void answer_inline(struct call *call, const struct order *order) {
    struct judged judged = {0};
    struct error error;
    if (!judge(call, order, &judged, &error)) {
        refuse_judging(call, &judged, &error);
        return;
    }
    struct order_answer answer = answer_of(call, order, &judged);
    answer_write(&call->response->body, &answer, call->arena);
    answer_priced(call, &judged);
}

/* ---- begin ---- */

struct asked {
    struct order order;
    struct str key; /* Idempotency-Key; empty: none */
};

enum http_verdict place_order_begin(struct call *call) {
    struct asked *asked = ARENA_NEW(call->arena, struct asked);
    struct error error;
    if (!schema_body(&place_order_schema, call->request->body, call->arena, &asked->order, &error) ||
        !idempotent_key(call, &asked->key, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->changes_nothing = asked->order.simulation;
    bool is_instant = asked->order.type != ORDER_DFY || call->config->world->drivers->registrar->ops->check_is_instant;
    if (asked->order.simulation && is_instant && asked->key.n == 0 && asked->order.n_items <= INLINE_ITEMS_MAX) {
        answer_inline(call, &asked->order);
        return HTTP_ANSWER;
    }
    call->order = asked;
    return HTTP_DEFER;
}

/* ---- run: a real order, or one that may wait ---- */

struct job {
    struct call *call;
    const struct order *order;
    struct held_key key;
    struct judged judged;
    const char *order_id; /* while it is placed */
};

static void drop_key(const struct job *job) {
    if (job->key.key.n) idempotent_drop(job->call, &job->key);
}

/* Answers 200 with what was decided, and keeps that for the key. */
static void finish_job(const struct job *job, struct str answer) {
    struct error error = {0};
    if (job->key.key.n && !idempotent_store(job->call, &job->key, answer, &error)) {
        if (error.code == ERR_UNSURE) error.code = ERR_UNAVAILABLE; /* stored or not: nothing was placed */
        call_fail(job->call, &error, nothing_done);
        drop_key(job);
        return;
    }
    buf_add(&job->call->response->body, answer);
    answer_priced(job->call, &job->judged);
}

/* The answer as text from the arena; false when it is too large to be given. */
static bool write_text(const struct job *job, const struct order_answer *answer, struct str *ret) {
    struct buf text;
    buf_init(&text, ANSWER_MAX_BYTES);
    answer_write(&text, answer, job->call->arena);
    bool ok = buf_ok(&text);
    if (ok) *ret = arena_str(job->call->arena, buf_str(&text));
    buf_finish(&text);
    return ok;
}

static struct str workspace_of(const struct call *call) {
    return str_of(call->identity->workspace.id);
}

/* One line for each real order. ORDER_ID and KEY (with its TEXT) may be NULL. */
static void log_order(enum log_level level, const char *event, const struct job *job, const char *order_id,
                      const char *key, const char *text) {
    struct log_field fields[4] = {LOG_STR("workspace", workspace_of(job->call)),
                                  LOG_INT("cents", job->judged.quote.total)};
    size_t n = 2;
    if (order_id) fields[n++] = LOG_TEXT("order", order_id);
    if (key) fields[n++] = LOG_TEXT(key, text);
    if (log_enabled(level)) log_write(level, event, fields, n);
}

/* Refused, without a card, or a simulation: nothing is placed. */
static void end_unplaced(const struct job *job, const struct order_answer *answer) {
    if (!job->order->simulation) log_order(LOG_INFO, "order_refused", job, NULL, "error", answer_error(answer));
    struct str text;
    if (write_text(job, answer, &text)) {
        finish_job(job, text);
        return;
    }
    struct error too_large = {0};
    error_set(&too_large, ERR_UNPROCESSABLE, "The answer is too large. Order fewer domains at once.");
    call_refuse(job->call, &too_large);
    drop_key(job);
}

static struct str declined_answer(void *arg, enum decline decline) {
    const struct job *job = arg;
    struct order_answer answer = answer_of(job->call, job->order, &job->judged);
    answer.not_paid = true;
    answer.decline = decline;
    struct str text = STR("");
    /* Not longer than the placed answer, which fitted. */
    (void)write_text(job, &answer, &text);
    return text;
}

static struct str page_answer(void *arg, struct str url) {
    const struct job *job = arg;
    struct order_answer answer = answer_of(job->call, job->order, &job->judged);
    answer.checkout = true;
    answer.checkout_url = url;
    answer.cart_order_id = str_of(job->order_id);
    struct str text = STR("");
    /* Hardly longer than the placed answer, which fitted. */
    (void)write_text(job, &answer, &text);
    return text;
}

static void end_unopened(const struct job *job, const char *order_id) {
    log_order(LOG_WARN, "page_not_opened", job, order_id, "next", "closed and released by itself");
    struct error error = {0};
    error_set(&error, ERR_UNAVAILABLE,
              "The payment page could not be opened. Nothing was charged, and the domains are free again in a moment. "
              "Try again.");
    call_refuse(job->call, &error);
}

static void end_pending(const struct job *job, const char *order_id) {
    log_order(LOG_WARN, "order_pending", job, order_id, "next", "settled by itself once the charge is known");
    struct error error = {0};
    const char *retry = job->key.key.n ? "Retry with the same Idempotency-Key to get the answer."
                                       : "Do not order these domains again; list the orders to see it.";
    error_set(
        &error, ERR_UNAVAILABLE,
        "Whether the payment went through is not known yet. Order %s is settled by itself, and paid at most once. %s",
        order_id, retry);
    call_refuse(job->call, &error);
}

/* LAST is the phase that failed. Before the reservation was durable nobody else ends the key. */
static void end_failed(const struct job *job, const struct placing *placing, enum place_phase last) {
    log_order(LOG_WARN, "order_not_placed", job, placing->reservation.order_id, "reason", placing->error.message);
    if (last == PLACE_RESERVE && placing->error.code == ERR_UNSURE) {
        /* If it is reserved, it is released when its lease ends, and so is its key. */
        struct error error = {0};
        error_set(&error, ERR_UNSURE,
                  "The database went away. Nothing was charged, but the domains may be held for a few minutes. %s",
                  job->key.key.n ? "Retry with the same Idempotency-Key." : "Try again then.");
        call_refuse(job->call, &error);
    } else if (last == PLACE_RESERVE && !placing->key_is_lost) {
        call_fail(job->call, &placing->error, nothing_done);
        drop_key(job);
    } else {
        call_refuse(job->call, &placing->error);
    }
}

/* Places a valid order; false when the world changed meanwhile and it has to be judged anew. */
static bool place(struct job *job, const struct order_answer *valid) {
    struct call *call = job->call;
    const struct world *world = call->config->world;
    struct order_answer answer = *valid;
    answer.placed = true;
    struct str text;
    if (!write_text(job, &answer, &text)) {
        end_unplaced(job, valid);
        return true;
    }
    struct placing placing;
    place_init(&placing, world, job->judged.check, &job->judged.quote, workspace_of(call), usable_card(call),
               job->key.key, text, call->arena);
    placing.key_claimed_ms = job->key.claimed_ms;
    placing.reservation.actor = call_actor(call);
    placing.declined_answer = declined_answer;
    placing.arg = job;
    job->order_id = placing.reservation.order_id;
    if (pays_on_page(call, &job->judged)) place_on_page(&placing, world, call_base_url(call), page_answer);
    enum place_phase last;
    do last = placing.phase;
    while (place_next(&placing, world));

    const char *order_id = placing.reservation.order_id;
    switch (placing.phase) {
    case PLACE_PLACED:
        log_order(LOG_INFO, "order_placed", job, order_id, NULL, NULL);
        if (call->config->worker) worker_wake(call->config->worker);
        buf_add(&call->response->body, text);
        answer_priced(call, &job->judged);
        return true;
    case PLACE_ON_PAGE:
        log_order(LOG_INFO, "order_awaits_payment", job, order_id, NULL, NULL);
        buf_add(&call->response->body, placing.page_answer);
        call_answer(call);
        return true;
    case PLACE_DECLINED:
        log_order(LOG_INFO, "order_declined", job, order_id, "error", decline_names[placing.decline]);
        buf_add(&call->response->body, declined_answer(job, placing.decline));
        answer_priced(call, &job->judged);
        return true;
    case PLACE_CHANGED:
        return false;
    case PLACE_PENDING:
        if (placing.make_page_answer)
            end_unopened(job, order_id);
        else
            end_pending(job, order_id);
        return true;
    default:
        end_failed(job, &placing, last);
        return true;
    }
}

/* One round of judging and placing, by what is true AGAIN or still; false when another is needed. */
static bool try_once(struct job *job, bool again) {
    struct error error = {0};
    if (again && !call_identify_anew(job->call, &error)) {
        call_fail(job->call, &error, nothing_done);
        drop_key(job);
        return true;
    }
    if (!judge(job->call, job->order, &job->judged, &error)) {
        refuse_judging(job->call, &job->judged, &error);
        drop_key(job);
        return true;
    }
    struct order_answer answer = answer_of(job->call, job->order, &job->judged);
    if (!answer_is_valid(job->judged.check) || job->order->simulation) {
        end_unplaced(job, &answer);
        return true;
    }
    if (!usable_card(job->call)->exists && job->judged.quote.total > 0 && !pays_on_page(job->call, &job->judged)) {
        answer.not_paid = true;
        end_unplaced(job, &answer);
        return true;
    }
    return place(job, &answer);
}

void place_order_run(struct call *call) {
    const struct asked *asked = call->order;
    struct job job = {
        .call = call,
        .order = &asked->order,
    };
    job.key.key = asked->key;
    if (job.key.key.n && !idempotent_claim(call, &job.key, nothing_done)) return;
    for (int round = 0; round < ROUNDS_MAX; round++)
        if (try_once(&job, round > 0)) return;

    struct error error = {0};
    error_set(&error, ERR_UNAVAILABLE,
              "Others are ordering the same domains right now, or prices change. %s Try again.", nothing_done);
    call_refuse(call, &error);
    drop_key(&job);
}
