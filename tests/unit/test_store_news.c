/* News between two nodes on one PostgreSQL: each change of what a caller's identity is made of is heard by the other,
 * and what is no change of it is not. And the database's arithmetic of shares is that of core/share.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/clock.h"
#include "share_row.h"
#include "store/connect.h"
#include "store/credit.h"
#include "store/keys.h"
#include "store/price_book.h"
#include "store/promotions.h"
#include "store/rates.h"
#include "store/restrictions.h"
#include "store/store.h"
#include "store/workspaces.h"

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        if (!(call)) fail_msg("%s: %s", #call, error.message);                                                         \
    } while (0)
#define WORKSPACE "01900000-0000-7000-8000-000000000001"
#define KEY "01900000-0000-7000-8000-000000000002"

enum { NOW = 1000000, LIMIT_MS = 20000 };

static struct store *here, *there;
static char url[300];
static atomic_int said;

static void tell(void *arg, const char *event, const char *reason, const char *next) {
    (void)arg;
    printf("%s: %s: %s\n", event, reason, next);
    atomic_fetch_add(&said, 1);
}

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int64_t ask(const char *sql) {
    struct db *db;
    struct error error;
    OK(db_open_postgres(url, LIMIT_MS, &db, &error));
    struct stmt *stmt = db_stmt(db, sql);
    assert_int_equal(stmt_step(stmt, &error), DB_ROW);
    int64_t n = stmt_col_int(stmt, 0);
    stmt_done(stmt);
    db_close(db);
    return n;
}

static void wait_until_moved(struct store *store, enum store_topic topic, uint64_t before, const char *what) {
    int64_t until = clock_steady_ms() + LIMIT_MS;
    while (store_generation(store, topic) == before) {
        if (clock_steady_ms() > until) fail_msg("%s was not heard", what);
        sleep_ms(1);
    }
}

static int set_up(void **state) {
    (void)state;
    const char *base = getenv("DFYD_TEST_POSTGRES"), *at = base ? strstr(base, "@?host=") : NULL;
    if (!at) return -1;
    struct error error;
    struct db *db;
    snprintf(url, sizeof url, "%.*spostgres%s", (int)(at - base), base, at + 1);
    OK(db_open_postgres(url, LIMIT_MS, &db, &error));
    OK(db_exec(db, "CREATE DATABASE news", &error));
    db_close(db);
    snprintf(url, sizeof url, "%.*snews%s", (int)(at - base), base, at + 1);
    const struct store_config config = {.url = url, .connections = 4, .wait_ms = LIMIT_MS, .tell = tell};
    OK(store_open(&config, &here, &error));
    OK(store_open(&config, &there, &error));
    /* Both hear when they have heard their own trial, which moves identities. */
    wait_until_moved(here, STORE_IDENTITIES, 1, "the first node's trial");
    wait_until_moved(there, STORE_IDENTITIES, 1, "the second node's trial");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    store_close(here);
    store_close(there);
    return 0;
}

/* ---- what identities are made of ---- */

static bool add_workspace(struct db *db, struct error *reterr) {
    struct workspace workspace = {.id = WORKSPACE, .name = STR("acme"), .plan_active = true, .created_ms = NOW};
    return workspace_add(db, &workspace, reterr);
}

static bool rename_workspace(struct db *db, struct error *reterr) {
    const struct workspace_change change = {.has_name = true, .name = STR("acme2")};
    return workspace_change(db, STR(WORKSPACE), &change, NOW, reterr);
}

static bool end_plan(struct db *db, struct error *reterr) {
    return workspace_set_plan(db, STR(WORKSPACE), false, reterr);
}

static bool set_credit(struct db *db, struct error *reterr) {
    return credit_set_limit(db, STR(WORKSPACE), 100, reterr);
}

static bool add_key(struct db *db, struct error *reterr) {
    const unsigned char hash[KEY_HASH] = {1};
    struct api_key key = {
        .id = KEY, .workspace_id = WORKSPACE, .name = STR("k"), .scopes = STR("all:all"), .hint = "dfyd_1"};
    return key_add(db, &key, hash, reterr);
}

