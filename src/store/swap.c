#include "store/swap.h"

#include "core/state.h"
#include "store/bills.h"
#include "store/books.h"
#include "store/events.h"
#include "store/refunds.h"
#include "store/renewals.h"
#include "store/rows.h"

/* Runs SQL with the texts for $1, $2 and so on. */
static bool run(struct db *db, const char *sql, const struct str *texts, size_t n, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, sql);
    for (size_t i = 0; i < n; i++) stmt_text(stmt, (int)i + 1, texts[i]);
    return stmt_run(stmt, NULL, reterr);
}
#define RUN(db, reterr, sql, ...)                                                                                      \
    run(db, sql, (const struct str[]){__VA_ARGS__}, sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str),    \
        reterr)

/* ---- looking ---- */

/* Those that go over: failed with the domain, under an order that gets nothing back for it but by the swap. */
#define GOES_OVER                                                                                                      \
    " NOT EXISTS (SELECT 1 FROM refunds r WHERE r.bill_id = a.order_id AND r.domain_id = a.domain_id"                  \
    " AND r.state <> 'waiting')"

static bool read_accounts(struct db *db, struct swap_plan *plan, struct arena *arena, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct swap_account)};
    struct stmt *stmt = db_stmt(db, "SELECT a.id, a.order_id, a.first_name, a.last_name, a.email FROM accounts a"
                                    " WHERE a.domain_id = $1 AND a.state = 'failed' AND" GOES_OVER " ORDER BY a.id");
    stmt_text(stmt, 1, plan->old_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct str domain, email = row_text(stmt, 4, arena);
        *(struct swap_account *)rows_add(&rows, arena) = (struct swap_account){
            .old_id = row_text(stmt, 0, arena),
            .order_id = row_text(stmt, 1, arena),
            .account = {.prefix = str_cut(email, '@', &domain),
                        .first_name = row_text(stmt, 2, arena),
                        .last_name = row_text(stmt, 3, arena)},
        };
    }
    if (step == DB_FAIL) return false;
    plan->accounts = rows.first;
    plan->n_accounts = rows.n;
    return true;
}

/* Of several domains of that name the one that can be swapped, else the newest one that was, else the newest. */
bool swap_look(struct db *db, struct str workspace_id, struct str name, struct arena *arena, struct swap_plan *ret,
               struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "SELECT d.id, d.order_id, d.forwarding, d.provider, d.state, COALESCE(n.name, ''),"
            " EXISTS (SELECT 1 FROM refunds r WHERE r.domain_id = d.id AND r.account_id = '' AND r.state = 'waiting')"
            " FROM domains d LEFT JOIN domains n ON n.id = d.swapped_for"
            " WHERE d.workspace_id = $1 AND d.name = $2 AND d.state <> 'reserved'"
            " ORDER BY 7 DESC, d.swapped_for <> '' DESC, d.id DESC LIMIT 1");
    stmt_text(stmt, 1, workspace_id);
    stmt_text(stmt, 2, name);
    if (!row_find(stmt, reterr, "Resource not found")) return false;
    *ret = (struct swap_plan){
        .old_id = row_text(stmt, 0, arena),
        .old_name = arena_str(arena, name),
        .order_id = row_text(stmt, 1, arena),
        .workspace_id = arena_str(arena, workspace_id),
        .forwarding = row_text(stmt, 2, arena),
        .provider = (enum provider)stmt_col_int(stmt, 3),
        .new_name = row_text(stmt, 5, arena),
    };
    size_t state = row_word(stmt, 4, domain_state_names, DOMAIN_STATE_END);
    bool waits = stmt_col_int(stmt, 6) != 0;
    stmt_done(stmt);
    if (state != DOMAIN_FAILED)
        return error_set(reterr, ERR_CONFLICT, "%.*s is %s. Only a domain that could not be registered can be swapped.",
                         STR_ARG(name), domain_state_names[state]);
    if (ret->new_name.n) return true;
    if (!waits)
        return error_set(reterr, ERR_CONFLICT,
                         "%.*s can no longer be swapped: what was paid for it goes back, or nothing was paid.",
                         STR_ARG(name));
    return read_accounts(db, ret, arena, reterr);
}

/* ---- doing ---- */

static bool is_same(const struct swap_plan *a, const struct swap_plan *b) {
    if (!str_eq(a->old_id, b->old_id) || a->new_name.n || a->n_accounts != b->n_accounts) return false;
    for (size_t i = 0; i < a->n_accounts; i++)
        if (!str_eq(a->accounts[i].old_id, b->accounts[i].old_id)) return false;
    return true;
}

