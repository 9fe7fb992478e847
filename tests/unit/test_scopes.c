/* scopes: which are known, and what a key's scopes allow. */
#include "core/scopes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void scopes_are_those_of_the_reference(void **state) {
    (void)state;
    static const char *const known[] = {"all:all",        "background-jobs:read",     "dfy_email_account_orders:delete",
                                        "auth:delete",    "email_verifications:read", "webhooks:update",
                                        "lead-labels:all"};
    static const char *const unknown[] = {"",
                                          "all",
                                          "all:",
                                          ":all",
                                          "all:write",
                                          "orders:all",
                                          "all:all ",
                                          "ALL:ALL",
                                          "webhooks",
                                          "email_verifications:update",
                                          "email_verifications:delete",
                                          "lead_labels:all"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) assert_true(scope_is_known(str_of(known[i])));
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) assert_false(scope_is_known(str_of(unknown[i])));
    size_t n = 0;
    while (scope_words[n]) n++;
    assert_int_equal(n, 178);
}

static void scopes_cover_what_they_name(void **state) {
    (void)state;
    static const struct {
        const char *held, *resource, *action;
        bool allowed;
    } rows[] = {
        {"all:all", "webhooks", "read", true},
        {"all:all", "all", "all", true},
        {"all:read", "webhooks", "read", true},
        {"all:read", "webhooks", "create", false},
        {"all:read", "webhooks", "all", false},
        {"all:read", "all", "read", true},
        {"all:read", "all", "all", false},
        {"webhooks:all", "webhooks", "delete", true},
        {"webhooks:all", "webhooks", "all", true},
        {"webhooks:all", "all", "read", false},
        {"webhooks:all", "webhook_events", "read", false},
        {"webhooks:read", "webhooks", "read", true},
        {"webhooks:read", "webhooks", "all", false},
        {"api_keys:create webhooks:read", "webhooks", "read", true},
        {"api_keys:create webhooks:read", "webhooks", "create", false},
        {"", "webhooks", "read", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (scopes_allow(str_of(rows[i].held), str_of(rows[i].resource), str_of(rows[i].action)) != rows[i].allowed)
            fail_msg("%s for %s:%s", rows[i].held, rows[i].resource, rows[i].action);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_are_those_of_the_reference),
        cmocka_unit_test(scopes_cover_what_they_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
