/*
 * share: a limit of requests (limit.h) that several nodes keep together. Each window of a workspace is a row that all
 * nodes know; a node takes shares of it before it lets requests pass. Pure: what a node holds, and a time, in; a
 * verdict or what to ask the row for, out.
 *
 * Of MOST requests in a window, on N nodes:
 * - A node lets 5%/N pass of its own account, so that who asks seldom never makes it wait. It tells the row with its
 *   next question. What all nodes let pass so is at most 5% beyond MOST: in two windows of its own that follow each
 *   other closely a node has that part once.
 * - A share is what waits for it at the moment, and 5%/N on top, less towards the end. So what lies unused on nodes
 *   that nobody asks any more is at most 5%.
 * - When the row cannot be asked, a node lets MOST/N pass, and asks again after SHARE_ALONE_MS.
 *
 * A window begins with the first request that passes anywhere, but for what a node let pass of its own account without
 * ever asking. docs/postgresql.md tells the operator.
 */
#pragma once

#include "core/limit.h"

enum { SHARE_ALONE_MS = 1000 };

/* What a node holds of one window. All zero: nothing was asked yet. Times are of one steady clock of the node's. */
struct share {
    int64_t began_ms, end_ms;
    int64_t alone_ms; /* it is alone until then: the row could not be asked; 0: it is not */
    uint32_t left;    /* may pass without asking */
    uint32_t passed;  /* in this window, here */
    uint32_t own;     /* of them on its own account, which the row was not told */
    uint32_t rest;    /* of the row when it was asked last */
    bool was_told;    /* the row was asked in this window: LEFT is its answer, unless alone */
};

struct shares {
    struct share of[LIMIT_WINDOWS];
};

/* LIMITS may be NULL: none. */
struct shared {
    const struct limits *limits;
    struct shares *shares;
};

enum share_verdict { SHARE_PASSES, SHARE_REFUSED, SHARE_ASK };

/* 5% of MOST for each of NODES (at least 1), rounded down. */
uint32_t share_part(uint32_t most, unsigned nodes);
/*
 * Whether a request that all N of SHARED apply to passes at NOW_MS, and counts it if so. SHARE_ASK: nothing was
 * counted; ask for the windows that share_lacks, and come again. *RET is as limit_ask's, but for SHARE_ASK. Its LEFT is
 * what this node knows: others may have taken of it since.
 */
enum share_verdict share_try(const struct shared *shared, size_t n, unsigned nodes, int64_t now_ms,
                             struct limit_verdict *ret);
/* After SHARE_ASK, at the same time: whether this window is one to ask for. */
bool share_lacks(const struct share *share, const struct limit *limit, int64_t now_ms);

/* What a row is asked. */
struct share_question {
    uint32_t most, lasts_ms;
    int64_t age_ms;   /* since this node's window began */
    uint32_t own;     /* passed here since then, not told yet */
    uint32_t waiting; /* requests that need one each */
    uint32_t extra;   /* wanted on top */
    uint32_t nodes;
};
/* What it said. All of it is given when it was not the end: GIVEN below `waiting` means REST is 0. */
struct share_answer {
    uint32_t given, rest;
    int64_t ends_in_ms; /* when the answer came; above 0 */
};

struct share_question share_question(const struct share *share, const struct limit *limit, unsigned waiting,
                                     unsigned nodes, int64_t now_ms);
void share_take(struct share *share, const struct share_answer *answer, int64_t now_ms);
/* The row did not answer. */
void share_alone(struct share *share, const struct limit *limit, unsigned nodes, int64_t now_ms);
