/*
 * ledger: double-entry book-keeping. A transaction is two or more legs that sum up to 0; it is written whole or not at
 * all, once, and never changed. books.h says which event enters what.
 */
#pragma once

#include "core/money.h"
#include "store/db.h"

enum ledger_subject { SUBJECT_ORDER, SUBJECT_RENEWAL, SUBJECT_REFUND, SUBJECT_INVOICE, SUBJECT_END };

/* "order", "renewal", "refund", "invoice". */
extern const char *const ledger_subject_names[SUBJECT_END];

enum { LEDGER_LEGS_MAX = 5 };

struct ledger_leg {
    struct str account; /* "cash/stripe"; see 007-money.sql */
    cents amount;       /* debits positive, credits negative; a leg of 0 is left out */
};

struct ledger_transaction {
    struct str id; /* says what happened to what, so that it is entered once: "ORDER", "REFUND/owed" */
    struct str workspace_id;
    enum ledger_subject subject;
    struct str subject_id;
    int64_t now_ms;
    struct ledger_leg legs[LEDGER_LEGS_MAX]; /* accounts differ */
    size_t n;
};

/* ERR_INTERNAL, and nothing is written, when the legs do not sum up to 0; ERR_CONFLICT when it is entered already. */
MUST_CHECK bool ledger_post(struct db *db, const struct ledger_transaction *transaction, struct error *reterr);

struct ledger_balance {
    struct str account;
    cents debit, credit; /* all that was ever entered, both positive */
    int64_t entries;
};

/* By name. Those of one ACCOUNT and what is under it ("cash" has "cash/stripe"); of all when it is empty. Text from
 * ARENA. */
MUST_CHECK bool ledger_balances(struct db *db, struct str account, struct arena *arena, struct ledger_balance **ret,
                                size_t *ret_n, struct error *reterr);
