#include "store/webhooks.h"

#include <stdio.h>

#include "commands.h"
#include "setup.h"
#include "step/deliver.h"
#include "store/workspaces.h"
#include "table.h"
#include "text.h"
#include "told.h"

struct secret {
    struct str workspace;
    struct arena *arena;
    struct str fresh; /* sealed; becomes the secret when there is none yet */
    bool rotate;
    struct str sealed;
    struct audit_record record; /* of a rotation */
};

static bool secret_change(struct db *db, void *arg, struct error *reterr) {
    struct secret *s = arg;
    struct workspace workspace;
    if (!workspace_find(db, s->workspace, s->arena, &workspace, reterr)) return false;
    struct str id = str_of(workspace.id);
    return webhook_secret_put(db, id, s->fresh, s->rotate, reterr) &&
           (!s->rotate || told_of(db, s->record, id, reterr)) &&
           webhook_secret_get(db, id, s->arena, &s->sealed, reterr);
}

bool run_webhook_secret(const struct invocation *invocation, struct error *reterr) {
    struct setup *setup = invocation->setup;
    const struct world world = {.rng = &setup->rng};
    struct arena *arena = invocation->arena;
    struct secret s = {
        .workspace = str_of(invocation_value(invocation, "workspace")),
        .arena = arena,
        .fresh = vault_seal(&setup->vault, &setup->rng, deliver_make_secret(&world, arena), arena),
        .rotate = invocation_has(invocation, "rotate"),
        .record = told_record(invocation, ACTIVITY_WEBHOOK_SECRET_ROTATED),
    };
    struct str plain = STR("");
    if (!store_write(setup->store, secret_change, &s, reterr) ||
        !vault_open_sealed(&setup->vault, s.sealed, arena, &plain, reterr))
        return false;
    printf("%.*s\n", STR_ARG(plain));
    return true;
}

struct listing {
    struct str workspace;
    struct arena *arena;
    struct webhook *webhooks;
    size_t n;
};

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct listing *l = arg;
    struct workspace workspace;
    if (!workspace_find(db, l->workspace, l->arena, &workspace, reterr)) return false;
    const struct webhook_filter filter = {.workspace_id = str_of(workspace.id)};
    return webhook_page(db, &filter, WEBHOOKS_MAX, l->arena, &l->webhooks, &l->n, reterr);
}

bool run_webhook_list(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"ID", "EVENTS", "STATUS", "PENDING", "TARGET", "REASON", NULL};
    struct listing l = {.workspace = str_of(invocation_value(invocation, "workspace")), .arena = invocation->arena};
    if (!store_read(invocation->setup->store, list_read, &l, reterr)) return false;
    struct table *table = table_create(l.arena, titles);
    for (size_t i = 0; i < l.n; i++) {
        const struct webhook *webhook = &l.webhooks[i];
        struct str status = webhook->is_active ? STR("active")
                                               : arena_printf(l.arena, "off since %.*s",
                                                              STR_ARG(text_time(webhook->error_ms, l.arena)));
        table_add(table, (const struct str[]){webhook->id, webhook->event_type.text, status,
                                              arena_printf(l.arena, "%lld", (long long)webhook->pending),
                                              webhook->target, webhook->reason});
    }
    table_print(table, stdout);
    return true;
}
