#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "history.h"

const char *const told_names[TOLD_END] = {"nothing", "placed", "declined", "changed", "pending", "on page", "error"};

void model_init(struct model *model, struct arena *arena) {
    *model = (struct model){
        .arena = arena,
        .orders = ARENA_ARRAY(arena, MODEL_ORDERS, struct model_order),
        .keys = ARENA_ARRAY(arena, MODEL_KEYS, struct model_key),
        .swaps = ARENA_ARRAY(arena, MODEL_SWAPS, struct model_swap),
        .paid = ARENA_ARRAY(arena, MODEL_PAID, struct model_paid),
    };
}

void model_break(struct model *model, const char *fmt, ...) {
    if (model_is_broken(model)) return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(model->broken, sizeof model->broken, fmt, args);
    va_end(args);
}

bool model_is_broken(const struct model *model) {
    return model->broken[0] != '\0';
}

/* --- orders ------------------------------------------------------------------------------------------------------ */

static struct model_key *key_of(struct model *model, int workspace, struct str key) {
    for (size_t i = 0; i < model->n_keys; i++)
        if (model->keys[i].workspace == workspace && str_eq(model->keys[i].key, key)) return &model->keys[i];
    return NULL;
}

static void price_order(struct model *model, struct model_order *order, int64_t now_ms, const struct model_uses *uses) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct model_bill *bills = ARENA_ARRAY(arena, order->n_domains, struct model_bill);
    for (size_t i = 0; i < order->n_domains; i++) bills[i] = order->domains[i].bill;
    order->promotion = model_best_promotion(&model->book, uses, order->workspace, now_ms, bills, order->n_domains);
    order->amount = model_total(bills, order->n_domains);
    for (size_t i = 0; i < order->n_domains; i++) {
        order->domains[i].bill = bills[i];
        for (int kind = 0; kind < MODEL_KINDS; kind++) order->discount += bills[i].discount[kind];
    }
}

void model_count_uses(const struct model *model, const bool *is_held, int workspace,
                      struct model_uses ret[MODEL_PROMOTIONS]) {
    memset(ret, 0, MODEL_PROMOTIONS * sizeof *ret);
    for (size_t i = 0; i < model->n_orders; i++) {
        const struct model_order *order = &model->orders[i];
        if (!is_held[i] || !order->promotion) continue;
        struct model_uses *uses = &ret[order->promotion - model->book.promotions];
        uses->orders++;
        if (order->workspace != workspace) continue;
        uses->orders_each++;
        for (size_t j = 0; order->promotion->kind == MODEL_FREE_DOMAINS && j < order->n_domains; j++)
            uses->domains_each += order->domains[j].bill.discount[MODEL_YEAR] > 0;
    }
}

struct model_order *model_add_order(struct model *model, const struct check *check, int workspace, struct str key,
                                    struct str answer, int64_t now_ms, const struct model_uses *uses) {
    if (model->n_orders == MODEL_ORDERS) return NULL;
    struct model_order *order = &model->orders[model->n_orders++];
    const struct model_key *known = key.n ? key_of(model, workspace, key) : NULL;
    *order = (struct model_order){
        .workspace = workspace,
        .key = arena_str(model->arena, key),
        .key_life = known ? known->life : 0,
        .type = check->type,
        .ordered_ms = now_ms,
        .domains = ARENA_ARRAY(model->arena, check->n_items, struct model_domain),
        .n_domains = check->n_items,
        .answer = arena_str(model->arena, answer),
    };
    for (size_t i = 0; i < check->n_items; i++) {
        const struct checked_item *item = &check->items[i];
        struct model_domain *domain = &order->domains[i];
        domain->name = arena_str(model->arena, item->name);
        domain->has_forwarding = item->forwarding.n > 0;
        domain->forwarding = 1U << model_forwarding(item->forwarding, FORWARDING_REDIRECT);
        domain->n_emails = item->n_accounts;
        domain->emails = ARENA_ARRAY(model->arena, item->n_accounts, struct str);
        domain->email_lost = ARENA_ARRAY(model->arena, item->n_accounts, bool);
        domain->accounts = ARENA_ARRAY(model->arena, item->n_accounts, struct model_account);
        for (size_t j = 0; j < item->n_accounts; j++)
            domain->emails[j] = arena_str(model->arena, item->accounts[j].email);
        domain->bill = model_bill(&model->book, workspace, check->type, item->provider, item->n_accounts, now_ms);
    }
    price_order(model, order, now_ms, uses);
    return order;
}

