/* mail_signature: which signatures a check of a mailbox believes. The message and its keys are those of RFC 8463,
 * appendix A, which signs with Ed25519 and with RSA. */
#include "cases.h"

#include "base/clock.h"
#include "driver/mailbox/mailhost/verify_dkim.h"
#include "driver/resolver/resolver.h"

static const char ed25519_signature[] = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
                                        " d=football.example.com; i=@football.example.com;\r\n"
                                        " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
                                        " subject : date : message-id : from : subject : date;\r\n"
                                        " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                                        " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
                                        " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n";
static const char rsa_signature[] = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
                                    " d=football.example.com; i=@football.example.com;\r\n"
                                    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
                                    " date : message-id : from : subject : date;\r\n"
                                    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                                    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
                                    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
                                    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n";
static const char text[] = "From: Joe SixPack <joe@football.example.com>\r\n"
                           "To: Suzie Q <suzie@shopping.example.net>\r\n"
                           "Subject: Is dinner ready?\r\n"
                           "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
                           "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
                           "\r\n"
                           "Hi.\r\n"
                           "\r\n"
                           "We lost the game.  Are you hungry yet?\r\n"
                           "\r\n"
                           "Joe.\r\n";
static const char ed25519_key[] = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
static const char other_ed25519_key[] = "v=DKIM1; k=ed25519; p=jQKZxdvyWg4ALeQfvuH3hIhevjW96U0M7ND488JhpeY=";
static const char rsa_key[] = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id"
                              "Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lx"
                              "j+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

/* ---- a DNS of two names ---- */

struct two_names {
    struct resolver base;
    const char *brisbane, *test; /* NULL: not there */
    const char *silent;          /* the selector that nobody answers for */
    size_t n;                    /* how many records there are of each */
    int n_asked;
};

static enum outcome ask(struct resolver *r, struct str name, const char *type, struct arena *arena, struct rrset *ret,
                        struct answer *answer) {
    struct two_names *dns = (struct two_names *)r;
    dns->n_asked++;
    assert_string_equal(type, "TXT");
    bool is_test = str_is(name, "test._domainkey.football.example.com");
    assert_true(is_test || str_is(name, "brisbane._domainkey.football.example.com"));
    if (dns->silent && str_starts(name, dns->silent)) return answer_set(answer, OUTCOME_UNKNOWN, "nobody answered");
    const char *value = is_test ? dns->test : dns->brisbane;
    *ret = (struct rrset){.name = name, .type = type, .data = ARENA_ARRAY(arena, dns->n, struct str)};
    for (size_t i = 0; value && i < dns->n; i++) ret->data[ret->n_data++] = str_of(value);
    return OUTCOME_DONE;
}

static const struct resolver_ops ops = {.name = "two names", .ask = ask};

static struct two_names both(void) {
    return (struct two_names){.base = {&ops}, .brisbane = ed25519_key, .test = rsa_key, .n = 1};
}

/* ---- asking ---- */

/* The reason; empty: it is signed as it should be. UNKNOWN reasons begin with "?". */
static const char *judge(struct two_names *dns, struct str message, const char *domain, int64_t deadline_ms,
                         struct arena *arena) {
    struct check_dkim *dkim = check_dkim_create();
    struct answer answer = {0};
    enum outcome outcome = check_dkim_verify(dkim, &dns->base, message, str_of(domain), deadline_ms, arena, &answer);
    check_dkim_destroy(dkim);
    if (outcome == OUTCOME_DONE) return "";
    return arena_printf(arena, "%s%s", outcome == OUTCOME_UNKNOWN ? "?" : "", answer.reason).p;
}

static const char *judge_two(struct two_names dns, const char *first, const char *second, const char *rest,
                             struct arena *arena) {
    struct str message = arena_printf(arena, "%s%s%s", first, second, rest);
    return judge(&dns, message, "football.example.com", clock_steady_ms() + 60000, arena);
}

static void signatures_that_hold(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    assert_string_equal(judge_two(both(), ed25519_signature, rsa_signature, text, arena), "");
    assert_string_equal(judge_two(both(), rsa_signature, ed25519_signature, text, arena), "");
    assert_string_equal(judge_two(both(), rsa_signature, "", text, arena), "");
    assert_string_equal(judge_two(both(), ed25519_signature, "", text, arena), "");
    /* Strangers' fields before and after do not matter. */
    assert_string_equal(judge_two(both(), "Received: from x\r\n by y\r\n", ed25519_signature, text, arena), "");
    arena_destroy(arena);
}

