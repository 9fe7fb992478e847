/* The audit: looks at dfyd's database and at the books of the outside world, and hands what it sees to the model. */
#include <string.h>

#include "audit.h"
#include "driver/sandbox_book.h"
#include "model_refunds.h"
#include "model_renewals.h"
#include "step/zone.h"
#include "store/facts.h"
#include "store/inventory.h"
#include "store/lists.h"
#include "store/steps.h"

enum { ROWS_MAX = 2000, EVENTS_MAX = 4096 };

struct audit {
    struct run *run;
    struct arena *arena;
    bool is_quiet;
    bool placed[MODEL_ORDERS], held[MODEL_ORDERS]; /* held: also while the charge is not known */
    struct seen_books books;
    struct str last_password;
    struct account_row *rows[WORKSPACES]; /* at the end: every account */
    size_t n_rows[WORKSPACES];
};

/* --- orders and money -------------------------------------------------------------------------------------------- */

static bool see_order(struct db *db, struct audit *a, const struct model_order *order, struct model_seen *ret,
                      struct error *reterr) {
    struct order_row row;
    *ret = (struct model_seen){.charges = 0};
    for (size_t i = 0; i < a->books.n_bank; i++)
        ret->charges += !a->books.bank[i].is_refund && str_is(a->books.bank[i].key, order->id);
    if (!order_get(db, str_of(order->id), a->arena, &row, reterr)) return reterr->code == ERR_NOT_FOUND;
    ret->exists = true;
    ret->state = row.state;
    ret->amount = row.amount;
    return true;
}

/* Grows with every call that may have moved money. */
static int64_t money_calls(const struct run *run) {
    return hostile_bank_calls(run->hostile) + run->account_calls;
}

static bool see_orders(struct db *db, void *arg, struct error *reterr) {
    struct audit *a = arg;
    struct model *model = &a->run->model;
    if (!audit_read_books(db, a->run->hostile, a->is_quiet, a->arena, &a->books, reterr)) return false;
    for (size_t i = 0; i < model->n_orders; i++) {
        struct model_seen seen;
        if (!see_order(db, a, &model->orders[i], &seen, reterr)) return false;
        model_check_order(model, &model->orders[i], &seen, a->is_quiet);
        a->placed[i] = seen.exists && seen.state == ORDER_PLACED;
        a->held[i] = a->placed[i] || (seen.exists && seen.state == ORDER_RESERVED);
    }
    model_check_promotions(model, a->held, WORKSPACES);
    model_check_books(model, &a->books, a->placed, a->is_quiet);
    model_check_renewals(model, &a->books, a->placed, clock_now(&a->run->clock), a->is_quiet);
    a->run->audited_calls = money_calls(a->run);
    return true;
}

static bool run_audit(struct audit *a, store_fn *look) {
    struct error error = {0};
    if (store_read(a->run->store, look, a, &error)) return true;
    model_break(&a->run->model, "the database cannot be read: %s", error.message);
    return false;
}

void audit_now(struct run *run, bool all) {
    if (!all && money_calls(run) == run->audited_calls) return;
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(16384);
    struct audit audit = {.run = run, .arena = arena};
    run_audit(&audit, see_orders);
}

/* --- leases ------------------------------------------------------------------------------------------------------ */

/* Orders that a client's request still works on within its lease belong to it alone. */
static bool see_leases(struct db *db, void *arg, struct error *reterr) {
    struct audit *a = arg;
    for (size_t i = 0; i < TASKS_MAX; i++) {
        const struct task *task = &a->run->tasks[i];
        const struct reservation *reservation = &task->placing.reservation;
        bool is_held = task->stage == STAGE_PLACE && !task->is_busy && !task->lease_is_over &&
                       (task->placing.phase == PLACE_CHARGE || task->placing.phase == PLACE_SETTLE);
        struct order_row row;
        if (!is_held) continue;
        if (!order_get(db, str_of(reservation->order_id), a->arena, &row, reterr)) {
            if (reterr->code != ERR_NOT_FOUND) return false;
            model_break(&a->run->model, "order %.*s is worked on, but its reservation is not there",
                        STR_ARG(history_id(str_of(reservation->order_id))));
        } else if (row.state != ORDER_RESERVED)
            model_break(&a->run->model, "order %.*s was taken over before its lease ended",
                        STR_ARG(history_id(row.id)));
    }
    return true;
}

