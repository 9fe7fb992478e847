#include "store/keys.h"

#include <stdio.h>

#include "commands.h"
#include "core/scopes.h"
#include "setup.h"
#include "store/workspaces.h"
#include "table.h"
#include "text.h"
#include "told.h"

enum { KEY_NAME_MAX = 100 };

static bool scope_is_valid(struct str scope, struct error *reterr) {
    if (scope_is_known(scope)) return true;
    if (scope.n > 60) scope.n = 60;
    return error_set(reterr, ERR_INVALID,
                     "--scope must be RESOURCE:ACTION, not \"%.*s\"; resources: dfy_email_account_orders, api_keys,"
                     " workspaces, webhooks, audit_logs, all, and the others of the reference;"
                     " actions: create, read, update, delete, all",
                     STR_ARG(scope));
}

/* All --scope values, separated by one space. */
static bool join_scopes(const struct invocation *invocation, struct str *ret, struct error *reterr) {
    size_t n;
    const char *const *scopes = invocation_values(invocation, "scope", &n);
    struct str text = STR("");
    for (size_t i = 0; i < n; i++) {
        if (!scope_is_valid(str_of(scopes[i]), reterr)) return false;
        text = arena_printf(invocation->arena, "%.*s%s%s", STR_ARG(text), i ? " " : "", scopes[i]);
    }
    *ret = text;
    return true;
}

struct creation {
    struct str workspace;
    struct arena *arena;
    struct api_key key;
    unsigned char hash[KEY_HASH];
    struct audit_record record;
};

static bool tell(struct db *db, struct audit_record record, const struct api_key *key, struct arena *arena,
                 struct error *reterr) {
    record.detail = arena_printf(arena, "{\"api_key_id\":\"%s\"}", key->id);
    return told_of(db, record, str_of(key->workspace_id), reterr);
}

static bool create_change(struct db *db, void *arg, struct error *reterr) {
    struct creation *c = arg;
    struct workspace workspace;
    if (!workspace_find(db, c->workspace, c->arena, &workspace, reterr)) return false;
    snprintf(c->key.workspace_id, sizeof c->key.workspace_id, "%s", workspace.id);
    return key_add(db, &c->key, c->hash, reterr) && tell(db, c->record, &c->key, c->arena, reterr);
}

bool run_key_create(const struct invocation *invocation, struct error *reterr) {
    struct setup *setup = invocation->setup;
    struct creation creation = {
        .workspace = str_of(invocation_value(invocation, "workspace")),
        .arena = invocation->arena,
        .key = {.name = str_of(invocation_value(invocation, "name")),
                .is_operator = invocation_has(invocation, "operator")},
    };
    if (creation.key.name.n > KEY_NAME_MAX)
        return error_set(reterr, ERR_INVALID, "--name must not be longer than %d bytes", KEY_NAME_MAX);
    if (!join_scopes(invocation, &creation.key.scopes, reterr)) return false;
    ids_uuid(&setup->ids, creation.key.id);
    char secret[KEY_TEXT];
    key_secret_make(&setup->rng, secret);
    key_hash(str_of(secret), creation.hash);
    key_hint(secret, creation.key.hint);
    creation.record = told_record(invocation, ACTIVITY_KEY_CREATED);
    creation.key.created_ms = creation.record.now_ms;
    if (!store_write(setup->store, create_change, &creation, reterr)) return false;
    puts(secret);
    return true;
}

struct listing {
    const char *workspace; /* NULL: all */
    struct arena *arena;
    struct table *table;
};

static bool add_keys(struct db *db, const struct listing *listing, const struct workspace *workspace,
                     struct error *reterr) {
    struct api_key *keys;
    size_t n;
    if (!key_list(db, str_of(workspace->id), listing->arena, &keys, &n, reterr)) return false;
    for (size_t i = 0; i < n; i++) {
        const struct api_key *key = &keys[i];
        table_add(listing->table, (const struct str[]){
                                      str_of(key->id),
                                      workspace->name,
                                      key->name,
                                      key->scopes,
                                      key->is_operator ? STR("yes") : STR("no"),
                                      text_time(key->created_ms, listing->arena),
                                      key->revoked_ms ? text_time(key->revoked_ms, listing->arena) : STR(""),
                                  });
    }
    return true;
}

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct listing *l = arg;
    static const char *const titles[] = {"ID", "WORKSPACE", "NAME", "SCOPES", "OPERATOR", "CREATED", "REVOKED", NULL};
    l->table = table_create(l->arena, titles);
    if (l->workspace) {
        struct workspace workspace;
        return workspace_find(db, str_of(l->workspace), l->arena, &workspace, reterr) &&
               add_keys(db, l, &workspace, reterr);
    }
    struct workspace *all;
    size_t n;
    if (!workspace_list(db, l->arena, &all, &n, reterr)) return false;
    for (size_t i = 0; i < n; i++)
        if (!add_keys(db, l, &all[i], reterr)) return false;
    return true;
}

bool run_key_list(const struct invocation *invocation, struct error *reterr) {
    struct listing listing = {.workspace = invocation_value(invocation, "workspace"), .arena = invocation->arena};
    if (!store_read(invocation->setup->store, list_read, &listing, reterr)) return false;
    table_print(listing.table, stdout);
    return true;
}

struct revocation {
    struct str id;
    struct audit_record record;
    struct arena *arena;
};

static bool revoke_change(struct db *db, void *arg, struct error *reterr) {
    const struct revocation *r = arg;
    struct api_key key;
    return key_revoke(db, r->id, r->record.now_ms, reterr) && key_get(db, r->id, r->arena, &key, reterr) &&
           tell(db, r->record, &key, r->arena, reterr);
}

bool run_key_revoke(const struct invocation *invocation, struct error *reterr) {
    struct setup *setup = invocation->setup;
    struct revocation revocation = {
        .id = str_of(invocation_value(invocation, "id")),
        .record = told_record(invocation, ACTIVITY_KEY_REVOKED),
        .arena = invocation->arena,
    };
    return store_write(setup->store, revoke_change, &revocation, reterr);
}
