/* The clients: requests drawn from a few names, cards and keys, so that they contend, and dfyd's work on each of them,
 * in the order in which the API does it. */
#include <stdio.h>
#include <string.h>

#include "driver/registrar/registrar.h"
#include "inside.h"
#include "step/checkout.h"
#include "store/facts.h"
#include "store/idempotency.h"
#include "store/price_book.h"
#include "store/promotions.h"

enum { ITEMS_MAX = 3, ROUNDS_MAX = 3, MICROSOFT_ACCOUNTS = 50, KEYS = 12 };

static const char *const prefixes[] = {"ann",       "bob",      "cat",      "dan",        "eve",
                                       "flaky.fay", "slow.sam", "lost.lee", "refused.ray"};
/* Mostly the first, which works. */
static const char *const tokens[] = {"tok_visa",  "tok_mastercard", "tok_lost",    "tok_dropped",     "tok_silent",
                                     "tok_flaky", "tok_declined",   "tok_expired", "tok_authenticate"};
static const char *const type_names[] = {"dfy", "pre_warmed_up", "extra_accounts"};

static const char *const checkout_words[] = {"open", "placed", "over", "given back"};

static uint32_t draw(struct run *run, uint32_t below) {
    return rng_below(&run->rng, below);
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

static void draw_accounts(struct run *run, struct order_item *item) {
    bool is_microsoft = item->provider == PROVIDER_MICROSOFT;
    item->n_accounts = is_microsoft ? MICROSOFT_ACCOUNTS : 1 + draw(run, 3);
    item->accounts = ARENA_ARRAY(run->arena, item->n_accounts, struct account);
    /* Different ones, mostly. */
    size_t from = draw(run, (uint32_t)ARRAY_LEN(prefixes)), apart = run_happens(run, 30) ? 0 : 1;
    for (size_t i = 0; i < item->n_accounts; i++) {
        struct account *account = &item->accounts[i];
        account->prefix = is_microsoft ? arena_printf(run->arena, "user%zu", i)
                                       : str_of(prefixes[(from + i * apart) % ARRAY_LEN(prefixes)]);
        account->first_name = STR("Ann");
        account->last_name = STR("Example");
    }
}

/* A domain that one of the workspace's placed orders named; empty when there is none. */
static struct str draw_bought(struct run *run, int workspace) {
    const struct model *model = &run->model;
    size_t from = model->n_orders ? draw(run, (uint32_t)model->n_orders) : 0;
    for (size_t i = 0; i < model->n_orders; i++) {
        const struct model_order *order = &model->orders[(from + i) % model->n_orders];
        if (order->told == TOLD_PLACED && order->workspace == workspace) return order->domains[0].name;
    }
    return STR("");
}

/* Always the same for a name, so that extra accounts find their provider. */
static enum provider provider_of(struct str name) {
    return name.n % 2 && !str_starts(name, "warm") ? PROVIDER_AIRMAIL : PROVIDER_GOOGLE;
}

/* An address whose cancellation a client was told, to be had again; none: leaves ITEM as it is. */
static void draw_cancelled(struct run *run, int workspace, struct order_item *item) {
    const struct model *model = &run->model;
    size_t from = model->n_orders ? draw(run, (uint32_t)model->n_orders) : 0;
    for (size_t i = 0; i < model->n_orders; i++) {
        const struct model_order *order = &model->orders[(from + i) % model->n_orders];
        for (size_t j = 0; order->workspace == workspace && j < order->n_domains; j++)
            for (size_t k = 0; k < order->domains[j].n_emails; k++) {
                if (order->domains[j].accounts[k].cancel != CANCEL_TOLD) continue;
                struct str rest;
                item->domain = order->domains[j].name;
                item->provider = provider_of(item->domain);
                item->n_accounts = 1;
                item->accounts = ARENA_ARRAY(run->arena, 1, struct account);
                item->accounts[0] =
                    (struct account){str_cut(order->domains[j].emails[k], '@', &rest), STR("Ann"), STR("Example")};
                return;
            }
    }
}

static void draw_item(struct run *run, enum order_type type, int workspace, size_t at, struct order_item *item) {
    item->domain = run->names[at % run->n_names];
    if (type == ORDER_PRE_WARMED_UP) item->domain = arena_printf(run->arena, "warm%zu.com", at % (STOCK + 1));
    if (type == ORDER_EXTRA_ACCOUNTS && run_happens(run, 850)) {
        struct str bought = draw_bought(run, workspace);
        if (bought.n) item->domain = bought;
    }
    item->provider = provider_of(item->domain);
    if (run_happens(run, 50)) item->provider = PROVIDER_GOOGLE + (int64_t)draw(run, 2);
    if (type == ORDER_DFY && run_happens(run, 15)) item->provider = PROVIDER_MICROSOFT;
    if (type != ORDER_EXTRA_ACCOUNTS && run_happens(run, 300)) item->forwarding = STR("www.example.net");
    if (type != ORDER_PRE_WARMED_UP) draw_accounts(run, item);
    if (type == ORDER_EXTRA_ACCOUNTS && run_happens(run, 300)) draw_cancelled(run, workspace, item);
}

static struct request *draw_request(struct run *run) {
    struct request *request = &run->requests[run->n_requests];
    uint32_t kind = draw(run, 100), more = draw(run, 10);
    int workspace = (int)draw(run, WORKSPACES);
    bool has_domains = draw_bought(run, workspace).n || run_happens(run, 100);
    enum order_type type = kind < 30 && has_domains ? ORDER_EXTRA_ACCOUNTS
                           : kind < 85              ? ORDER_DFY
                                                    : ORDER_PRE_WARMED_UP;
    size_t n = more < 7 ? 1 : more < 9 ? 2 : ITEMS_MAX;
    *request = (struct request){
        .no = (int)++run->n_requests,
        .workspace = workspace,
        .token = str_of(tokens[run_happens(run, 500) ? 0 : draw(run, (uint32_t)ARRAY_LEN(tokens))]),
        .order = {.type = type, .items = ARENA_ARRAY(run->arena, n, struct order_item), .n_items = n},
    };
    request->is_on_page = run_happens(run, 150);
    if (workspace == 1 && !request->is_on_page && run_happens(run, 150)) {
        request->is_on_account = true;
        request->token = str_of(invoice_token);
    }
    if (run_happens(run, 700)) request->key = arena_printf(run->arena, "key%u", (unsigned)draw(run, KEYS));
    size_t at = draw(run, NAMES_MAX * (STOCK + 1)), apart = run_happens(run, 30) ? 0 : 1;
    for (size_t i = 0; i < n; i++) draw_item(run, type, workspace, at + i * apart, &request->order.items[i]);
    return request;
}

static void show_request(struct run *run, const struct request *request, const char *what) {
    struct buf text;
    buf_init(&text, 2000);
    for (size_t i = 0; i < request->order.n_items; i++) {
        const struct order_item *item = &request->order.items[i];
        buf_printf(&text, " %.*s(", STR_ARG(item->domain));
        for (size_t j = 0; j < item->n_accounts && j < 5; j++)
            buf_printf(&text, "%s%.*s", j ? " " : "", STR_ARG(item->accounts[j].prefix));
        buf_printf(&text, "%s)", item->n_accounts > 5 ? " ..." : "");
    }
    history_add(run->history, "client %d %s request %d%s%.*s with %.*s: %s%.*s", request->workspace, what, request->no,
                request->key.n ? " under " : "", STR_ARG(request->key), STR_ARG(request->token),
                type_names[request->order.type], STR_ARG(buf_str(&text)));
    buf_finish(&text);
}

static struct task *free_task(struct run *run) {
    for (size_t i = 0; i < TASKS_MAX; i++)
        if (run->tasks[i].stage == STAGE_FREE && !run->tasks[i].is_busy) return &run->tasks[i];
    return NULL;
}

static void start_task(struct run *run, struct task *task, const struct request *request) {
    arena_reset(task->arena);
    *task = (struct task){.stage = STAGE_CLAIM, .request = request, .arena = task->arena};
    run->totals->counts.requests++;
}

void client_send(struct run *run) {
    struct task *task = free_task(run);
    if (!task || run->n_requests == REQUESTS_MAX || run->model.n_orders + 20 > MODEL_ORDERS) return;
    const struct request *request = draw_request(run);
    show_request(run, request, "sends");
    start_task(run, task, request);
}

void client_repeat(struct run *run) {
    struct task *task = free_task(run);
    if (!task || run->n_requests == 0 || run->model.n_orders + 20 > MODEL_ORDERS) return;
    /* Mostly what was sent lately. */
    size_t back = draw(run, run_happens(run, 700) && run->n_requests > 4 ? 4 : (uint32_t)run->n_requests);
    const struct request *request = &run->requests[run->n_requests - 1 - back];
    show_request(run, request, "repeats");
    start_task(run, task, request);
}

/* --- the key ----------------------------------------------------------------------------------------------------- */

struct keyed {
    const struct task *task;
    struct idempotency_claim claim;
    struct idempotency_hold hold;
    bool held;
    struct arena *arena;
    enum idempotency result;
    struct str answer;
};

static bool claim_change(struct db *db, void *arg, struct error *reterr) {
    struct keyed *k = arg;
    return idempotency_claim(db, &k->claim, k->arena, &k->result, &k->answer, reterr);
}

static bool store_change(struct db *db, void *arg, struct error *reterr) {
    struct keyed *k = arg;
    return idempotency_store(db, &k->hold, k->answer, k->claim.now_ms, &k->held, reterr);
}

static bool drop_change(struct db *db, void *arg, struct error *reterr) {
    const struct keyed *k = arg;
    return idempotency_drop(db, &k->hold, reterr);
}

static struct keyed keyed_of(struct run *run, struct task *task) {
    const struct request *request = task->request;
    struct keyed keyed = {
        .claim = {.workspace_id = str_of(workspace_ids[request->workspace]),
                  .key = request->key,
                  .now_ms = clock_now(&run->clock),
                  .dead_after_ms = run->world.lease_ms},
        .hold = {.workspace_id = str_of(workspace_ids[request->workspace]),
                 .key = request->key,
                 .claimed_ms = task->claimed_ms},
        .arena = task->arena,
        .answer = STR(""),
    };
    snprintf((char *)keyed.claim.body_hash, sizeof keyed.claim.body_hash, "body %d", request->no);
    return keyed;
}

static void drop_key(struct run *run, struct task *task) {
    if (task->request->key.n == 0) return;
    struct keyed keyed = keyed_of(run, task);
    struct error error = {0};
    if (!store_write(run->store, drop_change, &keyed, &error))
        history_add(run->history, "request %d: its key is not dropped: %s", task->request->no, error.message);
}

/* --- the end of a request ---------------------------------------------------------------------------------------- */

static void tell(struct run *run, struct task *task, const char *what, struct str detail) {
    if (run_is_dead(run)) return;
    history_add(run->history, "request %d: answered %s%s%.*s", task->request->no, what, detail.n ? ": " : "",
                STR_ARG(detail));
}

/* A final answer, which is the same for ever under its key. */
static void tell_answer(struct run *run, struct task *task, struct str answer) {
    task->stage = STAGE_FREE;
    if (run_is_dead(run)) return;
    const struct request *request = task->request;
    tell(run, task, "200", answer);
    model_answered(&run->model, request->workspace, request->key, task->key_life, request->no, answer);
}

static void tell_error(struct run *run, struct task *task, const struct error *error) {
    task->stage = STAGE_FREE;
    tell(run, task, error_name(error->code), str_of(error->message));
}

static void tell_order(struct run *run, struct task *task, enum told told) {
    if (!run_is_dead(run)) task->placed_as->told = told;
}

/* --- stages ------------------------------------------------------------------------------------------------------ */

static void claim(struct run *run, struct task *task) {
    const struct request *request = task->request;
    task->stage = STAGE_JUDGE;
    if (request->key.n == 0) return;
    struct keyed keyed = keyed_of(run, task);
    struct error error = {0};
    task->claimed_ms = keyed.claim.now_ms;
    if (!store_write(run->store, claim_change, &keyed, &error)) {
        tell_error(run, task, &error);
        return;
    }
    if (run_is_dead(run)) return;
    if (keyed.result == IDEMPOTENCY_NEW)
        model_key_new(&run->model, request->workspace, request->key, request->no, keyed.claim.now_ms);
    task->key_life = model_key_life(&run->model, request->workspace, request->key);
    if (keyed.result == IDEMPOTENCY_NEW) return;
    task->stage = STAGE_FREE;
    switch (keyed.result) {
    case IDEMPOTENCY_DONE:
        run->totals->counts.replayed++;
        tell_answer(run, task, keyed.answer);
        break;
    case IDEMPOTENCY_RUNNING:
        tell(run, task, "409", STR("still running"));
        model_key_running(&run->model, request->workspace, request->key, request->no);
        break;
    default:
        tell(run, task, "422", STR("another body"));
        model_key_other_body(&run->model, request->workspace, request->key, request->no);
        break;
    }
}

struct gathering {
    struct task *task;
    struct domain_facts *facts;
    struct prices *prices;
    struct promotion **promotions;
    size_t *n_promotions;
    struct run *run;
    int64_t now_ms;
};

/* Which orders hold a promotion in this moment. */
static bool see_uses(struct db *db, struct run *run, struct task *task, struct error *reterr) {
    bool is_held[MODEL_ORDERS] = {false};
    const struct model *model = &run->model;
    struct stmt *stmt = db_stmt(db, "SELECT id FROM orders WHERE promotion_id <> '' AND state <> 'payment_failed'");
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW)
        for (size_t i = 0; i < model->n_orders; i++) is_held[i] |= str_is(stmt_col_text(stmt, 0), model->orders[i].id);
    model_count_uses(model, is_held, task->request->workspace, task->uses);
    return step == DB_END;
}

