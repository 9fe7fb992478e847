/*
 * state: the states of orders, domains, accounts and steps, as words that are stored and shown, and the moves
 * between them. Pure: one table says what may follow what.
 */
#pragma once

#include "base/str.h"

enum order_state {
    ORDER_RESERVED,       /* names are held, the charge may be under way */
    ORDER_PLACED,         /* paid and durable */
    ORDER_PAYMENT_FAILED, /* refused; names given back */
    ORDER_STATE_END
};

enum domain_state {
    DOMAIN_RESERVED,
    DOMAIN_PROVISIONING,
    DOMAIN_READY,
    DOMAIN_PARTIAL, /* usable, but a mailbox or the forwarding was refused */
    DOMAIN_FAILED,  /* the domain itself was refused */
    DOMAIN_CANCELLED,
    DOMAIN_STATE_END
};

enum account_state {
    ACCOUNT_RESERVED,
    ACCOUNT_PENDING,
    ACCOUNT_READY,
    ACCOUNT_FAILED,
    ACCOUNT_CANCELLED,
    ACCOUNT_STATE_END
};

enum step_state {
    STEP_BLOCKED,  /* waits for an earlier step */
    STEP_DUE,      /* runs at its time */
    STEP_RUNNING,  /* leased by a worker until its time */
    STEP_RETRYING, /* had no clear answer; runs again at its time */
    STEP_DONE,
    STEP_FAILED,  /* refused for good; the reason says why */
    STEP_SKIPPED, /* an earlier step failed, or what it works on was cancelled */
    STEP_STATE_END
};

/*
 * What a step does. A domain's steps run rank by rank; steps of one rank do not wait for each other. Removing a
 * mailbox, renewing a domain and setting the access to a mailbox stand outside that: they wait for no other step, no
 * other step waits for them, and a domain is ready without them. The last two begin anew whenever there is something
 * new to do. A change of a domain's forwarding begins its set_forwarding anew, from whatever end it had;
 * a repair of its DNS records begins publish_dns and set_forwarding anew that were done.
 */
enum step_kind {
    STEP_REGISTER_DOMAIN,
    STEP_PUBLISH_DNS,
    STEP_CREATE_MAILBOX,
    STEP_SET_FORWARDING,
    STEP_REMOVE_MAILBOX,
    STEP_RENEW_DOMAIN, /* until the registrar has been paid for domains.paid_years */
    STEP_SET_ACCESS,   /* a mailbox is closed for use, or opened, as accounts.suspended_ms says */
    STEP_KIND_END
};

/* What becomes of a website's visitors. */
enum forwarding_mode { FORWARDING_REDIRECT, FORWARDING_STEALTH, FORWARDING_MODE_END };

extern const char *const order_state_names[ORDER_STATE_END];
extern const char *const domain_state_names[DOMAIN_STATE_END];
extern const char *const account_state_names[ACCOUNT_STATE_END];
extern const char *const step_state_names[STEP_STATE_END];
extern const char *const step_kind_names[STEP_KIND_END];
extern const char *const forwarding_mode_names[FORWARDING_MODE_END + 1]; /* ended by NULL */

/* Index of TEXT in NAMES, or N when it is none of them. */
size_t state_by_name(struct str text, const char *const *names, size_t n);

bool order_may_move(enum order_state from, enum order_state to);
bool step_may_move(enum step_state from, enum step_state to);
/* 0 registers, 1 publishes, 2 builds on both; 3 stands outside. */
int step_rank(enum step_kind kind);
/* Whether the domain is lost when a step of this kind is refused. */
bool step_is_vital(enum step_kind kind);
