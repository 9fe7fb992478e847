#include "store/steps.h"

#include "store/care.h"
#include "store/events.h"
#include "store/forwarding.h"
#include "store/refunds.h"
#include "store/renewals.h"
#include "store/rows.h"

/* The words in the index steps_open: what will run by itself. */
#define OPEN(state) "(" state " = 'due' OR " state " = 'retrying' OR " state " = 'running')"

/* Those that stand outside the ranks (core/state.h). */
#define OUTSIDE "('remove_mailbox', 'renew_domain', 'set_access')"

#define STEP_COLUMNS                                                                                                   \
    "SELECT s.domain_id, s.account_id, s.order_id, s.workspace_id, s.kind, s.state, s.attempts, s.due_ms, s.reason,"   \
    " d.name, COALESCE(c.forwarding, d.forwarding), COALESCE(a.email, ''), COALESCE(a.first_name, ''), "               \
    "COALESCE(a.last_name, ''),"                                                                                       \
    " a.sealed_password, d.provider, COALESCE(a.is_pre_warmed, d.is_pre_warmed), c.domain_id IS NOT NULL, d.state,"    \
    " d.paid_years, COALESCE(a.suspended_ms, 0), COALESCE(a.access_change, 0)"                                         \
    " FROM steps s JOIN domains d ON d.id = s.domain_id LEFT JOIN accounts a ON a.id = s.account_id"                   \
    " LEFT JOIN forwarding_changes c ON c.domain_id = s.domain_id "

static void read_row(struct stmt *stmt, struct arena *arena, struct step *ret) {
    *ret = (struct step){
        .domain_id = row_text(stmt, 0, arena),
        .account_id = row_text(stmt, 1, arena),
        .order_id = row_text(stmt, 2, arena),
        .workspace_id = row_text(stmt, 3, arena),
        .kind = (enum step_kind)row_word(stmt, 4, step_kind_names, STEP_KIND_END),
        .state = (enum step_state)row_word(stmt, 5, step_state_names, STEP_STATE_END),
        .attempts = stmt_col_int(stmt, 6),
        .due_ms = stmt_col_int(stmt, 7),
        .reason = row_text(stmt, 8, arena),
        .domain = row_text(stmt, 9, arena),
        .forwarding = row_text(stmt, 10, arena),
        .email = row_text(stmt, 11, arena),
        .first_name = row_text(stmt, 12, arena),
        .last_name = row_text(stmt, 13, arena),
        .sealed_password = row_text(stmt, 14, arena),
        .provider = (enum provider)stmt_col_int(stmt, 15),
        .is_pre_warmed = stmt_col_int(stmt, 16) != 0,
        .is_change = stmt_col_int(stmt, 17) != 0,
        .domain_state = (enum domain_state)row_word(stmt, 18, domain_state_names, DOMAIN_STATE_END),
        .paid_years = stmt_col_int(stmt, 19),
        .is_suspended = stmt_col_int(stmt, 20) != 0,
        .access_change = stmt_col_int(stmt, 21),
    };
}

/* A step as one text, for lists; it begins with a UUID. */
#define KEY(step) step ".domain_id || " step ".account_id || " step ".kind"
#define IS_LISTED(step) step ".domain_id = substr(l.value, 1, 36) AND " KEY(step) " = l.value"

