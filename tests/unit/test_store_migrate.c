/* Migrations: one node at a time, old programs beside a newer schema, and what may not be locked out. */
#include <pthread.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "store_fixture.h"

enum { KNOWN = 10, STARTS = 6, ROUNDS = 5 };

/* This program's own migrations are in the database already: only their numbers count here. */
#define OLD                                                                                                            \
    { "of before", "SELECT 1", "SELECT 1", 1 }
#define ALL_OLD OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD, OLD
#define OLD_IN_SQLITE                                                                                                  \
    { "of before", "SELECT 1", NULL, 1 }
#define SAME(text) text, text

static const struct migration expands[] = {
    ALL_OLD,
    {"011-notes", SAME("ALTER TABLE workspaces ADD COLUMN note TEXT NOT NULL DEFAULT ''"), 9},
};
static const struct migration contracts[] = {
    ALL_OLD,
    {"011-notes", SAME("ALTER TABLE workspaces ADD COLUMN note TEXT NOT NULL DEFAULT ''"), 9},
    {"012-fewer-notes", SAME("ALTER TABLE workspaces DROP COLUMN note"), 12},
};
static const struct migration fails[] = {
    ALL_OLD,
    {"011-wrong", SAME("CREATE TABLE more (id INTEGER PRIMARY KEY); INSERT INTO heartbeat (id, beats) VALUES (1, 0)"),
     9},
};

/* So small that PostgreSQL's connections hear of it late: one that has waited must not trust what it remembers. */
static const struct migration small[] = {
    OLD_IN_SQLITE,
    OLD_IN_SQLITE,
    OLD_IN_SQLITE,
    OLD_IN_SQLITE,
    OLD_IN_SQLITE,
    OLD_IN_SQLITE,
    OLD_IN_SQLITE,
    OLD_IN_SQLITE,
    {"009-small",
     "ALTER TABLE schema_version ADD COLUMN oldest INTEGER NOT NULL DEFAULT 0; CREATE TABLE small (id INTEGER)",
     "CREATE TABLE small (id INTEGER); SELECT pg_sleep(0.3)", 9},
};

static int64_t version(struct fixture *f) {
    return number_of(f, "SELECT MAX(version) FROM schema_version");
}

static void this_program_knows_its_schema(void **state) {
    struct fixture *f = *state;
    assert_int_equal(version(f), migrate_newest());
    assert_int_equal(migrate_newest(), KNOWN);
}

static void an_old_program_works_on_an_expanded_schema(void **state) {
    struct fixture *f = *state;
    OK(migrate_through(f->db, expands, ARRAY_LEN(expands), &f->error));
    assert_int_equal(version(f), 11);
    /* The old program, which knows 10: as it starts, while it runs, and what it writes. */
    OK(migrate_run(f->db, &f->error));
    OK(migrate_still_fits(f->db, &f->error));
    struct reserve_domain domain = make_domain(f, "one.com", 1, "target.org");
    struct reservation r = make_order(f, ORDER_DFY, &domain, 1);
    OK(IN_TX(order_reserve(f->db, &r, &f->error)));
    fixture_add_workspace(f, "01900000-0000-7000-8000-000000000009", "new");
    struct store *store = fixture_store(f);
    store_close(store);
    /* The new one finds nothing more to do. */
    OK(migrate_through(f->db, expands, ARRAY_LEN(expands), &f->error));
    assert_int_equal(number_of(f, "SELECT COUNT(*) FROM schema_version WHERE version = 11"), 1);
}

static void an_old_program_does_not_start_on_a_contracted_schema(void **state) {
    struct fixture *f = *state;
    OK(migrate_through(f->db, contracts, ARRAY_LEN(contracts), &f->error));
    assert_int_equal(version(f), 12);
    FAILS(ERR_INVALID, migrate_run(f->db, &f->error));
    assert_non_null(strstr(f->error.message, "newer program"));
    FAILS(ERR_INVALID, migrate_still_fits(f->db, &f->error));
    FAILS(ERR_INVALID, migrate_through(f->db, expands, ARRAY_LEN(expands), &f->error));
    const struct store_config config = fixture_config(f);
    struct store *store;
    FAILS(ERR_INVALID, store_open(&config, &store, &f->error));
}

#define NODE(id, schema, seen)                                                                                         \
    "INSERT INTO nodes (id, name, version, schema, roles, started_ms, seen_ms) SELECT '" id "', '" id                  \
    "', '1.0', " schema ", 'api', 1, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - " seen

