/*
 * check: judges an order, rule by rule, in two passes. check_words needs the order alone; check_facts then adds what
 * the world says of the domains that are still good, so that nothing is looked up for a name that is refused anyway.
 * Pure. Everything it makes comes from the arena and borrows text from the order, which must outlive it.
 *
 * Each rule of the contract's section 2 is one bit in an item's faults; one item can break several.
 */
#pragma once

#include "base/arena.h"
#include "core/order.h"

struct restricted;

/* In the contract's order: the first broken rule of an order names its order_error. */
enum fault {
    FAULT_INVALID_DOMAIN = 1 << 0,
    FAULT_PROVIDER_UNAVAILABLE = 1 << 1,
    FAULT_BLACKLISTED = 1 << 2,
    FAULT_INVALID_FORWARDING = 1 << 3,
    FAULT_NO_ACCOUNTS = 1 << 4,
    FAULT_INVALID_ACCOUNTS = 1 << 5,
    FAULT_MISSING_ORDER = 1 << 6,
    FAULT_UNSUPPORTED_PROVIDER = 1 << 7,
    FAULT_PROVIDER_MISMATCH = 1 << 8,
    FAULT_UNAVAILABLE = 1 << 9,
};

/* The reasons of invalid_accounts; check_reason_text has the contract's words. */
enum account_reason {
    REASON_NONE,
    REASON_NO_FIRST_NAME,
    REASON_NO_LAST_NAME,
    REASON_NO_PREFIX,
    REASON_BAD_PREFIX,
    REASON_DUPLICATE,
    REASON_EXISTS,
    REASON_TOO_MANY,        /* Google, AirMail: beyond the fifth on the domain; repeats and those there take no seat */
    REASON_MICROSOFT_COUNT, /* Microsoft: not 50 to 100 asked for */
};

enum { ACCOUNTS_MAX = 5, MICROSOFT_MIN = 50, MICROSOFT_MAX = 100, PREFIX_MAX = 64 };

struct checked_account {
    struct account account; /* cleaned: the prefix in lower case, names without outer white space */
    struct str email;       /* prefix@name */
    enum account_reason reason;
};

struct checked_item {
    const struct order_item *asked;
    struct str name;                  /* A-label form; as sent (borrowed) when it is not a name */
    struct str forwarding;            /* A-label form; empty when none or not valid */
    enum provider provider;           /* what it will be served by: the stock's for pre-warmed, else as asked */
    struct checked_account *accounts; /* those to be sold: the stock's for pre-warmed, else as asked */
    size_t n_accounts;
    struct str keyword; /* why it is blacklisted; empty when a block list matched */
    unsigned faults;    /* enum fault; 0: can be ordered */
};

struct check {
    enum order_type type;
    struct checked_item *items; /* one for each asked item, in its order */
    size_t n_items;
    unsigned faults; /* of all items */
};

/* What an order is judged by besides itself. */
struct rules {
    const struct restricted *restricted;
    unsigned providers_off;  /* bit 1 << provider for each the operator switched off */
    struct str workspace_id; /* whose own allowed names count; empty: nobody's */
};

/* What the world says of one item's domain. All zero: nobody has it and it is not stocked. */
struct domain_facts {
    bool sold;                   /* active or reserved here, by anyone */
    bool mine;                   /* active, paid and this workspace's */
    bool taken;                  /* the registrar says it cannot be registered */
    enum provider provider;      /* of the active domain (mine) or of the stock */
    const struct str *addresses; /* active addresses on it, lower case; only when mine */
    size_t n_addresses;
    bool stocked;                /* in the pre-warmed inventory, not sold */
    const struct account *stock; /* its mailboxes */
    size_t n_stock;
};

/*
 * A domain by itself: FAULT_INVALID_DOMAIN when it is no registrable name or of an extension that TYPE does not sell,
 * FAULT_BLACKLISTED with *ret_keyword (else untouched). *ret_name: its A-label form without outer white space, TEXT
 * itself when it is no name.
 */
unsigned check_domain(struct str text, enum order_type type, const struct rules *rules, struct arena *arena,
                      struct str *ret_name, struct str *ret_keyword);
/* First pass: names, providers, keywords, forwarding, accounts by themselves. */
struct check *check_words(const struct order *order, const struct rules *rules, struct arena *arena);
/*
 * Whether item I of a check after its first pass still needs facts: for dfy and pre-warmed an item without fault,
 * for extra accounts every item whose domain is a valid name.
 */
bool check_needs_facts(const struct check *check, size_t i);
/*
 * Second pass. FACTS has one element an item; those of items that need none are not read. Addresses and stock must
 * outlive the check. RULES as before. May run twice on one check: a second call with TAKEN filled in adds to the first.
 */
void check_facts(struct check *check, const struct domain_facts *facts, const struct rules *rules, struct arena *arena);
/* The first broken rule, 0 when the order is valid. */
enum fault check_error(const struct check *check);
/* The contract's order_error value of a fault, such as "unavailable_domains". */
const char *check_fault_name(enum fault fault);
const char *check_reason_text(enum account_reason reason);