static bool revoke_key(struct db *db, struct error *reterr) {
    return key_revoke(db, STR(KEY), NOW, reterr);
}

static bool set_card(struct db *db, struct error *reterr) {
    const struct card card = {.exists = true,
                              .token = STR("tok_visa"),
                              .brand = STR("visa"),
                              .last4 = STR("4242"),
                              .name_on_card = STR("Ada"),
                              .driver = STR("sandbox")};
    return card_set(db, STR(WORKSPACE), &card, NOW, reterr);
}

static bool remove_card(struct db *db, struct error *reterr) {
    bool removed;
    return card_remove(db, STR(WORKSPACE), &removed, reterr) && removed;
}

static bool set_price(struct db *db, struct error *reterr) {
    const struct price_change change = {.workspace_id = STR(""),
                                        .price = (enum price)0,
                                        .is_set = true,
                                        .amount = 100,
                                        .starts_ms = NOW,
                                        .now_ms = NOW};
    struct price_changed changed;
    return price_book_change(db, &change, &changed, reterr);
}

static bool add_promotion(struct db *db, const char *id, const char *name, int64_t max_orders, struct error *reterr) {
    const struct promotion_row row = {.id = str_of(id),
                                      .name = str_of(name),
                                      .workspace_id = STR(""),
                                      .kind = PROMOTION_PERCENT,
                                      .value = 10,
                                      .starts_ms = NOW,
                                      .ends_ms = INT64_MAX,
                                      .max_orders = max_orders,
                                      .created_ms = NOW};
    return promotion_add(db, &row, reterr);
}

static bool add_limited(struct db *db, struct error *reterr) {
    return add_promotion(db, "p1", "limited", 5, reterr);
}

static bool use_limited(struct db *db, struct error *reterr) {
    return promotion_use(db, STR("p1"), STR(WORKSPACE), 0, NOW, reterr);
}

static bool give_limited_back(struct db *db, struct error *reterr) {
    return promotion_give_back(db, STR("p1"), STR(WORKSPACE), 0, reterr);
}

static bool add_unlimited(struct db *db, struct error *reterr) {
    return add_promotion(db, "p2", "unlimited", 0, reterr);
}

static bool end_promotion(struct db *db, struct error *reterr) {
    return promotion_end(db, STR("limited"), NOW + 1, NOW, reterr);
}

static bool restrict_word(struct db *db, struct error *reterr) {
    const struct restriction restriction = {.entry = STR("word"), .workspace_id = STR("")};
    return restrictions_set(db, &restriction, NOW, reterr);
}

static bool unrestrict_word(struct db *db, struct error *reterr) {
    return restrictions_remove(db, STR("word"), STR(""), reterr);
}

static bool use_unlimited(struct db *db, struct error *reterr) {
    return promotion_use(db, STR("p2"), STR(WORKSPACE), 0, NOW, reterr);
}

static bool beat(struct db *db, struct error *reterr) {
    return stmt_run(db_stmt(db, "UPDATE heartbeat SET beats = beats + 1"), NULL, reterr);
}

typedef bool change_fn(struct db *db, struct error *reterr);

static bool run(struct db *db, void *arg, struct error *reterr) {
    return (*(change_fn **)arg)(db, reterr);
}

static const struct {
    const char *table, *what;
    change_fn *change;
} changes[] = {
    {"workspaces", "a new workspace", add_workspace},
    {"workspaces", "its name", rename_workspace},
    {"workspaces", "its plan", end_plan},
    {"workspaces", "its credit", set_credit},
    {"api_keys", "a new key", add_key},
    {"api_keys", "a revoked key", revoke_key},
    {"cards", "a card", set_card},
    {"cards", "no card", remove_card},
    {"price_versions", "a price", set_price},
    {"promotions", "a promotion with a limit", add_limited},
    {"promotion_uses", "its use", use_limited},
    {"promotion_uses", "a use given back", give_limited_back},
    {"promotions", "its end", end_promotion},
    {"promotions", "a promotion without a limit", add_unlimited},
    {"restrictions", "a restriction", restrict_word},
    {"restrictions", "its end", unrestrict_word},
};

