/* What dfyd's books have, read from its tables, and what the bank's book has, for the model to compare. */
#include "audit.h"
#include "driver/sandbox_book.h"
#include "model_books.h"
#include "store/rows.h"

/* That a domain can be paid for within one history. */
enum { YEARS_MAX = 8 };

static const char *const kinds[] = {"domain_year", "domain_month", "mailbox_month"};
static const char *const refund_states[] = {"waiting", "due", "running", "done", "failed", "swapped"};
static const char *const renewal_states[] = {"due", "charging", "paid", "suspended", "cancelled", "void"};

/* Runs SQL and gives each row to ONE, which fills an element of SIZE bytes. */
static bool read_rows(struct db *db, const char *sql, size_t size,
                      void (*one)(struct stmt *stmt, struct arena *arena, void *element), struct arena *arena,
                      void **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = size};
    struct stmt *stmt = db_stmt(db, sql);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) one(stmt, arena, rows_add(&rows, arena));
    *ret = rows.first;
    *ret_n = rows.n;
    return step == DB_END;
}

static bool is(struct stmt *stmt, int column, const char *word) {
    return str_is(stmt_col_text(stmt, column), word);
}

static void payment(struct stmt *stmt, struct arena *arena, void *element) {
    *(struct seen_payment *)element = (struct seen_payment){
        .id = row_text(stmt, 0, arena),
        .bill_id = row_text(stmt, 1, arena),
        .is_refund = is(stmt, 2, "refund"),
        .is_renewal = is(stmt, 3, "renewal"),
        .has_failed = is(stmt, 4, "failed"),
        .amount = stmt_col_int(stmt, 5),
        .is_on_account = is(stmt, 6, "invoice"),
    };
}

static void entry(struct stmt *stmt, struct arena *arena, void *element) {
    *(struct seen_entry *)element = (struct seen_entry){
        .subject_id = row_text(stmt, 0, arena),
        .account = row_text(stmt, 1, arena),
        .workspace_id = row_text(stmt, 2, arena),
        .amount = stmt_col_int(stmt, 3),
    };
}

static void invoice(struct stmt *stmt, struct arena *arena, void *element) {
    *(struct seen_invoice *)element = (struct seen_invoice){
        .number = stmt_col_int(stmt, 0),
        .is_credit_note = is(stmt, 1, "credit_note"),
        .subject_id = row_text(stmt, 2, arena),
        .total = stmt_col_int(stmt, 3),
    };
}

static void line(struct stmt *stmt, struct arena *arena, void *element) {
    *(struct seen_line *)element = (struct seen_line){
        .bill_id = row_text(stmt, 0, arena),
        .domain_id = row_text(stmt, 1, arena),
        .kind = (enum model_kind)row_word(stmt, 2, kinds, ARRAY_LEN(kinds)),
        .quantity = stmt_col_int(stmt, 3),
        .unit = stmt_col_int(stmt, 4),
        .discount = stmt_col_int(stmt, 5),
        .amount = stmt_col_int(stmt, 6),
        .from_ms = stmt_col_int(stmt, 7),
        .to_ms = stmt_col_int(stmt, 8),
    };
}

static void refund(struct stmt *stmt, struct arena *arena, void *element) {
    *(struct seen_refund *)element = (struct seen_refund){
        .id = row_text(stmt, 0, arena),
        .bill_id = row_text(stmt, 1, arena),
        .payment_id = row_text(stmt, 2, arena),
        .domain_id = row_text(stmt, 3, arena),
        .account_id = row_text(stmt, 4, arena),
        .amount = stmt_col_int(stmt, 5),
        .state = (enum seen_refund_state)row_word(stmt, 6, refund_states, ARRAY_LEN(refund_states)),
        .due_ms = stmt_col_int(stmt, 7),
        .is_on_account = is(stmt, 8, "invoice"),
    };
}

static void renewal(struct stmt *stmt, struct arena *arena, void *element) {
    *(struct seen_renewal *)element = (struct seen_renewal){
        .id = row_text(stmt, 0, arena),
        .workspace_id = row_text(stmt, 1, arena),
        .payment_id = row_text(stmt, 2, arena),
        .state = (enum seen_renewal_state)row_word(stmt, 3, renewal_states, ARRAY_LEN(renewal_states)),
        .day_ms = stmt_col_int(stmt, 4),
        .due_ms = stmt_col_int(stmt, 5),
        .failures = stmt_col_int(stmt, 6),
        .amount = stmt_col_int(stmt, 7),
        .is_on_account = is(stmt, 8, "invoice"),
        .part = stmt_col_int(stmt, 9),
    };
}

static void item(struct stmt *stmt, struct arena *arena, void *element) {
    *(struct seen_item *)element = (struct seen_item){
        .renewal_id = row_text(stmt, 0, arena),
        .domain_id = row_text(stmt, 1, arena),
        .account_id = row_text(stmt, 2, arena),
        .kind = (enum model_kind)row_word(stmt, 3, kinds, ARRAY_LEN(kinds)),
        .amount = stmt_col_int(stmt, 4),
        .from_ms = stmt_col_int(stmt, 5),
        .to_ms = stmt_col_int(stmt, 6),
        .is_charged = stmt_col_int(stmt, 7) != 0,
    };
}

