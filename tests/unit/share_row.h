/* share_row: a row of rate_windows as rate_take keeps it in 009-baseline.sql; test_store_news compares the two. */
#pragma once

#include "core/share.h"

struct row {
    bool exists;
    int64_t began_ms;
    int64_t taken;
};

static inline int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline struct share_answer row_take(struct row *row, const struct share_question *q, int64_t now_ms) {
    int64_t asker_ms = now_ms - q->age_ms, taken = 0;
    if (!row->exists || now_ms >= row->began_ms + q->lasts_ms) {
        bool follows = row->exists && asker_ms < row->began_ms + q->lasts_ms;
        row->began_ms = follows ? row->began_ms + q->lasts_ms : asker_ms;
    } else {
        taken = row->taken;
    }
    if (asker_ms >= row->began_ms) taken += q->own;
    int64_t room = taken < q->most ? q->most - taken : 0;
    int64_t given = smaller(room, q->waiting + smaller(q->extra, room / q->nodes));
    row->exists = true;
    row->taken = taken + given;
    return (struct share_answer){(uint32_t)given, (uint32_t)(room - given), row->began_ms + q->lasts_ms - now_ms};
}
