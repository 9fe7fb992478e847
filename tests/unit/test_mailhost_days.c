/* The mail host's driver on bad days: many at once, killed, a full disk, files that others hold. */
#include "mailhost_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"

/* The driver waits 3 s for others; with more it would be a hang. Generous, since sanitizers and neighbours are slow. */
enum { THREADS = 4, BOUND_MS = 10000 };

/* The i-th mailbox. */
struct nth {
    char email[32], key[32];
};

static struct nth nth_of(int i) {
    struct nth nth;
    snprintf(nth.email, sizeof nth.email, "u%d@a.test", i);
    snprintf(nth.key, sizeof nth.key, "k%d", i);
    return nth;
}

static enum outcome create_nth(struct fixture *f, int i, struct answer *answer) {
    const struct nth nth = nth_of(i);
    return create(f->mailbox, str_of(nth.email), str_of(nth.key), STR("secret"), answer);
}

static enum outcome lookup_nth(struct fixture *f, int i) {
    const struct nth nth = nth_of(i);
    return mailbox_lookup(f->mailbox, str_of(nth.email), str_of(nth.key), NULL);
}

static int64_t count_of(struct fixture *f, const char *file, const char *sql) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    int64_t n = -1;
    assert_true(str_to_int(query(f, file, sql, STR(""), arena), 0, 1000000, &n));
    return n;
}

static void check_files(struct fixture *f) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    assert_str(query(f, "mail.db", "PRAGMA integrity_check", STR(""), arena), "ok");
    assert_str(query(f, "signer/dkim.db", "PRAGMA integrity_check", STR(""), arena), "ok");
}

/* ---- many at once ---- */

struct worker {
    struct fixture *f;
    int number;
    enum outcome outcome;
    int64_t took_ms;
    char records[OUT_BYTES];
};

static void at_once(struct fixture *f, struct worker workers[THREADS], void *(*run)(void *arg)) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.f = f, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static void read_facts(struct fixture *f, enum outcome *ret, char records[OUT_BYTES]) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(65536);
    struct mail_facts facts = {0};
    *ret = mailbox_mail_facts(f->mailbox, STR("a.test"), PROVIDER_AIRMAIL, arena, &facts, NULL);
    size_t n = 0;
    for (size_t i = 0; i < facts.n_dkim; i++)
        n += (size_t)snprintf(records + n, OUT_BYTES - n, "%.*s=%.*s ", STR_ARG(facts.dkim[i].selector),
                              STR_ARG(facts.dkim[i].value));
}

static void *ask_facts(void *arg) {
    struct worker *w = arg;
    read_facts(w->f, &w->outcome, w->records);
    return NULL;
}

static void threads_make_one_pair_of_keys(void **state) {
    struct fixture *f = *state;
    struct worker *workers = calloc(THREADS, sizeof *workers);
    assert_non_null(workers);
    at_once(f, workers, ask_facts);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].outcome, OUTCOME_DONE);
        assert_string_equal(workers[i].records, workers[0].records);
    }
    free(workers);
    assert_int_equal(count_of(f, "signer/dkim.db", "SELECT count(*) FROM dkim_keys"), 2);
}

/* Each opens the files for itself, as a command beside a running server does. */
static void processes_make_one_pair_of_keys(void **state) {
    struct fixture *f = *state;
    int pipes[THREADS][2];
    char first[OUT_BYTES] = "";
    mailbox_destroy(f->mailbox);
    f->mailbox = NULL;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pipe(pipes[i]), 0);
        if (fork() == 0) {
            char records[OUT_BYTES] = "";
            enum outcome outcome = OUTCOME_UNKNOWN;
            struct error error;
            if (mailbox_mailhost_open(&f->config, &f->mailbox, &error)) read_facts(f, &outcome, records);
            size_t n = outcome == OUTCOME_DONE ? strlen(records) : 0;
            _exit(write(pipes[i][1], records, n) != (ssize_t)n);
        }
        close(pipes[i][1]);
    }
    for (int i = 0; i < THREADS; i++) {
        char records[OUT_BYTES] = "";
        size_t n = 0;
        for (ssize_t got; (got = read(pipes[i][0], records + n, OUT_BYTES - 1 - n)) > 0;) n += (size_t)got;
        close(pipes[i][0]);
        assert_true(n > 100);
        if (!i) memcpy(first, records, sizeof first);
        assert_string_equal(records, first);
    }
    for (int i = 0; i < THREADS; i++) assert_true(wait(NULL) > 0);
    assert_int_equal(count_of(f, "signer/dkim.db", "SELECT count(*) FROM dkim_keys"), 2);
}

