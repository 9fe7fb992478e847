#include "store/copy.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "store/rows.h"

enum { HASH = 32, PIECE = 1 << 16, ROW_MAX = 1 << 28 };

/* In an order in which no row refers to one that comes later. MONEY: a column whose sum is shown. FIRST: a new database
 * has a row. */
static const struct table {
    const char *name, *money;
    bool first;
} tables[] = {
    {"heartbeat", NULL, true},
    {"vault_proof", NULL, false},
    {"workspaces", "credit_limit", false},
    {"cards", NULL, false},
    {"api_keys", NULL, false},
    {"orders", "amount", false},
    {"stock", NULL, false},
    {"stock_accounts", NULL, false},
    {"domains", "year_price", false},
    {"accounts", "month_price", false},
    {"steps", NULL, false},
    {"idempotency_keys", NULL, false},
    {"audit_logs", NULL, false},
    {"events", NULL, false},
    {"webhooks", NULL, false},
    {"deliveries", NULL, false},
    {"webhook_secrets", NULL, false},
    {"forwarding_changes", NULL, false},
    {"restrictions", NULL, false},
    {"restrictions_version", NULL, true},
    {"price_versions", "amount", false},
    {"promotions", NULL, false},
    {"promotion_uses", NULL, false},
    {"bill_lines", "amount", false},
    {"payments", "amount", false},
    {"ledger_entries", NULL, false}, /* its sum is 0: balances are shown */
    {"invoices", "total", false},
    {"seller", NULL, true},
    {"invoice_payments", "amount", false},
    {"credit_charges", "amount", false},
    {"credit_refunds", "amount", false},
    {"renewals", "amount", false},
    {"renewal_items", "amount", false},
    {"refunds", "amount", false},
    {"sandbox_clock", NULL, true},
    {"zone_parts", NULL, false},
    {"care_settings", NULL, true},
    {"domain_care", NULL, false},
};

static const char *const left_out[] = {
    "schema_version",  /* each has its own */
    "moves",           /* says which of the two is which */
    "nodes",           /* of the processes that work there now */
    "webhook_cursor",  /* events_new takes its place */
    "events_new",      /* worked out of it */
    "invoice_counter", /* worked out of the invoices */
    "edge_changes",    /* edges that change over read all names anew */
    "write_marks",     /* of transactions there */
    "rate_windows",    /* of the last minute */
    "sessions",        /* people sign in again */
    "queue_minutes",   /* what was looked at there */
    "driver_minutes",  /* the same */
};

bool copy_takes(const char *table, bool *ret_is_known) {
    *ret_is_known = true;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (!strcmp(tables[i].name, table)) return true;
    for (size_t i = 0; i < ARRAY_LEN(left_out); i++)
        if (!strcmp(left_out[i], table)) return false;
    *ret_is_known = false;
    return false;
}

/* -- a table's columns */

enum { COLUMNS_MAX = 40 };

struct columns {
    struct str names, key; /* separated by commas: all of them, those of the primary key */
    bool is_bytes[COLUMNS_MAX], is_number[COLUMNS_MAX];
    int n;
};

static void add_name(struct str *list, struct str name, struct arena *arena) {
    *list = arena_printf(arena, "%.*s%s%.*s", STR_ARG(*list), list->n ? ", " : "", STR_ARG(name));
}

/* All tables are STRICT, so a value is of its column's type. */
static bool read_columns(struct copy *copy, const char *table, struct columns *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(copy->source, DB_ONLY_SQLITE("SELECT name, type, pk FROM pragma_table_info($1)"
                                                             " ORDER BY cid"));
    stmt_text(stmt, 1, str_of(table));
    *ret = (struct columns){.n = 0};
    struct str key[COLUMNS_MAX + 1] = {{0}};
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW && ret->n < COLUMNS_MAX) {
        struct str name = row_text(stmt, 0, copy->arena), type = stmt_col_text(stmt, 1);
        int64_t place = stmt_col_int(stmt, 2); /* in the key, from 1 */
        ret->is_bytes[ret->n] = str_is(type, "BLOB");
        ret->is_number[ret->n++] = str_is(type, "INTEGER");
        add_name(&ret->names, name, copy->arena);
        if (place > 0 && place <= COLUMNS_MAX) key[place] = name;
    }
    if (step == DB_FAIL) return false;
    if (step == DB_ROW || !ret->n)
        return error_set(reterr, ERR_INTERNAL, "the table %s has no columns, or more than are known", table);
    for (int i = 1; i <= COLUMNS_MAX && key[i].n; i++) add_name(&ret->key, key[i], copy->arena);
    return true;
}