static void identities_are_heard_elsewhere(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct error error = {0};
        uint64_t own = store_generation(here, STORE_IDENTITIES), other = store_generation(there, STORE_IDENTITIES);
        change_fn *change = changes[i].change;
        if (!store_write(here, run, &change, &error))
            fail_msg("%s (%s): %s", changes[i].what, changes[i].table, error.message);
        if (store_generation(here, STORE_IDENTITIES) == own) fail_msg("%s: not seen at once here", changes[i].what);
        wait_until_moved(there, STORE_IDENTITIES, other, changes[i].what);
    }
    assert_int_equal(atomic_load(&said), 0);
}

static void stay_while_others_change(bool *ret) {
    static change_fn *const others[] = {beat, use_unlimited};
    uint64_t identities = store_generation(there, STORE_IDENTITIES);
    for (size_t i = 0; i < 60; i++) {
        struct error error = {0};
        uint64_t any = store_generation(there, STORE_ANYTHING);
        change_fn *change = others[i % 2];
        OK(store_claim(here, run, &change, &error));
        wait_until_moved(there, STORE_ANYTHING, any, "a commit");
    }
    *ret = store_generation(there, STORE_IDENTITIES) == identities;
}

/* After the changes above; identities stay while anything else goes on, or every node would read all callers anew with
 * every order. A node that was kept from hearing for a while does that once, to be sure; not every time. */
static void what_is_no_identity_is_not(void **state) {
    (void)state;
    bool stay = false;
    for (int i = 0; i < 10 && !stay; i++) stay_while_others_change(&stay);
    assert_true(stay);
    assert_int_equal(atomic_load(&said), 0);
}

static void count_news(void *arg) {
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void work_is_told_in_lots(void **state) {
    (void)state;
    change_fn *change = beat;
    static atomic_int news;
    atomic_store(&news, 0);
    store_on_news(there, count_news, &news);
    int64_t began = clock_steady_ms(), took = 0;
    int commits = 0;
    for (bool heard = false; (took < 600 || !heard) && took < LIMIT_MS; commits++) {
        struct error error = {0};
        OK(store_claim(here, run, &change, &error));
        took = clock_steady_ms() - began;
        int n = atomic_load(&news);
        heard = n >= 2 && commits > n;
    }
    store_on_news(there, NULL, NULL);
    took = clock_steady_ms() - began;
    assert_in_range(atomic_load(&news), 2, took / 20 + 3);
    assert_true(commits > atomic_load(&news));
}

/* Both change a caller all the time, and lose their connections meanwhile; at the end neither has missed the last one.
 */
static void lost_connections_are_made_up_for(void **state) {
    (void)state;
    enum { ROUNDS = 20 };
    struct error error = {0};
    change_fn *change = set_credit;
    int late = 0; /* the machine may stand still for a while */
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 2 == 0)
            ask("SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'dfyd news'");
        uint64_t other = store_generation(there, STORE_IDENTITIES);
        int64_t began = clock_steady_ms();
        OK(store_write(here, run, &change, &error));
        wait_until_moved(there, STORE_IDENTITIES, other, "a change while the connection was away");
        late += clock_steady_ms() - began > 1500;
    }
    assert_in_range(late, 0, ROUNDS / 5);
    assert_true(atomic_load(&said) > 0);
}

/* ---- shares ---- */

struct taking {
    struct rate_question questions[RATES_AT_ONCE];
    size_t n;
    struct share_answer answers[RATES_AT_ONCE];
};

static bool take(struct db *db, void *arg, struct error *reterr) {
    struct taking *t = arg;
    return rates_take(db, STR("w"), t->questions, t->n, t->answers, reterr);
}

