/* order_view: all that is known of one order, for those who ask what became of it and of its money. */
#pragma once

#include "core/invoice.h"
#include "core/state.h"
#include "store/invoices.h"
#include "store/orders.h"
#include "store/payments.h"
#include "store/steps.h"

struct viewed_account {
    struct str id, email, reason;
    enum account_state state;
};

struct viewed_domain {
    struct str id, name;
    enum domain_state state;
    struct str swapped_for; /* the name taken instead of it; empty: none */
    struct viewed_account *accounts;
    size_t n_accounts; /* of this order */
    struct step *steps;
    size_t n_steps; /* of this order */
};

struct viewed_refund {
    struct str id, domain, email; /* what it is for; both empty: a part that the operator chose */
    struct str state, why, reason;
    cents amount;
    int64_t created_ms, due_ms, ended_ms; /* ended_ms 0: open */
};

struct order_view {
    struct order_row order;
    int64_t ended_ms; /* 0: reserved */
    int64_t price_version;
    cents discount;
    struct str promotion_id, promotion_name; /* empty: none */
    struct str driver, brand, last4;
    struct invoice_line *lines;
    size_t n_lines;
    struct viewed_domain *domains; /* of extra accounts: those that they are on */
    size_t n_domains;
    struct viewed_refund *refunds;
    size_t n_refunds;
    struct payment_row *payments;
    size_t n_payments;
    struct invoice_row *invoices;
    size_t n_invoices;
};

/* ERR_NOT_FOUND, also for another workspace's. A fixed number of queries; everything from ARENA. */
MUST_CHECK bool order_view_get(struct db *db, struct str workspace_id, struct str order_id, struct arena *arena,
                               struct order_view *ret, struct error *reterr);
