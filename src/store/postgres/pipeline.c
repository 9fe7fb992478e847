#include "store/postgres/pipeline.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/postgres/link.h"

bool pipeline_fail(struct pipeline *p, enum trouble trouble, const struct error *failure) {
    /* The first one is what the others follow from, but for the end of the connection. */
    if (p->trouble == TROUBLE_NONE) p->failure = *failure;
    if (p->trouble == TROUBLE_NONE || trouble == TROUBLE_LOST) p->trouble = trouble;
    return false;
}

static void drop_pending(struct pipeline *p) {
    for (size_t i = 0; i < p->n_pending; i++) free(p->pending[i].name);
    p->n_pending = 0;
}

bool pipeline_lose(struct pipeline *p) {
    struct error failure;
    if (PQstatus(p->conn) == CONNECTION_BAD)
        errors_away(PQerrorMessage(p->conn), PQpass(p->conn), &failure);
    else
        error_set(&failure, ERR_UNAVAILABLE, "the database is away (it does not answer)");
    drop_pending(p);
    p->is_syncing = false;
    return pipeline_fail(p, TROUBLE_LOST, &failure);
}

/* Outside a transaction a failure has no consequences. */
static void recover(struct pipeline *p) {
    if (p->trouble == TROUBLE_STATEMENT && PQtransactionStatus(p->conn) == PQTRANS_IDLE) p->trouble = TROUBLE_NONE;
}

/* ---- answers ---- */

bool pipeline_is_tag(PGresult *result, const char *word) {
    return str_starts(str_of(PQcmdStatus(result)), word);
}

static bool changes_rows(const struct statement *stmt, PGresult *result) {
    if (stmt->hides_change) return true;
    bool is_change =
        pipeline_is_tag(result, "INSERT") || pipeline_is_tag(result, "UPDATE") || pipeline_is_tag(result, "DELETE");
    return is_change && !str_is(str_of(PQcmdTuples(result)), "0");
}

/* Takes over RESULT, of a command that succeeded. */
static void keep(struct pipeline *p, const struct pending *one, PGresult *result) {
    if (one->prepares) {
        one->prepares->state = PREPARED_YES;
    } else {
        if (!one->is_mine && changes_rows(one->stmt, result)) p->changed = true;
        if (pipeline_is_tag(result, "ROLLBACK") && str_starts(str_of(one->stmt->text), "COMMIT")) {
            struct error failure;
            error_set(&failure, ERR_INTERNAL, "a statement failed, and its change was to be kept");
            pipeline_fail(p, TROUBLE_STATEMENT, &failure);
        } else if (one->is_awaited) {
            one->stmt->result = result;
            return;
        }
    }
    PQclear(result);
}

static void refuse(struct pipeline *p, const struct pending *one, const PGresult *result) {
    struct error failure;
    enum trouble trouble = errors_read(result, one->stmt->text, &failure);
    if (failure.code == ERR_CONFLICT && one->name) db_taken(str_of(one->name), &failure);
    pipeline_fail(p, trouble, &failure);
}

static void answer(struct pipeline *p, PGresult *result) {
    if (!p->n_pending) { /* the server's last words */
        struct error failure;
        pipeline_fail(p, errors_read(result, "", &failure), &failure);
        PQclear(result);
        return;
    }
    struct pending one = p->pending[0];
    memmove(p->pending, p->pending + 1, --p->n_pending * sizeof one);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) {
        keep(p, &one, result);
    } else {
        if (one.prepares) one.prepares->state = PREPARED_NOT;
        if (status != PGRES_PIPELINE_ABORTED) refuse(p, &one, result);
        PQclear(result);
    }
    free(one.name);
}

/* Reads what was answered up to the synchronisation. */
static bool collect(struct pipeline *p) {
    while (p->is_syncing) {
        if (!link_wait(p->conn, p->until)) {
            /* It may have said why it ends. */
            PGresult *last = PQisBusy(p->conn) ? NULL : PQgetResult(p->conn);
            if (last && PQresultStatus(last) == PGRES_FATAL_ERROR)
                answer(p, last);
            else
                PQclear(last);
            return pipeline_lose(p);
        }
        PGresult *result = PQgetResult(p->conn);
        if (!result) {
            if (PQstatus(p->conn) == CONNECTION_BAD) return pipeline_lose(p);
            continue;
        }
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
            p->is_syncing = false;
            PQclear(result);
        } else {
            answer(p, result);
        }
        if (PQstatus(p->conn) == CONNECTION_BAD) return pipeline_lose(p);
    }
    bool ok = p->trouble == TROUBLE_NONE;
    recover(p);
    return ok;
}

