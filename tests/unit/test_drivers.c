/* The sandbox drivers beyond their words: threads, the file, exactness. */
#include "sandbox_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "driver/dns/dns.h"
#include "driver/drivers.h"
#include "driver/mailbox/mailbox.h"
#include "driver/name_set.h"
#include "driver/payment/payment.h"
#include "driver/registrar/registrar.h"
#include "driver/sandbox_book.h"

/* ---- Registrar ---- */

static void check_answers_for_many(void **state) {
    struct fixture *f = *state;
    struct registrar *r = f->drivers.registrar;
    struct registrar_create job = {.name = STR("mine.com"), .key = STR("k"), .years = 1};
    struct answer answer;
    assert_int_equal(registrar_create(r, &job, &answer), OUTCOME_DONE);
    struct str names[] = {STR("taken-a.com"), STR("free.com"), STR("mine.com"), STR("mine.org")};
    bool taken[4] = {false, true, false, true};
    assert_int_equal(registrar_check(r, names, 4, taken, &answer), OUTCOME_DONE);
    assert_true(taken[0] && !taken[1] && taken[2] && !taken[3]);
    assert_true(r->ops->check_is_instant);
    assert_int_equal(registrar_check(r, names, 0, taken, NULL), OUTCOME_DONE);
}

static void one_key_registers_one_name(void **state) {
    struct fixture *f = *state;
    struct registrar_create job = {.name = STR("a.com"), .key = STR("k"), .years = 1};
    assert_int_equal(registrar_create(f->drivers.registrar, &job, NULL), OUTCOME_DONE);
    job.name = STR("b.com");
    struct answer answer;
    assert_int_equal(registrar_create(f->drivers.registrar, &job, &answer), OUTCOME_REFUSED);
    assert_non_null(strstr(answer.reason, "a.com"));
    assert_int_equal(sandbox_book_registrations(f->drivers.book, STR("b.com")), 0);
}

/* A clock that goes back must not hold a slow name until it has caught up. */
static void slow_does_not_wait_for_a_clock_set_back(void **state) {
    struct fixture *f = *state;
    struct registrar_create job = {.name = STR("slow-a.com"), .key = STR("k"), .years = 1};
    assert_int_equal(registrar_create(f->drivers.registrar, &job, NULL), OUTCOME_UNKNOWN);
    f->clock.manual_ms -= INT64_C(3600) * 1000;
    assert_int_equal(registrar_lookup(f->drivers.registrar, job.name, job.key, NULL), OUTCOME_DONE);
}

enum { NAMES = 20000 };

static void *add_names(void *arg) {
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "name-%d.com", i);
        name_set_add(arg, (struct str){name, (size_t)n});
    }
    return NULL;
}

static void *read_names(void *arg) {
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "none-%d.com", i);
        /* An added name stays, also while the table grows. */
        if (!name_set_has(arg, STR("first.com")) || name_set_has(arg, (struct str){name, (size_t)n})) return arg;
    }
    return NULL;
}

/* By one thread alone, so that nobody adds again what a growing table lost; asked at once, since the next growth could
 * bring back what the last one mislaid. */
static void names_survive_growth(void **state) {
    (void)state;
    struct name_set *set = name_set_create();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < NAMES; i++) {
            char text[32];
            int n = snprintf(text, sizeof text, "name-%d.com", i);
            struct str name = {text, (size_t)n};
            assert_int_equal(name_set_has(set, name), round == 1);
            name_set_add(set, name);
            assert_true(name_set_has(set, name));
        }
    }
    name_set_destroy(set);
}

static void names_are_read_while_added(void **state) {
    (void)state;
    struct name_set *set = name_set_create();
    name_set_add(set, STR("first.com"));
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, i % 2 ? read_names : add_names, set);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    for (int i = 0; i < NAMES; i++) {
        char name[32];
        int n = snprintf(name, sizeof name, "name-%d.com", i);
        assert_true(name_set_has(set, (struct str){name, (size_t)n}));
    }
    assert_false(name_set_has(set, STR("")));
    name_set_destroy(set);
    name_set_destroy(NULL);
}

/* ---- DNS ---- */

