/* idempotent: a key from its claim to its stored answer, and what becomes of it when the disk is full meanwhile. */
#include "api/idempotent.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

enum { LEASE_MS = 60000 };

static const char workspace_id[] = "01900000-0000-7000-8000-000000000001";

struct desk {
    char dir[32];
    struct store *store;
    struct clock clock;
    struct world world;
    struct api_config config;
    struct identity identity;
    struct http_request request;
    struct http_response response;
    struct idempotent *idempotent;
    struct call call;
    struct held_key key; /* claimed last */
};

static bool add_workspace(struct db *db, void *arg, struct error *reterr) {
    (void)arg;
    struct workspace workspace = {.name = STR("default"), .plan_active = true};
    memcpy(workspace.id, workspace_id, sizeof workspace_id);
    return workspace_add(db, &workspace, reterr);
}

static int set_up(void **state) {
    struct desk *d = calloc(1, sizeof *d);
    if (!d) return -1;
    *state = d;
    memcpy(d->dir, "/tmp/dfyd-test-XXXXXX", sizeof "/tmp/dfyd-test-XXXXXX");
    assert_non_null(mkdtemp(d->dir));
    log_set_level(LOG_OFF);
    signal(SIGXFSZ, SIG_IGN);
    struct store_config config = {.dir = d->dir};
    struct error error = {0};
    if (!store_open(&config, &d->store, &error) || !store_write(d->store, add_workspace, NULL, &error))
        fail_msg("%s", error.message);
    d->clock = clock_manual(1000000);
    d->world = (struct world){.clock = &d->clock, .store = d->store, .lease_ms = LEASE_MS};
    d->config.world = &d->world;
    memcpy(d->identity.workspace.id, workspace_id, sizeof workspace_id);
    buf_init(&d->response.body, 1 << 16);
    d->idempotent = idempotent_create(d->store);
    d->call = (struct call){
        .config = &d->config,
        .idempotent = d->idempotent,
        .request = &d->request,
        .response = &d->response,
        .arena = arena_create(1024),
        .identity = &d->identity,
    };
    return 0;
}

static void remove_folder(const char *path) {
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        char file[512];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.') unlink(file);
    }
    closedir(dir);
    rmdir(path);
}

static int tear_down(void **state) {
    struct desk *d = *state;
    idempotent_destroy(d->idempotent);
    store_close(d->store);
    arena_destroy(d->call.arena);
    buf_finish(&d->response.body);
    remove_folder(d->dir);
    free(d);
    return 0;
}

/* What a request with BODY under KEY gets: 0 when the key is its own now, else the status. */
static int claim(struct desk *d, const char *key, const char *body) {
    d->request.body = str_of(body);
    d->response.status = 0;
    d->response.n_headers = 0;
    buf_clear(&d->response.body);
    d->key = (struct held_key){.key = str_of(key)};
    return idempotent_claim(&d->call, &d->key, "") ? 0 : d->response.status;
}

static void the_first_runs_and_the_others_wait_or_get_its_answer(void **state) {
    struct desk *d = *state;
    struct error error = {0};
    assert_int_equal(claim(d, "a", "{}"), 0);
    assert_int_equal(claim(d, "a", "{}"), 409);
    const struct held_key a = d->key;
    assert_int_equal(claim(d, "a", "{ }"), 422);
    assert_int_equal(claim(d, "b", "{}"), 0);
    assert_true(idempotent_store(&d->call, &a, STR("{\"x\":1}"), &error));
    assert_int_equal(claim(d, "a", "{}"), 200);
    assert_true(str_is(buf_str(&d->response.body), "{\"x\":1}"));
    assert_string_equal(d->response.headers[0].name, "Idempotency-Replayed");
    assert_string_equal(d->response.headers[0].value, "true");
    assert_int_equal(claim(d, "a", "{ }"), 422);
    assert_int_equal(claim(d, "b", "{}"), 409);
}

static void a_dropped_key_is_as_new(void **state) {
    struct desk *d = *state;
    assert_int_equal(claim(d, "a", "{}"), 0);
    idempotent_drop(&d->call, &d->key);
    assert_int_equal(claim(d, "a", "{ }"), 0);
}