static bool drop_refunds(struct db *db, const struct swap *swap, struct arena *arena, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct refunded)};
    struct stmt *stmt = db_stmt(db, "SELECT id, workspace_id, bill_kind, bill_id, payment_driver, amount, why"
                                    " FROM refunds WHERE domain_id = $1 AND state = 'waiting'");
    stmt_text(stmt, 1, swap->plan->old_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct refunded *)rows_add(&rows, arena) = (struct refunded){
            .id = row_text(stmt, 0, arena),
            .workspace_id = row_text(stmt, 1, arena),
            .bill_kind = (enum bill_kind)row_word(stmt, 2, bill_kind_names, BILL_KIND_END),
            .bill_id = row_text(stmt, 3, arena),
            .driver = row_text(stmt, 4, arena),
            .reference = STR(""),
            .amount = stmt_col_int(stmt, 5),
            .why = row_text(stmt, 6, arena),
            .now_ms = swap->now_ms,
        };
    if (step == DB_FAIL) return false;
    const struct refunded *all = rows.first;
    for (size_t i = 0; i < rows.n; i++)
        if (!books_refund_dropped(db, &all[i], reterr)) return false;
    stmt =
        db_stmt(db, "UPDATE refunds SET state = 'swapped', ended_ms = $2 WHERE domain_id = $1 AND state = 'waiting'");
    stmt_text(stmt, 1, swap->plan->old_id);
    stmt_int(stmt, 2, swap->now_ms);
    return stmt_run(stmt, NULL, reterr);
}

/* The new one is of the old one's day, so that its periods are those that were paid for. */
static bool add_domain(struct db *db, const struct swap *swap, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT 1 FROM stock WHERE domain = $1 AND order_id IS NULL");
    stmt_text(stmt, 1, swap->name);
    enum db_step step = stmt_step(stmt, reterr);
    stmt_done(stmt);
    if (step == DB_FAIL) return false;
    if (step == DB_ROW) return error_set(reterr, ERR_CONFLICT, "%.*s was stocked meanwhile", STR_ARG(swap->name));
    if (RUN(db, reterr,
            "INSERT INTO domains (id, workspace_id, order_id, name, provider, forwarding, forwarding_mode,"
            " is_pre_warmed, state, active, created_ms, cancelled_ms, year_price, month_price)"
            " SELECT $2, workspace_id, order_id, $3, provider, forwarding, forwarding_mode, 0, 'provisioning', 1,"
            " created_ms, 0, year_price, month_price FROM domains WHERE id = $1",
            swap->plan->old_id, swap->id, swap->name))
        return RUN(db, reterr, "UPDATE domains SET swapped_for = $2 WHERE id = $1", swap->plan->old_id, swap->id);
    if (reterr->code != ERR_CONFLICT) return false;
    return error_set(reterr, ERR_CONFLICT, "%.*s was taken meanwhile", STR_ARG(swap->name));
}

/* One query a mailbox, as where they are ordered: each has its own id and password. */
static bool add_account(struct db *db, const struct swap *swap, const struct swap_account *account, struct arena *arena,
                        struct error *reterr) {
    struct str prefix = account->account.prefix;
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO accounts (id, workspace_id, domain_id, order_id, email, first_name, last_name,"
                    " sealed_password, provider, is_pre_warmed, state, active, reason, created_ms, cancelled_ms,"
                    " month_price) SELECT $2, workspace_id, $3, order_id, $4, first_name, last_name, $5, provider, 0,"
                    " 'pending', 1, '', created_ms, 0, month_price FROM accounts WHERE id = $1");
    stmt_text(stmt, 1, account->old_id);
    stmt_text(stmt, 2, str_of(account->id));
    stmt_text(stmt, 3, swap->id);
    stmt_text(stmt, 4, arena_printf(arena, "%.*s@%.*s", STR_ARG(prefix), STR_ARG(swap->name)));
    stmt_blob(stmt, 5, account->sealed_password);
    return stmt_run(stmt, NULL, reterr);
}

#define STEP_COLUMNS                                                                                                   \
    "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms, reason) "

/* SQL has $1 domain, $2 kind, $3 rank, $4 state, $5 now. */
static bool add_step(struct db *db, const struct swap *swap, const char *sql, enum step_kind kind,
                     struct error *reterr) {
    enum step_state state = kind == STEP_REGISTER_DOMAIN ? STEP_DUE : STEP_BLOCKED;
    struct stmt *stmt = db_stmt(db, sql);
    stmt_text(stmt, 1, swap->id);
    stmt_text(stmt, 2, str_of(step_kind_names[kind]));
    stmt_int(stmt, 3, step_rank(kind));
    stmt_text(stmt, 4, str_of(step_state_names[state]));
    stmt_int(stmt, 5, swap->now_ms);
    return stmt_run(stmt, NULL, reterr);
}