static bool gather(struct db *db, void *arg, struct error *reterr) {
    struct gathering *g = arg;
    struct str workspace_id = str_of(workspace_ids[g->task->request->workspace]);
    int64_t until_ms;
    return facts_gather(db, g->task->check, workspace_id, g->task->arena, g->facts, reterr) &&
           price_book_get(db, workspace_id, g->now_ms, g->prices, &until_ms, reterr) &&
           promotions_open(db, workspace_id, g->now_ms, g->task->arena, g->promotions, g->n_promotions, &until_ms,
                           reterr) &&
           see_uses(db, g->run, g->task, reterr);
}

static bool ask_registrar(struct run *run, struct task *task, struct domain_facts *facts, struct error *reterr) {
    const struct check *check = task->check;
    struct str names[ITEMS_MAX];
    size_t at[ITEMS_MAX], n = 0;
    bool taken[ITEMS_MAX] = {false};
    for (size_t i = 0; i < check->n_items; i++) {
        if (check->items[i].faults) continue;
        at[n] = i;
        names[n++] = check->items[i].name;
    }
    struct answer answer = {0};
    if (n && registrar_check(run->drivers.registrar, names, n, taken, &answer) != OUTCOME_DONE)
        return error_set(reterr, ERR_UNAVAILABLE, "%s", answer.reason);
    for (size_t i = 0; i < n; i++) facts[at[i]].taken = taken[i];
    return true;
}

