/* The care for domains in use, with eyes and a mail host that can be slow, silent or unwilling. */
#include "base/log.h"
#include "driver/dns/dns.h"
#include "driver/mailbox/mailbox.h"
#include "driver/resolver/resolver.h"
#include "renew_fixture.h"
#include "step/care.h"

#define DAY INT64_C(86400000)
#define RECORD "dfy2._domainkey.one.com"

/* In front of the sandbox's resolver. */
struct eyes {
    struct resolver base;
    struct resolver *real;
    bool is_silent;
    const char *blind_for; /* sees nothing of this name */
};

/* In front of the sandbox's mail host. */
struct host {
    struct mailbox base;
    struct mailbox *real;
    struct life *life;
    enum outcome keys;   /* what it says to a move of keys before it makes it; DONE: it makes it */
    bool loses_answers;  /* makes the move, and nobody hears of it */
    enum outcome verify; /* what it says of each mailbox, but DONE */
    int64_t takes_ms;    /* for each */
    int n_moves;
};

struct setting {
    struct life l;
    struct eyes eyes;
    struct host host;
};

static enum outcome ask(struct resolver *r, struct str name, const char *type, struct arena *arena, struct rrset *ret,
                        struct answer *answer) {
    struct eyes *eyes = (struct eyes *)r;
    if (eyes->is_silent) return answer_set(answer, OUTCOME_UNKNOWN, "no answer within 2 s");
    *ret = (struct rrset){.name = name, .type = type};
    if (eyes->blind_for && str_is(name, eyes->blind_for)) return OUTCOME_DONE;
    return resolver_ask(eyes->real, name, type, arena, ret, answer);
}

static enum outcome mail_facts(struct mailbox *m, struct str domain, enum provider provider, struct arena *arena,
                               struct mail_facts *ret, struct answer *answer) {
    return mailbox_mail_facts(((struct host *)m)->real, domain, provider, arena, ret, answer);
}

static enum outcome lookup(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    return mailbox_lookup(((struct host *)m)->real, email, key, answer);
}

static enum outcome create(struct mailbox *m, const struct mailbox_create *job, struct answer *answer) {
    return mailbox_create(((struct host *)m)->real, job, answer);
}

static enum outcome remove_mailbox(struct mailbox *m, struct str email, struct str key, struct answer *answer) {
    return mailbox_remove(((struct host *)m)->real, email, key, answer);
}

static enum outcome verify(struct mailbox *m, const struct mailbox_login *login, struct answer *answer) {
    struct host *host = (struct host *)m;
    host->life->f->clock.manual_ms += host->takes_ms;
    if (host->verify != OUTCOME_DONE) return answer_set(answer, host->verify, "IMAP says no");
    return mailbox_verify(host->real, login, answer);
}

static enum outcome set_dkim(struct mailbox *m, const struct mailbox_dkim *move, struct answer *answer) {
    struct host *host = (struct host *)m;
    if (host->keys != OUTCOME_DONE) return answer_set(answer, host->keys, "the signer does not take it");
    host->n_moves++;
    enum outcome outcome = mailbox_set_dkim(host->real, move, answer);
    return host->loses_answers ? answer_set(answer, OUTCOME_UNKNOWN, "the answer was lost") : outcome;
}

static const struct resolver_ops eyes_ops = {.name = "eyes", .ask = ask};
static const struct mailbox_ops host_ops = {
    .name = "host",
    .providers = 1 << PROVIDER_GOOGLE,
    .mail_facts = mail_facts,
    .lookup = lookup,
    .create = create,
    .remove = remove_mailbox,
    .verify = verify,
    .set_dkim = set_dkim,
};

static void begin(struct fixture *f, struct setting *s) {
    memset(s, 0, sizeof *s);
    life_begin(f, &s->l, "2026-02-01");
    resolver_destroy(s->l.drivers.resolver);
    s->eyes = (struct eyes){.base = {&eyes_ops}, .real = resolver_sandbox_create(s->l.book)};
    s->host = (struct host){.base = {&host_ops}, .real = s->l.drivers.mailbox, .life = &s->l};
    s->l.drivers.resolver = &s->eyes.base;
    s->l.drivers.mailbox = &s->host.base;
    s->l.world.retry_max_ms = DAY / 24;
    s->l.world.check_ms = DAY;
    s->l.world.dkim_ms = 100 * DAY;
    s->l.world.dkim_overlap_ms = 7 * DAY;
    buy(&s->l, "one.com", 2);
}

static void end(struct setting *s) {
    s->l.drivers.resolver = s->eyes.real;
    s->l.drivers.mailbox = s->host.real;
    life_end(&s->l);
}

