#include "store/postgres/connection.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/postgres/link.h"
#include "store/postgres/statement.h"

enum { PENDING_MAX = 128, NAMES = 512 };

/* A command that was sent and not answered yet. */
struct pending {
    struct statement *stmt;
    struct prepared *prepares; /* NULL: it runs */
    bool is_awaited;           /* its answer is kept in stmt */
    bool is_mine;              /* no change of the caller's */
    char *name;                /* of stmt_queue_named; NULL: none */
};

struct connection {
    struct db base;
    PGconn *conn;
    int64_t until;
    bool is_alone;   /* in no transaction of ours: nothing is queued outside one */
    int64_t wait_ms; /* each answer may take so long; 0: see until */
    struct pending pending[PENDING_MAX];
    size_t n_pending;
    bool is_syncing; /* a synchronisation was sent and not answered yet */
    bool is_leaving; /* what is unanswered ends a transaction that nobody asks about */
    bool is_unnamed;
    bool is_mine;
    bool changed, touched, warned;
    enum trouble trouble;
    struct error failure;
    struct prepared *names[NAMES];
};

static struct connection *of(struct db *db) {
    return (struct connection *)db;
}

static const struct connection *of_const(const struct db *db) {
    return (const struct connection *)db;
}

/* ---- troubles ---- */

static bool fail(struct connection *c, enum trouble trouble, const struct error *failure) {
    /* The first one is what the others follow from, but for the end of the connection. */
    if (c->trouble == TROUBLE_NONE) c->failure = *failure;
    if (c->trouble == TROUBLE_NONE || trouble == TROUBLE_LOST) c->trouble = trouble;
    return false;
}

static void drop_pending(struct connection *c) {
    for (size_t i = 0; i < c->n_pending; i++) free(c->pending[i].name);
    c->n_pending = 0;
}

static bool lose(struct connection *c) {
    struct error failure;
    if (PQstatus(c->conn) == CONNECTION_BAD)
        errors_away(PQerrorMessage(c->conn), PQpass(c->conn), &failure);
    else
        error_set(&failure, ERR_UNAVAILABLE, "the database is away (it does not answer)");
    drop_pending(c);
    c->is_syncing = false;
    return fail(c, TROUBLE_LOST, &failure);
}

/* Outside a transaction a failure has no consequences. */
static void recover(struct connection *c) {
    if (c->trouble == TROUBLE_STATEMENT && PQtransactionStatus(c->conn) == PQTRANS_IDLE) c->trouble = TROUBLE_NONE;
}

/* ---- answers ---- */

static bool is_tag(PGresult *result, const char *word) {
    return str_starts(str_of(PQcmdStatus(result)), word);
}

static bool changes_rows(const struct statement *stmt, PGresult *result) {
    if (stmt->hides_change) return true;
    bool is_change = is_tag(result, "INSERT") || is_tag(result, "UPDATE") || is_tag(result, "DELETE");
    return is_change && !str_is(str_of(PQcmdTuples(result)), "0");
}

/* Takes over RESULT, of a command that succeeded. */
static void keep(struct connection *c, const struct pending *p, PGresult *result) {
    if (p->prepares) {
        p->prepares->state = PREPARED_YES;
    } else {
        if (!p->is_mine && changes_rows(p->stmt, result)) c->changed = true;
        if (is_tag(result, "ROLLBACK") && str_starts(str_of(p->stmt->text), "COMMIT")) {
            struct error failure;
            error_set(&failure, ERR_INTERNAL, "a statement failed, and its change was to be kept");
            fail(c, TROUBLE_STATEMENT, &failure);
        } else if (p->is_awaited) {
            p->stmt->result = result;
            return;
        }
    }
    PQclear(result);
}

static void refuse(struct connection *c, const struct pending *p, const PGresult *result) {
    struct error failure;
    enum trouble trouble = errors_read(result, p->stmt->text, &failure);
    if (failure.code == ERR_CONFLICT && p->name) db_taken(str_of(p->name), &failure);
    fail(c, trouble, &failure);
}

