#include "store/care.h"

#include "store/care_inside.h"
#include "store/events.h"
#include "store/rows.h"

/* When something is due next, with the times of checks and keys as two parameters. */
#define NEVER "9223372036854775807"
#define NEXT_CHECK(times)                                                                                              \
    "CASE WHEN " times " = 0 THEN " NEVER " WHEN check_again_ms > 0 THEN check_again_ms ELSE checked_ms + " times " E" \
    "ND"
#define NEXT_MOVE(times)                                                                                               \
    "CASE WHEN dkim_again_ms > 0 THEN dkim_again_ms WHEN dkim_rotation > 0 AND " times " > 0 THEN dkim_since_ms"       \
    " + " times " ELSE " NEVER " END"
#define NEXT_OF(check, move) "CASE WHEN " check " < " move " THEN " check " ELSE " move " END"
#define NEXT NEXT_OF(NEXT_CHECK("$2"), NEXT_MOVE("$3"))

#define SELECT_CARE "SELECT " CARE_COLUMNS " FROM domain_care c JOIN domains d ON d.id = c.domain_id "

static void bind_times(struct stmt *stmt, const struct care_times *times) {
    stmt_int(stmt, 2, times->check_ms);
    stmt_int(stmt, 3, times->dkim_ms);
}

bool care_begin(struct db *db, struct str domain_id, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "INSERT INTO domain_care (domain_id, due_ms, attempts, is_leased, dkim_rotation, dkim_phase, dkim_since_ms,"
            " dkim_again_ms, dkim_tries, dkim_reason, checked_ms, check_again_ms, check_tries, unclear_since_ms,"
            " unclear_reason, findings) SELECT $1, $2, 0, 0, (SELECT COUNT(*) FROM steps WHERE domain_id = $1"
            " AND kind = 'publish_dns' AND state = 'done'), 'sole', $2, 0, 0, '', $2, 0, 0, 0, '', NULL"
            " WHERE NOT EXISTS (SELECT 1 FROM domain_care WHERE domain_id = $1)");
    stmt_text(stmt, 1, domain_id);
    stmt_int(stmt, 2, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool care_end(struct db *db, struct str domain_id, struct error *reterr) {
    return rows_change(db, "DELETE FROM domain_care WHERE domain_id = $1", domain_id, reterr);
}

void care_read_row(struct stmt *stmt, struct arena *arena, struct care *ret) {
    *ret = (struct care){
        .domain_id = row_text(stmt, 0, arena),
        .domain = row_text(stmt, 1, arena),
        .workspace_id = row_text(stmt, 2, arena),
        .order_id = row_text(stmt, 3, arena),
        .forwarding = row_text(stmt, 4, arena),
        .mode = (enum forwarding_mode)row_word(stmt, 5, forwarding_mode_names, FORWARDING_MODE_END),
        .provider = (enum provider)stmt_col_int(stmt, 6),
        .state = (enum domain_state)row_word(stmt, 7, domain_state_names, DOMAIN_STATE_END),
        .due_ms = stmt_col_int(stmt, 8),
        .attempts = stmt_col_int(stmt, 9),
        .is_leased = stmt_col_int(stmt, 10) != 0,
        .key =
            {
                .rotation = stmt_col_int(stmt, 11),
                .phase = (enum dkim_phase)row_word(stmt, 12, dkim_phase_names, DKIM_PHASE_END),
                .since_ms = stmt_col_int(stmt, 13),
                .again_ms = stmt_col_int(stmt, 14),
                .tries = stmt_col_int(stmt, 15),
                .reason = row_text(stmt, 16, arena),
            },
        .check =
            {
                .checked_ms = stmt_col_int(stmt, 17),
                .again_ms = stmt_col_int(stmt, 18),
                .tries = stmt_col_int(stmt, 19),
                .unclear_since_ms = stmt_col_int(stmt, 20),
                .unclear_reason = row_text(stmt, 21, arena),
                .is_checked = !stmt_col_is_null(stmt, 22),
                .findings = row_text(stmt, 22, arena),
            },
    };
}

/* ---- leases ---- */

/* Those that are due for nothing, as they have just begun or a shorter time was set, wait until they are. */
static bool wait_for_due(struct db *db, const struct care_times *times, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "UPDATE domain_care SET due_ms = " NEXT ", is_leased = 0 WHERE domain_id IN (SELECT domain_id"
                    " FROM domain_care WHERE due_ms <= $1 AND " NEXT " > $1 /*pg FOR NO KEY UPDATE SKIP LOCKED*/)");
    stmt_int(stmt, 1, times->now_ms);
    bind_times(stmt, times);
    return stmt_run(stmt, NULL, reterr);
}

