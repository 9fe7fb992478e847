#include "store/cancel.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/care.h"
#include "store/events.h"
#include "store/rows.h"
#include "store/steps.h"

/* A request has at most 1 MiB. */
enum { DETAIL_MAX_BYTES = 8 << 20 };

static const char reason[] = "cancelled";

/* One of the accounts that ever had an address. */
struct account_ref {
    struct str id, domain_id, order_id, domain, email;
    enum account_state state;
};

#define REF_COLUMNS                                                                                                    \
    "SELECT a.id, a.domain_id, a.order_id, d.name, a.state, a.email"                                                   \
    " FROM accounts a JOIN domains d ON d.id = a.domain_id "

/* The rows of STMT, appended. */
static bool read_refs(struct stmt *stmt, struct arena *arena, struct rows *rows, struct error *reterr) {
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct account_ref *ref = rows_add(rows, arena);
        ref->id = row_text(stmt, 0, arena);
        ref->domain_id = row_text(stmt, 1, arena);
        ref->order_id = row_text(stmt, 2, arena);
        ref->domain = row_text(stmt, 3, arena);
        ref->state = (enum account_state)row_word(stmt, 4, account_state_names, ACCOUNT_STATE_END);
        ref->email = row_text(stmt, 5, arena);
    }
    return step == DB_END;
}

static bool read_accounts(struct db *db, struct str workspace_id, struct str email, struct arena *arena,
                          struct rows *ret, struct error *reterr) {
    *ret = (struct rows){.size = sizeof(struct account_ref)};
    struct stmt *stmt = db_stmt(db, REF_COLUMNS "WHERE a.email = $1 AND a.workspace_id = $2 AND a.state <> 'reserved'"
                                                " ORDER BY a.id DESC");
    stmt_text(stmt, 1, email);
    stmt_text(stmt, 2, workspace_id);
    return read_refs(stmt, arena, ret, reterr);
}

/* When nobody can be at making the mailbox any more: at the end of the lease, or now. Nobody begins after that. */
static bool read_lease_end(struct db *db, const struct account_ref *account, int64_t now_ms, int64_t *ret,
                           struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "SELECT CASE WHEN state = 'running' THEN due_ms ELSE 0 END FROM steps WHERE domain_id = $1"
                    " AND account_id = $2 AND kind = $3 /*pg FOR NO KEY UPDATE*/");
    stmt_text(stmt, 1, account->domain_id);
    stmt_text(stmt, 2, account->id);
    stmt_text(stmt, 3, str_of(step_kind_names[STEP_CREATE_MAILBOX]));
    *ret = now_ms;
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_ROW && stmt_col_int(stmt, 0) > now_ms) *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return step != DB_FAIL;
}

/* Ends what is open of a domain's own steps or, with an account, of that account's. */
static bool skip_steps(struct db *db, struct str domain_id, struct str account_id, int64_t now_ms,
                       struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE steps SET state = 'skipped', reason = $3, due_ms = $4"
                                    " WHERE domain_id = $1 AND account_id = $2"
                                    " AND state IN ('blocked', 'due', 'retrying', 'running')");
    stmt_text(stmt, 1, domain_id);
    stmt_text(stmt, 2, account_id);
    stmt_text(stmt, 3, STR(reason));
    stmt_int(stmt, 4, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

static bool add_removal(struct db *db, const struct account_ref *account, struct str workspace_id, int64_t due_ms,
                        struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id,"
                    " state, attempts, due_ms, reason) VALUES ($1, $2, $3, $4, $5, $6, 'due', 0, $7, '')");
    stmt_text(stmt, 1, account->domain_id);
    stmt_text(stmt, 2, account->id);
    stmt_text(stmt, 3, str_of(step_kind_names[STEP_REMOVE_MAILBOX]));
    stmt_int(stmt, 4, step_rank(STEP_REMOVE_MAILBOX));
    stmt_text(stmt, 5, account->order_id);
    stmt_text(stmt, 6, workspace_id);
    stmt_int(stmt, 7, due_ms);
    return stmt_run(stmt, NULL, reterr);
}

