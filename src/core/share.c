#include "core/share.h"

enum { PART = 20 }; /* 1/20 is 5% */

uint32_t share_part(uint32_t most, unsigned nodes) {
    return most / PART / (nodes ? nodes : 1);
}

static bool is_over(const struct share *share, const struct limit *limit, int64_t now_ms) {
    return now_ms >= share->end_ms || now_ms < share->end_ms - 2 * (int64_t)limit->lasts_ms;
}

/* Begins a window of the node's own at NOW_MS. */
static void begin(struct share *share, const struct limit *limit, unsigned nodes, int64_t now_ms) {
    /* A window of others may lie over the end of the last one and the beginning of this one. */
    bool counts = now_ms >= share->end_ms && now_ms < share->end_ms + (int64_t)limit->lasts_ms;
    uint32_t last = counts ? share->own : 0, part = share_part(limit->most, nodes);
    *share = (struct share){
        .began_ms = now_ms,
        .end_ms = now_ms + (int64_t)limit->lasts_ms,
        .left = part > last ? part - last : 0,
    };
}

/* Whether nothing passes until the window ends, or until the row can be asked again. */
static bool is_refused(const struct share *share, int64_t now_ms) {
    if (share->left) return false;
    return share->alone_ms ? now_ms < share->alone_ms : share->was_told && !share->rest;
}

bool share_lacks(const struct share *share, const struct limit *limit, int64_t now_ms) {
    return limit->most && !share->left && !is_refused(share, now_ms);
}

static uint32_t known_left(const struct share *share, const struct limit *limit) {
    if (share->alone_ms) return share->left;
    if (share->was_told) return share->rest + share->left;
    return share->passed < limit->most ? limit->most - share->passed : 0;
}

/* As in limit.c: the smallest LEFT, and of equals the latest end. */
static void show(struct limit_verdict *verdict, uint32_t most, uint32_t left, int64_t reset_ms) {
    if (verdict->most && (left > verdict->left || (left == verdict->left && reset_ms <= verdict->reset_ms))) return;
    verdict->most = most;
    verdict->left = left;
    verdict->reset_ms = reset_ms;
}

static void count(struct share *share) {
    share->left--;
    share->passed++;
    if (!share->was_told || share->alone_ms) share->own++;
}

/* A request that lacks something somewhere is counted nowhere. */
static void judge(const struct shared *one, unsigned nodes, int64_t now_ms, struct limit_verdict *ret, bool *ret_asks) {
    for (size_t i = 0; one->limits && i < LIMIT_WINDOWS; i++) {
        const struct limit *limit = &one->limits->of[i];
        struct share *share = &one->shares->of[i];
        if (!limit->most) continue;
        if (is_over(share, limit, now_ms)) begin(share, limit, nodes, now_ms);
        if (share_lacks(share, limit, now_ms)) *ret_asks = true;
        if (!is_refused(share, now_ms)) continue;
        ret->passes = false;
        int64_t until_ms = share->alone_ms && share->alone_ms < share->end_ms ? share->alone_ms : share->end_ms;
        show(ret, limit->most, 0, until_ms - now_ms);
    }
}

static void pass(const struct shared *one, int64_t now_ms, struct limit_verdict *ret) {
    for (size_t i = 0; one->limits && i < LIMIT_WINDOWS; i++) {
        const struct limit *limit = &one->limits->of[i];
        struct share *share = &one->shares->of[i];
        if (!limit->most) continue;
        count(share);
        show(ret, limit->most, known_left(share, limit), share->end_ms - now_ms);
    }
}

enum share_verdict share_try(const struct shared *shared, size_t n, unsigned nodes, int64_t now_ms,
                             struct limit_verdict *ret) {
    *ret = (struct limit_verdict){.passes = true};
    bool asks = false;
    for (size_t k = 0; k < n; k++) judge(&shared[k], nodes, now_ms, ret, &asks);
    if (!ret->passes) return SHARE_REFUSED;
    if (asks) return SHARE_ASK;
    for (size_t k = 0; k < n; k++) pass(&shared[k], now_ms, ret);
    return SHARE_PASSES;
}

struct share_question share_question(const struct share *share, const struct limit *limit, unsigned waiting,
                                     unsigned nodes, int64_t now_ms) {
    return (struct share_question){
        .most = limit->most,
        .lasts_ms = limit->lasts_ms,
        .age_ms = now_ms > share->began_ms ? now_ms - share->began_ms : 0,
        .own = share->own,
        .waiting = waiting,
        .extra = share_part(limit->most, nodes),
        .nodes = nodes ? nodes : 1,
    };
}

void share_take(struct share *share, const struct share_answer *answer, int64_t now_ms) {
    share->end_ms = now_ms + answer->ends_in_ms;
    share->alone_ms = 0;
    share->left = answer->given;
    share->rest = answer->rest;
    share->own = 0;
    share->was_told = true;
}

void share_alone(struct share *share, const struct limit *limit, unsigned nodes, int64_t now_ms) {
    uint32_t part = limit->most / (nodes ? nodes : 1);
    if (part == 0) part = 1;
    share->alone_ms = now_ms + SHARE_ALONE_MS;
    share->left = part > share->passed ? part - share->passed : 0;
}
