#include "run.h"

#include <malloc.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "inside.h"
#include "step/deliver.h"
#include "step/settle.h"
#include "store/care.h"
#include "store/checkout.h"
#include "store/credit.h"
#include "store/idempotency.h"
#include "store/inventory.h"
#include "store/refunds.h"
#include "store/renewals.h"
#include "store/workspaces.h"

enum {
    START_TRIES = 6, /* after that a start is left alone */
    DEPTH_MAX = 2,
    CREDIT_LIMIT = 15000,
    SWAP_MS = 86400000,
    CHECKOUT_MS = 300000,
};

static const int64_t start_ms = INT64_C(1790000000000); /* September 2026 */
static const int64_t lease_ms = 60000, hour_ms = 3600000, day_ms = 86400000;
static const int64_t dkim_overlap_ms = 7 * INT64_C(86400000);

/* Moments at which calendars are odd: the ends of months, before and after a 15th, a leap day. */
static const int64_t odd_ms[] = {
    INT64_C(1801396800000), /* 2027-01-31T12:00 */ INT64_C(1803859140000), /* 2027-02-28T23:59 */
    INT64_C(1805068740000), /* 2027-03-14T23:59 */ INT64_C(1813060800000), /* 2027-06-15T12:00 */
    INT64_C(1830297540000), /* 2027-12-31T23:59 */ INT64_C(1831507200000), /* 2028-01-15T00:00 */
    INT64_C(1832875200000), /* 2028-01-30T20:00 */ INT64_C(1835352000000), /* 2028-02-28T12:00 */
    INT64_C(1835416800000),                                                /* 2028-02-29T06:00 */
};

static const char vfs_name[] = "dfyd-sim";

const char *const workspace_ids[WORKSPACES] = {"01900000-0000-7000-8000-000000000001",
                                               "01900000-0000-7000-8000-000000000002"};

/* The first word of some makes the sandbox's registrar or DNS host misbehave. */
static const char *const names[] = {
    "alpha.com",      "bravo.com",       "carol.org",        "delta.com",     "echo.org",       "foxtrot.com",
    "golf.com",       "hotel.org",       "india.com",        "flaky-fox.com", "slow-snail.com", "lost-key.com",
    "refused-me.com", "snatched-it.org", "flakydns-lee.com", "nodns-jay.com", "noweb-kit.org",  "taken-away.com",
};

struct sim {
    struct crashfs *fs;
    struct rng image_rng;
    struct restricted *restricted;
    struct history *history;
    struct run run;
};

bool run_is_dead(const struct run *run) {
    return !run->store || crashfs_is_off(run->fs);
}

bool run_happens(struct run *run, uint32_t permille) {
    return permille != 0 && rng_below(&run->rng, 1000) < permille;
}

static uint32_t draw(struct run *run, uint32_t below) {
    return rng_below(&run->rng, below);
}

/* --- the first image of the disk --------------------------------------------------------------------------------- */

static bool fill_change(struct db *db, void *arg, struct error *reterr) {
    struct arena *arena = arg;
    for (int i = 0; i < WORKSPACES; i++) {
        struct workspace workspace = {
            .name = arena_printf(arena, "client %d", i), .plan_active = true, .created_ms = start_ms};
        memcpy(workspace.id, workspace_ids[i], UUID_TEXT);
        const struct card card = {.exists = true,
                                  .token = STR("tok_visa"),
                                  .brand = STR("visa"),
                                  .last4 = STR("4242"),
                                  .name_on_card = STR("Ann Example"),
                                  .driver = STR("sandbox")};
        if (!workspace_add(db, &workspace, reterr) || !card_set(db, str_of(workspace.id), &card, start_ms, reterr) ||
            !credit_set_limit(db, str_of(workspace.id), CREDIT_LIMIT, reterr))
            return false;
    }
    for (int i = 0; i < STOCK; i++) {
        struct account accounts[STOCK_ACCOUNTS] = {{STR("warma"), STR("Warm"), STR("Ann")},
                                                   {STR("flaky.warmb"), STR("Warm"), STR("Bob")}};
        struct stock stock = {.domain = arena_printf(arena, "warm%d.com", i),
                              .provider = PROVIDER_GOOGLE,
                              .accounts = accounts,
                              .n_accounts = STOCK_ACCOUNTS};
        if (!inventory_add(db, &stock, start_ms, reterr)) return false;
    }
    return true;
}

