/* Refunds from their decision on; refund_amounts.c says how much. */
#include "store/refunds.h"

#include "store/books.h"
#include "store/events.h"
#include "store/orders.h"
#include "store/refund_amounts.h"
#include "store/rows.h"

const char *const refund_state_names[REFUND_STATE_END] = {
    [REFUND_WAITING] = "waiting", [REFUND_DUE] = "due",       [REFUND_RUNNING] = "running",
    [REFUND_DONE] = "done",       [REFUND_FAILED] = "failed", [REFUND_SWAPPED] = "swapped",
};

/* The words in the index refunds_open. */
#define OPEN "('waiting', 'due', 'running')"

#define REFUND_COLUMNS                                                                                                 \
    "SELECT r.id, r.workspace_id, r.bill_kind, r.bill_id, r.payment_id, r.payment_driver, COALESCE(p.reference, ''),"  \
    " r.domain_id, r.account_id, COALESCE(d.name, ''), COALESCE(a.email, ''), r.amount, r.state, r.why, r.reason,"     \
    " r.attempts, r.due_ms, r.created_ms, r.ended_ms, r.retries FROM refunds r LEFT JOIN payments p ON p.id = "        \
    "r.payment_id"                                                                                                     \
    " LEFT JOIN domains d ON d.id = r.domain_id LEFT JOIN accounts a ON a.id = r.account_id "

static void read_row(struct stmt *stmt, struct arena *arena, struct refund *ret) {
    *ret = (struct refund){
        .id = row_text(stmt, 0, arena),
        .workspace_id = row_text(stmt, 1, arena),
        .bill_kind = (enum bill_kind)row_word(stmt, 2, bill_kind_names, BILL_KIND_END),
        .bill_id = row_text(stmt, 3, arena),
        .payment_id = row_text(stmt, 4, arena),
        .payment_driver = row_text(stmt, 5, arena),
        .payment_reference = row_text(stmt, 6, arena),
        .domain_id = row_text(stmt, 7, arena),
        .account_id = row_text(stmt, 8, arena),
        .domain = row_text(stmt, 9, arena),
        .email = row_text(stmt, 10, arena),
        .amount = stmt_col_int(stmt, 11),
        .state = (enum refund_state)row_word(stmt, 12, refund_state_names, REFUND_STATE_END),
        .why = row_text(stmt, 13, arena),
        .reason = row_text(stmt, 14, arena),
        .attempts = stmt_col_int(stmt, 15),
        .due_ms = stmt_col_int(stmt, 16),
        .created_ms = stmt_col_int(stmt, 17),
        .ended_ms = stmt_col_int(stmt, 18),
        .retries = stmt_col_int(stmt, 19),
    };
}

static bool read_rows(struct stmt *stmt, struct arena *arena, struct refund **ret, size_t *ret_n,
                      struct error *reterr) {
    struct rows rows = {.size = sizeof(struct refund)};
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) read_row(stmt, arena, rows_add(&rows, arena));
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

static struct refunded refunded_of(const struct refund *refund, struct str reference, int64_t now_ms) {
    return (struct refunded){
        .id = refund->id,
        .workspace_id = refund->workspace_id,
        .bill_kind = refund->bill_kind,
        .bill_id = refund->bill_id,
        .driver = refund->payment_driver,
        .reference = reference,
        .amount = refund->amount,
        .why = refund->why,
        .now_ms = now_ms,
    };
}

/* ---- the decision ---- */

static bool insert(struct db *db, const struct refund *refund, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO refunds (id, workspace_id, bill_kind, bill_id, payment_id, payment_driver, domain_id,"
                    " account_id, amount, state, why, attempts, due_ms, reason, created_ms, ended_ms)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, $12, '', $13, 0)");
    stmt_text(stmt, 1, refund->id);
    stmt_text(stmt, 2, refund->workspace_id);
    stmt_text(stmt, 3, str_of(bill_kind_names[refund->bill_kind]));
    stmt_text(stmt, 4, refund->bill_id);
    stmt_text(stmt, 5, refund->payment_id);
    stmt_text(stmt, 6, refund->payment_driver);
    stmt_text(stmt, 7, refund->domain_id);
    stmt_text(stmt, 8, refund->account_id);
    stmt_int(stmt, 9, refund->amount);
    stmt_text(stmt, 10, str_of(refund_state_names[refund->state]));
    stmt_text(stmt, 11, refund->why);
    stmt_int(stmt, 12, refund->due_ms);
    stmt_int(stmt, 13, refund->created_ms);
    return stmt_run(stmt, NULL, reterr);
}

