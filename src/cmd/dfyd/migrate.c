/*
 * A business leaves SQLite for PostgreSQL. What is durable when (store/moves.h):
 *
 *   1. the source says `leaving`, and which copy it is: it is not served any more;
 *   2. the target says `copying`, and of which copy: neither is it;
 *   3. all rows, in one transaction of the target; then they are compared;
 *   4. the target says `done`: it may be served;
 *   5. the source says `left`.
 *
 * Cut off anywhere, the same command goes on: before 4 it copies anew, after 4 it only does 5. A copy that fails gives
 * the source back.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "commands.h"
#include "files.h"
#include "lock.h"
#include "named_point.h"
#include "prove.h"
#include "setup.h"
#include "store/copy.h"
#include "store/deliveries.h"
#include "store/idempotency.h"
#include "store/moves.h"
#include "store/refunds.h"
#include "store/renewals.h"
#include "store/steps.h"
#include "store/vault_proof.h"
#include "table.h"

struct migration {
    const struct invocation *invocation;
    const struct settings *settings;
    struct arena *arena;
    const char *dir, *url;
    struct str from, to; /* both places, for people */
    bool keep_source;
    struct store *source, *target;
    struct bulk *bulk;
    struct move at_source, at_target;
    struct table *table;
    int64_t rows;
    struct copy_check *checks;
    size_t n_checks;
};

/* -- the marks */

struct marking {
    struct migration *m;
    struct move *move;
};

static bool mark_read(struct db *db, void *arg, struct error *reterr) {
    const struct marking *marking = arg;
    return move_get(db, marking->m->arena, marking->move, reterr);
}

static bool mark_change(struct db *db, void *arg, struct error *reterr) {
    return move_put(db, arg, reterr);
}

static bool mark(struct migration *m, struct store *store, struct move *move, enum move_state state,
                 struct error *reterr) {
    struct clock clock = clock_system();
    struct move new = {
        .state = state,
        .source = m->at_source.source,
        .place = store == m->source ? m->to : m->from,
        .at_ms = clock_now(&clock),
    };
    if (!store_write(store, mark_change, &new, reterr)) return false;
    *move = new;
    return true;
}

static bool read_marks(struct migration *m, struct error *reterr) {
    struct marking source = {m, &m->at_source}, target = {m, &m->at_target};
    if (!store_read(m->source, mark_read, &source, reterr) || !store_read(m->target, mark_read, &target, reterr))
        return false;
    if (m->at_source.source.n) return true;
    struct clock clock = clock_system();
    struct rng rng = rng_system();
    struct ids ids;
    char id[UUID_TEXT];
    ids_init(&ids, &clock, &rng);
    ids_uuid(&ids, id);
    m->at_source.source = arena_str(m->arena, str_of(id));
    return true;
}

/* Whether the target may become, or is, the copy of this source. */
static bool check_target(const struct migration *m, struct error *reterr) {
    const struct move *at = &m->at_target;
    if (at->state == MOVE_NONE || str_eq(at->source, m->at_source.source)) return true;
    return error_set(reterr, ERR_CONFLICT,
                     "%.*s holds %s of another business or of an earlier move (from %.*s): make a new "
                     "database for this one",
                     STR_ARG(m->to), at->state == MOVE_DONE ? "a copy" : "half a copy", STR_ARG(at->place));
}

static bool check_source(const struct migration *m, struct error *reterr) {
    const struct move *at = &m->at_source;
    bool is_elsewhere = (at->state == MOVE_LEFT || at->state == MOVE_LEAVING) && !str_eq(at->place, m->to);
    if (!is_elsewhere) return true;
    return error_set(reterr, ERR_CONFLICT, "%s was to move to %.*s, not to %.*s: take that back first, with --back",
                     m->dir, STR_ARG(at->place), STR_ARG(m->to));
}

/* -- what the last server left half done; nobody serves, so nobody is at it */

static bool free_change(struct db *db, void *arg, struct error *reterr) {
    const int64_t *now = arg;
    return step_free_all(db, *now, reterr) && renewal_free_all(db, *now, reterr) &&
           delivery_free_all(db, *now, reterr) && refund_free_all(db, *now, reterr) &&
           idempotency_free_orphans(db, reterr);
}

