#include "step/place.h"

#include <string.h>

#include "base/log.h"
#include "step/checkout.h"
#include "store/idempotency.h"
#include "store/refunds.h"

enum { PASSWORD_LENGTH = 20 };

/* 57 characters that people do not mistake for one another: 116 bits in a password. */
static struct str make_password(struct rng *rng, struct arena *arena) {
    static const char alphabet[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    enum { LETTERS = sizeof alphabet - 1, EVEN = 256 / LETTERS * LETTERS };
    char *text = arena_alloc(arena, PASSWORD_LENGTH + 1);
    for (size_t n = 0; n < PASSWORD_LENGTH;) {
        /* Many at once, as each draw is a system call; those over EVEN would make the first letters likelier. */
        unsigned char drawn[2 * PASSWORD_LENGTH];
        rng_fill(rng, drawn, sizeof drawn);
        for (size_t i = 0; i < sizeof drawn && n < PASSWORD_LENGTH; i++)
            if (drawn[i] < EVEN) text[n++] = alphabet[drawn[i] % LETTERS];
    }
    return (struct str){text, PASSWORD_LENGTH};
}

struct str place_password(const struct world *world, struct arena *arena) {
    return vault_seal(world->vault, world->rng, make_password(world->rng, arena), arena);
}

static void reserve_item(const struct world *world, const struct checked_item *item, const struct quote_item *price,
                         int64_t now_ms, struct arena *arena, struct reserve_domain *ret) {
    *ret = (struct reserve_domain){
        .name = item->name,
        .forwarding = item->forwarding,
        .provider = item->provider,
        .accounts = ARENA_ARRAY(arena, item->n_accounts, struct reserve_account),
        .n_accounts = item->n_accounts,
        .year_price = price->lines[LINE_DOMAIN_YEAR].unit,
        .month_price = price->lines[LINE_DOMAIN_MONTH].unit,
        .mailbox_price = price->lines[LINE_MAILBOX_MONTH].unit,
    };
    ret->n_lines = quote_bill(price, now_ms, ret->lines);
    ids_uuid(world->ids, ret->id);
    for (size_t i = item->n_accounts; i-- > 0;) {
        struct reserve_account *account = &ret->accounts[i];
        account->email = item->accounts[i].email;
        account->account = item->accounts[i].account;
        ids_uuid(world->ids, account->id);
        account->sealed_password = place_password(world, arena);
    }
}

void place_init(struct placing *placing, const struct world *world, const struct check *check,
                const struct quote *quote, struct str workspace_id, const struct card *card, struct str idempotency_key,
                struct str answer, struct arena *arena) {
    int64_t now = clock_now(world->clock);
    *placing = (struct placing){
        .ids = world->ids,
        .arena = arena,
        .keeps_key = WORLD_PLANTED(world, PLANT_KEEP_KEY),
        .phase = WORLD_PLANTED(world, PLANT_CHARGE_FIRST) ? PLACE_CHARGE : PLACE_RESERVE,
        .reservation =
            {
                .workspace_id = workspace_id,
                .type = check->type,
                .amount = quote->total,
                .discount = quote->discount,
                .price_version = quote->version,
                .promotion_id = quote->promotion_id,
                .over_limit = WORLD_PLANTED(world, PLANT_PROMO_OVER),
                .card_token = card->exists ? card->token : STR(""),
                .payment_driver = card->exists ? card->driver : STR(""),
                .card_brand = card->exists ? card->brand : STR(""),
                .card_last4 = card->exists ? card->last4 : STR(""),
                .answer = answer,
                .idempotency_key = idempotency_key,
                .now_ms = now,
                .settle_after_ms = now + world->lease_ms,
                .domains = ARENA_ARRAY(arena, check->n_items, struct reserve_domain),
                .n_domains = check->n_items,
            },
    };
    ids_uuid(world->ids, placing->reservation.order_id);
    /* Newest first is how lists show domains, so the last item gets the oldest id: an order's items keep their order.
     */
    for (size_t i = check->n_items; i-- > 0;)
        reserve_item(world, &check->items[i], &quote->items[i], now, arena, &placing->reservation.domains[i]);
}

/* Whoever was taken for dead, and is only slow, orders nothing: the key is another request's by now. */
static bool reserve_change(struct db *db, void *arg, struct error *reterr) {
    struct placing *p = arg;
    const struct idempotency_hold hold = {.workspace_id = p->reservation.workspace_id,
                                          .key = p->reservation.idempotency_key,
                                          .claimed_ms = p->key_claimed_ms};
    bool held = true;
    if (hold.key.n && !p->keeps_key && !idempotency_is_held(db, &hold, &held, reterr)) return false;
    p->key_is_lost = !held;
    if (!held)
        return error_set(reterr, ERR_CONFLICT,
                         "This request took so long that another one with its Idempotency-Key has taken its place."
                         " Send it again to get the answer of that one.");
    return order_reserve(db, &p->reservation, reterr);
}

static enum place_phase run_reserve(struct placing *p, const struct world *world) {
    if (!store_write_of(world->store, p->reservation.workspace_id, reserve_change, p, &p->error))
        return p->error.code == ERR_CONFLICT && !p->key_is_lost ? PLACE_CHANGED : PLACE_ERROR;
    world_reached(world, "place.reserved");
    if (p->make_page_answer) return PLACE_OPEN;
    return WORLD_PLANTED(world, PLANT_CHARGE_FIRST) ? PLACE_SETTLE : PLACE_CHARGE;
}

static struct payment_charge charge_of(const struct placing *p) {
    return (struct payment_charge){
        .key = str_of(p->reservation.order_id),
        .token = p->reservation.card_token,
        .amount = p->reservation.amount,
        .workspace_id = p->reservation.workspace_id,
        .description = STR("Mailbox order"),
        .created_ms = p->reservation.now_ms,
    };
}

static bool explain_change(struct db *db, void *arg, struct error *reterr) {
    const struct placing *p = arg;
    const struct reservation *r = &p->reservation;
    return order_explain(db, str_of(r->order_id), r->settle_after_ms, str_of(p->answer.reason), reterr);
}

/* What the operator sees until settle.h asks again. */
static enum place_phase leave_open(struct placing *p, const struct world *world) {
    struct error error = {0};
    if (!store_write_of(world->store, p->reservation.workspace_id, explain_change, p, &error))
        log_event(LOG_WARN, "order_not_explained", LOG_TEXT("order", p->reservation.order_id),
                  LOG_TEXT("reason", error.message), LOG_TEXT("next", "its charge is asked about when its lease ends"));
    return PLACE_PENDING;
}

static enum place_phase run_charge(struct placing *p, const struct world *world) {
    enum place_phase paid = WORLD_PLANTED(world, PLANT_CHARGE_FIRST) ? PLACE_RESERVE : PLACE_SETTLE;
    if (p->reservation.amount == 0) return paid;