static void dns_compares_exactly(void **state) {
    struct fixture *f = *state;
    const struct str zone = STR("acme.com");
    struct str data[] = {STR("b"), STR("a")}, turned[] = {STR("a"), STR("b")}, joined[] = {STR("a1:b")};
    struct rrset set = {zone, "TXT", 300, data, 2};
    assert_int_equal(fixture_publish(f, zone, &set, 1, NULL), OUTCOME_DONE);
    struct rrset same = set;
    same.data = turned; /* the order of an RRset's values means nothing */
    assert_true(fixture_serves(f, zone, &same, 1));
    struct rrset others[] = {{zone, "TXT", 301, data, 2},
                             {zone, "TXT", 300, data, 1},
                             {zone, "TXT", 300, joined, 1},
                             {zone, "MX", 300, data, 2},
                             {STR("www.acme.com"), "TXT", 300, data, 2}};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) assert_false(fixture_serves(f, zone, &others[i], 1));
    assert_false(fixture_serves(f, STR("other.com"), &set, 1));

    struct rrset fewer = {zone, "TXT", 300, data, 1};
    assert_int_equal(fixture_publish(f, zone, &fewer, 1, NULL), OUTCOME_DONE); /* replaces */
    assert_false(fixture_serves(f, zone, &set, 1));
    assert_true(fixture_serves(f, zone, &fewer, 1));
    struct rrset none = {zone, "TXT", 300, NULL, 0};
    assert_false(fixture_serves(f, zone, &none, 1));
    assert_int_equal(fixture_publish(f, zone, &none, 1, NULL), OUTCOME_DONE);
    assert_true(fixture_serves(f, zone, &none, 1));
    assert_false(fixture_serves(f, zone, &fewer, 1));
}

static void a_change_wants_what_was_there(void **state) {
    struct fixture *f = *state;
    struct str old = STR("1 old."), new = STR("1 new."), hand = STR("1 hand.");
    const struct str zone = STR("acme.com");
    struct rrset none = {zone, "MX", 0, NULL, 0}, first = {zone, "MX", 300, &old, 1},
                 second = {zone, "MX", 300, &new, 1};
    struct rrset by_hand = {zone, "MX", 300, &hand, 1}, slow = {zone, "MX", 301, &old, 1};
    struct rrset text = {zone, "TXT", 300, &new, 1}, no_text = {zone, "TXT", 0, NULL, 0};
    struct zone_change make = {none, first}, go_on = {first, second}, late[] = {{no_text, text}, {first, by_hand}};
    struct dns *d = f->drivers.dns;
    assert_int_equal(dns_change(d, zone, &make, 1, NULL), OUTCOME_DONE);
    assert_int_equal(dns_change(d, zone, &make, 1, NULL), OUTCOME_UNKNOWN);
    struct zone_change other_ttl = {slow, by_hand};
    assert_int_equal(dns_change(d, zone, &other_ttl, 1, NULL), OUTCOME_UNKNOWN);
    assert_int_equal(dns_change(d, zone, &go_on, 1, NULL), OUTCOME_DONE);
    assert_int_equal(dns_change(d, zone, late, 2, NULL), OUTCOME_UNKNOWN);
    assert_true(fixture_serves(f, zone, &second, 1));
    assert_true(fixture_serves(f, zone, &no_text, 1)); /* all or nothing */
}

static void dns_takes_a_zones_own_names_only(void **state) {
    struct fixture *f = *state;
    struct str data = STR("x");
    struct rrset sets[] = {{STR("a.acme.com"), "TXT", 300, &data, 1}, {STR("notacme.com"), "TXT", 300, &data, 1}};
    assert_int_equal(fixture_publish(f, STR("acme.com"), sets, 2, NULL), OUTCOME_REFUSED);
    assert_false(fixture_serves(f, STR("acme.com"), sets, 1)); /* all or nothing */
    assert_int_equal(fixture_publish(f, STR("acme.com"), sets, 1, NULL), OUTCOME_DONE);
}

static void nameservers_are_two(void **state) {
    struct fixture *f = *state;
    size_t n;
    const struct str *names = dns_nameservers(f->drivers.dns, &n);
    assert_int_equal(n, 2);
    assert_true(str_is(names[0], "ns1.sandbox.test") && str_is(names[1], "ns2.sandbox.test"));
}

/* ---- Mailbox ---- */