static void *create_one(void *arg) {
    struct worker *w = arg;
    int64_t since_ms = clock_steady_ms();
    w->outcome = create(w->f->mailbox, STR("ann@a.test"), STR("ann"), STR("secret"), NULL);
    w->took_ms = clock_steady_ms() - since_ms;
    return NULL;
}

static void *create_many(void *arg) {
    struct worker *w = arg;
    w->outcome = OUTCOME_DONE;
    for (int i = 0; i < 8; i++)
        if (create_nth(w->f, w->number * 8 + i, NULL) != OUTCOME_DONE) w->outcome = OUTCOME_UNKNOWN;
    return NULL;
}

static void *remove_one(void *arg) {
    struct worker *w = arg;
    w->outcome = w->number % 2 ? mailbox_remove(w->f->mailbox, STR("ann@a.test"), STR("ann"), NULL)
                               : create(w->f->mailbox, STR("ann@a.test"), STR("ann"), STR("other"), NULL);
    return NULL;
}

static void threads_make_each_mailbox_once(void **state) {
    struct fixture *f = *state;
    struct worker *workers = calloc(THREADS, sizeof *workers);
    assert_non_null(workers);
    at_once(f, workers, create_one);
    for (int i = 0; i < THREADS; i++) assert_int_equal(workers[i].outcome, OUTCOME_DONE);
    at_once(f, workers, create_many);
    for (int i = 0; i < THREADS; i++) assert_int_equal(workers[i].outcome, OUTCOME_DONE);
    assert_int_equal(count_of(f, "mail.db", "SELECT count(*) FROM mailhost_users"), 1 + THREADS * 8);
    /* However a removal and creations meet, the removal stays. */
    at_once(f, workers, remove_one);
    for (int i = 1; i < THREADS; i += 2) assert_int_equal(workers[i].outcome, OUTCOME_DONE);
    assert_int_equal(mailbox_lookup(f->mailbox, STR("ann@a.test"), STR("ann"), NULL), OUTCOME_REFUSED);
    assert_int_equal(create(f->mailbox, STR("ann@a.test"), STR("ann"), STR("x"), NULL), OUTCOME_REFUSED);
    free(workers);
}

/* ---- killed ---- */

/* Tells the number of each mailbox that the driver says is made. */
static void create_until_killed(struct fixture *f, int to) {
    struct error error;
    if (!mailbox_mailhost_open(&f->config, &f->mailbox, &error)) _exit(1);
    for (int i = 0;; i++)
        if (create_nth(f, i, NULL) != OUTCOME_DONE || write(to, &i, sizeof i) != (ssize_t)sizeof i) _exit(1);
}

static void what_was_told_survives_a_kill(void **state) {
    struct fixture *f = *state;
    mailbox_destroy(f->mailbox);
    f->mailbox = NULL;
    for (int round = 0; round < 5; round++) {
        int pipes[2], told = 0, last = -1;
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        if (child == 0) create_until_killed(f, pipes[1]);
        close(pipes[1]);
        for (; told < 3 + round * 2 && read(pipes[0], &last, sizeof last) == sizeof last; told++) {}
        /* Anywhere: while it hashes, within a transaction, between two. */
        nanosleep(&(struct timespec){.tv_nsec = 1000000L * (long)randombytes_uniform(25)}, NULL);
        kill(child, SIGKILL);
        while (read(pipes[0], &last, sizeof last) == sizeof last) {}
        close(pipes[0]);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        reopen(f);
        assert_true(last >= 0);
        for (int i = 0; i <= last; i++) assert_int_equal(lookup_nth(f, i), OUTCOME_DONE);
        check_files(f);
        mailbox_destroy(f->mailbox);
        f->mailbox = NULL;
    }
}