static bool is_filled(struct db *db, void *arg, struct error *reterr) {
    struct arena *arena = arg;
    struct workspace workspace;
    return workspace_find(db, str_of(workspace_ids[0]), arena, &workspace, reterr);
}

static bool open_store(struct store **ret, struct error *reterr) {
    const struct store_config config = {.dir = "/sim", .vfs = vfs_name, .single = true};
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    if (!store_open(&config, ret, reterr)) return false;
    struct error ignored;
    if (store_read(*ret, is_filled, arena, &ignored) || store_write(*ret, fill_change, arena, reterr)) return true;
    store_close(*ret);
    *ret = NULL;
    return false;
}

bool sim_create(struct history *history, struct sim **ret, struct error *reterr) {
    /* One thread; and most of the time goes into opening databases again after crashes. */
    sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 1024, 256);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    if (sodium_init() < 0) return error_set(reterr, ERR_INTERNAL, "libsodium cannot start");
    struct sim *sim = calloc(1, sizeof *sim);
    if (!sim) return error_set(reterr, ERR_UNAVAILABLE, "no memory left");
    sim->history = history;
    sim->fs = crashfs_create(vfs_name);
    sim->restricted = restricted_create(&(struct restricted_lists){.keywords = STR("casino\n")});
    sim->image_rng = rng_seeded(0);
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 1, NULL);
    crashfs_reset(sim->fs, &sim->image_rng);
    log_set_level(LOG_OFF);
    struct store *store;
    if (!open_store(&store, reterr)) {
        sim_destroy(sim);
        return false;
    }
    store_close(store);
    crashfs_keep(sim->fs);
    *ret = sim;
    return true;
}

void sim_destroy(struct sim *sim) {
    if (!sim) return;
    restricted_destroy(sim->restricted);
    crashfs_destroy(sim->fs);
    free(sim);
}

/* --- the process ------------------------------------------------------------------------------------------------- */

static void set_weather(struct run *run) {
    /* Some histories are calm, so that little hides what goes wrong; some are wild. */
    uint32_t wild = 1 + draw(run, 4);
    struct hostile_level level = {
        .lose = draw(run, 60 * wild),
        .lose_answer = draw(run, 60 * wild),
        .late = draw(run, 50 * wild),
        .refuse = draw(run, 20 * wild),
        .slow = draw(run, 60 * wild),
        .power_cut = draw(run, 6 * wild),
    };
    hostile_set_level(run->hostile, level);
    run->cut_at_point = draw(run, 20 * wild);
    run->disk_faults = (struct crashfs_faults){.power_cut = draw(run, 2 * wild)};
    crashfs_set_faults(run->fs, run->disk_faults);
}

static void die(struct run *run, bool is_crash) {
    if (is_crash) {
        crashfs_power_off(run->fs);
        run->totals->counts.crashes++;
        history_add(run->history, "CRASH");
    } else {
        history_add(run->history, "stop");
    }
    client_forget(run);
    for (size_t i = 0; i < HELD_MAX; i++) run->held[i].is_used = false;
    store_close(run->store);
    run->store = NULL;
    run->world.store = run->account.store = NULL;
    /* The power may also go during the stop. */
    if (crashfs_is_off(run->fs)) crashfs_crash(run->fs);
    arena_reset(run->life);
}

static bool clear_change(struct db *db, void *arg, struct error *reterr) {
    const struct run *run = arg;
    const struct care_times care = {
        .now_ms = clock_now(&run->clock), .check_ms = run->world.check_ms, .dkim_ms = run->world.dkim_ms};
    return care_free_all(db, &care, reterr) && delivery_free_all(db, clock_now(&run->clock), reterr) &&
           step_free_all(db, clock_now(&run->clock), reterr) && renewal_free_all(db, clock_now(&run->clock), reterr) &&
           checkout_look_at_all(db, clock_now(&run->clock), reterr) &&
           refund_free_all(db, clock_now(&run->clock), reterr) && idempotency_free_orphans(db, reterr);
}