struct model_order *model_find_order(struct model *model, struct str id) {
    for (size_t i = 0; i < model->n_orders; i++)
        if (str_is(id, model->orders[i].id)) return &model->orders[i];
    return NULL;
}

void model_check_order(struct model *model, const struct model_order *order, const struct model_seen *seen,
                       bool is_quiet) {
    const struct str id = history_id(str_of(order->id));
    bool is_placed = seen->exists && seen->state == ORDER_PLACED;
    if (seen->charges < 0) model_break(model, "the bank's book cannot be read");
    if (seen->charges > 1)
        model_break(model, "order %.*s was charged %lld times", STR_ARG(id), (long long)seen->charges);
    if (seen->charges && !seen->exists) model_break(model, "order %.*s was charged but does not exist", STR_ARG(id));
    if (seen->charges && seen->exists && seen->state == ORDER_PAYMENT_FAILED)
        model_break(model, "order %.*s was charged but released", STR_ARG(id));
    if (seen->exists && seen->amount != order->amount)
        model_break(model, "order %.*s costs %lld cents, not %lld", STR_ARG(id), (long long)seen->amount,
                    (long long)order->amount);
    if (is_placed && order->amount > 0 && seen->charges != 1)
        model_break(model, "order %.*s is placed but not charged", STR_ARG(id));
    switch (order->told) {
    case TOLD_PLACED:
        if (!is_placed) model_break(model, "order %.*s was answered as placed and is lost", STR_ARG(id));
        break;
    case TOLD_ON_PAGE:
        if (order->is_page_paid && !seen->charges)
            model_break(model, "order %.*s was paid on a page, but the bank knows nothing", STR_ARG(id));
        break;
    case TOLD_DECLINED:
    case TOLD_CHANGED:
    case TOLD_ERROR:
        if (seen->charges || is_placed)
            model_break(model, "order %.*s was answered with \"%s\" but %s", STR_ARG(id), told_names[order->told],
                        seen->charges ? "charged" : "placed");
        break;
    default:
        break;
    }
    if (!is_quiet) return;
    if (seen->exists && seen->state == ORDER_RESERVED)
        model_break(model, "order %.*s is never settled or released", STR_ARG(id));
    if (seen->charges && !is_placed) model_break(model, "order %.*s was charged but is not placed", STR_ARG(id));
}

/* How many placed orders bought NAME and did not lose it; with WORKSPACE >= 0 how many of its orders bought it at all.
 */
static size_t count_sales(const struct model *model, const bool *placed, struct str name, int workspace) {
    size_t n = 0;
    for (size_t i = 0; i < model->n_orders; i++) {
        const struct model_order *order = &model->orders[i];
        if (!placed[i] || order->type == ORDER_EXTRA_ACCOUNTS) continue;
        for (size_t j = 0; j < order->n_domains; j++)
            if (str_eq(order->domains[j].name, name))
                n += workspace >= 0 ? order->workspace == workspace : !order->domains[j].is_lost;
    }
    return n;
}

bool model_is_sold(const struct model *model, const bool *placed, struct str name) {
    return count_sales(model, placed, name, -1) > 0;
}

static size_t count_address(const struct model *model, const bool *placed, struct str email) {
    size_t n = 0;
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; placed[i] && j < model->orders[i].n_domains; j++) {
            const struct model_domain *domain = &model->orders[i].domains[j];
            for (size_t k = 0; k < domain->n_emails; k++)
                n += str_eq(domain->emails[k], email) && !domain->email_lost[k] && !domain->accounts[k].is_gone;
        }
    return n;
}

