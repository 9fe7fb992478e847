/* share: what nodes hold of one window, as tables; and that whatever requests come where, in a window no more than 5%
 * too many pass, and no more than 5% too few. */
#include "core/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "share_row.h"

/* ---- tables ---- */

enum what { ASK, ALONE };

struct line {
    int64_t at_ms;
    unsigned node, tries;
    enum what when_lacking;
    unsigned pass, asked; /* of the tries; how often the row was asked */
    uint32_t left;        /* told with the last */
    int64_t reset_ms;
};

enum { NODES_MAX = 8 };

struct cluster {
    struct limits limits;
    unsigned nodes;
    struct shares shares[NODES_MAX];
    struct row rows[LIMIT_WINDOWS];
    unsigned asked;
    uint64_t refusals;
};

static bool try_at(struct cluster *c, unsigned node, enum what when_lacking, int64_t now_ms, struct limit_verdict *v) {
    const struct shared shared = {&c->limits, &c->shares[node]};
    enum share_verdict verdict;
    while ((verdict = share_try(&shared, 1, c->nodes, now_ms, v)) == SHARE_ASK) {
        for (size_t i = 0; i < LIMIT_WINDOWS; i++) {
            const struct limit *limit = &c->limits.of[i];
            struct share *share = &c->shares[node].of[i];
            if (!share_lacks(share, limit, now_ms)) continue;
            c->asked++;
            if (when_lacking == ALONE) {
                share_alone(share, limit, c->nodes, now_ms);
                continue;
            }
            struct share_question q = share_question(share, limit, 1, c->nodes, now_ms);
            struct share_answer answer = row_take(&c->rows[i], &q, now_ms);
            share_take(share, &answer, now_ms);
        }
    }
    return verdict == SHARE_PASSES;
}

static void run(struct limits limits, unsigned nodes, const struct line *lines, size_t n) {
    struct cluster c = {.limits = limits, .nodes = nodes};
    for (size_t i = 0; i < n; i++) {
        const struct line *line = &lines[i];
        struct limit_verdict v = {0};
        unsigned pass = 0;
        c.asked = 0;
        for (unsigned j = 0; j < line->tries; j++) pass += try_at(&c, line->node, line->when_lacking, line->at_ms, &v);
        if (pass != line->pass || c.asked != line->asked || v.left != line->left || v.reset_ms != line->reset_ms)
            fail_msg("line %zu: %u pass, asked %u times, %u left, reset in %lld ms", i, pass, c.asked, v.left,
                     (long long)v.reset_ms);
    }
}
#define RUN(limits, nodes, lines) run(limits, nodes, lines, ARRAY_LEN(lines))

static const struct limits hundred = {{{100, 1000}}}, sixty = {{{60, 1000}}}, three = {{{3, 1000}}};

/* Alone, it is the fixed window of limit.h to the request. */
static void one_node_is_exact(void **state) {
    (void)state;
    static const struct line lines[] = {
        {5000, 0, 5, ASK, 5, 0, 95, 1000},  {5100, 0, 1, ASK, 1, 1, 94, 900}, {5100, 0, 5, ASK, 5, 0, 89, 900},
        {5999, 0, 89, ASK, 89, 15, 0, 1},   {5999, 0, 9, ASK, 0, 0, 0, 1},    {6000, 0, 1, ASK, 1, 0, 99, 1000},
        {6001, 0, 99, ASK, 99, 16, 0, 999}, {6001, 0, 1, ASK, 0, 0, 0, 999},  {7000, 0, 5, ASK, 5, 0, 95, 1000},
        {8500, 0, 1, ASK, 1, 1, 99, 1000},
    };
    RUN(hundred, 1, lines);
}

/* 5% of 3 is nothing: each is asked for. */
static void a_small_limit_is_exact_on_any_number(void **state) {
    (void)state;
    static const struct line lines[] = {
        {0, 0, 1, ASK, 1, 1, 2, 1000},    {100, 1, 1, ASK, 1, 1, 1, 900}, {200, 2, 2, ASK, 1, 1, 0, 800},
        {300, 0, 5, ASK, 0, 1, 0, 700},   {300, 1, 5, ASK, 0, 1, 0, 700}, {999, 2, 1, ASK, 0, 0, 0, 1},
        {1000, 2, 1, ASK, 1, 1, 2, 1000},
    };
    RUN(three, 3, lines);
}

