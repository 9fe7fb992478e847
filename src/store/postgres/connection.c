#include "store/postgres/connection.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/postgres/link.h"
#include "store/postgres/pipeline.h"

struct connection {
    struct db base;
    struct pipeline line;
    bool is_alone; /* in no transaction of ours: nothing is queued outside one */
    bool touched, warned;
};

static struct connection *of(struct db *db) {
    return (struct connection *)db;
}

static const struct connection *of_const(const struct db *db) {
    return (const struct connection *)db;
}

/* ---- one statement ---- */

static bool execute(struct connection *c, struct statement *stmt) {
    return pipeline_ready(&c->line) && pipeline_send(&c->line, stmt, true) && pipeline_exchange(&c->line);
}

static bool tell(const struct connection *c, struct error *reterr) {
    *reterr = c->line.failure;
    return false;
}

static void forget_result(struct statement *stmt) {
    PQclear(stmt->result);
    stmt->result = NULL;
}

/* The answer that was asked for before, or asks now. */
static bool fetch(struct connection *c, struct statement *stmt) {
    if (!stmt->is_asked) {
        forget_result(stmt);
        return execute(c, stmt);
    }
    stmt->is_asked = false;
    /* It came with another one's, if not. */
    return stmt->result || (c->line.trouble == TROUBLE_NONE && pipeline_exchange(&c->line));
}

/* Nobody reads what was asked for. */
static void unask(struct connection *c, struct statement *stmt) {
    if (!stmt->is_asked) return;
    stmt->is_asked = false;
    pipeline_ignore(&c->line, stmt);
    forget_result(stmt);
}

static void prepare(struct stmt *stmt) {
    unask(of(stmt->db), statement_of(stmt));
    statement_prepare(stmt);
}

static enum db_step step(struct stmt *base, struct error *reterr) {
    struct connection *c = of(base->db);
    struct statement *stmt = statement_of(base);
    if (!base->running) {
        stmt->row = -1;
        if (!fetch(c, stmt)) {
            tell(c, reterr);
            forget_result(stmt);
            return DB_FAIL;
        }
        stmt_runs(base, true);
    }
    if (++stmt->row < PQntuples(stmt->result)) return DB_ROW;
    statement_done(base);
    return DB_END;
}

static bool run(struct stmt *base, int64_t *ret_changes, struct error *reterr) {
    struct connection *c = of(base->db);
    struct statement *stmt = statement_of(base);
    if (base->running) statement_done(base);
    if (!fetch(c, stmt)) {
        forget_result(stmt);
        return tell(c, reterr);
    }
    int64_t rows = 0;
    struct str tuples = str_of(PQcmdTuples(stmt->result));
    bool is_query = pipeline_is_tag(stmt->result, "SELECT");
    if (ret_changes && (is_query || !str_to_int(tuples, 0, INT64_MAX, &rows))) rows = 0;
    if (ret_changes) *ret_changes = rows;
    forget_result(stmt);
    return true;
}

/* Outside a transaction there is nothing later that could tell. */
static bool is_outside(const struct connection *c) {
    return c->is_alone && PQtransactionStatus(c->line.conn) == PQTRANS_IDLE;
}

static bool queue(struct stmt *stmt, struct str name, struct error *reterr) {
    struct connection *c = of(stmt->db);
    stmt_done(stmt);
    if (!pipeline_ready(&c->line)) return tell(c, reterr);
    bool alone = is_outside(c);
    if (!pipeline_send(&c->line, statement_of(stmt), false)) return tell(c, reterr);
    if (name.n) pipeline_name_last(&c->line, name);
    return !alone || pipeline_exchange(&c->line) || tell(c, reterr);
}

static bool ask(struct stmt *base, struct error *reterr) {
    struct connection *c = of(base->db);
    struct statement *stmt = statement_of(base);
    stmt_done(base);
    if (!pipeline_ready(&c->line)) return tell(c, reterr);
    if (is_outside(c)) return true; /* stmt_step does it */
    forget_result(stmt);
    if (!pipeline_send(&c->line, stmt, true)) return tell(c, reterr);
    return stmt->is_asked = true;
}

