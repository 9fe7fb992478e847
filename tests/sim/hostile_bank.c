/* The bank, as the hostile world lets it be reached, and its own book. */
#include <stdio.h>
#include <stdlib.h>

#include "hostile_inside.h"

static struct hostile *of_payment(struct payment *p) {
    return ((struct hostile_payment *)p)->hostile;
}

static enum outcome describe(struct payment *p, struct str token, struct card_facts *ret, struct answer *answer) {
    struct hostile *h = of_payment(p);
    if (hostile_ask_is_lost(h, HOSTILE_PAYMENT, "describe", token)) return hostile_no_answer(answer);
    return payment_describe(h->real.payment, token, ret, answer);
}

static enum outcome charge(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    struct hostile *h = of_payment(p);
    const struct late call = {
        .call = CALL_CHARGE, .subject = hostile_subject(h, HOSTILE_PAYMENT, job->key), .payment = *job};
    return hostile_act_at_bank(h, &call, answer);
}

static enum outcome close_key(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    struct hostile *h = of_payment(p);
    if (hostile_is_off(h)) return hostile_no_answer(&answer->answer);
    hostile_wait(h);
    if (hostile_is_off(h)) return hostile_no_answer(&answer->answer);
    enum fate fate = hostile_draw_fate(h, false, false);
    const char *shown = "the power goes";
    enum outcome outcome = OUTCOME_UNKNOWN;
    if (fate != FATE_LOST && fate != FATE_CUT_BEFORE) {
        h->bank_calls++;
        outcome = payment_close(h->real.payment, job, answer);
        shown = outcome == OUTCOME_DONE      ? "it was charged"
                : outcome == OUTCOME_REFUSED ? "not charged, closed"
                                             : "unknown";
    }
    if (fate != FATE_PASS) {
        outcome = hostile_no_answer(&answer->answer);
        if (fate == FATE_LOST) shown = "lost on its way";
        if (fate == FATE_ANSWER_LOST) shown = "done, answer lost";
        if (fate == FATE_CUT_BEFORE || fate == FATE_CUT_AFTER) crashfs_power_off(h->config.fs);
    }
    hostile_note(h, HOSTILE_PAYMENT, "close", job->key, shown);
    return outcome;
}

static enum outcome refund(struct payment *p, const struct payment_refund *job, struct payment_answer *answer) {
    struct hostile *h = of_payment(p);
    const struct late call = {
        .call = CALL_REFUND, .subject = hostile_subject(h, HOSTILE_PAYMENT, job->key), .refund = *job};
    return hostile_act_at_bank(h, &call, answer);
}

static enum outcome movements(struct payment *p, int64_t from_ms, payment_movement_fn *each, void *arg,
                              struct answer *answer) {
    struct hostile *h = of_payment(p);
    if (hostile_ask_is_lost(h, HOSTILE_PAYMENT, "list", STR("movements"))) return hostile_no_answer(answer);
    return payment_movements(h->real.payment, from_ms, each, arg, answer);
}

const struct payment_ops hostile_payment_ops = {
    .name = "sandbox",
    .describe = describe,
    .charge = charge,
    .close = close_key,
    .refund = refund,
    .movements = movements,
};

/* --- its book ---------------------------------------------------------------------------------------------------- */

struct copying {
    struct arena *arena;
    struct bank_row *rows;
    size_t n;
};

static void copy_row(void *arg, const struct payment_movement *movement) {
    struct copying *copy = arg;
    if (copy->n == BANK_ROWS) {
        fputs("dfyd-sim: the bank's book is full\n", stderr);
        abort();
    }
    copy->rows[copy->n++] = (struct bank_row){
        .is_refund = movement->is_refund,
        .key = arena_str(copy->arena, movement->key),
        .amount = movement->amount,
        .at_ms = movement->at_ms,
    };
}

bool hostile_bank(const struct hostile *h, struct arena *arena, struct bank_row **ret, size_t *ret_n) {
    struct copying copy = {arena, ARENA_ARRAY(arena, BANK_ROWS, struct bank_row), 0};
    struct answer answer = {0};
    if (payment_movements(h->real.payment, 0, copy_row, &copy, &answer) != OUTCOME_DONE) return false;
    *ret = copy.rows;
    *ret_n = copy.n;
    return true;
}

int64_t hostile_bank_calls(const struct hostile *h) {
    return h->bank_calls;
}