/* What nodes let pass by themselves is told with their first question. */
static void a_window_begins_with_what_passed_first(void **state) {
    (void)state;
    static const struct line lines[] = {
        {0, 0, 1, ASK, 1, 0, 59, 1000},   /* of its own, untold */
        {400, 1, 2, ASK, 2, 1, 58, 1000}, /* asks: the window began at 400, there */
        {500, 0, 1, ASK, 1, 1, 56, 900},  /* and the first at 0 was before it */
        {1399, 0, 90, ASK, 56, 28, 0, 1}, {1399, 1, 9, ASK, 1, 1, 0, 1}, {1400, 1, 1, ASK, 1, 0, 59, 1000},
    };
    RUN(sixty, 3, lines);
}

/* Who comes once a second makes every second one wait for the row at most. */
static void the_part_is_had_once_in_two_windows(void **state) {
    (void)state;
    static const struct line lines[] = {
        {900, 0, 1, ASK, 1, 0, 59, 1000},
        {1950, 0, 1, ASK, 1, 1, 59, 1000},
        {2990, 0, 1, ASK, 1, 0, 59, 1000},
        {9000, 0, 1, ASK, 1, 0, 59, 1000},
    };
    RUN(sixty, 3, lines);
}

static void without_the_row_each_has_its_part(void **state) {
    (void)state;
    static const struct line lines[] = {
        {0, 0, 30, ALONE, 20, 1, 0, 1000},
        {400, 1, 30, ALONE, 20, 1, 0, 1000},
        {999, 0, 9, ALONE, 0, 0, 0, 1},
        {1400, 0, 2, ASK, 2, 1, 58, 1000},
    };
    RUN(sixty, 3, lines);
    static const struct limits minute = {{{60, 60000}}};
    static const struct line longer[] = {
        {0, 0, 30, ALONE, 20, 1, 0, 1000},
        {1000, 0, 30, ALONE, 0, 1, 0, 1000},
        {2000, 0, 10, ASK, 10, 5, 30, 58000}, /* the row is there again, and is told of the 20 */
    };
    RUN(minute, 3, longer);
    static const struct line few[] = {{0, 0, 5, ALONE, 1, 1, 0, 1000}};
    RUN(three, 5, few);
}

static void both_windows_or_none(void **state) {
    (void)state;
    static const struct limits both = {{{10, 1000}, {15, 60000}}};
    static const struct line lines[] = {
        {0, 0, 11, ASK, 10, 20, 0, 1000},  {500, 1, 1, ASK, 0, 2, 0, 500},    {1000, 1, 9, ASK, 5, 9, 0, 59000},
        {1100, 0, 1, ASK, 0, 2, 0, 58900}, {60000, 0, 1, ASK, 1, 2, 9, 1000},
    };
    RUN(both, 4, lines);
}

/* ---- any requests, anywhere ---- */

