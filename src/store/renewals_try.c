/* The tries to charge a renewal: who is at it, for how much, and how it ended. */
#include "core/dunning.h"
#include "store/bills.h"
#include "store/books.h"
#include "store/refunds.h"
#include "store/renewals_inside.h"
#include "store/rows.h"
#include "store/workspaces.h"

/* ---- claiming ---- */

#define TRY_COLUMNS                                                                                                    \
    "SELECT id, workspace_id, attempts, failures, stage, next_ms, amount, payment_id, payment_ms, payment_driver,"     \
    " card_token, card_brand, card_last4, state, unanswered FROM renewals "

static void read_try(struct stmt *stmt, struct arena *arena, struct renewal_try *ret) {
    *ret = (struct renewal_try){
        .id = row_text(stmt, 0, arena),
        .workspace_id = row_text(stmt, 1, arena),
        .attempts = stmt_col_int(stmt, 2),
        .failures = stmt_col_int(stmt, 3),
        .stage = stmt_col_int(stmt, 4),
        .next_ms = stmt_col_int(stmt, 5),
        .amount = stmt_col_int(stmt, 6),
        .payment_id = row_text(stmt, 7, arena),
        .payment_ms = stmt_col_int(stmt, 8),
        .driver = row_text(stmt, 9, arena),
        .token = row_text(stmt, 10, arena),
        .brand = row_text(stmt, 11, arena),
        .last4 = row_text(stmt, 12, arena),
        .is_resumed = row_word(stmt, 13, renewal_state_names, RENEWAL_STATE_END) == RENEWAL_CHARGING,
        .is_unanswered = stmt_col_int(stmt, 14) != 0,
    };
}

/* Charged is what is wanted still, and was delivered: what was never made costs nothing a second time. */
static bool choose_items(struct db *db, struct str id, struct error *reterr) {
    return rows_change(
        db,
        "UPDATE renewal_items SET is_charged = CASE WHEN" RENEWAL_RUNS_OUT(
            "renewal_items.domain_id") " THEN 0 WHEN CASE kind"
                                       " WHEN 'mailbox_month' THEN EXISTS (SELECT 1 FROM accounts a WHERE a.id = "
                                       "renewal_items.account_id"
                                       " AND a.state = 'ready')"
                                       " WHEN 'domain_month' THEN EXISTS (SELECT 1 FROM domains d JOIN accounts a ON "
                                       "a.domain_id = d.id"
                                       " WHERE d.id = renewal_items.domain_id AND d.state NOT IN ('failed', "
                                       "'cancelled') AND a.state = 'ready')"
                                       " ELSE EXISTS (SELECT 1 FROM domains d WHERE d.id = renewal_items.domain_id"
                                       " AND d.state NOT IN ('failed', 'cancelled') AND NOT EXISTS (SELECT 1 FROM "
                                       "steps s WHERE s.domain_id = d.id"
                                       " AND s.kind = 'register_domain' AND s.state <> 'done')) END THEN 1 ELSE 0 END "
                                       "WHERE renewal_id = $1",
        id, reterr);
}

/*
 * The bill of what is charged, instead of that of an earlier try. *ret_n: how many things are on it, also free ones.
 * *ret_fits: whether its sum is money; else it stays empty.
 */
