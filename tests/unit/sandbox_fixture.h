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
#include "driver/dns/dns.h"
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

/* Publishes SETS, whatever is served. */
static inline enum outcome fixture_publish(struct fixture *f, struct str zone, const struct rrset *sets, size_t n,
                                           struct answer *answer) {
    struct arena *arena = arena_create(4096);
    struct dns_zone seen;
    struct zone_change *changes = ARENA_ARRAY(arena, n, struct zone_change);
    assert_int_equal(dns_fetch(f->drivers.dns, zone, sets, n, arena, &seen, NULL), OUTCOME_DONE);
    for (size_t i = 0; i < n; i++) changes[i] = (struct zone_change){.was = seen.served.sets[i], .to = sets[i]};
    enum outcome outcome = dns_change(f->drivers.dns, zone, changes, n, answer);
    arena_destroy(arena);
    return outcome;
}

static inline bool fixture_serves(struct fixture *f, struct str zone, const struct rrset *sets, size_t n) {
    struct arena *arena = arena_create(4096);
    struct dns_zone seen;
    assert_int_equal(dns_fetch(f->drivers.dns, zone, sets, n, arena, &seen, NULL), OUTCOME_DONE);
    bool same = seen.state == DNS_ZONE_OURS;
    for (size_t i = 0; i < n; i++) same &= rrset_same(&seen.served.sets[i], &sets[i]);
    arena_destroy(arena);
    return same;
}