/* Each workspace has a webhook for everything, from before its first order. */
static bool hook_change(struct db *db, void *arg, struct error *reterr) {
    struct run *run = arg;
    static const char *const ids[WORKSPACES] = {"01900000-0000-7000-8000-00000000000a",
                                                "01900000-0000-7000-8000-00000000000b"};
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    for (int i = 0; i < WORKSPACES; i++) {
        struct str workspace_id = str_of(workspace_ids[i]);
        struct webhook webhook = {
            .id = str_of(ids[i]), .workspace_id = workspace_id, .target = STR("https://receiver.example/")};
        struct error missing = {0};
        if (webhook_get(db, workspace_id, webhook.id, arena, &webhook, &missing)) continue;
        if (missing.code != ERR_NOT_FOUND) return error_set(reterr, missing.code, "%s", missing.message);
        struct str sealed = vault_seal(&run->vault, &run->inside_rng, STR("whsec_simulated"), arena);
        if (!webhook_add(db, &webhook, reterr) || !webhook_secret_put(db, workspace_id, sealed, false, reterr))
            return false;
    }
    return true;
}

static bool start_process(struct run *run, struct error *reterr) {
    if (!open_store(&run->store, reterr)) return false;
    run->world.store = run->account.store = run->store;
    ids_init(&run->ids, &run->clock, &run->inside_rng);
    size_t n = 0;
    if (!store_write(run->store, clear_change, run, reterr)) return false;
    if (!store_write(run->store, hook_change, run, reterr)) return false;
    if (!settle_due(&run->world, true, MODEL_ORDERS, &n, reterr)) return false;
    history_add(run->history, "start: %zu open orders", n);
    return true;
}

/* Starts until it holds, through what may go wrong during a start. */
static void start(struct run *run) {
    for (int i = 0; run_is_dead(run) && !model_is_broken(&run->model); i++) {
        bool is_last = run->is_quiet || i == START_TRIES;
        const struct crashfs_faults none = {0};
        crashfs_set_faults(run->fs, is_last ? none : run->disk_faults);
        if (is_last) hostile_set_level(run->hostile, (struct hostile_level){0});
        uint32_t cut = run->cut_at_point;
        if (is_last) run->cut_at_point = 0;
        struct error error = {0};
        bool ok = start_process(run, &error);
        run->cut_at_point = cut;
        if (ok && !run_is_dead(run)) {
            if (is_last && !run->is_quiet) set_weather(run);
            operator_learn(run);
            audit_now(run, true);
            return;
        }
        history_add(run->history, "start fails: %s", ok ? "the power goes" : error.message);
        if (is_last) model_break(&run->model, "it does not start, with nothing in its way: %s", error.message);
        die(run, true);
    }
}

/* --- time -------------------------------------------------------------------------------------------------------- */

static int64_t draw_short_move(struct run *run) {
    uint32_t kind = draw(run, 100);
    return kind < 50   ? (int64_t)draw(run, 3000)
           : kind < 80 ? (int64_t)draw(run, (uint32_t)lease_ms)
           : kind < 92 ? lease_ms + (int64_t)draw(run, (uint32_t)lease_ms)
           : kind < 96 ? (int64_t)draw(run, 5) * hour_ms
           : kind < 98 ? 25 * hour_ms
                       : -(int64_t)draw(run, 5000); /* someone set it back */
}

static int64_t draw_long_move(struct run *run) {
    uint32_t kind = draw(run, 100);
    int64_t ms = (int64_t)draw(run, (uint32_t)day_ms);
    return kind < 55   ? ms + (int64_t)draw(run, 9) * day_ms
           : kind < 96 ? ms + (int64_t)draw(run, 45) * day_ms
           : kind < 98 ? ms + 364 * day_ms
                       : -(int64_t)draw(run, (uint32_t)hour_ms);
}

static void move_clock_by(struct run *run, int64_t ms) {
    run->clock.manual_ms += ms;
    client_see_time(run);
    history_add(run->history, "the clock moves by %lld ms", (long long)ms);
}

