/* fuzz_mail_check: bytes as what mail servers answer, and as a message that arrived. What is read stands in them, what
 * is shown of them is one short line, and no signature is believed that the DNS has no key for. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "driver/mailbox/mailhost/verify_dkim.h"
#include "driver/mailbox/mailhost/verify_message.h"
#include "driver/mailbox/mailhost/verify_words.h"
#include "driver/resolver/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static void must_be_within(struct str part, struct str whole) {
    must(!part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void read_answers(struct str lines, struct arena *arena) {
    struct words_quota quota;
    (void)words_found(lines);
    must(words_uid_next(lines) > 0);
    if (words_quota(lines, &quota)) must(quota.used_kib >= 0 && quota.limit_kib > 0);
    for (int is_imap = 0; is_imap < 2; is_imap++) {
        struct str text;
        size_t n_yes;
        enum words_kind kind = words_judge(lines, is_imap, &text, &n_yes);
        must((kind == WORDS_NONE) <= (n_yes == 0));
        must_be_within(text, lines);
        struct str secret = {lines.p, lines.n < 3 ? lines.n : 3}, shown = words_shown(lines, &secret, 1, arena);
        must(shown.n <= WORDS_SHOWN_BYTES && !memchr(shown.p, '\n', shown.n));
        must(secret.n < 3 || str_starts(shown, "(an answer"));
    }
}

static enum outcome no_such_name(struct resolver *r, struct str name, const char *type, struct arena *arena,
                                 struct rrset *ret, struct answer *answer) {
    (void)r;
    (void)arena;
    (void)answer;
    *ret = (struct rrset){.name = name, .type = type};
    return OUTCOME_DONE;
}

static void read_message(struct str message, struct arena *arena) {
    static struct check_dkim *dkim;
    static const struct resolver_ops ops = {.name = "empty", .ask = no_such_name};
    struct resolver resolver = {&ops};
    struct answer answer;
    if (!dkim) dkim = check_dkim_create();
    must_be_within(check_header(message, "From"), message);
    must_be_within(check_header(message, CHECK_FIELD), message);
    must(check_dkim_verify(dkim, &resolver, message, STR("football.example.com"), clock_steady_ms() + 60000, arena,
                           &answer) != OUTCOME_DONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_create(4096);
    struct str text = {(const char *)data, size};
    read_answers(text, arena);
    read_message(text, arena);
    if (check_address_is_plain(text)) must(check_domain_of(text).n > 0 && !memchr(text.p, '\r', text.n));
    (void)check_alignment(text, STR("football.example.com"), arena);
    arena_destroy(arena);
    return 0;
}
