#include "store/ledger_check.h"

#include "store/rows.h"

/* One SQL line a line: clang-format would break them in the middle of words. */
/* clang-format off */

/* Cents as "-15.00". */
#define DOLLARS(amount)                                                                                                \
    "CASE WHEN " amount " < 0 THEN '-' ELSE '' END || (abs(" amount ") / 100) || CASE WHEN abs(" amount                \
    ") % 100 < 10 THEN '.0' ELSE '.' END || (abs(" amount ") % 100)"
#define SUM_OF(what) "CAST(SUM(" what ") AS BIGINT)"

/* Where money that moved at payment_driver comes from or goes to. */
#define MONEY "CASE payment_driver WHEN 'invoice' THEN 'receivable/' || workspace_id ELSE 'cash/' || payment_driver END"

/* Everything that was charged for. */
#define BILLS                                                                                                          \
    "bills AS (SELECT 'order' AS kind, id, workspace_id, amount, payment_driver, id AS payment_id FROM orders"         \
    " WHERE state = 'placed' OR paid_late = 1 UNION ALL SELECT 'renewal', id, workspace_id, amount, payment_driver, "  \
    "payment_id"                                                                                                       \
    " FROM renewals WHERE state = 'paid')"
/* Its lines, added up. */
#define SUMS                                                                                                           \
    "sums AS (SELECT bill_id,"                                                                                         \
    " " SUM_OF("CASE kind WHEN 'domain_year' THEN quantity * unit ELSE 0 END") " AS domains,"                          \
    " " SUM_OF("CASE kind WHEN 'domain_year' THEN 0 ELSE quantity * unit END") " AS mailboxes,"                        \
    " " SUM_OF("discount") " AS discounts, " SUM_OF("amount") " AS amount FROM bill_lines GROUP BY bill_id)"
/* What happened to refunds. */
#define REFUNDED                                                                                                       \
    "refunded AS (SELECT r.*, h.what FROM refunds r JOIN (SELECT 'owed' AS what UNION ALL SELECT 'paid'"               \
    " UNION ALL SELECT 'dropped') h ON h.what = 'owed' OR (h.what = 'paid' AND r.state = 'done')"                      \
    " OR (h.what = 'dropped' AND r.state = 'swapped'))"
/* The entries that all of it has to have, as books.h says. */
#define EXPECTED                                                                                                       \
    "expected AS ("                                                                                                    \
    "SELECT b.id AS transaction_id, " MONEY " AS account, b.amount AS amount, b.kind AS subject_kind,"                 \
    " b.id AS subject_id, b.workspace_id AS workspace_id FROM bills b"                                                 \
    " UNION ALL SELECT b.id, 'discounts', s.discounts, b.kind, b.id, b.workspace_id"                                   \
    " FROM bills b JOIN sums s ON s.bill_id = b.id"                                                                    \
    " UNION ALL SELECT b.id, 'revenue/domains', -s.domains, b.kind, b.id, b.workspace_id"                              \
    " FROM bills b JOIN sums s ON s.bill_id = b.id"                                                                    \
    " UNION ALL SELECT b.id, 'revenue/mailboxes', -s.mailboxes, b.kind, b.id, b.workspace_id"                          \
    " FROM bills b JOIN sums s ON s.bill_id = b.id"                                                                    \
    " UNION ALL SELECT b.id, 'revenue/unsplit', -b.amount, b.kind, b.id, b.workspace_id"                               \
    " FROM bills b LEFT JOIN sums s ON s.bill_id = b.id WHERE s.bill_id IS NULL"                                       \
    " UNION ALL SELECT id || '/' || what, CASE what WHEN 'owed' THEN 'refunds' ELSE 'payable/' || workspace_id END,"   \
    " amount, 'refund', id, workspace_id FROM refunded"                                                                \
    " UNION ALL SELECT id || '/' || what, CASE what WHEN 'owed' THEN 'payable/' || workspace_id"                       \
    " WHEN 'dropped' THEN 'refunds' ELSE " MONEY " END, -amount, 'refund', id, workspace_id FROM refunded"             \
    " UNION ALL SELECT 'invoice/' || p.number, 'cash/bank', p.amount, 'invoice', CAST(p.number AS TEXT),"              \
    " i.workspace_id FROM invoice_payments p JOIN invoices i ON i.number = p.number"                                   \
    " UNION ALL SELECT 'invoice/' || p.number, 'receivable/' || i.workspace_id, -p.amount, 'invoice',"                 \
    " CAST(p.number AS TEXT), i.workspace_id FROM invoice_payments p JOIN invoices i ON i.number = p.number)"