void audit_leases(struct run *run) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct audit audit = {.run = run, .arena = arena};
    run_audit(&audit, see_leases);
}

struct newer {
    const struct step *step;
    struct arena *arena;
    bool is_held; /* or claimed once more since */
};

static bool see_newer(struct db *db, void *arg, struct error *reterr) {
    struct newer *newer = arg;
    struct step *steps;
    size_t n;
    if (!step_list(db, newer->step->order_id, newer->arena, &steps, &n, reterr)) return false;
    for (size_t i = 0; i < n; i++)
        if (step_is_same(&steps[i], newer->step))
            newer->is_held = steps[i].state == STEP_RUNNING || steps[i].attempts > newer->step->attempts ||
                             steps[i].state == STEP_SKIPPED; /* cancelled */
    return true;
}

bool step_is_same(const struct step *a, const struct step *b) {
    return a->kind == b->kind && str_eq(a->domain_id, b->domain_id) && str_eq(a->account_id, b->account_id);
}

void audit_fence(struct run *run, const struct step *newer) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(4096);
    struct newer seen = {.step = newer, .arena = arena};
    struct error error = {0};
    if (!store_read(run->store, see_newer, &seen, &error))
        model_break(&run->model, "the database cannot be read: %s", error.message);
    else if (!seen.is_held)
        model_break(&run->model, "%s of %.*s was ended by a worker that had lost its lease",
                    step_kind_names[newer->kind], STR_ARG(newer->domain));
}

/* --- what was sold ----------------------------------------------------------------------------------------------- */

static bool is_sold_row(const struct audit *a, int workspace, struct str name) {
    const struct model *model = &a->run->model;
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; a->placed[i] && j < model->orders[i].n_domains; j++)
            if (model->orders[i].workspace == workspace && model->orders[i].type != ORDER_EXTRA_ACCOUNTS &&
                str_eq(model->orders[i].domains[j].name, name))
                return true;
    return false;
}

/* Every step of every placed order. */
struct all_steps {
    struct step *steps[MODEL_ORDERS];
    size_t n[MODEL_ORDERS];
};

static bool is_vital_failure(const struct step *step) {
    return step->state == STEP_FAILED && step_is_vital(step->kind);
}

static const struct account_row *account_of(const struct audit *a, struct str id) {
    for (int w = 0; w < WORKSPACES; w++)
        for (size_t i = 0; i < a->n_rows[w]; i++)
            if (str_eq(a->rows[w][i].id, id)) return &a->rows[w][i];
    return NULL;
}

static bool is_cancelled(const struct audit *a, const struct step *step) {
    const struct account_row *account = step->account_id.n ? account_of(a, step->account_id) : NULL;
    return account && account->state == ACCOUNT_CANCELLED;
}

/* A domain is cancelled when all its mailboxes are, and only then. */
static enum domain_state expected_state(const struct audit *a, const struct all_steps *all, struct str domain_id) {
    bool lost = false, damaged = false, alive = false;
    for (size_t i = 0; i < a->run->model.n_orders; i++)
        for (size_t j = 0; j < all->n[i]; j++) {
            const struct step *step = &all->steps[i][j];
            if (!str_eq(step->domain_id, domain_id) || is_cancelled(a, step)) continue;
            /* A domain is ready without these. */
            if (step->kind == STEP_RENEW_DOMAIN || step->kind == STEP_SET_ACCESS) continue;
            lost |= is_vital_failure(step);
            damaged |= step->state != STEP_DONE;
            alive |= step->kind == STEP_CREATE_MAILBOX;
        }
    return !alive ? DOMAIN_CANCELLED : lost ? DOMAIN_FAILED : damaged ? DOMAIN_PARTIAL : DOMAIN_READY;
}

/* A live domain forwards as a client was told, outside as well as here; what nobody refused is served. */
static bool check_forwarding(struct db *db, struct audit *a, const struct all_steps *all, int workspace,
                             const struct domain_row *row, struct error *reterr) {
    struct run *run = a->run;
    struct model *model = &run->model;
    const struct model_domain *known = model_find_domain(model, workspace, row->name, a->placed);
    bool is_set_up = false;
    if (known && !(known->forwarding & 1U << model_forwarding(row->forwarding, row->mode)))
        model_break(model, "%.*s forwards to \"%.*s\", %s, which no client was told", STR_ARG(row->name),
                    STR_ARG(row->forwarding), forwarding_mode_names[row->mode]);
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; j < all->n[i]; j++) {
            const struct step *step = &all->steps[i][j];
            bool is_its = step->kind == STEP_SET_FORWARDING && str_eq(step->domain_id, row->id);
            if (is_its && step->is_change)
                model_break(model, "a change of the forwarding of %.*s never ends", STR_ARG(row->name));
            if (is_its && step->state != STEP_DONE) return true;
            is_set_up |= is_its;
        }
    const struct zone_job job = {.domain = row->name, .part = ZONE_WEB, .forwards = row->forwarding.n > 0};
    return !is_set_up || zones_check_part(db, run, row, &job, reterr);
}

