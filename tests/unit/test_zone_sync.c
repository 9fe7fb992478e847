/* step/zone: parts of a zone over a DNS host and a resolver that answer as a test says. */
#include "step/zone.h"

#include "driver/dns/dns.h"
#include "driver/mailbox/mailbox.h"
#include "driver/resolver/resolver.h"
#include "driver/sandbox_book.h"
#include "step/provision.h"
#include "store/zone_parts.h"
#include "store_fixture.h"

#define DOMAIN_ID "01900000-0000-7000-8000-00000000000d"
#define DOMAIN "acme.com"

/* Over the sandbox's. */
struct host {
    struct dns base;
    struct dns *real;
    bool is_foreign, is_silent;
    enum outcome outcome; /* of changes */
    bool does_it;         /* a change that is UNKNOWN is done */
    int fetches, changes;
    size_t n_changed; /* RRsets of the last change */
    void (*meanwhile)(void *arg);
    void *arg;
};

struct eyes {
    struct resolver base;
    struct resolver *real;
    bool is_silent, is_blind;
    int asked;
};

struct zones {
    struct fixture *f;
    struct sandbox_book *book;
    struct host host;
    struct eyes eyes;
    struct drivers drivers;
    struct world world;
    struct arena *arena;
    struct answer answer;
};

static enum outcome fetch(struct dns *d, struct str zone, const struct rrset *sets, size_t n, struct arena *arena,
                          struct dns_zone *ret, struct answer *answer) {
    struct host *host = (struct host *)d;
    host->fetches++;
    if (host->is_silent) return answer_set(answer, OUTCOME_UNKNOWN, "the host is silent");
    enum outcome outcome = dns_fetch(host->real, zone, sets, n, arena, ret, answer);
    if (host->is_foreign) ret->state = DNS_ZONE_FOREIGN;
    if (host->meanwhile) host->meanwhile(host->arg);
    return outcome;
}

static enum outcome change(struct dns *d, struct str zone, const struct zone_change *changes, size_t n,
                           struct answer *answer) {
    struct host *host = (struct host *)d;
    host->changes++;
    host->n_changed = n;
    if (host->outcome == OUTCOME_DONE) return dns_change(host->real, zone, changes, n, answer);
    if (host->does_it) assert_int_equal(dns_change(host->real, zone, changes, n, NULL), OUTCOME_DONE);
    return answer_set(answer, host->outcome, "the host says no");
}

static enum outcome ask(struct resolver *r, struct str name, const char *type, struct arena *arena, struct rrset *ret,
                        struct answer *answer) {
    struct eyes *eyes = (struct eyes *)r;
    eyes->asked++;
    if (eyes->is_silent) return answer_set(answer, OUTCOME_UNKNOWN, "nothing came");
    if (!eyes->is_blind) return resolver_ask(eyes->real, name, type, arena, ret, answer);
    *ret = (struct rrset){.name = name, .type = type};
    return OUTCOME_DONE;
}

static const struct dns_ops host_ops = {.name = "host", .fetch = fetch, .change = change};
static const struct resolver_ops eyes_ops = {.name = "eyes", .ask = ask};

static int set_up(void **state) {
    int code = fixture_make(state);
    struct fixture *f = *state;
    struct zones *z = calloc(1, sizeof *z);
    assert_non_null(z);
    z->f = f;
    OK(sandbox_book_open(":memory:", &f->clock, &z->book, &f->error));
    fixture_run(
        f, "INSERT INTO orders (id, workspace_id, type, state, amount, card_token, idempotency_key, answer, reason,"
           " attempts, settle_after_ms, created_ms, ended_ms) VALUES ('o', '" WORKSPACE
           "', 'dfy', 'placed', 0, '', '', '', '', 0, 0, 1, 1)");
    fixture_run(f, "INSERT INTO domains (id, workspace_id, order_id, name, provider, forwarding, is_pre_warmed, state,"
                   " active, created_ms, cancelled_ms) VALUES ('" DOMAIN_ID "', '" WORKSPACE "', 'o', '" DOMAIN
                   "', 1, '', 0, 'ready', 1, 1, 0)");
    z->arena = arena_create(4096);
    z->host = (struct host){.base = {&host_ops}, .real = dns_sandbox_create(z->book)};
    z->eyes = (struct eyes){.base = {&eyes_ops}, .real = resolver_sandbox_create(z->book)};
    z->drivers = (struct drivers){
        .dns = &z->host.base, .resolver = &z->eyes.base, .mailbox = mailbox_sandbox_create(z->book), .book = z->book};
    z->world = (struct world){
        .clock = &f->clock, .store = fixture_store(f), .drivers = &z->drivers, .edge = {.ipv4 = STR("192.0.2.1")}};
    *state = z;
    return code;
}

