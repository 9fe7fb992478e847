#include "store/forwarding.h"

#include "base/buf.h"
#include "store/rows.h"

/* A domain that holds its name; one that could not be registered does not. */
struct domain_ref {
    struct str id, order_id;
    struct forwarding now;
    enum domain_state state;
};

static bool find_domain(struct db *db, struct str workspace_id, struct str name, struct arena *arena,
                        struct domain_ref *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT id, order_id, forwarding, forwarding_mode, state FROM domains"
                                    " WHERE name = $1 AND active = 1 AND workspace_id = $2 AND state <> 'reserved'");
    stmt_text(stmt, 1, name);
    stmt_text(stmt, 2, workspace_id);
    if (!row_find(stmt, reterr, "Resource not found")) return false;
    ret->id = row_text(stmt, 0, arena);
    ret->order_id = row_text(stmt, 1, arena);
    ret->now.domain = arena_str(arena, name);
    ret->now.target = row_text(stmt, 2, arena);
    ret->now.mode = (enum forwarding_mode)row_word(stmt, 3, forwarding_mode_names, FORWARDING_MODE_END);
    ret->state = (enum domain_state)row_word(stmt, 4, domain_state_names, DOMAIN_STATE_END);
    stmt_done(stmt);
    return true;
}

bool forwarding_get(struct db *db, struct str workspace_id, struct str name, struct arena *arena,
                    struct forwarding *ret, struct error *reterr) {
    struct domain_ref domain = {.state = DOMAIN_RESERVED};
    if (!find_domain(db, workspace_id, name, arena, &domain, reterr)) return false;
    *ret = domain.now;
    return true;
}

/* A change that has not ended. */
struct pending {
    bool exists, is_undo, is_second;
    struct str id, step_state, step_reason;
    struct forwarding to; /* without its domain */
    struct actor actor;
};

static bool read_pending(struct db *db, struct str domain_id, struct arena *arena, struct pending *ret,
                         struct error *reterr) {
    *ret = (struct pending){.exists = false};
    struct stmt *stmt = db_stmt(db, "SELECT id, step_state, step_reason, forwarding, forwarding_mode, is_undo,"
                                    " actor_key_id, actor_address, actor_agent, is_second FROM forwarding_changes"
                                    " WHERE domain_id = $1");
    stmt_text(stmt, 1, domain_id);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_ROW)
        *ret = (struct pending){
            .exists = true,
            .id = row_text(stmt, 0, arena),
            .step_state = row_text(stmt, 1, arena),
            .step_reason = row_text(stmt, 2, arena),
            .to = {.target = row_text(stmt, 3, arena),
                   .mode = (enum forwarding_mode)row_word(stmt, 4, forwarding_mode_names, FORWARDING_MODE_END)},
            .is_undo = stmt_col_int(stmt, 5) != 0,
            .is_second = stmt_col_int(stmt, 9) != 0,
            .actor = {row_text(stmt, 6, arena), row_text(stmt, 7, arena), row_text(stmt, 8, arena)},
        };
    stmt_done(stmt);
    return step != DB_FAIL;
}

static bool refuse_provisioning(struct str name, struct error *reterr) {
    return error_set(reterr, ERR_CONFLICT, "The order of %.*s is still being provisioned. Try again once it is ready.",
                     STR_ARG(name));
}

static bool is_built(struct db *db, const struct domain_ref *domain, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT 1 FROM steps WHERE domain_id = $1 AND state <> 'done' AND rank < $2");
    stmt_text(stmt, 1, domain->id);
    stmt_int(stmt, 2, step_rank(STEP_SET_FORWARDING));
    enum db_step step = stmt_step(stmt, reterr);
    stmt_done(stmt);
    if (step == DB_ROW) return refuse_provisioning(domain->now.domain, reterr);
    return step == DB_END;
}

/* The step as it is, and stays until the end of this transaction; taken for done where there never was one. False when
 * someone else is at it. */
static bool see_step(struct db *db, const struct domain_ref *domain, const struct pending *pending, int64_t now_ms,
                     struct arena *arena, struct step *ret, struct error *reterr) {
    *ret = (struct step){.state = STEP_DONE, .reason = STR("")};
    if (!rows_hold(db,
                   DB_ONLY_POSTGRES("SELECT 1 FROM steps WHERE domain_id = $1 AND account_id = ''"
                                    " AND kind = 'set_forwarding' FOR NO KEY UPDATE"),
                   domain->id, reterr))
        return false;
    if (!step_get(db, domain->id, STR(""), STEP_SET_FORWARDING, arena, ret, reterr))
        return reterr->code == ERR_NOT_FOUND;
    bool is_open = ret->state == STEP_BLOCKED || ret->state == STEP_DUE || ret->state == STEP_RETRYING ||
                   ret->state == STEP_RUNNING;
    if (is_open && !pending->exists) return refuse_provisioning(domain->now.domain, reterr);
    if (ret->state != STEP_RUNNING || ret->due_ms <= now_ms) return true;
    return error_set(reterr, ERR_CONFLICT, "Another change of the forwarding of %.*s is under way. Try again.",
                     STR_ARG(domain->now.domain));
}