void pipeline_limit(struct pipeline *p) {
    if (p->wait_ms) p->until = clock_steady_ms() + p->wait_ms;
}

static bool settle(struct pipeline *p) {
    pipeline_limit(p);
    return collect(p);
}

bool pipeline_synchronise(struct pipeline *p) {
    if (!PQpipelineSync(p->conn)) return pipeline_lose(p);
    p->is_syncing = true;
    return true;
}

/* ---- commands ---- */

static struct prepared *name_of(struct pipeline *p, struct statement *stmt) {
    size_t size = (size_t)stmt->n * sizeof *stmt->types;
    if (stmt->prepared && memcmp(stmt->types, stmt->types_then, size) == 0) return stmt->prepared;
    char name[NAME_TEXT];
    statement_name(stmt, name);
    struct prepared **at = &p->names[str_hash(str_of(name)) % NAMES];
    while (*at && strcmp((*at)->name, name) != 0) at = &(*at)->next;
    if (!*at) {
        *at = store_alloc(1, sizeof **at);
        memcpy((*at)->name, name, sizeof name);
    }
    stmt->prepared = *at;
    memcpy(stmt->types_then, stmt->types, size);
    return *at;
}

static void push(struct pipeline *p, struct pending one) {
    p->pending[p->n_pending++] = one;
}

enum { BINARY = 1 };

static bool send_unnamed(struct pipeline *p, struct statement *stmt, bool is_awaited) {
    if (!PQsendQueryParams(p->conn, stmt->text, stmt->n, stmt->types, stmt->values, stmt->lengths, statement_formats,
                           BINARY))
        return pipeline_lose(p);
    push(p, (struct pending){stmt, NULL, is_awaited, p->is_mine, NULL});
    return true;
}

bool pipeline_send(struct pipeline *p, struct statement *stmt, bool is_awaited) {
    if (p->is_unnamed) return send_unnamed(p, stmt, is_awaited);
    struct prepared *prepared = name_of(p, stmt);
    if (prepared->state == PREPARED_NOT) {
        if (!PQsendPrepare(p->conn, prepared->name, stmt->text, stmt->n, stmt->types)) return pipeline_lose(p);
        prepared->state = PREPARED_SENT;
        push(p, (struct pending){stmt, prepared, false, true, NULL});
    }
    if (!PQsendQueryPrepared(p->conn, prepared->name, stmt->n, stmt->values, stmt->lengths, statement_formats, BINARY))
        return pipeline_lose(p);
    push(p, (struct pending){stmt, NULL, is_awaited, p->is_mine, NULL});
    return true;
}

bool pipeline_send_unnamed(struct pipeline *p, struct statement *stmt) {
    return send_unnamed(p, stmt, false);
}

void pipeline_name_last(struct pipeline *p, struct str name) {
    char *text = store_alloc(name.n + 1, 1);
    memcpy(text, name.p, name.n);
    p->pending[p->n_pending - 1].name = text;
}

void pipeline_ignore(struct pipeline *p, const struct statement *stmt) {
    for (size_t i = 0; i < p->n_pending; i++)
        if (p->pending[i].stmt == stmt) p->pending[i].is_awaited = false;
}

bool pipeline_exchange(struct pipeline *p) {
    return pipeline_synchronise(p) && settle(p);
}

bool pipeline_drain(struct pipeline *p) {
    if (p->n_pending && !p->is_syncing) return pipeline_exchange(p);
    return !p->is_syncing || settle(p);
}

bool pipeline_ready(struct pipeline *p) {
    if (p->trouble != TROUBLE_NONE) return false;
    if (p->is_syncing && !settle(p)) return false;
    return p->n_pending + 2 <= PENDING_MAX || pipeline_exchange(p);
}

void pipeline_finish(struct pipeline *p) {
    for (size_t i = 0; i < NAMES; i++) {
        for (struct prepared *one = p->names[i], *next; one; one = next) {
            next = one->next;
            free(one);
        }
    }
    drop_pending(p);
}
