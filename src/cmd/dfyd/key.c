#include "store/keys.h"

#include <stdio.h>

#include "commands.h"
#include "core/scopes.h"
#include "setup.h"
#include "store/audit.h"
#include "store/workspaces.h"
#include "table.h"
#include "text.h"

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
    struct str record_id;
};

/* The command line is nobody's key. */
static bool tell(struct db *db, const struct api_key *key, enum activity activity, struct str record_id, int64_t now_ms,
                 struct arena *arena, struct error *reterr) {
    struct audit_record record = {
        .id = record_id,
        .workspace_id = str_of(key->workspace_id),
        .activity = activity,
        .affected = 1,
        .detail = arena_printf(arena, "{\"api_key_id\":\"%s\"}", key->id),
        .now_ms = now_ms,
    };
    return audit_add(db, &record, reterr);
}

static bool create_change(struct db *db, void *arg, struct error *reterr) {
    struct creation *c = arg;
    struct workspace workspace;
    if (!workspace_find(db, c->workspace, c->arena, &workspace, reterr)) return false;
    snprintf(c->key.workspace_id, sizeof c->key.workspace_id, "%s", workspace.id);
    return key_add(db, &c->key, c->hash, reterr) &&
           tell(db, &c->key, ACTIVITY_KEY_CREATED, c->record_id, c->key.created_ms, c->arena, reterr);
}

bool run_key_create(const struct invocation *invocation, struct error *reterr) {
    struct setup *setup = invocation->setup;
    struct creation creation = {
        .workspace = str_of(invocation_value(invocation, "workspace")),
        .arena = invocation->arena,
        .key = {.name = str_of(invocation_value(invocation, "name")),
                .is_operator = invocation_has(invocation, "operator"),
                .created_ms = clock_now(&setup->clock)},
    };
    if (creation.key.name.n > KEY_NAME_MAX)
        return error_set(reterr, ERR_INVALID, "--name must not be longer than %d bytes", KEY_NAME_MAX);
    if (!join_scopes(invocation, &creation.key.scopes, reterr)) return false;
    ids_uuid(&setup->ids, creation.key.id);
    char secret[KEY_TEXT];
    key_secret_make(&setup->rng, secret);
    key_hash(str_of(secret), creation.hash);
    key_hint(secret, creation.key.hint);
    char record_id[UUID_TEXT];
    ids_uuid(&setup->ids, record_id);
    creation.record_id = str_of(record_id);
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
    int64_t now_ms;
    struct str record_id;
    struct arena *arena;
};

static bool revoke_change(struct db *db, void *arg, struct error *reterr) {
    const struct revocation *r = arg;
    struct api_key key;
    return key_revoke(db, r->id, r->now_ms, reterr) && key_get(db, r->id, r->arena, &key, reterr) &&
           tell(db, &key, ACTIVITY_KEY_REVOKED, r->record_id, r->now_ms, r->arena, reterr);
}

bool run_key_revoke(const struct invocation *invocation, struct error *reterr) {
    struct setup *setup = invocation->setup;
    char record_id[UUID_TEXT];
    ids_uuid(&setup->ids, record_id);
    struct revocation revocation = {str_of(invocation_value(invocation, "id")), clock_now(&setup->clock),
                                    str_of(record_id), invocation->arena};
    return store_write(setup->store, revoke_change, &revocation, reterr);
}