static void mail_facts_differ_by_provider(void **state) {
    struct fixture *f = *state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct mail_facts facts[PROVIDER_END];
    for (int i = PROVIDER_GOOGLE; i < PROVIDER_END; i++) {
        assert_int_equal(
            mailbox_mail_facts(f->drivers.mailbox, STR("acme.com"), (enum provider)i, arena, &facts[i], NULL),
            OUTCOME_DONE);
        for (int k = PROVIDER_GOOGLE; k < i; k++) assert_false(str_eq(facts[i].mx_host, facts[k].mx_host));
        assert_true(str_contains(facts[i].mx_host, ".sandbox.test"));
        assert_true(str_contains(facts[i].spf_term, ".sandbox.test"));
        assert_int_equal(facts[i].n_dkim, 1);
        assert_true(str_is(facts[i].dkim[0].selector, "dfy1"));
    }
    assert_int_equal(mailbox_mail_facts(f->drivers.mailbox, STR("acme.com"), PROVIDER_END, arena, &facts[0], NULL),
                     OUTCOME_UNKNOWN);
}

static void dkim_key_is_genuine_and_lasts(void **state) {
    struct fixture *f = *state;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(1024);
    struct mail_facts one, again, other;
    struct mailbox *m = f->drivers.mailbox;
    assert_int_equal(mailbox_mail_facts(m, STR("a.com"), PROVIDER_GOOGLE, arena, &one, NULL), OUTCOME_DONE);
    assert_int_equal(mailbox_mail_facts(m, STR("a.com"), PROVIDER_AIRMAIL, arena, &again, NULL), OUTCOME_DONE);
    assert_int_equal(mailbox_mail_facts(m, STR("b.com"), PROVIDER_GOOGLE, arena, &other, NULL), OUTCOME_DONE);
    assert_true(str_eq(one.dkim[0].value, again.dkim[0].value));
    assert_false(str_eq(one.dkim[0].value, other.dkim[0].value));
    assert_true(str_starts(one.dkim[0].value, "v=DKIM1; k=ed25519; p="));
    unsigned char key[64];
    size_t n = 0;
    struct str text = {one.dkim[0].value.p + 22, one.dkim[0].value.n - 22};
    assert_int_equal(sodium_base642bin(key, sizeof key, text.p, text.n, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL),
                     0);
    assert_int_equal(n, crypto_sign_PUBLICKEYBYTES);
    unsigned char x25519[crypto_scalarmult_curve25519_BYTES]; /* fails for what is no point of the curve */
    assert_int_equal(crypto_sign_ed25519_pk_to_curve25519(x25519, key), 0);
}

static void passwords_are_not_kept(void **state) {
    struct fixture *f = *state;
    struct mailbox_create job = {.email = STR("jane@acme.com"),
                                 .first_name = STR("Jane"),
                                 .last_name = STR("Doe"),
                                 .password = STR("open-sesame-4711"),
                                 .provider = PROVIDER_GOOGLE,
                                 .key = STR("k")};
    assert_int_equal(mailbox_create(f->drivers.mailbox, &job, NULL), OUTCOME_DONE);
    assert_true(sandbox_book_has_mailbox(f->drivers.book, job.email, job.password));
    assert_false(sandbox_book_has_mailbox(f->drivers.book, job.email, STR("open-sesame-4712")));
    assert_false(sandbox_book_has_mailbox(f->drivers.book, STR("joe@acme.com"), job.password));
    drivers_close(&f->drivers);
    char path[PATH + 32];
    path_in(f, "sandbox.db", path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    static char bytes[1 << 20];
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(str_contains((struct str){bytes, n}, "jane@acme.com"));
    assert_false(str_contains((struct str){bytes, n}, "open-sesame"));
}

/* ---- Payment ---- */

static void sum_is_of_charges_only(void **state) {
    struct fixture *f = *state;
    static const char *const tokens[] = {"tok_visa", "tok_declined", "tok_lost", "tok_dropped", "tok_silent"};
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        char key[8];
        snprintf(key, sizeof key, "k%zu", i);
        struct payment_charge job = {.key = str_of(key), .token = str_of(tokens[i]), .amount = 1000 + (cents)i};
        enum outcome ignored = payment_charge(f->drivers.payment, &job, NULL);
        (void)ignored;
    }
    assert_int_equal(sandbox_book_charged_cents(f->drivers.book), 1000 + 1002);
    struct payment_charge job = {.key = STR("k9"), .token = STR("tok_visa"), .amount = -1};
    assert_int_equal(payment_charge(f->drivers.payment, &job, NULL), OUTCOME_REFUSED);
    job.amount = CENTS_MAX + 1;
    assert_int_equal(payment_charge(f->drivers.payment, &job, NULL), OUTCOME_REFUSED);
    assert_int_equal(sandbox_book_charged_cents(f->drivers.book), 1000 + 1002);
}