static void move_clock(struct run *run) {
    move_clock_by(run, draw_short_move(run));
}

/* Days and months go by, mostly not without some of the work that they make due. */
static void pass_time(struct run *run) {
    move_clock_by(run, draw_long_move(run));
    while (!run_is_dead(run) && run_happens(run, 750)) {
        work_renew(run);
        if (!run_is_dead(run) && draw(run, 2)) work_refund(run);
        if (!run_is_dead(run) && draw(run, 2)) work_care(run);
        if (!run_is_dead(run) && draw(run, 2)) work_claim(run);
        while (!run_is_dead(run) && draw(run, 2) && work_run(run)) continue;
    }
}

static bool expire_change(struct db *db, void *arg, struct error *reterr) {
    return idempotency_expire(db, *(const int64_t *)arg, reterr);
}

static void expire_keys(struct run *run) {
    int64_t before = clock_now(&run->clock) - 24 * hour_ms;
    struct error error = {0};
    model_keys_expire(&run->model, before);
    bool ok = store_write(run->store, expire_change, &before, &error);
    history_add(run->history, "old keys are forgotten%s%s", ok ? "" : ": ", error.message);
}

/* --- what may happen --------------------------------------------------------------------------------------------- */

static void toggle_disk(struct run *run) {
    struct crashfs_faults faults = run->disk_faults;
    run->disk_fails = !run->disk_fails;
    if (run->disk_fails) {
        faults.write = draw(run, 200);
        faults.full = draw(run, 500);
        faults.sync = draw(run, 300);
    }
    crashfs_set_faults(run->fs, faults);
    history_add(run->history, "the disk %s", run->disk_fails ? "begins to fail" : "works again");
}

/* Work that also happens while something else is under way. */
static void act_inside(struct run *run) {
    uint32_t kind = draw(run, 100);
    if (kind < 32)
        client_work(run);
    else if (kind < 34)
        client_cancel(run);
    else if (kind < 36)
        client_forward(run);
    else if (kind < 38 && run->store)
        client_pay(run);
    else if (kind < 50)
        work_claim(run);
    else if (kind < 75)
        work_run(run);
    else if (kind < 83)
        work_settle(run);
    else if (kind < 87)
        work_deliver(run);
    else if (kind < 88)
        work_refund(run);
    else if (kind < 90)
        work_renew(run);
    else if (kind < 91)
        work_care(run);
    else if (kind < 92)
        move_clock(run);
    else if (kind < 94)
        zones_change_by_hand(run);
    else
        hostile_arrive(run->hostile);
}

static void act(struct run *run) {
    if (run->disk_fails && run_happens(run, 200)) toggle_disk(run);
    if (run->is_long && run_happens(run, 120)) {
        pass_time(run);
        return;
    }
    uint32_t kind = draw(run, 1000);
    if (kind < 90)
        client_send(run);
    else if (kind < 140)
        client_repeat(run);
    else if (kind < 470)
        client_work(run);
    else if (kind < 480)
        client_mend(run);
    else if (kind < 500)
        client_pay(run);
    else if (kind < 530)
        client_swap(run);
    else if (kind < 550)
        client_cancel(run);
    else if (kind < 570)
        client_forward(run);
    else if (kind < 580)
        operator_change_card(run);
    else if (kind < 588)
        operator_change_price(run);
    else if (kind < 598)
        operator_promote(run);
    else if (kind < 608)
        operator_see_to_money(run);
    else if (kind < 614)
        zones_repair(run, false);
    else if (kind < 624)
        operator_rotate(run);
    else if (kind < 650)
        work_care(run);
    else if (kind < 690)
        work_claim(run);
    else if (kind < 800)
        work_run(run);
    else if (kind < 828)
        work_settle(run);
    else if (kind < 848)
        work_deliver(run);
    else if (kind < 875)
        work_refund(run);
    else if (kind < (run->is_long ? 895 : 880))
        work_renew(run);
    else if (kind < 925)
        move_clock(run);
    else if (kind < 955)
        hostile_arrive(run->hostile);
    else if (kind < 965)
        expire_keys(run);
    else if (kind < 973)
        toggle_disk(run);
    else if (kind < 985)
        zones_change_by_hand(run);
    else
        die(run, kind < 995);
}