static void account(struct stmt *stmt, struct arena *arena, void *element) {
    *(struct seen_account *)element = (struct seen_account){
        .id = row_text(stmt, 0, arena),
        .domain_id = row_text(stmt, 1, arena),
        .state = (enum account_state)row_word(stmt, 2, account_state_names, ACCOUNT_STATE_END),
        .renews_ms = stmt_col_int(stmt, 3),
        .suspended_ms = stmt_col_int(stmt, 4),
        .cancelled_ms = stmt_col_int(stmt, 5),
        .made_ms = stmt_col_int(stmt, 6),
    };
}

static void domain(struct stmt *stmt, struct arena *arena, void *element) {
    *(struct seen_domain *)element = (struct seen_domain){
        .id = row_text(stmt, 0, arena),
        .order_id = row_text(stmt, 1, arena),
        .name = row_text(stmt, 2, arena),
        .swapped_for = row_text(stmt, 3, arena),
        .state = (enum domain_state)row_word(stmt, 4, domain_state_names, DOMAIN_STATE_END),
        .paid_years = stmt_col_int(stmt, 5),
        .year_renews_ms = stmt_col_int(stmt, 6),
        .month_renews_ms = stmt_col_int(stmt, 7),
        .registered_ms = stmt_col_int(stmt, 8),
    };
}

static bool read_unbalanced(struct db *db, cents *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COUNT(*) FROM (SELECT 1 FROM ledger_entries GROUP BY transaction_id"
                                    " HAVING SUM(amount) <> 0)");
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

/* What is taken and given back on account stands in dfyd's own database. */
static bool add_credit(struct db *db, struct arena *arena, struct bank_row *bank, size_t *n, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT 0, id, amount, at_ms FROM credit_charges WHERE amount > 0"
                                    " UNION ALL SELECT 1, id, amount, at_ms FROM credit_refunds");
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW && *n < BANK_ROWS)
        bank[(*n)++] = (struct bank_row){.is_refund = stmt_col_int(stmt, 0) != 0,
                                         .is_on_account = true,
                                         .key = row_text(stmt, 1, arena),
                                         .amount = stmt_col_int(stmt, 2),
                                         .at_ms = stmt_col_int(stmt, 3)};
    return step == DB_END;
}

#define READ(sql, what)                                                                                                \
    read_rows(db, (sql), sizeof(struct seen_##what), what, arena, (void **)&ret->what##s, &ret->n_##what##s, reterr)

bool audit_read_books(struct db *db, const struct hostile *hostile, bool is_quiet, struct arena *arena,
                      struct seen_books *ret, struct error *reterr) {
    *ret = (struct seen_books){0};
    struct bank_row *bank;
    if (!hostile_bank(hostile, arena, &bank, &ret->n_bank))
        return error_set(reterr, ERR_INTERNAL, "the bank's book cannot be read");
    if (!add_credit(db, arena, bank, &ret->n_bank, reterr)) return false;
    ret->bank = bank;
    bool ok =
        read_unbalanced(db, &ret->unbalanced, reterr) &&
        READ("SELECT id, bill_id, kind, bill_kind, state, amount, driver FROM payments", payment) &&
        READ("SELECT subject_id, account, workspace_id, SUM(amount) FROM ledger_entries"
             " GROUP BY subject_kind, subject_id, account, workspace_id",
             entry) &&
        READ("SELECT number, kind, subject_id, total FROM invoices ORDER BY number", invoice) &&
        READ("SELECT bill_id, domain_id, kind, quantity, unit, discount, amount, from_ms, to_ms FROM bill_lines",
             line) &&
        READ(
            "SELECT id, bill_id, payment_id, domain_id, account_id, amount, state, due_ms, payment_driver FROM refunds",
            refund) &&
        READ("SELECT id, workspace_id, payment_id, state, day_ms, due_ms, failures, amount, payment_driver, part FROM "
             "renewals",
             renewal) &&
        READ("SELECT renewal_id, domain_id, account_id, kind, amount, from_ms, to_ms, is_charged FROM renewal_items",
             item) &&
        READ("SELECT a.id, a.domain_id, a.state, a.renews_ms, a.suspended_ms, a.cancelled_ms, s.due_ms FROM accounts a"
             " LEFT JOIN steps s ON s.domain_id = a.domain_id AND s.account_id = a.id AND s.kind = 'create_mailbox'"
             " AND s.state = 'done'",
             account) &&
        READ("SELECT d.id, d.order_id, d.name, d.swapped_for, d.state, d.paid_years, d.year_renews_ms,"
             " d.month_renews_ms, s.due_ms FROM domains d LEFT JOIN steps s ON s.domain_id = d.id AND s.account_id = ''"
             " AND s.kind = 'register_domain' AND s.state = 'done'",
             domain);
    for (size_t i = 0; ok && is_quiet && i < ret->n_domains; i++)
        ret->domains[i].years = sandbox_book_years(hostile_book(hostile), ret->domains[i].name);
    for (size_t i = 0; ok && i < ret->n_domains; i++)
        for (int year = 2; year <= YEARS_MAX; year++)
            ret->domains[i].is_not_renewed |= hostile_refused(
                hostile, HOSTILE_REGISTRAR, arena_printf(arena, "%.*s/year %d", STR_ARG(ret->domains[i].name), year));
    for (size_t i = 0; ok && i < ret->n_refunds; i++)
        ret->refunds[i].is_refused = hostile_refused(hostile, HOSTILE_PAYMENT, ret->refunds[i].id);
    return ok;
}
