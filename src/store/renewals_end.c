/* What follows from a renewal for its things and their owner. */
#include "store/cancel.h"
#include "store/events.h"
#include "store/refunds.h"
#include "store/renewals_inside.h"
#include "store/rows.h"
#include "store/steps.h"

enum { NEWS_MAX_BYTES = 1024 };

/* The mailboxes that renewal $1 is about: its own, and all of its domains. */
#define ITS_ACCOUNTS                                                                                                   \
    "(SELECT a.id FROM renewal_items i JOIN accounts a ON a.id = i.account_id OR (i.account_id = ''"                   \
    " AND a.domain_id = i.domain_id) WHERE i.renewal_id = $1 AND i.is_charged = 1"                                     \
    " AND a.state IN ('pending', 'ready'))"

/* Works towards what the accounts say by now; whoever was at an older change can record nothing any more. */
static bool set_access(struct db *db, struct str id, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms,"
            " reason) SELECT a.domain_id, a.id, $2, $3, a.order_id, a.workspace_id, 'due', 0, $4, '' FROM accounts a"
            " WHERE a.access_change > 0 AND a.id IN " ITS_ACCOUNTS
            " ON CONFLICT (domain_id, account_id, kind) DO UPDATE SET state = 'due', due_ms = $4, reason = ''");
    stmt_text(stmt, 1, id);
    stmt_text(stmt, 2, str_of(step_kind_names[STEP_SET_ACCESS]));
    stmt_int(stmt, 3, step_rank(STEP_SET_ACCESS));
    stmt_int(stmt, 4, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

bool renewal_suspend(struct db *db, struct str id, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE accounts SET suspended_ms = $2, access_change = access_change + 1"
                                    " WHERE suspended_ms = 0 AND id IN " ITS_ACCOUNTS);
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, now_ms);
    int64_t changed;
    return stmt_run(stmt, &changed, reterr) && (!changed || set_access(db, id, now_ms, reterr));
}

bool renewal_restore(struct db *db, struct str id, int64_t now_ms, struct error *reterr) {
    /* Other renewals that closed a mailbox, or its domain, and are not paid yet: they have failed that often. */
    struct stmt *stmt = db_stmt(
        db, "UPDATE accounts SET suspended_ms = 0, access_change = access_change + 1 WHERE suspended_ms > 0"
            " AND id IN " ITS_ACCOUNTS " AND NOT EXISTS (SELECT 1 FROM renewal_items o JOIN renewals r"
            " ON r.id = o.renewal_id WHERE o.domain_id = accounts.domain_id AND o.renewal_id <> $1 AND o.is_charged = 1"
            " AND (o.account_id = accounts.id OR o.account_id = '') AND r.stage >= $2"
            " AND r.state IN ('due', 'charging', 'suspended'))");
    stmt_text(stmt, 1, id);
    stmt_int(stmt, 2, DUNNING_SUSPENDING);
    int64_t changed;
    return stmt_run(stmt, &changed, reterr) && (!changed || set_access(db, id, now_ms, reterr));
}

bool renewal_move_on(struct db *db, struct str id, struct error *reterr) {
    static const char *const sql[] = {
        "UPDATE accounts SET renews_ms = (SELECT MAX(i.to_ms) FROM renewal_items i WHERE i.renewal_id = $1"
        " AND i.domain_id = accounts.domain_id AND i.account_id = accounts.id) WHERE state IN ('pending', 'ready')"
        " AND NOT" RENEWAL_RUNS_OUT("accounts.domain_id") " AND id IN (SELECT account_id FROM renewal_items WHERE "
                                                          "renewal_id = $1 AND kind = 'mailbox_month')",
#define MOVE_DOMAIN(column, kind)                                                                                      \
    "UPDATE domains SET " column " = (SELECT MAX(i.to_ms) FROM renewal_items i WHERE i.renewal_id = $1"                \
    " AND i.domain_id = domains.id AND i.kind = '" kind "') WHERE state NOT IN ('failed', 'cancelled')"                \
    " AND NOT" RENEWAL_RUNS_OUT(                                                                                       \
        "domains.id") " AND id IN (SELECT domain_id FROM renewal_items WHERE renewal_id = $1 AND kind = '" kind "')"
        MOVE_DOMAIN("month_renews_ms", "domain_month"),
        MOVE_DOMAIN("year_renews_ms", "domain_year"),
#undef MOVE_DOMAIN
    };
    for (size_t i = 0; i < ARRAY_LEN(sql); i++)
        if (!rows_change(db, sql[i], id, reterr)) return false;
    return true;
}

/* ---- cancelling ---- */

static bool read_ids(struct db *db, const char *sql, struct str id, struct arena *arena, struct rows *ret,
                     struct error *reterr) {
    *ret = (struct rows){.size = sizeof(struct str)};
    struct stmt *stmt = db_stmt(db, sql);
    stmt_text(stmt, 1, id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) *(struct str *)rows_add(ret, arena) = row_text(stmt, 0, arena);
    return step == DB_END;
}