static void meanwhile(void *arg) {
    struct run *run = arg;
    if (run->depth == DEPTH_MAX) return;
    run->depth++;
    run->history->depth++;
    for (uint32_t n = 1 + draw(run, 3); n > 0 && !run_is_dead(run); n--) act_inside(run);
    run->history->depth--;
    run->depth--;
}

/* Points that few histories reach: where the power goes more often instead. */
static bool is_rare(const char *point) {
    static const char *const rare[] = {"swap.", "forward.", "refund.", "renew.", "zone.", "care."};
    for (size_t i = 0; i < ARRAY_LEN(rare); i++)
        if (str_starts(str_of(point), rare[i])) return true;
    return false;
}

static void reached(void *arg, const char *point) {
    struct run *run = arg;
    if (run_is_dead(run)) return;
    size_t i = 0;
    while (i < POINTS_MAX - 1 && run->totals->points[i].name && strcmp(run->totals->points[i].name, point) != 0) i++;
    run->totals->points[i].name = point;
    run->totals->points[i].reached++;
    if (run_happens(run, is_rare(point) ? 4 * run->cut_at_point : run->cut_at_point)) {
        run->totals->points[i].crashed++;
        history_add(run->history, "the power goes at %s", point);
        crashfs_power_off(run->fs);
    } else if (!run->is_quiet && run_happens(run, 30)) {
        meanwhile(run);
    }
}

/* --- the quiet end ----------------------------------------------------------------------------------------------- */

static void quieten(struct run *run) {
    history_add(run->history, "from now on nothing fails");
    run->is_quiet = true;
    run->cut_at_point = 0;
    run->disk_faults = (struct crashfs_faults){0};
    hostile_set_level(run->hostile, (struct hostile_level){0});
    crashfs_set_faults(run->fs, run->disk_faults);
    if (draw(run, 2)) {
        while (client_work(run)) continue;
        while (draw(run, 2) && work_run(run)) continue;
    } else {
        die(run, true);
        start(run);
    }
    while (draw(run, 2) && hostile_arrive(run->hostile)) continue;
    if (!model_is_broken(&run->model)) work_among_hands(run);
    if (!model_is_broken(&run->model)) work_to_the_end(run);
    /* What was on its way all the time comes when everything is over. */
    while (hostile_arrive(run->hostile)) continue;
    die(run, true);
    start(run);
    if (!model_is_broken(&run->model)) work_to_the_end(run);
    if (!model_is_broken(&run->model)) audit_quiet(run);
    if (!model_is_broken(&run->model)) audit_ledger(run);
    if (!model_is_broken(&run->model)) audit_care(run, true);
}

/* --- one run ----------------------------------------------------------------------------------------------------- */

static void draw_names(struct run *run) {
    bool used[ARRAY_LEN(names)] = {false};
    size_t n = 5 + draw(run, 8);
    while (run->n_names < n) {
        size_t i = draw(run, (uint32_t)ARRAY_LEN(names));
        if (used[i]) continue;
        used[i] = true;
        run->names[run->n_names++] = str_of(names[i]);
    }
}

