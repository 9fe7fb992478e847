#include "store/snapshot.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store_fixture.h"

enum { SNAPSHOTS = 60, WAIT_MS = 5000 };

struct places {
    char lead[96], book[96], mail[96], copies[3][96];
};

static void run(sqlite3 *db, const char *sql) {
    char *words = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK) fixture_fail(sql, words ? words : "?");
}

static sqlite3 *open_file(const char *path) {
    sqlite3 *db;
    assert_int_equal(
        sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL),
        SQLITE_OK);
    sqlite3_busy_timeout(db, WAIT_MS);
    return db;
}

static struct places make_places(struct fixture *f) {
    struct places p;
    snprintf(p.lead, sizeof p.lead, "%s/lead.db", f->dir);
    snprintf(p.book, sizeof p.book, "%s/book.db", f->dir);
    snprintf(p.mail, sizeof p.mail, "%s/mail.db", f->dir);
    for (int i = 0; i < 3; i++) snprintf(p.copies[i], sizeof p.copies[i], "%s/copy %d?.db", f->dir, i);
    return p;
}

static void make_empty(const char *path) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static void make_copies_empty(const struct places *p) {
    for (int i = 0; i < 3; i++) make_empty(p->copies[i]);
}

static int64_t ask(struct fixture *f, const char *path, const char *sql) {
    struct str text;
    int64_t n;
    OK(snapshot_ask(path, false, sql, f->arena, &text, &f->error));
    assert_true(str_to_int(text, 0, INT64_MAX, &n));
    return n;
}

/* Somebody who writes down what he will do, does it in two other files, and writes down that he did. */
struct worker {
    const struct places *places;
    atomic_bool stop;
    atomic_int rounds;
};

static void *work(void *arg) {
    struct worker *w = arg;
    sqlite3 *lead = open_file(w->places->lead), *book = open_file(w->places->book), *mail = open_file(w->places->mail);
    while (!atomic_load(&w->stop)) {
        run(lead, "UPDATE n SET intended = intended + 1");
        run(book, "UPDATE n SET n = n + 1");
        run(mail, "UPDATE n SET n = n + 1");
        run(lead, "UPDATE n SET done = done + 1");
        atomic_fetch_add(&w->rounds, 1);
    }
    sqlite3_close(lead);
    sqlite3_close(book);
    sqlite3_close(mail);
    return NULL;
}