static bool judge_order(struct run *run, struct task *task, struct error *reterr) {
    const struct rules rules = {.restricted = run->restricted};
    task->check = check_words(&task->request->order, &rules, task->arena);
    struct prices prices;
    struct promotion *promotions = NULL;
    size_t n_promotions = 0;
    struct gathering g = {.task = task,
                          .facts = ARENA_ARRAY(task->arena, task->check->n_items, struct domain_facts),
                          .prices = &prices,
                          .promotions = &promotions,
                          .n_promotions = &n_promotions,
                          .run = run,
                          .now_ms = clock_now(&run->clock)};
    task->priced_ms = g.now_ms;
    if (!store_read(run->store, gather, &g, reterr)) return false;
    check_facts(task->check, g.facts, &rules, task->arena);
    if (task->check->type == ORDER_DFY) {
        if (!ask_registrar(run, task, g.facts, reterr)) return false;
        check_facts(task->check, g.facts, &rules, task->arena);
    }
    if (!quote_make(task->check, &prices, task->arena, &task->quote, reterr)) return false;
    promotion_apply(promotions, n_promotions, &task->quote);
    return true;
}

static void refuse(struct run *run, struct task *task) {
    struct str answer = arena_printf(task->arena, "refused, try %d of request %d: %s", ++run->n_tries,
                                     task->request->no, check_fault_name(check_error(task->check)));
    struct error error = {0};
    if (task->request->key.n) {
        struct keyed keyed = keyed_of(run, task);
        keyed.answer = answer;
        if (!store_write(run->store, store_change, &keyed, &error)) {
            tell_error(run, task, &error);
            drop_key(run, task);
            return;
        }
        if (!keyed.held && !run_is_dead(run)) {
            tell(run, task, "409", STR("its key is another request's by now"));
            run->totals->counts.overtaken++;
            task->stage = STAGE_FREE;
            return;
        }
    }
    run->totals->counts.refused++;
    tell_answer(run, task, answer);
}

