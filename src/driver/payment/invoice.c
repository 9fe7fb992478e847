/* On account: a charge is written down as owed, as long as no more is owed than the workspace may owe. */
#include "driver/payment/invoice.h"

#include <stdio.h>
#include <stdlib.h>

const char invoice_token[] = "on_account";

struct invoice {
    struct payment base;
    struct credit_book book;
};

static const struct credit_book *book_of(struct payment *p) {
    return &((struct invoice *)p)->book;
}

static enum outcome describe(struct payment *p, struct str token, struct card_facts *ret, struct answer *answer) {
    (void)p;
    if (!str_is(token, invoice_token))
        return answer_set(answer, OUTCOME_REFUSED, "on account there is only the token %s", invoice_token);
    *ret = (struct card_facts){.brand = "invoice"};
    snprintf(ret->token, sizeof ret->token, "%s", invoice_token);
    return OUTCOME_DONE;
}

static enum outcome refuse(struct payment_answer *answer, const char *reason) {
    answer->decline = DECLINE_GENERIC;
    return answer_set(&answer->answer, OUTCOME_REFUSED, "%s", reason);
}

static enum outcome outcome_of(enum credit_answer said, struct payment_answer *answer) {
    switch (said) {
    case CREDIT_CHARGED:
        return OUTCOME_DONE;
    case CREDIT_CLOSED:
        return refuse(answer, "not charged; the key is closed");
    case CREDIT_OVER_LIMIT:
        return refuse(answer, "more would be owed than the credit limit allows");
    case CREDIT_OTHER:
        return refuse(answer, "this key was used for another workspace or amount");
    case CREDIT_SILENT:
        break;
    }
    return OUTCOME_UNKNOWN;
}

static enum outcome charge(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    const struct credit_book *book = book_of(p);
    if (job->amount <= 0 || job->amount > CENTS_MAX) return refuse(answer, "the amount is out of range");
    return outcome_of(book->charge(book->arg, job, &answer->answer), answer);
}

static enum outcome close(struct payment *p, const struct payment_charge *job, struct payment_answer *answer) {
    const struct credit_book *book = book_of(p);
    return outcome_of(book->close(book->arg, job, &answer->answer), answer);
}

static enum outcome refund(struct payment *p, const struct payment_refund *job, struct payment_answer *answer) {
    const struct credit_book *book = book_of(p);
    return book->refund(book->arg, job, &answer->answer);
}

static enum outcome movements(struct payment *p, int64_t from_ms, payment_movement_fn *each, void *arg,
                              struct answer *answer) {
    const struct credit_book *book = book_of(p);
    return book->movements(book->arg, from_ms, each, arg, answer);
}

static void destroy(struct payment *p) {
    free(p);
}

/* Nothing that is charged here leaves a bank account, so it is as good for trying things as for real orders. */
static const struct payment_ops ops = {
    .name = "invoice",
    .is_sandbox = true,
    .describe = describe,
    .charge = charge,
    .close = close,
    .refund = refund,
    .movements = movements,
    .destroy = destroy,
};

struct payment *payment_invoice_create(const struct credit_book *book) {
    struct invoice *invoice = malloc(sizeof *invoice);
    if (!invoice) {
        fputs("dfyd: out of memory\n", stderr);
        abort();
    }
    *invoice = (struct invoice){.base = {.ops = &ops}, .book = *book};
    return (struct payment *)invoice;
}
