/*
 * inventory_body: the pre-warmed domains that an operator sends to be put up for sale, as JSON in the words of an order
 * or as CSV: DOMAIN, PROVIDER, PREFIX or address, FIRST NAME, LAST NAME, a line a mailbox; a first line with names may
 * stand above. What is wrong is told by line, all of it at once. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "core/stock.h"

struct inventory_problem {
    size_t line;       /* of CSV; of JSON, which of its items, from 1 */
    struct str domain; /* as sent; empty: none was */
    struct str message;
};

struct inventory_body {
    struct sent_domain {
        struct order_item item;
        size_t line; /* the first about it */
        bool is_bad; /* has a problem */
    } * domains;     /* in their order */
    size_t n;
    struct inventory_problem *problems; /* in no order */
    size_t n_problems, room;
    struct arena *arena;
};

/* ERR_INVALID: no JSON of that form, or no CSV with a line at all. Text is from ARENA or borrowed from BODY. */
MUST_CHECK bool inventory_body_json(struct str body, struct arena *arena, struct inventory_body *ret,
                                    struct error *reterr);
MUST_CHECK bool inventory_body_csv(struct str body, struct arena *arena, struct inventory_body *ret,
                                   struct error *reterr);
/* One problem more; MESSAGE is copied. */
void inventory_body_blame(struct inventory_body *body, size_t line, struct str domain, struct str message);
/* Puts the problems in the order of their lines. */
void inventory_body_sort(struct inventory_body *body);