/* A live domain that was ordered here has its mail records. */
static bool check_mail(struct db *db, struct audit *a, const struct all_steps *all, const struct domain_row *row,
                       struct error *reterr) {
    for (size_t i = 0; i < a->run->model.n_orders; i++)
        for (size_t j = 0; j < all->n[i]; j++) {
            const struct step *step = &all->steps[i][j];
            if (step->kind != STEP_PUBLISH_DNS || !str_eq(step->domain_id, row->id)) continue;
            const struct zone_job job = {.domain = row->name, .part = ZONE_MAIL, .provider = step->provider};
            return zones_check_part(db, a->run, row, &job, reterr);
        }
    return true;
}

static bool check_domains(struct db *db, struct audit *a, const struct all_steps *all, struct error *reterr) {
    struct model *model = &a->run->model;
    size_t rows = 0, sold = 0;
    for (int w = 0; w < WORKSPACES; w++) {
        struct domain_row *row;
        size_t n;
        if (!domain_page(db, str_of(workspace_ids[w]), STR(""), ROWS_MAX, a->arena, &row, &n, reterr)) return false;
        rows += n;
        for (size_t i = 0; i < n; i++) {
            if (!is_sold_row(a, w, row[i].name))
                model_break(model, "%.*s is listed for a workspace that did not buy it", STR_ARG(row[i].name));
            enum domain_state expected = expected_state(a, all, row[i].id);
            if (row[i].state != expected)
                model_break(model, "%.*s ended as %s, but by its steps it is %s", STR_ARG(row[i].name),
                            domain_state_names[row[i].state], domain_state_names[expected]);
            bool is_live = row[i].state == DOMAIN_READY || row[i].state == DOMAIN_PARTIAL;
            if (is_live &&
                (!check_forwarding(db, a, all, w, &row[i], reterr) || !check_mail(db, a, all, &row[i], reterr)))
                return false;
            if ((row[i].state == DOMAIN_CANCELLED) != (row[i].cancelled_ms != 0))
                model_break(model, "%.*s has a wrong time of its cancellation", STR_ARG(row[i].name));
        }
    }
    for (size_t i = 0; i < model->n_orders; i++)
        if (a->placed[i] && model->orders[i].type != ORDER_EXTRA_ACCOUNTS) sold += model->orders[i].n_domains;
    if (rows != sold) model_break(model, "%zu domains are listed, but %zu were sold", rows, sold);
    return true;
}

/* --- mailboxes --------------------------------------------------------------------------------------------------- */

static const struct seen_account *money_of(const struct audit *a, struct str id) {
    for (size_t i = 0; i < a->books.n_accounts; i++)
        if (str_eq(a->books.accounts[i].id, id)) return &a->books.accounts[i];
    return NULL;
}