static bool write_pending(struct db *db, const struct forwarding_change *change, const struct domain_ref *domain,
                          const struct step *before, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db,
        "INSERT INTO forwarding_changes (domain_id, id, forwarding, forwarding_mode, is_undo, is_second,"
        " step_state, step_reason, actor_key_id, actor_address, actor_agent) VALUES ($1, $2, $3, $4, 0, 0, $5, $6, $7, "
        "$8, $9)"
        " ON CONFLICT (domain_id) DO UPDATE SET id = excluded.id, forwarding = excluded.forwarding,"
        " forwarding_mode = excluded.forwarding_mode, is_undo = 0, is_second = 1, actor_key_id = excluded.actor_key_id,"
        " actor_address = excluded.actor_address, actor_agent = excluded.actor_agent");
    stmt_text(stmt, 1, domain->id);
    stmt_text(stmt, 2, change->audit_id);
    stmt_text(stmt, 3, change->to.target);
    stmt_text(stmt, 4, str_of(forwarding_mode_names[change->to.mode]));
    stmt_text(stmt, 5, str_of(step_state_names[before->state]));
    stmt_text(stmt, 6, before->reason);
    stmt_text(stmt, 7, change->actor.key_id);
    stmt_text(stmt, 8, change->actor.address);
    stmt_text(stmt, 9, change->actor.user_agent);
    return stmt_run(stmt, NULL, reterr);
}

static bool lease_step(struct db *db, const struct forwarding_change *change, const struct domain_ref *domain,
                       struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts,"
                    " due_ms, reason) VALUES ($1, '', $2, $3, $4, $5, 'running', 1, $6, '')"
                    " ON CONFLICT (domain_id, account_id, kind) DO UPDATE SET state = 'running',"
                    " attempts = steps.attempts + 1, due_ms = excluded.due_ms, reason = ''");
    stmt_text(stmt, 1, domain->id);
    stmt_text(stmt, 2, str_of(step_kind_names[STEP_SET_FORWARDING]));
    stmt_int(stmt, 3, step_rank(STEP_SET_FORWARDING));
    stmt_text(stmt, 4, domain->order_id);
    stmt_text(stmt, 5, change->workspace_id);
    stmt_int(stmt, 6, change->lease_until_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool forwarding_leads_on(struct db *db, const struct forwarding *to, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "WITH RECURSIVE hop (name, n) AS (SELECT CAST($2 AS TEXT) /*pg COLLATE \"C\"*/, 0 UNION ALL"
                    " SELECT d.forwarding, h.n + 1 FROM hop h JOIN domains d ON d.active = 1 AND d.name IN (h.name, "
                    "CASE WHEN h.name LIKE 'www.%'"
                    " THEN substr(h.name, 5) END) AND d.forwarding <> ''"
                    " AND d.name <> $1 AND d.state <> 'reserved' AND d.state <> 'failed' AND d.state <> 'cancelled'"
                    " WHERE h.n < $3) SELECT name = $1 OR name = 'www.' || $1 FROM hop"
                    " WHERE name = $1 OR name = 'www.' || $1 OR n = $3 LIMIT 1");
    stmt_text(stmt, 1, to->domain);
    stmt_text(stmt, 2, to->target);
    stmt_int(stmt, 3, FORWARDING_HOPS_MAX);
    enum db_step step = stmt_step(stmt, reterr);
    bool is_back = step == DB_ROW && stmt_col_int(stmt, 0);
    stmt_done(stmt);
    if (step != DB_ROW) return step == DB_END;
    return error_set(reterr, ERR_UNPROCESSABLE, "%.*s cannot be the target of %.*s: it leads %s", STR_ARG(to->target),
                     STR_ARG(to->domain), is_back ? "back to it" : "through too many domains that are forwarded");
}