#define ENTERED "SELECT transaction_id, account, amount, subject_kind, subject_id, workspace_id FROM ledger_entries"

/* The payments that there have to be, and those that there are. */
#define MOVED                                                                                                          \
    "moved AS (SELECT payment_id AS id, 'charge' AS kind, kind AS bill_kind, id AS bill_id, workspace_id,"             \
    " payment_driver AS driver, amount FROM bills WHERE amount > 0 UNION ALL SELECT id, 'refund', bill_kind, bill_id," \
    " workspace_id, payment_driver, amount FROM refunds WHERE state = 'done')"
#define PAID "SELECT id, kind, bill_kind, bill_id, workspace_id, driver, amount FROM payments WHERE state = 'succeeded'"

/* The invoices that there have to be, and those that there are. */
#define DOCUMENTED                                                                                                     \
    "documented AS (SELECT 'invoice' AS kind, b.kind AS subject_kind, b.id AS subject_id, b.workspace_id, b.amount,"   \
    " b.payment_driver FROM bills b LEFT JOIN sums s ON s.bill_id = b.id WHERE b.amount > 0 OR s.discounts > 0"        \
    " UNION ALL SELECT 'credit_note', 'refund', id, workspace_id, amount, payment_driver FROM refunds"                 \
    " WHERE state = 'done')"
#define ISSUED "SELECT kind, subject_kind, subject_id, workspace_id, total, driver FROM invoices"

/* The rows of A that B lacks; T names them, as PostgreSQL 15 wants. */
#define LACKS(a, b) " FROM (" a " EXCEPT " b ") t"
#define ALL_EXPECTED "SELECT * FROM expected WHERE amount <> 0"

/* Whether the document of the invoice I is of another number, total or lines; those of before version 7 have no lines.
 */
#define SHOWS_OTHERS                                                                                                   \
    "NOT json_valid(document) OR json_extract(document, '$.number') IS NOT number"                                     \
    " OR ROUND(json_extract(document, '$.total') * 100) IS NOT ROUND(total)"                                           \
    " OR (json_array_length(document, '$.items') > 0 AND (SELECT SUM(ROUND(json_extract(l.value, '$.amount') * 100))"  \
    " FROM json_each(document, '$.items') l) IS NOT ROUND(total))"
#define WRONG_INVOICES(shows_others)                                                                                   \
    "WITH " BILLS ", " SUMS ", " DOCUMENTED                                                                            \
    " SELECT subject_kind || ' ' || subject_id, 'has no ' || kind || ' of ' || " DOLLARS("amount")                     \
    LACKS("SELECT * FROM documented", ISSUED)                                                                          \
    " UNION ALL SELECT subject_kind || ' ' || subject_id,"                                                             \
    " 'has a ' || kind || ' of ' || " DOLLARS("total") " || ' that is not what moved'"                                 \
    LACKS(ISSUED, "SELECT * FROM documented")                                                                          \
    " UNION ALL SELECT 'invoice ' || number, 'its document shows another number, total or lines' FROM invoices i"      \
    " WHERE " shows_others

