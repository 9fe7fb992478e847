/* What operators do, and what customers do at the bank: cards, credit, prices. */
#include <string.h>

#include "inside.h"
#include "store/care.h"
#include "store/credit.h"
#include "store/price_book.h"
#include "store/workspaces.h"

static uint32_t draw(struct run *run, uint32_t below) {
    return rng_below(&run->rng, below);
}

/* --- on account -------------------------------------------------------------------------------------------------- */

static enum credit_answer charge(void *arg, const struct payment_charge *job, struct answer *answer) {
    struct run *run = arg;
    run->account_calls++;
    struct credit_book book = on_account_book(&run->account);
    return book.charge(book.arg, job, answer);
}

static enum credit_answer close_key(void *arg, const struct payment_charge *job, struct answer *answer) {
    struct run *run = arg;
    run->account_calls++;
    struct credit_book book = on_account_book(&run->account);
    return book.close(book.arg, job, answer);
}

static enum outcome refund(void *arg, const struct payment_refund *job, struct answer *answer) {
    struct run *run = arg;
    run->account_calls++;
    struct credit_book book = on_account_book(&run->account);
    return book.refund(book.arg, job, answer);
}

static enum outcome movements(void *arg, int64_t from_ms, payment_movement_fn *each, void *each_arg,
                              struct answer *answer) {
    struct run *run = arg;
    struct credit_book book = on_account_book(&run->account);
    return book.movements(book.arg, from_ms, each, each_arg, answer);
}

void operator_open_credit(struct run *run) {
    const struct credit_book book = {
        .arg = run, .charge = charge, .close = close_key, .refund = refund, .movements = movements};
    run->account = (struct on_account){.clock = &run->clock};
    run->drivers.credit = payment_invoice_create(&book);
}

void operator_close_credit(struct run *run) {
    payment_destroy(run->drivers.credit);
}

/* --- cards ------------------------------------------------------------------------------------------------------- */

/* Mostly one that works. */
static const char *const tokens[] = {"tok_visa",    "tok_mastercard",  "tok_amex", "tok_declined",
                                     "tok_expired", "tok_declined",    "tok_lost", "tok_silent",
                                     "tok_dropped", "tok_authenticate"};

struct card_change {
    struct card card;
    int workspace;
    int64_t now_ms;
};

static bool change_card(struct db *db, void *arg, struct error *reterr) {
    const struct card_change *c = arg;
    struct str workspace_id = str_of(workspace_ids[c->workspace]);
    bool removed;
    return c->card.exists ? card_set(db, workspace_id, &c->card, c->now_ms, reterr)
                          : card_remove(db, workspace_id, &removed, reterr);
}

void operator_change_card(struct run *run) {
    struct card_change change = {.workspace = (int)draw(run, WORKSPACES), .now_ms = clock_now(&run->clock)};
    struct str token = str_of(tokens[run_happens(run, 450) ? draw(run, 3) : draw(run, (uint32_t)ARRAY_LEN(tokens))]);
    if (!run->store) return;
    change.card = (struct card){.exists = !run_happens(run, 50),
                                .token = token,
                                .brand = STR("visa"),
                                .last4 = STR("4242"),
                                .name_on_card = STR("Ann Example"),
                                .driver = STR("sandbox")};
    if (run_happens(run, 70)) {
        change.card.token = str_of(invoice_token);
        change.card.driver = STR("invoice");
    }
    struct error error = {0};
    bool ok = store_write(run->store, change_card, &change, &error);
    history_add(run->history, "client %d pays by %.*s from now on%s%s", change.workspace,
                STR_ARG(change.card.exists ? change.card.token : STR("nothing")), ok ? "" : ": ", error.message);
}

/* --- prices ------------------------------------------------------------------------------------------------------ */

static const char *const price_names[] = {
    "domain_year",
    "google_mailbox_month",
    "airmail_mailbox_month",
    "microsoft_mailbox_month",
    "microsoft_domain_month",
    "pre_warmed_domain_year",
    "pre_warmed_mailbox_month",
    "extra_google_mailbox_month",
    "extra_airmail_mailbox_month",
    "pre_warmed_google_mailbox_month",
};

static bool change_price(struct db *db, void *arg, struct error *reterr) {
    struct price_changed changed;
    return price_book_change(db, arg, &changed, reterr);
}