bool forwarding_begin(struct db *db, const struct forwarding_change *change, struct arena *arena, bool *ret_needed,
                      struct step *ret, struct error *reterr) {
    struct domain_ref domain = {.state = DOMAIN_RESERVED};
    struct pending pending = {.exists = false};
    struct step before;
    if (!find_domain(db, change->workspace_id, change->to.domain, arena, &domain, reterr)) return false;
    if (domain.state == DOMAIN_FAILED || domain.state == DOMAIN_CANCELLED)
        return error_set(reterr, ERR_NOT_FOUND, "Resource not found");
    if (!read_pending(db, domain.id, arena, &pending, reterr)) return false;
    *ret_needed = change->to.target.n || domain.now.target.n || pending.exists;
    if (!*ret_needed) return true;
    if (change->to.target.n && !forwarding_leads_on(db, &change->to, reterr)) return false;
    return is_built(db, &domain, reterr) && see_step(db, &domain, &pending, change->now_ms, arena, &before, reterr) &&
           write_pending(db, change, &domain, &before, reterr) && lease_step(db, change, &domain, reterr) &&
           step_get(db, domain.id, STR(""), STEP_SET_FORWARDING, arena, ret, reterr);
}

/* From now on the step works towards what the domain says. */
static bool undo(struct db *db, struct str domain_id, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE forwarding_changes SET is_undo = 1,"
                                    " forwarding = (SELECT forwarding FROM domains WHERE id = $1),"
                                    " forwarding_mode = (SELECT forwarding_mode FROM domains WHERE id = $1)"
                                    " WHERE domain_id = $1");
    stmt_text(stmt, 1, domain_id);
    return stmt_run(stmt, NULL, reterr);
}

bool forwarding_end(struct db *db, const struct step *step, const struct step_end *end, bool *ret_stale,
                    struct error *reterr) {
    if (!step_record(db, step, end, ret_stale, reterr)) return false;
    if (*ret_stale || end->state != STEP_RETRYING) return true;
    return undo(db, step->domain_id, reterr);
}

/* ---- the end ---- */

static bool apply(struct db *db, const struct step *step, const struct pending *pending, int64_t now_ms,
                  struct arena *arena, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE domains SET forwarding = $2, forwarding_mode = $3 WHERE id = $1");
    const char *mode = forwarding_mode_names[pending->to.mode];
    stmt_text(stmt, 1, step->domain_id);
    stmt_text(stmt, 2, pending->to.target);
    stmt_text(stmt, 3, str_of(mode));
    if (!stmt_run(stmt, NULL, reterr)) return false;
    /* Names need no escapes in JSON. */
    bool is_set = pending->to.target.n > 0;
    struct str set = arena_printf(arena, ",\"forwarding_domain\":\"%.*s\",\"forwarding_mode\":\"%s\"",
                                  STR_ARG(pending->to.target), mode);
    const struct audit_record record = {
        .id = pending->id,
        .workspace_id = step->workspace_id,
        .activity = is_set ? ACTIVITY_FORWARDING_SET : ACTIVITY_FORWARDING_REMOVED,
        .actor = pending->actor,
        .affected = 1,
        .detail =
            arena_printf(arena, "{\"domain\":\"%.*s\"%.*s}", STR_ARG(step->domain), is_set ? (int)set.n : 0, set.p),
        .now_ms = now_ms,
    };
    return audit_add(db, &record, reterr);
}

/* The step is STATE again, after a refused change. */
static bool set_step(struct db *db, const struct step *step, struct str state, struct str reason,
                     struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE steps SET state = $3, reason = $4"
                                    " WHERE domain_id = $1 AND account_id = '' AND kind = $2");
    stmt_text(stmt, 1, step->domain_id);
    stmt_text(stmt, 2, str_of(step_kind_names[STEP_SET_FORWARDING]));
    stmt_text(stmt, 3, state);
    stmt_text(stmt, 4, reason);
    return stmt_run(stmt, NULL, reterr);
}

bool forwarding_step_ended(struct db *db, const struct step *step, enum step_state end, int64_t now_ms,
                           struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct pending pending;
    if (!read_pending(db, step->domain_id, arena, &pending, reterr)) return false;
    if (!pending.exists) return true;
    if (!pending.is_undo && end == STEP_DONE && !apply(db, step, &pending, now_ms, arena, reterr)) return false;
    if (!pending.is_undo && end == STEP_FAILED) {
        /* What the change before this one did is not known: it is taken back. */
        if (pending.is_second)
            return undo(db, step->domain_id, reterr) &&
                   set_step(db, step, str_of(step_state_names[STEP_DUE]), STR(""), reterr);
        if (!set_step(db, step, pending.step_state, pending.step_reason, reterr)) return false;
    }
    struct stmt *stmt = db_stmt(db, "DELETE FROM forwarding_changes WHERE domain_id = $1");
    stmt_text(stmt, 1, step->domain_id);
    return stmt_run(stmt, NULL, reterr);
}