static void make_files(const struct places *p) {
    sqlite3 *lead = open_file(p->lead), *book = open_file(p->book), *mail = open_file(p->mail);
    run(lead, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE n (intended, done);"
              "INSERT INTO n VALUES (0, 0)");
    run(book, "PRAGMA journal_mode = WAL; CREATE TABLE n (n); INSERT INTO n VALUES (0)");
    run(mail, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; CREATE TABLE n (n); INSERT INTO n VALUES (0)");
    sqlite3_close(lead);
    sqlite3_close(book);
    sqlite3_close(mail);
}

/* Makes the moment last: a pause before each look at a file, in which the workers go on if they can. */
static int pause_before_look(unsigned event, void *arg, void *stmt, void *text) {
    (void)event, (void)arg, (void)stmt;
    if (!strcmp(text, "SELECT 1 FROM sqlite_schema LIMIT 1")) usleep(2000);
    return 0;
}

static int watch_statements(sqlite3 *db, const char **ret_words, const struct sqlite3_api_routines *api) {
    (void)ret_words, (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, pause_before_look, NULL);
}

/* Nothing is in the others that the leading file had not intended, and nothing is missing that it has as done. */
static void test_one_moment(void **state) {
    struct fixture *f = *state;
    struct places p = make_places(f);
    make_files(&p);
    struct worker workers[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        workers[i] = (struct worker){.places = &p};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    int64_t before = 0, under_way = 0;
    assert_int_equal(sqlite3_auto_extension((void (*)(void))watch_statements), SQLITE_OK);
    for (int i = 0; i < SNAPSHOTS; i++) {
        const struct snapshot_file files[] = {{p.lead, p.copies[0]}, {p.book, p.copies[1]}, {p.mail, p.copies[2]}};
        make_copies_empty(&p);
        OK(snapshot_take(files, ARRAY_LEN(files), WAIT_MS, &f->error));
        int64_t intended = ask(f, p.copies[0], "SELECT intended FROM n"),
                done = ask(f, p.copies[0], "SELECT done FROM n");
        int64_t book = ask(f, p.copies[1], "SELECT n FROM n"), mail = ask(f, p.copies[2], "SELECT n FROM n");
        if (book > intended || mail > book || done > mail || done < before)
            fail_msg("intended %lld, in the book %lld, in the mail %lld, done %lld, done before %lld",
                     (long long)intended, (long long)book, (long long)mail, (long long)done, (long long)before);
        before = done;
        under_way += intended - done;
        for (int c = 0; c < 3; c++) OK(snapshot_check(p.copies[c], &f->error));
    }
    sqlite3_reset_auto_extension();
    for (int i = 0; i < 3; i++) {
        atomic_store(&workers[i].stop, true);
        pthread_join(threads[i], NULL);
        assert_true(atomic_load(&workers[i].rounds) > 0);
    }
    assert_true(under_way > 0);
}

/* A copy is one file, and stays one when it is looked into. */
static void test_a_copy_is_left_alone(void **state) {
    struct fixture *f = *state;
    struct places p = make_places(f);
    struct stat before, after;
    const struct snapshot_file files[] = {{f->path, p.copies[0]}};
    make_empty(p.copies[0]);
    OK(snapshot_take(files, 1, WAIT_MS, &f->error));
    assert_int_equal(stat(p.copies[0], &before), 0);
    assert_int_equal(ask(f, p.copies[0], "SELECT COUNT(*) FROM workspaces"), 2);
    OK(snapshot_check(p.copies[0], &f->error));
    assert_int_equal(stat(p.copies[0], &after), 0);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    char log[128];
    snprintf(log, sizeof log, "%s-wal", p.copies[0]);
    assert_int_equal(access(log, F_OK), -1);
}

static void test_damage_is_found(void **state) {
    struct fixture *f = *state;
    struct places p = make_places(f);
    const struct snapshot_file files[] = {{f->path, p.copies[0]}};
    make_empty(p.copies[0]);
    OK(snapshot_take(files, 1, WAIT_MS, &f->error));
    FILE *file = fopen(p.copies[0], "r+");
    assert_non_null(file);
    char noise[4096];
    memset(noise, 0x5a, sizeof noise);
    assert_int_equal(fseek(file, 5L * 4096, SEEK_SET), 0);
    assert_int_equal(fwrite(noise, 1, sizeof noise, file), sizeof noise);
    fclose(file);
    FAILS(ERR_INTERNAL, snapshot_check(p.copies[0], &f->error));
}

static void test_failures_name_the_file(void **state) {
    struct fixture *f = *state;
    struct places p = make_places(f);
    const struct snapshot_file missing[] = {{p.book, p.copies[0]}};
    make_empty(p.copies[0]);
    FAILS(ERR_UNAVAILABLE, snapshot_take(missing, 1, WAIT_MS, &f->error));
    assert_non_null(strstr(f->error.message, p.book));
    assert_int_equal(access(p.book, F_OK), -1);

    make_files(&p);
    sqlite3 *stubborn = open_file(p.book);
    run(stubborn, "BEGIN IMMEDIATE; UPDATE n SET n = 5");
    const struct snapshot_file locked[] = {{p.lead, p.copies[0]}, {p.book, p.copies[1]}};
    make_empty(p.copies[1]);
    FAILS(ERR_UNAVAILABLE, snapshot_take(locked, 2, 50, &f->error));
    assert_non_null(strstr(f->error.message, p.book));
    run(stubborn, "COMMIT");
    sqlite3_close(stubborn);
    OK(snapshot_take(locked, 2, WAIT_MS, &f->error));
    assert_int_equal(ask(f, p.copies[1], "SELECT n FROM n"), 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_moment, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_a_copy_is_left_alone, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_damage_is_found, fixture_make, fixture_drop),
        cmocka_unit_test_setup_teardown(test_failures_name_the_file, fixture_make, fixture_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
