#include "store/workspaces.h"

#include "store/rows.h"

enum { NAME_MAX_LENGTH = 100 };

#define COLUMNS "SELECT id, name, plan_active, created_ms, updated_ms, org_logo_url FROM workspaces"

static void read_row(struct stmt *stmt, struct arena *arena, struct workspace *ret) {
    row_uuid(stmt, 0, ret->id);
    ret->name = row_text(stmt, 1, arena);
    ret->plan_active = stmt_col_int(stmt, 2) != 0;
    ret->created_ms = stmt_col_int(stmt, 3);
    ret->updated_ms = stmt_col_int(stmt, 4);
    ret->has_logo = !stmt_col_is_null(stmt, 5);
    ret->org_logo_url = row_text(stmt, 5, arena);
}

static bool name_is_fine(struct str name, struct error *reterr) {
    if (name.n && name.n <= NAME_MAX_LENGTH) return true;
    return error_set(reterr, ERR_INVALID, "a workspace's name has 1 to %d bytes", NAME_MAX_LENGTH);
}

static bool name_is_taken(struct str name, struct error *reterr) {
    if (reterr->code != ERR_CONFLICT) return false;
    return error_set(reterr, ERR_CONFLICT, "there is a workspace \"%.*s\" already", STR_ARG(name));
}

bool workspace_ask(struct db *db, struct str id_or_name, struct stmt **ret, struct error *reterr) {
    *ret = db_stmt(db, COLUMNS " WHERE id = $1 OR name = $1 ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END LIMIT 1");
    stmt_text(*ret, 1, id_or_name);
    return stmt_ask(*ret, reterr);
}

bool workspace_read(struct stmt *asked, struct str id_or_name, struct arena *arena, struct workspace *ret,
                    struct error *reterr) {
    if (!row_find(asked, reterr, "there is no workspace \"%.*s\"", STR_ARG(id_or_name))) return false;
    read_row(asked, arena, ret);
    stmt_done(asked);
    return true;
}

bool workspace_find(struct db *db, struct str id_or_name, struct arena *arena, struct workspace *ret,
                    struct error *reterr) {
    struct stmt *asked;
    return workspace_ask(db, id_or_name, &asked, reterr) && workspace_read(asked, id_or_name, arena, ret, reterr);
}

bool workspace_add(struct db *db, const struct workspace *workspace, struct error *reterr) {
    if (!name_is_fine(workspace->name, reterr)) return false;
    struct stmt *stmt = db_stmt(
        db, "INSERT INTO workspaces (id, name, plan_active, created_ms, updated_ms) VALUES ($1, $2, $3, $4, $4)");
    stmt_text(stmt, 1, str_of(workspace->id));
    stmt_text(stmt, 2, workspace->name);
    stmt_int(stmt, 3, workspace->plan_active);
    stmt_int(stmt, 4, workspace->created_ms);
    db_touch_identities(db);
    return stmt_run(stmt, NULL, reterr) || name_is_taken(workspace->name, reterr);
}

bool workspace_change(struct db *db, struct str id, const struct workspace_change *change, int64_t now_ms,
                      struct error *reterr) {
    if (change->has_name && !name_is_fine(change->name, reterr)) return false;
    struct stmt *stmt =
        db_stmt(db, "UPDATE workspaces SET name = CASE WHEN $2 = 1 THEN $3 ELSE name END, org_logo_url ="
                    " CASE WHEN $4 = 1 THEN $5 ELSE org_logo_url END, updated_ms = $6 WHERE id = $1");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, change->has_name);
    stmt_text(stmt, 3, change->name);
    stmt_int(stmt, 4, change->has_logo);
    if (change->logo_is_null)
        stmt_null(stmt, 5);
    else
        stmt_text(stmt, 5, change->org_logo_url);
    stmt_int(stmt, 6, now_ms);
    db_touch_identities(db);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return name_is_taken(change->name, reterr);
    return changed || error_set(reterr, ERR_NOT_FOUND, "there is no workspace \"%.*s\"", STR_ARG(id));
}

bool workspace_set_plan(struct db *db, struct str id, bool active, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE workspaces SET plan_active = $2 WHERE id = $1");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, active);
    db_touch_identities(db);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    return changed || error_set(reterr, ERR_NOT_FOUND, "there is no workspace \"%.*s\"", STR_ARG(id));
}

