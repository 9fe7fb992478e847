#include "store/books.h"

#include "store/invoices.h"
#include "store/ledger.h"
#include "store_fixture.h"

#define BILL "01900000-0000-7000-8000-0000000000b1"
#define REFUND "01900000-0000-7000-8000-0000000000f1"

#define LEDGER                                                                                                         \
    "SELECT account || ' ' || amount || ' ' || subject_kind || ' ' || transaction_id FROM ledger_entries ORDER BY seq"
#define PAYMENTS                                                                                                       \
    "SELECT kind || ' ' || state || ' ' || amount || ' ' || driver || '/' || reference || ' ' || decline || '/'"       \
    " || reason || ' ' || brand || last4 FROM payments ORDER BY at_ms, id"

static void add_line(struct fixture *f, struct str bill, int64_t position, enum line_kind kind, struct str domain_id,
                     int64_t quantity, cents unit, cents discount) {
    struct stmt *stmt =
        db_stmt(f->db, "INSERT INTO bill_lines (bill_id, position, kind, domain_id, quantity, unit, discount, amount,"
                       " from_ms, to_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $5 * $6 - $7, 1000000, 2000000)");
    stmt_text(stmt, 1, bill);
    stmt_int(stmt, 2, position);
    stmt_text(stmt, 3, str_of(line_kind_names[kind]));
    stmt_text(stmt, 4, domain_id);
    stmt_int(stmt, 5, quantity);
    stmt_int(stmt, 6, unit);
    stmt_int(stmt, 7, discount);
    OK(stmt_run(stmt, NULL, &f->error));
}

