#include "store/invoices.h"

#include "store/rows.h"

/* Each line is under 700 bytes. A renewal has one for each domain of its workspace: this is for 350,000 of them. */
enum { DOCUMENT_MAX_BYTES = 256 << 20 };

bool invoices_set_seller(struct db *db, struct str seller, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "UPDATE seller SET words = $1 WHERE words <> $1");
    stmt_text(stmt, 1, seller);
    return stmt_run(stmt, NULL, reterr);
}

bool invoices_ask_lines(struct db *db, struct str bill_id, struct stmt **ret, struct error *reterr) {
    *ret = db_stmt(db, "SELECT l.kind, l.domain_id, d.name, l.quantity, l.unit, l.discount, l.amount,"
                       " l.from_ms, l.to_ms FROM bill_lines l JOIN domains d ON d.id = l.domain_id"
                       " WHERE l.bill_id = $1 ORDER BY l.position");
    stmt_text(*ret, 1, bill_id);
    return stmt_ask(*ret, reterr);
}

bool invoices_lines(struct stmt *asked, struct arena *arena, struct invoice_line **ret, size_t *ret_n,
                    struct error *reterr) {
    struct rows rows = {.size = sizeof(struct invoice_line)};
    enum db_step step;
    while ((step = stmt_step(asked, reterr)) == DB_ROW) {
        struct invoice_line *line = rows_add(&rows, arena);
        line->line = (struct bill_line){
            .kind = (enum line_kind)row_word(asked, 0, line_kind_names, LINE_KIND_END),
            .domain_id = row_text(asked, 1, arena),
            .quantity = stmt_col_int(asked, 3),
            .unit = stmt_col_int(asked, 4),
            .discount = stmt_col_int(asked, 5),
            .amount = stmt_col_int(asked, 6),
            .from_ms = stmt_col_int(asked, 7),
            .to_ms = stmt_col_int(asked, 8),
        };
        line->domain = row_text(asked, 2, arena);
    }
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

static bool ask_words(struct db *db, const struct invoice *invoice, struct stmt **ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db,
        "SELECT s.words, w.name,"
        " CASE WHEN $2 = 1 THEN COALESCE((SELECT number FROM invoices WHERE subject_kind = $3 AND subject_id = $4), 0)"
        " ELSE 0 END,"
        " CASE WHEN $2 = 1 THEN COALESCE((SELECT COALESCE(a.email, d.name) FROM refunds r"
        " LEFT JOIN domains d ON d.id = r.domain_id LEFT JOIN accounts a ON a.id = r.account_id WHERE r.id = $5),"
        " '') ELSE '' END FROM workspaces w, seller s WHERE w.id = $1");
    stmt_text(stmt, 1, invoice->workspace_id);
    stmt_int(stmt, 2, invoice->kind == INVOICE_CREDIT_NOTE);
    stmt_text(stmt, 3, str_of(bill_kind_names[invoice->bill_kind]));
    stmt_text(stmt, 4, invoice->bill_id);
    stmt_text(stmt, 5, invoice->refund_id);
    *ret = stmt;
    return stmt_ask(stmt, reterr);
}

static bool fill_in(struct stmt *asked, struct invoice *invoice, struct arena *arena, struct error *reterr) {
    if (!row_find(asked, reterr, "there is no workspace %.*s", STR_ARG(invoice->workspace_id))) return false;
    invoice->seller = row_text(asked, 0, arena);
    invoice->workspace_name = row_text(asked, 1, arena);
    invoice->credits = stmt_col_int(asked, 2);
    invoice->subject = row_text(asked, 3, arena);
    stmt_done(asked);
    return true;
}

/* In PostgreSQL whoever takes a number holds the counter until the end of its transaction, so that none is lost: it is
 * taken as late as can be. */
static bool take_number(struct db *db, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, DB_EITHER(db, "SELECT COALESCE(MAX(number), 0) + 1 FROM invoices",
                                              "UPDATE invoice_counter SET number = number + 1 RETURNING number"));
    if (!row_find(stmt, reterr, "the counter of invoices is missing")) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