/* -- rows as COPY's text format has them */

static void add_text(struct buf *out, struct str text) {
    static const char escapes[256] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\v'] = 'v', ['\\'] = '\\'};
    size_t from = 0;
    for (size_t i = 0; i < text.n; i++) {
        char escape = escapes[(unsigned char)text.p[i]];
        if (!escape) continue;
        buf_add(out, (struct str){text.p + from, i - from});
        buf_add(out, (struct str){(const char[]){'\\', escape}, 2});
        from = i + 1;
    }
    buf_add(out, (struct str){text.p + from, text.n - from});
}

static void add_bytes(struct buf *out, struct str bytes) {
    static const char hex[] = "0123456789abcdef";
    BUF_LIT(out, "\\\\x");
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char byte = (unsigned char)bytes.p[i];
        buf_add(out, (struct str){(const char[]){hex[byte >> 4], hex[byte & 15]}, 2});
    }
}

static void add_row(struct buf *out, struct stmt *stmt, const struct columns *columns) {
    for (int i = 0; i < columns->n; i++) {
        if (i) buf_add_byte(out, '\t');
        if (stmt_col_is_null(stmt, i))
            BUF_LIT(out, "\\N");
        else if (columns->is_number[i])
            buf_add_int(out, stmt_col_int(stmt, i));
        else if (columns->is_bytes[i])
            add_bytes(out, stmt_col_text(stmt, i));
        else
            add_text(out, stmt_col_text(stmt, i));
    }
    buf_add_byte(out, '\n');
}

/* Of all rows in the order of their keys: how many there are, and what they hash to. */
struct sum {
    crypto_generichash_state state;
    int64_t rows;
};

static void sum_lines(struct sum *sum, struct str lines) {
    crypto_generichash_update(&sum->state, (const unsigned char *)lines.p, lines.n);
}

static void sum_line(void *arg, struct str line) {
    struct sum *sum = arg;
    sum->rows++;
    sum_lines(sum, line);
}

typedef bool lines_fn(struct copy *copy, struct sum *sum, struct str lines, struct error *reterr);

/* Hands all rows of the source to FN, in pieces of whole lines. */
static bool read_source(struct copy *copy, const char *table, const struct columns *columns, struct sum *sum,
                        lines_fn *fn, struct error *reterr) {
    CLEANUP(buf_finish) struct buf out;
    buf_init(&out, ROW_MAX);
    struct stmt *stmt = db_stmt(
        copy->source, arena_cstr(copy->arena, arena_printf(copy->arena, "SELECT %.*s FROM %s ORDER BY %.*s",
                                                           STR_ARG(columns->names), table, STR_ARG(columns->key))));
    bool ok = true;
    enum db_step step;
    while (ok && (step = stmt_step(stmt, reterr)) == DB_ROW) {
        add_row(&out, stmt, columns);
        sum->rows++;
        if (!buf_ok(&out)) ok = error_set(reterr, ERR_INTERNAL, "a row of %s is too long", table);
        if (!ok || out.n < PIECE) continue;
        ok = fn(copy, sum, buf_str(&out), reterr);
        buf_clear(&out);
    }
    if (ok && step == DB_FAIL) return false;
    ok = ok && fn(copy, sum, buf_str(&out), reterr);
    stmt_done(stmt);
    return ok;
}

/* -- copying */

static const char *text_of_all(struct copy *copy, const char *before, const char *between, const char *after) {
    struct str sql = str_of(before);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        sql = arena_printf(copy->arena, "%.*s%s%s", STR_ARG(sql), i ? between : "", tables[i].name);
    return arena_cstr(copy->arena, arena_printf(copy->arena, "%.*s%s", STR_ARG(sql), after));
}

bool copy_is_empty(struct copy *copy, struct error *reterr) {
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        struct str *rows;
        size_t n;
        if (tables[i].first) continue;
        const char *sql =
            arena_cstr(copy->arena, arena_printf(copy->arena, "SELECT 1 FROM %s LIMIT 1", tables[i].name));
        if (!bulk_ask(copy->target, sql, copy->arena, &rows, &n, reterr)) return false;
        if (n)
            return error_set(reterr, ERR_CONFLICT,
                             "the target is not empty: its table %s has rows; make a new database, or drop this one if "
                             "nobody needs it",
                             tables[i].name);
    }
    return true;
}

