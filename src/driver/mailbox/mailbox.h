/*
 * mailbox: who hosts the mailboxes of a domain. Safe to call from several threads at once.
 */
#pragma once

#include "base/arena.h"
#include "core/dkim.h"
#include "core/order.h"
#include "core/records.h"
#include "driver/outcome.h"
#include "driver/tally.h"

struct mailbox;

struct mailbox_create {
    struct str email;
    struct str first_name, last_name;
    struct str password; /* secret: never logged, never in a reason */
    enum provider provider;
    struct str key; /* idempotency key: the account's id */
};

struct mailbox_access {
    struct str email;
    struct str key;  /* the account's id */
    bool is_allowed; /* false: no login, and mail to it is refused; what is in it stays */
    int64_t change;  /* from 1; of two calls for one key, the one with the higher number counts */
};

struct mailbox_login {
    struct str email;
    struct str key;      /* the account's id */
    struct str password; /* secret: never logged, never in a reason */
};

struct mailbox_dkim {
    struct str domain;
    int64_t rotation; /* from 1 */
    enum dkim_phase phase;
};

struct mailbox_ops {
    const char *name;
    bool is_sandbox; /* only pretends; then the clock may be moved */
    /* Those it serves: bit 1 << provider. Of the others dfyd sells nothing, and calls that name one are UNKNOWN before
     * they come to the driver. */
    unsigned providers;
    /* What the provider wants in the domain's zone; text from ARENA. Makes the domain's first DKIM key when it has
     * none. Repeat freely. Mandatory. */
    enum outcome (*mail_facts)(struct mailbox *, struct str domain, enum provider, struct arena *,
                               struct mail_facts *ret, struct answer *);
    /* Asks only. DONE: the address exists and was made under KEY. REFUSED: it was not. Mandatory. */
    enum outcome (*lookup)(struct mailbox *, struct str email, struct str key, struct answer *);
    /*
     * Makes the mailbox, or takes over an existing one of ours (pre-warmed) under the new key: afterwards this
     * password opens it. The same key twice makes one. Mandatory.
     */
    enum outcome (*create)(struct mailbox *, const struct mailbox_create *, struct answer *);
    /*
     * Removes the address if it was made under KEY, or is one of ours (pre-warmed) that no account took over, and
     * closes KEY: a creation under it that is still on its way makes nothing. DONE: both are so, also when there was
     * nothing to remove. REFUSED: it cannot be removed; a person has to look. Repeat freely. Mandatory.
     */
    enum outcome (*remove)(struct mailbox *, struct str email, struct str key, struct answer *);
    /*
     * Closes a mailbox for use, or opens it again. DONE: it is so, or a change with a higher number is; then nothing
     * was changed. It also holds for a mailbox that is made later under KEY, and does nothing for one that was removed.
     * REFUSED: a person has to look. Repeat freely. Mandatory.
     */
    enum outcome (*set_access)(struct mailbox *, const struct mailbox_access *, struct answer *);
    /*
     * Uses the mailbox as its owner would: logs in to read and to send, sends a message from it to itself, and finds it
     * there signed by a key of its domain that the DNS has. DONE: all of it. REFUSED, UNKNOWN: the reason says what did
     * not work. Leaves no message behind; takes some seconds at most. Repeat freely. Mandatory.
     */
    enum outcome (*verify)(struct mailbox *, const struct mailbox_login *, struct answer *);
    /* Makes a move with the domain's DKIM keys. DONE: it is there, or further on already. Repeat freely. Mandatory. */
    enum outcome (*set_dkim)(struct mailbox *, const struct mailbox_dkim *, struct answer *);
    /* Frees the driver. NULL if nothing is held. */
    void (*destroy)(struct mailbox *);
};

struct mailbox {
    const struct mailbox_ops *ops;
    struct tally tally; /* of how the calls below ended; zeroed at first */
};

enum outcome mailbox_mail_facts(struct mailbox *m, struct str domain, enum provider provider, struct arena *arena,
                                struct mail_facts *ret, struct answer *answer);
enum outcome mailbox_lookup(struct mailbox *m, struct str email, struct str key, struct answer *answer);
enum outcome mailbox_create(struct mailbox *m, const struct mailbox_create *job, struct answer *answer);
enum outcome mailbox_remove(struct mailbox *m, struct str email, struct str key, struct answer *answer);
enum outcome mailbox_set_access(struct mailbox *m, const struct mailbox_access *job, struct answer *answer);
enum outcome mailbox_verify(struct mailbox *m, const struct mailbox_login *login, struct answer *answer);
enum outcome mailbox_set_dkim(struct mailbox *m, const struct mailbox_dkim *move, struct answer *answer);
/* NULL is fine. */
void mailbox_destroy(struct mailbox *m);
