/* The sandbox's bank. What a charge does is decided by its card's token. */
#include "driver/payment/payment.h"

#include <stdio.h>
#include <stdlib.h>

#include "driver/payment/sandbox_bank.h"

/* Beside tok_silent's own row in the tries: how often close was asked about its key. */
static const char silent_close[] = "tok_silent close";

struct sandbox {
    struct payment base;
    struct sandbox_book *book;
};

struct sandbox_book *sandbox_bank_book(struct payment *p) {
    return ((struct sandbox *)p)->book;
}

const char *const sandbox_bank_reasons[DECLINE_END] = {
    [DECLINE_METHOD_NOT_SUPPORTED] = "this kind of card is not supported",
    [DECLINE_AUTHENTICATION_REQUIRED] = "the bank wants the cardholder to authenticate",
    [DECLINE_CARD_EXPIRED] = "the card has expired",
    [DECLINE_GENERIC] = "the card was declined",
};

static enum outcome describe(struct payment *p, struct str token, struct card_facts *ret, struct answer *answer) {
    (void)p;
    const struct magic_row *row = magic_find(MAGIC_PAYMENT, token);
    if (!row)
        return answer_set(answer, OUTCOME_REFUSED,
                          "the sandbox has no card %.*s; try tok_visa, or see docs/sandbox.md for the others",
                          STR_ARG(token));
    struct card_facts facts = {0};
    snprintf(facts.brand, sizeof facts.brand, "%s", row->brand);
    snprintf(facts.last4, sizeof facts.last4, "%s", row->last4);
    snprintf(facts.token, sizeof facts.token, "%s", row->word);
    *ret = facts;
    return OUTCOME_DONE;
}

enum outcome sandbox_bank_refuse(enum decline decline, const char *reason, struct payment_answer *answer) {
    answer->decline = decline;
    return answer_set(&answer->answer, OUTCOME_REFUSED, "%s", reason);
}

static enum outcome no_answer(struct payment_answer *answer) {
    return answer_set(&answer->answer, OUTCOME_UNKNOWN, "the payment provider did not answer");
}

/* What the notebook has of a key. */
struct earlier {
    bool exists, same; /* same: card and amount are those of the job */
    enum decline decline;
};

static struct earlier find_charge(struct sandbox_book *book, const struct payment_charge *job) {
    static const char sql[] = "SELECT token, amount, decline FROM charges WHERE key = $1";
    if (!notebook_run(book->notebook, sql, NOTEBOOK_TEXT(job->key))) return (struct earlier){0};
    int64_t decline = notebook_int(book->notebook, 2);
    return (struct earlier){
        .exists = true,
        .same = str_eq(notebook_text(book->notebook, 0), job->token) && notebook_int(book->notebook, 1) == job->amount,
        .decline = decline >= DECLINE_NONE && decline < DECLINE_END ? (enum decline)decline : DECLINE_GENERIC,
    };
}

bool sandbox_bank_is_closed(struct sandbox_book *book, struct str key) {
    return notebook_run(book->notebook, "SELECT 1 FROM closed_keys WHERE key = $1", NOTEBOOK_TEXT(key));
}

void sandbox_bank_close(struct sandbox_book *book, struct str key) {
    notebook_run(book->notebook, "INSERT OR IGNORE INTO closed_keys (key) VALUES ($1)", NOTEBOOK_TEXT(key));
}

enum decline sandbox_bank_decline(struct sandbox_book *book, const struct magic_row *card, struct str workspace_id) {
    if (card->does != MAGIC_ONCE && card->does != MAGIC_NOT_TWICE) return card->decline;
    int64_t n = sandbox_count_try(book, card->word, workspace_id);
    bool works = n == 1 || (card->does == MAGIC_NOT_TWICE && n > 2);
    return works ? DECLINE_NONE : DECLINE_GENERIC;
}

