#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

#include "store_fixture.h"

static int make(void **state) {
    int failed = fixture_make(state);
    struct fixture *f = *state;
    fixture_run(f, "CREATE TABLE marks (name TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (name, text))"
                   " STRICT, WITHOUT ROWID");
    return failed;
}

static bool add_mark(struct db *db, void *arg, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "INSERT INTO marks (name, text) VALUES ($1, 'm')");
    stmt_text(stmt, 1, *(const struct str *)arg);
    return stmt_run(stmt, NULL, reterr);
}

static bool count_marks(struct db *db, void *arg, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COUNT(*) FROM marks");
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *(int64_t *)arg = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

static int64_t marks(struct fixture *f, struct store *store) {
    int64_t n = -1;
    OK(store_read(store, count_marks, &n, &f->error));
    return n;
}

static bool mark(struct store *store, const char *name, struct error *reterr) {
    struct str text = str_of(name);
    return store_write(store, add_mark, &text, reterr);
}

enum { THREADS = 16, WRITES = 50 };

struct load {
    struct store *store;
    int number, failed;
    _Atomic int *go;
};

static void *write_many(void *arg) {
    struct load *load = arg;
    while (!atomic_load(load->go)) sched_yield();
    for (int i = 0; i < WRITES; i++) {
        char name[32];
        struct error error;
        snprintf(name, sizeof name, "%d-%d", load->number, i);
        load->failed += !mark(load->store, name, &error);
        int64_t n = 0;
        load->failed += !store_read(load->store, count_marks, &n, &error) || n < i + 1;
    }
    return NULL;
}

static void many_threads_share_commits(void **state) {
    struct fixture *f = *state;
    struct store *store = fixture_store(f);
    uint64_t before = store_generation(store, STORE_ANYTHING);
    _Atomic int go = 0;
    pthread_t threads[THREADS];
    struct load loads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        loads[i] = (struct load){.store = store, .number = i, .go = &go};
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &loads[i]), 0);
    }
    atomic_store(&go, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(loads[i].failed, 0);
    }
    uint64_t commits = store_generation(store, STORE_ANYTHING) - before;
    assert_true(commits > 0);
    assert_true(commits < (uint64_t)THREADS * WRITES);
    /* Seen by a connection that is not the store's. */
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM marks"), THREADS * WRITES);
    store_close(store);
}

/* Holds the writer inside a change until the test has queued more, so that those make one group. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    bool entered, open;
};

static bool wait_at_gate(struct db *db, void *arg, struct error *reterr) {
    (void)db, (void)reterr;
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->mutex);
    gate->entered = true;
    pthread_cond_broadcast(&gate->moved);
    while (!gate->open) pthread_cond_wait(&gate->moved, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    return true;
}

struct job {
    struct store *store;
    store_fn *fn;
    void *arg;
    struct error error;
    bool ok;
    pthread_t thread;
};

static void *run_job(void *arg) {
    struct job *job = arg;
    job->ok = store_write(job->store, job->fn, job->arg, &job->error);
    return NULL;
}

static void job_start(struct job *job, struct store *store, store_fn *fn, void *arg) {
    *job = (struct job){.store = store, .fn = fn, .arg = arg};
    assert_int_equal(pthread_create(&job->thread, NULL, run_job, job), 0);
}

static bool add_and_fail(struct db *db, void *arg, struct error *reterr) {
    if (!add_mark(db, arg, reterr)) return false;
    return error_set(reterr, ERR_UNPROCESSABLE, "changed its mind");
}

static bool add_and_forget_a_query(struct db *db, void *arg, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT id FROM workspaces");
    return stmt_step(stmt, reterr) == DB_ROW && add_mark(db, arg, reterr);
}

static void a_failing_change_leaves_its_group_alone(void **state) {
    struct fixture *f = *state;
    struct store *store = fixture_store(f);
    struct gate gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct job first, jobs[5];
    job_start(&first, store, wait_at_gate, &gate);
    pthread_mutex_lock(&gate.mutex);
    while (!gate.entered) pthread_cond_wait(&gate.moved, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);

    struct str a = STR("a"), b = STR("b"), c = STR("c"), d = STR("d");
    job_start(&jobs[0], store, add_mark, &a);
    job_start(&jobs[1], store, add_and_fail, &b);
    job_start(&jobs[2], store, add_mark, &c);
    job_start(&jobs[3], store, add_mark, &a); /* one of the two has to lose */
    job_start(&jobs[4], store, add_and_forget_a_query, &d);
    pthread_mutex_lock(&gate.mutex);
    gate.open = true;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.mutex);
    pthread_join(first.thread, NULL);
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) pthread_join(jobs[i].thread, NULL);

    assert_true(first.ok);
    assert_false(jobs[1].ok);
    assert_int_equal(jobs[1].error.code, ERR_UNPROCESSABLE);
    assert_true(jobs[2].ok);
    assert_int_equal(jobs[0].ok + jobs[3].ok, 1);
    assert_int_equal((jobs[0].ok ? jobs[3] : jobs[0]).error.code, ERR_CONFLICT);
    assert_true(jobs[4].ok);
    assert_string_equal(words_of(f, "SELECT name FROM marks ORDER BY 1"), "a|c|d");
    store_close(store);
}