static void touch_identities(struct db *db) {
    of(db)->touched = true;
}

/* ---- several statements in one text ---- */

static bool exec_results(struct connection *c, const char *sql, struct error *reterr) {
    struct pipeline *line = &c->line;
    struct error failure;
    bool ok = true;
    for (;;) {
        if (!link_wait(line->conn, line->until)) return pipeline_lose(line);
        PGresult *result = PQgetResult(line->conn);
        if (!result) break;
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
            enum trouble trouble = errors_read(result, sql, &failure);
            if (trouble == TROUBLE_LOST || PQtransactionStatus(line->conn) != PQTRANS_IDLE)
                pipeline_fail(line, trouble, &failure);
            *reterr = failure;
            ok = false;
        } else if (pipeline_is_tag(result, "ROLLBACK") && str_starts(str_of(sql), "COMMIT")) {
            ok = line->trouble != TROUBLE_NONE
                     ? tell(c, reterr)
                     : error_set(reterr, ERR_INTERNAL, "a statement failed, and its change was to be kept");
        }
        PQclear(result);
    }
    return ok;
}

static bool exec(struct db *db, const char *sql, struct error *reterr) {
    struct connection *c = of(db);
    struct pipeline *line = &c->line;
    bool is_end = str_starts(str_of(sql), "ROLLBACK") || str_starts(str_of(sql), "COMMIT");
    if (!pipeline_drain(line) && (line->trouble == TROUBLE_LOST || !is_end)) return tell(c, reterr);
    if (line->trouble != TROUBLE_NONE && !is_end) return tell(c, reterr);
    pipeline_limit(line);
    if (!PQexitPipelineMode(line->conn) || !PQsendQuery(line->conn, sql)) {
        pipeline_lose(line);
        return tell(c, reterr);
    }
    *reterr = (struct error){ERR_NONE, ""};
    bool ok = exec_results(c, sql, reterr);
    if (line->trouble == TROUBLE_LOST || !PQenterPipelineMode(line->conn)) {
        if (line->trouble != TROUBLE_LOST) pipeline_lose(line);
        return reterr->code == ERR_NONE ? tell(c, reterr) : false;
    }
    if (PQtransactionStatus(line->conn) == PQTRANS_IDLE) line->trouble = TROUBLE_NONE;
    if (!line->is_mine) line->changed = true; /* nobody counts what several statements changed */
    return ok;
}

static bool in_transaction(struct db *db) {
    struct pipeline *line = &of(db)->line;
    if (!pipeline_drain(line) && line->trouble == TROUBLE_LOST) return false;
    PGTransactionStatusType status = PQtransactionStatus(line->conn);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

static void close_connection(struct db *db) {
    struct connection *c = of(db);
    pipeline_finish(&c->line);
    PQfinish(c->line.conn);
    free(c);
}

static const struct db_ops ops = {
    .engine = DB_POSTGRES,
    .stmt_size = sizeof(struct statement),
    .prepare = prepare,
    .forget = statement_forget,
    .text = statement_text,
    .integer = statement_integer,
    .blob = statement_blob,
    .null = statement_null,
    .list = statement_list,
    .step = step,
    .col_text = statement_col_text,
    .col_int = statement_col_int,
    .col_is_null = statement_col_is_null,
    .done = statement_done,
    .run = run,
    .queue = queue,
    .ask = ask,
    .touch_identities = touch_identities,
    .exec = exec,
    .in_transaction = in_transaction,
    .close = close_connection,
};

/* ---- opening ---- */

/* A warning during a commit says that it was not replicated, say. */
static void note_warning(void *arg, const PGresult *notice) {
    struct connection *c = arg;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && str_is(str_of(severity), "WARNING")) c->warned = true;
}

