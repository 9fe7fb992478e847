/*
 * care: what a domain in use needs without anybody asking for it: checks, and from time to time new DKIM keys. A row
 * from when the domain comes into use until it is cancelled. One at a time is at a domain, who leases it; a lease has a
 * number, as a step's has. Every time in here is the earliest: later does no harm.
 *
 * A rotation makes three moves (core/dkim.h). Each is written down before it is begun, and again once it is made.
 */
#pragma once

#include "core/dkim.h"
#include "core/finding.h"
#include "core/order.h"
#include "core/state.h"
#include "store/db.h"

/* What is due when, by the settings. */
struct care_times {
    int64_t now_ms;
    int64_t
        check_ms; /* between two checks of a domain; 0: never; less: only the server knows, and works it out at once */
    int64_t dkim_ms; /* how old a key gets; 0: any age */
};

struct care_key {
    int64_t rotation; /* number of the newest key, from 1; 0: dfyd publishes no mail records for the domain */
    enum dkim_phase phase;
    int64_t since_ms; /* when it was reached; 0: it is being worked towards */
    int64_t again_ms; /* when the next move is made or tried; 0: no rotation is under way */
    int64_t tries;    /* of that move, that failed */
    struct str reason;
};

struct care_check {
    int64_t checked_ms; /* the last one; or when the domain came into use */
    bool is_checked;    /* there was one */
    int64_t tries;      /* without a clear answer, of the one that is due */
    int64_t again_ms;   /* when it is tried again; 0: at the usual time */
    int64_t unclear_since_ms;
    struct str unclear_reason;
    struct str findings; /* core/finding.h */
};

/* The care for one domain. */
struct care {
    struct str domain_id, domain, workspace_id, order_id, forwarding;
    enum forwarding_mode mode; /* says nothing without forwarding */
    enum provider provider;
    enum domain_state state;
    int64_t due_ms;   /* of the next check or move; while leased: the lease's end */
    int64_t attempts; /* claims so far; names the lease */
    bool is_leased;
    struct care_key key;
    struct care_check check;
    bool is_move; /* claimed for a move of its keys, to key.phase of key.rotation; else for a check */
};

/* The domain came into use; repeatable. In the transaction that makes it so. */
MUST_CHECK bool care_begin(struct db *db, struct str domain_id, int64_t now_ms, struct error *reterr);
/* It is in use no more. Whoever is at it records nothing. */
MUST_CHECK bool care_end(struct db *db, struct str domain_id, struct error *reterr);
/*
 * Leases up to MAX domains for which something is due, until LEASE_UNTIL_MS, the longest due first; the move of a key
 * that is to be made is durable with that. Text from ARENA.
 */
MUST_CHECK bool care_claim(struct db *db, const struct care_times *times, int64_t lease_until_ms, size_t max,
                           struct arena *arena, struct care **ret, size_t *ret_n, struct error *reterr);
/* Leases the domain NAME for a check, due or not. *ret_held is false, and nothing changed, when somebody is at it.
 * ERR_NOT_FOUND, ERR_CONFLICT: it is not in use. */
MUST_CHECK bool care_claim_check(struct db *db, struct str name, int64_t now_ms, int64_t lease_until_ms,
                                 struct arena *arena, struct care *ret, bool *ret_held, struct error *reterr);
/* Makes the lease longer. *ret_stale: it was lost. */
MUST_CHECK bool care_extend(struct db *db, struct care *care, int64_t lease_until_ms, bool *ret_stale,
                            struct error *reterr);
/* Whether CARE's lease is still held. */
MUST_CHECK bool care_is_held(struct db *db, const struct care *care, bool *ret, struct error *reterr);
/* Gives the lease back, with nothing found out. */
MUST_CHECK bool care_give_back(struct db *db, const struct care *care, const struct care_times *times,
                               struct error *reterr);

/* How a move of a domain's keys ended. */
struct care_moved {
    bool is_made;
    struct str reason;  /* why not */
    int64_t again_ms;   /* not made: when it is tried again */
    int64_t overlap_ms; /* made: how long the key before stays published after the new one signs */
};

/* Records it and ends the lease. *ret_stale, and nothing is changed, when the lease was lost meanwhile. */
MUST_CHECK bool care_record_move(struct db *db, const struct care *care, const struct care_moved *moved,
                                 const struct care_times *times, bool *ret_stale, struct error *reterr);

/* How a check ended. */
struct care_checked {
    const struct finding *findings; /* those of what gave no clear answer, too */
    size_t n;
    bool is_unclear;           /* something gave no clear answer */
    struct str unclear_reason; /* what, and why */
    int64_t again_ms;          /* unclear: when it is tried again */
    int64_t tries_max;         /* so many checks without a clear answer, and they are findings */
};

/*
 * Records it and ends the lease; tells when what is found wrong has changed. *ret_stale as above. What was changed
 * meanwhile by dfyd itself counts as unclear: records while they are published, mailboxes that are closed or removed.
 */
MUST_CHECK bool care_record_check(struct db *db, const struct care *care, const struct care_checked *checked,
                                  const struct care_times *times, bool *ret_stale, struct error *reterr);

/* A mailbox that has to work: ready, not suspended, and nothing under way for it. */
struct care_mailbox {
    struct str account_id, email;
    struct str sealed_password; /* bytes for the vault */
};

struct care_subjects {
    struct care_mailbox *mailboxes;
    size_t n_mailboxes;
    bool mail_is_busy, web_is_busy; /* its records of that part are being changed */
    bool web_is_off;                /* its forwarding could not be set up */
    struct str forwarding;          /* as it is */
};

/* What a check has to look at. */
MUST_CHECK bool care_subjects(struct db *db, struct str domain_id, struct arena *arena, struct care_subjects *ret,
                              struct error *reterr);

/*
 * Begins a rotation of NAME's keys now; *ret_rotation: its number. ERR_NOT_FOUND; ERR_CONFLICT: one is under way, the
 * domain is not in use, or dfyd publishes no mail records for it.
 */
MUST_CHECK bool care_rotate(struct db *db, struct str name, int64_t now_ms, int64_t *ret_rotation,
                            struct error *reterr);
/* Keeps what the server works with, lines `name=value`, for commands that check. */
MUST_CHECK bool care_settings_put(struct db *db, struct str settings, struct error *reterr);
/* ERR_CONFLICT names the first of SETTINGS in which they are not those of the last server; empty ones are nobody's. */
MUST_CHECK bool care_settings_match(struct db *db, struct str settings, struct error *reterr);
/* When something is due next; INT64_MAX: nothing. */
MUST_CHECK bool care_next_due(struct db *db, int64_t *ret_ms, struct error *reterr);
/* After a change of the times: what nobody is at is due by them. */
MUST_CHECK bool care_retime(struct db *db, const struct care_times *times, struct error *reterr);
/* Gives up all leases, and works out anew what is due when; at start, when no other process can hold one. */
MUST_CHECK bool care_free_all(struct db *db, const struct care_times *times, struct error *reterr);