    struct payment *payment = drivers_payment(world->drivers, p->reservation.payment_driver);
    if (!payment) return PLACE_PENDING;
    struct payment_charge job = charge_of(p);
    struct payment_answer answer;
    enum outcome outcome = payment_charge(payment, &job, &answer);
    world_reached(world, "place.charged");
    if (outcome == OUTCOME_UNKNOWN && WORLD_PLANTED(world, PLANT_CHARGE_AGAIN)) {
        struct payment_charge again = job;
        again.key.n--;
        outcome = payment_charge(payment, &again, &answer);
    }
    p->answer = answer.answer;
    memcpy(p->reference, answer.reference, sizeof p->reference);
    if (outcome == OUTCOME_DONE) return paid;
    if (outcome == OUTCOME_REFUSED) {
        p->decline = answer.decline == DECLINE_NONE ? DECLINE_GENERIC : answer.decline;
        return PLACE_RELEASE;
    }

    /* No clear answer: ask what became of the charge before anything else, and close it if nothing did. */
    outcome = payment_close(payment, &job, &answer);
    world_reached(world, "place.closed");
    memcpy(p->reference, answer.reference, sizeof p->reference);
    if (outcome == OUTCOME_DONE) return paid;
    if (outcome == OUTCOME_UNKNOWN) {
        if (answer.answer.reason[0]) p->answer = answer.answer;
        return leave_open(p, world);
    }
    error_set(&p->error, ERR_UNAVAILABLE,
              "The payment service gave no answer. Nothing was charged and nothing was ordered. Try again.");
    return PLACE_RELEASE;
}

/* ---- a page to pay on ---- */

void place_on_page(struct placing *placing, const struct world *world, struct str base_url,
                   struct str (*page_answer)(void *arg, struct str url)) {
    struct reservation *r = &placing->reservation;
    placing->phase = PLACE_RESERVE;
    placing->base_url = base_url;
    placing->make_page_answer = page_answer;
    r->payment_driver = str_of(world->drivers->payment->ops->name);
    r->checkout_expires_ms = r->now_ms + world->checkout_ms;
}

static enum outcome open_page(struct placing *p, const struct world *world) {
    struct str path = checkout_return_path(str_of(p->reservation.order_id), p->arena);
    struct str url = arena_printf(p->arena, "%.*s%.*s", STR_ARG(p->base_url), STR_ARG(path));
    const struct payment_checkout job = {
        .charge = charge_of(p),
        .expires_ms = p->reservation.checkout_expires_ms,
        .success_url = url,
        .cancel_url = url,
    };
    enum outcome outcome = payment_checkout_open(world->drivers->payment, &job, &p->page, &p->answer);
    world_reached(world, "checkout.opened");
    return outcome;
}

static bool postpone_change(struct db *db, void *arg, struct error *reterr) {
    const struct placing *p = arg;
    return order_postpone(db, str_of(p->reservation.order_id), p->reservation.now_ms, str_of(p->answer.reason), reterr);
}

/* No clear answer: asked once more, which finds the page if there is one. Then it is left to settle.h, which closes
 * what may be open: nobody is told of it any more. */
static enum place_phase run_open(struct placing *p, const struct world *world) {
    enum outcome outcome = open_page(p, world);
    if (outcome == OUTCOME_UNKNOWN) outcome = open_page(p, world);
    if (outcome == OUTCOME_DONE) {
        struct str base = p->page.url[0] == '/' ? p->base_url : STR("");
        p->page_url = arena_printf(p->arena, "%.*s%s", STR_ARG(base), p->page.url);
        p->page_answer = p->make_page_answer(p->arg, p->page_url);
        return PLACE_KEEP;
    }
    if (outcome == OUTCOME_REFUSED) {
        p->decline = DECLINE_GENERIC;
        return PLACE_RELEASE;
    }
    struct error error = {0};
    if (!store_write_of(world->store, p->reservation.workspace_id, postpone_change, p, &error))
        log_event(LOG_WARN, "order_not_postponed", LOG_TEXT("order", p->reservation.order_id),
                  LOG_TEXT("reason", error.message), LOG_TEXT("next", "its page is closed when its lease ends"));
    return PLACE_PENDING;
}

static bool keep_change(struct db *db, void *arg, struct error *reterr) {
    const struct placing *p = arg;
    const struct reservation *r = &p->reservation;
    const struct checkout_opened opened = {
        .order_id = str_of(r->order_id),
        .url = p->page_url,
        .reference = str_of(p->page.reference),
        .answer = p->page_answer,
        .look_ms = checkout_next_look(r->now_ms, r->checkout_expires_ms, r->now_ms),
        .now_ms = r->now_ms,
    };
    return checkout_opened(db, &opened, reterr);
}

static enum place_phase run_keep(struct placing *p, const struct world *world) {
    struct error error = {0};
    if (!store_write_of(world->store, p->reservation.workspace_id, keep_change, p, &error)) {
        log_event(LOG_ERROR, "page_not_kept", LOG_TEXT("order", p->reservation.order_id),
                  LOG_TEXT("reason", error.message), LOG_TEXT("next", "closed when the order's lease ends"));
        return PLACE_PENDING;
    }
    world_reached(world, "checkout.kept");
    return PLACE_ON_PAGE;
}

static bool settle_change(struct db *db, void *arg, struct error *reterr) {
    struct placing *p = arg;
    struct str id = str_of(p->reservation.order_id);
    return refund_settle_order(db, p->ids, id, str_of(p->reference), p->reservation.now_ms, reterr);
}

static enum place_phase run_settle(struct placing *p, const struct world *world) {
    struct error error = {0};
    if (!store_write_of(world->store, p->reservation.workspace_id, settle_change, p, &error)) {
        log_event(LOG_ERROR, "order_not_settled", LOG_TEXT("order", p->reservation.order_id),
                  LOG_TEXT("reason", error.message), LOG_TEXT("next", "charged; settled again when its lease ends"));
        return PLACE_PENDING;
    }
    world_reached(world, "place.settled");
    return PLACE_PLACED;
}

struct release {
    struct placing *placing;
    struct str answer;
    bool lease_lost; /* someone else took the order over, and ends it or has ended it */
};

static bool release_change(struct db *db, void *arg, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct release *release = arg;
    const struct placing *p = release->placing;
    struct str id = str_of(p->reservation.order_id);
    struct str decline = str_of(p->decline ? decline_names[p->decline] : "");
    struct order_row order;
    if (!order_get(db, id, arena, &order, reterr)) return false;
    /* Whoever has it now asks about the charge and closes its key. A refusal may be no more than that, so it is no word
     * about the card. */
    release->lease_lost = order.state != ORDER_RESERVED || order.settle_after_ms != p->reservation.settle_after_ms;
    if (release->lease_lost) return true;
    return order_release(db, id, decline, str_of(p->answer.reason), release->answer, p->reservation.now_ms, reterr);
}

static enum place_phase run_release(struct placing *p, const struct world *world) {
    struct release release = {.placing = p, .answer = STR("")};
    if (p->decline && p->declined_answer) release.answer = p->declined_answer(p->arg, p->decline);
    struct error error = {0};
    bool released = store_write_of(world->store, p->reservation.workspace_id, release_change, &release, &error);
    if (!released)
        log_event(LOG_WARN, "order_not_released", LOG_TEXT("order", p->reservation.order_id),
                  LOG_TEXT("reason", error.message), LOG_TEXT("next", "not charged; released when its lease ends"));
    world_reached(world, "place.released");
    if (!p->decline) return PLACE_ERROR;
    if (released && !release.lease_lost) return PLACE_DECLINED;
    /* A decline is a final answer: it is only given when a retry with the same key gets it too. */
    error_set(&p->error, ERR_UNAVAILABLE, "The payment was not made and nothing was ordered. Try again.");
    return PLACE_ERROR;
}

bool place_next(struct placing *p, const struct world *world) {
    switch (p->phase) {
    case PLACE_RESERVE:
        p->phase = run_reserve(p, world);
        break;
    case PLACE_CHARGE:
        p->phase = run_charge(p, world);
        break;
    case PLACE_OPEN:
        p->phase = run_open(p, world);
        break;
    case PLACE_KEEP:
        p->phase = run_keep(p, world);
        break;
    case PLACE_SETTLE:
        p->phase = run_settle(p, world);
        break;
    case PLACE_RELEASE:
        p->phase = run_release(p, world);
        break;
    default:
        break;
    }
    return !place_is_over(p);
}

bool place_is_over(const struct placing *placing) {
    return placing->phase >= PLACE_PLACED;
}