static bool put_lines(struct copy *copy, struct sum *sum, struct str lines, struct error *reterr) {
    (void)sum;
    return bulk_put(copy->target, lines, reterr);
}

static bool copy_table(struct copy *copy, const char *table, int64_t *ret_rows, struct error *reterr) {
    struct columns columns;
    struct sum sum = {.rows = 0};
    int64_t start_ms = clock_steady_ms();
    if (!read_columns(copy, table, &columns, reterr)) return false;
    const char *sql =
        arena_cstr(copy->arena, arena_printf(copy->arena, "COPY %s (%.*s) FROM STDIN", table, STR_ARG(columns.names)));
    if (!bulk_put_begin(copy->target, sql, reterr) || !read_source(copy, table, &columns, &sum, put_lines, reterr) ||
        !bulk_put_end(copy->target, reterr))
        return false;
    *ret_rows += sum.rows;
    if (copy->progress) copy->progress(copy->arg, table, sum.rows, clock_steady_ms() - start_ms);
    return true;
}

/* Triggers that forbid changes or write down what changed: what is copied was written down where it happened. */
static const char *triggers(struct copy *copy, const char *what) {
    const char *after = arena_cstr(copy->arena, arena_printf(copy->arena, " %s TRIGGER USER", what));
    const char *between = arena_cstr(copy->arena, arena_printf(copy->arena, "%s; ALTER TABLE ", after));
    return text_of_all(copy, "ALTER TABLE ", between, after);
}

static bool read_number(struct db *db, const char *sql, int64_t *ret, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, sql);
    enum db_step step = stmt_step(stmt, reterr);
    *ret = step == DB_ROW ? stmt_col_int(stmt, 0) : 0;
    stmt_done(stmt);
    return step != DB_FAIL;
}

/* What PostgreSQL keeps beside the rows: events that wait for their webhooks, the newest invoice, the numbers that are
 * drawn next. A number of an event that was deleted since is not drawn again. */
static bool set_rest(struct copy *copy, struct error *reterr) {
    int64_t cursor, newest;
    struct str *names;
    size_t n;
    if (!read_number(copy->source, "SELECT seq FROM webhook_cursor", &cursor, reterr) ||
        !read_number(
            copy->source,
            "SELECT MAX(n) FROM (SELECT MAX(seq) AS n FROM events UNION ALL SELECT MAX(seq) FROM webhook_cursor"
            " UNION ALL SELECT MAX(after_seq) FROM webhooks UNION ALL SELECT MAX(seq) FROM deliveries) t",
            &newest, reterr) ||
        !bulk_ask(copy->target,
                  "SELECT table_name, column_name FROM information_schema.columns"
                  " WHERE table_schema = current_schema() AND is_identity = 'YES'",
                  copy->arena, &names, &n, reterr))
        return false;
    struct str sql =
        arena_printf(copy->arena,
                     "TRUNCATE events_new; INSERT INTO events_new (seq) SELECT seq FROM events WHERE seq > "
                     "%" PRId64 "; UPDATE invoice_counter SET number = (SELECT COALESCE(MAX(number), 0) FROM "
                     "invoices)",
                     cursor);
    for (size_t i = 0; i + 1 < n; i += 2) {
        int64_t least = str_is(names[i], "events") ? newest : 0;
        sql = arena_printf(
            copy->arena,
            "%.*s; SELECT setval(pg_get_serial_sequence('%.*s', '%.*s'), GREATEST(COALESCE(MAX(%.*s), 0), "
            "%" PRId64 ") + 1, false) FROM %.*s",
            STR_ARG(sql), STR_ARG(names[i]), STR_ARG(names[i + 1]), STR_ARG(names[i + 1]), least, STR_ARG(names[i]));
    }
    return bulk_run(copy->target, arena_cstr(copy->arena, sql), reterr);
}

bool copy_run(struct copy *copy, int64_t *ret_rows, struct error *reterr) {
    *ret_rows = 0;
    if (!bulk_run(copy->target,
                  "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
                  " SET LOCAL lock_timeout = '30s'",
                  reterr) ||
        !bulk_run(copy->target, triggers(copy, "DISABLE"), reterr) ||
        /* Sessions are those of keys that go. */
        !bulk_run(copy->target, text_of_all(copy, "TRUNCATE sessions, ", ", ", ""), reterr))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (!copy_table(copy, tables[i].name, ret_rows, reterr)) return false;
    return set_rest(copy, reterr) && bulk_run(copy->target, triggers(copy, "ENABLE"), reterr) &&
           bulk_run(copy->target, "COMMIT", reterr) && bulk_run(copy->target, "ANALYZE", reterr);
}

