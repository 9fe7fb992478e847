/* dfyd-sim: runs seeded histories of dfyd and checks each; see docs/testing.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"
#include "step/world.h"

enum { JOBS_MAX = 64 };

static const char usage[] =
    "usage: dfyd-sim [--seed N | --seeds FROM..TO | --count N] [options]\n"
    "  --seed N           one history\n"
    "  --seeds FROM..TO   all histories of a range\n"
    "  --count N          histories 1 to N (default 1000)\n"
    "  --jobs N           as many processes, which share the seeds; 0: one a processor (default 1)\n"
    "  --verbose          print every history as it happens\n"
    "  --points           also print how often each named point was reached, and how often the power went there\n"
    "  --cover            fail when the power never went at one of the named points\n"
    "  --twice            run each history twice; the second must be the first, byte for byte\n"
    "  --plant NAME       build a known bug in: forget-paid, charge-again, no-look, charge-first, tell-once,\n"
    "                     tell-anyhow, renew-twice, renew-again-unknown, charge-cancelled, refund-twice,\n"
    "                     forget-refund, promo-over, overwrite, sign-unseen, drop-early, keep-key\n"
    "  --expect-failure   succeed when a history fails, fail when none does\n"
    "Exits 0 when every history is as it must be, 1 when one is not, 2 when the command is wrong.\n";

static const struct {
    const char *name;
    unsigned plant;
} plants[] = {
    {"forget-paid", PLANT_FORGET_PAID},
    {"charge-again", PLANT_CHARGE_AGAIN},
    {"no-look", PLANT_NO_LOOK},
    {"charge-first", PLANT_CHARGE_FIRST},
    {"tell-once", PLANT_TELL_ONCE},
    {"tell-anyhow", PLANT_TELL_ANYHOW},
    {"renew-twice", PLANT_RENEW_TWICE},
    {"renew-again-unknown", PLANT_RENEW_UNKNOWN},
    {"charge-cancelled", PLANT_CHARGE_CANCELLED},
    {"refund-twice", PLANT_REFUND_TWICE},
    {"forget-refund", PLANT_FORGET_REFUND},
    {"promo-over", PLANT_PROMO_OVER},
    {"overwrite", PLANT_OVERWRITE},
    {"sign-unseen", PLANT_SIGN_UNSEEN},
    {"drop-early", PLANT_DROP_EARLY},
    {"keep-key", PLANT_KEEP_KEY},
};

struct options {
    int64_t from, to, jobs;
    unsigned plant;
    const char *plant_name;
    bool verbose, points, cover, twice, expect_failure;
};

static bool read_plant(const char *name, struct options *options) {
#ifdef DFYD_TEST_SWITCHES
    for (size_t i = 0; i < ARRAY_LEN(plants); i++) {
        if (strcmp(plants[i].name, name) != 0) continue;
        options->plant = plants[i].plant;
        options->plant_name = plants[i].name;
        return true;
    }
    fprintf(stderr, "dfyd-sim: there is no bug %s to plant\n", name);
#else
    (void)plants, (void)name, (void)options;
    fputs("dfyd-sim: --plant needs a build with -Dtest_switches=true\n", stderr);
#endif
    return false;
}

/* An option that takes a value; *ret_known says whether NAME is one. */
static bool read_value(const char *name, const char *value, struct options *options, bool *ret_known) {
    struct str text = str_of(value), rest;
    *ret_known = true;
    if (strcmp(name, "--plant") == 0) return read_plant(value, options);
    if (strcmp(name, "--seed") == 0) {
        if (!str_to_int(text, 0, INT64_MAX, &options->from)) return false;
        options->to = options->from;
        return true;
    }
    if (strcmp(name, "--jobs") == 0) return str_to_int(text, 0, JOBS_MAX, &options->jobs);
    if (strcmp(name, "--count") == 0) {
        options->from = 1;
        return str_to_int(text, 1, INT64_MAX, &options->to);
    }
    if (strcmp(name, "--seeds") == 0) {
        struct str from = str_cut(text, '.', &rest);
        if (!str_starts(rest, ".")) return false;
        rest.p++, rest.n--;
        return str_to_int(from, 0, INT64_MAX - 1, &options->from) &&
               str_to_int(rest, options->from, INT64_MAX - 1, &options->to);
    }
    *ret_known = false;
    return false;
}

static bool read_options(int argc, char **argv, struct options *ret) {
    *ret = (struct options){.from = 1, .to = 1000, .jobs = 1};
    for (int i = 1; i < argc; i++) {
        bool *flag = strcmp(argv[i], "--verbose") == 0          ? &ret->verbose
                     : strcmp(argv[i], "--points") == 0         ? &ret->points
                     : strcmp(argv[i], "--cover") == 0          ? &ret->cover
                     : strcmp(argv[i], "--twice") == 0          ? &ret->twice
                     : strcmp(argv[i], "--expect-failure") == 0 ? &ret->expect_failure
                                                                : NULL;
        if (flag) {
            *flag = true;
            continue;
        }
        bool known = false;
        if (i + 1 < argc && read_value(argv[i], argv[i + 1], ret, &known)) {
            i++;
            continue;
        }
        fprintf(stderr, "dfyd-sim: %s %s\n", argv[i], known ? "has a wrong value" : "is not known, or lacks its value");
        return false;
    }
    return true;
}