static bool write_bill(struct db *db, struct str id, struct arena *arena, cents *ret_amount, int64_t *ret_n,
                       bool *ret_fits, struct error *reterr) {
    if (!rows_change(db, "DELETE FROM bill_lines WHERE bill_id = $1", id, reterr)) return false;
    struct rows rows = {.size = sizeof(struct bill_line)};
    struct stmt *stmt = db_stmt(db, "SELECT kind, domain_id, COUNT(*), amount, from_ms, to_ms FROM renewal_items"
                                    " WHERE renewal_id = $1 AND is_charged = 1"
                                    " GROUP BY domain_id, kind, amount, from_ms, to_ms"
                                    " ORDER BY domain_id, kind, amount, from_ms, to_ms");
    stmt_text(stmt, 1, id);
    *ret_amount = *ret_n = 0;
    *ret_fits = true;
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct bill_line line = {
            .kind = (enum line_kind)row_word(stmt, 0, line_kind_names, LINE_KIND_END),
            .domain_id = row_text(stmt, 1, arena),
            .quantity = stmt_col_int(stmt, 2),
            .unit = stmt_col_int(stmt, 3),
            .from_ms = stmt_col_int(stmt, 4),
            .to_ms = stmt_col_int(stmt, 5),
        };
        *ret_n += line.quantity;
        *ret_fits &= money_add(&line.amount, line.unit, line.quantity) && money_add(ret_amount, line.amount, 1);
        if (line.unit > 0) *(struct bill_line *)rows_add(&rows, arena) = line;
    }
    if (step == DB_FAIL) return false;
    if (!*ret_fits) return true;
    const struct bill_line *lines = rows.first;
    for (size_t i = 0; i < rows.n; i++)
        if (!bill_line_add(db, id, (int64_t)i, &lines[i], reterr)) return false;
    return true;
}