bool renewal_cancel_things(struct db *db, struct ids *ids, struct str id, struct str workspace_id, int64_t now_ms,
                           struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct rows accounts, domains;
    if (!read_ids(db, "SELECT account_id FROM renewal_items WHERE renewal_id = $1 AND account_id <> ''", id, arena,
                  &accounts, reterr) ||
        !read_ids(db, "SELECT DISTINCT domain_id FROM renewal_items WHERE renewal_id = $1 AND account_id = ''", id,
                  arena, &domains, reterr))
        return false;
    char audit_id[UUID_TEXT];
    ids_uuid(ids, audit_id);
    const struct cancellation_of_unpaid job = {
        .workspace_id = workspace_id,
        .account_ids = accounts.first,
        .n_accounts = accounts.n,
        .domain_ids = domains.first,
        .n_domains = domains.n,
        .audit_id = str_of(audit_id),
        .now_ms = now_ms,
    };
    return cancel_unpaid(db, &job, reterr);
}

/* ---- news ---- */

static void finish_buf(struct buf *buf) {
    buf_finish(buf);
}

bool renewal_tell(struct db *db, bool succeeded, const struct renewal_news *news, struct error *reterr) {
    CLEANUP(finish_buf) struct buf more;
    buf_init(&more, NEWS_MAX_BYTES);
    buf_printf(&more, "\"renewal_id\":\"%.*s\",\"amount\":", STR_ARG(news->id));
    money_json(&more, news->amount);
    if (news->attempt) buf_printf(&more, ",\"attempt\":%lld", (long long)news->attempt);
    buf_printf(&more, ",\"state\":\"%.*s\"", STR_ARG(news->state));
    if (news->next.n) {
        char at[TIME_TEXT];
        time_format(news->next_ms, at);
        buf_printf(&more, ",\"next\":\"%.*s\",\"next_at\":\"%s\"", STR_ARG(news->next), at);
    }
    if (!buf_ok(&more)) return error_set(reterr, ERR_INTERNAL, "news of more than %d bytes", NEWS_MAX_BYTES);
    const struct event event = {
        .workspace_id = news->workspace_id,
        .type = succeeded ? EVENT_RENEWAL_SUCCEEDED : EVENT_RENEWAL_FAILED,
        .domain = news->domain,
        .reason = news->reason,
        .more = buf_str(&more),
        .now_ms = news->now_ms,
    };
    return event_add(db, &event, reterr);
}

/* ---- a registrar that refuses ---- */

struct year {
    struct str renewal_id, workspace_id, domain;
    cents amount;
};

/* *ret_found is false when its newest year was the order's. */
static bool read_last_year(struct db *db, struct str domain_id, struct arena *arena, bool *ret_found, struct year *ret,
                           struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT r.id, r.workspace_id, d.name, i.amount FROM renewal_items i"
                                    " JOIN renewals r ON r.id = i.renewal_id JOIN domains d ON d.id = i.domain_id"
                                    " WHERE i.domain_id = $1 AND i.kind = 'domain_year' AND i.is_charged = 1"
                                    " AND r.state = 'paid' ORDER BY i.to_ms DESC LIMIT 1");
    stmt_text(stmt, 1, domain_id);
    enum db_step step = stmt_step(stmt, reterr);
    *ret_found = step == DB_ROW;
    if (step != DB_ROW) return step == DB_END;
    *ret = (struct year){
        .renewal_id = row_text(stmt, 0, arena),
        .workspace_id = row_text(stmt, 1, arena),
        .domain = row_text(stmt, 2, arena),
        .amount = stmt_col_int(stmt, 3),
    };
    stmt_done(stmt);
    return true;
}

bool renewal_refused(struct db *db, struct ids *ids, struct str domain_id, struct str reason, int64_t now_ms,
                     struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct year year;
    bool found;
    if (!read_last_year(db, domain_id, arena, &found, &year, reterr)) return false;
    if (!found) return error_set(reterr, ERR_INTERNAL, "no renewal of domain %.*s is paid", STR_ARG(domain_id));
    const struct refund_request request = {
        .bill_kind = BILL_RENEWAL,
        .bill_id = year.renewal_id,
        .domain_id = domain_id,
        .why = arena_printf(arena, "%.*s was not renewed: %.*s", STR_ARG(year.domain), STR_ARG(reason)),
        .now_ms = now_ms,
    };
    const struct renewal_news news = {
        .id = year.renewal_id,
        .workspace_id = year.workspace_id,
        .amount = year.amount,
        .state = STR("refused"),
        .domain = year.domain,
        .reason = reason,
        .now_ms = now_ms,
    };
    cents amount;
    return refund_decide(db, ids, &request, &amount, reterr) &&
           rows_change(db,
                       "UPDATE domains SET paid_years = paid_years - 1, year_renews_ms = 0, month_renews_ms = 0"
                       " WHERE id = $1",
                       domain_id, reterr) &&
           rows_change(db, "UPDATE accounts SET renews_ms = 0 WHERE domain_id = $1", domain_id, reterr) &&
           renewal_tell(db, false, &news, reterr);
}
