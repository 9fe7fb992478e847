/*
 * What SQLite alone commits of the rows that dfyd writes for an order: engine DIR/dfyd.db GROUP SECONDS
 *
 * One thread, no HTTP, no checks, no bank: the rows of GROUP orders are reserved in one commit and settled in another,
 * with the settings of dfyd's writer. The database must be one that dfyd has made and nobody has open. Prints the
 * orders that became durable in a second.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ID = 37, SEALED = 60 };

/* $1 id, $2 the order's, $3 the domain's, $4 a text that is new, $5 a sealed password, $6 now, $7 a line's position. */
static const char *const reserve[] = {
    "INSERT INTO orders (id, workspace_id, type, state, amount, card_token, idempotency_key, answer, reason, attempts,"
    " settle_after_ms, created_ms, ended_ms, price_version, promotion_id, discount, payment_driver, card_brand,"
    " card_last4) SELECT $1, id, 'dfy', 'reserved', 4000, 'tok_visa', '', '', '', 0, $6, $6, 0, 0, '', 0, 'sandbox',"
    " 'visa', '4242' FROM workspaces",
    "INSERT INTO domains (id, workspace_id, order_id, name, provider, forwarding, is_pre_warmed, state, active,"
    " created_ms, cancelled_ms, year_price, month_price)"
    " SELECT $1, id, $2, $4, 1, '', 0, 'reserved', 1, $6, 0, 1500, 0 FROM workspaces",
    "INSERT INTO accounts (id, workspace_id, domain_id, order_id, email, first_name, last_name, sealed_password,"
    " provider, is_pre_warmed, state, active, reason, created_ms, cancelled_ms, month_price)"
    " SELECT $1, id, $3, $2, $4, 'John', 'Doe', $5, 1, 0, 'reserved', 1, '', $6, 0, 500 FROM workspaces",
    "INSERT INTO bill_lines (bill_id, position, kind, domain_id, quantity, unit, discount, amount, from_ms, to_ms)"
    " VALUES ($2, $7, 'domain_year', $3, 1, 1500, 0, 1500, $6, $6 + 31536000000)",
    "INSERT INTO bill_lines (bill_id, position, kind, domain_id, quantity, unit, discount, amount, from_ms, to_ms)"
    " VALUES ($2, $7, 'mailbox_month', $3, 1, 500, 0, 500, $6, $6 + 2678400000)",
};
enum { ORDER, DOMAIN, ACCOUNT, YEAR_LINE, MONTH_LINE };

/* $1 the order's, $2 now. */
static const char *const settle[] = {
    "UPDATE orders SET state = 'placed', ended_ms = $2 WHERE id = $1",
    "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms, reason)"
    " SELECT id, '', 'register_domain', 0, order_id, workspace_id, 'due', 0, $2, '' FROM domains WHERE order_id = $1"
    " UNION ALL SELECT id, '', 'publish_dns', 1, order_id, workspace_id, 'blocked', 0, $2, '' FROM domains"
    " WHERE order_id = $1"
    " UNION ALL SELECT domain_id, id, 'create_mailbox', 2, order_id, workspace_id, 'blocked', 0, $2, '' FROM accounts"
    " WHERE order_id = $1"
    " UNION ALL SELECT * FROM (SELECT id, '', 'set_forwarding', 2, order_id, workspace_id, 'blocked', 0, $2, ''"
    " FROM domains WHERE order_id = $1 LIMIT 1)",
    "INSERT INTO payments (id, workspace_id, kind, bill_kind, bill_id, driver, reference, state, amount, decline, "
    "reason,"
    " brand, last4, at_ms) SELECT id, workspace_id, 'charge', 'order', id, 'sandbox', '', 'succeeded', amount, '', '',"
    " 'visa', '4242', $2 FROM orders WHERE id = $1",
    "INSERT INTO ledger_entries (transaction_id, account, amount, workspace_id, subject_kind, subject_id, at_ms)"
    " SELECT id, column1, column2, workspace_id, 'order', id, $2 FROM orders JOIN (VALUES ('cash/sandbox', 4000),"
    " ('revenue/domains', -3000), ('revenue/mailboxes', -1000)) WHERE id = $1",
    /* A document of 4 lines has about as many bytes as this. */
    "INSERT INTO invoices (number, workspace_id, kind, subject_kind, subject_id, total, driver, document, issued_ms)"
    " SELECT (SELECT COALESCE(MAX(number), 0) + 1 FROM invoices), workspace_id, 'invoice', 'order', id, amount,"
    " 'sandbox', hex(zeroblob(640)), $2 FROM orders WHERE id = $1",
    "INSERT INTO audit_logs (id, workspace_id, at_ms, activity, key_id, address, user_agent, affected, detail,"
    " activity_type) SELECT id, workspace_id, $2, 'order_placed', workspace_id, '127.0.0.1', '', 2,"
    " '{\"order_id\":\"' || id || '\",\"order_type\":\"dfy\"}', 6 FROM orders WHERE id = $1",
    "INSERT INTO events (workspace_id, type, domain, payload, created_ms) SELECT workspace_id, 'dfy_order_placed', '',"
    " '{\"order_id\":\"' || id || '\"}', $2 FROM orders WHERE id = $1",
    "UPDATE accounts SET state = 'pending', renews_ms = $2 + 2678400000 WHERE order_id = $1",
    "UPDATE domains SET state = 'provisioning', year_renews_ms = $2 + 31536000000 WHERE order_id = $1",
};
enum { N_RESERVE = sizeof reserve / sizeof *reserve, N_SETTLE = sizeof settle / sizeof *settle };