/* Dies in the middle of a commit: the file is half changed, and its journal is there. */
static void die_within_a_commit(const struct fixture *f) {
    sqlite3 *db = open_file(f, "mail.db", SQLITE_OPEN_READWRITE);
    static const char sql[] = "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE;"
                              "UPDATE mailhost_users SET home = home || hex(zeroblob(3000)), password = 'gone'";
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) _exit(1);
    _exit(0);
}

static void a_half_commit_is_taken_back_at_start(void **state) {
    struct fixture *f = *state;
    int status;
    char journal[PATH_BYTES];
    path_in(f, "mail.db-journal", journal);
    for (int i = 0; i < 12; i++) assert_int_equal(create_nth(f, i, NULL), OUTCOME_DONE);
    mailbox_destroy(f->mailbox);
    f->mailbox = NULL;
    pid_t child = fork();
    if (child == 0) die_within_a_commit(f);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(access(journal, F_OK), 0);
    struct stat about;
    assert_int_equal(stat(journal, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0640);
    reopen(f);
    assert_int_not_equal(access(journal, F_OK), 0);
    assert_int_equal(count_of(f, "mail.db", "SELECT count(*) FROM mailhost_users WHERE password LIKE '$argon2id$%'"),
                     12);
    for (int i = 0; i < 12; i++) assert_int_equal(lookup_nth(f, i), OUTCOME_DONE);
    check_files(f);
}

/* ---- a full disk ---- */

/* No file of this process may be longer than SIZE bytes; 0: any size. */
static void limit_files(int64_t size) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size ? (rlim_t)size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void on_a_full_disk_nothing_is_half_done(void **state) {
    struct fixture *f = *state;
    struct answer answer = {0};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(create_nth(f, 0, NULL), OUTCOME_DONE);
    limit_files(512); /* not even a journal's first page */
    enum outcome made = create_nth(f, 1, &answer);
    enum outcome removed = mailbox_remove(f->mailbox, STR("u0@a.test"), STR("k0"), NULL);
    const struct mailbox_dkim move = {STR("a.test"), 1, DKIM_SOLE};
    enum outcome moved = mailbox_set_dkim(f->mailbox, &move, NULL);
    enum outcome still = lookup_nth(f, 0);
    limit_files(0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(made, OUTCOME_UNKNOWN);
    assert_non_null(strstr(answer.reason, "mailhost cannot use "));
    assert_non_null(strstr(answer.reason, "mail.db"));
    assert_null(strstr(answer.reason, "secret"));
    assert_int_equal(removed, OUTCOME_UNKNOWN);
    assert_int_equal(moved, OUTCOME_UNKNOWN);
    assert_int_equal(still, OUTCOME_DONE); /* who only reads goes on */
    assert_int_equal(lookup_nth(f, 1), OUTCOME_REFUSED);
    check_files(f);
    assert_int_equal(create_nth(f, 1, NULL), OUTCOME_DONE);
    assert_int_equal(mailbox_remove(f->mailbox, STR("u0@a.test"), STR("k0"), NULL), OUTCOME_DONE);
    assert_int_equal(mailbox_set_dkim(f->mailbox, &move, NULL), OUTCOME_DONE);
}

/* The journal still finds room, what is to be committed does not. */
static void a_disk_that_fills_up_loses_nothing(void **state) {
    struct fixture *f = *state;
    char path[PATH_BYTES];
    struct stat about;
    int made = 0;
    enum outcome outcome = OUTCOME_DONE;
    signal(SIGXFSZ, SIG_IGN);
    path_in(f, "mail.db", path);
    assert_int_equal(stat(path, &about), 0);
    limit_files(about.st_size);
    for (; made < 200 && outcome == OUTCOME_DONE; made += outcome == OUTCOME_DONE) outcome = create_nth(f, made, NULL);
    enum outcome known = made ? lookup_nth(f, made - 1) : OUTCOME_UNKNOWN, unknown = lookup_nth(f, made);
    enum outcome removed = mailbox_remove(f->mailbox, STR("u0@a.test"), STR("k0"), NULL);
    limit_files(0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(outcome, OUTCOME_UNKNOWN);
    assert_int_equal(known, OUTCOME_DONE);
    assert_int_equal(unknown, OUTCOME_REFUSED);
    assert_int_equal(count_of(f, "mail.db", "SELECT count(*) FROM mailhost_users"), made - (removed == OUTCOME_DONE));
    check_files(f);
    assert_int_equal(create_nth(f, made, NULL), OUTCOME_DONE);
}

/* ---- files that others hold ---- */

static void check_all_unknown(struct fixture *f) {
    struct worker *workers = calloc(THREADS, sizeof *workers);
    assert_non_null(workers);
    at_once(f, workers, create_one);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(workers[i].outcome, OUTCOME_UNKNOWN);
        assert_in_range(workers[i].took_ms, 0, BOUND_MS);
    }
    free(workers);
}

static void a_held_file_is_unknown_and_no_hang(void **state) {
    struct fixture *f = *state;
    struct answer answer = {0};
    sqlite3 *other = open_file(f, "mail.db", SQLITE_OPEN_READWRITE);
    /* A reader that does not end: nothing can be committed. */
    sqlite3_stmt *stmt;
    assert_int_equal(create_nth(f, 0, NULL), OUTCOME_DONE);
    assert_int_equal(sqlite3_prepare_v2(other, "SELECT email FROM mailhost_users", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    check_all_unknown(f);
    sqlite3_finalize(stmt);
    assert_int_equal(mailbox_lookup(f->mailbox, STR("ann@a.test"), STR("ann"), NULL), OUTCOME_REFUSED);
    /* A writer that does not end: nothing can be read for sure either. */
    assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(mailbox_remove(f->mailbox, STR("u0@a.test"), STR("k0"), &answer), OUTCOME_UNKNOWN);
    assert_non_null(strstr(answer.reason, "another program holds it locked"));
    sqlite3_close(other);
    assert_int_equal(lookup_nth(f, 0), OUTCOME_DONE);
    assert_int_equal(create(f->mailbox, STR("ann@a.test"), STR("ann"), STR("secret"), NULL), OUTCOME_DONE);
}

/* A reader that comes and goes costs nobody an answer. */
static void readers_in_passing_disturb_nobody(void **state) {
    struct fixture *f = *state;
    assert_int_equal(create_nth(f, 0, NULL), OUTCOME_DONE);
    pid_t child = fork();
    if (child == 0) {
        for (;;) {
            sqlite3 *db = open_file(f, "mail.db", SQLITE_OPEN_READONLY);
            sqlite3_busy_timeout(db, 20000); /* Postfix has 1000, for which a slow disk alone can hold up a commit */
            if (sqlite3_exec(db, "SELECT * FROM mailhost_users", NULL, NULL, NULL) != SQLITE_OK) _exit(1);
            sqlite3_close(db);
        }
    }
    for (int i = 1; i < 30; i++) assert_int_equal(create_nth(f, i, NULL), OUTCOME_DONE);
    int status;
    assert_int_equal(waitpid(child, &status, WNOHANG), 0); /* it did not fail */
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
}

int main(void) {
    if (sodium_init() < 0) return 1;
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_FILES(threads_make_one_pair_of_keys),        WITH_FILES(processes_make_one_pair_of_keys),
        WITH_FILES(threads_make_each_mailbox_once),       WITH_FILES(what_was_told_survives_a_kill),
        WITH_FILES(a_half_commit_is_taken_back_at_start), WITH_FILES(on_a_full_disk_nothing_is_half_done),
        WITH_FILES(a_disk_that_fills_up_loses_nothing),   WITH_FILES(a_held_file_is_unknown_and_no_hang),
        WITH_FILES(readers_in_passing_disturb_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