static bool lease(struct db *db, struct care *care, int64_t until_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE domain_care SET attempts = attempts + 1, is_leased = 1, due_ms = $2"
                                    " WHERE domain_id = $1");
    stmt_text(stmt, 1, care->domain_id);
    stmt_int(stmt, 2, until_ms);
    care->attempts++;
    care->is_leased = true;
    care->due_ms = until_ms;
    return stmt_run(stmt, NULL, reterr);
}

static bool write_intent(struct db *db, const struct care *care, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE domain_care SET dkim_rotation = $2, dkim_phase = $3, dkim_since_ms = 0,"
                                    " dkim_again_ms = $4 WHERE domain_id = $1");
    stmt_text(stmt, 1, care->domain_id);
    stmt_int(stmt, 2, care->key.rotation);
    stmt_text(stmt, 3, str_of(dkim_phase_names[care->key.phase]));
    stmt_int(stmt, 4, care->key.again_ms);
    return stmt_run(stmt, NULL, reterr);
}

/* The move that follows is worked towards from now on. */
static void begin_move(struct care_key *key, int64_t now_ms) {
    if (key->since_ms) {
        bool is_new = key->phase == DKIM_SOLE;
        key->rotation += is_new;
        key->phase = is_new ? DKIM_ANNOUNCED : (enum dkim_phase)(key->phase + 1);
    }
    key->since_ms = 0;
    if (!key->again_ms) key->again_ms = now_ms;
}

static bool is_move_due(const struct care_key *key, const struct care_times *times) {
    if (key->again_ms) return key->again_ms <= times->now_ms;
    return key->rotation > 0 && times->dkim_ms > 0 && key->since_ms + times->dkim_ms <= times->now_ms;
}

bool care_claim(struct db *db, const struct care_times *times, int64_t lease_until_ms, size_t max, struct arena *arena,
                struct care **ret, size_t *ret_n, struct error *reterr) {
    if (!wait_for_due(db, times, reterr)) return false;
    struct str *ids;
    struct stmt *stmt = db_stmt(db, "SELECT domain_id FROM domain_care WHERE due_ms <= $1 ORDER BY due_ms, domain_id"
                                    " LIMIT $2 /*pg FOR NO KEY UPDATE SKIP LOCKED*/");
    stmt_int(stmt, 1, times->now_ms);
    stmt_int(stmt, 2, (int64_t)max);
    if (!rows_texts(stmt, arena, &ids, ret_n, reterr)) return false;
    if (*ret_n == 0) return true;
    struct rows rows = {.size = sizeof(struct care)};
    stmt = db_stmt(db, SELECT_CARE "WHERE c.domain_id IN (SELECT value FROM list($1)) ORDER BY c.due_ms, c.domain_id");
    stmt_list(stmt, 1, ids, *ret_n);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) care_read_row(stmt, arena, rows_add(&rows, arena));
    if (step == DB_FAIL) return false;
    struct care *all = rows.first;
    for (size_t i = 0; i < rows.n; i++) {
        all[i].is_move = is_move_due(&all[i].key, times);
        if (all[i].is_move) begin_move(&all[i].key, times->now_ms);
        if (all[i].is_move && !write_intent(db, &all[i], reterr)) return false;
        if (!lease(db, &all[i], lease_until_ms, reterr)) return false;
    }
    *ret = all;
    *ret_n = rows.n;
    return true;
}