static void reads_see_what_was_written_before(void **state) {
    struct fixture *f = *state;
    struct store *store = fixture_store(f);
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        OK(mark(store, name, &f->error));
        assert_int_equal(marks(f, store), i + 1);
    }
    store_close(store);
}

struct double_look {
    struct store *store;
    int64_t first, second;
    bool wrote;
};

static void *mark_once(void *arg) {
    struct double_look *look = arg;
    struct error error;
    look->wrote = mark(look->store, "meanwhile", &error);
    return NULL;
}

static bool look_twice(struct db *db, void *arg, struct error *reterr) {
    struct double_look *look = arg;
    if (!count_marks(db, &look->first, reterr)) return false;
    pthread_t thread;
    if (pthread_create(&thread, NULL, mark_once, look)) return false;
    pthread_join(thread, NULL);
    return count_marks(db, &look->second, reterr);
}

static void a_read_sees_one_moment(void **state) {
    struct fixture *f = *state;
    struct store *store = fixture_store(f);
    struct double_look look = {.store = store};
    OK(store_read(store, look_twice, &look, &f->error));
    assert_true(look.wrote);
    assert_int_equal(look.first, 0);
    assert_int_equal(look.second, 0);
    assert_int_equal(marks(f, store), 1);
    store_close(store);
}

/* As a server and a command on one folder. */
static void stores_see_each_other(void **state) {
    struct fixture *f = *state;
    struct store *server = fixture_store(f);
    const struct store_config config = {.dir = f->dir, .single = true};
    struct store *command = NULL;
    OK(store_open(&config, &command, &f->error));
    assert_int_equal(marks(f, server), 0);
    assert_int_equal(marks(f, command), 0);
    uint64_t before = store_generation(server, STORE_ANYTHING);
    assert_true(before == store_generation(command, STORE_ANYTHING));
    OK(mark(command, "by the command", &f->error));
    assert_true(store_generation(server, STORE_ANYTHING) > before);
    assert_int_equal(marks(f, server), 1);
    OK(mark(server, "by the server", &f->error));
    assert_int_equal(marks(f, command), 2);
    assert_true(store_generation(server, STORE_ANYTHING) == store_generation(command, STORE_ANYTHING));
    store_close(server);
    OK(mark(command, "alone", &f->error));
    assert_int_equal(marks(f, command), 3);
    store_close(command);
}

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* A program that knows nothing of the generation: f->db. */
static void strangers_show_within_a_second(void **state) {
    struct fixture *f = *state;
    struct store *store = fixture_store(f);
    assert_int_equal(marks(f, store), 0);
    uint64_t before = store_generation(store, STORE_ANYTHING);
    fixture_run(f, "INSERT INTO marks (name, text) VALUES ('x', 'x')");
    int64_t seen = 0;
    for (int i = 0; i < 3000 && !seen; i++) {
        seen = marks(f, store);
        pause_ms(1);
    }
    assert_int_equal(seen, 1);
    assert_true(store_generation(store, STORE_ANYTHING) == before);
    store_tidy(store);
    assert_true(store_generation(store, STORE_ANYTHING) > before);
    before = store_generation(store, STORE_ANYTHING);
    store_tidy(store);
    assert_true(store_generation(store, STORE_ANYTHING) == before);
    store_close(store);
}

static bool change_nothing(struct db *db, void *arg, struct error *reterr) {
    int64_t changed;
    if (!stmt_run(db_stmt(db, "UPDATE marks SET text = '' WHERE name = 'none'"), &changed, reterr)) return false;
    *(int64_t *)arg = changed;
    return true;
}

static void empty_changes_leave_caches_alone(void **state) {
    struct fixture *f = *state;
    struct store *store = fixture_store(f);
    uint64_t before = store_generation(store, STORE_ANYTHING);
    int64_t changed = -1;
    OK(store_write(store, change_nothing, &changed, &f->error));
    assert_int_equal(changed, 0);
    assert_true(store_generation(store, STORE_ANYTHING) == before);
    OK(store_ready(store, &f->error));
    assert_true(store_generation(store, STORE_ANYTHING) > before);
    store_close(store);
}

