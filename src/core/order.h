/*
 * order: what a client asked for, decoded but not yet judged. Values only; text is borrowed from the request's arena.
 */
#pragma once

#include "base/str.h"

enum order_type { ORDER_DFY, ORDER_PRE_WARMED_UP, ORDER_EXTRA_ACCOUNTS };

/* The numbers are the contract's. */
enum provider { PROVIDER_NONE = 0, PROVIDER_GOOGLE = 1, PROVIDER_AIRMAIL = 2, PROVIDER_MICROSOFT = 3, PROVIDER_END };

struct account {
    struct str prefix; /* what stands before the @ */
    struct str first_name, last_name;
};

struct order_item {
    struct str domain;
    int64_t provider;
    struct str forwarding; /* empty: none */
    struct account *accounts;
    size_t n_accounts;
};

struct order {
    int64_t type; /* enum order_type */
    bool simulation;
    struct order_item *items;
    size_t n_items;
};

/* "dfy", "pre_warmed_up", "extra_accounts"; indexed by enum order_type. */
extern const char *const order_type_names[3];
/* "Google", "AirMail", "Microsoft"; indexed by enum provider. */
extern const char *const provider_names[PROVIDER_END];
