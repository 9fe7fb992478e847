#include "store/rates.h"

#include "store/rows.h"

static struct str question_text(const struct rate_question *question, struct arena *arena) {
    const struct share_question *q = &question->asks;
    return arena_printf(arena, "%.*s %u %u %lld %u %u %u %u", STR_ARG(question->kind), q->most, q->lasts_ms,
                        (long long)q->age_ms, q->own, q->waiting, q->extra, q->nodes);
}

/* The Nth word of a question. */
#define WORD(n) "CAST(split_part(q.value, ' ', " #n ") AS BIGINT)"

bool rates_take(struct db *db, struct str workspace_id, const struct rate_question *questions, size_t n,
                struct share_answer *ret, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct str texts[RATES_AT_ONCE];
    for (size_t i = 0; i < n; i++) texts[i] = question_text(&questions[i], arena);
    struct stmt *stmt =
        db_stmt(db, DB_ONLY_POSTGRES("SELECT t.given, t.rest, t.ends_in_ms FROM list($2) q,"
                                     " LATERAL rate_take($1, split_part(q.value, ' ', 1), " WORD(2) ", " WORD(
                                         3) ", " WORD(4) ", " WORD(5) ", " WORD(6) ", " WORD(7) ", " WORD(8) ") t"));
    stmt_text(stmt, 1, workspace_id);
    stmt_list(stmt, 2, texts, n);
    for (size_t i = 0; i < n; i++) {
        enum db_step step = stmt_step(stmt, reterr);
        if (step == DB_FAIL) return false;
        if (step == DB_END) return error_set(reterr, ERR_INTERNAL, "the database answered too few rate limits");
        ret[i] = (struct share_answer){
            .given = (uint32_t)stmt_col_int(stmt, 0),
            .rest = (uint32_t)stmt_col_int(stmt, 1),
            .ends_in_ms = stmt_col_int(stmt, 2),
        };
    }
    stmt_done(stmt);
    return true;
}