static bool end_at_once(struct db *db, struct str id, enum renewal_state state, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE renewals SET state = $2, due_ms = $3 WHERE id = $1");
    stmt_text(stmt, 1, id);
    stmt_text(stmt, 2, str_of(renewal_state_names[state]));
    stmt_int(stmt, 3, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

/* Its last day has come and it is not paid. */
static bool cancel(struct db *db, struct ids *ids, const struct renewal_try *attempt, int64_t now_ms,
                   struct error *reterr) {
    const struct renewal_news news = {
        .id = attempt->id,
        .workspace_id = attempt->workspace_id,
        .amount = attempt->amount,
        .state = str_of(renewal_state_names[RENEWAL_CANCELLED]),
        .reason = STR("it was not paid"),
        .now_ms = now_ms,
    };
    return renewal_cancel_things(db, ids, attempt->id, attempt->workspace_id, now_ms, reterr) &&
           end_at_once(db, attempt->id, RENEWAL_CANCELLED, now_ms, reterr) && renewal_tell(db, false, &news, reterr);
}

/* The charge's key and card are durable before anybody is asked for money. */
static bool begin_charge(struct db *db, struct ids *ids, struct renewal_try *attempt, int64_t now_ms,
                         struct arena *arena, struct error *reterr) {
    struct card card;
    if (!card_get(db, attempt->workspace_id, arena, &card, reterr)) return false;
    char id[UUID_TEXT] = "";
    bool is_charged = attempt->amount > 0 && card.exists && !attempt->is_too_large;
    if (is_charged) ids_uuid(ids, id);
    attempt->payment_id = arena_str(arena, str_of(id));
    attempt->payment_ms = now_ms;
    attempt->driver = is_charged ? card.driver : STR("");
    attempt->token = is_charged ? card.token : STR("");
    attempt->brand = is_charged ? card.brand : STR("");
    attempt->last4 = is_charged ? card.last4 : STR("");
    attempt->is_unanswered = false;
    struct stmt *stmt =
        db_stmt(db, "UPDATE renewals SET state = 'charging', amount = $2, payment_id = $3, payment_ms = $4,"
                    " payment_driver = $5, card_token = $6, card_brand = $7, card_last4 = $8, unanswered = 0"
                    " WHERE id = $1");
    stmt_text(stmt, 1, attempt->id);
    stmt_int(stmt, 2, attempt->amount);
    stmt_text(stmt, 3, attempt->payment_id);
    stmt_int(stmt, 4, attempt->payment_ms);
    stmt_text(stmt, 5, attempt->driver);
    stmt_text(stmt, 6, attempt->token);
    stmt_text(stmt, 7, attempt->brand);
    stmt_text(stmt, 8, attempt->last4);
    return stmt_run(stmt, NULL, reterr);
}

/* *ret_ended: there is nothing to try. */
static bool begin_try(struct db *db, struct ids *ids, struct renewal_try *attempt, int64_t now_ms, bool charge_all,
                      struct arena *arena, bool *ret_ended, struct error *reterr) {
    int64_t n;
    bool fits;
    *ret_ended = attempt->stage >= DUNNING_TRIES && attempt->next_ms <= now_ms;
    if (*ret_ended) return cancel(db, ids, attempt, now_ms, reterr);
    if (!charge_all && !choose_items(db, attempt->id, reterr)) return false;
    if (!write_bill(db, attempt->id, arena, &attempt->amount, &n, &fits, reterr)) return false;
    attempt->is_too_large = !fits;
    if (!fits) attempt->amount = CENTS_MAX;
    *ret_ended = n == 0;
    if (*ret_ended)
        return rows_change(db, "UPDATE renewals SET amount = 0 WHERE id = $1", attempt->id, reterr) &&
               end_at_once(db, attempt->id, RENEWAL_VOID, now_ms, reterr) && renewal_move_on(db, attempt->id, reterr) &&
               renewal_restore(db, attempt->id, now_ms, reterr);
    return begin_charge(db, ids, attempt, now_ms, arena, reterr);
}

/* Whether the lease still is its holder's, who then keeps it until the end of this transaction. */
static bool is_held(struct db *db, const struct renewal_try *attempt, bool *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT 1 FROM renewals WHERE id = $1 AND attempts = $2 /*pg FOR NO KEY UPDATE*/");
    stmt_text(stmt, 1, attempt->id);
    stmt_int(stmt, 2, attempt->attempts);
    enum db_step step = stmt_step(stmt, reterr);
    stmt_done(stmt);
    *ret = step == DB_ROW;
    return step != DB_FAIL;
}

bool renewal_start(struct db *db, struct ids *ids, struct renewal_try *attempt, int64_t now_ms, bool charge_all,
                   struct arena *arena, enum renewal_start *ret, struct error *reterr) {
    bool held, ended = false;
    *ret = RENEWAL_STARTED;
    if (attempt->is_resumed) return true;
    if (!is_held(db, attempt, &held, reterr)) return false;
    if (held && !begin_try(db, ids, attempt, now_ms, charge_all, arena, &ended, reterr)) return false;
    *ret = !held ? RENEWAL_LOST : ended ? RENEWAL_ENDED : RENEWAL_STARTED;
    return true;
}

bool renewal_claim(struct db *db, int64_t now_ms, int64_t lease_until_ms, size_t max, struct arena *arena,
                   struct renewal_try **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct renewal_try)};
    struct stmt *stmt =
        db_stmt(db, TRY_COLUMNS "WHERE state IN ('due', 'charging', 'suspended') AND due_ms <= $1"
                                " ORDER BY due_ms, day_ms, id LIMIT $2 /*pg FOR NO KEY UPDATE SKIP LOCKED*/");
    stmt_int(stmt, 1, now_ms);
    stmt_int(stmt, 2, (int64_t)max);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) read_try(stmt, arena, rows_add(&rows, arena));
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    if (rows.n == 0) return true;
    struct str *ids = ARENA_ARRAY(arena, rows.n, struct str);
    for (size_t i = 0; i < rows.n; i++) {
        ids[i] = (*ret)[i].id;
        (*ret)[i].attempts++;
    }
    stmt = db_stmt(db, "UPDATE renewals SET attempts = attempts + 1, due_ms = $2"
                       " WHERE id IN (SELECT value FROM list($1))");
    stmt_list(stmt, 1, ids, rows.n);
    stmt_int(stmt, 2, lease_until_ms);
    return stmt_run(stmt, NULL, reterr);
}

/* ---- recording ---- */

struct ending {
    enum renewal_state state;
    int64_t failures, stage, next_ms, due_ms;
    struct str reason;
    bool unanswered;
};