void sandbox_bank_add(struct sandbox_book *book, const struct payment_charge *job, enum decline decline) {
    static const char sql[] = "INSERT INTO charges (key, token, amount, decline, description, at_ms)"
                              " VALUES ($1, $2, $3, $4, $5, $6)";
    notebook_run(book->notebook, sql, NOTEBOOK_TEXT(job->key), NOTEBOOK_TEXT(job->token), NOTEBOOK_INT(job->amount),
                 NOTEBOOK_INT(decline), NOTEBOOK_TEXT(job->description), NOTEBOOK_INT(clock_now(book->clock)));
}

static enum outcome charge_key(struct sandbox_book *book, const struct payment_charge *job,
                               struct payment_answer *answer) {
    struct earlier earlier = find_charge(book, job);
    if (earlier.exists && !earlier.same)
        return sandbox_bank_refuse(DECLINE_GENERIC, "this key was used with another card or amount", answer);
    if (earlier.exists)
        return earlier.decline ? sandbox_bank_refuse(earlier.decline, sandbox_bank_reasons[earlier.decline], answer)
                               : OUTCOME_DONE;
    if (sandbox_bank_is_closed(book, job->key))
        return sandbox_bank_refuse(DECLINE_GENERIC, "this key is closed", answer);
    if (job->amount < 0 || job->amount > CENTS_MAX)
        return sandbox_bank_refuse(DECLINE_GENERIC, "the amount is out of range", answer);
    const struct magic_row *row = magic_find(MAGIC_PAYMENT, job->token);
    if (!row) return sandbox_bank_refuse(DECLINE_GENERIC, "no such card", answer);

    switch (row->does) {
    case MAGIC_DROPPED:
        return no_answer(answer);
    case MAGIC_SILENT:
        sandbox_count_try(book, row->word, job->key);
        return no_answer(answer);
    case MAGIC_FLAKY:
        if (sandbox_count_try(book, row->word, job->key) <= SANDBOX_FLAKY_CHARGES) return no_answer(answer);
        break;
    default:
        break;
    }
    enum decline decline = sandbox_bank_decline(book, row, job->workspace_id);
    sandbox_bank_add(book, job, decline);
    if (row->does == MAGIC_LOST) return no_answer(answer);
    return decline ? sandbox_bank_refuse(decline, sandbox_bank_reasons[decline], answer) : OUTCOME_DONE;
}

static enum outcome charge(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    struct sandbox_book *book = sandbox_bank_book(p);
    notebook_begin(book->notebook);
    sandbox_note_call(book, "charge", job->key);
    return notebook_end(book->notebook, charge_key(book, job, answer), &answer->answer);
}

static enum outcome close_key(struct sandbox_book *book, struct str key, struct payment_answer *answer) {
    enum decline decline = DECLINE_GENERIC;
    if (notebook_run(book->notebook, "SELECT decline FROM charges WHERE key = $1", NOTEBOOK_TEXT(key))) {
        decline = (enum decline)notebook_int(book->notebook, 0);
        if (decline == DECLINE_NONE) return OUTCOME_DONE;
    } else if (sandbox_tries(book, "tok_silent", key) &&
               sandbox_count_try(book, silent_close, key) <= SANDBOX_SILENT_CLOSES) {
        return no_answer(answer);
    }
    sandbox_bank_close(book, key);
    return sandbox_bank_refuse(decline, "not charged; the key is closed", answer);
}

static enum outcome close(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    struct sandbox_book *book = sandbox_bank_book(p);
    notebook_begin(book->notebook);
    return notebook_end(book->notebook, close_key(book, job->key, answer), &answer->answer);
}