static void nothing_contracts_while_an_old_node_lives(void **state) {
    struct fixture *f = *state;
    if (!fixture_on_postgres()) skip();
    fixture_run(f, NODE("dead", "10", "16000"));
    fixture_run(f, NODE("new", "12", "0"));
    fixture_run(f, NODE("old", "11", "10000"));
    FAILS(ERR_CONFLICT, migrate_through(f->db, contracts, ARRAY_LEN(contracts), &f->error));
    assert_non_null(strstr(f->error.message, "node old"));
    assert_int_equal(version(f), 11); /* what expands was done */
    fixture_run(f, "UPDATE nodes SET schema = 12 WHERE id = 'old'");
    OK(migrate_through(f->db, contracts, ARRAY_LEN(contracts), &f->error));
    assert_int_equal(version(f), 12);
}

/* A process that holds DIR/lock as a server does, until the write end of *RET_END is closed. */
static pid_t server_beside(const struct fixture *f, int *ret_end) {
    int ready[2], end[2];
    assert_int_equal(pipe(ready) | pipe(end), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        char path[80], byte;
        snprintf(path, sizeof path, "%s/lock", f->dir);
        close(end[1]);
        FILE *file = fopen(path, "w");
        if (!file || flock(fileno(file), LOCK_EX)) _exit(1);
        fprintf(file, "%ld\n", (long)getpid());
        fflush(file);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        _exit(read(end[0], &byte, 1) != 0);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]), close(ready[1]), close(end[0]);
    *ret_end = end[1];
    return child;
}

static void nothing_contracts_under_a_server(void **state) {
    struct fixture *f = *state;
    SQLITE_ALONE;
    int end, status;
    pid_t child = server_beside(f, &end);
    char number[24];
    snprintf(number, sizeof number, "pid %ld", (long)child);
    FAILS(ERR_CONFLICT, migrate_through(f->db, contracts, ARRAY_LEN(contracts), &f->error));
    assert_non_null(strstr(f->error.message, number));
    assert_int_equal(version(f), 11);
    close(end);
    assert_true(waitpid(child, &status, 0) == child && status == 0);
    OK(migrate_through(f->db, contracts, ARRAY_LEN(contracts), &f->error));
    assert_int_equal(version(f), 12);
}

static void what_fails_leaves_nothing(void **state) {
    struct fixture *f = *state;
    FAILS(ERR_CONFLICT, migrate_through(f->db, fails, ARRAY_LEN(fails), &f->error));
    assert_int_equal(version(f), 10);
    assert_int_equal(number_of(f, DB_EITHER(f->db, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'more'",
                                            "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'more'")),
                     0);
    OK(migrate_through(f->db, expands, ARRAY_LEN(expands), &f->error));
}

struct start {
    struct fixture *f;
    char place[160];
    bool is_small;
    pthread_barrier_t *together;
    struct error error;
    bool ok;
};

static void *start(void *arg) {
    struct start *s = arg;
    struct db *db = NULL;
    const struct connect connect = {.path = s->place, .lock_wait_ms = 20000};
    s->ok =
        fixture_on_postgres() ? db_open_postgres(s->place, 60000, &db, &s->error) : db_open(&connect, &db, &s->error);
    pthread_barrier_wait(s->together);
    if (s->ok)
        s->ok = s->is_small ? migrate_through(db, small, ARRAY_LEN(small), &s->error) : migrate_run(db, &s->error);
    db_close(db);
    return NULL;
}

static void many_start_at_once_on_nothing(void **state) {
    struct fixture *f = *state;
    for (int round = 0; round < ROUNDS; round++) {
        struct start starts[STARTS];
        pthread_t threads[STARTS];
        pthread_barrier_t together;
        pthread_barrier_init(&together, NULL, STARTS);
        char name[24], place[160];
        snprintf(name, sizeof name, "empty%d", round);
        if (fixture_on_postgres()) {
            fixture_create(name, place, sizeof place);
        } else {
            snprintf(place, sizeof place, "%s/%s.db", f->dir, name);
        }
        for (int i = 0; i < STARTS; i++) {
            starts[i] = (struct start){.f = f, .together = &together, .is_small = round % 2};
            memcpy(starts[i].place, place, sizeof place);
            assert_int_equal(pthread_create(&threads[i], NULL, start, &starts[i]), 0);
        }
        for (int i = 0; i < STARTS; i++) {
            pthread_join(threads[i], NULL);
            if (!starts[i].ok) fixture_fail("migrate_run", starts[i].error.message);
        }
        pthread_barrier_destroy(&together);
    }
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)
    const struct CMUnitTest tests[] = {
        CASE(this_program_knows_its_schema),
        CASE(many_start_at_once_on_nothing),
        CASE(what_fails_leaves_nothing),
        CASE(an_old_program_works_on_an_expanded_schema),
        CASE(an_old_program_does_not_start_on_a_contracted_schema),
        CASE(nothing_contracts_while_an_old_node_lives),
        CASE(nothing_contracts_under_a_server),
    };
    fixture_changes_schema = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