static sqlite3 *db;
static sqlite3_stmt *reserving[N_RESERVE], *settling[N_SETTLE];
static const char password[SEALED];

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void need(int ok) {
    if (ok) return;
    fprintf(stderr, "engine: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static void run(const char *sql) {
    need(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static sqlite3_stmt *prepared(const char *sql) {
    sqlite3_stmt *stmt;
    need(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) == SQLITE_OK);
    return stmt;
}

static void text(sqlite3_stmt *stmt, const char *name, const char *value) {
    int at = sqlite3_bind_parameter_index(stmt, name);
    if (at) need(sqlite3_bind_text(stmt, at, value, -1, SQLITE_STATIC) == SQLITE_OK);
}

static void done(sqlite3_stmt *stmt) {
    need(sqlite3_step(stmt) == SQLITE_DONE);
    sqlite3_reset(stmt);
}

/* Ordered by time and unique, as UUIDv7 is. */
static void make_id(char to[ID]) {
    static unsigned long long count;
    snprintf(to, ID, "%08llx-0000-7000-8000-%012llx", (unsigned long long)time(NULL), ++count);
}

static void insert(int what, const char *id, const char *order, const char *domain, const char *name, int position) {
    sqlite3_stmt *stmt = reserving[what];
    text(stmt, "$1", id);
    text(stmt, "$2", order);
    text(stmt, "$3", domain);
    text(stmt, "$4", name);
    int at = sqlite3_bind_parameter_index(stmt, "$5");
    if (at) need(sqlite3_bind_blob(stmt, at, password, sizeof password, SQLITE_STATIC) == SQLITE_OK);
    need(sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, "$6"), 1) == SQLITE_OK);
    at = sqlite3_bind_parameter_index(stmt, "$7");
    if (at) need(sqlite3_bind_int64(stmt, at, position) == SQLITE_OK);
    done(stmt);
}

static void reserve_order(char order[ID]) {
    make_id(order);
    insert(ORDER, order, "", "", "", 0);
    for (int i = 0; i < 2; i++) {
        char domain[ID], account[ID], name[64], email[80];
        make_id(domain);
        make_id(account);
        snprintf(name, sizeof name, "e%s.com", domain);
        snprintf(email, sizeof email, "john@%s", name);
        insert(DOMAIN, domain, order, "", name, 0);
        insert(ACCOUNT, account, order, domain, email, 0);
        insert(YEAR_LINE, "", order, domain, "", 2 * i);
        insert(MONTH_LINE, "", order, domain, "", 2 * i + 1);
    }
}

static void settle_order(const char order[ID]) {
    for (int i = 0; i < N_SETTLE; i++) {
        text(settling[i], "$1", order);
        int at = sqlite3_bind_parameter_index(settling[i], "$2");
        if (at) need(sqlite3_bind_int64(settling[i], at, 2) == SQLITE_OK);
        done(settling[i]);
    }
}

int main(int argc, char **argv) {
    long group = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
    double limit = argc == 4 ? strtod(argv[3], NULL) : 0;
    if (group < 1 || limit <= 0) {
        fprintf(stderr, "usage: engine DIR/dfyd.db GROUP SECONDS\n");
        return 2;
    }
    char(*orders)[ID] = calloc((size_t)group, sizeof *orders);
    need(orders != NULL && sqlite3_open(argv[1], &db) == SQLITE_OK);
    run("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;"
        "PRAGMA wal_autocheckpoint = 2000");
    for (int i = 0; i < N_RESERVE; i++) reserving[i] = prepared(reserve[i]);
    for (int i = 0; i < N_SETTLE; i++) settling[i] = prepared(settle[i]);

    long n = 0;
    double start = seconds(), now = start;
    for (; now - start < limit; now = seconds()) {
        run("BEGIN IMMEDIATE");
        for (long i = 0; i < group; i++) reserve_order(orders[i]);
        run("COMMIT");
        run("BEGIN IMMEDIATE");
        for (long i = 0; i < group; i++) settle_order(orders[i]);
        run("COMMIT");
        n += group;
    }
    printf("%.0f\n", (double)n / (now - start));
    for (int i = 0; i < N_RESERVE; i++) sqlite3_finalize(reserving[i]);
    for (int i = 0; i < N_SETTLE; i++) sqlite3_finalize(settling[i]);
    sqlite3_close(db);
    free(orders);
    return 0;
}