static bool free_work(struct migration *m, struct error *reterr) {
    struct clock clock = clock_system();
    int64_t now = clock_now(&clock);
    return store_write(m->source, free_change, &now, reterr);
}

static bool prove_key(struct migration *m, struct store *store, struct error *reterr) {
    struct rng rng = rng_system();
    struct vault vault;
    if (!vault_proof_open(store, m->dir, &rng, &vault, reterr)) return false;
    vault_finish(&vault);
    return true;
}

/* -- copying and comparing */

static void copied(void *arg, const char *table, int64_t rows, int64_t ms) {
    struct migration *m = arg;
    struct arena *arena = m->arena;
    named_point(m->settings, "migrate.table");
    if (!rows) return;
    table_add(m->table, (const struct str[]){str_of(table), arena_printf(arena, "%lld", (long long)rows),
                                             arena_printf(arena, "%lld", (long long)(rows * 1000 / (ms ? ms : 1)))});
}

static struct copy copy_of(struct migration *m, struct db *source) {
    return (struct copy){.source = source, .target = m->bulk, .arena = m->arena, .progress = copied, .arg = m};
}

/* In a change of the source, so that no command changes it meanwhile. */
static bool empty_read(struct db *db, void *arg, struct error *reterr) {
    struct migration *m = arg;
    struct copy copy = copy_of(m, db);
    return copy_is_empty(&copy, reterr);
}

static bool copy_change(struct db *db, void *arg, struct error *reterr) {
    struct migration *m = arg;
    struct copy copy = copy_of(m, db);
    if (!copy_run(&copy, &m->rows, reterr)) return false;
    named_point(m->settings, "migrate.copied");
    return copy_compare(&copy, &m->checks, &m->n_checks, reterr);
}

static bool copy_all(struct migration *m, struct error *reterr) {
    static const char *const titles[] = {"TABLE", "ROWS", "ROWS/S", NULL};
    m->table = table_create(m->arena, titles);
    int64_t start_ms = clock_steady_ms();
    if (!store_write(m->source, copy_change, m, reterr)) return false;
    int64_t ms = clock_steady_ms() - start_ms;
    table_print(m->table, stdout);
    printf("\n%lld rows copied and compared in %lld.%lld s, %lld rows/s\n\n", (long long)m->rows,
           (long long)(ms / 1000), (long long)(ms % 1000 / 100), (long long)(m->rows * 1000 / (ms ? ms : 1)));
    return true;
}

/* Tables without rows in either are not shown. */
static bool print_checks(struct migration *m, struct error *reterr) {
    static const char *const titles[] = {"COMPARED", "SOURCE", "TARGET", "SAME", NULL};
    struct table *table = table_create(m->arena, titles);
    const struct copy_check *wrong = NULL;
    for (size_t i = 0; i < m->n_checks; i++) {
        const struct copy_check *check = &m->checks[i];
        if (!check->same && !wrong) wrong = check;
        if (check->same && str_is(check->source, "0")) continue;
        table_add(table, (const struct str[]){check->what, check->source, check->target,
                                              check->same ? STR("yes") : STR("no")});
    }
    table_print(table, stdout);
    putchar('\n');
    return !wrong || error_set(reterr, ERR_CONFLICT, "the copy is not the same: %.*s differ; nothing was moved",
                               STR_ARG(wrong->what));
}

static bool copy_and_prove(struct migration *m, struct error *reterr) {
    if (!copy_all(m, reterr) || !print_checks(m, reterr) || !prove_key(m, m->target, reterr) ||
        !ledger_prove_folder(m->target, m->dir, m->arena, reterr))
        return false;
    named_point(m->settings, "migrate.checked");
    return true;
}

/* -- the move */

static bool begin_move(struct migration *m, struct error *reterr) {
    if (m->at_target.state == MOVE_NONE && !store_write(m->source, empty_read, m, reterr)) return false;
    if (!mark(m, m->source, &m->at_source, m->keep_source ? MOVE_KEPT : MOVE_LEAVING, reterr)) return false;
    named_point(m->settings, "migrate.leaving");
    if (!mark(m, m->target, &m->at_target, MOVE_COPYING, reterr)) return false;
    named_point(m->settings, "migrate.marked");
    return true;
}