static void answer(struct connection *c, PGresult *result) {
    if (!c->n_pending) { /* the server's last words */
        struct error failure;
        fail(c, errors_read(result, "", &failure), &failure);
        PQclear(result);
        return;
    }
    struct pending p = c->pending[0];
    memmove(c->pending, c->pending + 1, --c->n_pending * sizeof p);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) {
        keep(c, &p, result);
    } else {
        if (p.prepares) p.prepares->state = PREPARED_NOT;
        if (status != PGRES_PIPELINE_ABORTED) refuse(c, &p, result);
        PQclear(result);
    }
    free(p.name);
}

/* Reads what was answered up to the synchronisation. */
static bool collect(struct connection *c) {
    while (c->is_syncing) {
        if (!link_wait(c->conn, c->until)) {
            /* It may have said why it ends. */
            PGresult *last = PQisBusy(c->conn) ? NULL : PQgetResult(c->conn);
            if (last && PQresultStatus(last) == PGRES_FATAL_ERROR)
                answer(c, last);
            else
                PQclear(last);
            return lose(c);
        }
        PGresult *result = PQgetResult(c->conn);
        if (!result) {
            if (PQstatus(c->conn) == CONNECTION_BAD) return lose(c);
            continue;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            c->is_syncing = false;
            PQclear(result);
        } else {
            answer(c, result);
        }
        if (PQstatus(c->conn) == CONNECTION_BAD) return lose(c);
    }
    bool ok = c->trouble == TROUBLE_NONE;
    recover(c);
    return ok;
}

static void limit(struct connection *c) {
    if (c->wait_ms) c->until = clock_steady_ms() + c->wait_ms;
}

static bool settle(struct connection *c) {
    limit(c);
    bool ok = collect(c);
    c->is_leaving = false;
    return ok;
}

static bool synchronise(struct connection *c) {
    if (!PQpipelineSync(c->conn)) return lose(c);
    c->is_syncing = true;
    return true;
}

/* ---- commands ---- */

static struct prepared *name_of(struct connection *c, struct statement *stmt) {
    size_t size = (size_t)stmt->n * sizeof *stmt->types;
    if (stmt->prepared && memcmp(stmt->types, stmt->types_then, size) == 0) return stmt->prepared;
    char name[NAME_TEXT];
    statement_name(stmt, name);
    struct prepared **at = &c->names[str_hash(str_of(name)) % NAMES];
    while (*at && strcmp((*at)->name, name) != 0) at = &(*at)->next;
    if (!*at) {
        *at = store_alloc(1, sizeof **at);
        memcpy((*at)->name, name, sizeof name);
    }
    stmt->prepared = *at;
    memcpy(stmt->types_then, stmt->types, size);
    return *at;
}

static void push(struct connection *c, struct pending p) {
    c->pending[c->n_pending++] = p;
}

enum { BINARY = 1 };

static bool send_unnamed(struct connection *c, struct statement *stmt, bool is_awaited) {
    if (!PQsendQueryParams(c->conn, stmt->text, stmt->n, stmt->types, stmt->values, stmt->lengths, statement_formats,
                           BINARY))
        return lose(c);
    push(c, (struct pending){stmt, NULL, is_awaited, c->is_mine, NULL});
    return true;
}

/* Only into libpq's buffer. */
static bool send_command(struct connection *c, struct statement *stmt, bool is_awaited) {
    if (c->is_unnamed) return send_unnamed(c, stmt, is_awaited);
    struct prepared *prepared = name_of(c, stmt);
    if (prepared->state == PREPARED_NOT) {
        if (!PQsendPrepare(c->conn, prepared->name, stmt->text, stmt->n, stmt->types)) return lose(c);
        prepared->state = PREPARED_SENT;
        push(c, (struct pending){stmt, prepared, false, true, NULL});
    }
    if (!PQsendQueryPrepared(c->conn, prepared->name, stmt->n, stmt->values, stmt->lengths, statement_formats, BINARY))
        return lose(c);
    push(c, (struct pending){stmt, NULL, is_awaited, c->is_mine, NULL});
    return true;
}

/* Ready for a command: what was left behind is answered, and there is room. */
static bool make_ready(struct connection *c) {
    if (c->trouble != TROUBLE_NONE) return false;
    if (c->is_syncing && !settle(c)) return false;
    if (c->n_pending + 2 <= PENDING_MAX) return true;
    return synchronise(c) && settle(c);
}