/* -- comparing */

struct checks {
    struct copy *copy;
    struct rows rows; /* of struct copy_check */
};

static void add_check(struct checks *c, struct str what, struct str source, struct str target, bool same) {
    struct copy_check *check = rows_add(&c->rows, c->copy->arena);
    *check = (struct copy_check){what, source, target, same && str_eq(source, target)};
}

static bool sum_piece(struct copy *copy, struct sum *sum, struct str lines, struct error *reterr) {
    (void)copy, (void)reterr;
    sum_lines(sum, lines);
    return true;
}

static void sum_begin(struct sum *sum) {
    sum->rows = 0;
    crypto_generichash_init(&sum->state, NULL, 0, HASH);
}

static bool sums_agree(struct sum *a, struct sum *b) {
    unsigned char one[HASH], other[HASH];
    crypto_generichash_final(&a->state, one, HASH);
    crypto_generichash_final(&b->state, other, HASH);
    return !memcmp(one, other, HASH);
}

/* Both read to the end and compared by their hashes. */
static bool compare_table(struct checks *c, const char *table, struct error *reterr) {
    struct arena *arena = c->copy->arena;
    struct columns columns;
    struct sum source, target;
    sum_begin(&source);
    sum_begin(&target);
    if (!read_columns(c->copy, table, &columns, reterr)) return false;
    const char *sql = arena_cstr(arena, arena_printf(arena, "COPY (SELECT %.*s FROM %s ORDER BY %.*s) TO STDOUT",
                                                     STR_ARG(columns.names), table, STR_ARG(columns.key)));
    if (!read_source(c->copy, table, &columns, &source, sum_piece, reterr) ||
        !bulk_get(c->copy->target, sql, sum_line, &target, reterr))
        return false;
    add_check(c, str_of(table), arena_printf(arena, "%" PRId64, source.rows),
              arena_printf(arena, "%" PRId64, target.rows), sums_agree(&source, &target));
    return true;
}

/* What SQL selects, pairs of name and number in the order of names, in both. */
static bool compare_pairs(struct checks *c, const char *what, const char *sql, struct error *reterr) {
    struct arena *arena = c->copy->arena;
    struct str *target;
    size_t n, at = 0;
    if (!bulk_ask(c->copy->target, sql, arena, &target, &n, reterr)) return false;
    struct stmt *stmt = db_stmt(c->copy->source, sql);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct str name = row_text(stmt, 0, arena), number = row_text(stmt, 1, arena);
        for (; at < n && str_cmp(target[at], name) < 0; at += 2)
            add_check(c, arena_printf(arena, "%s%.*s", what, STR_ARG(target[at])), STR("none"), target[at + 1], false);
        bool is_there = at < n && str_eq(target[at], name);
        add_check(c, arena_printf(arena, "%s%.*s", what, STR_ARG(name)), number,
                  is_there ? target[at + 1] : STR("none"), is_there);
        if (is_there) at += 2;
    }
    for (; at < n; at += 2)
        add_check(c, arena_printf(arena, "%s%.*s", what, STR_ARG(target[at])), STR("none"), target[at + 1], false);
    return step != DB_FAIL;
}

static bool compare_money(struct checks *c, const struct table *table, struct error *reterr) {
    if (!table->money) return true;
    const char *sql = arena_cstr(
        c->copy->arena, arena_printf(c->copy->arena, "SELECT '%s.%s', CAST(COALESCE(SUM(%s), 0) AS BIGINT) FROM %s",
                                     table->name, table->money, table->money, table->name));
    return compare_pairs(c, "sum of ", sql, reterr);
}

bool copy_compare(struct copy *copy, struct copy_check **ret, size_t *ret_n, struct error *reterr) {
    struct checks c = {.copy = copy, .rows = {.size = sizeof(struct copy_check)}};
    if (!bulk_run(copy->target,
                  "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL statement_timeout = 0;"
                  " SET LOCAL bytea_output = 'hex'",
                  reterr))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (!compare_table(&c, tables[i].name, reterr)) return false;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (!compare_money(&c, &tables[i], reterr)) return false;
    if (!compare_pairs(
            &c, "balance of ",
            "SELECT account, CAST(SUM(amount) AS BIGINT) FROM ledger_entries GROUP BY account ORDER BY account",
            reterr) ||
        !bulk_run(copy->target, "COMMIT", reterr))
        return false;
    *ret = c.rows.first;
    *ret_n = c.rows.n;
    return true;
}
