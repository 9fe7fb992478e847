/*
 * sandbox_book: what the sandbox world remembers (names, zones, mailboxes, charges) in a SQLite file of its own,
 * apart from dfyd's database, as a registry or a bank would be. It survives restarts and SIGKILL.
 * One book serves the four sandbox drivers; safe to share between threads (one mutex, local work only).
 * The drivers never sleep: "slow" and "silent" are answers computed from the clock.
 */
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"

struct sandbox_book;
struct registrar;
struct dns;
struct mailbox;
struct payment;

/* PATH: the file, or ":memory:". CLOCK must outlive the book. */
MUST_CHECK bool sandbox_book_open(const char *path, const struct clock *clock, struct sandbox_book **ret,
                                  struct error *reterr);
/* After its drivers. NULL is fine. */
void sandbox_book_close(struct sandbox_book *book);

/* The drivers over a book; each is freed with its kind's destroy, and the book must outlive it. Never NULL. */
struct registrar *registrar_sandbox_create(struct sandbox_book *book);
struct dns *dns_sandbox_create(struct sandbox_book *book);
struct mailbox *mailbox_sandbox_create(struct sandbox_book *book);
struct payment *payment_sandbox_create(struct sandbox_book *book);

/* The book's own counts, for tests and the simulator: independent of what dfyd believes. */
int64_t sandbox_book_charged_cents(struct sandbox_book *book);                  /* sum of all charges */
int64_t sandbox_book_charges(struct sandbox_book *book, struct str key);        /* how often KEY was charged */
int64_t sandbox_book_registrations(struct sandbox_book *book, struct str name); /* how often NAME was registered */
int64_t sandbox_book_years(struct sandbox_book *book, struct str name); /* that NAME is paid for; 0: it is not here */
/* Whether PASSWORD opens it: it is made, and not closed for use. */
bool sandbox_book_has_mailbox(struct sandbox_book *book, struct str email, struct str password);