static bool check_account(struct audit *a, const struct account_row *row, struct error *reterr) {
    struct model *model = &a->run->model;
    struct sandbox_book *book = hostile_book(a->run->hostile);
    struct str password = STR("");
    if (!vault_open_sealed(&a->run->vault, row->sealed_password, a->arena, &password, reterr)) return false;
    if (str_eq(password, a->last_password)) model_break(model, "two mailboxes have one password");
    a->last_password = password;
    bool opens = sandbox_book_has_mailbox(book, row->email, password);
    const struct seen_account *money = money_of(a, row->id);
    bool is_suspended = money && money->suspended_ms != 0;
    if (row->state == ACCOUNT_READY && opens == is_suspended)
        model_break(model, "%.*s is ready%s, but its password %s", STR_ARG(row->email),
                    is_suspended ? " and suspended" : "", opens ? "opens it" : "does not open it");
    if (row->state == ACCOUNT_FAILED && opens) model_break(model, "%.*s failed, but it exists", STR_ARG(row->email));
    if (row->state == ACCOUNT_FAILED && row->reason.n == 0)
        model_break(model, "%.*s failed without a reason", STR_ARG(row->email));
    const struct model_account *known = model_find_account(model, row->id);
    if (!known) {
        model_break(model, "nobody ordered %.*s", STR_ARG(row->email));
        return true;
    }
    bool is_cancelled = row->state == ACCOUNT_CANCELLED;
    if (is_cancelled && opens) model_break(model, "%.*s is cancelled, but it exists", STR_ARG(row->email));
    bool is_dunned = money && model_was_dunned(&a->books, money->domain_id, row->id);
    if (is_cancelled && known->cancel == CANCEL_NEVER && !is_dunned)
        model_break(model, "%.*s is cancelled, but nobody asked for that", STR_ARG(row->email));
    if (known->cancel == CANCEL_TOLD && (!is_cancelled || row->cancelled_ms != known->cancelled_ms))
        model_break(model, "%.*s was said to be cancelled, and is not, or at another time", STR_ARG(row->email));
    if (is_cancelled != (row->cancelled_ms != 0))
        model_break(model, "%.*s has a wrong time of its cancellation", STR_ARG(row->email));
    if (row->state != ACCOUNT_READY && row->state != ACCOUNT_FAILED && !is_cancelled)
        model_break(model, "%.*s ended as %s", STR_ARG(row->email), account_state_names[row->state]);
    return true;
}

static bool check_accounts(struct audit *a, struct error *reterr) {
    struct model *model = &a->run->model;
    size_t rows = 0, sold = 0;
    for (int w = 0; w < WORKSPACES; w++) {
        rows += a->n_rows[w];
        for (size_t i = 0; i < a->n_rows[w]; i++)
            if (!check_account(a, &a->rows[w][i], reterr)) return false;
    }
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; a->placed[i] && j < model->orders[i].n_domains; j++)
            sold += model->orders[i].domains[j].n_emails;
    if (rows != sold) model_break(model, "%zu mailboxes are listed, but %zu were sold", rows, sold);
    return true;
}

/* --- steps ------------------------------------------------------------------------------------------------------- */

static bool was_refused(const struct audit *a, const struct step *step) {
    const struct hostile *hostile = a->run->hostile;
    switch (step->kind) {
    case STEP_REGISTER_DOMAIN:
        return hostile_refused(hostile, HOSTILE_REGISTRAR, step->domain);
    case STEP_RENEW_DOMAIN:
        for (size_t i = 0; i < a->books.n_domains; i++)
            if (str_eq(a->books.domains[i].id, step->domain_id)) return a->books.domains[i].is_not_renewed;
        return false;
    case STEP_PUBLISH_DNS:
        return hostile_refused(hostile, HOSTILE_DNS, arena_printf(a->arena, "%.*s/mail", STR_ARG(step->domain)));
    case STEP_SET_FORWARDING:
        return hostile_refused(hostile, HOSTILE_DNS, arena_printf(a->arena, "%.*s/web", STR_ARG(step->domain)));
    default:
        return hostile_refused(hostile, HOSTILE_MAILBOX, step->email);
    }
}

static void check_step(struct audit *a, const struct all_steps *all, const struct step *step) {
    struct model *model = &a->run->model;
    const char *kind = step_kind_names[step->kind];
    if (step->kind == STEP_REMOVE_MAILBOX && (step->state != STEP_DONE || !is_cancelled(a, step)))
        model_break(model, "the removal of %.*s ended as %s", STR_ARG(step->email), step_state_names[step->state]);
    switch (step->state) {
    case STEP_DONE:
        if (step->kind == STEP_REGISTER_DOMAIN &&
            sandbox_book_registrations(hostile_book(a->run->hostile), step->domain) != 1)
            model_break(model, "%.*s is said to be registered and is not", STR_ARG(step->domain));
        break;
    case STEP_FAILED:
        if (!was_refused(a, step))
            model_break(model, "%s of %.*s failed, but nobody refused it", kind,
                        STR_ARG(step->email.n ? step->email : step->domain));
        if (step->reason.n == 0) model_break(model, "%s of %.*s failed without a reason", kind, STR_ARG(step->domain));
        if (step->kind == STEP_REGISTER_DOMAIN &&
            sandbox_book_registrations(hostile_book(a->run->hostile), step->domain))
            model_break(model, "%.*s is said to have failed, but it was registered", STR_ARG(step->domain));
        break;
    case STEP_SKIPPED:
        if (expected_state(a, all, step->domain_id) != DOMAIN_FAILED && !is_cancelled(a, step) &&
            expected_state(a, all, step->domain_id) != DOMAIN_CANCELLED)
            model_break(model, "%s of %.*s was skipped, but the domain did not fail", kind, STR_ARG(step->domain));
        break;
    default:
        model_break(model, "%s of %.*s ended as %s", kind, STR_ARG(step->domain), step_state_names[step->state]);
        break;
    }
}