static const struct check {
    const char *what, *count;
    const char *differences; /* rows of a subject and what is wrong with it */
    const char *todo;
    const char *postgres; /* the same as `differences`; NULL: that is for both */
} checks[LEDGER_CHECKS] = {
    {"every transaction adds up to 0", "SELECT COUNT(DISTINCT transaction_id) FROM ledger_entries",
     "SELECT MAX(subject_kind) || ' ' || MAX(subject_id), 'transaction ' || transaction_id || ' adds up to '"
     " || " DOLLARS(SUM_OF("amount")) " FROM ledger_entries GROUP BY transaction_id HAVING SUM(amount) <> 0",
     "the database was changed from outside: restore the ledger's entries of this transaction from a backup", NULL},
    {"all that happened is entered, and nothing else", "SELECT COUNT(*) FROM ledger_entries",
     "WITH " BILLS ", " SUMS ", " REFUNDED ", " EXPECTED
     " SELECT subject_kind || ' ' || subject_id, 'the entry ' || account || ' ' || " DOLLARS("amount")
     " || ' is missing'" LACKS(ALL_EXPECTED, ENTERED)
     " UNION ALL SELECT subject_kind || ' ' || subject_id, 'the entry ' || account || ' ' || " DOLLARS("amount")
     " || ' in ' || transaction_id || ' belongs to nothing'" LACKS(ENTERED, ALL_EXPECTED),
     "compare it with `dfyd order show` and a backup: either the entry or what it is about was changed from outside",
     NULL},
    {"what is charged is the sum of its lines", "WITH " BILLS " SELECT COUNT(*) FROM bills",
     "WITH " BILLS ", " SUMS
     " SELECT b.kind || ' ' || b.id, 'charges ' || " DOLLARS("b.amount")
     " || ', its lines add up to ' || " DOLLARS("s.amount") " FROM bills b JOIN sums s ON s.bill_id = b.id"
     " WHERE s.amount <> b.amount OR s.domains + s.mailboxes - s.discounts <> s.amount",
     "restore the bill's lines from a backup; its invoice has them, too", NULL},
    {"payments are those of orders, renewals and refunds", "SELECT COUNT(*) FROM payments WHERE state = 'succeeded'",
     "WITH " BILLS ", " MOVED
     " SELECT bill_kind || ' ' || bill_id, 'the ' || kind || ' ' || id || ' of ' || " DOLLARS("amount")
     " || ' at ' || driver || ' is not among the payments'" LACKS("SELECT * FROM moved", PAID)
     " UNION ALL SELECT bill_kind || ' ' || bill_id, 'the payments have a ' || kind || ' ' || id || ' of ' || "
     DOLLARS("amount") " || ' at ' || driver || ' that belongs to nothing'" LACKS(PAID, "SELECT * FROM moved"),
     "look for it at the payment provider: what its book says is what happened; mend the row here", NULL},
    {"invoices are numbered without a gap", "SELECT COUNT(*) FROM invoices",
     "SELECT 'invoice ' || (number + 1), 'is missing'"
     " FROM (SELECT 0 AS number UNION ALL SELECT number FROM invoices) i"
     " WHERE number < (SELECT COALESCE(MAX(number), 0) FROM invoices)"
     " AND NOT EXISTS (SELECT 1 FROM invoices n WHERE n.number = i.number + 1)",
     "an invoice was deleted: restore it from a backup", NULL},
    {"invoices show what was charged and given back", "SELECT COUNT(*) FROM invoices",
     DB_ONLY_SQLITE(WRONG_INVOICES(SHOWS_OTHERS)), "invoices never change: restore the document from a backup",
     DB_ONLY_POSTGRES(WRONG_INVOICES("NOT invoice_shows(document, number, total)"))},
    {"no more goes back than was charged", "SELECT COUNT(*) FROM refunds",
     "WITH " BILLS " SELECT MAX(r.bill_kind) || ' ' || r.bill_id,"
     " 'charged ' || " DOLLARS("COALESCE(MAX(b.amount), 0)") " || ', gives back ' || " DOLLARS(SUM_OF("r.amount"))
     " FROM refunds r LEFT JOIN bills b ON b.id = r.bill_id WHERE r.state <> 'swapped'"
     " GROUP BY r.bill_id HAVING SUM(r.amount) > COALESCE(MAX(b.amount), 0)",
     "stop what is not paid out yet, and ask the customer or the payment provider for what is", NULL},
};
/* clang-format on */