static bool insert(struct db *db, const struct invoice *invoice, struct str document, struct error *reterr) {
    bool is_note = invoice->kind == INVOICE_CREDIT_NOTE;
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO invoices (number, workspace_id, kind, subject_kind, subject_id, total, driver,"
                    " document, issued_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    stmt_int(stmt, 1, invoice->number);
    stmt_text(stmt, 2, invoice->workspace_id);
    stmt_text(stmt, 3, str_of(invoice_kind_names[invoice->kind]));
    stmt_text(stmt, 4, is_note ? STR("refund") : str_of(bill_kind_names[invoice->bill_kind]));
    stmt_text(stmt, 5, is_note ? invoice->refund_id : invoice->bill_id);
    stmt_int(stmt, 6, invoice->total);
    stmt_text(stmt, 7, invoice->driver);
    stmt_text(stmt, 8, document);
    stmt_int(stmt, 9, invoice->issued_ms);
    return stmt_queue(stmt, reterr);
}

static void finish_buf(struct buf *buf) {
    buf_finish(buf);
}

bool invoices_issue(struct db *db, struct invoice *invoice, struct arena *arena, struct error *reterr) {
    struct stmt *words;
    if (!ask_words(db, invoice, &words, reterr) || !take_number(db, &invoice->number, reterr) ||
        !fill_in(words, invoice, arena, reterr))
        return false;
    CLEANUP(finish_buf) struct buf document;
    buf_init(&document, DOCUMENT_MAX_BYTES);
    if (!invoice_json(&document, invoice) || !buf_ok(&document))
        return error_set(reterr, ERR_INTERNAL, "the invoice of %.*s leaves the range of money",
                         STR_ARG(invoice->bill_id));
    return insert(db, invoice, buf_str(&document), reterr);
}

const char *const invoice_state_names[INVOICE_STATE_END] = {
    [INVOICE_PAID] = "paid", [INVOICE_OWED] = "owed", [INVOICE_CREDITED] = "credited"};

/* What was given back counts only until an invoice is paid; later it is the customer's. */
#define LEFT_TO_PAY                                                                                                    \
    "i.total - COALESCE((SELECT SUM(b.amount) FROM payments b WHERE b.bill_id = i.subject_id AND b.kind = 'refund'"    \
    " AND b.state = 'succeeded'), 0)"
#define INVOICE_COLUMNS                                                                                                \
    "SELECT i.number, i.issued_ms, i.kind, i.workspace_id, i.subject_kind, i.subject_id, i.driver, i.total, p.at_ms,"  \
    " CASE WHEN i.kind <> 'invoice' OR i.driver <> 'invoice' OR i.total = 0 THEN 0 ELSE " LEFT_TO_PAY " END"
#define INVOICE_TABLES " FROM invoices i LEFT JOIN invoice_payments p ON p.number = i.number "

static void read_row(struct stmt *stmt, struct arena *arena, struct invoice_row *ret) {
    struct str subject = stmt_col_text(stmt, 4);
    *ret = (struct invoice_row){
        .number = stmt_col_int(stmt, 0),
        .issued_ms = stmt_col_int(stmt, 1),
        .kind = (enum invoice_kind)row_word(stmt, 2, invoice_kind_names, INVOICE_KIND_END),
        .workspace_id = row_text(stmt, 3, arena),
        .driver = row_text(stmt, 6, arena),
        .total = stmt_col_int(stmt, 7),
        .paid_ms = stmt_col_int(stmt, 8),
    };
    struct str *of = &ret->refund_id;
    if (str_is(subject, "order")) of = &ret->order_id;
    if (str_is(subject, "renewal")) of = &ret->renewal_id;
    *of = row_text(stmt, 5, arena);
    bool on_account = ret->kind == INVOICE_BILL && str_is(ret->driver, "invoice") && ret->total > 0;
    cents left = stmt_col_int(stmt, 9);
    if (!on_account) {
        ret->paid_ms = ret->issued_ms;
    } else if (!ret->paid_ms) {
        ret->state = left > 0 ? INVOICE_OWED : INVOICE_CREDITED;
        ret->owed = left > 0 ? left : 0;
    }
}

static bool read_rows(struct stmt *stmt, struct arena *arena, struct invoice_row **ret, size_t *ret_n,
                      struct error *reterr) {
    struct rows rows = {.size = sizeof(struct invoice_row)};
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) read_row(stmt, arena, rows_add(&rows, arena));
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool invoices_get(struct db *db, struct str workspace_id, int64_t number, struct arena *arena, struct invoice_row *ret,
                  struct error *reterr) {
    struct stmt *stmt = db_stmt(db, INVOICE_COLUMNS ", i.document" INVOICE_TABLES
                                                    "WHERE i.number = $1 AND ($2 = '' OR i.workspace_id = $2)");
    stmt_int(stmt, 1, number);
    stmt_text(stmt, 2, workspace_id);
    if (!row_find(stmt, reterr, "there is no invoice %lld", (long long)number)) return false;
    read_row(stmt, arena, ret);
    ret->document = row_text(stmt, 10, arena);
    stmt_done(stmt);
    return true;
}

bool invoices_page(struct db *db, struct str workspace_id, int64_t before, size_t limit, struct arena *arena,
                   struct invoice_row **ret, size_t *ret_n, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, workspace_id.n ? INVOICE_COLUMNS INVOICE_TABLES
                                        "WHERE i.number < $2 AND i.workspace_id = $1 ORDER BY i.number DESC LIMIT $3"
                                                   : INVOICE_COLUMNS INVOICE_TABLES
                                        "WHERE i.number < $2 AND $1 = '' ORDER BY i.number DESC LIMIT $3");
    stmt_text(stmt, 1, workspace_id);
    stmt_int(stmt, 2, before);
    stmt_int(stmt, 3, (int64_t)limit);
    return read_rows(stmt, arena, ret, ret_n, reterr);
}

