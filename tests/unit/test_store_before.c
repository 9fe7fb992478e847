/* What becomes of a database of version 6, from before money was kept in books. */
#include "core/calendar.h"
#include "core/invoice.h"
#include "store_fixture.h"

/* The migrations up to then; see migrate.c. */
extern const char sql_001_first[], sql_002_audit_events[], sql_003_webhooks[], sql_004_keys_workspaces_audit[],
    sql_005_cancel_forwarding[], sql_006_restrictions[];

/* 2024-02-29, 2024-01-31 and 2024-01-15, at noon. */
#define LEAP INT64_C(1709208000000)
#define LAST INT64_C(1706702400000)
#define MIDDLE INT64_C(1705320000000)

static const char rows[] =
    "INSERT INTO schema_version VALUES (6, '006-restrictions');"
    "INSERT INTO workspaces (id, name, plan_active, created_ms, updated_ms) VALUES"
    " ('" WORKSPACE "', 'mine \"1\"', 1, 5, 5), ('" STRANGER "', 'theirs', 1, 5, 5);"
    "INSERT INTO cards VALUES ('" WORKSPACE "', 'tok_visa', 'visa', '4242', 'Ada', 5);"
    "INSERT INTO prices VALUES ('', 'google_mailbox_month', 450, 5), ('" STRANGER "', 'google_mailbox_month', 300, 5),"
    " ('', 'microsoft_domain_month', 1900, 5);"
    "INSERT INTO orders (id, workspace_id, type, state, amount, card_token, idempotency_key, answer, reason, attempts,"
    " settle_after_ms, created_ms, ended_ms) VALUES"
    " ('o1', '" WORKSPACE "', 'dfy', 'placed', 6805, 'tok_visa', '', '', '', 0, 0, 1709208000000, 1709208000007),"
    " ('o2', '" WORKSPACE "', 'pre_warmed_up', 'placed', 2500, 'tok_gone', '', '', '', 0, 0, 1706702400000,"
    " 1706702400000),"
    " ('o3', '" STRANGER "', 'dfy', 'payment_failed', 4050, 'tok_x', '', '', 'card_expired', 0, 0, 30, 31),"
    " ('o4', '" STRANGER "', 'dfy', 'payment_failed', 4060, 'tok_x', '', '', 'not charged', 0, 0, 40, 41),"
    " ('o5', '" STRANGER "', 'dfy', 'reserved', 4070, 'tok_x', '', '{}', '', 0, 0, 50, 0),"
    " ('o6', '" STRANGER "', 'dfy', 'placed', 0, '', '', '', '', 0, 0, 1705320000000, 1705320000000);"
    "INSERT INTO domains (id, workspace_id, order_id, name, provider, forwarding, is_pre_warmed, state, active,"
    " created_ms, cancelled_ms) VALUES"
    " ('d1', '" WORKSPACE "', 'o1', 'ready.com', 1, '', 0, 'ready', 1, 1709208000000, 0),"
    " ('d2', '" WORKSPACE "', 'o1', 'micro.com', 3, '', 0, 'provisioning', 1, 1709208000000, 0),"
    " ('d3', '" WORKSPACE "', 'o1', 'gone.com', 1, '', 0, 'cancelled', 0, 1709208000000, 99),"
    " ('d4', '" WORKSPACE "', 'o1', 'lost.com', 1, '', 0, 'failed', 0, 1709208000000, 0),"
    " ('d5', '" WORKSPACE "', 'o2', 'warm.com', 3, '', 1, 'partial', 1, 1706702400000, 0),"
    " ('d6', '" STRANGER "', 'o5', 'held.com', 1, '', 0, 'reserved', 1, 50, 0),"
    " ('d7', '" STRANGER "', 'o6', 'theirs.com', 1, '', 0, 'ready', 1, 1705320000000, 0);"
    "INSERT INTO accounts (id, workspace_id, domain_id, order_id, email, first_name, last_name, sealed_password,"
    " provider, is_pre_warmed, state, active, reason, created_ms, cancelled_ms) VALUES"
    " ('a1', '" WORKSPACE "', 'd1', 'o1', 'a@ready.com', '', '', x'00', 1, 0, 'ready', 1, '', 1709208000000, 0),"
    " ('a2', '" WORKSPACE "', 'd1', 'o1', 'b@ready.com', '', '', x'00', 1, 0, 'cancelled', 0, '', 1709208000000, 9),"
    " ('a3', '" WORKSPACE "', 'd2', 'o1', 'a@micro.com', '', '', x'00', 3, 0, 'pending', 1, '', 1709208000000, 0),"
    " ('a4', '" WORKSPACE "', 'd4', 'o1', 'a@lost.com', '', '', x'00', 1, 0, 'failed', 0, '', 1709208000000, 0),"
    " ('a5', '" WORKSPACE "', 'd5', 'o2', 'a@warm.com', '', '', x'00', 3, 1, 'ready', 1, '', 1706702400000, 0),"
    " ('a6', '" STRANGER "', 'd6', 'o5', 'a@held.com', '', '', x'00', 1, 0, 'reserved', 1, '', 50, 0),"
    " ('a7', '" STRANGER "', 'd7', 'o6', 'a@theirs.com', '', '', x'00', 1, 0, 'ready', 1, '', 1705320000000, 0);"
    "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms, reason)"
    " VALUES ('d1', '', 'publish_dns', 1, 'o1', '" WORKSPACE "', 'done', 1, 9, '');";

