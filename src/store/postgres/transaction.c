#include "store/postgres/transaction.h"

#include <sodium.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "store/postgres/listen.h"
#include "store/postgres/marks.h"

enum {
    PAUSE_MS = 20,    /* before a transaction is run again, at most; twice as much each time, up to 16 times */
    COMMIT_MS = 1000, /* for the answer to a commit, at least */
};

enum outcome {
    OUTCOME_DONE,
    OUTCOME_FAILED, /* nothing happened, and the caller is to know why */
    OUTCOME_AGAIN,  /* nothing happened, and it may work next time */
    OUTCOME_UNSURE,
};

/*
 * Limits of this transaction, not of the session: with PgBouncer the next one may be somebody else's. A server that
 * lost the network in the middle of a pipeline waits for the rest of it without a time-out of its own, and holds our
 * locks: there the keepalives end it.
 */
static bool queue_limits(struct db *db, int64_t until, struct error *reterr) {
    /* The server's time-outs come first: they say more. */
    int64_t left = (until - clock_steady_ms()) * 9 / 10;
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)(left > 1 ? left : 1));
    struct stmt *stmt =
        db_stmt(db, "SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $1, true),"
                    " set_config('idle_in_transaction_session_timeout', $1, true),"
                    " set_config('tcp_keepalives_idle', '10', true), set_config('tcp_keepalives_interval', '5', true),"
                    " set_config('tcp_keepalives_count', '3', true), set_config('tcp_user_timeout', '20000', true)");
    stmt_text(stmt, 1, str_of(text));
    return stmt_queue(stmt, reterr);
}

/* 1684437348 is the class of dfyd's advisory locks; its first key is migrate.c's. The locks of workspaces are apart. */
static bool queue_locks(struct db *db, const struct call *call, struct error *reterr) {
    struct stmt *stmt;
    switch (call->scope) {
    case SCOPE_OPERATOR:
        stmt = db_stmt(db, "SELECT pg_advisory_xact_lock(1684437348, 2)");
        break;
    case SCOPE_WORKSPACE:
        stmt = db_stmt(db, "SELECT pg_advisory_xact_lock_shared(1684437348, 2), pg_advisory_xact_lock($1)");
        stmt_int(stmt, 1, (int64_t)str_hash(call->workspace_id));
        break;
    case SCOPE_CLAIM:
    default:
        stmt = db_stmt(db, "SELECT pg_advisory_xact_lock_shared(1684437348, 2)");
        break;
    }
    return stmt_queue(stmt, reterr);
}