static struct str declined_answer(void *arg, enum decline decline) {
    const struct task *task = arg;
    return arena_printf(task->arena, "declined instead of %.*s: %s", STR_ARG(task->placed_answer),
                        decline_names[decline]);
}

static struct str page_answer(void *arg, struct str url) {
    const struct task *task = arg;
    return arena_printf(task->arena, "to be paid at %.*s instead of %.*s", STR_ARG(url), STR_ARG(task->placed_answer));
}

static void judge(struct run *run, struct task *task) {
    struct error error = {0};
    if (task->rounds++ == ROUNDS_MAX) {
        error_set(&error, ERR_UNAVAILABLE, "others order the same");
        tell_error(run, task, &error);
        drop_key(run, task);
        return;
    }
    if (!judge_order(run, task, &error)) {
        tell_error(run, task, &error);
        drop_key(run, task);
        return;
    }
    if (run_is_dead(run)) return;
    if (check_error(task->check)) {
        refuse(run, task);
        return;
    }
    const struct request *request = task->request;
    task->placed_answer = arena_printf(task->arena, "placed, try %d of request %d", ++run->n_tries, request->no);
    task->placed_as = model_add_order(&run->model, task->check, request->workspace, request->key, task->placed_answer,
                                      task->priced_ms, task->uses);
    const struct model_promotion *promotion = task->placed_as->promotion;
    if (!str_is(task->quote.promotion_id, promotion ? promotion->id : ""))
        model_break(&run->model, "request %d was offered promotion %.*s, not %s", request->no,
                    STR_ARG(history_id(task->quote.promotion_id)), promotion ? promotion->id : "none");
    const struct card card = {.exists = !request->is_on_page,
                              .token = request->token,
                              .brand = STR("visa"),
                              .last4 = STR("4242"),
                              .name_on_card = STR("Ann Example"),
                              .driver = request->is_on_account ? STR("invoice") : STR("sandbox")};
    task->placed_as->is_on_account = request->is_on_account;
    place_init(&task->placing, &run->world, task->check, &task->quote, str_of(workspace_ids[request->workspace]), &card,
               request->key, task->placed_answer, task->arena);
    task->placing.declined_answer = declined_answer;
    task->placing.key_claimed_ms = task->claimed_ms;
    task->placed_as->is_on_page = request->is_on_page && task->quote.total > 0;
    if (task->placed_as->is_on_page)
        place_on_page(&task->placing, &run->world, STR("https://dfyd.example"), page_answer);
    task->lease_is_over = false;
    task->placing.arg = task;
    task->placed_as->ordered_ms = task->placing.reservation.now_ms;
    snprintf(task->placed_as->id, UUID_TEXT, "%s", task->placing.reservation.order_id);
    for (size_t i = 0; i < task->check->n_items; i++) {
        if (task->check->type != ORDER_EXTRA_ACCOUNTS)
            snprintf(task->placed_as->domains[i].id, UUID_TEXT, "%s", task->placing.reservation.domains[i].id);
        for (size_t j = 0; j < task->check->items[i].n_accounts; j++)
            snprintf(task->placed_as->domains[i].accounts[j].id, UUID_TEXT, "%s",
                     task->placing.reservation.domains[i].accounts[j].id);
    }
    history_add(run->history, "request %d: becomes order %.*s of %lld cents", request->no,
                STR_ARG(history_id(str_of(task->placed_as->id))), (long long)task->quote.total);
    task->stage = STAGE_PLACE;
}

