/* invoice: the driver for orders on account, over a book of what workspaces owe that whoever opens it keeps. */
#pragma once

#include "driver/payment/payment.h"

/* What the book says to a charge or a closing. */
enum credit_answer {
    CREDIT_CHARGED,
    CREDIT_CLOSED,     /* closed before: never charged under this key */
    CREDIT_OVER_LIMIT, /* more would be owed than the workspace may owe; nothing was written */
    CREDIT_OTHER,      /* the key was used for another workspace or amount */
    CREDIT_SILENT,     /* the book cannot be read or written now */
};

/*
 * The book. Each call is one durable, atomic step and safe from any thread; a key is charged or closed once and stays
 * so. ARG is the book's.
 */
struct credit_book {
    void *arg;
    enum credit_answer (*charge)(void *arg, const struct payment_charge *job, struct answer *answer);
    /* CREDIT_CHARGED, CREDIT_CLOSED or CREDIT_SILENT. */
    enum credit_answer (*close)(void *arg, const struct payment_charge *job, struct answer *answer);
    enum outcome (*refund)(void *arg, const struct payment_refund *job, struct answer *answer);
    enum outcome (*movements)(void *arg, int64_t from_ms, payment_movement_fn *each, void *each_arg,
                              struct answer *answer);
};

/* The one token there is: the workspace itself says who pays. */
extern const char invoice_token[];

/* BOOK is copied; what its arg points to must outlive the driver. Never NULL. */
struct payment *payment_invoice_create(const struct credit_book *book);
