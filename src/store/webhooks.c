#include "store/webhooks.h"

#include "store/rows.h"

#define COLUMNS                                                                                                        \
    "w.id, w.workspace_id, w.target, w.name, w.event_type, w.campaign, w.custom_interest_value, w.sealed_headers,"     \
    " w.created_ms, w.status, w.error_ms, w.reason"

static struct maybe maybe_text(struct stmt *stmt, int column, struct arena *arena) {
    bool is_set = !stmt_col_is_null(stmt, column);
    return (struct maybe){.is_set = is_set, .text = is_set ? row_text(stmt, column, arena) : STR("")};
}

static void bind_maybe(struct stmt *stmt, int parameter, const struct maybe *value) {
    if (value->is_set)
        stmt_text(stmt, parameter, value->text);
    else
        stmt_null(stmt, parameter);
}

static void bind_sealed(struct stmt *stmt, int parameter, const struct maybe *value) {
    if (value->is_set)
        stmt_blob(stmt, parameter, value->text);
    else
        stmt_null(stmt, parameter);
}

static void read_row(struct stmt *stmt, struct arena *arena, struct webhook *ret) {
    *ret = (struct webhook){
        .id = row_text(stmt, 0, arena),
        .workspace_id = row_text(stmt, 1, arena),
        .target = row_text(stmt, 2, arena),
        .name = maybe_text(stmt, 3, arena),
        .event_type = maybe_text(stmt, 4, arena),
        .campaign = maybe_text(stmt, 5, arena),
        .custom_interest_value = maybe_text(stmt, 6, arena),
        .sealed_headers = maybe_text(stmt, 7, arena),
        .created_ms = stmt_col_int(stmt, 8),
        .is_active = stmt_col_int(stmt, 9) == 1,
        .error_ms = stmt_col_int(stmt, 10),
        .reason = row_text(stmt, 11, arena),
    };
}

static bool check_room(struct db *db, struct str workspace_id, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COUNT(*) FROM webhooks WHERE workspace_id = $1");
    stmt_text(stmt, 1, workspace_id);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    int64_t n = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    if (n < WEBHOOKS_MAX) return true;
    return error_set(reterr, ERR_INVALID, "A workspace can have at most %d webhooks. Delete one first.", WEBHOOKS_MAX);
}

bool webhook_add(struct db *db, const struct webhook *webhook, struct error *reterr) {
    if (!check_room(db, webhook->workspace_id, reterr)) return false;
    /* While there was no webhook nobody handed out events. */
    struct stmt *stmt =
        db_stmt(db, DB_EITHER(db,
                              "UPDATE webhook_cursor SET seq = (SELECT COALESCE(MAX(seq), 0) FROM events)"
                              " WHERE NOT EXISTS (SELECT 1 FROM webhooks)",
                              "DELETE FROM events_new WHERE NOT EXISTS (SELECT 1 FROM webhooks)"));
    if (!stmt_run(stmt, NULL, reterr)) return false;
    stmt = db_stmt(db, "INSERT INTO webhooks (id, workspace_id, target, name, event_type, campaign,"
                       " custom_interest_value, sealed_headers, created_ms, after_seq, status, error_ms, reason,"
                       " failures, due_ms, not_before_ms, lease, is_leased) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
                       " (SELECT COALESCE(MAX(seq), 0) FROM events), 1, 0, '', 0, NULL, 0, 0, 0)");
    stmt_text(stmt, 1, webhook->id);
    stmt_text(stmt, 2, webhook->workspace_id);
    stmt_text(stmt, 3, webhook->target);
    bind_maybe(stmt, 4, &webhook->name);
    bind_maybe(stmt, 5, &webhook->event_type);
    bind_maybe(stmt, 6, &webhook->campaign);
    bind_maybe(stmt, 7, &webhook->custom_interest_value);
    bind_sealed(stmt, 8, &webhook->sealed_headers);
    stmt_int(stmt, 9, webhook->created_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool webhook_get(struct db *db, struct str workspace_id, struct str id, struct arena *arena, struct webhook *ret,
                 struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT " COLUMNS " FROM webhooks w WHERE w.id = $1 AND w.workspace_id = $2");
    stmt_text(stmt, 1, id);
    stmt_text(stmt, 2, workspace_id);
    switch (stmt_step(stmt, reterr)) {
    case DB_ROW:
        break;
    case DB_END:
        return error_set(reterr, ERR_NOT_FOUND, "Resource not found");
    default:
        return false;
    }
    read_row(stmt, arena, ret);
    stmt_done(stmt);
    return true;
}

bool webhook_page(struct db *db, const struct webhook_filter *filter, size_t limit, struct arena *arena,
                  struct webhook **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct webhook)};
    struct stmt *stmt =
        db_stmt(db, "SELECT " COLUMNS ", (SELECT COUNT(*) FROM deliveries d WHERE d.webhook_id = w.id) FROM webhooks w"
                    " WHERE w.workspace_id = $1 AND w.id < $2 AND ($3 = '' OR w.campaign = $3)"
                    " AND ($4 = '' OR w.event_type = $4) ORDER BY w.id DESC LIMIT $5");
    stmt_text(stmt, 1, filter->workspace_id);
    stmt_text(stmt, 2, rows_before(filter->before));
    stmt_text(stmt, 3, filter->campaign);
    stmt_text(stmt, 4, filter->event_type);
    stmt_int(stmt, 5, (int64_t)limit);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct webhook *webhook = rows_add(&rows, arena);
        read_row(stmt, arena, webhook);
        webhook->pending = stmt_col_int(stmt, 12);
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool webhook_change(struct db *db, const struct webhook *webhook, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE webhooks SET target = $2, name = $3, event_type = $4, campaign = $5,"
                                    " custom_interest_value = $6, sealed_headers = $7 WHERE id = $1");
    stmt_text(stmt, 1, webhook->id);
    stmt_text(stmt, 2, webhook->target);
    bind_maybe(stmt, 3, &webhook->name);
    bind_maybe(stmt, 4, &webhook->event_type);
    bind_maybe(stmt, 5, &webhook->campaign);
    bind_maybe(stmt, 6, &webhook->custom_interest_value);
    bind_sealed(stmt, 7, &webhook->sealed_headers);
    return stmt_run(stmt, NULL, reterr);
}