static bool shares_key(const struct model_order *a, const struct model_order *b) {
    return a->key.n && str_eq(a->key, b->key) && a->workspace == b->workspace && a->key_life == b->key_life;
}

void model_check_sales(struct model *model, const bool *placed) {
    for (size_t i = 0; i < model->n_orders; i++) {
        const struct model_order *order = &model->orders[i];
        if (!placed[i]) continue;
        for (size_t j = 0; j < order->n_domains; j++) {
            const struct model_domain *domain = &order->domains[j];
            if (count_sales(model, placed, domain->name, -1) > 1)
                model_break(model, "%.*s was sold twice", STR_ARG(domain->name));
            if (count_sales(model, placed, domain->name, order->workspace) == 0)
                model_break(model, "mailboxes were sold on %.*s, which that workspace never bought",
                            STR_ARG(domain->name));
            for (size_t k = 0; k < domain->n_emails; k++)
                if (count_address(model, placed, domain->emails[k]) > 1)
                    model_break(model, "%.*s was sold twice", STR_ARG(domain->emails[k]));
        }
        for (size_t j = 0; j < i; j++)
            if (placed[j] && shares_key(order, &model->orders[j]))
                model_break(model, "the key %.*s placed two orders", STR_ARG(order->key));
    }
}

/* --- cancellations ----------------------------------------------------------------------------------------------- */

struct model_account *model_find_account(struct model *model, struct str id) {
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; j < model->orders[i].n_domains; j++) {
            struct model_domain *domain = &model->orders[i].domains[j];
            for (size_t k = 0; k < domain->n_emails; k++)
                if (str_is(id, domain->accounts[k].id)) return &domain->accounts[k];
        }
    return NULL;
}

void model_cancel_asked(struct model *model, int workspace, struct str email) {
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; model->orders[i].workspace == workspace && j < model->orders[i].n_domains; j++) {
            struct model_domain *domain = &model->orders[i].domains[j];
            for (size_t k = 0; k < domain->n_emails; k++)
                if (str_eq(domain->emails[k], email) && domain->accounts[k].cancel == CANCEL_NEVER)
                    domain->accounts[k].cancel = CANCEL_ASKED;
        }
}

void model_cancel_told(struct model *model, struct str id, struct str email, int64_t cancelled_ms) {
    struct model_account *account = model_find_account(model, id);
    if (!account || account->cancel == CANCEL_NEVER)
        model_break(model, "%.*s is said to be cancelled, but nobody asked for that", STR_ARG(email));
    else if (account->cancel == CANCEL_TOLD && account->cancelled_ms != cancelled_ms)
        model_break(model, "%.*s is said to be cancelled at two times", STR_ARG(email));
    else if (cancelled_ms == 0)
        model_break(model, "%.*s is said to be cancelled at no time", STR_ARG(email));
    if (!account) return;
    account->cancel = CANCEL_TOLD;
    account->cancelled_ms = cancelled_ms;
}

bool model_is_told_sold(const struct model *model, int workspace, struct str email) {
    for (size_t i = 0; i < model->n_orders; i++) {
        const struct model_order *order = &model->orders[i];
        for (size_t j = 0; order->workspace == workspace && order->told == TOLD_PLACED && j < order->n_domains; j++)
            for (size_t k = 0; k < order->domains[j].n_emails; k++)
                if (str_eq(order->domains[j].emails[k], email)) return true;
    }
    return false;
}

/* --- forwarding -------------------------------------------------------------------------------------------------- */

unsigned model_forwarding(struct str target, enum forwarding_mode mode) {
    return target.n == 0 ? 0 : 1 + 2 * (unsigned)str_starts(target, "home") + (unsigned)mode;
}

struct model_domain *model_find_domain(const struct model *model, int workspace, struct str name, const bool *placed) {
    for (size_t i = model->n_orders; i-- > 0;) {
        const struct model_order *order = &model->orders[i];
        if (order->workspace != workspace || order->type == ORDER_EXTRA_ACCOUNTS) continue;
        if (placed ? !placed[i] : order->told != TOLD_PLACED) continue;
        for (size_t j = 0; j < order->n_domains; j++)
            if (str_eq(order->domains[j].name, name) && !order->domains[j].is_lost) return &order->domains[j];
    }
    return NULL;
}