static bool cancel_account(struct db *db, const struct cancellation *job, const struct account_ref *account,
                           struct str email, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE accounts SET state = 'cancelled', cancelled_ms = $2, renews_ms = 0"
                                    " WHERE id = $1");
    stmt_text(stmt, 1, account->id);
    stmt_int(stmt, 2, job->now_ms);
    if (!stmt_run(stmt, NULL, reterr)) return false;
    const struct event event = {
        .workspace_id = job->workspace_id,
        .type = EVENT_ACCOUNT_CANCELLED,
        .domain = account->domain,
        .email = email,
        .order_id = account->order_id,
        .now_ms = job->now_ms,
    };
    if (!event_add(db, &event, reterr)) return false;
    /* A failed one has no mailbox, and its address may be someone else's by now. */
    if (account->state == ACCOUNT_FAILED) return true;
    int64_t due_ms;
    return read_lease_end(db, account, job->now_ms, &due_ms, reterr) &&
           skip_steps(db, account->domain_id, account->id, job->now_ms, reterr) &&
           add_removal(db, account, job->workspace_id, due_ms, reterr);
}

/* An account that is only reserved may still be bought: then the domain lives on. EXCEPT_ORDER: whose reserved accounts
 * do not count; may be empty. */
static bool is_emptied(struct db *db, struct str domain_id, struct str except_order, bool *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT NOT EXISTS (SELECT 1 FROM accounts WHERE domain_id = $1"
                                    " AND state <> 'cancelled' AND NOT (state = 'reserved' AND order_id = $2))");
    stmt_text(stmt, 1, domain_id);
    stmt_text(stmt, 2, except_order);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0) != 0;
    stmt_done(stmt);
    return true;
}

/* The name stays held: it is registered, or may be. */
static bool cancel_domain(struct db *db, struct str domain_id, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE domains SET state = 'cancelled', cancelled_ms = $2, year_renews_ms = 0,"
                                    " month_renews_ms = 0"
                                    " WHERE id = $1 AND state <> 'cancelled'");
    stmt_text(stmt, 1, domain_id);
    stmt_int(stmt, 2, now_ms);
    if (!stmt_run(stmt, NULL, reterr) || !skip_steps(db, domain_id, STR(""), now_ms, reterr) ||
        !care_end(db, domain_id, reterr))
        return false;
    stmt = db_stmt(db, "DELETE FROM forwarding_changes WHERE domain_id = $1");
    stmt_text(stmt, 1, domain_id);
    return stmt_run(stmt, NULL, reterr);
}

/* What is left of a domain goes on, and may be ready now. */
static bool go_on(struct db *db, struct str domain_id, int64_t now_ms, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct stmt *stmt = db_stmt(db, "SELECT name, order_id, workspace_id FROM domains WHERE id = $1");
    stmt_text(stmt, 1, domain_id);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    const struct step about = {
        .domain_id = domain_id,
        .domain = row_text(stmt, 0, arena),
        .order_id = row_text(stmt, 1, arena),
        .workspace_id = row_text(stmt, 2, arena),
    };
    stmt_done(stmt);
    return step_move_on(db, &about, now_ms, reterr);
}

static bool end_domain(struct db *db, struct str domain_id, struct str except_order, int64_t now_ms,
                       struct error *reterr) {
    bool emptied;
    if (!is_emptied(db, domain_id, except_order, &emptied, reterr)) return false;
    return emptied ? cancel_domain(db, domain_id, now_ms, reterr) : go_on(db, domain_id, now_ms, reterr);
}

