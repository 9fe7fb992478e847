/* drivers: those that one server works with. */
#pragma once

#include "base/error.h"
#include "base/str.h"

struct clock;
struct registrar;
struct dns;
struct mailbox;
struct payment;
struct hook;
struct sandbox_book;

struct drivers {
    struct registrar *registrar;
    struct dns *dns;
    struct mailbox *mailbox;
    struct payment *payment; /* takes cards */
    struct payment *credit;  /* on account; NULL: nobody orders on account here */
    struct hook *hook;
    struct sandbox_book *book; /* under the sandbox drivers; NULL when there are none */
};

/*
 * Opens all by name ("sandbox" is the one kind there is of each so far, and "curl" of the hook). DIR holds what the
 * sandbox remembers (sandbox.db); CLOCK must outlive the drivers. On failure nothing stays open and reterr names the
 * driver.
 */
MUST_CHECK bool drivers_open(const char *dir, const struct clock *clock, struct drivers *ret, struct error *reterr);
/* The payment driver of that name, which took or is to take a charge; NULL when it is not open here. */
struct payment *drivers_payment(const struct drivers *drivers, struct str name);
/* Frees all; empty members are fine. */
void drivers_close(struct drivers *drivers);