/* Into F->db, whose queries the tests then ask. */
static int before_make(void **state) {
    int code = fixture_make(state);
    struct fixture *f = *state;
    db_close(f->db);
    char path[128];
    snprintf(path, sizeof path, "%s/old.db", f->dir);
    const struct connect connect = {.path = path};
    OK(db_open(&connect, &f->db, &f->error));
    fixture_run(f, "CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT");
    const char *const all[] = {sql_001_first,
                               sql_002_audit_events,
                               sql_003_webhooks,
                               sql_004_keys_workspaces_audit,
                               sql_005_cancel_forwarding,
                               sql_006_restrictions,
                               rows};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) fixture_run(f, all[i]);
    OK(migrate_run(f->db, &f->error));
    return code;
}

static void what_was_paid_is_in_the_books(void **state) {
    struct fixture *f = *state;
    assert_string_equal(words_of(f, "SELECT id || ' ' || state || ' ' || amount || ' ' || decline || ' ' || brand ||"
                                    " last4 || ' ' || at_ms || ' ' || driver FROM payments ORDER BY id"),
                        "o1 succeeded 6805  visa4242 1709208000007 sandbox|o2 succeeded 2500   1706702400000 sandbox"
                        "|o3 failed 4050 card_expired  31 sandbox");
    assert_string_equal(words_of(f, "SELECT transaction_id || ' ' || account || ' ' || amount FROM ledger_entries"
                                    " ORDER BY seq"),
                        "o2 cash/sandbox 2500|o2 revenue/unsplit -2500|o1 cash/sandbox 6805|o1 revenue/unsplit -6805");
    assert_string_equal(words_of(f, "SELECT number || ' ' || subject_id || ' ' || total FROM invoices ORDER BY number"),
                        "1 o2 2500|2 o1 6805");
}

static void its_invoices_are_those_of_bills_without_lines(void **state) {
    struct fixture *f = *state;
    struct invoice invoice = {.number = 2,
                              .issued_ms = LEAP + 7,
                              .workspace_id = STR(WORKSPACE),
                              .workspace_name = STR("mine \"1\""),
                              .bill_id = STR("o1"),
                              .total = 6805,
                              .driver = STR("sandbox"),
                              .brand = STR("visa"),
                              .last4 = STR("4242")};
    struct buf expected;
    buf_init(&expected, 4096);
    assert_true(invoice_json(&expected, &invoice));
    buf_add_byte(&expected, '|');
    invoice = (struct invoice){.number = 1,
                               .issued_ms = LAST,
                               .workspace_id = STR(WORKSPACE),
                               .workspace_name = STR("mine \"1\""),
                               .bill_id = STR("o2"),
                               .total = 2500,
                               .driver = STR("sandbox")};
    assert_true(invoice_json(&expected, &invoice));
    assert_string_equal(words_of(f, "SELECT document FROM invoices ORDER BY number DESC"),
                        arena_cstr(f->arena, buf_str(&expected)));
    buf_finish(&expected);
}