static const char *const phase_names[] = {"reserve", "charge",  "open",     "keep",    "settle",  "release",
                                          "placed",  "on page", "declined", "changed", "pending", "error"};

static void place(struct run *run, struct task *task) {
    struct placing *placing = &task->placing;
    enum place_phase last = placing->phase;
    bool goes_on = place_next(placing, &run->world);
    history_add(run->history, "order %.*s: %s -> %s%s", STR_ARG(history_id(str_of(placing->reservation.order_id))),
                phase_names[last], phase_names[placing->phase], run_is_dead(run) ? ", dead" : "");
    if (goes_on || run_is_dead(run)) return;
    switch (placing->phase) {
    case PLACE_PLACED:
        run->totals->counts.placed++;
        tell_order(run, task, TOLD_PLACED);
        tell_answer(run, task, task->placed_answer);
        break;
    case PLACE_ON_PAGE:
        run->totals->counts.pages++;
        task->placed_as->page = arena_str(run->arena, str_of(placing->page.reference));
        tell_order(run, task, TOLD_ON_PAGE);
        tell_answer(run, task, placing->page_answer);
        break;
    case PLACE_DECLINED:
        run->totals->counts.declined++;
        /* Who took the order over closed its charge: that is no word of the bank's about the card. */
        if (strstr(placing->answer.reason, "key is closed"))
            model_break(&run->model, "a client was told that the card was declined, and it was not");
        tell_order(run, task, TOLD_DECLINED);
        tell_answer(run, task, declined_answer(task, placing->decline));
        break;
    case PLACE_CHANGED:
        tell_order(run, task, TOLD_CHANGED);
        task->stage = STAGE_JUDGE;
        break;
    case PLACE_PENDING:
        tell_order(run, task, TOLD_PENDING);
        tell(run, task, "503", STR("the payment is not known yet"));
        task->stage = STAGE_FREE;
        break;
    default:
        run->totals->counts.overtaken += placing->key_is_lost;
        tell_order(run, task, TOLD_ERROR);
        tell_error(run, task, &placing->error);
        /* Later the order itself ends its key. */
        if (last == PLACE_RESERVE) drop_key(run, task);
        break;
    }
}

