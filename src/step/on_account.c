#include "step/on_account.h"

#include "store/credit.h"

struct change {
    struct credit_charge charge;
    bool closes;
    enum credit_state state;
};

static bool charge_change(struct db *db, void *arg, struct error *reterr) {
    struct change *c = arg;
    return c->closes ? credit_close(db, &c->charge, &c->state, reterr)
                     : credit_charge(db, &c->charge, &c->state, reterr);
}

static enum credit_answer run(struct on_account *account, const struct payment_charge *job, bool closes,
                              struct answer *answer) {
    static const enum credit_answer answers[] = {
        [CREDIT_IS_CHARGED] = CREDIT_CHARGED,
        [CREDIT_IS_CLOSED] = CREDIT_CLOSED,
        [CREDIT_IS_OVER_LIMIT] = CREDIT_OVER_LIMIT,
        [CREDIT_IS_OTHER] = CREDIT_OTHER,
    };
    struct change change = {
        .charge = {job->key, job->workspace_id, job->amount, clock_now(account->clock)},
        .closes = closes,
        .state = CREDIT_IS_CLOSED,
    };
    struct error error;
    if (store_write_of(account->store, job->workspace_id, charge_change, &change, &error)) return answers[change.state];
    answer_set(answer, OUTCOME_UNKNOWN, "the book of what is owed: %s", error.message);
    return CREDIT_SILENT;
}

static enum credit_answer charge(void *arg, const struct payment_charge *job, struct answer *answer) {
    return run(arg, job, false, answer);
}

static enum credit_answer close(void *arg, const struct payment_charge *job, struct answer *answer) {
    return run(arg, job, true, answer);
}

struct refunding {
    const struct payment_refund *job;
    int64_t now_ms;
};

static bool refund_change(struct db *db, void *arg, struct error *reterr) {
    const struct refunding *r = arg;
    return credit_refund(db, r->job->key, r->job->charge_key, r->job->amount, r->now_ms, reterr);
}

static enum outcome refund(void *arg, const struct payment_refund *job, struct answer *answer) {
    struct on_account *account = arg;
    struct refunding refunding = {job, clock_now(account->clock)};
    struct error error;
    if (store_write_of(account->store, job->workspace_id, refund_change, &refunding, &error)) return OUTCOME_DONE;
    bool refused = error.code == ERR_NOT_FOUND || error.code == ERR_CONFLICT;
    return answer_set(answer, refused ? OUTCOME_REFUSED : OUTCOME_UNKNOWN, "%s", error.message);
}

struct listing {
    int64_t from_ms;
    struct arena *arena;
    struct credit_movement *movements;
    size_t n;
};

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct listing *l = arg;
    return credit_movements(db, l->from_ms, l->arena, &l->movements, &l->n, reterr);
}

static enum outcome movements(void *arg, int64_t from_ms, payment_movement_fn *each, void *each_arg,
                              struct answer *answer) {
    struct on_account *account = arg;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(16384);
    struct listing listing = {.from_ms = from_ms, .arena = arena};
    struct error error;
    if (!store_read(account->store, list_read, &listing, &error))
        return answer_set(answer, OUTCOME_UNKNOWN, "the book of what is owed: %s", error.message);
    for (size_t i = 0; i < listing.n; i++) {
        const struct credit_movement *m = &listing.movements[i];
        const struct payment_movement movement = {
            .is_refund = m->is_refund, .key = m->id, .amount = m->amount, .at_ms = m->at_ms};
        each(each_arg, &movement);
    }
    return OUTCOME_DONE;
}

struct credit_book on_account_book(struct on_account *account) {
    return (struct credit_book){
        .arg = account, .charge = charge, .close = close, .refund = refund, .movements = movements};
}