static void the_price_book_says_what_renews(void **state) {
    struct fixture *f = *state;
    assert_string_equal(words_of(f, "SELECT name || ' ' || year_price || ' ' || month_price || ' ' ||"
                                    " (year_renews_ms > 0) || (month_renews_ms > 0) FROM domains ORDER BY id"),
                        "ready.com 1500 0 10|micro.com 1500 1900 11|gone.com 0 0 00|lost.com 0 0 00"
                        "|warm.com 1500 0 10|held.com 1500 0 00|theirs.com 1500 0 10");
    assert_string_equal(words_of(f, "SELECT email || ' ' || month_price || ' ' || (renews_ms > 0) FROM accounts"
                                    " ORDER BY id"),
                        "a@ready.com 450 1|b@ready.com 0 0|a@micro.com 0 1|a@lost.com 0 0|a@warm.com 1000 1"
                        "|a@held.com 300 0|a@theirs.com 300 1");
}

/* Its days are those of core/calendar.c, counted from the order, the first that is still to come. */
static void the_next_periods_are_still_to_come(void **state) {
    struct fixture *f = *state;
    struct clock clock = clock_system();
    int64_t now = clock_now(&clock);
    static const struct {
        const char *sql;
        int64_t from;
    } years[] = {{"SELECT year_renews_ms FROM domains WHERE id = 'd1'", LEAP},
                 {"SELECT year_renews_ms FROM domains WHERE id = 'd5'", LAST},
                 {"SELECT year_renews_ms FROM domains WHERE id = 'd7'", MIDDLE}},
      paid[] = {{"SELECT paid_years FROM domains WHERE id = 'd1'", LEAP},
                {"SELECT paid_years FROM domains WHERE id = 'd7'", MIDDLE}};
    for (size_t i = 0; i < ARRAY_LEN(years); i++)
        assert_true(number_of(f, years[i].sql) == calendar_next_anniversary(years[i].from, now));
    for (size_t i = 0; i < ARRAY_LEN(paid); i++)
        assert_true(calendar_add_months(paid[i].from, 12 * number_of(f, paid[i].sql)) ==
                    calendar_next_anniversary(paid[i].from, now));
    assert_true(number_of(f, "SELECT month_renews_ms FROM domains WHERE id = 'd2'") == calendar_next_15th(now));
    assert_string_equal(words_of(f, "SELECT id || ' ' || (renews_ms = (SELECT month_renews_ms FROM domains WHERE"
                                    " id = 'd2')) FROM accounts WHERE renews_ms > 0 ORDER BY id"),
                        "a1 1|a3 1|a5 1|a7 1");
}

/* Nothing was kept of what a reserved order charges for; it is settled all the same. */
static void an_order_that_was_reserved_is_settled(void **state) {
    struct fixture *f = *state;
    OK(IN_TX(order_settle(f->db, STR("o5"), STR("ch_5"), f->now, &f->error)));
    assert_string_equal(words_of(f, "SELECT account || ' ' || amount FROM ledger_entries WHERE transaction_id = 'o5'"
                                    " ORDER BY seq"),
                        "cash/sandbox 4070|revenue/unsplit -4070");
    assert_int_equal(number_of(f, "SELECT number FROM invoices WHERE subject_id = 'o5'"), 3);
}

static void domains_in_use_are_cared_for(void **state) {
    struct fixture *f = *state;
    assert_string_equal(words_of(f, "SELECT domain_id || ' ' || dkim_rotation || ' ' || dkim_phase || ' ' ||"
                                    " (findings IS NULL) || ' ' || (due_ms <= 9) FROM domain_care ORDER BY domain_id"),
                        "d1 1 sole 1 1|d5 0 sole 1 1|d7 0 sole 1 1");
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, before_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(what_was_paid_is_in_the_books),         CASE(its_invoices_are_those_of_bills_without_lines),
        CASE(the_price_book_says_what_renews),       CASE(the_next_periods_are_still_to_come),
        CASE(an_order_that_was_reserved_is_settled), CASE(domains_in_use_are_cared_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