bool client_work(struct run *run) {
    size_t from = draw(run, TASKS_MAX);
    struct task *task = NULL;
    for (size_t i = 0; i < TASKS_MAX && !task; i++) {
        struct task *next = &run->tasks[(from + i) % TASKS_MAX];
        if (next->stage != STAGE_FREE && !next->is_busy) task = next;
    }
    if (!task) return false;
    task->is_busy = true;
    switch (task->stage) {
    case STAGE_CLAIM:
        claim(run, task);
        break;
    case STAGE_JUDGE:
        judge(run, task);
        break;
    case STAGE_PLACE:
        place(run, task);
        break;
    case STAGE_FREE:
        break;
    }
    task->is_busy = false;
    return true;
}

void client_see_time(struct run *run) {
    for (size_t i = 0; i < TASKS_MAX; i++)
        if (clock_now(&run->clock) >= run->tasks[i].placing.reservation.settle_after_ms)
            run->tasks[i].lease_is_over = true;
}

void client_forget(struct run *run) {
    for (size_t i = 0; i < TASKS_MAX; i++) {
        if (run->tasks[i].stage != STAGE_FREE)
            history_add(run->history, "request %d: the connection breaks", run->tasks[i].request->no);
        run->tasks[i].stage = STAGE_FREE;
    }
}

