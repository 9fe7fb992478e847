/* The disk that loses power: SQLite on it keeps every committed row, no half transaction, and loses what was not
 * synced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "crashfs.h"

enum { LIVES = 15, TRANSACTIONS = 8, PARTS_MAX = 20 };

struct mode {
    const char *pragmas;
    struct crashfs_faults faults;
    bool keeps; /* whether committed means safe */
};

struct tally {
    int64_t lost, torn, damaged;
};

static sqlite3 *open_db(const char *pragmas) {
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2("test.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "crashfs"), SQLITE_OK);
    /* May fail when the power goes during recovery; the caller then crashes again. */
    sqlite3_exec(db, pragmas, NULL, NULL, NULL);
    sqlite3_exec(db,
                 "create table if not exists part(transaction_no integer, part integer, filler blob);"
                 "create table if not exists whole(transaction_no integer primary key, parts integer)",
                 NULL, NULL, NULL);
    return db;
}

static int64_t value_of(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(stmt, 0);
        value = text && strcmp((const char *)text, "ok") == 0 ? 0 : sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return value;
}

/* SQLITE_OK when SQLite said that it is committed. */
static int run_transaction(sqlite3 *db, struct rng *rng, int64_t no) {
    char sql[200];
    int parts = 1 + (int)rng_below(rng, PARTS_MAX);
    int code = sqlite3_exec(db, "begin immediate", NULL, NULL, NULL);
    for (int part = 0; code == SQLITE_OK && part < parts; part++) {
        snprintf(sql, sizeof sql, "insert into part values(%lld, %d, zeroblob(%u))", (long long)no, part,
                 (unsigned)rng_below(rng, 900));
        code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    snprintf(sql, sizeof sql, "insert into whole values(%lld, %d); commit", (long long)no, parts);
    if (code == SQLITE_OK) code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK) sqlite3_exec(db, "rollback", NULL, NULL, NULL);
    return code;
}

static void run_mode(struct crashfs *fs, uint64_t seed, const struct mode *mode, struct tally *tally) {
    struct rng rng = rng_seeded(seed), disk = rng_seeded(seed + 1000000);
    bool committed[LIVES * TRANSACTIONS] = {false};
    int64_t no = 0;
    crashfs_reset(fs, &disk);
    for (int life = 0; life < LIVES; life++) {
        bool calm = life % 5 == 0; /* so that something is committed in every seed */
        if (!calm) crashfs_set_faults(fs, mode->faults);
        sqlite3 *db = open_db(mode->pragmas);
        for (int i = 0; i < TRANSACTIONS && !crashfs_is_off(fs); i++, no++)
            committed[no] = run_transaction(db, &rng, no) == SQLITE_OK;
        crashfs_power_off(fs);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        crashfs_crash(fs);

        db = open_db(mode->pragmas);
        if (value_of(db, "pragma integrity_check") != 0) {
            tally->damaged++;
            assert_int_equal(sqlite3_close(db), SQLITE_OK);
            return;
        }
        for (int64_t i = 0; i < no; i++) {
            char sql[200];
            if (!committed[i]) continue;
            snprintf(sql, sizeof sql, "select count(*) from whole where transaction_no = %lld", (long long)i);
            if (value_of(db, sql) != 1) tally->lost++, committed[i] = false;
        }
        if (value_of(db, "select count(*) from whole w where parts <> (select count(*) from part p where "
                         "p.transaction_no = w.transaction_no)") != 0 ||
            value_of(db, "select count(*) from part where transaction_no not in (select transaction_no from whole)") !=
                0)
            tally->torn++;
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
}

static struct tally run_seeds(const struct mode *mode, struct crashfs_counts *ret_counts) {
    struct tally tally = {0};
    struct crashfs_counts counts = {0};
    struct crashfs *fs = crashfs_create("crashfs");
    for (uint64_t seed = 1; seed <= 20; seed++) {
        run_mode(fs, seed, mode, &tally);
        counts.changes_lost += crashfs_counts(fs).changes_lost;
        counts.faults += crashfs_counts(fs).faults;
        counts.crashes += crashfs_counts(fs).crashes;
    }
    crashfs_destroy(fs);
    *ret_counts = counts;
    return tally;
}

static const struct crashfs_faults rough = {.write = 5, .full = 5, .sync = 20, .power_cut = 4};

#define WAL "pragma locking_mode=exclusive; pragma journal_mode=wal; pragma wal_autocheckpoint=20;"

static void keeps(const struct mode *mode) {
    struct crashfs_counts counts;
    struct tally tally = run_seeds(mode, &counts);
    assert_int_equal(tally.damaged, 0);
    assert_int_equal(tally.lost, 0);
    assert_int_equal(tally.torn, 0);
    assert_true(counts.crashes >= INT64_C(20) * LIVES);
    assert_true(counts.changes_lost > 0);
    if (mode->faults.write) assert_true(counts.faults > 0);
}

static void wal_keeps_what_was_committed(void **state) {
    (void)state;
    keeps(&(struct mode){WAL "pragma synchronous=full;", {.power_cut = 4}, true});
}

static void wal_keeps_it_on_a_failing_disk(void **state) {
    (void)state;
    keeps(&(struct mode){WAL "pragma synchronous=full;", rough, true});
}

static void rollback_journal_keeps_what_was_committed(void **state) {
    (void)state;
    keeps(&(struct mode){"pragma journal_mode=delete; pragma synchronous=extra;", {.power_cut = 4}, true});
}

/* The disk must be able to lose: without syncs the same test has to fail. */
static void without_syncs_it_is_lost(void **state) {
    (void)state;
    struct crashfs_counts counts;
    struct mode mode = {WAL "pragma synchronous=off;", {.power_cut = 4}, false};
    struct tally tally = run_seeds(&mode, &counts);
    assert_true(tally.lost + tally.damaged > 0);
}

static void a_failing_disk_is_told(void **state) {
    (void)state;
    struct rng rng = rng_seeded(7);
    struct crashfs *fs = crashfs_create("crashfs");
    crashfs_reset(fs, &rng);
    sqlite3 *db = open_db(WAL "pragma synchronous=full;");
    struct {
        struct crashfs_faults faults;
        int code;
    } cases[] = {
        {{.full = 1000}, SQLITE_FULL},
        {{.write = 1000}, SQLITE_IOERR_WRITE},
        {{.sync = 1000}, SQLITE_IOERR_FSYNC},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        crashfs_set_faults(fs, cases[i].faults);
        assert_int_equal(run_transaction(db, &rng, (int64_t)i) & 0xff, cases[i].code & 0xff);
        crashfs_set_faults(fs, (struct crashfs_faults){0});
        assert_int_equal(run_transaction(db, &rng, 100 + (int64_t)i), SQLITE_OK);
    }
    assert_int_equal(value_of(db, "select count(*) from whole"), 3);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    crashfs_destroy(fs);
}

static void a_kept_disk_comes_back(void **state) {
    (void)state;
    struct rng rng = rng_seeded(8);
    struct crashfs *fs = crashfs_create("crashfs");
    crashfs_reset(fs, &rng);
    sqlite3 *db = open_db(WAL);
    assert_int_equal(run_transaction(db, &rng, 1), SQLITE_OK);
    sqlite3_close(db);
    crashfs_keep(fs);
    db = open_db(WAL);
    assert_int_equal(run_transaction(db, &rng, 2), SQLITE_OK);
    sqlite3_close(db);
    crashfs_reset(fs, &rng);
    crashfs_restore(fs);
    db = open_db(WAL);
    assert_int_equal(value_of(db, "select max(transaction_no) from whole"), 1);
    sqlite3_close(db);
    crashfs_destroy(fs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wal_keeps_what_was_committed),
        cmocka_unit_test(wal_keeps_it_on_a_failing_disk),
        cmocka_unit_test(rollback_journal_keeps_what_was_committed),
        cmocka_unit_test(without_syncs_it_is_lost),
        cmocka_unit_test(a_failing_disk_is_told),
        cmocka_unit_test(a_kept_disk_comes_back),
    };
    return cmocka_run_group_tests_name("crashfs", tests, NULL, NULL);
}