static bool list_rows(struct stmt *stmt, struct arena *arena, struct step **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct step)};
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) read_row(stmt, arena, rows_add(&rows, arena));
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool step_claim(struct db *db, int64_t now_ms, int64_t lease_until_ms, size_t max, struct arena *arena,
                struct step **ret, size_t *ret_n, struct error *reterr) {
    struct str *keys;
    size_t n;
    struct stmt *stmt = db_stmt(db, "SELECT " KEY("s") " FROM steps s WHERE " OPEN(
                                        "s.state") " AND s.due_ms <= $1"
                                                   " ORDER BY s.due_ms, s.domain_id, s.account_id, s.kind LIMIT $2 "
                                                   "/*pg FOR NO KEY UPDATE SKIP LOCKED*/");
    stmt_int(stmt, 1, now_ms);
    stmt_int(stmt, 2, (int64_t)max);
    if (!rows_texts(stmt, arena, &keys, &n, reterr)) return false;
    *ret_n = n;
    if (n == 0) return true;
    /* What they work on is read once they are held: whoever changes it later makes the step due again, or takes the
     * lease away. */
    stmt = db_stmt(db, STEP_COLUMNS
                   "JOIN list($1) l ON " IS_LISTED("s") " ORDER BY s.due_ms, s.domain_id, s.account_id, s.kind");
    stmt_list(stmt, 1, keys, n);
    if (!list_rows(stmt, arena, ret, ret_n, reterr)) return false;
    stmt = db_stmt(db, "UPDATE steps SET state = 'running', attempts = attempts + 1, due_ms = $2"
                       " FROM list($1) l WHERE " IS_LISTED("steps"));
    stmt_list(stmt, 1, keys, n);
    stmt_int(stmt, 2, lease_until_ms);
    for (size_t i = 0; i < *ret_n; i++) {
        struct step *step = &(*ret)[i];
        step->state = STEP_RUNNING;
        step->attempts++;
        step->due_ms = lease_until_ms;
    }
    return stmt_queue(stmt, reterr);
}

/* Ends the lease and writes what came of it. *ret_held is false when the lease belongs to someone else by now. */
static bool write_end(struct db *db, const struct step *step, enum step_state end, struct str reason, int64_t due_ms,
                      bool *ret_held, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE steps SET state = $4, reason = $5, due_ms = $6 WHERE domain_id = $1"
                                    " AND account_id = $2 AND kind = $3 AND state = 'running' AND attempts = $7");
    stmt_text(stmt, 1, step->domain_id);
    stmt_text(stmt, 2, step->account_id);
    stmt_text(stmt, 3, str_of(step_kind_names[step->kind]));
    stmt_text(stmt, 4, str_of(step_state_names[end]));
    stmt_text(stmt, 5, reason);
    stmt_int(stmt, 6, due_ms);
    stmt_int(stmt, 7, step->attempts);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret_held = changed > 0;
    return true;
}

static struct event event_about(const struct step *step, enum event_type type, int64_t now_ms) {
    return (struct event){
        .workspace_id = step->workspace_id,
        .type = type,
        .domain = step->domain,
        .order_id = step->order_id,
        .now_ms = now_ms,
    };
}

static bool event_of(struct db *db, const struct step *step, enum event_type type, struct str email, int64_t now_ms,
                     struct error *reterr) {
    struct event event = event_about(step, type, now_ms);
    event.email = email;
    return event_add(db, &event, reterr);
}

static bool refund_mailbox(struct db *db, const struct step *step, const struct step_end *end, struct error *reterr) {
    const struct refund_request request = {
        .bill_kind = BILL_ORDER,
        .bill_id = step->order_id,
        .domain_id = step->domain_id,
        .account_id = step->account_id,
        .why = end->reason,
        .now_ms = end->now_ms,
    };
    cents amount = 0;
    if (!end->keeps_money && !refund_decide(db, end->ids, &request, &amount, reterr)) return false;
    struct event event = event_about(step, EVENT_ACCOUNT_FAILED, end->now_ms);
    event.email = step->email;
    event.reason = end->reason;
    event.refund = amount;
    return event_add(db, &event, reterr);
}

/* A refused mailbox no longer holds its address, and is given its money back. */
static bool end_account(struct db *db, const struct step *step, const struct step_end *end, struct error *reterr) {
    bool ready = end->state == STEP_DONE;
    struct stmt *stmt = db_stmt(db, "UPDATE accounts SET state = CASE WHEN $2 = 1 THEN 'ready' ELSE 'failed' END,"
                                    " active = $2, reason = $3, renews_ms = CASE WHEN $2 = 1 THEN renews_ms ELSE 0 END"
                                    " WHERE id = $1 AND state = 'pending'");
    stmt_text(stmt, 1, step->account_id);
    stmt_int(stmt, 2, ready);
    stmt_text(stmt, 3, ready ? STR("") : end->reason);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    if (!changed) return true;
    return ready ? event_of(db, step, EVENT_ACCOUNT_READY, step->email, end->now_ms, reterr)
                 : refund_mailbox(db, step, end, reterr);
}