/* --- pages to pay on --------------------------------------------------------------------------------------------- */

/* The customer pays, and the bank's notice of it comes, once or more, or never; notices of other orders come too. */
void client_pay(struct run *run) {
    static const char *const cards[] = {"tok_visa", "tok_visa", "tok_mastercard", "tok_declined"};
    struct model *model = &run->model;
    size_t from = model->n_orders ? draw(run, (uint32_t)model->n_orders) : 0;
    /* Mostly the newest, which may still be open. */
    if (run_happens(run, 700)) from = 0;
    struct model_order *order = NULL;
    for (size_t i = 0; i < model->n_orders; i++) {
        struct model_order *other = &model->orders[(from + i) % model->n_orders];
        if (other->page.n) order = other;
    }
    if (!order) return;
    struct str id = str_of(order->id);
    if (run_happens(run, 750) &&
        hostile_pay(run->hostile, id, order->page, str_of(cards[draw(run, (uint32_t)ARRAY_LEN(cards))])))
        order->is_page_paid = true;
    if (run_happens(run, 50)) id = str_of(model->orders[from].id);
    for (uint32_t n = draw(run, 3); n > 0 && !run_is_dead(run); n--) {
        CLEANUP(arena_cleanup) struct arena *arena = arena_create(2048);
        struct checkout checkout;
        enum checkout_state state = CHECKOUT_IS_OPEN;
        struct error error = {0};
        bool ok = checkout_look(&run->world, id, run_happens(run, 700), arena, &checkout, &state, &error);
        history_add(run->history, "a notice about order %.*s: %s", STR_ARG(history_id(id)),
                    ok ? checkout_words[state] : error.message);
    }
}

/* --- cancellations ----------------------------------------------------------------------------------------------- */

/* Some address that was ordered, in one spelling or another; empty when there is none. *ret_workspace: whose. */
static struct str draw_address(struct run *run, int *ret_workspace) {
    if (run->model.n_orders == 0) return STR("");
    const struct model_order *order = &run->model.orders[draw(run, (uint32_t)run->model.n_orders)];
    if (order->n_domains == 0) return STR("");
    const struct model_domain *domain = &order->domains[draw(run, (uint32_t)order->n_domains)];
    if (domain->n_emails == 0) return STR("");
    *ret_workspace = order->workspace;
    return domain->emails[draw(run, (uint32_t)domain->n_emails)];
}

static struct str shout(struct str text, struct arena *arena) {
    char *loud = arena_alloc(arena, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
        loud[i] = c;
    }
    return (struct str){loud, text.n};
}