static void print_totals(const struct sim_totals *totals, int64_t failures) {
    const struct sim_counts *t = &totals->counts;
    printf("%lld histories, %lld actions, %lld crashes (%lld disk changes lost), %lld disk errors, "
           "%lld requests: %lld orders placed, %lld declined, %lld refused, %lld answers replayed, %lld overtaken, "
           "%lld mailboxes "
           "cancelled, %lld forwardings changed; "
           "%lld steps run, %lld of them after their lease; %lld events told; %lld refunds, %lld renewals, %lld pages "
           "to pay on, %lld swaps, %lld records changed by hand, %lld times cared for, %lld moves of keys; %lld "
           "failures\n",
           (long long)t->runs, (long long)t->actions, (long long)t->crashes, (long long)t->changes_lost,
           (long long)t->disk_faults, (long long)t->requests, (long long)t->placed, (long long)t->declined,
           (long long)t->refused, (long long)t->replayed, (long long)t->overtaken, (long long)t->cancelled,
           (long long)t->forwarded, (long long)t->steps, (long long)t->stale_steps, (long long)t->told,
           (long long)t->refunds, (long long)t->renewals, (long long)t->pages, (long long)t->swapped,
           (long long)t->by_hand, (long long)t->cares, (long long)t->key_moves, (long long)failures);
}

static void print_points(const struct sim_totals *totals) {
    for (size_t i = 0; i < POINTS_MAX && totals->points[i].name; i++)
        printf("%-20s reached %lld times, the power went %lld times\n", totals->points[i].name,
               (long long)totals->points[i].reached, (long long)totals->points[i].crashed);
}

/* Every point of what runs in here; docs/testing.md says what is durable at each. */
static const char *const all_points[] = {
    "place.reserved",  "place.charged",    "place.closed",    "place.settled",    "place.released",   "settle.claimed",
    "settle.asked",    "settle.recorded",  "checkout.opened", "checkout.kept",    "checkout.asked",   "checkout.ended",
    "cancel.recorded", "forward.intended", "forward.acted",   "forward.recorded", "step.claimed",     "step.looked",
    "step.acted",      "step.recorded",    "deliver.claimed", "deliver.sent",     "deliver.recorded", "renew.collected",
    "renew.claimed",   "renew.started",    "renew.charged",   "renew.closed",     "renew.recorded",   "refund.claimed",
    "refund.acted",    "refund.recorded",  "swap.recorded",   "zone.intended",    "zone.changed",     "zone.recorded",
    "care.claimed",    "care.keyed",       "care.acted",      "care.recorded",
};

static bool covers_all(const struct sim_totals *totals) {
    bool ok = true;
    for (size_t i = 0; i < ARRAY_LEN(all_points); i++) {
        int64_t crashed = 0;
        for (size_t j = 0; j < POINTS_MAX && totals->points[j].name; j++)
            if (strcmp(totals->points[j].name, all_points[i]) == 0) crashed = totals->points[j].crashed;
        if (crashed) continue;
        printf("the power never went at %s\n", all_points[i]);
        ok = false;
    }
    return ok;
}

/* Runs SEED again; the history in HISTORY must come out again. */
static bool replays(struct sim *sim, uint64_t seed, unsigned plant, const struct history *history,
                    char broken[BROKEN_TEXT]) {
    struct buf first;
    char spare[BROKEN_TEXT];
    struct sim_totals totals = {0};
    buf_init(&first, history->lines.max);
    buf_add(&first, buf_str(&history->lines));
    sim_run(sim, seed, plant, &totals, spare);
    bool same = buf_ok(&first) && str_eq(buf_str(&first), buf_str(&history->lines));
    if (!same) snprintf(broken, BROKEN_TEXT, "another history the second time; the second is shown");
    buf_finish(&first);
    return same;
}

static void print_failure(const struct options *options, const struct history *history, int64_t seed,
                          const char *broken) {
    if (!options->verbose) fwrite(history->lines.p, 1, history->lines.n, stdout);
    printf("\nseed %lld is broken: %s\nreplay it with: dfyd-sim --seed %lld --verbose%s%s\n", (long long)seed, broken,
           (long long)seed, options->plant_name ? " --plant " : "", options->plant_name ? options->plant_name : "");
}

/* Whether one history, and its second run if that was asked for, is as it must be. */
static bool run_seed(struct sim *sim, const struct options *options, const struct history *history, int64_t seed,
                     struct sim_totals *totals, char broken[BROKEN_TEXT]) {
    return sim_run(sim, (uint64_t)seed, options->plant, totals, broken) &&
           (!options->twice || replays(sim, (uint64_t)seed, options->plant, history, broken));
}

/* --- many processes ---------------------------------------------------------------------------------------------- */