/* All that was paid for the domain goes back; at once, unless another name may be taken instead. */
static bool refund_domain(struct db *db, const struct step *step, const struct step_end *end, struct error *reterr) {
    bool may_swap = step->kind == STEP_REGISTER_DOMAIN && end->swap_ms > 0;
    const struct refund_request request = {
        .domain_id = step->domain_id,
        .why = end->reason,
        .wait_until_ms = may_swap ? end->now_ms + end->swap_ms : 0,
        .now_ms = end->now_ms,
    };
    cents amount = 0;
    if (!end->keeps_money && !refund_decide_domain(db, end->ids, &request, &amount, reterr)) return false;
    struct event event = event_about(step, EVENT_DOMAIN_FAILED, end->now_ms);
    event.reason = end->reason;
    event.refund = amount;
    event.swap_until_ms = request.wait_until_ms;
    return event_add(db, &event, reterr);
}

/*
 * A vital step was refused: nothing more is built on the domain, and its mailboxes fail. Only when it could not be
 * registered may its name be ordered again; a registered one stays held here.
 */
static bool fail_domain(struct db *db, const struct step *step, const struct step_end *end, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE steps SET state = 'skipped', reason = $2, due_ms = $3 WHERE domain_id = $1"
                                    " AND state IN ('blocked', 'due', 'retrying') AND kind <> $4");
    stmt_text(stmt, 1, step->domain_id);
    stmt_text(stmt, 2, end->reason);
    stmt_int(stmt, 3, end->now_ms);
    stmt_text(stmt, 4, str_of(step_kind_names[STEP_REMOVE_MAILBOX]));
    if (!stmt_run(stmt, NULL, reterr)) return false;
    stmt = db_stmt(db, "UPDATE accounts SET state = 'failed', active = 0, reason = $2, renews_ms = 0"
                       " WHERE domain_id = $1 AND state = 'pending'");
    stmt_text(stmt, 1, step->domain_id);
    stmt_text(stmt, 2, end->reason);
    if (!stmt_run(stmt, NULL, reterr)) return false;
    stmt = db_stmt(db, "UPDATE domains SET state = 'failed', active = $2, year_renews_ms = 0, month_renews_ms = 0"
                       " WHERE id = $1");
    stmt_text(stmt, 1, step->domain_id);
    stmt_int(stmt, 2, step->kind != STEP_REGISTER_DOMAIN);
    return stmt_run(stmt, NULL, reterr) && care_end(db, step->domain_id, reterr) &&
           refund_domain(db, step, end, reterr);
}

/* Nothing is open any more. A domain that was ready before may be so again, or be it only now that a part was
 * cancelled.
 */
static bool finish_domain(struct db *db, const struct step *about, int64_t now_ms, struct error *reterr) {
    static const char *const sql[] = {
#define FINISH                                                                                                         \
    "UPDATE domains SET state = CASE WHEN EXISTS (SELECT 1 FROM steps s LEFT JOIN accounts a ON a.id = s.account_id"   \
    " WHERE s.domain_id = $1 AND s.state IN ('failed', 'skipped') AND s.kind NOT IN " OUTSIDE                          \
    " AND COALESCE(a.state, '') <> 'cancelled')"                                                                       \
    " THEN 'partial' ELSE 'ready' END WHERE id = $1 AND state "
        FINISH "= 'provisioning'",
        FINISH "IN ('ready', 'partial')",
#undef FINISH
    };
    int64_t changed[ARRAY_LEN(sql)];
    for (size_t i = ARRAY_LEN(sql); i-- > 0;) {
        struct stmt *stmt = db_stmt(db, sql[i]);
        stmt_text(stmt, 1, about->domain_id);
        if (!stmt_run(stmt, &changed[i], reterr)) return false;
    }
    if ((changed[0] || changed[1]) && !care_begin(db, about->domain_id, now_ms, reterr)) return false;
    return !changed[0] || event_of(db, about, EVENT_DOMAIN_READY, STR(""), now_ms, reterr);
}