/* Files can no longer grow, or be written at all: as a full disk. */
static void set_disk(bool full) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = full ? 0 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Without this the retry that the 503 asks for would be answered 409 until the next start. */
static void a_key_that_a_full_disk_kept_is_free_once_there_is_room(void **state) {
    struct desk *d = *state;
    assert_int_equal(claim(d, "a", "{}"), 0);
    const struct held_key a = d->key;
    assert_int_equal(claim(d, "b", "{}"), 0);
    const struct held_key b = d->key;
    set_disk(true);
    idempotent_drop(&d->call, &a);
    idempotent_drop(&d->call, &b);
    assert_int_equal(claim(d, "c", "{}"), 503);
    assert_int_equal(claim(d, "a", "{}"), 503);
    set_disk(false);
    assert_int_equal(claim(d, "a", "{}"), 0);
    assert_int_equal(claim(d, "b", "{}"), 0);
    assert_int_equal(claim(d, "c", "{}"), 0);
    assert_int_equal(claim(d, "a", "{}"), 409);
}

static bool count_keys(struct db *db, void *arg, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT COUNT(*) FROM idempotency_keys");
    if (stmt_step(stmt, reterr) != DB_ROW) return false;
    *(int64_t *)arg = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    return true;
}

static int64_t n_keys(struct desk *d) {
    int64_t n = -1;
    struct error error = {0};
    if (!store_read(d->store, count_keys, &n, &error)) fail_msg("%s", error.message);
    return n;
}

/* Also when no request with a key follows that would do it. */
static void tidying_frees_what_a_full_disk_kept(void **state) {
    struct desk *d = *state;
    assert_int_equal(claim(d, "a", "{}"), 0);
    const struct held_key a = d->key;
    assert_int_equal(claim(d, "b", "{}"), 0);
    const struct held_key b = d->key;
    assert_int_equal(claim(d, "c", "{}"), 0);
    set_disk(true);
    idempotent_drop(&d->call, &a);
    idempotent_drop(&d->call, &b);
    idempotent_tidy(d->idempotent);
    set_disk(false);
    assert_int_equal(n_keys(d), 3);
    idempotent_tidy(d->idempotent);
    assert_int_equal(n_keys(d), 1);
    assert_int_equal(claim(d, "c", "{}"), 409);
    /* Given back once: who claims it now keeps it. */
    assert_int_equal(claim(d, "a", "{}"), 0);
    idempotent_tidy(d->idempotent);
    assert_int_equal(claim(d, "a", "{}"), 409);
}

/* Its request may be dead, or only slow: then it neither answers under the key nor gives it back. */
static void a_key_is_taken_over_from_who_is_taken_for_dead(void **state) {
    struct desk *d = *state;
    struct error error = {0};
    assert_int_equal(claim(d, "a", "{}"), 0);
    const struct held_key slow = d->key;
    d->clock.manual_ms += LEASE_MS - 1;
    assert_int_equal(claim(d, "a", "{}"), 409);
    d->clock.manual_ms++;
    assert_int_equal(claim(d, "a", "{}"), 0);
    const struct held_key other = d->key;
    assert_int_equal(claim(d, "a", "{}"), 409);
    assert_false(idempotent_store(&d->call, &slow, STR("slow"), &error));
    assert_int_equal(error.code, ERR_CONFLICT);
    idempotent_drop(&d->call, &slow);
    assert_int_equal(claim(d, "a", "{}"), 409);
    assert_true(idempotent_store(&d->call, &other, STR("{\"x\":2}"), &error));
    assert_false(idempotent_store(&d->call, &slow, STR("slow"), &error));
    d->clock.manual_ms += 2 * (int64_t)LEASE_MS;
    assert_int_equal(claim(d, "a", "{}"), 200);
    assert_true(str_is(buf_str(&d->response.body), "{\"x\":2}"));
    /* With another body, too: nothing was done under the first. */
    assert_int_equal(claim(d, "b", "{}"), 0);
    assert_int_equal(claim(d, "b", "{ }"), 422);
    d->clock.manual_ms += LEASE_MS;
    assert_int_equal(claim(d, "b", "{ }"), 0);
    assert_int_equal(claim(d, "b", "{}"), 422);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_runs_and_the_others_wait_or_get_its_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dropped_key_is_as_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_a_full_disk_kept_is_free_once_there_is_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tidying_frees_what_a_full_disk_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_taken_over_from_who_is_taken_for_dead, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