/* Ends the lease. *ret_held is false when it belongs to someone else by now. */
static bool write_end(struct db *db, const struct renewal_try *attempt, const struct ending *end, bool *ret_held,
                      struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE renewals SET state = $3, failures = $4, stage = $5, next_ms = $6,"
                                    " due_ms = $7, reason = $8, unanswered = $9"
                                    " WHERE id = $1 AND state = 'charging' AND attempts = $2");
    stmt_text(stmt, 1, attempt->id);
    stmt_int(stmt, 2, attempt->attempts);
    stmt_text(stmt, 3, str_of(renewal_state_names[end->state]));
    stmt_int(stmt, 4, end->failures);
    stmt_int(stmt, 5, end->stage);
    stmt_int(stmt, 6, end->next_ms);
    stmt_int(stmt, 7, end->due_ms);
    stmt_text(stmt, 8, end->reason);
    stmt_int(stmt, 9, end->unanswered);
    int64_t changed;
    if (!stmt_run(stmt, &changed, reterr)) return false;
    *ret_held = changed > 0;
    return true;
}

static struct charged charged_of(const struct renewal_try *attempt, const struct renewal_result *result) {
    return (struct charged){
        .kind = BILL_RENEWAL,
        .bill_id = attempt->id,
        .workspace_id = attempt->workspace_id,
        .payment_id = attempt->payment_id,
        .driver = attempt->driver,
        .reference = result->reference,
        .brand = attempt->brand,
        .last4 = attempt->last4,
        .amount = attempt->amount,
        .now_ms = result->now_ms,
    };
}

/* The registrar is to be paid for one year more. */
static bool renew_domains(struct db *db, struct str id, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE domains SET paid_years = paid_years + 1"
                                    " WHERE state NOT IN ('failed', 'cancelled') AND id IN (SELECT domain_id"
                                    " FROM renewal_items WHERE renewal_id = $1 AND kind = 'domain_year'"
                                    " AND is_charged = 1)");
    stmt_text(stmt, 1, id);
    if (!stmt_run(stmt, NULL, reterr)) return false;
    stmt = db_stmt(db, "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts,"
                       " due_ms, reason) SELECT d.id, '', $2, $3, d.order_id, d.workspace_id, 'due', 0, $4, ''"
                       " FROM renewal_items i JOIN domains d ON d.id = i.domain_id WHERE i.renewal_id = $1"
                       " AND i.kind = 'domain_year' AND i.is_charged = 1 AND d.state NOT IN ('failed', 'cancelled')"
                       " ON CONFLICT (domain_id, account_id, kind) DO UPDATE SET state = 'due', due_ms = $4,"
                       " reason = ''");
    stmt_text(stmt, 1, id);
    stmt_text(stmt, 2, str_of(step_kind_names[STEP_RENEW_DOMAIN]));
    stmt_int(stmt, 3, step_rank(STEP_RENEW_DOMAIN));
    stmt_int(stmt, 4, now_ms);
    return stmt_run(stmt, NULL, reterr);
}

struct lost {
    struct str domain_id, account_id;
};

/* What was paid for and is no longer there: it was cancelled, or failed, while the charge was under way. */
static bool refund_lost(struct db *db, struct ids *ids, struct str id, int64_t now_ms, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct rows rows = {.size = sizeof(struct lost)};
    struct stmt *stmt = db_stmt(
        db, "SELECT DISTINCT i.domain_id, CASE WHEN d.state IN ('failed', 'cancelled') THEN '' ELSE i.account_id END"
            " FROM renewal_items i JOIN domains d ON d.id = i.domain_id LEFT JOIN accounts a ON a.id = i.account_id"
            " WHERE i.renewal_id = $1 AND i.is_charged = 1 AND (d.state IN ('failed', 'cancelled')"
            " OR COALESCE(a.state, '') IN ('failed', 'cancelled')) ORDER BY 1, 2");
    stmt_text(stmt, 1, id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct lost *)rows_add(&rows, arena) = (struct lost){row_text(stmt, 0, arena), row_text(stmt, 1, arena)};
    if (step == DB_FAIL) return false;
    const struct lost *all = rows.first;
    for (size_t i = 0; i < rows.n; i++) {
        cents amount;
        const struct refund_request request = {
            .bill_kind = BILL_RENEWAL,
            .bill_id = id,
            .domain_id = all[i].domain_id,
            .account_id = all[i].account_id,
            .why = STR("cancelled while its renewal was being charged"),
            .now_ms = now_ms,
        };
        if (!refund_decide(db, ids, &request, &amount, reterr)) return false;
    }
    return true;
}