bool step_move_on(struct db *db, const struct step *about, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT MIN(rank) FROM steps WHERE domain_id = $1"
                                    " AND state IN ('blocked', 'due', 'retrying', 'running') AND kind NOT IN " OUTSIDE);
    stmt_text(stmt, 1, about->domain_id);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    bool over = stmt_col_is_null(stmt, 0);
    int64_t rank = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    if (over) return finish_domain(db, about, now_ms, reterr);
    stmt = db_stmt(db, "UPDATE steps SET state = 'due', due_ms = $3"
                       " WHERE domain_id = $1 AND rank = $2 AND state = 'blocked'");
    stmt_text(stmt, 1, about->domain_id);
    stmt_int(stmt, 2, rank);
    stmt_int(stmt, 3, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

/* A cancelled mailbox is gone: its address may be ordered again. */
static bool free_address(struct db *db, const struct step *step, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE accounts SET active = 0 WHERE id = $1 AND state = 'cancelled'");
    stmt_text(stmt, 1, step->account_id);
    return stmt_run(stmt, NULL, reterr);
}

/* A mailbox that was cancelled while its maker was at it is removed once nobody can be at it any more (store/cancel.c):
 * that is now, as its maker has ended, and not only at the end of the lease. */
static bool hasten_removal(struct db *db, const struct step *step, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "UPDATE steps SET due_ms = $3 WHERE domain_id = $1 AND account_id = $2 AND kind = 'remove_mailbox'"
                    " AND state = 'due' AND due_ms > $3 AND EXISTS (SELECT 1 FROM steps WHERE domain_id = $1"
                    " AND account_id = $2 AND kind = 'create_mailbox' AND state = 'skipped' AND attempts = $4)");
    stmt_text(stmt, 1, step->domain_id);
    stmt_text(stmt, 2, step->account_id);
    stmt_int(stmt, 3, now_ms);
    stmt_int(stmt, 4, step->attempts);
    return stmt_run(stmt, NULL, reterr);
}

bool step_record(struct db *db, const struct step *step, const struct step_end *end, bool *ret_stale,
                 struct error *reterr) {
    enum step_state state = end->state;
    if (state != STEP_DONE && state != STEP_FAILED && state != STEP_RETRYING)
        return error_set(reterr, ERR_INTERNAL, "a step cannot end as %s", step_state_names[state]);
    struct str reason = state == STEP_DONE ? STR("") : end->reason;
    bool held;
    if (!write_end(db, step, state, reason, state == STEP_RETRYING ? end->again_ms : end->now_ms, &held, reterr))
        return false;
    *ret_stale = !held;
    if (!held) return step->kind != STEP_CREATE_MAILBOX || hasten_removal(db, step, end->now_ms, reterr);
    if (state == STEP_RETRYING) return true;
    if (step->kind == STEP_REMOVE_MAILBOX) return state == STEP_FAILED || free_address(db, step, reterr);
    if (step->kind == STEP_SET_ACCESS) return true;
    if (step->kind == STEP_RENEW_DOMAIN)
        return state == STEP_DONE || renewal_refused(db, end->ids, step->domain_id, reason, end->now_ms, reterr);
    if (step->kind == STEP_CREATE_MAILBOX && !end_account(db, step, end, reterr)) return false;
    if (step->kind == STEP_SET_FORWARDING && !forwarding_step_ended(db, step, state, end->now_ms, reterr)) return false;
    if (state == STEP_FAILED && step_is_vital(step->kind)) return fail_domain(db, step, end, reterr);
    return step_move_on(db, step, end->now_ms, reterr);
}