/* Before anything about its deliveries is decided: in PostgreSQL somebody may be handing out more to it. */
static bool hold(struct db *db, struct str id, struct error *reterr) {
    return rows_hold(db, DB_ONLY_POSTGRES("SELECT 1 FROM webhooks WHERE id = $1 FOR UPDATE"), id, reterr);
}

bool webhook_remove(struct db *db, struct str id, struct error *reterr) {
    if (!hold(db, id, reterr)) return false;
    struct stmt *stmt = db_stmt(db, "DELETE FROM deliveries WHERE webhook_id = $1");
    stmt_text(stmt, 1, id);
    if (!stmt_run(stmt, NULL, reterr)) return false;
    stmt = db_stmt(db, "DELETE FROM webhooks WHERE id = $1");
    stmt_text(stmt, 1, id);
    return stmt_run(stmt, NULL, reterr);
}

bool webhook_resume(struct db *db, struct str id, int64_t now_ms, struct error *reterr) {
    if (!hold(db, id, reterr)) return false;
    struct stmt *stmt = db_stmt(db, "UPDATE deliveries SET attempts = 0, due_ms = 0 WHERE webhook_id = $1"
                                    " AND (attempts > 0 OR due_ms > 0)");
    stmt_text(stmt, 1, id);
    if (!stmt_run(stmt, NULL, reterr)) return false;
    /* Whoever holds it looks again when done. */
    stmt = db_stmt(db, "UPDATE webhooks SET status = 1, error_ms = 0, reason = '', failures = 0, not_before_ms = 0,"
                       " due_ms = CASE WHEN is_leased = 1 THEN due_ms"
                       " WHEN EXISTS (SELECT 1 FROM deliveries d WHERE d.webhook_id = $1) THEN $2 END WHERE id = $1");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool webhook_secret_put(struct db *db, struct str workspace_id, struct str sealed, bool replace, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "INSERT INTO webhook_secrets (workspace_id, sealed) VALUES ($1, $2)"
                                    " ON CONFLICT (workspace_id) DO UPDATE SET sealed = $2 WHERE $3 = 1");
    stmt_text(stmt, 1, workspace_id);
    stmt_blob(stmt, 2, sealed);
    stmt_int(stmt, 3, replace);
    return stmt_run(stmt, NULL, reterr);
}

bool webhook_secret_get(struct db *db, struct str workspace_id, struct arena *arena, struct str *ret_sealed,
                        struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT sealed FROM webhook_secrets WHERE workspace_id = $1");
    stmt_text(stmt, 1, workspace_id);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret_sealed = step == DB_ROW ? row_text(stmt, 0, arena) : STR("");
    stmt_done(stmt);
    return true;
}