/* Does what is due, at its time, for so long. */
static void pass(struct setting *s, int64_t ms) {
    struct fixture *f = s->l.f;
    size_t n;
    for (int64_t until = f->clock.manual_ms + ms;;) {
        OK(care_due(&s->l.world, 1, &n, &f->error));
        if (n) continue;
        int64_t due = number_of(f, "SELECT COALESCE(MIN(due_ms), 9223372036854775807) FROM domain_care");
        if (due > until) {
            f->clock.manual_ms = f->now = until;
            return;
        }
        f->clock.manual_ms = f->now = due;
    }
}

static const char *key_of(struct setting *s) {
    return words_of(s->l.f, "SELECT dkim_rotation || ' ' || dkim_phase || ' ' || CASE WHEN dkim_since_ms > 0 THEN 1 "
                            "ELSE 0 END || dkim_reason"
                            " FROM domain_care");
}

static const char *told(struct setting *s) {
    return words_of(s->l.f, "SELECT type FROM events WHERE type LIKE '%drifted' OR type LIKE '%restored' ORDER BY seq");
}

static bool rotate_change(struct db *db, void *arg, struct error *reterr) {
    const struct fixture *f = arg;
    int64_t rotation;
    return care_rotate(db, STR("one.com"), f->now, &rotation, reterr);
}

static void rotate(struct setting *s) {
    struct fixture *f = s->l.f;
    OK(store_write(s->l.world.store, rotate_change, f, &f->error));
}

/* How many values NAME's TXT has at the DNS host. */
static size_t served(struct setting *s, const char *name) {
    struct rrset set = {.name = str_of(name), .type = "TXT"};
    struct dns_zone zone;
    assert_int_equal(dns_fetch(s->l.drivers.dns, STR("one.com"), &set, 1, s->l.f->arena, &zone, NULL), OUTCOME_DONE);
    return zone.served.sets[0].n_data;
}

static void silence_is_no_drift_for_a_while(void **state) {
    struct setting s;
    begin(*state, &s);
    pass(&s, DAY);
    assert_int_equal(number_of(s.l.f, "SELECT findings = '' FROM domain_care"), 1);
    s.eyes.is_silent = true;
    pass(&s, DAY);
    assert_string_equal(told(&s), "");
    assert_int_equal(number_of(s.l.f, "SELECT check_tries FROM domain_care"), 1);
    assert_non_null(strstr(words_of(s.l.f, "SELECT unclear_reason FROM domain_care"), "no answer within 2 s"));
    /* It answers again before that is a finding: nothing happened. */
    s.eyes.is_silent = false;
    pass(&s, DAY / 24);
    assert_int_equal(number_of(s.l.f, "SELECT check_tries + unclear_since_ms FROM domain_care"), 0);
    s.eyes.is_silent = true;
    pass(&s, 2 * DAY);
    assert_non_null(
        strstr(words_of(s.l.f, "SELECT findings FROM domain_care"), "could not be checked since 2026-02-04T"));
    pass(&s, 3 * DAY);
    assert_non_null(
        strstr(words_of(s.l.f, "SELECT findings FROM domain_care"), "could not be checked since 2026-02-04T"));
    s.eyes.is_silent = false;
    pass(&s, DAY);
    assert_string_equal(told(&s), ""); /* customers are told what is certain */
    assert_string_equal(words_of(s.l.f, "SELECT findings FROM domain_care"), "");
    end(&s);
}

static void a_mailbox_that_says_no_is_told_at_once(void **state) {
    struct setting s;
    begin(*state, &s);
    s.host.verify = OUTCOME_REFUSED;
    pass(&s, DAY);
    assert_string_equal(told(&s), "dfy_domain_drifted");
    assert_int_equal(number_of(s.l.f, "SELECT check_tries FROM domain_care"), 0);
    const char *findings = words_of(s.l.f, "SELECT findings FROM domain_care");
    assert_non_null(strstr(findings, "mailbox\ta0@one.com\t") && strstr(findings, "IMAP says no"));
    assert_null(strstr(findings, "secret"));
    s.host.verify = OUTCOME_UNKNOWN; /* no clear answer: what was found stays so for now */
    pass(&s, DAY);
    assert_string_equal(told(&s), "dfy_domain_drifted");
    s.host.verify = OUTCOME_DONE;
    pass(&s, DAY);
    assert_string_equal(told(&s), "dfy_domain_drifted|dfy_domain_restored");
    end(&s);
}

static void many_slow_mailboxes_outlast_a_lease(void **state) {
    struct setting s;
    begin(*state, &s);
    buy(&s.l, "two.com", 5);
    change(&s.l, "DELETE FROM domain_care WHERE domain_id IN (SELECT id FROM domains WHERE name = 'one.com')");
    s.host.takes_ms = LEASE_MS / 2 - 1000;
    pass(&s, DAY);
    assert_int_equal(number_of(s.l.f, "SELECT findings = '' AND attempts = 1 FROM domain_care"), 1);
    end(&s);
}