enum { THREADS = 8, ROUNDS = 200 };

struct racer {
    struct fixture *f;
    pthread_barrier_t *barrier;
    bool closes;
    int done[ROUNDS], refused[ROUNDS];
};

static void *race(void *arg) {
    struct racer *racer = arg;
    for (int i = 0; i < ROUNDS; i++) {
        char key[24];
        snprintf(key, sizeof key, "race-%d", i);
        struct payment_charge job = {.key = str_of(key), .token = STR("tok_visa"), .amount = 1};
        pthread_barrier_wait(racer->barrier);
        enum outcome outcome = racer->closes ? payment_close(racer->f->drivers.payment, &job, NULL)
                                             : payment_charge(racer->f->drivers.payment, &job, NULL);
        racer->done[i] = outcome == OUTCOME_DONE;
        racer->refused[i] = outcome == OUTCOME_REFUSED;
    }
    return NULL;
}

static void run_race(struct fixture *f, struct racer racers[THREADS], int closers) {
    pthread_barrier_t barrier;
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){.f = f, .barrier = &barrier, .closes = i < closers};
        pthread_create(&threads[i], NULL, race, &racers[i]);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
}

static void one_key_charges_once_from_many_threads(void **state) {
    static struct racer racers[THREADS];
    run_race(*state, racers, 0);
    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < THREADS; k++) assert_true(racers[k].done[i]);
    struct fixture *f = *state;
    assert_int_equal(sandbox_book_charged_cents(f->drivers.book), ROUNDS);
}

/* Whoever comes first, all agree, and the book agrees with them. */
static void close_and_charge_agree(void **state) {
    struct fixture *f = *state;
    static struct racer racers[THREADS];
    run_race(f, racers, THREADS / 2);
    for (int i = 0; i < ROUNDS; i++) {
        char key[24];
        snprintf(key, sizeof key, "race-%d", i);
        int64_t charges = sandbox_book_charges(f->drivers.book, str_of(key));
        assert_in_range(charges, 0, 1);
        for (int k = 0; k < THREADS; k++) assert_true(charges ? racers[k].done[i] : racers[k].refused[i]);
    }
}

/* ---- The file ---- */

static void charges_survive_sigkill(void **state) {
    struct fixture *f = *state;
    drivers_close(&f->drivers);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct error error;
        struct payment_charge job = {.key = STR("k"), .token = STR("tok_visa"), .amount = PRICE};
        struct drivers_config config = {.dir = f->dir, .clock = &f->clock};
        if (drivers_open(&config, &f->drivers, &error) &&
            payment_charge(f->drivers.payment, &job, NULL) == OUTCOME_DONE)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    must_open(f);
    assert_int_equal(sandbox_book_charges(f->drivers.book, STR("k")), 1);
}

/* A file that may not grow stands for a full disk. */
static void full_disk_is_unknown(void **state) {
    struct fixture *f = *state;
    struct payment_charge job = {.key = STR("before"), .token = STR("tok_visa"), .amount = PRICE};
    assert_int_equal(payment_charge(f->drivers.payment, &job, NULL), OUTCOME_DONE);
    struct rlimit limit, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){.rlim_cur = 4096, .rlim_max = limit.rlim_max};
    void (*earlier)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);

    struct payment_answer paid;
    struct answer answer;
    struct registrar_create name = {.name = STR("a.com"), .key = STR("k"), .years = 1};
    bool taken = true;
    job.key = STR("full");
    enum outcome charged = payment_charge(f->drivers.payment, &job, &paid);
    enum outcome closed = payment_close(f->drivers.payment, &job, NULL);
    enum outcome registered = registrar_create(f->drivers.registrar, &name, &answer);
    enum outcome checked = registrar_check(f->drivers.registrar, &name.name, 1, &taken, NULL);
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, earlier);

    assert_int_equal(charged, OUTCOME_UNKNOWN);
    assert_int_equal(paid.decline, DECLINE_NONE);
    assert_non_null(strstr(paid.answer.reason, "sandbox.db"));
    assert_int_equal(closed, OUTCOME_UNKNOWN);
    assert_int_equal(registered, OUTCOME_UNKNOWN);
    assert_non_null(strstr(answer.reason, "sandbox.db"));
    assert_int_equal(checked, OUTCOME_DONE);
    assert_false(taken);
    /* With room again it goes on, and nothing of what failed was kept. */
    assert_int_equal(sandbox_book_charges(f->drivers.book, job.key), 0);
    assert_int_equal(payment_charge(f->drivers.payment, &job, NULL), OUTCOME_DONE);
    assert_int_equal(registrar_create(f->drivers.registrar, &name, NULL), OUTCOME_DONE);
    assert_int_equal(sandbox_book_charged_cents(f->drivers.book), 2 * PRICE);
}

