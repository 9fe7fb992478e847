/*
 * search: a workspace's orders, domains and mailboxes as people look for them: newest first, paged by key, with what is
 * counted of each. One query a page. A search reads every row of the workspace, until a page is full.
 */
#pragma once

#include "core/money.h"
#include "core/order.h"
#include "core/state.h"
#include "store/db.h"

/* Of domains: whether the last check found something wrong. */
enum search_drift { SEARCH_ANY_DRIFT, SEARCH_DRIFTED, SEARCH_NOT_DRIFTED };

struct search {
    struct str workspace_id;
    struct str before; /* the id of the last row of the page before; empty: from the newest */
    struct str text;   /* part of a name or address, ASCII letters in any case; empty: any */
    struct str state;  /* as stored; empty: any */
    struct str domain; /* of mailboxes: the domain that they are on, a host name; empty: any */
    enum search_drift drift;
    size_t limit;
};

struct found_domain {
    struct str id, name, order_id;
    struct str forwarding;     /* empty: none */
    enum forwarding_mode mode; /* says nothing without forwarding */
    enum provider provider;
    enum domain_state state;
    bool is_pre_warmed;
    bool has_drifted;    /* the last check found something */
    int64_t n_mailboxes; /* that are in use, or being made */
    int64_t created_ms;
    int64_t year_renews_ms, month_renews_ms; /* 0: not renewed, or in a renewal that is not paid yet */
    int64_t cancelled_ms;                    /* 0: it is not */
};

struct found_mailbox {
    struct str id, email, first_name, last_name, domain;
    struct str reason; /* of a failed one */
    enum provider provider;
    enum account_state state;
    bool is_suspended, is_pre_warmed;
    int64_t created_ms, renews_ms, cancelled_ms; /* 0 as above */
};

/* How far the work of an order is, without what came later: renewals, suspensions, removals. */
struct found_progress {
    int64_t done, open, retrying, failed;
};

enum { FOUND_NAMES_MAX = 3 };

struct found_order {
    struct str id, reason;
    enum order_type type;
    enum order_state state;
    cents amount;
    int64_t created_ms, ended_ms; /* ended_ms 0: reserved */
    struct str names[FOUND_NAMES_MAX];
    size_t n_names;
    int64_t n_domains, n_mailboxes;
    struct found_progress progress;
};

/* At most LIMIT; all but what is only reserved. Text from ARENA. */
MUST_CHECK bool search_domains(struct db *db, const struct search *search, struct arena *arena,
                               struct found_domain **ret, size_t *ret_n, struct error *reterr);
MUST_CHECK bool search_mailboxes(struct db *db, const struct search *search, struct arena *arena,
                                 struct found_mailbox **ret, size_t *ret_n, struct error *reterr);
/* Reserved ones, too. The text is part of a domain's name; with an @ in it, part of an address; or an order's id. */
MUST_CHECK bool search_orders(struct db *db, const struct search *search, struct arena *arena, struct found_order **ret,
                              size_t *ret_n, struct error *reterr);
