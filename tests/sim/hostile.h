/*
 * hostile: drivers of all kinds over the sandbox's, between dfyd and a network at its worst. By chance a call is
 * lost on its way, acts and loses its answer, is refused for good, acts much later, or takes long while other work
 * goes on. What it does stays within what the drivers' headers allow: a refusal is kept to, a lookup never lies.
 * It stands outside the process, so a crash leaves it as it is.
 */
#pragma once

#include "base/arena.h"
#include "core/money.h"
#include "crashfs.h"
#include "driver/drivers.h"
#include "history.h"

struct hostile;

/* Chances in a thousand, of each call. */
struct hostile_level {
    uint32_t lose;        /* UNKNOWN, and nothing was done */
    uint32_t lose_answer; /* UNKNOWN, but it was done */
    uint32_t late;        /* UNKNOWN, and it will be done at some later time */
    uint32_t refuse;      /* REFUSED for good; never once it may have been done */
    uint32_t slow;        /* other work goes on during the call */
    uint32_t power_cut;   /* the process dies before, or after, it was done */
};

struct hostile_config {
    int64_t dkim_overlap_ms; /* that the record of a key must stay after it signed last */
    struct rng *rng;
    const struct clock *clock;
    struct crashfs *fs; /* its power is that of the process */
    struct history *history;
    void (*meanwhile)(void *arg); /* runs other work */
    void *meanwhile_arg;
};

enum hostile_kind { HOSTILE_REGISTRAR, HOSTILE_DNS, HOSTILE_MAILBOX, HOSTILE_PAYMENT, HOSTILE_RESOLVER };

/* An empty outside world (a sandbox book in memory). What CONFIG points to must outlive it. */
MUST_CHECK bool hostile_create(const struct hostile_config *config, struct hostile **ret, struct error *reterr);
/* Frees the drivers too. NULL is fine. */
void hostile_destroy(struct hostile *hostile);
/* The drivers, for struct world; they belong to HOSTILE. */
struct drivers hostile_drivers(struct hostile *hostile);
struct sandbox_book *hostile_book(const struct hostile *hostile);

/* An event that reached the receiver of webhooks for the first time. */
struct hostile_told {
    struct str workspace_id, event_id, type, domain; /* domain empty: of none */
    struct str body;
    struct str payload; /* what its own members are, without the brace before them */
};

/* In the order they came. */
const struct hostile_told *hostile_told(const struct hostile *hostile, size_t *ret_n);
/* Whether an event came again with another body. */
bool hostile_told_otherwise(const struct hostile *hostile);

enum { BANK_ROWS = 2000 };

/* Money that moved, by the bank's own book. */
struct bank_row {
    bool is_refund, is_on_account;
    struct str key; /* of the charge or of the refund */
    cents amount;
    int64_t at_ms;
};

/* All of the book, in any order; false when it cannot be read. */
bool hostile_bank(const struct hostile *hostile, struct arena *arena, struct bank_row **ret, size_t *ret_n);
/* A customer pays the page for the order KEY, which the bank calls REFERENCE, with the card TOKEN; whether that is
 * done, now or before. It needs no dfyd. */
bool hostile_pay(struct hostile *hostile, struct str key, struct str reference, struct str token);
/* Grows with every call that reached the bank: without one no money moved. */
int64_t hostile_bank_calls(const struct hostile *hostile);

/* All zero: calls pass as they are. */
void hostile_set_level(struct hostile *hostile, struct hostile_level level);
/* A call that was on its way arrives; false when there is none. */
bool hostile_arrive(struct hostile *hostile);
/* How far the newest key of DOMAIN is, by what was really done: 3 for each rotation after the first, and its phase; 2
 * for the first key. */
int64_t hostile_keys(const struct hostile *hostile, struct str domain);
/* Grows with every move of keys that was really made. */
int64_t hostile_key_moves(const struct hostile *hostile);
/* What signed, or went, when it must not; empty: nothing did. */
struct str hostile_keys_fault(const struct hostile *hostile);
/* The drivers below, which always answer: for those who stand outside dfyd. */
const struct drivers *hostile_real(const struct hostile *hostile);
/* Whether dfyd was, or will be, told that SUBJECT (domain name, address, a zone with "/mail" or "/web", the key of a
 * charge or refund) is refused. */
bool hostile_refused(const struct hostile *hostile, enum hostile_kind kind, struct str subject);
