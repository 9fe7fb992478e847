/* inside: what the files of one run share; nobody else includes it. */
#pragma once

#include "core/restricted.h"
#include "hostile.h"
#include "run.h"
#include "step/cancel.h"
#include "step/forward.h"
#include "step/on_account.h"
#include "step/place.h"
#include "step/provision.h"
#include "zones.h"

enum {
    WORKSPACES = 2,
    STOCK = 4,
    STOCK_ACCOUNTS = 2,
    NAMES_MAX = 16,
    REQUESTS_MAX = 120,
    TASKS_MAX = 6,
    HELD_MAX = 12,
};

/* What a client sends; the same again when it repeats itself. Lives as long as the run. */
struct request {
    int no; /* also the number of its body */
    int workspace;
    struct str key, token;
    bool is_on_account, is_on_page;
    struct order order;
};

enum stage { STAGE_FREE, STAGE_CLAIM, STAGE_JUDGE, STAGE_PLACE };

/* A request that dfyd works on. Dies with the process. */
struct task {
    enum stage stage;
    bool is_busy; /* further down on the stack */
    const struct request *request;
    struct arena *arena;
    int rounds, key_life;
    struct check *check;
    int64_t priced_ms;
    struct quote quote;
    struct model_uses uses[MODEL_PROMOTIONS]; /* of each of the model's promotions, when it was priced */
    struct placing placing;
    int64_t claimed_ms; /* of the request's key */
    bool lease_is_over; /* it was once, so others may have ended the order */
    struct model_order *placed_as;
    struct str placed_answer;
};

/* A step that a worker has claimed and not run yet. Dies with the process. */
struct held {
    bool is_used, is_busy;
    struct step step; /* text in the life's arena */
};

struct run {
    struct sim_totals *totals;
    struct crashfs *fs;
    struct history *history;
    struct rng rng, disk_rng, outside_rng, inside_rng; /* one each for choices, disk, hostile and the program's own */
    struct clock clock;
    struct hostile *hostile;
    struct drivers drivers;
    struct restricted *restricted;
    struct vault vault;
    struct ids ids;
    struct store *store; /* NULL while the process is dead */
    struct world world;
    struct model model;
    struct arena *arena; /* lives as long as the run */
    struct arena *life;  /* as long as the process */
    int depth;           /* of work inside work */
    bool is_quiet;       /* nothing fails any more */
    bool disk_fails;     /* more than by losing power */
    struct crashfs_faults disk_faults;
    uint32_t cut_at_point; /* chance in a thousand that the power goes at a named point */
    bool is_long;          /* the clock also moves by weeks and months */
    struct on_account account;
    /* By the operator, and not known yet to be so; without a name or id: nothing. */
    struct model_price asked_price;
    struct model_promotion asked_promotion;
    int64_t account_calls; /* that reached the book of what is owed */
    struct str names[NAMES_MAX];
    size_t n_names;
    struct request *requests;
    size_t n_requests;
    int n_tries;
    struct task tasks[TASKS_MAX];
    struct held held[HELD_MAX];
    struct hand hands[HANDS_MAX]; /* in zones */
    size_t n_hands;
    bool is_touched[NAMES_MAX]; /* of each name, whether its zone was changed by hand since its last repair */
    int64_t audited_moves;      /* of keys, that were really made when the care was last looked at */
    int64_t audited_calls;      /* that the bank and the book had had when orders were last looked at */
};

extern const char *const workspace_ids[WORKSPACES];

bool run_is_dead(const struct run *run);
bool run_happens(struct run *run, uint32_t permille);

/* A new request, or a repeated one; makes a task of it when there is room. */
void client_send(struct run *run);
void client_repeat(struct run *run);
/* Goes on with one of the tasks, chosen by chance; false when there is none that is not busy. */
bool client_work(struct run *run);
/* Cancels mailboxes, mostly its own, at once. */
void client_cancel(struct run *run);
/* Pays on a page, or a notice comes that somebody did. */
void client_pay(struct run *run);
/* Takes another domain in place of one that failed. */
void client_swap(struct run *run);
/* Asks for another try, a repair or a check of a domain. */
void client_mend(struct run *run);
/* Changes or removes the forwarding of a domain, at once. */
void client_forward(struct run *run);

/* One thing of dfyd's own work each; false when there was nothing to run. */
void work_claim(struct run *run);
bool work_run(struct run *run);
void work_settle(struct run *run);
bool work_deliver(struct run *run);
void work_refund(struct run *run);
void work_renew(struct run *run);
void work_care(struct run *run);
/* Goes from one due thing to the next for a while, in which DNS records are changed by hand. */
void work_among_hands(struct run *run);
/* Moves the clock from one due thing to the next, until all that is left is to renew something some weeks later. */
void work_to_the_end(struct run *run);

/* What may be owed on account: opened once a run, over whatever store there is. */
void operator_open_credit(struct run *run);
/* Ends what operator_open_credit began. */
void operator_close_credit(struct run *run);
/* A workspace has another card from now on. */
void operator_change_card(struct run *run);

/* Another price, now or later. */
void operator_change_price(struct run *run);
/* A promotion begins or ends. */
void operator_promote(struct run *run);
/* Has a domain's DKIM keys changed now. */
void operator_rotate(struct run *run);
/* Gives something back by hand, or tries again what failed. */
void operator_see_to_money(struct run *run);
/* For operator_learn. */
MUST_CHECK bool operator_learn_promotions(struct db *db, struct run *run, struct error *reterr);
/* After a start: what an operator asked for before the crash is there, or not. */
void operator_learn(struct run *run);

/* After the clock was moved. */
void client_see_time(struct run *run);
/* The process died: nobody gets an answer. */
void client_forget(struct run *run);

/* What must be true at every moment. ALL: looks at every order, not only when money moved. */
void audit_now(struct run *run, bool all);
/* A client was told that these are cancelled. */
void audit_cancelled(struct run *run, const struct account_row *rows, size_t n);
/* Nobody takes over an order before its lease ends. */
void audit_leases(struct run *run);
/* NEWER, a claim that has not been run yet, still holds its step after an older claim of it was run. */
void audit_fence(struct run *run, const struct step *newer);
bool step_is_same(const struct step *a, const struct step *b);
/* What dfyd's own check says of its books, when nothing is under way. */
void audit_ledger(struct run *run);
/* That what is signed can be verified, and rotations go forwards; QUIET: and have ended. */
void audit_care(struct run *run, bool is_quiet);
/* What must be true once nothing is left to do. */
void audit_quiet(struct run *run);