bool care_find(struct db *db, struct str name, struct arena *arena, struct care *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, SELECT_CARE "WHERE d.name = $1 AND d.active = 1 /*pg FOR NO KEY UPDATE OF c*/");
    stmt_text(stmt, 1, name);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    if (step == DB_ROW) {
        care_read_row(stmt, arena, ret);
        stmt_done(stmt);
        return true;
    }
    stmt = db_stmt(db, "SELECT state FROM domains WHERE name = $1 ORDER BY id DESC LIMIT 1");
    stmt_text(stmt, 1, name);
    step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    if (step == DB_END)
        return error_set(reterr, ERR_NOT_FOUND, "there is no domain %.*s; `dfyd domain list` shows them",
                         STR_ARG(name));
    struct str state = row_text(stmt, 0, arena);
    stmt_done(stmt);
    return error_set(reterr, ERR_CONFLICT, "%.*s is not in use, it is %.*s; `dfyd domain show %.*s` says more",
                     STR_ARG(name), STR_ARG(state), STR_ARG(name));
}

bool care_claim_check(struct db *db, struct str name, int64_t now_ms, int64_t lease_until_ms, struct arena *arena,
                      struct care *ret, bool *ret_held, struct error *reterr) {
    if (!care_find(db, name, arena, ret, reterr)) return false;
    *ret_held = !ret->is_leased || ret->due_ms <= now_ms;
    return !*ret_held || lease(db, ret, lease_until_ms, reterr);
}

/* Runs STMT for the holder of CARE's lease; $1 and $2 are bound here. */
static bool run_held(struct stmt *stmt, const struct care *care, bool *ret_held, struct error *reterr) {
    stmt_text(stmt, 1, care->domain_id);
    stmt_int(stmt, 2, care->attempts);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret_held = changed > 0;
    return true;
}

#define HELD " WHERE domain_id = $1 AND attempts = $2 AND is_leased = 1"

bool care_extend(struct db *db, struct care *care, int64_t lease_until_ms, bool *ret_stale, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE domain_care SET due_ms = $3" HELD);
    stmt_int(stmt, 3, lease_until_ms);
    bool held;
    if (!run_held(stmt, care, &held, reterr)) return false;
    if (held) care->due_ms = lease_until_ms;
    *ret_stale = !held;
    return true;
}

bool care_is_held(struct db *db, const struct care *care, bool *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT 1 FROM domain_care" HELD " /*pg FOR NO KEY UPDATE*/");
    stmt_text(stmt, 1, care->domain_id);
    stmt_int(stmt, 2, care->attempts);
    enum db_step step = stmt_step(stmt, reterr);
    *ret = step == DB_ROW;
    stmt_done(stmt);
    return step != DB_FAIL;
}

/* What is due next, after something was recorded. */
static bool let_go(struct db *db, const struct care *care, const struct care_times *times, struct error *reterr) {
    struct stmt *stmt;
    if (times->check_ms < 0) {
        stmt = db_stmt(db, "UPDATE domain_care SET is_leased = 0, due_ms = $2 WHERE domain_id = $1");
        stmt_text(stmt, 1, care->domain_id);
        stmt_int(stmt, 2, times->now_ms);
        return stmt_run(stmt, NULL, reterr);
    }
    stmt = db_stmt(db, "UPDATE domain_care SET is_leased = 0, due_ms = " NEXT " WHERE domain_id = $1");
    stmt_text(stmt, 1, care->domain_id);
    bind_times(stmt, times);
    return stmt_run(stmt, NULL, reterr);
}

bool care_give_back(struct db *db, const struct care *care, const struct care_times *times, struct error *reterr) {
    bool held;
    struct stmt *stmt = db_stmt(db, "UPDATE domain_care SET is_leased = 0" HELD);
    return run_held(stmt, care, &held, reterr) && (!held || let_go(db, care, times, reterr));
}

bool care_next_due(struct db *db, int64_t *ret_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT due_ms FROM domain_care ORDER BY due_ms LIMIT 1");
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret_ms = step == DB_ROW ? stmt_col_int(stmt, 0) : INT64_MAX;
    stmt_done(stmt);
    return true;
}

#define NEXT_FOR_ALL NEXT_OF(NEXT_CHECK("$1"), NEXT_MOVE("$2"))