static int tear_down(void **state) {
    struct zones *z = *state;
    store_close(z->world.store);
    dns_destroy(z->host.real);
    resolver_destroy(z->eyes.real);
    mailbox_destroy(z->drivers.mailbox);
    sandbox_book_close(z->book);
    arena_destroy(z->arena);
    *state = z->f;
    free(z);
    return fixture_drop(state);
}

static struct zone_job mail_job(void) {
    return (struct zone_job){
        .domain_id = STR(DOMAIN_ID), .domain = STR(DOMAIN), .part = ZONE_MAIL, .provider = PROVIDER_GOOGLE};
}

static struct zone_job web_job(bool forwards) {
    return (struct zone_job){
        .domain_id = STR(DOMAIN_ID), .domain = STR(DOMAIN), .part = ZONE_WEB, .forwards = forwards};
}

static enum outcome sync_job(struct zones *z, struct zone_job job) {
    z->answer = (struct answer){.reason = ""};
    arena_reset(z->arena);
    return zone_sync(&z->world, &job, z->arena, &z->answer);
}

static void says(struct zones *z, const char *part) {
    if (!str_contains(str_of(z->answer.reason), part))
        fail_msg("\"%s\" says nothing of \"%s\"", z->answer.reason, part);
}

/* "part published/begun/leave", with the number of lines and of states. */
static const char *book(struct zones *z) {
    return words_of(z->f, "SELECT part || ' ' || (length(published) - length(replace(published, '\n', ''))) || ' ' ||"
                          " COALESCE(intended, 'none') || ' ' || overwrite FROM zone_parts ORDER BY part");
}

static void put(struct zones *z, const char *type, const char *value) {
    struct str data = str_of(value);
    struct rrset set = {STR(DOMAIN), type, 600, &data, value ? 1 : 0};
    struct dns_zone zone;
    assert_int_equal(dns_fetch(z->host.real, STR(DOMAIN), &set, 1, z->arena, &zone, NULL), OUTCOME_DONE);
    const struct zone_change change = {.was = zone.served.sets[0], .to = set};
    assert_int_equal(dns_change(z->host.real, STR(DOMAIN), &change, 1, NULL), OUTCOME_DONE);
}

static size_t served_addresses(struct zones *z) {
    struct rrset set = {.name = STR(DOMAIN), .type = "A"};
    struct dns_zone zone;
    assert_int_equal(dns_fetch(z->host.real, STR(DOMAIN), &set, 1, z->arena, &zone, NULL), OUTCOME_DONE);
    return zone.served.sets[0].n_data;
}

/* ---- */

static void it_is_published_once(void **state) {
    struct zones *z = *state;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_DONE);
    assert_string_equal(book(z), "mail 4 none 0");
    assert_int_equal(z->host.changes, 1);
    assert_int_equal(z->eyes.asked, 4);
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_DONE);
    assert_int_equal(z->host.changes, 1);
}

static void a_zone_of_others_is_not_touched(void **state) {
    struct zones *z = *state;
    z->host.is_foreign = true;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_UNKNOWN);
    says(z, "a zone acme.com that is not dfyd's");
    assert_int_equal(z->host.changes, 0);
    assert_string_equal(book(z), "");
}

static void it_waits_until_it_is_seen(void **state) {
    struct zones *z = *state;
    z->eyes.is_blind = true;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_UNKNOWN);
    says(z, "acme.com MX is not seen yet: a resolver has none, wanted is \"1 mx.google.sandbox.test.\"");
    assert_string_equal(book(z), "mail 4 none 0");
    z->eyes = (struct eyes){.base = z->eyes.base, .real = z->eyes.real, .is_silent = true};
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_UNKNOWN);
    says(z, "the resolver gave no answer about acme.com MX: nothing came");
    z->eyes.is_silent = false;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_DONE);
    assert_int_equal(z->host.changes, 1);

    /* Who asked for a change does not wait for caches. */
    struct zone_job job = web_job(true);
    job.is_change = true;
    z->eyes.is_blind = true;
    assert_int_equal(sync_job(z, job), OUTCOME_DONE);
}