bool step_free_all(struct db *db, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE steps SET state = 'due', due_ms = $1 WHERE state = 'running'"
                                    " AND " OPEN("state"));
    stmt_int(stmt, 1, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool step_next_due(struct db *db, int64_t *ret_ms, struct error *reterr) {
    /* Two queries, each answered by the first entry of its index. */
    static const char *const first_due[] = {
        "SELECT due_ms FROM steps WHERE " OPEN("state") " ORDER BY due_ms LIMIT 1",
        "SELECT settle_after_ms FROM orders WHERE state = 'reserved' ORDER BY settle_after_ms LIMIT 1",
    };
    int64_t next;
    if (!renewal_next_due(db, &next, reterr)) return false;
    for (size_t i = 0; i < ARRAY_LEN(first_due); i++) {
        struct stmt *stmt = db_stmt(db, first_due[i]);
        enum db_step step = stmt_step(stmt, reterr);
        if (step == DB_FAIL) return false;
        if (step == DB_ROW && stmt_col_int(stmt, 0) < next) next = stmt_col_int(stmt, 0);
        stmt_done(stmt);
    }
    *ret_ms = next;
    return true;
}

#define HELD " WHERE domain_id = $1 AND account_id = $2 AND kind = $3 AND state = 'running' AND attempts = $4"

static void bind_held(struct stmt *stmt, const struct step *step) {
    stmt_text(stmt, 1, step->domain_id);
    stmt_text(stmt, 2, step->account_id);
    stmt_text(stmt, 3, str_of(step_kind_names[step->kind]));
    stmt_int(stmt, 4, step->attempts);
}

bool step_extend(struct db *db, struct step *step, int64_t lease_until_ms, bool *ret_held, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE steps SET due_ms = $5" HELD);
    bind_held(stmt, step);
    stmt_int(stmt, 5, lease_until_ms);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret_held = changed > 0;
    if (*ret_held) step->due_ms = lease_until_ms;
    return true;
}

bool step_is_held(struct db *db, const struct step *step, bool *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT 1 FROM steps" HELD " /*pg FOR NO KEY UPDATE*/");
    bind_held(stmt, step);
    enum db_step found = stmt_step(stmt, reterr);
    stmt_done(stmt);
    *ret = found == DB_ROW;
    return found != DB_FAIL;
}

bool step_get(struct db *db, struct str domain_id, struct str account_id, enum step_kind kind, struct arena *arena,
              struct step *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, STEP_COLUMNS "WHERE s.domain_id = $1 AND s.account_id = $2 AND s.kind = $3");
    stmt_text(stmt, 1, domain_id);
    stmt_text(stmt, 2, account_id);
    stmt_text(stmt, 3, str_of(step_kind_names[kind]));
    if (!row_find(stmt, reterr, "there is no such step")) return false;
    read_row(stmt, arena, ret);
    stmt_done(stmt);
    return true;
}

bool step_list(struct db *db, struct str order_id, struct arena *arena, struct step **ret, size_t *ret_n,
               struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, STEP_COLUMNS "WHERE s.order_id = $1 ORDER BY s.domain_id DESC, s.rank, s.account_id DESC, s.kind");
    stmt_text(stmt, 1, order_id);
    return list_rows(stmt, arena, ret, ret_n, reterr);
}

bool step_list_open(struct db *db, struct str domain_id, struct arena *arena, struct step **ret, size_t *ret_n,
                    struct error *reterr) {
    struct stmt *stmt = db_stmt(db, STEP_COLUMNS "WHERE s.domain_id = $1 AND s.state <> 'done' AND s.state <> 'skipped'"
                                                 " ORDER BY s.rank, s.account_id DESC, s.kind");
    stmt_text(stmt, 1, domain_id);
    return list_rows(stmt, arena, ret, ret_n, reterr);
}

bool step_list_domain(struct db *db, struct str domain_id, struct arena *arena, struct step **ret, size_t *ret_n,
                      struct error *reterr) {
    struct stmt *stmt = db_stmt(db, STEP_COLUMNS "WHERE s.domain_id = $1 ORDER BY s.rank, s.account_id DESC, s.kind");
    stmt_text(stmt, 1, domain_id);
    return list_rows(stmt, arena, ret, ret_n, reterr);
}