static void damage_is_unknown(void **state) {
    struct fixture *f = *state;
    char path[PATH + 32];
    path_in(f, "sandbox.db", path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE charges", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct payment_charge job = {.key = STR("k"), .token = STR("tok_visa"), .amount = PRICE};
    struct payment_answer answer;
    assert_int_equal(payment_charge(f->drivers.payment, &job, &answer), OUTCOME_UNKNOWN);
    assert_non_null(strstr(answer.answer.reason, "charges"));
    assert_int_equal(payment_close(f->drivers.payment, &job, NULL), OUTCOME_UNKNOWN);
    assert_int_equal(sandbox_book_charged_cents(f->drivers.book), -1);
    /* What does not need the damaged part goes on. */
    struct registrar_create name = {.name = STR("a.com"), .key = STR("k"), .years = 1};
    assert_int_equal(registrar_create(f->drivers.registrar, &name, NULL), OUTCOME_DONE);
}

static void must_not_open(struct fixture *f, const char *dir, const char *expected) {
    struct error error = {0};
    struct drivers drivers;
    struct drivers_config config = {.dir = dir, .clock = &f->clock};
    if (drivers_open(&config, &drivers, &error)) fail_msg("opened %s", dir);
    if (strncmp(error.message, "sandbox drivers: ", 17) != 0 || !strstr(error.message, "sandbox.db") ||
        !strstr(error.message, expected))
        fail_msg("%s", error.message);
}

static void opening_names_the_file(void **state) {
    struct fixture *f = *state;
    drivers_close(&f->drivers);
    must_not_open(f, "/nowhere/at/all", "cannot open");
    char path[PATH + 32];
    path_in(f, "sandbox.db", path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    must_not_open(f, f->dir, "version 99");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++) fputs("this is no database\n", file);
    fclose(file);
    must_not_open(f, f->dir, "not a database");
}

static void memory_book_works_and_null_is_fine(void **state) {
    (void)state;
    struct clock clock = clock_manual(START_MS);
    struct sandbox_book *book;
    struct error error;
    assert_true(sandbox_book_open(":memory:", &clock, &book, &error));
    struct payment *p = payment_sandbox_create(book);
    struct payment_charge job = {.key = STR("k"), .token = STR("tok_visa"), .amount = PRICE};
    assert_int_equal(payment_charge(p, &job, NULL), OUTCOME_DONE);
    assert_int_equal(sandbox_book_charged_cents(book), PRICE);
    payment_destroy(p);
    sandbox_book_close(book);

    registrar_destroy(NULL);
    dns_destroy(NULL);
    mailbox_destroy(NULL);
    payment_destroy(NULL);
    sandbox_book_close(NULL);
    struct drivers none = {0};
    drivers_close(&none);
}

static int set_up(void **state) {
    struct fixture *f = malloc(sizeof *f);
    if (!f) return -1;
    fixture_init(f);
    must_open(f);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture_finish(*state);
    free(*state);
    return 0;
}

int main(void) {
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH(check_answers_for_many),
        WITH(one_key_registers_one_name),
        WITH(slow_does_not_wait_for_a_clock_set_back),
        cmocka_unit_test(names_survive_growth),
        cmocka_unit_test(names_are_read_while_added),
        WITH(dns_compares_exactly),
        WITH(a_change_wants_what_was_there),
        WITH(dns_takes_a_zones_own_names_only),
        WITH(nameservers_are_two),
        WITH(mail_facts_differ_by_provider),
        WITH(dkim_key_is_genuine_and_lasts),
        WITH(passwords_are_not_kept),
        WITH(sum_is_of_charges_only),
        WITH(one_key_charges_once_from_many_threads),
        WITH(close_and_charge_agree),
        WITH(charges_survive_sigkill),
        WITH(full_disk_is_unknown),
        WITH(damage_is_unknown),
        WITH(opening_names_the_file),
        cmocka_unit_test(memory_book_works_and_null_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
