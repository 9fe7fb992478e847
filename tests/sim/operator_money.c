/* What operators do by hand about money: give back a part of a bill, and try again what failed. */
#include "inside.h"
#include "store/refunds.h"
#include "store/renewals.h"

static uint32_t draw(struct run *run, uint32_t below) {
    return rng_below(&run->rng, below);
}

struct job {
    struct run *run;
    struct arena *arena;
    struct str id;
    cents amount;
    char refund_id[UUID_TEXT];
    const char *sql;
    uint32_t at;
};

/* One of the rows that SQL finds; empty when there is none. */
static bool pick(struct db *db, void *arg, struct error *reterr) {
    struct job *job = arg;
    struct stmt *stmt = db_stmt(db, job->sql);
    uint32_t n = 0;
    enum db_step step;
    job->id = STR("");
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        if (n++ == 0 || n % 8 == job->at % 8) job->id = arena_str(job->arena, stmt_col_text(stmt, 0));
    return step == DB_END;
}

static bool find(struct job *job, const char *sql) {
    struct error error = {0};
    job->sql = sql;
    job->at = draw(job->run, 8);
    return job->run->store && store_read(job->run->store, pick, job, &error) && job->id.n > 0;
}

static bool make_refund(struct db *db, void *arg, struct error *reterr) {
    struct job *job = arg;
    return refund_make(db, &job->run->ids, job->id, job->amount, STR("a kindness"), clock_now(&job->run->clock),
                       job->refund_id, reterr);
}

static bool retry_refund(struct db *db, void *arg, struct error *reterr) {
    const struct job *job = arg;
    return refund_retry(db, job->id, clock_now(&job->run->clock), reterr);
}

static bool retry_renewal(struct db *db, void *arg, struct error *reterr) {
    const struct job *job = arg;
    return renewal_retry(db, job->id, clock_now(&job->run->clock), reterr);
}

static void change(struct job *job, store_fn *how, const char *what) {
    struct run *run = job->run;
    struct error error = {0};
    bool ok = store_write(run->store, how, job, &error);
    history_add(run->history, "operator: %s %.*s%s%s", what, STR_ARG(history_id(job->id)), ok ? "" : ": ",
                error.message);
}

void operator_see_to_money(struct run *run) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(2048);
    struct job job = {.run = run, .arena = arena};
    uint32_t kind = draw(run, 10);
    if (kind < 3) {
        job.amount = 1 + (cents)draw(run, 900);
        if (find(&job, "SELECT bill_id FROM payments WHERE kind = 'charge' AND state = 'succeeded'"))
            change(&job, make_refund, "gives back a part of");
    } else if (kind < 6) {
        if (find(&job, "SELECT id FROM refunds WHERE state = 'failed'"))
            change(&job, retry_refund, "tries again refund");
    } else if (find(&job, "SELECT id FROM renewals WHERE state IN ('due', 'charging', 'suspended')")) {
        change(&job, retry_renewal, "tries again renewal");
    }
}