static bool count(struct db *db, const char *sql, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, sql);
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *ret = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

bool ledger_check(struct db *db, ledger_found_fn *found, void *arg, struct ledger_checked ret[LEDGER_CHECKS],
                  struct error *reterr) {
    for (size_t i = 0; i < LEDGER_CHECKS; i++) {
        ret[i] = (struct ledger_checked){.what = checks[i].what};
        if (!count(db, checks[i].count, &ret[i].looked_at, reterr)) return false;
        bool postgres = checks[i].postgres && db_engine(db) == DB_POSTGRES;
        struct stmt *stmt = db_stmt(db, postgres ? checks[i].postgres : checks[i].differences);
        enum db_step step;
        while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
            ret[i].differences++;
            found(arg, stmt_col_text(stmt, 0), stmt_col_text(stmt, 1), checks[i].todo);
        }
        if (step == DB_FAIL) return false;
    }
    return true;
}

bool ledger_moved(struct db *db, struct str driver, struct arena *arena, struct ledger_moved **ret, size_t *ret_n,
                  struct error *reterr) {
    struct rows rows = {.size = sizeof(struct ledger_moved)};
    struct stmt *stmt = db_stmt(db, "SELECT id, kind, amount FROM payments WHERE driver = $1 AND state = 'succeeded'"
                                    " ORDER BY id");
    stmt_text(stmt, 1, driver);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        *(struct ledger_moved *)rows_add(&rows, arena) = (struct ledger_moved){
            .key = row_text(stmt, 0, arena),
            .is_refund = str_is(stmt_col_text(stmt, 1), "refund"),
            .amount = stmt_col_int(stmt, 2),
        };
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool ledger_drivers(struct db *db, struct arena *arena, struct str **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct str)};
    struct stmt *stmt = db_stmt(db, "SELECT DISTINCT driver FROM payments WHERE state = 'succeeded' ORDER BY driver");
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) *(struct str *)rows_add(&rows, arena) = row_text(stmt, 0, arena);
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

bool ledger_key(struct db *db, struct str key, struct arena *arena, enum ledger_known *ret, struct str *ret_subject,
                struct error *reterr) {
    struct stmt *stmt = db_stmt(
        db, "SELECT 'order ' || id, CASE state WHEN 'reserved' THEN 1 WHEN 'placed' THEN 2 ELSE 3 END FROM orders"
            " WHERE id = $1"
            " UNION ALL SELECT 'renewal ' || id, CASE state WHEN 'charging' THEN 1 WHEN 'paid' THEN 2 ELSE 3 END"
            " FROM renewals WHERE payment_id = $1"
            " UNION ALL SELECT 'refund ' || id, CASE WHEN state IN ('due', 'running') THEN 1 WHEN state = 'done' THEN 2"
            " ELSE 3 END FROM refunds WHERE id = $1"
            " UNION ALL SELECT bill_kind || ' ' || bill_id, CASE state WHEN 'succeeded' THEN 2 ELSE 3 END FROM payments"
            " WHERE id = $1 LIMIT 1");
    stmt_text(stmt, 1, key);
    enum db_step step = stmt_step(stmt, reterr);
    if (step == DB_FAIL) return false;
    *ret = step == DB_ROW ? (enum ledger_known)stmt_col_int(stmt, 1) : LEDGER_UNKNOWN;
    *ret_subject = step == DB_ROW ? row_text(stmt, 0, arena) : STR("");
    stmt_done(stmt);
    return true;
}