void client_cancel(struct run *run) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct str emails[4], sent[5];
    bool was_sold[4] = {false};
    int workspace = 0, other = 0;
    size_t n = 0;
    struct str first = draw_address(run, &workspace);
    if (first.n == 0 || !run->store) return;
    emails[n++] = first;
    /* Often all of a domain, so that it is cancelled too. */
    struct str at = first;
    while (at.n && at.p[0] != '@') at.p++, at.n--;
    for (size_t i = 0; i < run->model.n_orders && n < ARRAY_LEN(emails) && run_happens(run, 700); i++) {
        struct str email = draw_address(run, &other);
        bool is_same = email.n > at.n && memcmp(email.p + email.n - at.n, at.p, at.n) == 0;
        for (size_t j = 0; j < n; j++) is_same = is_same && !str_eq(emails[j], email);
        if (is_same || run_happens(run, 20)) emails[n++] = email;
    }
    if (run_happens(run, 30)) workspace = 1 - workspace;
    for (size_t i = 0; i < n; i++) {
        sent[i] = run_happens(run, 200) ? shout(emails[i], arena) : emails[i];
        was_sold[i] = model_is_told_sold(&run->model, workspace, emails[i]);
        model_cancel_asked(&run->model, workspace, emails[i]);
        history_add(run->history, "client %d cancels %.*s", workspace, STR_ARG(sent[i]));
    }
    sent[n] = sent[0];
    size_t n_sent = n + run_happens(run, 100), n_rows = 0;
    struct account_row *rows = NULL;
    struct error error = {0};
    struct actor nobody = {STR(""), STR(""), STR("")};
    bool ok =
        cancel_run(&run->world, str_of(workspace_ids[workspace]), sent, n_sent, nobody, arena, &rows, &n_rows, &error);
    if (run_is_dead(run)) return;
    history_add(run->history, "client %d: %zu cancelled%s%s", workspace, n_rows, ok ? "" : ": ", error.message);
    if (!ok && error.code != ERR_NOT_FOUND) return;
    audit_cancelled(run, rows, n_rows);
    for (size_t i = 0; i < n_rows; i++) model_cancel_told(&run->model, rows[i].id, rows[i].email, rows[i].cancelled_ms);
    for (size_t i = 0; i < n; i++) {
        bool is_told = false;
        for (size_t j = 0; j < n_rows; j++) is_told |= str_eq(rows[j].email, emails[i]);
        for (size_t j = 0; j < i; j++) is_told |= str_eq(emails[j], emails[i]);
        if (!is_told && was_sold[i])
            model_break(&run->model, "%.*s was sold, but could not be cancelled", STR_ARG(emails[i]));
    }
    run->totals->counts.cancelled += (int64_t)n_rows;
}

/* --- forwarding -------------------------------------------------------------------------------------------------- */

void client_forward(struct run *run) {
    static const char *const targets[] = {"", "www.example.net", "home.example.org"};
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    int workspace = (int)draw(run, WORKSPACES);
    struct forwarding to = {.domain = draw_bought(run, workspace),
                            .target = str_of(targets[draw(run, (uint32_t)ARRAY_LEN(targets))]),
                            .mode = (enum forwarding_mode)draw(run, FORWARDING_MODE_END)};
    struct model_domain *domain = model_find_domain(&run->model, workspace, to.domain, NULL);
    if (!domain || !run->store) return;
    unsigned value = model_forwarding(to.target, to.mode);
    const struct model_domain before = *domain;
    history_add(run->history, "client %d forwards %.*s to \"%.*s\", %s", workspace, STR_ARG(to.domain),
                STR_ARG(to.target), forwarding_mode_names[to.mode]);
    model_forwarding_asked(&run->model, workspace, to.domain, value);
    struct error error = {0};
    const struct actor nobody = {STR(""), STR(""), STR("")};
    bool ok = forward_change(&run->world, str_of(workspace_ids[workspace]), &to, nobody, arena, &error);
    if (run_is_dead(run)) return;
    history_add(run->history, "client %d: %.*s %s", workspace, STR_ARG(to.domain), ok ? "is forwarded" : error.message);
    if (ok) {
        run->totals->counts.forwarded++;
        model_forwarding_told(&run->model, workspace, to.domain, value);
    } else if (error.code == ERR_UPSTREAM && str_starts(str_of(error.message), "The DNS host")) {
        model_forwarding_unchanged(domain, value, &before);
    }
}
