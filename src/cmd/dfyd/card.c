#include <stdio.h>

#include "commands.h"
#include "driver/payment/invoice.h"
#include "driver/sandbox_magic.h"
#include "setup.h"
#include "store/workspaces.h"
#include "table.h"
#include "told.h"

enum { NAME_ON_CARD_MAX = 100 };

struct job {
    struct str workspace;
    struct arena *arena;
    struct card card;
    struct audit_record record; /* of a change */
    bool removed;
};

static struct job job_of(const struct invocation *invocation) {
    return (struct job){
        .workspace = str_of(invocation_value(invocation, "workspace")),
        .arena = invocation->arena,
    };
}

static bool set_change(struct db *db, void *arg, struct error *reterr) {
    const struct job *j = arg;
    struct workspace workspace;
    return workspace_find(db, j->workspace, j->arena, &workspace, reterr) &&
           card_set(db, str_of(workspace.id), &j->card, j->record.now_ms, reterr) &&
           told_of(db, j->record, str_of(workspace.id), reterr);
}

static bool no_such_token(struct str token, struct arena *arena, struct error *reterr) {
    struct str known = STR("");
    for (size_t i = 0; i < MAGIC_ROWS; i++) {
        if (magic_rows[i].place != MAGIC_PAYMENT) continue;
        known = arena_printf(arena, "%.*s%s%s", STR_ARG(known), known.n ? ", " : "", magic_rows[i].word);
    }
    if (token.n > 40) token.n = 40;
    return error_set(reterr, ERR_INVALID, "there is no card \"%.*s\"; the sandbox has %.*s", STR_ARG(token),
                     STR_ARG(known));
}

/* Whether DRIVER knows TOKEN, and what may be shown of it. */
static bool find_card(const struct invocation *invocation, struct payment *payment, struct str token,
                      struct card_facts *ret, struct error *reterr) {
    struct answer answer = {0};
    switch (payment_describe(payment, token, ret, &answer)) {
    case OUTCOME_DONE:
        return true;
    case OUTCOME_REFUSED:
        if (invocation->setup->drivers.payment->ops->is_sandbox) return no_such_token(token, invocation->arena, reterr);
        return error_set(reterr, ERR_INVALID, "%s: %s", payment->ops->name, answer.reason);
    case OUTCOME_UNKNOWN:
        break;
    }
    return error_set(reterr, ERR_UNAVAILABLE, "the payment provider did not say whether it has that card: %s",
                     answer.reason);
}

bool run_card_set(const struct invocation *invocation, struct error *reterr) {
    bool on_account = invocation_has(invocation, "on-account");
    const char *token = invocation_value(invocation, "token"), *typed = invocation_value(invocation, "name");
    if (on_account ? token || typed : !token || !typed)
        return error_set(reterr, ERR_INVALID, "card set needs --token and --name, or --on-account without them");
    struct str name = on_account ? STR("") : str_trim(str_of(typed));
    if (!on_account && (!name.n || name.n > NAME_ON_CARD_MAX))
        return error_set(reterr, ERR_INVALID, "--name must have 1 to %d bytes", NAME_ON_CARD_MAX);
    struct drivers *drivers = &invocation->setup->drivers;
    struct payment *payment = on_account ? drivers->credit : drivers->payment;
    struct card_facts facts;
    if (!find_card(invocation, payment, str_of(on_account ? invoice_token : token), &facts, reterr)) return false;
    struct job job = job_of(invocation);
    job.card = (struct card){.exists = true,
                             .token = str_of(facts.token),
                             .brand = str_of(facts.brand),
                             .last4 = str_of(facts.last4),
                             .name_on_card = name,
                             .driver = str_of(payment->ops->name)};
    const struct told_member told[] = {{"driver", TOLD_TEXT, .text = job.card.driver},
                                       {"brand", TOLD_TEXT, .text = job.card.brand},
                                       {"last4", TOLD_TEXT, .text = job.card.last4}};
    job.record = told_record(invocation, ACTIVITY_CARD_SET);
    job.record.detail = told_detail(told, ARRAY_LEN(told), job.arena);
    return store_write(invocation->setup->store, set_change, &job, reterr);
}

static bool show_read(struct db *db, void *arg, struct error *reterr) {
    struct job *j = arg;
    struct workspace workspace;
    return workspace_find(db, j->workspace, j->arena, &workspace, reterr) &&
           card_get(db, str_of(workspace.id), j->arena, &j->card, reterr);
}

bool run_card_show(const struct invocation *invocation, struct error *reterr) {
    struct job job = job_of(invocation);
    if (!store_read(invocation->setup->store, show_read, &job, reterr)) return false;
    if (!job.card.exists)
        return error_set(reterr, ERR_NOT_FOUND, "%.*s has no card; `dfyd card set` gives it one",
                         STR_ARG(job.workspace));
    const struct str pairs[] = {
        STR("token"),   job.card.token, STR("brand"),          job.card.brand, STR("last4"),
        job.card.last4, STR("name"),    job.card.name_on_card, STR("driver"),  job.card.driver,
    };
    table_print_pairs(pairs, ARRAY_LEN(pairs) / 2, stdout);
    return true;
}

static bool remove_change(struct db *db, void *arg, struct error *reterr) {
    struct job *j = arg;
    struct workspace workspace;
    return workspace_find(db, j->workspace, j->arena, &workspace, reterr) &&
           card_remove(db, str_of(workspace.id), &j->removed, reterr) &&
           (!j->removed || told_of(db, j->record, str_of(workspace.id), reterr));
}

bool run_card_remove(const struct invocation *invocation, struct error *reterr) {
    struct job job = job_of(invocation);
    job.record = told_record(invocation, ACTIVITY_CARD_REMOVED);
    if (!store_write(invocation->setup->store, remove_change, &job, reterr)) return false;
    return job.removed || error_set(reterr, ERR_NOT_FOUND, "%.*s has no card", STR_ARG(job.workspace));
}