static bool execute(struct connection *c, struct statement *stmt) {
    return make_ready(c) && send_command(c, stmt, true) && synchronise(c) && settle(c);
}

static bool tell(const struct connection *c, struct error *reterr) {
    *reterr = c->failure;
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
    return stmt->result || (c->trouble == TROUBLE_NONE && synchronise(c) && settle(c));
}

/* Nobody reads what was asked for. */
static void unask(struct connection *c, struct statement *stmt) {
    if (!stmt->is_asked) return;
    stmt->is_asked = false;
    for (size_t i = 0; i < c->n_pending; i++)
        if (c->pending[i].stmt == stmt) c->pending[i].is_awaited = false;
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
    bool is_query = is_tag(stmt->result, "SELECT");
    if (ret_changes && (is_query || !str_to_int(tuples, 0, INT64_MAX, &rows))) rows = 0;
    if (ret_changes) *ret_changes = rows;
    forget_result(stmt);
    return true;
}

/* Outside a transaction there is nothing later that could tell. */
static bool is_outside(const struct connection *c) {
    return c->is_alone && PQtransactionStatus(c->conn) == PQTRANS_IDLE;
}

static char *text_of(struct str name) {
    char *text = store_alloc(name.n + 1, 1);
    memcpy(text, name.p, name.n);
    return text;
}

static bool queue(struct stmt *stmt, struct str name, struct error *reterr) {
    struct connection *c = of(stmt->db);
    stmt_done(stmt);
    if (!make_ready(c)) return tell(c, reterr);
    bool alone = is_outside(c);
    if (!send_command(c, statement_of(stmt), false)) return tell(c, reterr);
    if (name.n) c->pending[c->n_pending - 1].name = text_of(name);
    return !alone || (synchronise(c) && settle(c)) || tell(c, reterr);
}

static bool ask(struct stmt *base, struct error *reterr) {
    struct connection *c = of(base->db);
    struct statement *stmt = statement_of(base);
    stmt_done(base);
    if (!make_ready(c)) return tell(c, reterr);
    if (is_outside(c)) return true; /* stmt_step does it */
    forget_result(stmt);
    if (!send_command(c, stmt, true)) return tell(c, reterr);
    return stmt->is_asked = true;
}

static void touch_identities(struct db *db) {
    of(db)->touched = true;
}

/* ---- several statements in one text ---- */

static bool exec_results(struct connection *c, const char *sql, struct error *reterr) {
    struct error failure;
    bool ok = true;
    for (;;) {
        if (!link_wait(c->conn, c->until)) return lose(c);
        PGresult *result = PQgetResult(c->conn);
        if (!result) break;
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
            enum trouble trouble = errors_read(result, sql, &failure);
            if (trouble == TROUBLE_LOST || PQtransactionStatus(c->conn) != PQTRANS_IDLE) fail(c, trouble, &failure);
            *reterr = failure;
            ok = false;
        } else if (is_tag(result, "ROLLBACK") && str_starts(str_of(sql), "COMMIT")) {
            ok = c->trouble != TROUBLE_NONE
                     ? tell(c, reterr)
                     : error_set(reterr, ERR_INTERNAL, "a statement failed, and its change was to be kept");
        }
        PQclear(result);
    }
    return ok;
}

static bool exec(struct db *db, const char *sql, struct error *reterr) {
    struct connection *c = of(db);
    bool is_end = str_starts(str_of(sql), "ROLLBACK") || str_starts(str_of(sql), "COMMIT");
    if (c->n_pending && !c->is_syncing && !synchronise(c)) return tell(c, reterr);
    if (c->is_syncing && !settle(c) && (c->trouble == TROUBLE_LOST || !is_end)) return tell(c, reterr);
    if (c->trouble != TROUBLE_NONE && !is_end) return tell(c, reterr);
    limit(c);
    if (!PQexitPipelineMode(c->conn) || !PQsendQuery(c->conn, sql)) {
        lose(c);
        return tell(c, reterr);
    }
    *reterr = (struct error){ERR_NONE, ""};
    bool ok = exec_results(c, sql, reterr);
    if (c->trouble == TROUBLE_LOST || !PQenterPipelineMode(c->conn)) {
        if (c->trouble != TROUBLE_LOST) lose(c);
        return reterr->code == ERR_NONE ? tell(c, reterr) : false;
    }
    if (PQtransactionStatus(c->conn) == PQTRANS_IDLE) c->trouble = TROUBLE_NONE;
    if (!c->is_mine) c->changed = true; /* nobody counts what several statements changed */
    return ok;
}