/* The steps that an order must have, counted by kind. */
static void check_kinds(struct audit *a, const struct model_order *order, const struct step *steps, size_t n) {
    size_t expected[STEP_KIND_END] = {0}, seen[STEP_KIND_END] = {0};
    for (size_t i = 0; i < order->n_domains; i++) {
        expected[STEP_CREATE_MAILBOX] += order->domains[i].n_emails;
        if (order->type == ORDER_EXTRA_ACCOUNTS) continue;
        /* Pre-warmed domains are registered and published. */
        expected[STEP_REGISTER_DOMAIN] += order->type == ORDER_DFY;
        expected[STEP_PUBLISH_DNS] += order->type == ORDER_DFY;
        expected[STEP_SET_FORWARDING] += order->domains[i].has_forwarding;
    }
    for (size_t i = 0; i < n; i++) seen[steps[i].kind]++;
    for (size_t i = 0; i < STEP_KIND_END; i++) /* Clients make more of some. */
        if (seen[i] != expected[i] && !(i == STEP_REMOVE_MAILBOX || i == STEP_RENEW_DOMAIN || i == STEP_SET_ACCESS ||
                                        (i == STEP_SET_FORWARDING && seen[i] > expected[i])))
            model_break(&a->run->model, "order %.*s has %zu steps %s, not %zu", STR_ARG(history_id(str_of(order->id))),
                        seen[i], step_kind_names[i], expected[i]);
}

static bool read_steps(struct db *db, struct audit *a, struct all_steps *all, struct error *reterr) {
    const struct model *model = &a->run->model;
    for (size_t i = 0; i < model->n_orders; i++)
        if (a->placed[i] && !step_list(db, str_of(model->orders[i].id), a->arena, &all->steps[i], &all->n[i], reterr))
            return false;
    return true;
}

static void check_steps(struct audit *a, const struct all_steps *all) {
    const struct model *model = &a->run->model;
    for (size_t i = 0; i < model->n_orders; i++) {
        if (a->placed[i]) check_kinds(a, &model->orders[i], all->steps[i], all->n[i]);
        for (size_t j = 0; j < all->n[i]; j++) check_step(a, all, &all->steps[i][j]);
    }
}

static bool read_accounts(struct db *db, struct audit *a, struct error *reterr) {
    for (int w = 0; w < WORKSPACES; w++) {
        if (!account_page(db, str_of(workspace_ids[w]), STR(""), ROWS_MAX, a->arena, &a->rows[w], &a->n_rows[w],
                          reterr))
            return false;
        for (size_t i = 0; i < a->n_rows[w]; i++) {
            struct model_account *known = model_find_account(&a->run->model, a->rows[w][i].id);
            if (known) known->is_gone = a->rows[w][i].state == ACCOUNT_CANCELLED;
        }
    }
    return true;
}

/* --- what is free ------------------------------------------------------------------------------------------------ */

/* A domain that was cancelled before anybody heard that it was refused keeps its name. */
static bool was_given_up(const struct step *steps, size_t n, struct str name) {
    for (size_t i = 0; i < n; i++)
        if (steps[i].kind == STEP_REGISTER_DOMAIN && str_eq(steps[i].domain, name))
            return steps[i].state == STEP_SKIPPED;
    return false;
}

static bool has_failed(const struct audit *a, const struct all_steps *all, const struct model_domain *domain) {
    for (size_t i = 0; i < a->run->model.n_orders; i++)
        for (size_t j = 0; j < all->n[i]; j++)
            if (is_vital_failure(&all->steps[i][j]) && str_is(all->steps[i][j].domain_id, domain->id)) return true;
    return false;
}