/* What is left of the charge is at least the refund; a refund is known again by its key. */
static enum outcome refund_key(struct sandbox_book *book, const struct payment_refund *job,
                               struct payment_answer *answer) {
    static const char earlier[] = "SELECT charge_key, amount FROM refunds WHERE key = $1";
    if (notebook_run(book->notebook, earlier, NOTEBOOK_TEXT(job->key))) {
        if (str_eq(notebook_text(book->notebook, 0), job->charge_key) && notebook_int(book->notebook, 1) == job->amount)
            return OUTCOME_DONE;
        return sandbox_bank_refuse(DECLINE_NONE, "this key was used for another refund", answer);
    }
    static const char left[] = "SELECT amount - (SELECT coalesce(sum(amount), 0) FROM refunds WHERE charge_key = $1)"
                               " FROM charges WHERE key = $1 AND decline = 0";
    if (!notebook_run(book->notebook, left, NOTEBOOK_TEXT(job->charge_key)))
        return sandbox_bank_refuse(DECLINE_NONE, "there is no such charge", answer);
    if (job->amount <= 0 || job->amount > notebook_int(book->notebook, 0))
        return sandbox_bank_refuse(DECLINE_NONE, "more than is left of the charge", answer);
    notebook_run(book->notebook, "SELECT token FROM charges WHERE key = $1", NOTEBOOK_TEXT(job->charge_key));
    enum magic does = magic_of(MAGIC_PAYMENT, notebook_text(book->notebook, 0));
    if (does == MAGIC_NO_REFUND)
        return sandbox_bank_refuse(DECLINE_NONE, "the bank does not take it back to this card", answer);
    static const char sql[] = "INSERT INTO refunds (key, charge_key, amount, at_ms) VALUES ($1, $2, $3, $4)";
    notebook_run(book->notebook, sql, NOTEBOOK_TEXT(job->key), NOTEBOOK_TEXT(job->charge_key),
                 NOTEBOOK_INT(job->amount), NOTEBOOK_INT(clock_now(book->clock)));
    return does == MAGIC_LOST_BACK ? no_answer(answer) : OUTCOME_DONE;
}

static enum outcome refund(struct payment *p, const struct payment_refund *job, struct payment_answer *answer) {
    struct sandbox_book *book = sandbox_bank_book(p);
    notebook_begin(book->notebook);
    sandbox_note_call(book, "refund", job->key);
    return notebook_end(book->notebook, refund_key(book, job, answer), &answer->answer);
}

static enum outcome movements(struct payment *p, int64_t from_ms, payment_movement_fn *each, void *arg,
                              struct answer *answer) {
    struct sandbox_book *book = sandbox_bank_book(p);
    static const char sql[] = "SELECT 0, key, amount, at_ms FROM charges WHERE decline = 0 AND at_ms >= $1"
                              " UNION ALL SELECT 1, key, amount, at_ms FROM refunds WHERE at_ms >= $1";
    notebook_begin(book->notebook);
    for (bool row = notebook_run(book->notebook, sql, NOTEBOOK_INT(from_ms)); row;
         row = notebook_next(book->notebook)) {
        const struct payment_movement movement = {
            .is_refund = notebook_int(book->notebook, 0) != 0,
            .key = notebook_text(book->notebook, 1),
            .amount = notebook_int(book->notebook, 2),
            .at_ms = notebook_int(book->notebook, 3),
        };
        each(arg, &movement);
    }
    return notebook_end(book->notebook, OUTCOME_DONE, answer);
}

static void destroy(struct payment *p) {
    free(p);
}

static const struct payment_ops ops = {
    .name = "sandbox",
    .is_sandbox = true,
    .describe = describe,
    .charge = charge,
    .close = close,
    .refund = refund,
    .checkout_open = sandbox_checkout_open,
    .checkout_look = sandbox_checkout_look,
    .checkout_close = sandbox_checkout_close,
    .read_event = sandbox_checkout_event,
    .movements = movements,
    .destroy = destroy,
};

struct payment *payment_sandbox_create(struct sandbox_book *book) {
    struct sandbox *sandbox = sandbox_driver_alloc(sizeof *sandbox);
    *sandbox = (struct sandbox){.base = {.ops = &ops}, .book = book};
    return &sandbox->base;
}