static bool in_transaction(struct db *db) {
    struct connection *c = of(db);
    if (c->n_pending && !c->is_syncing && !synchronise(c)) return false;
    if (c->is_syncing && !settle(c) && c->trouble == TROUBLE_LOST) return false;
    PGTransactionStatusType status = PQtransactionStatus(c->conn);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

static void close_connection(struct db *db) {
    struct connection *c = of(db);
    for (size_t i = 0; i < NAMES; i++) {
        for (struct prepared *p = c->names[i], *next; p; p = next) {
            next = p->next;
            free(p);
        }
    }
    drop_pending(c);
    PQfinish(c->conn);
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
    c->conn = conn;
    c->until = until;
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
    of(db)->until = until;
}

void connection_fresh(struct db *db, bool unnamed) {
    struct connection *c = of(db);
    c->is_unnamed = unnamed;
    c->changed = c->touched = c->warned = false;
    c->is_mine = true;
    c->is_alone = false;
    c->wait_ms = 0;
    c->trouble = TROUBLE_NONE;
    c->failure = (struct error){ERR_NONE, ""};
}

enum trouble connection_trouble(const struct db *db) {
    return of_const(db)->trouble;
}

const struct error *connection_failure(const struct db *db) {
    return &of_const(db)->failure;
}

void connection_mine(struct db *db, bool on) {
    of(db)->is_mine = on;
}

void connection_alone(struct db *db, int64_t wait_ms) {
    of(db)->is_alone = true;
    of(db)->wait_ms = wait_ms;
}

bool connection_may_have_changed(const struct db *db) {
    const struct connection *c = of_const(db);
    bool may = c->changed;
    for (size_t i = 0; i < c->n_pending; i++) may = may || !c->pending[i].is_mine;
    return may;
}

bool connection_touched(const struct db *db) {
    return of_const(db)->touched;
}

bool connection_commit(struct db *db, bool *ret_sent, struct error *reterr) {
    struct connection *c = of(db);
    *ret_sent = false;
    if (!make_ready(c)) return tell(c, reterr);
    c->warned = false;
    *ret_sent = true;
    if (!stmt_run(db_stmt(db, "COMMIT"), NULL, reterr)) return false;
    if (!c->warned) return true;
    /* It did commit, but perhaps here alone: as good as no answer. */
    lose(c);
    return tell(c, reterr);
}

void connection_leave(struct db *db) {
    struct connection *c = of(db);
    if (c->trouble == TROUBLE_LOST || (c->is_syncing && !collect(c) && c->trouble == TROUBLE_LOST)) return;
    /* What is queued is sent with it, for nothing; but libpq cannot take it back. After a failure the server passes by
     * all up to the synchronisation. */
    if (c->n_pending && !(synchronise(c) && settle(c)) && c->trouble == TROUBLE_LOST) return;
    c->is_mine = true;
    /* Never by a name: through a pool the name may be missing or taken, and the transaction would stay open. */
    if (send_unnamed(c, statement_of(db_stmt(db, "ROLLBACK")), false) && synchronise(c)) c->is_leaving = true;
    if (PQflush(c->conn) < 0) lose(c);
}

bool connection_settle(struct db *db) {
    struct connection *c = of(db);
    if (c->is_syncing) settle(c);
    return c->trouble != TROUBLE_LOST && PQtransactionStatus(c->conn) == PQTRANS_IDLE;
}

bool connection_is_good(struct db *db) {
    struct connection *c = of(db);
    return c->trouble != TROUBLE_LOST && c->trouble != TROUBLE_AFRESH && PQstatus(c->conn) == CONNECTION_OK;
}

PGconn *connection_raw(struct db *db) {
    return of(db)->conn;
}