/* A domain to charge for; its id in a fixed place of *RET. */
static void make_sold(struct fixture *f, const char *name, struct reserve_domain *ret) {
    *ret = make_domain(f, name, 1, "");
    struct reservation r = make_order(f, ORDER_DFY, ret, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
}

static struct charged charge(struct fixture *f, cents amount) {
    return (struct charged){.kind = BILL_RENEWAL,
                            .bill_id = STR(BILL),
                            .workspace_id = STR(WORKSPACE),
                            .payment_id = STR("key-1"),
                            .driver = STR("sandbox"),
                            .reference = STR("ch_1"),
                            .brand = STR("visa"),
                            .last4 = STR("4242"),
                            .amount = amount,
                            .now_ms = f->now};
}

static struct refunded refund(struct fixture *f, const char *driver) {
    return (struct refunded){.id = STR(REFUND),
                             .workspace_id = STR(WORKSPACE),
                             .bill_kind = BILL_RENEWAL,
                             .bill_id = STR(BILL),
                             .driver = str_of(driver),
                             .reference = STR("re_1"),
                             .amount = 700,
                             .why = STR("one.com could not be registered"),
                             .now_ms = f->now + 1};
}

static const char *document_of(struct fixture *f, int64_t number) {
    struct stmt *stmt = db_stmt(f->db, "SELECT document FROM invoices WHERE number = $1");
    stmt_int(stmt, 1, number);
    if (stmt_step(stmt, &f->error) != DB_ROW) fixture_fail("no invoice", f->error.message);
    const char *document = arena_cstr(f->arena, stmt_col_text(stmt, 0));
    stmt_done(stmt);
    return document;
}

static void a_transaction_that_does_not_balance_is_not_written(void **state) {
    struct fixture *f = *state;
    struct ledger_transaction t = {.id = STR("t"),
                                   .workspace_id = STR(WORKSPACE),
                                   .subject = SUBJECT_ORDER,
                                   .subject_id = STR("o"),
                                   .legs = {{STR("cash/x"), 5}, {STR("discounts"), 0}, {STR("refunds"), -4}},
                                   .n = 3};
    FAILS(ERR_INTERNAL, IN_TX(ledger_post(f->db, &t, &f->error)));
    t.legs[1].amount = INT64_MAX;
    FAILS(ERR_INTERNAL, IN_TX(ledger_post(f->db, &t, &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM ledger_entries"), 0);
    t.legs[1].amount = -1;
    OK(IN_TX(ledger_post(f->db, &t, &f->error)));
    assert_string_equal(words_of(f, LEDGER), "cash/x 5 order t|discounts -1 order t|refunds -4 order t");
    FAILS(ERR_CONFLICT, IN_TX(ledger_post(f->db, &t, &f->error)));
    struct error error = {0};
    assert_false(db_exec(f->db, "UPDATE ledger_entries SET amount = 1", &error));
    assert_false(db_exec(f->db, "DELETE FROM ledger_entries", &error));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM ledger_entries WHERE amount <> 1"), 3);
}

static void balances_are_by_account(void **state) {
    struct fixture *f = *state;
    const struct ledger_transaction t = {
        .id = STR("t"),
        .workspace_id = STR(WORKSPACE),
        .subject = SUBJECT_ORDER,
        .subject_id = STR("o"),
        .legs = {{STR("cash/a"), 5}, {STR("cash/b"), 7}, {STR("cashew"), -3}, {STR("refunds"), -9}},
        .n = 4};
    OK(IN_TX(ledger_post(f->db, &t, &f->error)));
    struct ledger_balance *all;
    size_t n;
    OK(ledger_balances(f->db, STR("cash"), f->arena, &all, &n, &f->error));
    assert_int_equal(n, 2);
    assert_true(str_is(all[0].account, "cash/a") && str_is(all[1].account, "cash/b"));
    OK(ledger_balances(f->db, STR(""), f->arena, &all, &n, &f->error));
    assert_int_equal(n, 4);
    assert_int_equal(all[3].credit, 9);
    assert_int_equal(all[3].debit, 0);
}

static void a_charge_is_entered_at_list_price(void **state) {
    struct fixture *f = *state;
    struct reserve_domain one, two;
    make_sold(f, "one.com", &one);
    make_sold(f, "two.com", &two);
    add_line(f, STR(BILL), 0, LINE_DOMAIN_YEAR, str_of(one.id), 1, 1500, 1500);
    add_line(f, STR(BILL), 1, LINE_MAILBOX_MONTH, str_of(one.id), 3, 500, 1);
    add_line(f, STR(BILL), 2, LINE_DOMAIN_MONTH, str_of(two.id), 1, 2000, 0);
    OK(IN_TX(invoices_set_seller(f->db, STR("Seller \"Inc\", Street 1"), &f->error)));
    struct charged paid = charge(f, 3499);
    OK(IN_TX(books_charged(f->db, &paid, &f->error)));
    assert_string_equal(words_of(f, LEDGER),
                        "cash/sandbox 3499 renewal " BILL "|discounts 1501 renewal " BILL
                        "|revenue/domains -1500 renewal " BILL "|revenue/mailboxes -3500 renewal " BILL);
    assert_string_equal(words_of(f, PAYMENTS), "charge succeeded 3499 sandbox/ch_1 / visa4242");
    static const char period[] =
        "\"period_start\":\"1970-01-01T00:16:40.000Z\",\"period_end\":\"1970-01-01T00:33:20.000Z\"";
    struct str expected = arena_printf(
        f->arena,
        "{\"number\":1,\"kind\":\"invoice\",\"timestamp_issued\":\"1970-01-01T00:16:40.000Z\",\"currency\":\"USD\""
        ",\"seller\":\"Seller \\\"Inc\\\", Street 1\",\"customer\":{\"workspace_id\":\"" WORKSPACE
        "\",\"name\":\"mine\"}"
        ",\"renewal_id\":\"" BILL "\",\"items\":["
        "{\"description\":\"Domain\",\"kind\":\"domain_year\",\"domain\":\"one.com\",%s,\"quantity\":1"
        ",\"unit_price\":15,\"discount\":15,\"amount\":0},"
        "{\"description\":\"Mailboxes\",\"kind\":\"mailbox_month\",\"domain\":\"one.com\",%s,\"quantity\":3"
        ",\"unit_price\":5,\"discount\":0.01,\"amount\":14.99},"
        "{\"description\":\"Mailboxes of a Microsoft domain"
        "\",\"kind\":\"domain_month\",\"domain\":\"two.com\""
        ",%s,\"quantity\":1,\"unit_price\":20,\"discount\":0,\"amount\":20}]"
        ",\"list_price\":50,\"total_discount\":15.01,\"total\":34.99,\"payment\":{\"method\":\"card\",\"driver\":"
        "\"sandbox\""
        ",\"reference\":\"ch_1\",\"brand\":\"visa\",\"last_4_digits\":\"4242\"}}",
        period, period, period);
    assert_string_equal(document_of(f, 1), arena_cstr(f->arena, expected));

    /* Once, and only for what the lines say. */
    FAILS(ERR_CONFLICT, IN_TX(books_charged(f->db, &paid, &f->error)));
    paid.payment_id = STR("key-2");
    FAILS(ERR_CONFLICT, IN_TX(books_charged(f->db, &paid, &f->error)));
    paid.amount = 3500;
    FAILS(ERR_INTERNAL, IN_TX(books_charged(f->db, &paid, &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM payments"), 1);
}

static void what_costs_nothing_is_entered_only_with_a_discount(void **state) {
    struct fixture *f = *state;
    struct charged paid = charge(f, 0);
    OK(IN_TX(books_charged(f->db, &paid, &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM invoices"), 0);

    struct reserve_domain one;
    make_sold(f, "one.com", &one);
    add_line(f, STR(BILL), 0, LINE_DOMAIN_YEAR, str_of(one.id), 1, 1500, 1500);
    OK(IN_TX(books_charged(f->db, &paid, &f->error)));
    assert_string_equal(words_of(f, LEDGER), "discounts 1500 renewal " BILL "|revenue/domains -1500 renewal " BILL);
    assert_string_equal(words_of(f, PAYMENTS), "");
    assert_non_null(strstr(document_of(f, 1), "\"total\":0,\"payment\":{\"method\":\"none\"}}"));
}

static void a_bill_without_lines_is_not_split(void **state) {
    struct fixture *f = *state;
    struct charged paid = charge(f, 1234);
    OK(IN_TX(books_charged(f->db, &paid, &f->error)));
    assert_string_equal(words_of(f, LEDGER), "cash/sandbox 1234 renewal " BILL "|revenue/unsplit -1234 renewal " BILL);
    assert_non_null(
        strstr(document_of(f, 1), "\"items\":[],\"list_price\":12.34,\"total_discount\":0,\"total\":12.34"));
}

static void a_decline_is_listed_and_moves_nothing(void **state) {
    struct fixture *f = *state;
    struct charged tried = charge(f, 1234);
    tried.reference = STR("");
    OK(IN_TX(books_declined(f->db, &tried, STR("card_expired"), STR("the card is too old"), &f->error)));
    assert_string_equal(words_of(f, PAYMENTS), "charge failed 1234 sandbox/ card_expired/the card is too old visa4242");
    /* A charge that ended stays as it ended. */
    FAILS(ERR_CONFLICT, IN_TX(books_charged(f->db, &tried, &f->error)));
    assert_int_equal(number_of(f, "SELECT (SELECT COUNT(*) FROM ledger_entries) + (SELECT COUNT(*) FROM invoices)"), 0);
}

static void a_refund_is_owed_and_then_paid(void **state) {
    struct fixture *f = *state;
    struct charged paid = charge(f, 1234);
    OK(IN_TX(books_charged(f->db, &paid, &f->error)));
    struct refunded back = refund(f, "sandbox");
    OK(IN_TX(books_refund_owed(f->db, &back, &f->error)));
    FAILS(ERR_CONFLICT, IN_TX(books_refund_owed(f->db, &back, &f->error)));
    OK(IN_TX(books_refund_failed(f->db, &back, STR("the card is gone"), &f->error)));
    assert_string_equal(words_of(f, PAYMENTS), "charge succeeded 1234 sandbox/ch_1 / visa4242"
                                               "|refund failed 700 sandbox/re_1 /the card is gone ");
    OK(IN_TX(books_refund_paid(f->db, &back, &f->error)));
    FAILS(ERR_CONFLICT, IN_TX(books_refund_paid(f->db, &back, &f->error)));
    assert_string_equal(words_of(f, PAYMENTS), "charge succeeded 1234 sandbox/ch_1 / visa4242"
                                               "|refund succeeded 700 sandbox/re_1 / ");
    assert_string_equal(words_of(f, LEDGER " LIMIT 9 OFFSET 2"),
                        "refunds 700 refund " REFUND "/owed|payable/" WORKSPACE " -700 refund " REFUND "/owed"
                        "|payable/" WORKSPACE " 700 refund " REFUND "/paid|cash/sandbox -700 refund " REFUND "/paid");
    assert_string_equal(
        document_of(f, 2),
        "{\"number\":2,\"kind\":\"credit_note\",\"timestamp_issued\":\"1970-01-01T00:16:40.001Z\""
        ",\"currency\":\"USD\",\"seller\":\"\",\"customer\":{\"workspace_id\":\"" WORKSPACE "\""
        ",\"name\":\"mine\"},\"renewal_id\":\"" BILL "\",\"refund_id\":\"" REFUND "\""
        ",\"subject\":\"\",\"reason\":\"one.com could not be registered\",\"credits_invoice\":1,\"total\":7"
        ",\"payment\":{\"method\":\"card\",\"driver\":\"sandbox\",\"reference\":\"re_1\",\"brand\":\"\""
        ",\"last_4_digits\":\"\"}}");
}

static void a_refund_can_be_dropped(void **state) {
    struct fixture *f = *state;
    struct refunded back = refund(f, "sandbox");
    OK(IN_TX(books_refund_owed(f->db, &back, &f->error)));
    OK(IN_TX(books_refund_dropped(f->db, &back, &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM (SELECT 1 FROM ledger_entries GROUP BY account"
                                  " HAVING SUM(amount) <> 0) t"),
                     0);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM ledger_entries"), 4);
    assert_string_equal(words_of(f, PAYMENTS), "");
}

static void on_account_is_owed_until_it_is_paid(void **state) {
    struct fixture *f = *state;
    struct charged taken = charge(f, 1234);
    taken.driver = STR("invoice");
    OK(IN_TX(books_charged(f->db, &taken, &f->error)));
    assert_non_null(strstr(document_of(f, 1), "\"payment\":{\"method\":\"on_account\",\"driver\":\"invoice\""));
    struct refunded back = refund(f, "invoice");
    OK(IN_TX(books_refund_owed(f->db, &back, &f->error)));
    OK(IN_TX(books_refund_paid(f->db, &back, &f->error)));
    assert_int_equal(number_of(f, "SELECT SUM(amount) FROM ledger_entries WHERE account = 'receivable/" WORKSPACE "'"),
                     534);

    FAILS(ERR_CONFLICT, IN_TX(books_invoice_paid(f->db, 2, STR("bank 1"), f->now, &f->error))); /* the credit note */
    FAILS(ERR_NOT_FOUND, IN_TX(books_invoice_paid(f->db, 3, STR("bank 1"), f->now, &f->error)));
    OK(IN_TX(books_invoice_paid(f->db, 1, STR("bank 1"), f->now, &f->error)));
    FAILS(ERR_CONFLICT, IN_TX(books_invoice_paid(f->db, 1, STR("bank 1"), f->now, &f->error)));
    assert_string_equal(words_of(f, "SELECT number || ' ' || amount || ' ' || note FROM invoice_payments"),
                        "1 534 bank 1");
    assert_string_equal(words_of(f, LEDGER " LIMIT 9 OFFSET 6"),
                        "cash/bank 534 invoice invoice/1|receivable/" WORKSPACE " -534 invoice invoice/1");
}

static void an_invoice_by_card_is_not_paid_again(void **state) {
    struct fixture *f = *state;
    struct charged paid = charge(f, 1234);
    OK(IN_TX(books_charged(f->db, &paid, &f->error)));
    FAILS(ERR_CONFLICT, IN_TX(books_invoice_paid(f->db, 1, STR("bank 1"), f->now, &f->error)));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM invoice_payments"), 0);
}

static void numbers_have_no_gap(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < 6; i++) {
        struct charged paid = charge(f, 100);
        paid.bill_id = paid.payment_id = arena_printf(f->arena, "bill-%d", i);
        assert_int_equal(IN_TX(books_charged(f->db, &paid, &f->error) && i % 2 == 0), i % 2 == 0);
    }
    assert_string_equal(words_of(f, "SELECT number || ' ' || subject_id FROM invoices ORDER BY number"),
                        "1 bill-0|2 bill-2|3 bill-4");
    struct error error = {0};
    assert_false(db_exec(f->db, "UPDATE invoices SET total = 1 WHERE number = 2", &error));
    assert_false(db_exec(f->db, "DELETE FROM invoices WHERE number = 2", &error));
    assert_int_equal(number_of(f, "SELECT SUM(total) FROM invoices"), 300);
}

static void an_order_brings_its_books(void **state) {
    struct fixture *f = *state;
    struct reserve_domain one = make_domain(f, "one.com", 2, ""), two = make_domain(f, "two.com", 1, "");
    struct reservation paid = make_order(f, ORDER_DFY, &one, 1), declined = make_order(f, ORDER_DFY, &two, 1);
    OK(IN_TX(order_reserve(f->db, &paid, &f->error)));
    OK(IN_TX(order_reserve(f->db, &declined, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(paid.order_id), STR("ch_9"), f->now + 5, &f->error)));
    OK(IN_TX(order_settle(f->db, str_of(paid.order_id), STR("ch_9"), f->now + 6, &f->error)));
    for (int i = 0; i < 2; i++)
        OK(IN_TX(order_release(f->db, str_of(declined.order_id), STR("card_expired"), STR("too old"), STR(""),
                               f->now + 7, &f->error)));
    assert_string_equal(words_of(f, PAYMENTS), "charge succeeded 1500 sandbox/ch_9 / |charge failed 1500 sandbox/"
                                               " card_expired/too old ");
    assert_string_equal(words_of(f, "SELECT state || reason FROM orders ORDER BY id"),
                        "placed|payment_failedcard_expired");
    assert_int_equal(number_of(f, "SELECT SUM(amount) FROM ledger_entries WHERE account LIKE 'cash/%'"), 1500);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM invoices"), 1);
}

static void an_order_that_was_not_tried_has_no_payment(void **state) {
    struct fixture *f = *state;
    struct reserve_domain one = make_domain(f, "one.com", 2, "");
    struct reservation r = make_order(f, ORDER_DFY, &one, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    OK(IN_TX(order_release(f->db, str_of(r.order_id), STR(""), STR("interrupted"), STR(""), f->now, &f->error)));
    assert_string_equal(words_of(f, PAYMENTS), "");
    assert_string_equal(words_of(f, "SELECT reason FROM orders"), "interrupted");
}

/* All mailboxes of a workspace are renewed by one charge: what was taken has to be written down, however long its bill.
 */
static void a_bill_of_many_lines_has_its_invoice(void **state) {
    struct fixture *f = *state;
    struct reserve_domain domain;
    enum { LINES = 30000 };
    make_sold(f, "a-name-that-is-as-long-as-names-of-domains-often-are-these-days.com", &domain);
    OK(db_exec(f->db, "BEGIN", &f->error));
    for (int i = 0; i < LINES; i++) add_line(f, STR(BILL), i, LINE_MAILBOX_MONTH, str_of(domain.id), 1, 500, 0);
    OK(db_exec(f->db, "COMMIT", &f->error));
    const struct charged many = charge(f, LINES * INT64_C(500));
    OK(IN_TX(books_charged(f->db, &many, &f->error)));
    assert_int_equal(number_of(f, "SELECT json_array_length(document, '$.items') FROM invoices"), LINES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_make, fixture_drop)
        CASE(a_transaction_that_does_not_balance_is_not_written),
        CASE(balances_are_by_account),
        CASE(a_charge_is_entered_at_list_price),
        CASE(what_costs_nothing_is_entered_only_with_a_discount),
        CASE(a_bill_without_lines_is_not_split),
        CASE(a_decline_is_listed_and_moves_nothing),
        CASE(a_refund_is_owed_and_then_paid),
        CASE(a_refund_can_be_dropped),
        CASE(on_account_is_owed_until_it_is_paid),
        CASE(an_invoice_by_card_is_not_paid_again),
        CASE(numbers_have_no_gap),
        CASE(an_order_brings_its_books),
        CASE(an_order_that_was_not_tried_has_no_payment),
        CASE(a_bill_of_many_lines_has_its_invoice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