static struct renewal_news news_of(const struct renewal_try *attempt, const struct ending *end, int64_t now_ms) {
    return (struct renewal_news){
        .id = attempt->id,
        .workspace_id = attempt->workspace_id,
        .amount = attempt->amount,
        .attempt = attempt->failures + 1,
        .state = str_of(renewal_state_names[end->state]),
        .next = STR(""),
        .reason = end->reason,
        .now_ms = now_ms,
    };
}

static bool record_paid(struct db *db, struct ids *ids, const struct renewal_try *attempt,
                        const struct renewal_result *result, const struct ending *end, struct error *reterr) {
    const struct charged charge = charged_of(attempt, result);
    const struct renewal_news news = news_of(attempt, end, result->now_ms);
    return renewal_move_on(db, attempt->id, reterr) && renew_domains(db, attempt->id, result->now_ms, reterr) &&
           renewal_restore(db, attempt->id, result->now_ms, reterr) && books_charged(db, &charge, reterr) &&
           refund_lost(db, ids, attempt->id, result->now_ms, reterr) && renewal_tell(db, true, &news, reterr);
}

static bool record_failed(struct db *db, const struct renewal_try *attempt, const struct renewal_result *result,
                          const struct ending *end, struct error *reterr) {
    const struct charged charge = charged_of(attempt, result);
    if (result->was_asked && !books_declined(db, &charge, result->decline, result->reason, reterr)) return false;
    if (end->state == RENEWAL_SUSPENDED && !renewal_suspend(db, attempt->id, result->now_ms, reterr)) return false;
    struct renewal_news news = news_of(attempt, end, result->now_ms);
    news.next = end->stage >= DUNNING_TRIES ? STR("cancel") : STR("try");
    news.next_ms = end->next_ms;
    return renewal_tell(db, false, &news, reterr);
}

/* A try that was asked for between those of the schedule leaves it as it is. */
static void end_failed(const struct renewal_try *attempt, int64_t now_ms, struct ending *end) {
    end->failures++;
    if (attempt->stage == 0 || attempt->next_ms <= now_ms) {
        end->stage++;
        end->next_ms = dunning_after(end->stage, now_ms).next_ms;
    }
    end->due_ms = end->next_ms;
    end->state = dunning_suspends(end->stage) ? RENEWAL_SUSPENDED : RENEWAL_DUE;
}

bool renewal_record(struct db *db, struct ids *ids, const struct renewal_try *attempt,
                    const struct renewal_result *result, bool *ret_stale, struct error *reterr) {
    struct ending end = {
        .failures = attempt->failures, .stage = attempt->stage, .next_ms = attempt->next_ms, .due_ms = result->now_ms};
    switch (result->end) {
    case RENEWAL_END_PAID:
        end.state = RENEWAL_PAID;
        break;
    case RENEWAL_END_FAILED:
        end.reason = result->reason;
        end_failed(attempt, result->now_ms, &end);
        break;
    case RENEWAL_END_AGAIN:
        end.state = dunning_suspends(end.stage) ? RENEWAL_SUSPENDED : RENEWAL_DUE;
        break;
    case RENEWAL_END_UNKNOWN:
        end.state = RENEWAL_CHARGING;
        end.due_ms = result->again_ms;
        end.reason = result->reason;
        end.unanswered = true;
        break;
    }
    bool held;
    if (!write_end(db, attempt, &end, &held, reterr)) return false;
    *ret_stale = !held;
    if (!held) return true;
    if (result->end == RENEWAL_END_PAID) return record_paid(db, ids, attempt, result, &end, reterr);
    return result->end != RENEWAL_END_FAILED || record_failed(db, attempt, result, &end, reterr);
}
