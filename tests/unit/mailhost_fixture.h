/* mailhost_fixture: the mail host's driver on files in a folder of its own, and other programs' eyes on them. For
 * tests. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/mailbox/mailhost.h"

enum { PATH_BYTES = 512, OUT_BYTES = 8192 };

struct fixture {
    char dir[PATH_BYTES / 2], mailhost[PATH_BYTES / 2 + 16];
    struct mailhost_config config;
    struct mailbox *mailbox;
};

static inline void path_in(const struct fixture *f, const char *file, char ret[PATH_BYTES]) {
    snprintf(ret, PATH_BYTES, "%s/%s", f->mailhost, file);
}

static inline void reopen(struct fixture *f) {
    struct error error = {0};
    mailbox_destroy(f->mailbox);
    f->mailbox = NULL;
    if (!mailbox_mailhost_open(&f->config, &f->mailbox, &error)) fail_msg("%s", error.message);
}

static inline void fixture_init(struct fixture *f) {
    const char *tmp = getenv("TMPDIR");
    *f = (struct fixture){0};
    snprintf(f->dir, sizeof f->dir, "%.200s/dfyd-mhtest-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->mailhost, sizeof f->mailhost, "%s/mailhost", f->dir);
    f->config = (struct mailhost_config){
        .dir = f->mailhost,
        .name = "mx.example.test",
        .mta_sts = "off",
        .quota_bytes = INT64_C(2) << 30,
        .sends_per_day = 500,
    };
    umask(077); /* as dfyd's is */
    reopen(f);
}

static inline void fixture_finish(struct fixture *f) {
    static const char *const files[] = {"mail.db", "signer/dkim.db", "signer", ""};
    char path[PATH_BYTES];
    mailbox_destroy(f->mailbox);
    path_in(f, "mail.db-journal", path); /* who was killed may have left one with nothing in it */
    unlink(path);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        path_in(f, files[i], path);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(f->dir), 0);
}

static inline int setup(void **state) {
    struct fixture *f = malloc(sizeof *f);
    assert_non_null(f);
    fixture_init(f);
    *state = f;
    return 0;
}

static inline int teardown(void **state) {
    fixture_finish(*state);
    free(*state);
    return 0;
}

static inline void assert_str(struct str text, const char *expected) {
    if (!str_is(text, expected)) fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(text), expected);
}

static inline enum outcome create(struct mailbox *mailbox, struct str email, struct str key, struct str password,
                                  struct answer *answer) {
    const struct mailbox_create job = {.email = email, .key = key, .password = password, .provider = PROVIDER_AIRMAIL};
    return mailbox_create(mailbox, &job, answer);
}

/* ---- other programs' eyes ---- */

static inline sqlite3 *open_file(const struct fixture *f, const char *file, int flags) {
    char path[PATH_BYTES];
    sqlite3 *db;
    path_in(f, file, path);
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) fail_msg("%s: %s", path, sqlite3_errmsg(db));
    return db;
}

/* The first column of all rows, between spaces; "none" without rows. ARG goes in where SQL has a `?`. */
static inline struct str query(const struct fixture *f, const char *file, const char *sql, struct str arg,
                               struct arena *arena) {
    sqlite3 *db = open_file(f, file, SQLITE_OPEN_READONLY);
    sqlite3_stmt *stmt;
    struct str text = STR("");
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (sqlite3_bind_parameter_count(stmt)) sqlite3_bind_text(stmt, 1, arg.p, (int)arg.n, SQLITE_STATIC);
    int rows = 0, rc;
    for (; (rc = sqlite3_step(stmt)) == SQLITE_ROW; rows++)
        text =
            arena_printf(arena, "%.*s%s%s", STR_ARG(text), rows ? " " : "", (const char *)sqlite3_column_text(stmt, 0));
    if (rc != SQLITE_DONE) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return rows ? text : STR("none");
}

static inline void execute(const struct fixture *f, const char *file, const char *sql) {
    sqlite3 *db = open_file(f, file, SQLITE_OPEN_READWRITE);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static inline bool file_holds(const struct fixture *f, const char *file, struct str part) {
    char path[PATH_BYTES];
    struct stat about;
    path_in(f, file, path);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    assert_int_equal(fstat(fileno(in), &about), 0);
    char *bytes = malloc((size_t)about.st_size + 1);
    assert_non_null(bytes);
    size_t n = fread(bytes, 1, (size_t)about.st_size, in);
    fclose(in);
    bool found = false;
    for (size_t i = 0; i + part.n <= n && !found; i++) found = memcmp(bytes + i, part.p, part.n) == 0;
    free(bytes);
    return found;
}