static void what_may_have_been_done_is_not_by_hand(void **state) {
    struct zones *z = *state;
    assert_int_equal(sync_job(z, web_job(false)), OUTCOME_DONE);
    z->host.outcome = OUTCOME_UNKNOWN;
    for (int does_it = 0; does_it < 2; does_it++) {
        z->host.does_it = does_it;
        assert_int_equal(sync_job(z, web_job(true)), OUTCOME_UNKNOWN);
        says(z, "the host says no");
        assert_int_equal(sync_job(z, web_job(false)), OUTCOME_UNKNOWN);
        assert_int_equal(served_addresses(z), 0);
    }
    /* Each state is written down once. */
    assert_string_equal(book(z), "web 0 acme.com\tA\t300\t192.0.2.1\nwww.acme.com\tA\t300\t192.0.2.1\n\n\n 0");
    z->host.outcome = OUTCOME_DONE;
    assert_int_equal(sync_job(z, web_job(false)), OUTCOME_DONE);
    assert_string_equal(book(z), "web 0 none 0");
}

static void after_a_lost_answer_all_is_published_again(void **state) {
    struct zones *z = *state;
    z->host.outcome = OUTCOME_UNKNOWN;
    z->host.does_it = true;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_UNKNOWN);
    z->host.outcome = OUTCOME_DONE;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_DONE);
    assert_int_equal(z->host.changes, 2);
    assert_int_equal(z->host.n_changed, 4); /* though each was as it should be */
    assert_string_equal(book(z), "mail 4 none 0");
}

static bool not_held(struct db *db, const void *holder, bool *ret, struct error *reterr) {
    (void)db, (void)holder, (void)reterr;
    *ret = false;
    return true;
}

static void who_lost_his_lease_changes_nothing(void **state) {
    struct zones *z = *state;
    struct zone_job job = mail_job();
    job.is_held = not_held;
    assert_int_equal(sync_job(z, job), OUTCOME_UNKNOWN);
    says(z, "others changed this zone meanwhile");
    assert_int_equal(z->host.changes, 0);
    assert_string_equal(book(z), "");
}

static void another_goes_on(void *arg) {
    struct zones *z = arg;
    z->host.meanwhile = NULL;
    struct zone_job job = web_job(true);
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    assert_int_equal(zone_sync(&z->world, &job, arena, NULL), OUTCOME_DONE);
}

static void of_two_at_once_the_one_with_the_old_book_is_sent_away(void **state) {
    struct zones *z = *state;
    put(z, "TXT", "others=1"); /* there is a zone */
    z->host.meanwhile = another_goes_on;
    z->host.arg = z;
    assert_int_equal(sync_job(z, web_job(false)), OUTCOME_UNKNOWN);
    says(z, "others changed this zone meanwhile");
    assert_int_equal(served_addresses(z), 1);
}

static void what_is_in_use_is_not_given_up(void **state) {
    struct zones *z = *state;
    z->host.outcome = OUTCOME_REFUSED;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_REFUSED);
    assert_string_equal(book(z), "mail 0 none 0"); /* nothing is under way */
    z->host.outcome = OUTCOME_DONE;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_DONE);
    z->host.outcome = OUTCOME_REFUSED;
    struct zone_job job = mail_job();
    job.provider = PROVIDER_AIRMAIL;
    assert_int_equal(sync_job(z, job), OUTCOME_UNKNOWN);
    job = web_job(true);
    job.is_change = true;
    assert_int_equal(sync_job(z, job), OUTCOME_REFUSED);
}

static bool repair_change(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    return zone_parts_repair(db, STR(DOMAIN), 5, reterr);
}

static void repair(struct zones *z) {
    struct fixture *f = z->f;
    OK(store_write(z->world.store, repair_change, NULL, &f->error));
}