bool workspace_list(struct db *db, struct arena *arena, struct workspace **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct workspace)};
    struct stmt *stmt = db_stmt(db, COLUMNS " ORDER BY id");
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) read_row(stmt, arena, rows_add(&rows, arena));
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool workspace_first(struct db *db, char ret_id[UUID_TEXT], struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT id FROM workspaces ORDER BY id LIMIT 1");
    if (!row_find(stmt, reterr, "there is no workspace yet")) return false;
    row_uuid(stmt, 0, ret_id);
    stmt_done(stmt);
    return true;
}

bool workspace_page(struct db *db, struct str search, struct str before, size_t max, struct arena *arena,
                    struct workspace_row **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct workspace_row)};
    struct stmt *stmt =
        db_stmt(db, "SELECT w.id, w.name, w.plan_active, w.created_ms, w.updated_ms, w.org_logo_url, c.driver"
                    " FROM workspaces w LEFT JOIN cards c ON c.workspace_id = w.id WHERE w.id < $1"
                    " AND ($2 = '' OR LOWER(w.name || ' ' || w.id) LIKE $2 ESCAPE '\\') ORDER BY w.id DESC LIMIT $3");
    stmt_text(stmt, 1, rows_before(before));
    stmt_text(stmt, 2, row_like(search, arena));
    stmt_int(stmt, 3, (int64_t)max);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct workspace_row *row = rows_add(&rows, arena);
        read_row(stmt, arena, &row->workspace);
        row->payment_driver = row_text(stmt, 6, arena);
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool card_ask(struct db *db, struct str workspace_id, struct stmt **ret, struct error *reterr) {
    *ret = db_stmt(
        db,
        "SELECT c.token, c.brand, c.last4, CASE c.driver WHEN 'invoice' THEN w.name ELSE c.name_on_card END, c.driver"
        " FROM cards c JOIN workspaces w ON w.id = c.workspace_id WHERE c.workspace_id = $1");
    stmt_text(*ret, 1, workspace_id);
    return stmt_ask(*ret, reterr);
}

bool card_read(struct stmt *asked, struct arena *arena, struct card *ret, struct error *reterr) {
    enum db_step step = stmt_step(asked, reterr);
    if (step == DB_FAIL) return false;
    *ret = (struct card){.exists = false,
                         .token = STR(""),
                         .brand = STR(""),
                         .last4 = STR(""),
                         .name_on_card = STR(""),
                         .driver = STR("")};
    if (step == DB_END) return true;
    *ret = (struct card){.exists = true,
                         .token = row_text(asked, 0, arena),
                         .brand = row_text(asked, 1, arena),
                         .last4 = row_text(asked, 2, arena),
                         .name_on_card = row_text(asked, 3, arena),
                         .driver = row_text(asked, 4, arena)};
    stmt_done(asked);
    return true;
}

bool card_get(struct db *db, struct str workspace_id, struct arena *arena, struct card *ret, struct error *reterr) {
    struct stmt *asked;
    return card_ask(db, workspace_id, &asked, reterr) && card_read(asked, arena, ret, reterr);
}

bool card_set(struct db *db, struct str workspace_id, const struct card *card, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO cards (workspace_id, token, brand, last4, name_on_card, updated_ms, driver)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace_id) DO UPDATE SET"
                    " token = excluded.token, brand = excluded.brand, last4 = excluded.last4,"
                    " name_on_card = excluded.name_on_card, updated_ms = excluded.updated_ms,"
                    " driver = excluded.driver");
    stmt_text(stmt, 1, workspace_id);
    stmt_text(stmt, 2, card->token);
    stmt_text(stmt, 3, card->brand);
    stmt_text(stmt, 4, card->last4);
    stmt_text(stmt, 5, card->name_on_card);
    stmt_int(stmt, 6, now_ms);
    stmt_text(stmt, 7, card->driver.n ? card->driver : STR("sandbox"));
    db_touch_identities(db);
    return stmt_run(stmt, NULL, reterr);
}

bool card_remove(struct db *db, struct str workspace_id, bool *ret_removed, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "DELETE FROM cards WHERE workspace_id = $1");
    stmt_text(stmt, 1, workspace_id);
    db_touch_identities(db);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret_removed = changed > 0;
    return true;
}