void operator_change_price(struct run *run) {
    const char *name = price_names[draw(run, (uint32_t)ARRAY_LEN(price_names))];
    int workspace = (int)draw(run, WORKSPACES + 1) - 1;
    cents amount = run_happens(run, 250) ? -1 : run_happens(run, 100) ? 0 : (cents)draw(run, 2500);
    int64_t now = clock_now(&run->clock), wait = run_happens(run, 400) ? 0 : (int64_t)draw(run, 100000);
    if (run->is_long && run_happens(run, 500)) wait *= 1000 * (int64_t)draw(run, 40);
    if (!run->store || run->asked_price.name || run->model.book.n_prices == MODEL_PRICES) return;
    run->asked_price = (struct model_price){workspace, name, amount, now + wait, 0};
    struct price_change change = {
        .workspace_id = workspace < 0 ? STR("") : str_of(workspace_ids[workspace]),
        .price = price_by_name(str_of(name)),
        .is_set = amount >= 0,
        .amount = amount,
        .starts_ms = now + wait,
        .now_ms = now,
    };
    struct error error = {0};
    bool ok = store_write(run->store, change_price, &change, &error);
    history_add(run->history, "operator: %s of %d costs %lld cents in %lld ms%s%s", name, workspace, (long long)amount,
                (long long)wait, ok ? "" : ": ", error.message);
    /* A commit whose sync failed may still be there after a crash, until the next one takes its place. */
    if (ok && !run_is_dead(run)) operator_learn(run);
}

/* What was asked for last is there or, after a crash, may be. Nothing else is. */
static bool learn_prices(struct db *db, void *arg, struct error *reterr) {
    struct run *run = arg;
    struct model_price_book *book = &run->model.book;
    struct stmt *stmt = db_stmt(db, "SELECT version, workspace_id, price, COALESCE(amount, -1), starts_ms"
                                    " FROM price_versions WHERE version > $1 ORDER BY version");
    stmt_int(stmt, 1, book->n_prices ? book->prices[book->n_prices - 1].version : 0);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        const struct model_price *asked = &run->asked_price;
        bool is_it = asked->name && str_is(stmt_col_text(stmt, 2), asked->name) &&
                     str_is(stmt_col_text(stmt, 1), asked->workspace < 0 ? "" : workspace_ids[asked->workspace]) &&
                     stmt_col_int(stmt, 3) == asked->amount && stmt_col_int(stmt, 4) == asked->starts_ms;
        if (!is_it || book->n_prices == MODEL_PRICES) {
            model_break(&run->model, "there is a price that nobody set: %.*s", STR_ARG(stmt_col_text(stmt, 2)));
            stmt_done(stmt);
            return true;
        }
        book->prices[book->n_prices] = *asked;
        book->prices[book->n_prices++].version = stmt_col_int(stmt, 0);
        run->asked_price.name = NULL;
    }
    return step == DB_END && operator_learn_promotions(db, run, reterr);
}

void operator_learn(struct run *run) {
    struct error error = {0};
    if (!store_read(run->store, learn_prices, run, &error))
        model_break(&run->model, "the database cannot be read: %s", error.message);
    run->asked_price.name = NULL;
    run->asked_promotion.id[0] = '\0';
}

/* --- keys -------------------------------------------------------------------------------------------------------- */

struct rotation {
    struct str name;
    int64_t now_ms, rotation;
};

static bool rotate_change(struct db *db, void *arg, struct error *reterr) {
    struct rotation *r = arg;
    return care_rotate(db, r->name, r->now_ms, &r->rotation, reterr);
}

void operator_rotate(struct run *run) {
    struct rotation rotation = {.now_ms = clock_now(&run->clock)};
    /* Few names are in use. */
    for (size_t i = 0, from = draw(run, (uint32_t)run->n_names); i < run->n_names; i++) {
        struct error error = {0};
        rotation.name = run->names[(from + i) % run->n_names];
        bool ok = store_write(run->store, rotate_change, &rotation, &error);
        if (!ok && (error.code == ERR_NOT_FOUND || error.code == ERR_CONFLICT)) continue;
        history_add(run->history, "operator: %.*s gets key %lld%s%s", STR_ARG(rotation.name),
                    (long long)rotation.rotation, ok ? "" : ": ", error.message);
        return;
    }
}