static void a_change_by_hand_stays_until_the_repair_and_once(void **state) {
    struct zones *z = *state;
    struct fixture *f = z->f;
    FAILS(ERR_CONFLICT, IN_TX(zone_parts_repair(f->db, STR(DOMAIN), 5, &f->error)));
    FAILS(ERR_NOT_FOUND, IN_TX(zone_parts_repair(f->db, STR("other.com"), 5, &f->error)));
    fixture_run(f,
                "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms,"
                " reason) VALUES ('" DOMAIN_ID "', '', 'publish_dns', 1, 'o', '" WORKSPACE "', 'running', 1, 9, '')");
    FAILS(ERR_UNAVAILABLE, IN_TX(zone_parts_repair(f->db, STR(DOMAIN), 5, &f->error)));
    fixture_run(f, "UPDATE steps SET state = 'done'");
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_DONE);
    for (int i = 0; i < 2; i++) {
        put(z, "MX", "5 mail.else.");
        assert_int_equal(sync_job(z, mail_job()), OUTCOME_UNKNOWN);
        says(z, "acme.com MX was changed by hand: it is \"5 mail.else.\", wanted is \"1 mx.google.sandbox.test.\";"
                " `dfyd domain repair acme.com` changes it back");
        assert_int_equal(z->host.changes, 1 + i);
        repair(z);
        assert_string_equal(words_of(f, "SELECT state || ' ' || due_ms FROM steps"), "due 5");
        assert_string_equal(book(z), "mail 4 none 1");
        assert_int_equal(sync_job(z, mail_job()), OUTCOME_DONE);
        assert_string_equal(book(z), "mail 4 none 0");
    }
    /* A leave that was not needed is used up, too. */
    repair(z);
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_DONE);
    assert_string_equal(book(z), "mail 4 none 0");
}

static bool forget_change(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    return stmt_run(db_stmt(db, "DELETE FROM zone_parts"), NULL, reterr);
}

static void forget(struct zones *z) {
    struct fixture *f = z->f;
    OK(store_write(z->world.store, forget_change, NULL, &f->error));
}

/* One of before there was a book, that is repaired. */
static void what_is_repaired_is_in_use(void **state) {
    struct zones *z = *state;
    fixture_run(z->f,
                "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms,"
                " reason) VALUES ('" DOMAIN_ID "', '', 'publish_dns', 1, 'o', '" WORKSPACE "', 'done', 1, 9, '')");
    repair(z);
    z->host.outcome = OUTCOME_REFUSED;
    struct zone_job job = mail_job();
    job.is_in_use = true;
    assert_int_equal(sync_job(z, job), OUTCOME_UNKNOWN);
    says(z, "the host says no");
    /* No visitor is lost with a forwarding that never was. */
    job = web_job(true);
    job.is_in_use = true;
    assert_int_equal(sync_job(z, job), OUTCOME_REFUSED);
}

static enum outcome facts_refused(struct mailbox *m, struct str domain, enum provider provider, struct arena *arena,
                                  struct mail_facts *ret, struct answer *answer) {
    (void)m, (void)domain, (void)provider, (void)arena, (void)ret;
    return answer_set(answer, OUTCOME_REFUSED, "not that domain");
}

/* What a mail host says of a domain that it served, or of one that another one serves, ends no domain. */
static void a_mail_host_that_says_no_ends_nothing_in_use(void **state) {
    struct zones *z = *state;
    struct mailbox_ops ops = {.name = "mailhost", .mail_facts = facts_refused, .providers = 1U << PROVIDER_AIRMAIL};
    struct mailbox other = {.ops = &ops}, *sandbox = z->drivers.mailbox;
    z->drivers.mailbox = &other;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_UNKNOWN);
    says(z, "the mail host mailhost does not serve provider 1: start dfyd with one that does");
    ops.providers |= 1U << PROVIDER_GOOGLE;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_REFUSED);
    z->drivers.mailbox = sandbox;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_DONE);
    z->drivers.mailbox = &other;
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_UNKNOWN);
    says(z, "not that domain");
    z->drivers.mailbox = sandbox;
}

static void what_was_published_without_a_book_is_dfyds(void **state) {
    struct zones *z = *state;
    assert_int_equal(sync_job(z, web_job(true)), OUTCOME_DONE);
    forget(z);
    /* Also when its first change comes to nothing. */
    const enum outcome ends[] = {OUTCOME_REFUSED, OUTCOME_UNKNOWN, OUTCOME_DONE};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct zone_job job = web_job(false);
        job.is_change = true;
        z->host.outcome = ends[i];
        assert_int_equal(sync_job(z, job), ends[i]);
    }
    assert_int_equal(served_addresses(z), 0);

    /* But others' addresses are theirs. */
    forget(z);
    put(z, "A", "198.51.100.7");
    assert_int_equal(sync_job(z, web_job(false)), OUTCOME_DONE);
    assert_int_equal(served_addresses(z), 1);
    assert_int_equal(sync_job(z, web_job(true)), OUTCOME_UNKNOWN);
    says(z, "was put there by hand");
}