static bool add_steps(struct db *db, const struct swap *swap, struct error *reterr) {
    static const char domain[] =
        STEP_COLUMNS "SELECT id, '', $2, $3, order_id, workspace_id, $4, 0, $5, '' FROM domains WHERE id = $1";
    static const char forwarding[] =
        STEP_COLUMNS "SELECT id, '', $2, $3, order_id, workspace_id, $4, 0, $5, '' FROM domains"
                     " WHERE id = $1 AND forwarding <> ''";
    static const char mailboxes[] = STEP_COLUMNS
        "SELECT domain_id, id, $2, $3, order_id, workspace_id, $4, 0, $5, '' FROM accounts WHERE domain_id = $1";
    return add_step(db, swap, domain, STEP_REGISTER_DOMAIN, reterr) &&
           add_step(db, swap, domain, STEP_PUBLISH_DNS, reterr) &&
           add_step(db, swap, mailboxes, STEP_CREATE_MAILBOX, reterr) &&
           add_step(db, swap, forwarding, STEP_SET_FORWARDING, reterr);
}

static bool tell(struct db *db, const struct swap *swap, cents refund, struct arena *arena, struct error *reterr) {
    const struct swap_plan *plan = swap->plan;
    /* Names need no escapes in JSON. */
    const struct audit_record record = {
        .id = swap->audit_id,
        .workspace_id = plan->workspace_id,
        .activity = ACTIVITY_DOMAIN_SWAPPED,
        .actor = swap->actor,
        .affected = 1,
        .detail = arena_printf(arena, "{\"domain\":\"%.*s\",\"swapped_domain\":\"%.*s\",\"order_id\":\"%.*s\"}",
                               STR_ARG(swap->name), STR_ARG(plan->old_name), STR_ARG(plan->order_id)),
        .now_ms = swap->now_ms,
    };
    const struct event event = {
        .workspace_id = plan->workspace_id,
        .type = EVENT_DOMAIN_SWAPPED,
        .domain = swap->name,
        .more = arena_printf(arena, "\"swapped_domain\":\"%.*s\"", STR_ARG(plan->old_name)),
        .order_id = plan->order_id,
        .refund = refund,
        .now_ms = swap->now_ms,
    };
    return audit_add(db, &record, reterr) && event_add(db, &event, reterr);
}

/* What was paid for the old one is from now on paid for the new one, so that it can go back once more. */
static bool move_bills(struct db *db, const struct swap *swap, struct error *reterr) {
    return RUN(db, reterr,
               "UPDATE bill_lines SET domain_id = $2 WHERE domain_id = $1 AND bill_id IN"
               " (SELECT order_id FROM accounts WHERE domain_id = $2"
               " UNION SELECT bill_id FROM refunds WHERE domain_id = $1 AND state = 'waiting')",
               swap->plan->old_id, swap->id);
}

/* A mailbox that was cancelled before the swap, its place on its line and that line, which is the new domain's now. */
struct left_out {
    struct str account_id, bill_id;
    int64_t place, position;
    struct bill_line line;
};

static bool read_left_out(struct db *db, const struct swap *swap, struct arena *arena, struct rows *ret,
                          struct error *reterr) {
    *ret = (struct rows){.size = sizeof(struct left_out)};
    struct stmt *stmt = db_stmt(
        db, "SELECT a.id, l.bill_id, (SELECT COUNT(*) FROM accounts b WHERE b.domain_id = $1 AND b.order_id ="
            " a.order_id AND b.id < a.id), l.position, l.quantity, l.unit, l.amount, l.from_ms, l.to_ms FROM accounts a"
            " JOIN bill_lines l ON l.bill_id = a.order_id AND l.domain_id = $2 AND l.kind = 'mailbox_month'"
            " WHERE a.domain_id = $1 AND a.state = 'cancelled' ORDER BY l.bill_id, a.id");
    stmt_text(stmt, 1, swap->plan->old_id);
    stmt_text(stmt, 2, swap->id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct left_out *)rows_add(ret, arena) = (struct left_out){
            .account_id = row_text(stmt, 0, arena),
            .bill_id = row_text(stmt, 1, arena),
            .place = stmt_col_int(stmt, 2),
            .position = stmt_col_int(stmt, 3),
            .line = {.kind = LINE_MAILBOX_MONTH,
                     .domain_id = swap->plan->old_id,
                     .quantity = stmt_col_int(stmt, 4),
                     .unit = stmt_col_int(stmt, 5),
                     .amount = stmt_col_int(stmt, 6),
                     .from_ms = stmt_col_int(stmt, 7),
                     .to_ms = stmt_col_int(stmt, 8)},
        };
    return step == DB_END;
}