/* The state in words, as read_row works it out. */
#define INVOICE_STATE                                                                                                  \
    "CASE WHEN i.kind <> 'invoice' OR i.driver <> 'invoice' OR i.total = 0 OR p.at_ms IS NOT NULL THEN 'paid'"         \
    " WHEN " LEFT_TO_PAY " > 0 THEN 'owed' ELSE 'credited' END"

bool invoices_search(struct db *db, const struct search *search, struct arena *arena, struct invoice_row **ret,
                     size_t *ret_n, struct error *reterr) {
    int64_t before = INT64_MAX, number = 0;
    if (search->before.n && !str_to_int(search->before, 1, INT64_MAX, &before))
        return error_set(reterr, ERR_INVALID, "no invoice has the number %.*s", STR_ARG(search->before));
    if (!str_to_int(search->text, 1, INT64_MAX, &number)) number = 0;
    /* Invoice by invoice, as orders are searched (search_orders.c). */
    struct stmt *stmt = db_stmt(
        db, INVOICE_COLUMNS INVOICE_TABLES
        "WHERE i.workspace_id = $1 AND i.number < $2 AND ($4 = '' OR " INVOICE_STATE " = $4)"
        " AND ($5 = '' OR i.number = $6"
        " OR (i.subject_kind <> 'refund' AND EXISTS (SELECT 1 FROM bill_lines l JOIN domains d ON d.id = l.domain_id"
        " WHERE l.bill_id = i.subject_id AND d.name LIKE $5 ESCAPE '\\' LIMIT 1 OFFSET 0))"
        " OR (i.subject_kind = 'refund' AND EXISTS (SELECT 1 FROM refunds r JOIN domains e ON e.id = r.domain_id"
        " WHERE r.id = i.subject_id AND e.name LIKE $5 ESCAPE '\\' LIMIT 1 OFFSET 0))) ORDER BY i.number DESC LIMIT "
        "$3");
    stmt_text(stmt, 1, search->workspace_id);
    stmt_int(stmt, 2, before);
    stmt_int(stmt, 3, (int64_t)search->limit);
    stmt_text(stmt, 4, search->state);
    stmt_text(stmt, 5, row_like(search->text, arena));
    stmt_int(stmt, 6, number);
    return read_rows(stmt, arena, ret, ret_n, reterr);
}

bool invoices_of_bill(struct db *db, struct str bill_id, struct arena *arena, struct invoice_row **ret, size_t *ret_n,
                      struct error *reterr) {
    struct stmt *stmt = db_stmt(db, INVOICE_COLUMNS INVOICE_TABLES
                                "WHERE (i.subject_kind IN ('order', 'renewal') AND i.subject_id = $1) OR"
                                " (i.subject_kind = 'refund' AND i.subject_id IN (SELECT id FROM payments"
                                " WHERE bill_id = $1 AND kind = 'refund')) ORDER BY i.number");
    stmt_text(stmt, 1, bill_id);
    return read_rows(stmt, arena, ret, ret_n, reterr);
}

bool invoices_pay(struct db *db, int64_t number, cents amount, struct str note, int64_t now_ms, struct error *reterr) {
    struct stmt *stmt =
        db_stmt(db, "INSERT INTO invoice_payments (number, amount, note, at_ms) VALUES ($1, $2, $3, $4)");
    stmt_int(stmt, 1, number);
    stmt_int(stmt, 2, amount);
    stmt_text(stmt, 3, note);
    stmt_int(stmt, 4, now_ms);
    return stmt_run(stmt, NULL, reterr);
}