static void stores_open_one_after_another(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++) {
        struct store *store = fixture_store(f);
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        OK(mark(store, name, &f->error));
        assert_int_equal(marks(f, store), i + 1);
        store_close(store);
    }
}

static void set_file_limit(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* No file may grow past what the log has now: what a full disk looks like. */
static void disk_fills(struct fixture *f, struct store *store) {
    OK(mark(store, "before", &f->error));
    struct stat about;
    const char *log = arena_cstr(f->arena, arena_printf(f->arena, "%s-wal", f->path));
    assert_int_equal(stat(log, &about), 0);
    set_file_limit((rlim_t)about.st_size);
    for (int i = 0; i < 3; i++) {
        assert_false(mark(store, "lost", &f->error));
        assert_int_equal(f->error.code, ERR_UNAVAILABLE);
        assert_non_null(strstr(f->error.message, "nothing was saved"));
        assert_false(store_ready(store, &f->error));
        assert_int_equal(f->error.code, ERR_UNAVAILABLE);
        assert_int_equal(marks(f, store), 1);
    }
    set_file_limit(RLIM_INFINITY);
    OK(store_ready(store, &f->error));
    OK(mark(store, "after", &f->error));
    assert_int_equal(marks(f, store), 2);
    assert_string_equal(words_of(f, "SELECT name FROM marks ORDER BY 1"), "after|before");
    store_close(store);
}

static void a_full_disk_loses_nothing(void **state) {
    struct fixture *f = *state;
    disk_fills(f, fixture_store(f));
}

static void a_full_disk_loses_nothing_in_one_thread(void **state) {
    struct fixture *f = *state;
    const struct store_config config = {.dir = f->dir, .single = true};
    struct store *store = NULL;
    OK(store_open(&config, &store, &f->error));
    disk_fills(f, store);
}

/* So much that SQLite writes pages before the commit, fails there, and gives up the whole transaction by itself. */
static bool write_megabytes(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    return stmt_run(db_stmt(db, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                                " INSERT INTO marks (name, text) SELECT 'big' || i, hex(randomblob(500)) FROM n"),
                    NULL, reterr);
}

static void a_lost_transaction_fails_all_of_its_group(void **state) {
    struct fixture *f = *state;
    struct store *store = fixture_store(f);
    struct gate gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct job first, jobs[3];
    job_start(&first, store, wait_at_gate, &gate);
    pthread_mutex_lock(&gate.mutex);
    while (!gate.entered) pthread_cond_wait(&gate.moved, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
    struct str a = STR("a"), b = STR("b");
    job_start(&jobs[0], store, add_mark, &a);
    job_start(&jobs[1], store, write_megabytes, NULL);
    job_start(&jobs[2], store, add_mark, &b);
    set_file_limit(1 << 20);
    pthread_mutex_lock(&gate.mutex);
    gate.open = true;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.mutex);
    pthread_join(first.thread, NULL);
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) pthread_join(jobs[i].thread, NULL);
    set_file_limit(RLIM_INFINITY);
    assert_false(jobs[1].ok);
    assert_int_equal(jobs[1].error.code, ERR_UNAVAILABLE);
    /* The small ones may have had a group of their own; what they were told is what is there. */
    for (size_t i = 0; i < 3; i += 2)
        if (!jobs[i].ok) assert_int_equal(jobs[i].error.code, ERR_UNAVAILABLE);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM marks"), jobs[0].ok + jobs[2].ok);
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM marks WHERE name LIKE 'big%'"), 0);
    OK(mark(store, "goes on", &f->error));
    store_close(store);
}

struct reading {
    struct store *store;
    _Atomic bool *stop;
    int failed;
};

/* As short as the reads of the event threads are. */
static bool read_beats(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    struct stmt *stmt = db_stmt(db, "SELECT beats FROM heartbeat WHERE id = 1");
    bool ok = stmt_step(stmt, reterr) == DB_ROW;
    stmt_done(stmt);
    return ok;
}

static void *read_on(void *arg) {
    struct reading *reading = arg;
    struct error error;
    while (!atomic_load(reading->stop)) reading->failed += !store_read(reading->store, read_beats, NULL, &error);
    return NULL;
}

static bool write_page(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    return stmt_run(db_stmt(db, "INSERT INTO marks (name, text) VALUES ('', hex(randomblob(40000)))"), NULL, reterr);
}

static off_t log_size(struct fixture *f) {
    struct stat about;
    const char *log = arena_cstr(f->arena, arena_printf(f->arena, "%s-wal", f->path));
    assert_int_equal(stat(log, &about), 0);
    return about.st_size;
}