static bool put_row(struct db *db, void *arg, struct error *reterr) {
    const struct row *row = arg;
    if (!stmt_run(db_stmt(db, "DELETE FROM rate_windows"), NULL, reterr)) return false;
    if (!row->exists) return true;
    struct stmt *stmt = db_stmt(db, "INSERT INTO rate_windows VALUES ('w', 'k', $1, $2)");
    stmt_int(stmt, 1, row->began_ms);
    stmt_int(stmt, 2, row->taken);
    return stmt_run(stmt, NULL, reterr);
}

static int64_t time_there(void) {
    return ask("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)");
}

/* The database's clock is its own, so ages stay away from the moments at which the answer changes. */
static void the_database_counts_like_the_model(void **state) {
    (void)state;
    static const int64_t began[] = {0, -5000, -30000, -65000, -90000, -1000000}, ages[] = {0, 10000, 40000};
    struct error error = {0};
    for (size_t i = 0; i < 300;) {
        uint32_t r = randombytes_random(), most = 1 + randombytes_uniform(300);
        int64_t now = time_there();
        struct row row = {
            .exists = r % 7 != 0, .began_ms = now + began[r / 7 % 6], .taken = randombytes_uniform(most + 10)};
        struct share_question q = {
            .most = most,
            .lasts_ms = 60000,
            .age_ms = ages[r / 42 % 3],
            .own = randombytes_uniform(most / 10 + 2),
            .waiting = 1 + randombytes_uniform(9),
            .extra = randombytes_uniform(most / 20 + 1),
            .nodes = 1 + randombytes_uniform(5),
        };
        /* An age of 0 is later than a beginning of now by the time that this takes. */
        if (row.began_ms == now) row.began_ms -= 2000;
        OK(store_tally(here, LIMIT_MS, put_row, &row, &error));
        struct taking taking = {.questions = {{STR("k"), q}}, .n = 1};
        OK(store_tally(here, LIMIT_MS, take, &taking, &error));
        if (time_there() - now > 1000) continue; /* the machine stood still meanwhile: asked at another time */
        i++;
        struct share_answer expected = row_take(&row, &q, now), got = taking.answers[0];
        int64_t off = expected.ends_in_ms - got.ends_in_ms;
        if (got.given != expected.given || got.rest != expected.rest || off < -1000 || off > 1000)
            fail_msg("case %zu: given %u of %u, rest %u of %u, ends in %lld of %lld ms", i, got.given, expected.given,
                     got.rest, expected.rest, (long long)got.ends_in_ms, (long long)expected.ends_in_ms);
        assert_int_equal(ask("SELECT taken FROM rate_windows"), row.taken);
    }
}

static void several_windows_at_once(void **state) {
    (void)state;
    struct error error = {0};
    struct row none = {0};
    OK(store_tally(here, LIMIT_MS, put_row, &none, &error));
    struct taking taking = {.n = RATES_AT_ONCE};
    static const char *const kinds[] = {"all:1000", "all:60000", "POST:/a/{}:1000", "POST:/a/{}:60000"};
    for (size_t i = 0; i < RATES_AT_ONCE; i++)
        taking.questions[i] = (struct rate_question){
            str_of(kinds[i]),
            {.most = 10 * (uint32_t)(i + 1), .lasts_ms = 60000, .waiting = (uint32_t)i + 1, .nodes = 1}};
    OK(store_tally(there, LIMIT_MS, take, &taking, &error));
    for (uint32_t i = 0; i < RATES_AT_ONCE; i++) {
        assert_int_equal(taking.answers[i].given, i + 1);
        assert_int_equal(taking.answers[i].rest, 10 * (i + 1) - (i + 1));
    }
    assert_int_equal(ask("SELECT COUNT(*) FROM rate_windows"), RATES_AT_ONCE);
}

int main(void) {
    if (sodium_init() < 0 || !getenv("DFYD_TEST_POSTGRES")) return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities_are_heard_elsewhere),
        cmocka_unit_test(what_is_no_identity_is_not),
        cmocka_unit_test(work_is_told_in_lots),
        cmocka_unit_test(lost_connections_are_made_up_for),
        cmocka_unit_test(the_database_counts_like_the_model),
        cmocka_unit_test(several_windows_at_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
