#include "store/mend.h"

#include "core/state.h"
#include "store/rows.h"
#include "store/zone_parts.h"

struct found {
    struct str id;
    enum domain_state state;
};

static bool find(struct db *db, const struct mend *mend, struct arena *arena, struct found *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT id, state FROM domains WHERE workspace_id = $1 AND name = $2"
                                    " AND state <> 'reserved' ORDER BY active DESC, id DESC LIMIT 1");
    stmt_text(stmt, 1, mend->workspace_id);
    stmt_text(stmt, 2, mend->domain);
    if (!row_find(stmt, reterr, "Resource not found")) return false;
    *ret = (struct found){
        .id = row_text(stmt, 0, arena),
        .state = (enum domain_state)row_word(stmt, 1, domain_state_names, DOMAIN_STATE_END),
    };
    stmt_done(stmt);
    return true;
}

static bool tell(struct db *db, const struct mend *mend, enum activity activity, int64_t affected, struct arena *arena,
                 struct error *reterr) {
    /* A name needs no escapes in JSON. */
    const struct audit_record record = {
        .id = mend->audit_id,
        .workspace_id = mend->workspace_id,
        .activity = activity,
        .actor = mend->actor,
        .affected = affected,
        .detail = arena_printf(arena, "{\"domain\":\"%.*s\"}", STR_ARG(mend->domain)),
        .now_ms = mend->now_ms,
    };
    return audit_add(db, &record, reterr);
}

/* ---- retry ---- */

static bool refuse_retry(struct db *db, const struct mend *mend, const struct found *domain, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT COUNT(*) FROM steps WHERE domain_id = $1 AND (state = 'due' OR state = 'running')");
    stmt_text(stmt, 1, domain->id);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    bool is_at_work = stmt_col_int(stmt, 0) > 0;
    stmt_done(stmt);
    return error_set(reterr, ERR_CONFLICT, "Nothing of %.*s waits for another try: it is %s%s.", STR_ARG(mend->domain),
                     domain_state_names[domain->state],
                     is_at_work ? ", and what is left to do for it is being done now" : "");
}

bool mend_retry(struct db *db, const struct mend *mend, int64_t *ret_n, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct found domain;
    if (!find(db, mend, arena, &domain, reterr)) return false;
    /* One that is claimed at this moment is no longer 'retrying' when its row can be had. */
    struct stmt *stmt = db_stmt(db, "UPDATE steps SET due_ms = CASE WHEN due_ms > $2 THEN $2 ELSE due_ms END"
                                    " WHERE domain_id = $1 AND state = 'retrying'");
    stmt_text(stmt, 1, domain.id);
    stmt_int(stmt, 2, mend->now_ms);
    if (!stmt_run(stmt, ret_n, reterr)) return false;
    if (!*ret_n) return refuse_retry(db, mend, &domain, reterr);
    return tell(db, mend, ACTIVITY_DOMAIN_RETRIED, *ret_n, arena, reterr);
}

/* ---- repair ---- */

bool mend_repair(struct db *db, const struct mend *mend, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct found domain;
    bool is_publishing;
    if (!find(db, mend, arena, &domain, reterr)) return false;
    if (domain.state == DOMAIN_FAILED || domain.state == DOMAIN_CANCELLED)
        return error_set(reterr, ERR_CONFLICT, "%.*s is %s: its records are not published any more.",
                         STR_ARG(mend->domain), domain_state_names[domain.state]);
    if (!zone_parts_publishing(db, domain.id, &is_publishing, reterr)) return false;
    if (is_publishing)
        return error_set(reterr, ERR_CONFLICT, "Records of %.*s are being published at this moment. Try again.",
                         STR_ARG(mend->domain));
    /* A name that is in use is one workspace's: the one that was found. */
    return zone_parts_repair(db, mend->domain, mend->now_ms, reterr) &&
           tell(db, mend, ACTIVITY_DOMAIN_REPAIRED, 1, arena, reterr);
}

/* ---- check ---- */

bool mend_begin_check(struct db *db, const struct mend *mend, int64_t lease_until_ms, struct arena *arena,
                      struct care *ret, bool *ret_held, struct error *reterr) {
    struct found domain;
    if (!find(db, mend, arena, &domain, reterr)) return false;
    if (domain.state != DOMAIN_READY && domain.state != DOMAIN_PARTIAL)
        return error_set(reterr, ERR_CONFLICT, "%.*s is %s. Only a domain that is in use can be checked.",
                         STR_ARG(mend->domain), domain_state_names[domain.state]);
    return care_claim_check(db, mend->domain, mend->now_ms, lease_until_ms, arena, ret, ret_held, reterr) &&
           tell(db, mend, ACTIVITY_DOMAIN_CHECKED, 1, arena, reterr);
}
