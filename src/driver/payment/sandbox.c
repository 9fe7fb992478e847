/* The sandbox's bank. What a charge does is decided by its card's token. */
#include "driver/payment/payment.h"

#include <stdio.h>
#include <stdlib.h>

#include "driver/sandbox_inside.h"

/* Beside tok_silent's own row in the tries: how often close was asked about its key. */
static const char silent_close[] = "tok_silent close";

struct sandbox {
    struct payment base;
    struct sandbox_book *book;
};

static struct sandbox_book *book_of(struct payment *p) {
    return ((struct sandbox *)p)->book;
}

static const char *const decline_reasons[DECLINE_END] = {
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
    struct card_facts facts;
    snprintf(facts.brand, sizeof facts.brand, "%s", row->brand);
    snprintf(facts.last4, sizeof facts.last4, "%s", row->last4);
    *ret = facts;
    return OUTCOME_DONE;
}

static enum outcome refuse(enum decline decline, const char *reason, struct payment_answer *answer) {
    answer->decline = decline;
    return answer_set(&answer->answer, OUTCOME_REFUSED, "%s", reason);
}

static enum outcome no_answer(struct payment_answer *answer) {
    return answer_set(&answer->answer, OUTCOME_UNKNOWN, "the payment provider did not answer");
}

/* What the ledger has of a key. */
struct earlier {
    bool exists, same; /* same: card and amount are those of the job */
    enum decline decline;
};

static struct earlier find_charge(struct sandbox_book *book, const struct payment_charge *job) {
    static const char sql[] = "SELECT token, amount, decline FROM charges WHERE key = $1";
    if (!ledger_run(book->ledger, sql, LEDGER_TEXT(job->key))) return (struct earlier){0};
    int64_t decline = ledger_int(book->ledger, 2);
    return (struct earlier){
        .exists = true,
        .same = str_eq(ledger_text(book->ledger, 0), job->token) && ledger_int(book->ledger, 1) == job->amount,
        .decline = decline >= DECLINE_NONE && decline < DECLINE_END ? (enum decline)decline : DECLINE_GENERIC,
    };
}

static bool is_closed(struct sandbox_book *book, struct str key) {
    return ledger_run(book->ledger, "SELECT 1 FROM closed_keys WHERE key = $1", LEDGER_TEXT(key));
}

/* DECLINE_NONE: the money is taken. */
static void add_charge(struct sandbox_book *book, const struct payment_charge *job, enum decline decline) {
    static const char sql[] = "INSERT INTO charges (key, token, amount, decline, description, at_ms)"
                              " VALUES ($1, $2, $3, $4, $5, $6)";
    ledger_run(book->ledger, sql, LEDGER_TEXT(job->key), LEDGER_TEXT(job->token), LEDGER_INT(job->amount),
               LEDGER_INT(decline), LEDGER_TEXT(job->description), LEDGER_INT(clock_now(book->clock)));
}

static enum outcome charge_key(struct sandbox_book *book, const struct payment_charge *job,
                               struct payment_answer *answer) {
    struct earlier earlier = find_charge(book, job);
    if (earlier.exists && !earlier.same)
        return refuse(DECLINE_GENERIC, "this key was used with another card or amount", answer);
    if (earlier.exists)
        return earlier.decline ? refuse(earlier.decline, decline_reasons[earlier.decline], answer) : OUTCOME_DONE;
    if (is_closed(book, job->key)) return refuse(DECLINE_GENERIC, "this key is closed", answer);
    if (job->amount < 0 || job->amount > CENTS_MAX)
        return refuse(DECLINE_GENERIC, "the amount is out of range", answer);
    const struct magic_row *row = magic_find(MAGIC_PAYMENT, job->token);
    if (!row) return refuse(DECLINE_GENERIC, "no such card", answer);

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
    add_charge(book, job, row->decline);
    if (row->does == MAGIC_LOST) return no_answer(answer);
    return row->decline ? refuse(row->decline, decline_reasons[row->decline], answer) : OUTCOME_DONE;
}

static enum outcome charge(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    struct sandbox_book *book = book_of(p);
    ledger_begin(book->ledger);
    return ledger_end(book->ledger, charge_key(book, job, answer), &answer->answer);
}

static enum outcome close_key(struct sandbox_book *book, struct str key, struct payment_answer *answer) {
    enum decline decline = DECLINE_GENERIC;
    if (ledger_run(book->ledger, "SELECT decline FROM charges WHERE key = $1", LEDGER_TEXT(key))) {
        decline = (enum decline)ledger_int(book->ledger, 0);
        if (decline == DECLINE_NONE) return OUTCOME_DONE;
    } else if (sandbox_tries(book, "tok_silent", key) &&
               sandbox_count_try(book, silent_close, key) <= SANDBOX_SILENT_CLOSES) {
        return no_answer(answer);
    }
    ledger_run(book->ledger, "INSERT OR IGNORE INTO closed_keys (key) VALUES ($1)", LEDGER_TEXT(key));
    return refuse(decline, "not charged; the key is closed", answer);
}

static enum outcome close(struct payment *p, struct str key, struct payment_answer *answer) {
    struct sandbox_book *book = book_of(p);
    ledger_begin(book->ledger);
    return ledger_end(book->ledger, close_key(book, key, answer), &answer->answer);
}

static void destroy(struct payment *p) {
    free(p);
}

static const struct payment_ops ops = {
    .name = "sandbox",
    .describe = describe,
    .charge = charge,
    .close = close,
    .destroy = destroy,
};

struct payment *payment_sandbox_create(struct sandbox_book *book) {
    struct sandbox *sandbox = sandbox_driver_alloc(sizeof *sandbox);
    *sandbox = (struct sandbox){.base = {.ops = &ops}, .book = book};
    return &sandbox->base;
}
