/* answer: what is said to an order, as JSON (cases/answer.txt). */
#include "api/answer.h"

#include <string.h>
#include <time.h>
#include <yyjson.h>

#include "base/buf.h"
#include "cases.h"
#include "order_case.h"

/* The reference requires these, and price_per_domain_per_month is always said. */
static const char *const required[] = {
    "order_placed",
    "order_is_valid",
    "unavailable_domains",
    "blacklist_domains",
    "invalid_domains",
    "invalid_forwarding_domains",
    "invalid_accounts",
    "missing_domain_orders",
    "provider_mismatch_domains",
    "unsupported_provider_domains",
    "unavailable_email_providers",
    "domains_without_accounts",
    "free_domains",
    "number_of_domains_ordered",
    "number_of_accounts_ordered",
    "price_per_account_per_month",
    "price_per_domain_per_month",
    "price_per_domain_per_year",
    "total_domains_price_per_year",
    "total_accounts_price_per_month",
    "total_price_per_month",
    "total_price_per_year",
    "total_price",
    "total_discount",
    "simulation",
    "order_items",
    "payment_method_last_4_digits",
    "payment_method_brand",
    "payment_method_name_on_card",
};

static void read_state(const struct case_line *line, struct order_answer *ret) {
    ret->simulation = false;
    if (str_is(line->value, "refused")) return;
    if (str_is(line->value, "placed")) {
        ret->placed = true;
        return;
    }
    ret->not_paid = true;
    if (str_is(line->value, "no card")) return;
    for (int d = DECLINE_NONE + 1; d < DECLINE_END; d++)
        if (str_is(line->value, decline_names[d])) ret->decline = (enum decline)d;
    if (ret->decline == DECLINE_NONE) CASE_FAIL(line, "unknown state '%.*s'", STR_ARG(line->value));
}

/* Whether LINE says what is expected, rather than what is asked. */
static bool is_expectation(const struct order_case *c, const struct case_line *line, struct arena *arena) {
    if (str_is(line->key, "card") || str_is(line->key, "state")) return false;
    struct order_case scratch = *c;
    scratch.order.items = ARENA_ARRAY(arena, CASE_ITEMS, struct order_item);
    scratch.facts = ARENA_ARRAY(arena, CASE_ITEMS, struct domain_facts);
    scratch.order.n_items = 0;
    return !case_input(&scratch, line, arena) && !str_is(line->key, "account") && !str_is(line->key, "accounts") &&
           !str_is(line->key, "world") && !str_is(line->key, "has") && !str_is(line->key, "stock");
}

static void must_hold(const struct case_line *line, struct str text, yyjson_val *root) {
    if (str_is(line->key, "whole")) {
        if (!str_eq(text, line->value)) CASE_FAIL(line, "is %.*s", STR_ARG(text));
        return;
    }
    if (str_is(line->key, "absent")) {
        if (yyjson_obj_getn(root, line->value.p, line->value.n)) CASE_FAIL(line, "%.*s", STR_ARG(text));
        return;
    }
    yyjson_doc *wanted = yyjson_read(line->value.p, line->value.n, 0);
    if (!wanted) CASE_FAIL(line, "is not JSON");
    yyjson_val *is = yyjson_obj_getn(root, line->key.p, line->key.n);
    if (!is || !yyjson_equals(is, yyjson_doc_get_root(wanted)))
        CASE_FAIL(line, "%.*s is %s", STR_ARG(line->key), is ? yyjson_val_write(is, 0, NULL) : "absent");
    yyjson_doc_free(wanted);
}

static void answer_case(const struct order_case *c, struct arena *arena) {
    struct card card = {0};
    struct order_answer answer = {.simulation = true, .card = &card};
    for (size_t i = 0; i < c->n_lines; i++) {
        if (str_is(c->lines[i].key, "state")) read_state(&c->lines[i], &answer);
        if (!str_is(c->lines[i].key, "card")) continue;
        struct str rest = c->lines[i].value;
        card.exists = true;
        card.brand = str_cut(rest, ' ', &rest);
        card.last4 = str_cut(rest, ' ', &card.name_on_card);
    }
    answer.check = order_case_judge(c, arena);
    const struct quote quote = order_case_quote(c, answer.check, arena);
    answer.quote = &quote;

    struct buf text;
    buf_init(&text, 1 << 20);
    answer_write(&text, &answer, arena);
    assert_true(buf_ok(&text));
    yyjson_doc *doc = yyjson_read(text.p, text.n, 0);
    if (!doc) CASE_FAIL(c->lines, "the answer is not JSON: %.*s", STR_ARG(buf_str(&text)));
    yyjson_val *root = yyjson_doc_get_root(doc);
    for (size_t i = 0; i < ARRAY_LEN(required); i++)
        if (!yyjson_obj_get(root, required[i])) CASE_FAIL(c->lines, "%s is missing", required[i]);
    for (size_t i = 0; i < c->n_lines; i++)
        if (is_expectation(c, &c->lines[i], arena)) must_hold(&c->lines[i], buf_str(&text), root);
    yyjson_doc_free(doc);
    buf_finish(&text);
}

static void orders_are_answered_as_listed(void **state) {
    (void)state;
    struct arena *arena = arena_create(1 << 16);
    struct restricted *restricted = restricted_create_default(NULL, 0);
    size_t n;
    const struct case_line *lines = cases_rows("answer.txt", arena, &n);
    for (size_t at = 0; at < n;) {
        struct order_case c = order_case_read(&lines[at], restricted, arena);
        answer_case(&c, arena);
        at += c.n_lines;
    }
    restricted_destroy(restricted);
    arena_destroy(arena);
}

/* A body of 1 MiB holds some 50,000 names; looking each up among all the others would take minutes. */
static void long_lists_are_written_in_reasonable_time(void **state) {
    (void)state;
    enum { N = 50000 };
    struct arena *arena = arena_create(1 << 20);
    struct checked_item *items = ARENA_ARRAY(arena, N, struct checked_item);
    struct order_item asked = {0};
    for (size_t i = 0; i < N; i++)
        items[i] = (struct checked_item){
            .asked = &asked,
            .name = arena_printf(arena, "not-a-name-%zu", i % (N - 10)),
            .faults = FAULT_INVALID_DOMAIN,
        };
    struct check check = {.items = items, .n_items = N, .faults = FAULT_INVALID_DOMAIN};
    struct quote quote = {.items = ARENA_ARRAY(arena, N, struct quote_item), .n_items = N};
    struct card card = {0};
    struct order_answer answer = {.check = &check, .quote = &quote, .card = &card};
    struct buf text;
    buf_init(&text, 16 << 20);
    struct timespec from, to;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    answer_write(&text, &answer, arena);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    assert_in_range(to.tv_sec - from.tv_sec, 0, 10);
    yyjson_doc *doc = yyjson_read(text.p, text.n, 0);
    assert_non_null(doc);
    assert_int_equal(yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(doc), "invalid_domains")), N - 10);
    yyjson_doc_free(doc);
    buf_finish(&text);
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_answered_as_listed),
        cmocka_unit_test(long_lists_are_written_in_reasonable_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