static bool end_move(struct migration *m, struct error *reterr) {
    return mark(m, m->source, &m->at_source, m->keep_source ? MOVE_NONE : MOVE_LEFT, reterr);
}

/* When this fails, the source itself says how it goes on. */
static bool give_back(struct migration *m) {
    struct error ignored;
    return m->at_source.state == MOVE_LEAVING && mark(m, m->source, &m->at_source, MOVE_KEPT, &ignored) && false;
}

static bool move(struct migration *m, struct error *reterr) {
    if (!check_target(m, reterr) || !check_source(m, reterr)) return false;
    if (m->at_target.state == MOVE_DONE) {
        if (m->at_source.state != MOVE_LEFT && !end_move(m, reterr)) return false;
        printf("%.*s already holds this business; nothing was copied\n", STR_ARG(m->to));
        return true;
    }
    if (!prove_key(m, m->source, reterr) || !free_work(m, reterr)) return false;
    if (!begin_move(m, reterr) || !copy_and_prove(m, reterr)) return give_back(m);
    if (!mark(m, m->target, &m->at_target, MOVE_DONE, reterr)) return false;
    named_point(m->settings, "migrate.done");
    if (!end_move(m, reterr)) return false;
    printf("\n%.*s holds the business now", STR_ARG(m->to));
    if (m->keep_source)
        printf(", and %s still does: serve one of them alone\n", m->dir);
    else
        printf(": serve it with --db and --data %s, where secret.key stays\n", m->dir);
    return true;
}

static bool open_stores(struct migration *m, struct error *reterr) {
    const struct store_config source = {.dir = m->dir, .single = true};
    const struct store_config target = {.dir = m->dir, .url = m->url, .single = true, .wait_ms = SETUP_LONG_MS};
    return store_open(&source, &m->source, reterr) && store_open(&target, &m->target, reterr) &&
           bulk_open(m->url, &m->bulk, reterr);
}

static void close_stores(struct migration *m) {
    bulk_close(m->bulk);
    store_close(m->target);
    store_close(m->source);
}

/* -- and back */

static bool back_change(struct db *db, void *arg, struct error *reterr) {
    struct marking *marking = arg;
    if (!move_get(db, marking->m->arena, marking->move, reterr)) return false;
    return move_put(db, &(const struct move){.state = MOVE_NONE}, reterr);
}

static bool take_back(struct migration *m, struct error *reterr) {
    const struct store_config source = {.dir = m->dir, .single = true};
    struct marking marking = {m, &m->at_source};
    if (!store_open(&source, &m->source, reterr) || !store_write(m->source, back_change, &marking, reterr))
        return false;
    if (m->at_source.state != MOVE_LEFT && m->at_source.state != MOVE_LEAVING)
        return error_set(reterr, ERR_CONFLICT, "%s did not move: there is nothing to take back", m->dir);
    printf("%s may be served again; what was done at %.*s since is not in it, so serve that no more\n", m->dir,
           STR_ARG(m->at_source.place));
    return true;
}

static bool check_call(struct migration *m, bool is_back, struct error *reterr) {
    if (is_back == (m->url != NULL))
        return error_set(reterr, ERR_INVALID, is_back ? "--back takes no --to" : "migrate needs --to URL");
    if (!files_exist(files_path(m->arena, m->dir, "dfyd.db")))
        return error_set(reterr, ERR_NOT_FOUND, "%s holds no data of dfyd", m->dir);
    m->from = arena_printf(m->arena, "sqlite:%s", m->dir);
    return is_back || bulk_place(m->url, m->arena, &m->to, reterr);
}

bool run_migrate(const struct invocation *invocation, struct error *reterr) {
    struct migration m = {
        .invocation = invocation,
        .settings = invocation->settings,
        .arena = invocation->arena,
        .dir = invocation->settings->data,
        .url = invocation_value(invocation, "to"),
        .keep_source = invocation_has(invocation, "keep-source"),
    };
    bool is_back = invocation_has(invocation, "back");
    struct lock lock;
    if (!check_call(&m, is_back, reterr) || !lock_take(m.dir, false, &lock, reterr)) return false;
    bool ok = is_back ? take_back(&m, reterr) : open_stores(&m, reterr) && read_marks(&m, reterr) && move(&m, reterr);
    close_stores(&m);
    lock_drop(&lock);
    return ok;
}