static uint64_t next(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static unsigned below(uint64_t *seed, unsigned n) {
    return (unsigned)(next(seed) % n);
}

struct counts {
    int64_t began_ms; /* of the window of the row */
    uint64_t passed;
    bool refused; /* somebody, since nothing was left */
};

static void check(const struct cluster *c, const struct counts *counts, uint64_t seed) {
    uint64_t most = c->limits.of[0].most;
    if (counts->passed * 100 > most * 105)
        fail_msg("seed %llu: %llu of %llu passed on %u nodes", (unsigned long long)seed,
                 (unsigned long long)counts->passed, (unsigned long long)most, c->nodes);
    if (counts->refused && counts->passed * 100 < most * 95)
        fail_msg("seed %llu: only %llu of %llu passed on %u nodes", (unsigned long long)seed,
                 (unsigned long long)counts->passed, (unsigned long long)most, c->nodes);
}

enum { LASTS = 1000, PASSES_MAX = 1 << 15, TURNS = 4000 };

/* Where and when what passed did; windows of the row are known only afterwards, as they begin in the past. */
struct passes {
    int64_t at_ms[PASSES_MAX];
    size_t n;
};

/* All that passed in [FROM, FROM + LASTS). */
static uint64_t passed_in(const struct passes *passes, int64_t from_ms) {
    uint64_t n = 0;
    for (size_t i = passes->n; i-- && passes->at_ms[i] >= from_ms;) n += passes->at_ms[i] < from_ms + LASTS;
    return n;
}

/*
 * Bursts of any size at any node, pauses of any length around a window's. After each window of the row: all that passed
 * in it, told or not, is at most 5% too much; and if anybody was refused in it, at most 5% too little.
 */
static void play(uint64_t seed) {
    static struct passes passes;
    uint64_t s = seed * 0x9e3779b97f4a7c15u + 1;
    for (int i = 0; i < 8; i++) next(&s);
    struct cluster c = {.nodes = 1 + below(&s, NODES_MAX)};
    static const uint32_t mosts[] = {1, 2, 7, 19, 20, 60, 100, 161, 480, 1000};
    c.limits.of[0] = (struct limit){mosts[below(&s, ARRAY_LEN(mosts))], LASTS};
    unsigned burst = 1 + below(&s, c.limits.of[0].most + c.limits.of[0].most / 2 + 1), skew = below(&s, 3);
    passes.n = 0;
    bool refused = false;
    struct row last = {0};
    int64_t now_ms = INT64_C(10) * LASTS;
    for (int turn = 0; turn < TURNS; turn++) {
        static const int64_t pauses[] = {0, 1, 3, 20, 100, 300, 700, 999, 1000, 1001, 2500};
        now_ms += pauses[below(&s, ARRAY_LEN(pauses))];
        unsigned node = below(&s, c.nodes);
        if (skew == 1 && below(&s, 8)) node = 0;
        unsigned tries = skew == 2 && node ? 1 : 1 + below(&s, burst);
        for (unsigned i = 0; i < tries && passes.n < PASSES_MAX; i++) {
            struct limit_verdict v;
            bool passed = try_at(&c, node, ASK, now_ms, &v);
            if (c.rows[0].exists && last.exists && c.rows[0].began_ms != last.began_ms) {
                check(&c, &(struct counts){last.began_ms, passed_in(&passes, last.began_ms), refused}, seed);
                refused = false;
            }
            last = c.rows[0];
            refused = refused || !passed;
            if (passed) passes.at_ms[passes.n++] = now_ms;
        }
        if (passes.n == PASSES_MAX) return;
    }
}

static void within_five_percent_whatever_comes_where(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) play(seed);
}

/* The worst for a workspace: every node but one gets a single request, and then nobody asks them again. */
static void what_lies_unused_is_little(void **state) {
    (void)state;
    for (unsigned nodes = 1; nodes <= NODES_MAX; nodes++)
        for (uint32_t most = 1; most <= 2000; most++) {
            struct cluster c = {.nodes = nodes, .limits = {{{most, LASTS}}}};
            uint64_t passed = 0;
            struct limit_verdict v;
            for (unsigned node = 1; node < nodes; node++)
                for (unsigned i = 0; i <= share_part(most, nodes); i++) passed += try_at(&c, node, ASK, 0, &v);
            while (try_at(&c, 0, ASK, 1, &v)) passed++;
            if (passed > most || passed * 100 < (uint64_t)most * 95)
                fail_msg("%llu of %u pass on %u nodes", (unsigned long long)passed, most, nodes);
        }
}

/* The worst for the limit: one node takes everything, the others let pass what they may by themselves, all the time. */
static void what_is_let_pass_alone_is_little(void **state) {
    (void)state;
    for (unsigned nodes = 2; nodes <= NODES_MAX; nodes++) {
        struct cluster c = {.nodes = nodes, .limits = {{{1000, LASTS}}}};
        uint64_t passed = 0;
        struct limit_verdict v;
        int64_t until = -1, now_ms = LASTS;
        for (int window = 0; window < 200; now_ms++) {
            while (try_at(&c, 0, ASK, now_ms, &v)) passed++;
            for (unsigned node = 1; node < nodes; node++)
                while (c.shares[node].of[0].left || now_ms >= c.shares[node].of[0].end_ms) {
                    const struct shared shared = {&c.limits, &c.shares[node]};
                    if (share_try(&shared, 1, nodes, now_ms, &v) != SHARE_PASSES) break;
                    passed++;
                }
            if (now_ms < until) continue;
            until = c.rows[0].began_ms + LASTS;
            window++;
        }
        double a_window = (double)passed / 201;
        if (a_window > 1050 || a_window < 1000) fail_msg("%u nodes: %.1f of 1000 in a window", nodes, a_window);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_node_is_exact),
        cmocka_unit_test(a_small_limit_is_exact_on_any_number),
        cmocka_unit_test(a_window_begins_with_what_passed_first),
        cmocka_unit_test(the_part_is_had_once_in_two_windows),
        cmocka_unit_test(without_the_row_each_has_its_part),
        cmocka_unit_test(both_windows_or_none),
        cmocka_unit_test(within_five_percent_whatever_comes_where),
        cmocka_unit_test(what_lies_unused_is_little),
        cmocka_unit_test(what_is_let_pass_alone_is_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