/* PART of the line of LEFT goes back to the old domain, as a line of its own. */
static bool split_line(struct db *db, const struct left_out *left, const struct bill_line *part, struct error *reterr) {
    struct stmt *stmt;
    if (part->quantity == left->line.quantity) {
        stmt = db_stmt(db, "UPDATE bill_lines SET domain_id = $3 WHERE bill_id = $1 AND position = $2");
        stmt_text(stmt, 1, left->bill_id);
        stmt_int(stmt, 2, left->position);
        stmt_text(stmt, 3, part->domain_id);
        return stmt_run(stmt, NULL, reterr);
    }
    stmt = db_stmt(db, "UPDATE bill_lines SET quantity = quantity - $3, discount = discount - $4, amount = amount - $5"
                       " WHERE bill_id = $1 AND position = $2");
    stmt_text(stmt, 1, left->bill_id);
    stmt_int(stmt, 2, left->position);
    stmt_int(stmt, 3, part->quantity);
    stmt_int(stmt, 4, part->discount);
    stmt_int(stmt, 5, part->amount);
    if (!stmt_run(stmt, NULL, reterr)) return false;
    stmt = db_stmt(db, "SELECT MAX(position) + 1 FROM bill_lines WHERE bill_id = $1");
    stmt_text(stmt, 1, left->bill_id);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    int64_t position = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return bill_line_add(db, left->bill_id, position, part, reterr);
}

/* Nobody gets the mailboxes that are cancelled by now: what was paid for them, *ret cents, goes back. */
static bool give_back_cancelled(struct db *db, const struct swap *swap, struct arena *arena, cents *ret,
                                struct error *reterr) {
    struct rows rows;
    *ret = 0;
    if (!read_left_out(db, swap, arena, &rows, reterr)) return false;
    const struct left_out *all = rows.first;
    struct bill_line part = {.quantity = 0};
    for (size_t i = 0; i < rows.n; i++) {
        bool is_first = i == 0 || !str_eq(all[i].bill_id, all[i - 1].bill_id);
        bool is_last = i + 1 == rows.n || !str_eq(all[i].bill_id, all[i + 1].bill_id);
        cents share = bill_share(all[i].line.amount, all[i].place, all[i].line.quantity);
        if (is_first) {
            part = all[i].line;
            part.quantity = part.amount = 0;
        }
        part.quantity++;
        part.amount += share;
        part.discount = part.quantity * part.unit - part.amount;
        if (is_last && !split_line(db, &all[i], &part, reterr)) return false;
        const struct refund_request request = {
            .domain_id = swap->plan->old_id,
            .account_id = all[i].account_id,
            .bill_kind = BILL_ORDER,
            .bill_id = all[i].bill_id,
            .why = STR("cancelled before its domain was swapped"),
            .now_ms = swap->now_ms,
        };
        cents amount;
        if (!refund_decide_amount(db, swap->ids, &request, share, &amount, reterr)) return false;
        *ret += amount;
    }
    return true;
}

/* On the days of their orders. */
static bool begin_renewals(struct db *db, const struct swap_plan *plan, struct error *reterr) {
    if (!renewal_begin(db, plan->order_id, reterr)) return false;
    struct str last = plan->order_id;
    for (size_t i = 0; i < plan->n_accounts; i++) {
        if (str_eq(plan->accounts[i].order_id, last)) continue;
        last = plan->accounts[i].order_id;
        if (!renewal_begin(db, last, reterr)) return false;
    }
    return true;
}

bool swap_do(struct db *db, const struct swap *swap, bool *ret_is_stale, struct error *reterr) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    const struct swap_plan *plan = swap->plan;
    cents refund;
    struct swap_plan now = {.provider = PROVIDER_NONE};
    if (!refund_hold_waiting(db, plan->old_id, reterr)) return false;
    if (!swap_look(db, plan->workspace_id, plan->old_name, arena, &now, reterr)) return false;
    *ret_is_stale = !is_same(&now, plan);
    if (*ret_is_stale) return true;
    if (!add_domain(db, swap, reterr)) return false;
    for (size_t i = 0; i < plan->n_accounts; i++)
        if (!add_account(db, swap, &plan->accounts[i], arena, reterr)) return false;
    return move_bills(db, swap, reterr) && drop_refunds(db, swap, arena, reterr) &&
           give_back_cancelled(db, swap, arena, &refund, reterr) && add_steps(db, swap, reterr) &&
           begin_renewals(db, plan, reterr) && tell(db, swap, refund, arena, reterr);
}