static bool init_run(struct run *run, struct sim *sim, uint64_t seed, unsigned plant, struct sim_totals *totals,
                     struct error *reterr) {
    *run = (struct run){
        .totals = totals,
        .fs = sim->fs,
        .history = sim->history,
        .rng = rng_seeded(seed),
        .disk_rng = rng_seeded(seed ^ UINT64_C(0x6469736b00000000)),
        .outside_rng = rng_seeded(seed ^ UINT64_C(0x6f75747300000000)),
        .inside_rng = rng_seeded(seed ^ UINT64_C(0x696e736900000000)),
        .clock = clock_manual(start_ms),
        .restricted = sim->restricted,
        .arena = arena_create(65536),
        .life = arena_create(65536),
    };
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, (int)(seed & 0x7fffffff) | 1, NULL);
    run->is_long = draw(run, 2);
    if (draw(run, 3) == 0)
        run->clock.manual_ms = odd_ms[draw(run, (uint32_t)ARRAY_LEN(odd_ms))];
    else
        run->clock.manual_ms += (int64_t)draw(run, 1500) * day_ms + (int64_t)draw(run, (uint32_t)day_ms);
    history_start(run->history, &run->clock);
    crashfs_reset(run->fs, &run->disk_rng);
    /* One history in 16 begins with an empty disk, the others with one that was set up. */
    if (seed % 16) crashfs_restore(run->fs);
    model_init(&run->model, run->arena);
    run->requests = ARENA_ARRAY(run->arena, REQUESTS_MAX, struct request);
    for (size_t i = 0; i < TASKS_MAX; i++) run->tasks[i].arena = arena_create(4096);
    vault_init(&run->vault, &run->inside_rng);
    draw_names(run);
    const struct hostile_config config = {
        .dkim_overlap_ms = dkim_overlap_ms,
        .rng = &run->outside_rng,
        .clock = &run->clock,
        .fs = run->fs,
        .history = run->history,
        .meanwhile = meanwhile,
        .meanwhile_arg = run,
    };
    if (!hostile_create(&config, &run->hostile, reterr)) return false;
    run->drivers = hostile_drivers(run->hostile);
    operator_open_credit(run);
    run->world = (struct world){
        .clock = &run->clock,
        .rng = &run->inside_rng,
        .ids = &run->ids,
        .drivers = &run->drivers,
        .vault = &run->vault,
        .edge = {.ipv4 = STR("192.0.2.80")},
        .check_ms = run->is_long ? 15 * day_ms : 0,
        .dkim_ms = run->is_long ? 60 * day_ms : 0,
        .dkim_overlap_ms = dkim_overlap_ms,
        .retry_base_ms = 500,
        .retry_max_ms = 30000,
        .lease_ms = lease_ms,
        .hook_retry_ms = 500,
        .hook_tries = 1000,
        .checkout_ms = CHECKOUT_MS,
        .swap_ms = draw(run, 4) ? SWAP_MS : 0,
        .reached = reached,
        .reached_arg = run,
        .plant = plant,
    };
    return true;
}

static void finish_run(struct run *run) {
    if (run->store) store_close(run->store);
    struct crashfs_counts counts = crashfs_counts(run->fs);
    run->totals->counts.runs++;
    run->totals->counts.key_moves += hostile_key_moves(run->hostile);
    run->totals->counts.changes_lost += counts.changes_lost;
    run->totals->counts.disk_faults += counts.faults;
    operator_close_credit(run);
    hostile_destroy(run->hostile);
    for (size_t i = 0; i < TASKS_MAX; i++) arena_destroy(run->tasks[i].arena);
    arena_destroy(run->life);
    arena_destroy(run->arena);
    vault_finish(&run->vault);
}

static void play(struct run *run) {
    set_weather(run);
    start(run);
    /* What many may want and few can have is there from the beginning, sometimes. */
    while (!model_is_broken(&run->model) && run->store && run_happens(run, 350)) operator_promote(run);
    for (uint32_t n = 60 + draw(run, 91); n > 0 && !model_is_broken(&run->model); n--) {
        act(run);
        run->totals->counts.actions++;
        zones_check_hands(run);
        if (run->store && crashfs_is_off(run->fs)) die(run, true);
        if (run->store)
            audit_now(run, false), audit_care(run, false);
        else
            start(run);
    }
    if (!model_is_broken(&run->model)) quieten(run);
}

bool sim_run(struct sim *sim, uint64_t seed, unsigned plant, struct sim_totals *totals, char broken[BROKEN_TEXT]) {
    struct run *run = &sim->run;
    struct error error = {0};
    if (init_run(run, sim, seed, plant, totals, &error))
        play(run);
    else
        model_break(&run->model, "%s", error.message);
    bool ok = !model_is_broken(&run->model);
    memcpy(broken, run->model.broken, BROKEN_TEXT);
    if (!ok) history_add(run->history, "BROKEN: %s", broken);
    finish_run(run);
    return ok;
}
