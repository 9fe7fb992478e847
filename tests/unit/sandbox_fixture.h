/* sandbox_fixture: a sandbox in a directory of its own, on a clock that stands still. For tests. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "driver/drivers.h"

enum { PRICE = 1500, PATH = 256 };

static const int64_t START_MS = INT64_C(1767225600000);

struct fixture {
    char dir[PATH];
    struct clock clock;
    struct drivers drivers;
};

static inline void path_in(const struct fixture *f, const char *file, char ret[PATH + 32]) {
    snprintf(ret, PATH + 32, "%s/%s", f->dir, file);
}

static inline void must_open(struct fixture *f) {
    struct error error = {0};
    struct drivers_config config = {.dir = f->dir, .clock = &f->clock};
    if (!drivers_open(&config, &f->drivers, &error)) fail_msg("%s", error.message);
}

static inline void fixture_init(struct fixture *f) {
    const char *tmp = getenv("TMPDIR");
    memset(f, 0, sizeof *f);
    f->clock = clock_manual(START_MS);
    snprintf(f->dir, sizeof f->dir, "%s/dfyd-sandbox-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->dir));
}

static inline void fixture_finish(struct fixture *f) {
    static const char *const files[] = {"sandbox.db", "sandbox.db-wal", "sandbox.db-shm"};
    drivers_close(&f->drivers);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[PATH + 32];
        path_in(f, files[i], path);
        unlink(path);
    }
    assert_int_equal(rmdir(f->dir), 0);
}

static inline void reopen(struct fixture *f) {
    drivers_close(&f->drivers);
    must_open(f);
}