/* One that waits for a slow one of its batch does not begin with a lease that is as good as over, nor without one. */
static void a_step_that_waited_begins_with_a_whole_lease(void **state) {
    struct zones *z = *state;
    struct fixture *f = z->f;
    struct step *mine, *theirs;
    size_t n;
    bool held;
    fixture_run(f,
                "INSERT INTO steps (domain_id, account_id, kind, rank, order_id, workspace_id, state, attempts, due_ms,"
                " reason) VALUES ('" DOMAIN_ID "', '', 'publish_dns', 1, 'o', '" WORKSPACE "', 'due', 0, 1, '')");
    z->world.lease_ms = 100;
    f->clock.manual_ms = 1000;
    OK(provision_claim(&z->world, 4, f->arena, &mine, &n, &f->error));
    assert_int_equal(n, 1);
    f->clock.manual_ms = 1020;
    OK(provision_keep(&z->world, mine, &held, &f->error));
    assert_true(held && mine->due_ms == 1100);
    f->clock.manual_ms = 1090;
    OK(provision_keep(&z->world, mine, &held, &f->error));
    assert_true(held && mine->due_ms == 1190);
    f->clock.manual_ms = 1150;
    OK(provision_claim(&z->world, 4, f->arena, &theirs, &n, &f->error));
    assert_int_equal(n, 0);
    f->clock.manual_ms = 1190;
    OK(provision_claim(&z->world, 4, f->arena, &theirs, &n, &f->error));
    assert_int_equal(n, 1);
    OK(provision_keep(&z->world, mine, &held, &f->error));
    assert_false(held);
    assert_string_equal(words_of(f, "SELECT attempts || ' ' || due_ms FROM steps"), "2 1290");
}

static struct zone_report look(struct zones *z, struct zone_job job) {
    struct zone_report report;
    struct fixture *f = z->f;
    arena_reset(z->arena);
    OK(zone_look(&z->world, &job, z->arena, &report, &f->error));
    return report;
}

static void a_report_says_what_is_not_known(void **state) {
    struct zones *z = *state;
    struct zone_report report = look(z, mail_job());
    assert_int_equal(report.n, 4);
    assert_int_equal(report.n_not_ok, 4);
    assert_int_equal(report.lines[0].state, ZONE_STATE_MISSING);
    assert_true(str_is(report.lines[0].reason, "not published yet"));
    assert_int_equal(sync_job(z, mail_job()), OUTCOME_DONE);
    report = look(z, mail_job());
    assert_int_equal(report.n_not_ok, 0);

    z->eyes.is_blind = true;
    report = look(z, mail_job());
    assert_int_equal(report.lines[0].state, ZONE_STATE_MISSING);
    assert_true(str_is(report.lines[0].reason, "a resolver does not see it yet"));

    z->eyes = (struct eyes){.base = z->eyes.base, .real = z->eyes.real, .is_silent = true};
    report = look(z, mail_job());
    assert_int_equal(report.lines[3].state, ZONE_STATE_UNKNOWN);
    assert_true(report.lines[3].is_served_known && !report.lines[3].is_seen_known);
    assert_int_equal(z->eyes.asked, 1); /* one that is silent is not asked for every line */

    z->eyes.is_silent = false;
    z->host.is_silent = true;
    report = look(z, mail_job());
    assert_int_equal(report.n, 4);
    assert_int_equal(report.lines[0].state, ZONE_STATE_UNKNOWN);
    assert_true(!report.lines[0].is_served_known && report.lines[0].is_seen_known);
    assert_true(str_is(report.reason, "the host is silent"));
    assert_int_equal(z->host.changes, 1);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(it_is_published_once),
        WITH(a_zone_of_others_is_not_touched),
        WITH(it_waits_until_it_is_seen),
        WITH(what_may_have_been_done_is_not_by_hand),
        WITH(after_a_lost_answer_all_is_published_again),
        WITH(who_lost_his_lease_changes_nothing),
        WITH(of_two_at_once_the_one_with_the_old_book_is_sent_away),
        WITH(what_is_in_use_is_not_given_up),
        WITH(a_change_by_hand_stays_until_the_repair_and_once),
        WITH(what_is_repaired_is_in_use),
        WITH(a_mail_host_that_says_no_ends_nothing_in_use),
        WITH(what_was_published_without_a_book_is_dfyds),
        WITH(a_step_that_waited_begins_with_a_whole_lease),
        WITH(a_report_says_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