static bool decide(struct db *db, struct ids *ids, const struct paid_bill *bill, const struct refund_request *request,
                   cents amount, char ret_id[UUID_TEXT], struct error *reterr) {
    bool waits = request->wait_until_ms > request->now_ms;
    ids_uuid(ids, ret_id);
    const struct refund refund = {
        .id = str_of(ret_id),
        .workspace_id = bill->workspace_id,
        .bill_kind = bill->kind,
        .bill_id = bill->id,
        .payment_id = bill->payment_id,
        .payment_driver = bill->driver,
        .domain_id = request->domain_id,
        .account_id = request->account_id,
        .amount = amount,
        .state = waits ? REFUND_WAITING : REFUND_DUE,
        .why = request->why,
        .due_ms = waits ? request->wait_until_ms : request->now_ms,
        .created_ms = request->now_ms,
    };
    struct refunded owed = refunded_of(&refund, STR(""), request->now_ms);
    return insert(db, &refund, reterr) && books_refund_owed(db, &owed, reterr);
}

bool refund_decide(struct db *db, struct ids *ids, const struct refund_request *request, cents *ret_amount,
                   struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct paid_bill bill;
    bool is_paid;
    cents amount;
    *ret_amount = 0;
    if (!refund_bill(db, request->bill_id, arena, &bill, &is_paid, reterr)) return false;
    if (!is_paid) return true;
    if (bill.kind != request->bill_kind)
        return error_set(reterr, ERR_INTERNAL, "%.*s is no %s", STR_ARG(request->bill_id),
                         bill_kind_names[request->bill_kind]);
    if (!refund_amount_of(db, &bill, request->domain_id, request->account_id, &amount, reterr)) return false;
    char id[UUID_TEXT];
    if (amount > 0 && !decide(db, ids, &bill, request, amount, id, reterr)) return false;
    *ret_amount = amount;
    return true;
}

bool refund_decide_amount(struct db *db, struct ids *ids, const struct refund_request *request, cents amount,
                          cents *ret_amount, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct paid_bill bill;
    bool is_paid;
    *ret_amount = 0;
    if (!refund_bill(db, request->bill_id, arena, &bill, &is_paid, reterr)) return false;
    if (is_paid && amount > bill.left) amount = bill.left;
    if (!is_paid || amount <= 0) return true;
    char id[UUID_TEXT];
    *ret_amount = amount;
    return decide(db, ids, &bill, request, amount, id, reterr);
}

/* Bills, and for which domain. */
struct billed {
    struct str bill_id, domain_id;
    enum bill_kind kind;
};

static bool decide_all(struct db *db, struct ids *ids, const struct billed *billed, size_t n,
                       const struct refund_request *request, cents *ret_amount, struct error *reterr) {
    *ret_amount = 0;
    for (size_t i = 0; i < n; i++) {
        struct refund_request one = *request;
        one.bill_kind = billed[i].kind;
        one.bill_id = billed[i].bill_id;
        one.domain_id = billed[i].domain_id;
        one.account_id = STR("");
        cents amount;
        if (!refund_decide(db, ids, &one, &amount, reterr)) return false;
        *ret_amount += amount;
    }
    return true;
}

static bool read_billed(struct stmt *stmt, struct arena *arena, struct rows *ret, struct error *reterr) {
    *ret = (struct rows){.size = sizeof(struct billed)};
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct billed *)rows_add(ret, arena) = (struct billed){
            .bill_id = row_text(stmt, 0, arena),
            .domain_id = row_text(stmt, 1, arena),
            .kind = (enum bill_kind)row_word(stmt, 2, bill_kind_names, BILL_KIND_END),
        };
    return step == DB_END;
}

bool refund_decide_domain(struct db *db, struct ids *ids, const struct refund_request *request, cents *ret_amount,
                          struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct stmt *stmt =
        db_stmt(db, "SELECT DISTINCT l.bill_id, l.domain_id, p.bill_kind FROM bill_lines l"
                    " JOIN payments p ON p.bill_id = l.bill_id AND p.kind = 'charge' AND p.state = 'succeeded'"
                    " WHERE l.domain_id = $1 ORDER BY l.bill_id");
    stmt_text(stmt, 1, request->domain_id);
    struct rows billed;
    if (!read_billed(stmt, arena, &billed, reterr)) return false;
    return decide_all(db, ids, billed.first, billed.n, request, ret_amount, reterr);
}

/* A mailbox that was lost with its domain. */
struct lost {
    struct str workspace_id, domain, email;
};