static void a_key_signs_once_its_record_is_seen(void **state) {
    struct setting s;
    begin(*state, &s);
    struct mail_facts facts;
    s.eyes.blind_for = RECORD;
    rotate(&s);
    pass(&s, DAY / 2);
    assert_non_null(strstr(key_of(&s), "2 announced 0" RECORD));
    assert_int_equal(number_of(s.l.f, "SELECT dkim_tries > 3 FROM domain_care"), 1);
    assert_int_equal(served(&s, RECORD), 1);
    /* That it is not seen yet is no finding. */
    pass(&s, DAY);
    assert_string_equal(told(&s), "");
    s.eyes.blind_for = NULL;
    pass(&s, DAY / 24);
    assert_string_equal(key_of(&s), "2 signing 1");
    assert_int_equal(served(&s, "dfy1._domainkey.one.com"), 1);
    pass(&s, 6 * DAY);
    assert_int_equal(served(&s, "dfy1._domainkey.one.com"), 1);
    pass(&s, DAY);
    assert_string_equal(key_of(&s), "2 sole 1");
    assert_int_equal(served(&s, "dfy1._domainkey.one.com"), 0);
    assert_int_equal(served(&s, RECORD), 1);
    assert_int_equal(mailbox_mail_facts(&s.host.base, STR("one.com"), PROVIDER_GOOGLE, s.l.f->arena, &facts, NULL),
                     OUTCOME_DONE);
    assert_true(facts.n_dkim == 1 && str_is(facts.dkim[0].selector, "dfy2"));
    assert_string_equal(told(&s), "");
    /* And once more when it is old enough. */
    pass(&s, 100 * DAY + DAY / 24);
    assert_string_equal(key_of(&s), "3 signing 1");
    end(&s);
}

static void the_record_is_looked_at_once_more_before_it_signs(void **state) {
    struct setting s;
    struct fixture *f = *state;
    size_t n;
    begin(f, &s);
    rotate(&s);
    OK(care_due(&s.l.world, 1, &n, &f->error));
    assert_string_equal(key_of(&s), "2 announced 1");
    s.eyes.blind_for = RECORD;
    OK(care_due(&s.l.world, 1, &n, &f->error));
    assert_non_null(strstr(key_of(&s), "2 signing 0" RECORD));
    assert_int_equal(s.host.n_moves, 1);
    s.eyes.blind_for = NULL;
    pass(&s, 60000);
    assert_string_equal(key_of(&s), "2 signing 1");
    end(&s);
}

static void a_mail_host_that_refuses_is_asked_again(void **state) {
    struct setting s;
    begin(*state, &s);
    s.host.keys = OUTCOME_REFUSED;
    rotate(&s);
    pass(&s, DAY / 2);
    assert_string_equal(key_of(&s), "2 announced 0the signer does not take it");
    assert_int_equal(number_of(s.l.f, "SELECT dkim_tries FROM domain_care"), 1);
    s.host.keys = OUTCOME_UNKNOWN;
    pass(&s, DAY);
    assert_int_equal(number_of(s.l.f, "SELECT dkim_tries > 5 FROM domain_care"), 1);
    s.host.keys = OUTCOME_DONE;
    s.host.loses_answers = true;
    pass(&s, DAY / 24);
    assert_string_equal(key_of(&s), "2 announced 0the answer was lost");
    s.host.loses_answers = false;
    pass(&s, DAY / 24);
    assert_string_equal(key_of(&s), "2 signing 1");
    end(&s);
}

static void a_cancelled_domain_is_left_alone(void **state) {
    struct setting s;
    struct fixture *f = *state;
    size_t n;
    begin(f, &s);
    rotate(&s);
    OK(care_due(&s.l.world, 1, &n, &f->error));
    cancel(&s.l, "a0@one.com");
    cancel(&s.l, "a1@one.com");
    int moves = s.host.n_moves;
    pass(&s, 10 * DAY);
    assert_int_equal(s.host.n_moves, moves);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM domain_care"), 0);
    end(&s);
}

/* Such as one that was sold while another mail host was set. */
static void another_mail_host_s_domain_is_a_finding(void **state) {
    struct setting s;
    begin(*state, &s);
    change(&s.l, "UPDATE domains SET provider = 3");
    pass(&s, 2 * DAY);
    assert_string_equal(told(&s), "");
    assert_non_null(strstr(words_of(s.l.f, "SELECT findings FROM domain_care"), "host does not serve provider 3"));
    end(&s);
}

int main(void) {
    log_set_level(LOG_OFF);
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        TEST(silence_is_no_drift_for_a_while),
        TEST(a_mailbox_that_says_no_is_told_at_once),
        TEST(many_slow_mailboxes_outlast_a_lease),
        TEST(a_key_signs_once_its_record_is_seen),
        TEST(the_record_is_looked_at_once_more_before_it_signs),
        TEST(a_mail_host_that_refuses_is_asked_again),
        TEST(a_cancelled_domain_is_left_alone),
        TEST(another_mail_host_s_domain_is_a_finding),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