/* Readers always hold some snapshot; the log starts over all the same: at some time many writes do not make it grow. */
static void the_log_is_cut_under_readers(void **state) {
    enum { WRITES_MAX = 5000, ENOUGH = 200 }; /* of 80 kB each: 400 MB in all, 16 MB */
    struct fixture *f = *state;
    struct store *store = fixture_store(f);
    _Atomic bool stop = false;
    struct reading readings[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        readings[i] = (struct reading){.store = store, .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readings[i]), 0);
    }
    off_t size = 0;
    int in_place = 0;
    for (int i = 0; i < WRITES_MAX && in_place < ENOUGH; i++) {
        OK(store_write(store, write_page, NULL, &f->error));
        off_t now = log_size(f);
        in_place = now == size ? in_place + 1 : 0;
        size = now;
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readings[i].failed, 0);
    }
    assert_int_equal(in_place, ENOUGH);
    store_close(store);
}

/* An idle thread's snapshot is ended by tidying, so that another program can empty the log. */
static void tidying_frees_the_log(void **state) {
    struct fixture *f = *state;
    struct store *store = fixture_store(f);
    OK(mark(store, "one", &f->error));
    assert_int_equal(marks(f, store), 1); /* this thread now holds a snapshot */
    OK(mark(store, "two", &f->error));
    fixture_run(f, "PRAGMA busy_timeout = 0");
    static const char cut[] = "PRAGMA wal_checkpoint(TRUNCATE)";
    assert_int_equal(number_of(f, cut), 1); /* 1: busy */
    store_tidy(store);
    assert_int_equal(number_of(f, cut), 0);
    assert_int_equal(marks(f, store), 2);
    store_close(store);
}

static void a_folder_that_cannot_be_made_is_told(void **state) {
    struct fixture *f = *state;
    const struct store_config config = {.dir = "/nonexistent/deeper"};
    struct store *store = NULL;
    FAILS(ERR_UNAVAILABLE, store_open(&config, &store, &f->error));
    assert_non_null(strstr(f->error.message, "/nonexistent/deeper"));
}

static void files_are_private(void **state) {
    struct fixture *f = *state;
    char dir[sizeof f->dir + 8], path[sizeof dir + 16];
    snprintf(dir, sizeof dir, "%s/data", f->dir);
    const struct store_config config = {.dir = dir};
    struct store *store = NULL;
    OK(store_open(&config, &store, &f->error));
    OK(store_ready(store, &f->error));
    static const char *const names[] = {"dfyd.db", "dfyd.db-wal", "dfyd.db-shm", "generation"};
    struct stat about;
    assert_int_equal(stat(dir, &about), 0);
    assert_int_equal(about.st_mode & 077, 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode & 077, 0);
    }
    store_close(store);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void another_vfs_touches_no_other_file(void **state) {
    struct fixture *f = *state;
    const struct store_config config = {.dir = f->dir, .vfs = "unix-dotfile", .single = true};
    db_close(f->db);
    f->db = NULL;
    struct store *store = NULL;
    OK(store_open(&config, &store, &f->error));
    uint64_t before = store_generation(store, STORE_ANYTHING);
    OK(mark(store, "one", &f->error));
    assert_int_equal(marks(f, store), 1);
    assert_true(store_generation(store, STORE_ANYTHING) > before);
    store_tidy(store);
    char path[sizeof f->dir + 16];
    struct stat about;
    snprintf(path, sizeof path, "%s/generation", f->dir);
    assert_int_equal(stat(path, &about), -1);
    snprintf(path, sizeof path, "%s/dfyd.db-shm", f->dir);
    assert_int_equal(stat(path, &about), -1);
    store_close(store);
}

int main(void) {
    signal(SIGXFSZ, SIG_IGN);
#define CASE(name) cmocka_unit_test_setup_teardown(name, make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(many_threads_share_commits),
        CASE(a_failing_change_leaves_its_group_alone),
        CASE(reads_see_what_was_written_before),
        CASE(a_read_sees_one_moment),
        CASE(stores_see_each_other),
        CASE(strangers_show_within_a_second),
        CASE(empty_changes_leave_caches_alone),
        CASE(stores_open_one_after_another),
        CASE(a_full_disk_loses_nothing),
        CASE(a_full_disk_loses_nothing_in_one_thread),
        CASE(a_lost_transaction_fails_all_of_its_group),
        CASE(the_log_is_cut_under_readers),
        CASE(tidying_frees_the_log),
        CASE(a_folder_that_cannot_be_made_is_told),
        CASE(files_are_private),
        CASE(another_vfs_touches_no_other_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
