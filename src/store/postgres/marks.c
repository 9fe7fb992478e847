#include "store/postgres/marks.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "store/engine.h"
#include "store/postgres/transaction.h"

enum { PAUSE_MS = 100, BATCH = 5000 };

bool mark_queue(struct db *db, struct str id, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "INSERT INTO write_marks (id) VALUES ($1)");
    stmt_text(stmt, 1, id);
    return stmt_queue(stmt, reterr);
}

struct question {
    const char *id;
    bool happened;
};

/* Waits for a transaction that is still being committed. The update after a conflict changes nothing, but its own
 * commit waits for the standbys that the other one waited for. */
static bool ask(struct db *db, void *arg, struct error *reterr) {
    struct question *question = arg;
    struct stmt *stmt = db_stmt(db, "INSERT INTO write_marks (id, closed) VALUES ($1, 1)"
                                    " ON CONFLICT (id) DO UPDATE SET closed = write_marks.closed RETURNING closed");
    stmt_text(stmt, 1, str_of(question->id));
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    question->happened = stmt_col_int(stmt, 0) == 0;
    stmt_done(stmt);
    return true;
}

bool mark_ask(struct pool *pool, const char *id, int64_t until, bool *ret_happened, struct error *reterr) {
    struct question question = {.id = id};
    const struct call call = {.scope = SCOPE_CLAIM, .has_no_locks = true, .fn = ask, .arg = &question, .until = until};
    for (;;) {
        struct did did;
        if (transaction_run(pool, &call, &did, reterr)) {
            *ret_happened = question.happened;
            return true;
        }
        /* Whatever it was: as long as there is time, somebody may answer. */
        if (clock_steady_ms() >= until) return false;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
}

/* Marks begin with the time of their making, as UUIDs of version 7 do (RFC 9562 section 5.7). */
static bool clean(struct db *db, void *arg, struct error *reterr) {
    bool *more = arg;
    struct stmt *stmt =
        db_stmt(db, "DELETE FROM write_marks WHERE id IN (SELECT id FROM write_marks WHERE id < (SELECT"
                    " regexp_replace(lpad(to_hex(CAST(EXTRACT(EPOCH FROM clock_timestamp() - INTERVAL '1 day') * 1000"
                    " AS BIGINT)), 12, '0'), '(.{8})', '\\1-')) ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)");
    int64_t n;
    stmt_int(stmt, 1, BATCH);
    if (!stmt_run(stmt, &n, reterr)) return false;
    *more = n == BATCH;
    return true;
}

bool marks_clean(struct pool *pool, int64_t until, bool *ret_more, struct error *reterr) {
    bool more = false;
    struct did did;
    const struct call call = {.scope = SCOPE_CLAIM, .has_no_locks = true, .fn = clean, .arg = &more, .until = until};
    if (!transaction_run(pool, &call, &did, reterr)) return false;
    *ret_more = more;
    return true;
}
