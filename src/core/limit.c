#include "core/limit.h"

static bool is_over(const struct allowance *a, size_t i, const struct limit *limit, int64_t now_ms) {
    return now_ms >= a->end_ms[i] || now_ms < a->end_ms[i] - 2 * (int64_t)limit->lasts_ms;
}

/* What the verdict shows is the smallest LEFT, and of equals the latest end. */
static void show(struct limit_verdict *verdict, uint32_t most, uint32_t left, int64_t reset_ms) {
    if (verdict->most && (left > verdict->left || (left == verdict->left && reset_ms <= verdict->reset_ms))) return;
    verdict->most = most;
    verdict->left = left;
    verdict->reset_ms = reset_ms;
}

struct limit_verdict limit_ask(const struct limited *limited, size_t n, int64_t now_ms) {
    struct limit_verdict verdict = {.passes = true};
    for (size_t k = 0; k < n; k++) {
        const struct allowance *a = limited[k].allowance;
        for (size_t i = 0; limited[k].limits && i < LIMIT_WINDOWS; i++) {
            const struct limit *limit = &limited[k].limits->of[i];
            if (!limit->most || a->left[i] || is_over(a, i, limit, now_ms)) continue;
            verdict.passes = false;
            show(&verdict, limit->most, 0, a->end_ms[i] - now_ms);
        }
    }
    if (!verdict.passes) return verdict;
    for (size_t k = 0; k < n; k++) {
        struct allowance *a = limited[k].allowance;
        for (size_t i = 0; limited[k].limits && i < LIMIT_WINDOWS; i++) {
            const struct limit *limit = &limited[k].limits->of[i];
            if (!limit->most) continue;
            if (is_over(a, i, limit, now_ms)) {
                a->end_ms[i] = now_ms + limit->lasts_ms;
                a->left[i] = limit->most;
            }
            a->left[i]--;
            show(&verdict, limit->most, a->left[i], a->end_ms[i] - now_ms);
        }
    }
    return verdict;
}

bool allowance_is_idle(const struct allowance *allowance, int64_t now_ms) {
    for (size_t i = 0; i < LIMIT_WINDOWS; i++)
        if (now_ms < allowance->end_ms[i]) return false;
    return true;
}
