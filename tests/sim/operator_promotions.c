/* What operators take off prices: promotions that begin, end, and are soon used up. */
#include <stdio.h>
#include <string.h>

#include "inside.h"
#include "store/promotions.h"

static const char *const kind_names[] = {"percent", "amount", "free_domains", "first_month"};

static uint32_t draw(struct run *run, uint32_t below) {
    return rng_below(&run->rng, below);
}

static bool add(struct db *db, void *arg, struct error *reterr) {
    return promotion_add(db, arg, reterr);
}

static void add_promotion(struct run *run) {
    static const enum promotion_kind kinds[] = {PROMOTION_PERCENT, PROMOTION_AMOUNT, PROMOTION_FREE_DOMAINS,
                                                PROMOTION_FIRST_MONTH};
    struct model_promotion *asked = &run->asked_promotion;
    if (run->model.book.n_promotions == MODEL_PROMOTIONS) return;
    int64_t now = clock_now(&run->clock);
    *asked = (struct model_promotion){
        .workspace = run_happens(run, 700) ? MODEL_EVERYONE : (int)draw(run, WORKSPACES),
        .kind = (enum model_promotion_kind)draw(run, MODEL_PROMOTION_KINDS),
        .starts_ms = now + (run_happens(run, 700) ? 0 : (int64_t)draw(run, 60000)),
        .ends_ms = INT64_MAX,
        .max_orders = run_happens(run, 700) ? 1 + (int64_t)draw(run, 2) : 0,
        .max_orders_each = run_happens(run, 500) ? 1 + (int64_t)draw(run, 2) : 0,
    };
    if (run_happens(run, 400))
        asked->ends_ms = asked->starts_ms + 1 + (int64_t)draw(run, run->is_long ? 900000000 : 200000);
    static const int64_t values[] = {[MODEL_PERCENT] = 100, [MODEL_AMOUNT] = 4000, [MODEL_FREE_DOMAINS] = 3};
    if (asked->kind != MODEL_FIRST_MONTH) asked->value = 1 + (int64_t)draw(run, (uint32_t)values[asked->kind]);
    ids_uuid(&run->ids, asked->id);
    struct promotion_row row = {
        .id = str_of(asked->id),
        .name = str_of(asked->id),
        .workspace_id = asked->workspace < 0 ? STR("") : str_of(workspace_ids[asked->workspace]),
        .kind = kinds[asked->kind],
        .value = asked->value,
        .starts_ms = asked->starts_ms,
        .ends_ms = asked->ends_ms,
        .max_orders = asked->max_orders,
        .max_orders_each = asked->max_orders_each,
        .created_ms = now,
    };
    struct error error = {0};
    bool ok = store_write(run->store, add, &row, &error);
    history_add(run->history, "operator: promotion %.*s, %s %lld, for %lld orders, %lld each%s%s",
                STR_ARG(history_id(str_of(asked->id))), kind_names[asked->kind], (long long)asked->value,
                (long long)asked->max_orders, (long long)asked->max_orders_each, ok ? "" : ": ", error.message);
    if (ok && !run_is_dead(run)) operator_learn(run);
}

struct end {
    struct str name;
    int64_t at_ms, now_ms;
};

static bool end(struct db *db, void *arg, struct error *reterr) {
    const struct end *e = arg;
    return promotion_end(db, e->name, e->at_ms, e->now_ms, reterr);
}

static void end_promotion(struct run *run) {
    struct model_price_book *book = &run->model.book;
    if (book->n_promotions == 0) return;
    struct model_promotion *asked = &run->asked_promotion;
    *asked = book->promotions[draw(run, (uint32_t)book->n_promotions)];
    struct end job = {.name = str_of(asked->id), .now_ms = clock_now(&run->clock)};
    job.at_ms = asked->ends_ms = job.now_ms + (int64_t)draw(run, 2) * 1000;
    struct error error = {0};
    bool ok = store_write(run->store, end, &job, &error);
    history_add(run->history, "operator: promotion %.*s ends%s%s", STR_ARG(history_id(str_of(asked->id))),
                ok ? "" : ": ", error.message);
    if (ok && !run_is_dead(run)) operator_learn(run);
}

void operator_promote(struct run *run) {
    /* Of the last one it is not known whether it came to be, before the next start. */
    if (!run->store || run->asked_promotion.id[0]) return;
    if (run_happens(run, 200))
        end_promotion(run);
    else
        add_promotion(run);
}

/* One that the operator asked for last may be as asked, or as before. */
static void learn(struct run *run, struct str id, int64_t ends_ms) {
    struct model_price_book *book = &run->model.book;
    const struct model_promotion *asked = &run->asked_promotion;
    bool is_asked = str_is(id, asked->id) && ends_ms == asked->ends_ms;
    for (size_t i = 0; i < book->n_promotions; i++) {
        if (!str_is(id, book->promotions[i].id)) continue;
        if (is_asked) book->promotions[i].ends_ms = ends_ms;
        if (book->promotions[i].ends_ms != ends_ms)
            model_break(&run->model, "promotion %.*s ends when nobody wanted it to", STR_ARG(history_id(id)));
        return;
    }
    if (is_asked)
        book->promotions[book->n_promotions++] = *asked;
    else
        model_break(&run->model, "there is a promotion that nobody made: %.*s", STR_ARG(history_id(id)));
}

bool operator_learn_promotions(struct db *db, struct run *run, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, "SELECT id, ends_ms FROM promotions");
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) learn(run, stmt_col_text(stmt, 0), stmt_col_int(stmt, 1));
    return step == DB_END;
}