/* Every sale of NAME to WORKSPACE is told: which one lives is not known before the end. */
static void tell_domains(struct model *model, int workspace, struct str name, unsigned keep, unsigned add, bool told) {
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; model->orders[i].workspace == workspace && j < model->orders[i].n_domains; j++) {
            struct model_domain *domain = &model->orders[i].domains[j];
            if (!str_eq(domain->name, name)) continue;
            domain->forwarding = (domain->forwarding & keep) | add;
            domain->forwardings_told += told;
        }
}

void model_forwarding_asked(struct model *model, int workspace, struct str name, unsigned value) {
    tell_domains(model, workspace, name, ~0U, 1U << value, false);
}

void model_forwarding_told(struct model *model, int workspace, struct str name, unsigned value) {
    tell_domains(model, workspace, name, 0, 1U << value, true);
}

void model_forwarding_unchanged(struct model_domain *domain, unsigned value, const struct model_domain *before) {
    /* Another change that was answered meanwhile may have asked for the same. */
    if (domain->forwardings_told == before->forwardings_told) domain->forwarding &= before->forwarding | ~(1U << value);
}

/* --- keys -------------------------------------------------------------------------------------------------------- */

void model_key_new(struct model *model, int workspace, struct str key, int body, int64_t now_ms) {
    struct model_key *known = key_of(model, workspace, key);
    if (known && known->answer.n && !known->may_be_gone)
        model_break(model, "the key %.*s runs again after its answer was given", STR_ARG(key));
    int life = known ? known->life + known->may_be_gone : 0;
    if (!known && model->n_keys < MODEL_KEYS) known = &model->keys[model->n_keys++];
    if (!known) return;
    *known = (struct model_key){
        .workspace = workspace, .key = arena_str(model->arena, key), .body = body, .claimed_ms = now_ms, .life = life};
}

void model_key_running(struct model *model, int workspace, struct str key, int body) {
    const struct model_key *known = key_of(model, workspace, key);
    if (!known || known->body != body)
        model_break(model, "the key %.*s is said to be running, with a body it never had", STR_ARG(key));
    else if (known->answer.n && !known->may_be_gone)
        model_break(model, "the key %.*s is said to be running after its answer was given", STR_ARG(key));
}

void model_key_other_body(struct model *model, int workspace, struct str key, int body) {
    const struct model_key *known = key_of(model, workspace, key);
    if (!known || known->body == body) model_break(model, "the key %.*s is said to have another body", STR_ARG(key));
}

int model_key_life(const struct model *model, int workspace, struct str key) {
    for (size_t i = 0; i < model->n_keys; i++)
        if (model->keys[i].workspace == workspace && str_eq(model->keys[i].key, key)) return model->keys[i].life;
    return 0;
}

void model_answered(struct model *model, int workspace, struct str key, int life, int body, struct str answer) {
    for (size_t i = 0; i < model->n_orders; i++)
        if (str_eq(model->orders[i].answer, answer)) model->orders[i].told = TOLD_PLACED;
    struct model_key *known = key.n ? key_of(model, workspace, key) : NULL;
    /* A request that took so long that its key is another's by now says nothing of that. */
    if (key.n == 0 || (known && known->life != life)) return;
    if (!known || known->body != body)
        model_break(model, "the key %.*s has an answer to another body", STR_ARG(key));
    else if (known->answer.n && !str_eq(known->answer, answer))
        model_break(model, "the key %.*s was answered \"%.*s\" and then \"%.*s\"", STR_ARG(key), STR_ARG(known->answer),
                    STR_ARG(answer));
    else
        known->answer = arena_str(model->arena, answer);
}

void model_keys_expire(struct model *model, int64_t before_ms) {
    for (size_t i = 0; i < model->n_keys; i++)
        if (model->keys[i].claimed_ms < before_ms) model->keys[i].may_be_gone = true;
}