static bool tell_lost(struct db *db, const struct billed *billed, cents amount, const struct refund_request *request,
                      struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct rows rows = {.size = sizeof(struct lost)};
    struct stmt *stmt = db_stmt(db, "SELECT a.workspace_id, d.name, a.email FROM accounts a JOIN domains d"
                                    " ON d.id = a.domain_id WHERE a.order_id = $1 AND a.domain_id = $2 ORDER BY a.id");
    stmt_text(stmt, 1, billed->bill_id);
    stmt_text(stmt, 2, billed->domain_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct lost *)rows_add(&rows, arena) =
            (struct lost){row_text(stmt, 0, arena), row_text(stmt, 1, arena), row_text(stmt, 2, arena)};
    if (step == DB_FAIL) return false;
    const struct lost *all = rows.first;
    for (size_t i = 0; i < rows.n; i++) {
        const struct event event = {
            .workspace_id = all[i].workspace_id,
            .type = EVENT_ACCOUNT_FAILED,
            .domain = all[i].domain,
            .email = all[i].email,
            .reason = request->why,
            .order_id = billed->bill_id,
            .refund = bill_share(amount, (int64_t)i, (int64_t)rows.n),
            .now_ms = request->now_ms,
        };
        if (!event_add(db, &event, reterr)) return false;
    }
    return true;
}

static bool ask_lost(struct db *db, struct str order_id, struct stmt **ret, struct error *reterr) {
    /* Once for each domain: its first line. Nearly always none, which DISTINCT would build a table for. */
    *ret = db_stmt(db, "SELECT l.bill_id, l.domain_id, 'order' FROM bill_lines l"
                       " JOIN domains d ON d.id = l.domain_id AND d.order_id <> l.bill_id"
                       " WHERE l.bill_id = $1 AND d.state IN ('failed', 'cancelled') AND l.position ="
                       " (SELECT MIN(o.position) FROM bill_lines o WHERE o.bill_id = l.bill_id"
                       " AND o.domain_id = d.id)");
    stmt_text(*ret, 1, order_id);
    return stmt_ask(*ret, reterr);
}

/* For mailboxes of an order whose domain was lost before it was paid. */
static bool decide_lost(struct db *db, struct ids *ids, struct stmt *lost, int64_t now_ms, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct rows rows;
    if (!read_billed(lost, arena, &rows, reterr)) return false;
    const struct refund_request request = {.why = STR("the domain was lost"), .now_ms = now_ms};
    const struct billed *billed = rows.first;
    for (size_t i = 0; i < rows.n; i++) {
        cents amount;
        /* Asked for again, nothing is decided, and nothing told. */
        if (!decide_all(db, ids, &billed[i], 1, &request, &amount, reterr) ||
            (amount > 0 && !tell_lost(db, &billed[i], amount, &request, reterr)))
            return false;
    }
    return true;
}

bool refund_settle_order(struct db *db, struct ids *ids, struct str order_id, struct str reference, int64_t now_ms,
                         struct error *reterr) {
    struct stmt *lost; /* what is lost is as lost after the order is settled */
    return ask_lost(db, order_id, &lost, reterr) && order_settle(db, order_id, reference, now_ms, reterr) &&
           decide_lost(db, ids, lost, now_ms, reterr);
}

bool refund_make(struct db *db, struct ids *ids, struct str bill_id, cents amount, struct str why, int64_t now_ms,
                 char ret_id[UUID_TEXT], struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct paid_bill bill;
    bool is_paid;
    if (!refund_bill(db, bill_id, arena, &bill, &is_paid, reterr)) return false;
    if (!is_paid) return refund_refuse_unpaid(db, bill_id, reterr);
    if (amount <= 0) return error_set(reterr, ERR_INVALID, "a refund is more than 0.00");
    if (amount > bill.left)
        return error_set(reterr, ERR_INVALID, "%lld.%02lld is all that is left of %s %.*s",
                         (long long)(bill.left / 100), (long long)(bill.left % 100), bill_kind_names[bill.kind],
                         STR_ARG(bill_id));
    const struct refund_request request = {.domain_id = STR(""), .account_id = STR(""), .why = why, .now_ms = now_ms};
    return decide(db, ids, &bill, &request, amount, ret_id, reterr);
}

/* ---- the work ---- */

