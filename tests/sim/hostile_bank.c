/* The bank, as the hostile world lets it be reached, and its own book. */
#include <stdio.h>
#include <stdlib.h>

#include "driver/payment/sandbox_checkout.h"
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

/* --- pages to pay on --------------------------------------------------------------------------------------------- */

/* What becomes of a call about a page: *ret_passes says whether it reaches the bank. What did not pass, or whose answer
 * is lost, is UNKNOWN. */
static enum fate page_fate(struct hostile *h, bool *ret_passes) {
    *ret_passes = false;
    if (hostile_is_off(h)) return FATE_LOST;
    hostile_wait(h);
    if (hostile_is_off(h)) return FATE_LOST;
    enum fate fate = hostile_draw_fate(h, false, false);
    *ret_passes = fate != FATE_LOST && fate != FATE_CUT_BEFORE;
    if (*ret_passes) h->bank_calls++;
    return fate;
}

static void end_page_call(struct hostile *h, enum fate fate, const char *what, struct str key, bool passed,
                          enum outcome outcome) {
    static const char *const outcomes[] = {"done", "refused", "unknown"};
    if (fate == FATE_CUT_BEFORE || fate == FATE_CUT_AFTER) crashfs_power_off(h->config.fs);
    hostile_note(h, HOSTILE_PAYMENT, what, key,
                 !passed             ? "lost on its way"
                 : fate == FATE_PASS ? outcomes[outcome]
                                     : "done, answer lost");
}

static enum outcome checkout_open(struct payment *p, const struct payment_checkout *job, struct checkout_page *ret,
                                  struct answer *answer) {
    struct hostile *h = of_payment(p);
    bool passes;
    enum fate fate = page_fate(h, &passes);
    enum outcome outcome = OUTCOME_UNKNOWN;
    if (passes) outcome = payment_checkout_open(h->real.payment, job, ret, answer);
    end_page_call(h, fate, "open a page for", job->charge.key, passes, outcome);
    return fate == FATE_PASS ? outcome : hostile_no_answer(answer);
}

static enum outcome checkout_look(struct payment *p, const struct payment_charge *job, struct str reference,
                                  struct card_facts *ret_card, struct payment_answer *answer) {
    struct hostile *h = of_payment(p);
    bool passes;
    enum fate fate = page_fate(h, &passes);
    enum outcome outcome = OUTCOME_UNKNOWN;
    if (passes) outcome = payment_checkout_look(h->real.payment, job, reference, ret_card, answer);
    end_page_call(h, fate, "look at the page for", job->key, passes, outcome);
    return fate == FATE_PASS ? outcome : hostile_no_answer(&answer->answer);
}

static enum outcome checkout_close(struct payment *p, const struct payment_charge *job, struct str reference,
                                   struct card_facts *ret_card, struct payment_answer *answer) {
    struct hostile *h = of_payment(p);
    bool passes;
    enum fate fate = page_fate(h, &passes);
    enum outcome outcome = OUTCOME_UNKNOWN;
    if (passes) outcome = payment_checkout_close(h->real.payment, job, reference, ret_card, answer);
    end_page_call(h, fate, "close the page for", job->key, passes, outcome);
    return fate == FATE_PASS ? outcome : hostile_no_answer(&answer->answer);
}

bool hostile_pay(struct hostile *h, struct str key, struct str reference, struct str token) {
    struct payment_answer answer = {0};
    h->bank_calls++;
    enum outcome outcome = sandbox_page_pay(h->book, reference, token, &answer);
    hostile_note(h, HOSTILE_PAYMENT, "the customer pays the page for", key,
                 outcome == OUTCOME_DONE ? "done" : answer.answer.reason);
    return outcome == OUTCOME_DONE;
}

/* --- money that goes back, and the list of all -------------------------------------------------------------------- */

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
    .checkout_open = checkout_open,
    .checkout_look = checkout_look,
    .checkout_close = checkout_close,
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