static bool queue_begin(struct db *db, const struct call *call, const char *mark, struct error *reterr) {
    if (call->is_read)
        return stmt_queue(db_stmt(db, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"), reterr) &&
               queue_limits(db, call->until, reterr);
    return stmt_queue(db_stmt(db, "BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE"), reterr) &&
           queue_limits(db, call->until, reterr) && (call->has_no_locks || queue_locks(db, call, reterr)) &&
           (!mark || mark_queue(db, str_of(mark), reterr));
}

/* A commit that waits for a standby must not be cut short by the time-out: it would be kept here and not there. */
static bool queue_end(struct db *db, bool tells, struct error *reterr) {
    if (!stmt_queue(db_stmt(db, "SELECT set_config('statement_timeout', '0', true)"), reterr)) return false;
    if (connection_touched(db)) return stmt_queue(db_stmt(db, LISTEN_SAY_IDENTITIES), reterr);
    return !tells || stmt_queue(db_stmt(db, LISTEN_SAY_NEWS), reterr);
}

static enum outcome commit(struct db *db, const struct call *call, struct error *reterr) {
    bool was_sent = false;
    int64_t least = clock_steady_ms() + COMMIT_MS;
    connection_until(db, call->until > least ? call->until : least);
    if (queue_end(db, call->tells, reterr) && connection_commit(db, &was_sent, reterr)) return OUTCOME_DONE;
    enum trouble trouble = connection_trouble(db);
    if (trouble == TROUBLE_LOST && was_sent) return OUTCOME_UNSURE;
    connection_leave(db);
    *reterr = *connection_failure(db);
    return trouble > TROUBLE_STATEMENT ? OUTCOME_AGAIN : OUTCOME_FAILED;
}

static enum outcome run_once(struct db *db, const struct call *call, const char *mark, struct error *reterr) {
    connection_until(db, call->until);
    *reterr = (struct error){ERR_NONE, ""};
    bool ok = queue_begin(db, call, mark, reterr);
    connection_mine(db, false);
    ok = ok && call->fn(db, call->arg, reterr);
    db_rest(db);
    enum trouble trouble = connection_trouble(db);
    if (trouble > TROUBLE_STATEMENT) {
        connection_leave(db);
        *reterr = *connection_failure(db);
        return OUTCOME_AGAIN;
    }
    if (ok && trouble == TROUBLE_STATEMENT) {
        ok = error_set(reterr, ERR_INTERNAL, "a statement failed, and its change was to be kept: %s",
                       connection_failure(db)->message);
    }
    if (ok && !call->is_read && connection_may_have_changed(db)) return commit(db, call, reterr);
    connection_leave(db);
    return ok ? OUTCOME_DONE : OUTCOME_FAILED;
}

/* ---- until it is done ---- */

static void pause_before(int times, int64_t until) {
    int64_t most = PAUSE_MS << (times < 4 ? times : 4), left = until - clock_steady_ms();
    if (most > left) most = left > 1 ? left : 1;
    int64_t ms = 1 + randombytes_uniform((uint32_t)most);
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void learn(struct pool *pool, enum trouble trouble) {
    if (trouble == TROUBLE_LOST || trouble == TROUBLE_AFRESH) pool_suspect(pool);
    if (trouble == TROUBLE_UNNAMED) pool_go_unnamed(pool);
}

/* MARK NULL: none. */
static enum outcome try_once(struct pool *pool, const struct call *call, const char *mark, struct did *did,
                             struct error *reterr) {
    struct db *db;
    if (!pool_take(pool, call->until, &db, reterr)) return OUTCOME_FAILED;
    enum outcome outcome = run_once(db, call, mark, reterr);
    did->changed = !call->is_read && connection_may_have_changed(db);
    did->touched = connection_touched(db);
    learn(pool, connection_trouble(db));
    pool_give(pool, db);
    return outcome;
}

/* After a lost commit. */
static enum outcome clear_up(struct pool *pool, const struct call *call, const char *mark, struct error *reterr) {
    int64_t until = clock_steady_ms() + call->ask_ms;
    bool happened = false;
    if (until < call->until) until = call->until;
    if (mark && mark_ask(pool, mark, until, &happened, reterr)) return happened ? OUTCOME_DONE : OUTCOME_AGAIN;
    return OUTCOME_UNSURE;
}

bool transaction_run(struct pool *pool, const struct call *call, struct did *ret, struct error *reterr) {
    for (int times = 0;; times++) {
        char mark[UUID_TEXT];
        struct did did = {false, false};
        if (call->ids) ids_uuid(call->ids, mark);
        enum outcome outcome = try_once(pool, call, call->ids ? mark : NULL, &did, reterr);
        if (outcome == OUTCOME_UNSURE) {
            outcome = clear_up(pool, call, call->ids ? mark : NULL, reterr);
            did.changed = true; /* its commit was sent */
        }
        switch (outcome) {
        case OUTCOME_DONE:
            *ret = did;
            return true;
        case OUTCOME_FAILED:
            return false;
        case OUTCOME_UNSURE:
            *ret = did;
            return error_set(reterr, ERR_UNSURE,
                             "the connection to the database was lost during a commit, and nobody says since then"
                             " whether it happened");
        case OUTCOME_AGAIN:
            break;
        }
        if (clock_steady_ms() >= call->until) {
            if (reterr->code == ERR_NONE) errors_away("a commit was lost, and did not happen", NULL, reterr);
            return false;
        }
        pause_before(times, call->until);
    }
}

bool transaction_none(struct pool *pool, int64_t until, store_fn *fn, void *arg, struct error *reterr) {
    struct db *db;
    if (!pool_take(pool, until, &db, reterr)) return false;
    connection_until(db, until);
    connection_alone(db, 0);
    *reterr = (struct error){ERR_NONE, ""};
    bool ok = fn(db, arg, reterr);
    db_rest(db);
    learn(pool, connection_trouble(db));
    pool_give(pool, db);
    return ok;
}
