/* drivers: those that one server works with. */
#pragma once

#include "base/error.h"
#include "base/str.h"
#include "driver/dns/powerdns.h"
#include "driver/dns/rfc2136.h"
#include "driver/mailbox/mailhost.h"
#include "driver/payment/stripe.h"
#include "driver/resolver/stub.h"

struct registrar;
struct dns;
struct mailbox;
struct resolver;
struct credit_book;
struct hook;
struct sandbox_book;

struct drivers {
    struct registrar *registrar;
    struct dns *dns;
    struct mailbox *mailbox;
    struct resolver *resolver;
    struct payment *payment; /* takes cards */
    struct payment *credit;  /* on account; NULL: nobody orders on account here */
    struct hook *hook;
    struct sandbox_book *book; /* under the sandbox drivers; NULL when there are none */
};

struct drivers_config {
    const char *dir;                  /* holds what the sandbox remembers (sandbox.db) */
    const struct clock *clock;        /* must outlive the drivers */
    const char *mailbox;              /* who hosts the mailboxes: "sandbox" (also when NULL) or "mailhost" */
    struct mailhost_config mailhost;  /* read for "mailhost" only; its resolver is the one that is opened here */
    const char *payment;              /* who takes cards: "sandbox" (also when NULL) or "stripe" */
    struct stripe_config stripe;      /* read for "stripe" only */
    const struct credit_book *credit; /* NULL: nobody orders on account */
    const char *dns;                  /* who serves the zones: "sandbox" (also when NULL), "powerdns" or "rfc2136" */
    struct powerdns_config powerdns;  /* read for "powerdns" only */
    struct rfc2136_config rfc2136;    /* read for "rfc2136" only */
    struct stub_config resolver;      /* not read when the zones are the sandbox's */
};

/*
 * Opens all: of the registrar there is only "sandbox" so far, and "curl" of the hook. On failure nothing
 * stays open and reterr names the driver.
 */
MUST_CHECK bool drivers_open(const struct drivers_config *config, struct drivers *ret, struct error *reterr);
/* The payment driver of that name, which took or is to take a charge; NULL when it is not open here. */
struct payment *drivers_payment(const struct drivers *drivers, struct str name);
/* The name of a driver that does not only pretend; NULL: all of them do. Webhooks are sent anyhow, and what is on
 * account stands in dfyd's own book. */
const char *drivers_not_sandbox(const struct drivers *drivers);
/* Frees all; empty members are fine. */
void drivers_close(struct drivers *drivers);