/* What each of them shows the others; -1: none. */
struct worker {
    int64_t at, failed; /* the seed that it is at, and the one that failed */
    struct sim_totals totals;
};

static int64_t lowest_failure(const struct worker *workers, int64_t n) {
    int64_t lowest = -1;
    for (int64_t i = 0; i < n; i++) {
        int64_t failed = __atomic_load_n(&workers[i].failed, __ATOMIC_RELAXED);
        if (failed >= 0 && (lowest < 0 || failed < lowest)) lowest = failed;
    }
    return lowest;
}

static void work(struct sim *sim, const struct options *options, struct history *history, struct worker *workers,
                 int64_t me) {
    char broken[BROKEN_TEXT];
    for (int64_t seed = options->from + me; seed <= options->to; seed += options->jobs) {
        int64_t failed = lowest_failure(workers, options->jobs);
        if (failed >= 0 && failed < seed) return;
        workers[me].at = seed;
        if (run_seed(sim, options, history, seed, &workers[me].totals, broken)) continue;
        __atomic_store_n(&workers[me].failed, seed, __ATOMIC_RELAXED);
        return;
    }
}

static void add_totals(struct sim_totals *sum, const struct sim_totals *part) {
    int64_t *to = (int64_t *)&sum->counts;
    const int64_t *from = (const int64_t *)&part->counts;
    for (size_t i = 0; i < sizeof sum->counts / sizeof *to; i++) to[i] += from[i];
    for (size_t i = 0; i < POINTS_MAX && part->points[i].name; i++) {
        size_t j = 0;
        while (j < POINTS_MAX - 1 && sum->points[j].name && strcmp(sum->points[j].name, part->points[i].name) != 0) j++;
        sum->points[j].name = part->points[i].name;
        sum->points[j].reached += part->points[i].reached;
        sum->points[j].crashed += part->points[i].crashed;
    }
}

/* Runs all seeds in options->jobs processes. *ret_failed: the lowest seed that failed, or -1. */
static bool run_jobs(struct sim *sim, const struct options *options, struct history *history, struct sim_totals *totals,
                     int64_t *ret_failed) {
    size_t size = (size_t)options->jobs * sizeof(struct worker);
    struct worker *workers = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (workers == MAP_FAILED) return false;
    pid_t pids[JOBS_MAX];
    bool ok = true;
    for (int64_t i = 0; i < options->jobs; i++) workers[i].failed = workers[i].at = -1;
    for (int64_t i = 0; i < options->jobs; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            work(sim, options, history, workers, i);
            _exit(0);
        }
        if (pids[i] < 0) ok = false;
    }
    for (int64_t i = 0; i < options->jobs; i++) {
        int status = 0;
        if (pids[i] < 0 || waitpid(pids[i], &status, 0) < 0) continue;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fprintf(stderr, "dfyd-sim: the process died at seed %lld\n", (long long)workers[i].at);
            ok = false;
        }
        add_totals(totals, &workers[i].totals);
    }
    *ret_failed = lowest_failure(workers, options->jobs);
    munmap(workers, size);
    return ok;
}

/* The seeds one by one; stops at the first failure: its history is what is wanted. */
static int64_t run_all(struct sim *sim, const struct options *options, struct history *history, int64_t from,
                       struct sim_totals *totals) {
    for (int64_t seed = from; seed <= options->to; seed++) {
        char broken[BROKEN_TEXT];
        if (options->verbose) printf("seed %lld\n", (long long)seed);
        if (run_seed(sim, options, history, seed, totals, broken)) continue;
        print_failure(options, history, seed, broken);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    struct options options;
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (!read_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    if (options.jobs == 0) options.jobs = sysconf(_SC_NPROCESSORS_ONLN);
    if (options.jobs < 1) options.jobs = 1;
    if (options.jobs > JOBS_MAX) options.jobs = JOBS_MAX;
    struct history history;
    struct sim *sim;
    struct error error = {0};
    history_init(&history, options.verbose);
    if (!sim_create(&history, &sim, &error)) {
        fprintf(stderr, "dfyd-sim: %s\n", error.message);
        history_finish(&history);
        return 2;
    }
    struct sim_totals totals = {0}, spare = {0};
    int64_t failures = 0, failed = -1;
    bool ok = true;
    if (options.jobs == 1 || options.verbose)
        failures = run_all(sim, &options, &history, options.from, &totals);
    else if ((ok = run_jobs(sim, &options, &history, &totals, &failed)) && failed >= 0) {
        /* Its history was made in another process, and comes out again here. */
        options.to = failed;
        failures = run_all(sim, &options, &history, failed, &spare);
        if (failures == 0) fprintf(stderr, "dfyd-sim: seed %lld failed once and not again\n", (long long)failed);
        ok = failures > 0;
    }
    print_totals(&totals, failures);
    if (options.points) print_points(&totals);
    if (options.cover && failures == 0) ok &= covers_all(&totals);
    sim_destroy(sim);
    history_finish(&history);
    return ok && (failures > 0) == options.expect_failure ? 0 : 1;
}
