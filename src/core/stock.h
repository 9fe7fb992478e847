/* stock: what an operator may put up for sale as a pre-warmed domain: what an order could then be placed for. Pure. */
#pragma once

#include "base/error.h"
#include "core/check.h"

struct stock {
    struct str domain; /* A-label form */
    enum provider provider;
    bool sold; /* or held by an order that is being placed */
    struct account *accounts;
    size_t n_accounts;
};

/*
 * ASKED by the rules of orders: its name by those for pre-warmed domains, its mailboxes by those for new ones. Its
 * provider is one of those there are; its forwarding is not read. ERR_INVALID says what is wrong with it; DASHES stand
 * before the names of what was asked for: "--" on the command line. *ret is not sold, its accounts are cleaned; text is
 * from ARENA or borrowed from ASKED.
 */
MUST_CHECK bool stock_judge(const struct order_item *asked, const struct rules *rules, const char *dashes,
                            struct arena *arena, struct stock *ret, struct error *reterr);