bool connection_open(const struct target *target, int64_t until, size_t *host, struct db **ret, bool *ret_full,
                     struct error *reterr) {
    PGconn *conn;
    if (!link_open(target, until, host, &conn, ret_full, reterr)) return false;
    struct db *db = db_make(&ops, sizeof(struct connection));
    struct connection *c = of(db);
    c->line.conn = conn;
    c->line.until = until;
    PQsetNoticeReceiver(conn, note_warning, c);
    if (!PQenterPipelineMode(conn)) store_die("libpq", PQerrorMessage(conn));
    *ret = db;
    return true;
}

bool db_open_postgres(const char *url, int64_t wait_ms, struct db **ret, struct error *reterr) {
    struct target *target;
    size_t host = 0;
    if (!target_parse(url, &target, reterr)) return false;
    bool ok = connection_open(target, clock_steady_ms() + wait_ms, &host, ret, NULL, reterr);
    target_destroy(target);
    if (!ok) return false;
    connection_alone(*ret, wait_ms);
    return true;
}

/* ---- for the pool and the transactions ---- */

void connection_until(struct db *db, int64_t until) {
    of(db)->line.until = until;
}

void connection_fresh(struct db *db, bool unnamed) {
    struct connection *c = of(db);
    c->is_alone = c->touched = c->warned = false;
    c->line.is_unnamed = unnamed;
    c->line.is_mine = true;
    c->line.changed = false;
    c->line.wait_ms = 0;
    c->line.trouble = TROUBLE_NONE;
    c->line.failure = (struct error){ERR_NONE, ""};
}

enum trouble connection_trouble(const struct db *db) {
    return of_const(db)->line.trouble;
}

const struct error *connection_failure(const struct db *db) {
    return &of_const(db)->line.failure;
}

void connection_mine(struct db *db, bool on) {
    of(db)->line.is_mine = on;
}

void connection_alone(struct db *db, int64_t wait_ms) {
    of(db)->is_alone = true;
    of(db)->line.wait_ms = wait_ms;
}

bool connection_may_have_changed(const struct db *db) {
    const struct pipeline *line = &of_const(db)->line;
    bool may = line->changed;
    for (size_t i = 0; i < line->n_pending; i++) may = may || !line->pending[i].is_mine;
    return may;
}

bool connection_touched(const struct db *db) {
    return of_const(db)->touched;
}

bool connection_commit(struct db *db, bool *ret_sent, struct error *reterr) {
    struct connection *c = of(db);
    *ret_sent = false;
    if (!pipeline_ready(&c->line)) return tell(c, reterr);
    c->warned = false;
    *ret_sent = true;
    if (!stmt_run(db_stmt(db, "COMMIT"), NULL, reterr)) return false;
    if (!c->warned) return true;
    /* It did commit, but perhaps here alone: as good as no answer. */
    pipeline_lose(&c->line);
    return tell(c, reterr);
}

void connection_leave(struct db *db) {
    struct pipeline *line = &of(db)->line;
    if (line->trouble == TROUBLE_LOST) return;
    /* What is queued is sent with it, for nothing; but libpq cannot take it back. After a failure the server passes by
     * all up to the synchronisation. */
    if (!pipeline_drain(line) && line->trouble == TROUBLE_LOST) return;
    line->is_mine = true;
    /* Never by a name: through a pool the name may be missing or taken, and the transaction would stay open. */
    if (!pipeline_send_unnamed(line, statement_of(db_stmt(db, "ROLLBACK"))) || !pipeline_synchronise(line)) return;
    if (PQflush(line->conn) < 0) pipeline_lose(line);
}

bool connection_settle(struct db *db) {
    struct pipeline *line = &of(db)->line;
    pipeline_drain(line);
    return line->trouble != TROUBLE_LOST && PQtransactionStatus(line->conn) == PQTRANS_IDLE;
}

bool connection_is_good(struct db *db) {
    const struct pipeline *line = &of(db)->line;
    return line->trouble != TROUBLE_LOST && line->trouble != TROUBLE_AFRESH && PQstatus(line->conn) == CONNECTION_OK;
}

PGconn *connection_raw(struct db *db) {
    return of(db)->line.conn;
}