static void each_fault_is_named(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct two_names dns = both();
    assert_string_equal(judge_two(dns, "", "", text, arena), "the message arrived without a DKIM signature");
    dns.brisbane = NULL;
    assert_string_equal(judge_two(dns, ed25519_signature, rsa_signature, text, arena),
                        "the signature by brisbane does not verify: its key is not in the DNS");
    dns = both(), dns.test = NULL;
    assert_string_equal(judge_two(dns, ed25519_signature, rsa_signature, text, arena),
                        "the signature by test does not verify: its key is not in the DNS");
    dns = both(), dns.brisbane = other_ed25519_key;
    assert_string_equal(judge_two(dns, rsa_signature, ed25519_signature, text, arena),
                        "the signature by brisbane does not verify: the DNS has another key, or the message was "
                        "changed on the way");
    dns = both(), dns.test = "v=DKIM1; k=rsa; p=";
    assert_non_null(strstr(judge_two(dns, rsa_signature, "", text, arena), "the signature by test does not verify: "));
    dns = both(), dns.test = "no key at all";
    assert_non_null(strstr(judge_two(dns, rsa_signature, "", text, arena), "the signature by test does not verify: "));
    dns = both(), dns.n = 2;
    assert_string_equal(judge_two(dns, rsa_signature, "", text, arena),
                        "the key of the signature by test: the DNS has 2 records where one belongs");
    dns = both(), dns.silent = "test";
    assert_string_equal(judge_two(dns, ed25519_signature, rsa_signature, text, arena),
                        "?the key of the signature by test: nobody answered");
    arena_destroy(arena);
}

static void what_was_changed_is_seen(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct str body = arena_printf(arena, "%sPS: send money\r\n", text);
    assert_string_equal(judge_two(both(), rsa_signature, "", body.p, arena),
                        "the signature by test does not verify: the text of the message was changed on the way");
    struct str from = arena_printf(arena, "From: <x@football.example.com>\r\n%s", text);
    assert_non_null(strstr(judge_two(both(), rsa_signature, "", from.p, arena), "does not verify"));
    arena_destroy(arena);
}

/* Signatures of others count neither for nor against, and cost no question. */
static void strangers_are_put_aside(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct two_names dns = both();
    struct str message = arena_printf(arena, "%s%s", rsa_signature, text);
    int64_t later = clock_steady_ms() + 60000;
    assert_string_equal(judge(&dns, message, "other.test", later, arena),
                        "the message arrived signed by football.example.com only, not by other.test");
    assert_int_equal(dns.n_asked, 0);
    assert_string_equal(judge(&dns, message, "example.com", later, arena), "");
    assert_string_equal(judge(&dns, message, "sub.football.example.com", later, arena), "");
    assert_int_equal(dns.n_asked, 2);
    arena_destroy(arena);
}

static void time_and_number_are_limited(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct two_names dns = both();
    struct str message = arena_printf(arena, "%s%s", rsa_signature, text);
    assert_string_equal(judge(&dns, message, "football.example.com", clock_steady_ms(), arena),
                        "?the key of the signature by test: there was no time left to ask for it");
    assert_int_equal(dns.n_asked, 0);
    for (int i = 0; i < 40; i++) message = arena_printf(arena, "%s%.*s", ed25519_signature, STR_ARG(message));
    dns.brisbane = NULL;
    assert_non_null(strstr(judge(&dns, message, "football.example.com", clock_steady_ms() + 60000, arena), "brisbane"));
    assert_true(dns.n_asked <= 8);
    arena_destroy(arena);
}

/* Any part of the message, alone: something is said of it, and nothing breaks. */
static void cut_messages_do_no_harm(void **state) {
    (void)state;
    struct arena *arena = arena_create(4096);
    struct str message = arena_printf(arena, "%s%s%s", ed25519_signature, rsa_signature, text);
    for (size_t n = 0; n < message.n - 2; n += 7) {
        struct two_names dns = both();
        const char *said =
            judge(&dns, (struct str){message.p, n}, "football.example.com", clock_steady_ms() + 60000, arena);
        assert_true(said[0]);
    }
    arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_that_hold),        cmocka_unit_test(each_fault_is_named),
        cmocka_unit_test(what_was_changed_is_seen),    cmocka_unit_test(strangers_are_put_aside),
        cmocka_unit_test(time_and_number_are_limited), cmocka_unit_test(cut_messages_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