static void note_lost(struct audit *a, const struct all_steps *all) {
    const struct hostile *hostile = a->run->hostile;
    struct model *model = &a->run->model;
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; j < model->orders[i].n_domains; j++) {
            struct model_domain *domain = &model->orders[i].domains[j];
            domain->has_failed = has_failed(a, all, domain);
            domain->is_lost = hostile_refused(hostile, HOSTILE_REGISTRAR, domain->name) &&
                              !was_given_up(all->steps[i], all->n[i], domain->name);
            for (size_t k = 0; k < domain->n_emails; k++)
                domain->email_lost[k] = domain->is_lost || hostile_refused(hostile, HOSTILE_MAILBOX, domain->emails[k]);
        }
}

/* Orders that came to nothing hold nothing: what was not sold can be ordered. */
static bool check_names(struct db *db, struct audit *a, struct error *reterr) {
    struct run *run = a->run;
    struct account account = {STR("ann"), STR("Ann"), STR("Example")};
    struct order order = {.type = ORDER_DFY, .items = ARENA_ARRAY(a->arena, run->n_names, struct order_item)};
    order.n_items = run->n_names;
    for (size_t i = 0; i < run->n_names; i++)
        order.items[i] = (struct order_item){
            .domain = run->names[i], .provider = PROVIDER_GOOGLE, .accounts = &account, .n_accounts = 1};
    const struct rules rules = {.restricted = run->restricted};
    struct check *check = check_words(&order, &rules, a->arena);
    struct domain_facts *facts = ARENA_ARRAY(a->arena, run->n_names, struct domain_facts);
    if (!facts_gather(db, check, str_of(workspace_ids[0]), a->arena, facts, reterr)) return false;
    for (size_t i = 0; i < run->n_names; i++) {
        bool sold = model_is_sold(&run->model, a->placed, run->names[i]);
        if (facts[i].sold != sold)
            model_break(&run->model, "%.*s is %s, but %s", STR_ARG(run->names[i]), facts[i].sold ? "held" : "free",
                        sold ? "it was sold" : "nobody bought it");
    }
    return true;
}

/* The addresses that are held on DOMAIN, as the next order of extra accounts would see them. */
static bool check_addresses(struct db *db, struct audit *a, const struct model_order *owner, struct str domain,
                            struct error *reterr) {
    const struct model *model = &a->run->model;
    struct account account = {STR("nobody"), STR("Ann"), STR("Example")};
    struct order_item item = {.domain = domain, .provider = PROVIDER_GOOGLE, .accounts = &account, .n_accounts = 1};
    const struct order order = {.type = ORDER_EXTRA_ACCOUNTS, .items = &item, .n_items = 1};
    const struct rules rules = {.restricted = a->run->restricted};
    struct check *check = check_words(&order, &rules, a->arena);
    struct domain_facts facts;
    if (!facts_gather(db, check, str_of(workspace_ids[owner->workspace]), a->arena, &facts, reterr)) return false;
    if (!facts.mine) return true; /* it failed */
    size_t sold = 0;
    for (size_t i = 0; i < model->n_orders; i++)
        for (size_t j = 0; a->placed[i] && j < model->orders[i].n_domains; j++) {
            const struct model_domain *other = &model->orders[i].domains[j];
            for (size_t k = 0; str_eq(other->name, domain) && k < other->n_emails; k++)
                sold += !other->email_lost[k] && !other->accounts[k].is_gone;
        }
    if (facts.n_addresses != sold)
        model_break(&a->run->model, "%zu addresses are held on %.*s, but %zu were sold", facts.n_addresses,
                    STR_ARG(domain), sold);
    return true;
}

static bool check_all_addresses(struct db *db, struct audit *a, struct error *reterr) {
    const struct model *model = &a->run->model;
    for (size_t i = 0; i < model->n_orders; i++) {
        const struct model_order *order = &model->orders[i];
        for (size_t j = 0; a->placed[i] && order->type != ORDER_EXTRA_ACCOUNTS && j < order->n_domains; j++)
            if (!check_addresses(db, a, order, order->domains[j].name, reterr)) return false;
    }
    return true;
}

static bool check_stock(struct db *db, struct audit *a, struct error *reterr) {
    struct stock *stock;
    size_t n;
    if (!inventory_list(db, false, a->arena, &stock, &n, reterr)) return false;
    if (n != STOCK) model_break(&a->run->model, "%zu domains are stocked, not %d", n, STOCK);
    for (size_t i = 0; i < n; i++) {
        bool sold = model_is_sold(&a->run->model, a->placed, stock[i].domain);
        if (stock[i].sold != sold)
            model_break(&a->run->model, "%.*s is %s stock, but %s", STR_ARG(stock[i].domain),
                        stock[i].sold ? "out of" : "in", sold ? "it was sold" : "nobody bought it");
    }
    return true;
}