bool refund_claim(struct db *db, int64_t now_ms, int64_t lease_until_ms, size_t max, struct arena *arena,
                  struct refund **ret, size_t *ret_n, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, REFUND_COLUMNS "WHERE r.state IN " OPEN " AND r.due_ms <= $1 ORDER BY r.due_ms, r.id LIMIT $2"
                                   " /*pg FOR NO KEY UPDATE OF r SKIP LOCKED*/");
    stmt_int(stmt, 1, now_ms);
    stmt_int(stmt, 2, (int64_t)max);
    if (!read_rows(stmt, arena, ret, ret_n, reterr)) return false;
    if (*ret_n == 0) return true;
    struct str *ids = ARENA_ARRAY(arena, *ret_n, struct str);
    for (size_t i = 0; i < *ret_n; i++) {
        struct refund *refund = &(*ret)[i];
        ids[i] = refund->id;
        refund->state = REFUND_RUNNING;
        refund->attempts++;
        refund->due_ms = lease_until_ms;
    }
    stmt = db_stmt(db, "UPDATE refunds SET state = 'running', attempts = attempts + 1, due_ms = $2"
                       " WHERE id IN (SELECT value FROM list($1))");
    stmt_list(stmt, 1, ids, *ret_n);
    stmt_int(stmt, 2, lease_until_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool refund_hold_waiting(struct db *db, struct str domain_id, struct error *reterr) {
    return rows_hold(db,
                     DB_ONLY_POSTGRES("SELECT 1 FROM refunds WHERE domain_id = $1 AND state = 'waiting' ORDER BY id"
                                      " FOR NO KEY UPDATE"),
                     domain_id, reterr);
}

bool refund_record(struct db *db, const struct refund *refund, const struct refund_end *end, bool *ret_stale,
                   struct error *reterr) {
    bool is_again = end->state == REFUND_DUE;
    struct stmt *stmt = db_stmt(db, "UPDATE refunds SET state = $3, reason = $4, due_ms = $5, ended_ms = $6"
                                    " WHERE id = $1 AND state = 'running' AND attempts = $2");
    stmt_text(stmt, 1, refund->id);
    stmt_int(stmt, 2, refund->attempts);
    stmt_text(stmt, 3, str_of(refund_state_names[end->state]));
    stmt_text(stmt, 4, end->state == REFUND_DONE ? STR("") : end->reason);
    stmt_int(stmt, 5, is_again ? end->again_ms : end->now_ms);
    stmt_int(stmt, 6, is_again ? 0 : end->now_ms);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret_stale = changed == 0;
    if (*ret_stale || is_again) return true;
    struct refunded books = refunded_of(refund, end->reference, end->now_ms);
    switch (end->state) {
    case REFUND_DONE:
        return books_refund_paid(db, &books, reterr);
    case REFUND_FAILED:
        return books_refund_failed(db, &books, end->reason, reterr);
    default:
        return error_set(reterr, ERR_INTERNAL, "a refund cannot end as %s", refund_state_names[end->state]);
    }
}

bool refund_retry(struct db *db, struct str id, int64_t now_ms, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    const struct refund_query query = {.only_one = id, .max = 1};
    struct refund *refund;
    size_t n;
    if (!refund_list(db, &query, arena, &refund, &n, reterr)) return false;
    if (!n) return error_set(reterr, ERR_NOT_FOUND, "there is no refund %.*s", STR_ARG(id));
    if (refund->state != REFUND_FAILED)
        return error_set(reterr, ERR_CONFLICT, "refund %.*s is %s: only a failed one is tried again this way",
                         STR_ARG(id), refund_state_names[refund->state]);
    struct stmt *stmt = db_stmt(db, "UPDATE refunds SET state = 'due', due_ms = $2, ended_ms = 0, retries = retries + 1"
                                    " WHERE id = $1");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool refund_free_all(struct db *db, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE refunds SET state = 'due', due_ms = $1 WHERE state = 'running'");
    stmt_int(stmt, 1, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool refund_next_due(struct db *db, int64_t *ret_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT due_ms FROM refunds WHERE state IN " OPEN " ORDER BY due_ms LIMIT 1");
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret_ms = step == DB_ROW ? stmt_col_int(stmt, 0) : INT64_MAX;
    stmt_done(stmt);
    return true;
}

bool refund_list(struct db *db, const struct refund_query *query, struct arena *arena, struct refund **ret,
                 size_t *ret_n, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, REFUND_COLUMNS "WHERE ($1 = 0 OR r.state = 'failed' OR (r.state IN " OPEN " AND r.reason <> ''))"
                                   " AND ($2 = '' OR r.bill_id = $2) AND ($3 = '' OR r.id = $3)"
                                   " AND r.id < $5 ORDER BY r.id DESC LIMIT $4");
    stmt_int(stmt, 1, query->stuck);
    stmt_text(stmt, 2, query->bill_id);
    stmt_text(stmt, 3, query->only_one);
    stmt_int(stmt, 4, (int64_t)query->max);
    stmt_text(stmt, 5, rows_before(query->before));
    return read_rows(stmt, arena, ret, ret_n, reterr);
}