static bool record(struct db *db, const struct cancellation *job, struct buf *emails, int64_t affected,
                   struct error *reterr) {
    BUF_LIT(emails, "]}");
    if (!buf_ok(emails))
        return error_set(reterr, ERR_INTERNAL, "an audit record of more than %d bytes", DETAIL_MAX_BYTES);
    const struct audit_record record = {
        .id = job->audit_id,
        .workspace_id = job->workspace_id,
        .activity = ACTIVITY_ACCOUNTS_CANCELLED,
        .actor = job->actor,
        .affected = affected,
        .detail = buf_str(emails),
        .now_ms = job->now_ms,
    };
    return audit_add(db, &record, reterr);
}

/* ---- the request ---- */

struct asked {
    struct str email;
    size_t at;
    bool is_repeat;
};

static int by_email(const void *a, const void *b) {
    const struct asked *x = a, *y = b;
    int order = str_cmp(x->email, y->email);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static int by_place(const void *a, const void *b) {
    const struct asked *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* Addresses in lower case without outer blanks, as they are stored; repeats are marked. */
static struct asked *clean(const struct cancellation *job, struct arena *arena) {
    struct asked *asked = ARENA_ARRAY(arena, job->n, struct asked);
    for (size_t i = 0; i < job->n; i++) {
        struct str email = str_trim(job->emails[i]);
        char *lower = arena_alloc(arena, email.n + 1);
        for (size_t j = 0; j < email.n; j++) {
            char c = email.p[j];
            if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
            lower[j] = c;
        }
        asked[i] = (struct asked){.email = {lower, email.n}, .at = i};
    }
    if (job->n > 1) qsort(asked, job->n, sizeof *asked, by_email);
    for (size_t i = 1; i < job->n; i++) asked[i].is_repeat = str_eq(asked[i].email, asked[i - 1].email);
    if (job->n > 1) qsort(asked, job->n, sizeof *asked, by_place);
    return asked;
}

static int by_id(const void *a, const void *b) {
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool end_domains(struct db *db, struct str *ids, size_t n, int64_t now_ms, struct error *reterr) {
    if (n > 1) qsort(ids, n, sizeof *ids, by_id);
    for (size_t i = 0; i < n; i++)
        if ((!i || !str_eq(ids[i], ids[i - 1])) && !end_domain(db, ids[i], STR(""), now_ms, reterr)) return false;
    return true;
}

static bool read_answer(struct db *db, struct str id, struct arena *arena, struct account_row *ret,
                        struct error *reterr) {
    struct stmt *stmt = db_stmt(db, ACCOUNT_COLUMNS "WHERE a.id = $1");
    stmt_text(stmt, 1, id);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = account_row_read(stmt, arena);
    stmt_done(stmt);
    return true;
}

static void finish_buf(struct buf *buf) {
    buf_finish(buf);
}

bool cancel_accounts(struct db *db, const struct cancellation *job, struct arena *arena, struct account_row **ret,
                     size_t *ret_n, struct error *reterr) {
    const struct asked *asked = clean(job, arena);
    struct rows answers = {.size = sizeof(struct account_row)}, domains = {.size = sizeof(struct str)};
    CLEANUP(finish_buf) struct buf emails;
    buf_init(&emails, DETAIL_MAX_BYTES);
    BUF_LIT(&emails, "{\"accounts\":[");
    for (size_t i = 0; i < job->n; i++) {
        struct rows found;
        if (asked[i].is_repeat) continue;
        if (!read_accounts(db, job->workspace_id, asked[i].email, arena, &found, reterr)) return false;
        const struct account_ref *refs = found.first;
        /* An address that failed before and was ordered again has several; none of them is left. */
        for (size_t j = 0; j < found.n; j++) {
            if (refs[j].state == ACCOUNT_CANCELLED) continue;
            if (!cancel_account(db, job, &refs[j], asked[i].email, reterr)) return false;
            if (domains.n) buf_add_byte(&emails, ',');
            buf_add_json(&emails, asked[i].email);
            *(struct str *)rows_add(&domains, arena) = refs[j].domain_id;
        }
        if (!found.n) continue;
        /* The newest; its columns are read again, as it may just have been cancelled. */
        if (!read_answer(db, refs[0].id, arena, rows_add(&answers, arena), reterr)) return false;
    }
    if (!answers.n) return error_set(reterr, ERR_NOT_FOUND, "Resource not found");
    if (!end_domains(db, domains.first, domains.n, job->now_ms, reterr)) return false;
    if (domains.n && !record(db, job, &emails, (int64_t)domains.n, reterr)) return false;
    *ret = answers.first;
    *ret_n = answers.n;
    return true;
}

bool cancel_release(struct db *db, struct str order_id, int64_t now_ms, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct rows domains = {.size = sizeof(struct str)};
    /* A domain that this order would have brought goes away itself. */
    struct stmt *stmt = db_stmt(db, "SELECT DISTINCT a.domain_id FROM accounts a JOIN domains d ON d.id = a.domain_id"
                                    " WHERE a.order_id = $1 AND a.state = 'reserved'"
                                    " AND d.state NOT IN ('reserved', 'cancelled')");
    stmt_text(stmt, 1, order_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct str *)rows_add(&domains, arena) = row_text(stmt, 0, arena);
    if (step == DB_FAIL) return false;
    const struct str *ids = domains.first;
    for (size_t i = 0; i < domains.n; i++)
        if (!end_domain(db, ids[i], order_id, now_ms, reterr)) return false;
    return true;
}

/* ---- what was not paid for ---- */

/* What STMT selects; their domains are added to DOMAINS, their addresses to EMAILS. */
static bool cancel_selected(struct db *db, const struct cancellation *job, struct stmt *stmt, struct arena *arena,
                            struct rows *domains, struct buf *emails, struct error *reterr) {
    struct rows found = {.size = sizeof(struct account_ref)};
    if (!read_refs(stmt, arena, &found, reterr)) return false;
    const struct account_ref *refs = found.first;
    for (size_t i = 0; i < found.n; i++) {
        if (!cancel_account(db, job, &refs[i], refs[i].email, reterr)) return false;
        if (domains->n) buf_add_byte(emails, ',');
        buf_add_json(emails, refs[i].email);
        *(struct str *)rows_add(domains, arena) = refs[i].domain_id;
    }
    return true;
}

bool cancel_unpaid(struct db *db, const struct cancellation_of_unpaid *unpaid, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct rows domains = {.size = sizeof(struct str)};
    const struct cancellation job = {
        .workspace_id = unpaid->workspace_id, .audit_id = unpaid->audit_id, .now_ms = unpaid->now_ms};
    CLEANUP(finish_buf) struct buf emails;
    buf_init(&emails, DETAIL_MAX_BYTES);
    BUF_LIT(&emails, "{\"reason\":\"not paid\",\"accounts\":[");
    struct stmt *stmt = db_stmt(db, REF_COLUMNS "WHERE a.state NOT IN ('reserved', 'cancelled')"
                                                " AND a.id IN (SELECT value FROM list($1)) ORDER BY a.id");
    stmt_list(stmt, 1, unpaid->account_ids, unpaid->n_accounts);
    if (!cancel_selected(db, &job, stmt, arena, &domains, &emails, reterr)) return false;
    stmt = db_stmt(db, REF_COLUMNS "WHERE a.state NOT IN ('reserved', 'cancelled')"
                                   " AND a.domain_id IN (SELECT value FROM list($1)) ORDER BY a.id");
    stmt_list(stmt, 1, unpaid->domain_ids, unpaid->n_domains);
    if (!cancel_selected(db, &job, stmt, arena, &domains, &emails, reterr)) return false;
    for (size_t i = 0; i < unpaid->n_domains; i++)
        if (!cancel_domain(db, unpaid->domain_ids[i], unpaid->now_ms, reterr)) return false;
    int64_t n = (int64_t)domains.n;
    return end_domains(db, domains.first, domains.n, unpaid->now_ms, reterr) &&
           (!n || record(db, &job, &emails, n, reterr));
}
