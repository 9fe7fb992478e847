/*
 * model_books: three books side by side: what the bank did, what dfyd wrote down, and what the model knows of orders.
 * Rows as they were read; the model judges them.
 */
#pragma once

#include "model.h"

/* Money that moved, by the bank's book. */
struct bank_row;

struct seen_payment {
    struct str id, bill_id;
    bool is_refund, is_renewal, has_failed, is_on_account;
    cents amount;
};

/* The ledger, added up by subject and account. */
struct seen_entry {
    struct str subject_id, account, workspace_id;
    cents amount;
};

struct seen_invoice {
    int64_t number;
    bool is_credit_note;
    struct str subject_id;
    cents total;
};

struct seen_line {
    struct str bill_id, domain_id;
    enum model_kind kind;
    int64_t quantity;
    cents unit, discount, amount;
    int64_t from_ms, to_ms;
};

enum seen_refund_state { REFUND_WAITING, REFUND_DUE, REFUND_RUNNING, REFUND_DONE, REFUND_FAILED, REFUND_SWAPPED };

struct seen_refund {
    struct str id, bill_id, payment_id, domain_id, account_id;
    cents amount;
    enum seen_refund_state state;
    int64_t due_ms;
    bool is_on_account;
    bool is_refused; /* the bank never gives it back */
};

enum seen_renewal_state {
    RENEWAL_DUE,
    RENEWAL_CHARGING,
    RENEWAL_PAID,
    RENEWAL_SUSPENDED,
    RENEWAL_CANCELLED,
    RENEWAL_VOID
};

struct seen_renewal {
    struct str id, workspace_id, payment_id;
    enum seen_renewal_state state;
    int64_t day_ms, part, due_ms, failures;
    cents amount;
    bool is_on_account;
};

struct seen_item {
    struct str renewal_id, domain_id, account_id;
    enum model_kind kind;
    cents amount;
    int64_t from_ms, to_ms;
    bool is_charged;
};

/* Of accounts and domains what their money needs. */
struct seen_account {
    struct str id, domain_id;
    enum account_state state;
    int64_t renews_ms, suspended_ms, cancelled_ms;
    int64_t made_ms; /* when its mailbox was made; 0: it was not */
};

struct seen_domain {
    struct str id, order_id, name, swapped_for;
    enum domain_state state;
    int64_t paid_years, year_renews_ms, month_renews_ms;
    int64_t registered_ms; /* 0: it was not, or long before it was sold */
    int64_t years;         /* that the registrar was paid for; 0: it knows none */
    bool is_not_renewed;   /* the registrar refused to */
};

#define SEEN(what)                                                                                                     \
    struct seen_##what *what##s;                                                                                       \
    size_t n_##what##s

struct seen_books {
    const struct bank_row *bank;
    size_t n_bank;
    cents unbalanced; /* of ledger transactions that do not add up to 0, how many there are */
    SEEN(payment);
    SEEN(entry);
    SEEN(invoice);
    SEEN(line);
    SEEN(refund);
    SEEN(renewal);
    SEEN(item);
    SEEN(account);
    SEEN(domain);
};

/* No promotion is used more than it may: IS_HELD[i] of order i. */
void model_check_promotions(struct model *model, const bool *is_held, int workspaces);
/* What must be true of them at every moment, and with IS_QUIET once nothing is left to do. PLACED[i]: of order i. */
void model_check_books(struct model *model, const struct seen_books *books, const bool *placed, bool is_quiet);