/* No order is there that nobody asked for. */
static bool check_strangers(struct db *db, struct audit *a, struct error *reterr) {
    struct order_row *rows;
    size_t n;
    if (!order_list(db, false, ROWS_MAX, a->arena, &rows, &n, reterr)) return false;
    for (size_t i = 0; i < n; i++)
        if (!model_find_order(&a->run->model, rows[i].id))
            model_break(&a->run->model, "nobody asked for order %.*s", STR_ARG(history_id(rows[i].id)));
    return true;
}

/* --- what was told ----------------------------------------------------------------------------------------------- */

struct happened {
    struct str workspace_id, type, domain, payload;
};

static bool is_told(const struct happened *event, const struct hostile_told *told) {
    return str_eq(event->workspace_id, told->workspace_id) && str_eq(event->type, told->type) &&
           str_eq((struct str){event->payload.p + 1, event->payload.n - 1}, told->payload);
}

/* Of one domain the first came first; the others came at some time. */
static void check_event(struct audit *a, const struct happened *events, size_t at, const struct hostile_told *told,
                        size_t n_told) {
    const struct happened *event = &events[at];
    size_t before = 0, seen = 0;
    for (size_t i = 0; i < at; i++)
        before += str_eq(events[i].domain, event->domain) && str_eq(events[i].workspace_id, event->workspace_id);
    for (size_t i = 0; i < n_told; i++) {
        bool is_same = str_eq(told[i].domain, event->domain) && str_eq(told[i].workspace_id, event->workspace_id);
        if (is_same && (event->domain.n == 0 || seen == before) && is_told(event, &told[i])) return;
        seen += is_same;
    }
    model_break(&a->run->model, "%.*s of %.*s was not told, or not in its turn", STR_ARG(event->type),
                STR_ARG(event->domain.n ? event->domain : event->payload));
}

static bool check_told(struct db *db, struct audit *a, struct error *reterr) {
    size_t n_told, n = 0;
    const struct hostile_told *told = hostile_told(a->run->hostile, &n_told);
    struct happened *events = ARENA_ARRAY(a->arena, EVENTS_MAX, struct happened);
    struct stmt *stmt = db_stmt(db, "SELECT workspace_id, type, domain, payload FROM events ORDER BY seq");
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW && n < EVENTS_MAX) {
        struct str columns[4];
        for (int i = 0; i < 4; i++) columns[i] = arena_str(a->arena, stmt_col_text(stmt, i));
        events[n++] = (struct happened){columns[0], columns[1], columns[2], columns[3]};
    }
    if (step == DB_FAIL) return false;
    stmt_done(stmt);
    for (size_t i = 0; i < n; i++) check_event(a, events, i, told, n_told);
    if (n != n_told) model_break(&a->run->model, "%zu events happened, but %zu were told", n, n_told);
    if (hostile_told_otherwise(a->run->hostile)) model_break(&a->run->model, "an event was told in two ways");
    a->run->totals->counts.told += (int64_t)n_told;
    return true;
}

static bool see_everything(struct db *db, void *arg, struct error *reterr) {
    struct audit *a = arg;
    struct all_steps *all = ARENA_NEW(a->arena, struct all_steps);
    if (!see_orders(db, a, reterr) || !check_strangers(db, a, reterr) || !read_steps(db, a, all, reterr) ||
        !read_accounts(db, a, reterr))
        return false;
    note_lost(a, all);
    model_check_refunds(&a->run->model, &a->books, a->placed);
    model_check_sales(&a->run->model, a->placed);
    check_steps(a, all);
    return check_domains(db, a, all, reterr) && check_accounts(a, reterr) && check_names(db, a, reterr) &&
           check_all_addresses(db, a, reterr) && check_stock(db, a, reterr) &&
           audit_events(db, a->run, &a->books, a->placed, reterr) && check_told(db, a, reterr);
}

void audit_quiet(struct run *run) {
    CLEANUP(arena_cleanup) struct arena *arena = arena_create(65536);
    struct audit audit = {.run = run, .arena = arena, .is_quiet = true};
    run_audit(&audit, see_everything);
}
