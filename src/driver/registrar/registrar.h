/*
 * registrar: who registers domain names. Callers use the functions below; a driver fills the table.
 * Every driver is safe to call from several threads at once.
 */
#pragma once

#include "base/arena.h"
#include "driver/outcome.h"
#include "driver/tally.h"

struct registrar;

struct registrar_create {
    struct str name; /* A-label form */
    struct str key;  /* idempotency key: the same key twice registers once */
    int years;
    const struct str *nameservers;
    size_t n_nameservers;
};

struct registrar_renew {
    struct str name;
    struct str key;     /* that it was registered under */
    bool is_pre_warmed; /* we held it before it was sold: it was registered under no key of an order */
    int years;          /* that are to be paid for in all since it was registered, or sold when pre-warmed */
};

struct registrar_ops {
    const char *name;
    bool is_sandbox; /* only pretends; then the clock may be moved */
    /* True when check answers from memory, so that it may be called where waiting is not allowed. */
    bool check_is_instant;
    /*
     * Asks only; repeat freely; one round for all N names. DONE: ret_taken[i] says for each whether it cannot be
     * registered. Never REFUSED. Mandatory.
     */
    enum outcome (*check)(struct registrar *, const struct str *names, size_t n, bool *ret_taken, struct answer *);
    /* Asks only; repeat freely. DONE: we hold the name under KEY. REFUSED: we do not. Mandatory. */
    enum outcome (*lookup)(struct registrar *, struct str name, struct str key, struct answer *);
    /* Spends money. The same key twice acts once. Mandatory. */
    enum outcome (*create)(struct registrar *, const struct registrar_create *, struct answer *);
    /*
     * Spends money, up to a target: afterwards the name is paid for YEARS in all. DONE also when it was so already.
     * REFUSED: it is not ours or cannot be renewed, and asking again does not help. Repeat freely. Mandatory.
     */
    enum outcome (*renew)(struct registrar *, const struct registrar_renew *, struct answer *);
    /* Frees the driver. NULL if nothing is held. */
    void (*destroy)(struct registrar *);
};

/* First member of every driver's own struct. */
struct registrar {
    const struct registrar_ops *ops;
    struct tally tally; /* of how the calls below ended; zeroed at first */
};

enum outcome registrar_check(struct registrar *r, const struct str *names, size_t n, bool *ret_taken,
                             struct answer *answer);
/*
 * The same for many names, as fast as can be: a driver that has to wait is asked by several threads at once. DONE when
 * all of them were answered.
 */
enum outcome registrar_check_many(struct registrar *r, const struct str *names, size_t n, bool *ret_taken,
                                  struct answer *answer);
enum outcome registrar_lookup(struct registrar *r, struct str name, struct str key, struct answer *answer);
enum outcome registrar_create(struct registrar *r, const struct registrar_create *job, struct answer *answer);
enum outcome registrar_renew(struct registrar *r, const struct registrar_renew *job, struct answer *answer);
/* NULL is fine. */
void registrar_destroy(struct registrar *r);