static bool retime(struct db *db, const char *sql, const struct care_times *times, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, sql);
    stmt_int(stmt, 1, times->check_ms);
    stmt_int(stmt, 2, times->dkim_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool care_free_all(struct db *db, const struct care_times *times, struct error *reterr) {
    return retime(db,
                  "UPDATE domain_care SET is_leased = 0, due_ms = " NEXT_FOR_ALL
                  " WHERE is_leased = 1 OR due_ms <> " NEXT_FOR_ALL,
                  times, reterr);
}

bool care_retime(struct db *db, const struct care_times *times, struct error *reterr) {
    return retime(db,
                  "UPDATE domain_care SET due_ms = " NEXT_FOR_ALL " WHERE is_leased = 0 AND due_ms <> " NEXT_FOR_ALL,
                  times, reterr);
}

/* ---- keys ---- */

bool care_rotate(struct db *db, struct str name, int64_t now_ms, int64_t *ret_rotation, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(2048);
    struct care care = {.key = {0}};
    if (!care_find(db, name, arena, &care, reterr)) return false;
    if (!care.key.rotation)
        return error_set(reterr, ERR_CONFLICT,
                         "the mail records of %.*s are not published by dfyd: it was bought pre-warmed", STR_ARG(name));
    if (care.key.again_ms)
        return error_set(reterr, ERR_CONFLICT,
                         "a change of the keys of %.*s is under way, to key %lld, which is %s; `dfyd domain show %.*s`"
                         " says when it goes on",
                         STR_ARG(name), (long long)care.key.rotation, dkim_phase_names[care.key.phase], STR_ARG(name));
    begin_move(&care.key, now_ms);
    *ret_rotation = care.key.rotation;
    if (!write_intent(db, &care, reterr)) return false;
    /* Whoever is at it has the number of its lease, and finds the move when it lets go. */
    struct stmt *stmt = db_stmt(db, "UPDATE domain_care SET due_ms = $2 WHERE domain_id = $1 AND is_leased = 0");
    stmt_text(stmt, 1, care.domain_id);
    stmt_int(stmt, 2, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

static bool record_made(struct db *db, const struct care *care, const struct care_moved *moved, int64_t now_ms,
                        bool *ret_held, struct error *reterr) {
    const int64_t again_ms[DKIM_PHASE_END] = {
        [DKIM_ANNOUNCED] = now_ms,
        [DKIM_SIGNING] = now_ms + moved->overlap_ms,
        [DKIM_SOLE] = 0,
    };
    struct stmt *stmt = db_stmt(db, "UPDATE domain_care SET dkim_since_ms = $3, dkim_again_ms = $4, dkim_tries = 0,"
                                    " dkim_reason = ''" HELD);
    stmt_int(stmt, 3, now_ms);
    stmt_int(stmt, 4, again_ms[care->key.phase]);
    return run_held(stmt, care, ret_held, reterr);
}

static bool record_not_made(struct db *db, const struct care *care, const struct care_moved *moved, bool *ret_held,
                            struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "UPDATE domain_care SET dkim_again_ms = $3, dkim_tries = dkim_tries + 1, dkim_reason = $4" HELD);
    stmt_int(stmt, 3, moved->again_ms);
    stmt_text(stmt, 4, moved->reason);
    return run_held(stmt, care, ret_held, reterr);
}

bool care_record_move(struct db *db, const struct care *care, const struct care_moved *moved,
                      const struct care_times *times, bool *ret_stale, struct error *reterr) {
    bool held;
    if (!(moved->is_made ? record_made(db, care, moved, times->now_ms, &held, reterr)
                         : record_not_made(db, care, moved, &held, reterr)))
        return false;
    *ret_stale = !held;
    return !held || let_go(db, care, times, reterr);
}

/* ---- checks ---- */

bool care_record_check(struct db *db, const struct care *care, const struct care_checked *checked,
                       const struct care_times *times, bool *ret_stale, struct error *reterr) {
    bool held;
    if (!care_write_check(db, care, checked, times->now_ms, &held, reterr)) return false;
    *ret_stale = !held;
    return !held || let_go(db, care, times, reterr);
}
