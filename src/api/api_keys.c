#include <sodium.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "api/list_query.h"
#include "api/member.h"
#include "api/utf8.h"
#include "core/scopes.h"

enum { NAME_MAX_CHARACTERS = 255 };

static const char nothing_done[] = "Nothing was changed.";

struct asked {
    struct str name;
    struct str *scopes;
    size_t n_scopes;
};

static const struct schema_field key_fields[] = {
    {.name = "name", .type = SCHEMA_STRING, .required = true, .offset = offsetof(struct asked, name)},
    {.name = "scopes",
     .type = SCHEMA_ARRAY,
     .required = true,
     .offset = offsetof(struct asked, scopes),
     .count_offset = offsetof(struct asked, n_scopes),
     .items = SCHEMA_STRING,
     .item_words = scope_words},
};

static const struct schema key_schema = {key_fields, ARRAY_LEN(key_fields), sizeof(struct asked)};

/* ---- what clients see ---- */

/* SECRET is only known when the key is made; later its beginning stands for it. */
static void add_key(struct buf *out, const struct api_key *key, const char *secret) {
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, str_of(key->id));
    BUF_LIT(out, ",\"name\":");
    buf_add_json(out, key->name);
    member_scopes(out, "scopes", key->scopes);
    BUF_LIT(out, ",\"key\":\"");
    buf_add(out, str_of(secret ? secret : key->hint[0] ? key->hint : "dfyd_"));
    if (!secret) BUF_LIT(out, "…");
    BUF_LIT(out, "\",\"organization_id\":");
    buf_add_json(out, str_of(key->workspace_id));
    BUF_LIT(out, ",\"timestamp_created\":");
    list_add_time(out, key->created_ms);
    BUF_LIT(out, ",\"timestamp_updated\":");
    list_add_time(out, key->updated_ms);
    BUF_LIT(out, "}");
}

/* ---- POST: a new key ---- */

struct making {
    struct call *call;
    struct api_key key;
    unsigned char hash[KEY_HASH];
    struct audit_record record;
};

static size_t characters(struct str text) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return n;
}

static bool is_among(struct str text, const struct str *texts, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(text, texts[i])) return true;
    return false;
}

/* A key gives no more than it has: else any key that may make keys would be one for everything. */
static bool check_scopes(const struct call *call, const struct asked *asked, struct error *reterr) {
    for (size_t i = 0; i < asked->n_scopes; i++) {
        struct str action, resource = str_cut(asked->scopes[i], ':', &action);
        if (!scopes_allow(call->identity->key.scopes, resource, action))
            return error_set(reterr, ERR_FORBIDDEN,
                             "This API key cannot give the scope %.*s: it does not have it itself",
                             STR_ARG(asked->scopes[i]));
    }
    return true;
}

enum http_verdict create_key_begin(struct call *call) {
    struct asked *asked = ARENA_NEW(call->arena, struct asked);
    struct error error = {0};
    bool ok = schema_body(&key_schema, call->request->body, call->arena, asked, &error);
    if (ok && characters(asked->name) > NAME_MAX_CHARACTERS)
        ok = error_set(&error, ERR_INVALID, "body/name must NOT have more than %d characters", NAME_MAX_CHARACTERS);
    if (!ok || !check_scopes(call, asked, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = asked;
    return HTTP_DEFER;
}

static struct str join_scopes(const struct asked *asked, struct arena *arena) {
    struct buf text;
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < asked->n_scopes; i++) {
        if (is_among(asked->scopes[i], asked->scopes, i)) continue;
        if (i) buf_add_byte(&text, ' ');
        buf_add(&text, asked->scopes[i]);
    }
    struct str joined = arena_str(arena, buf_str(&text));
    buf_finish(&text);
    return joined;
}

/* {"api_key_id": ..., "name": ...} */
static struct str detail_of(const struct api_key *key, struct arena *arena) {
    struct buf text;
    buf_init(&text, 1 << 20);
    BUF_LIT(&text, "{\"api_key_id\":");
    buf_add_json(&text, str_of(key->id));
    BUF_LIT(&text, ",\"name\":");
    buf_add_json(&text, key->name);
    BUF_LIT(&text, "}");
    struct str detail = arena_str(arena, buf_str(&text));
    buf_finish(&text);
    return detail;
}

static struct audit_record record_of(const struct call *call, enum activity activity, int64_t now_ms) {
    return call_record(call, activity, str_of(call->identity->workspace.id), now_ms);
}

static bool make_change(struct db *db, void *arg, struct error *reterr) {
    struct making *m = arg;
    return key_add(db, &m->key, m->hash, reterr) && audit_add(db, &m->record, reterr);
}

void create_key_run(struct call *call) {
    const struct asked *asked = call->order;
    const struct world *world = call->config->world;
    int64_t now_ms = clock_now(world->clock);
    struct making m = {
        .call = call,
        .key = {.name = asked->name,
                .scopes = join_scopes(asked, call->arena),
                .created_ms = now_ms,
                .updated_ms = now_ms},
        .record = record_of(call, ACTIVITY_KEY_CREATED, now_ms),
    };
    char secret[KEY_TEXT];
    struct error error = {0};
    ids_uuid(world->ids, m.key.id);
    memcpy(m.key.workspace_id, call->identity->workspace.id, UUID_TEXT);
    m.record.detail = detail_of(&m.key, call->arena);
    key_secret_make(world->rng, secret);
    key_hash(str_of(secret), m.hash);
    key_hint(secret, m.key.hint);
    if (store_write_of(world->store, m.record.workspace_id, make_change, &m, &error)) {
        add_key(&call->response->body, &m.key, secret);
        call_answer(call);
    } else {
        call_fail(call, &error, nothing_done);
    }
    sodium_memzero(secret, sizeof secret);
}

/* ---- GET: the valid ones ---- */

struct paging {
    const struct call *call;
    const struct list_query *query;
    struct api_key *rows;
    size_t n;
};

static bool read_page(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    const struct identity *identity = p->call->identity;
    /* One more than asked for tells whether there is another page. */
    return key_page(db, str_of(identity->workspace.id), identity->key.is_operator, p->query->starting_after,
                    (size_t)p->query->limit + 1, p->call->arena, &p->rows, &p->n, reterr);
}

enum http_verdict list_keys(struct call *call) {
    struct list_query query;
    if (!list_read_query(call, &query)) return HTTP_ANSWER;
    struct paging p = {.call = call, .query = &query};
    if (!list_read_page(call, read_page, &p)) return HTTP_ANSWER;
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, p.n, query.limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        add_key(out, &p.rows[i], NULL);
    }
    list_end(out, shown < p.n ? str_of(p.rows[shown - 1].id) : STR(""));
    call_answer(call);
    return HTTP_ANSWER;
}

/* ---- DELETE ---- */

enum http_verdict delete_key_begin(struct call *call) {
    (void)call;
    return HTTP_DEFER;
}

static bool revoke_change(struct db *db, void *arg, struct error *reterr) {
    struct making *m = arg;
    const struct identity *identity = m->call->identity;
    struct str id = m->call->parameter;
    bool found = key_get(db, id, m->call->arena, &m->key, reterr);
    if (!found && reterr->code != ERR_NOT_FOUND) return false;
    /* Revoked, another workspace's, an operator's that it may not see: all the same to the client. */
    if (!found || m->key.revoked_ms || strcmp(m->key.workspace_id, identity->workspace.id) != 0 ||
        (m->key.is_operator && !identity->key.is_operator))
        return error_set(reterr, ERR_NOT_FOUND, "Resource not found");
    m->record.detail = detail_of(&m->key, m->call->arena);
    m->key.updated_ms = m->record.now_ms;
    return key_revoke(db, id, m->record.now_ms, reterr) && audit_add(db, &m->record, reterr);
}

void delete_key_run(struct call *call) {
    const struct world *world = call->config->world;
    struct making m = {.call = call, .record = record_of(call, ACTIVITY_KEY_REVOKED, clock_now(world->clock))};
    struct error error = {0};
    if (!store_write_of(world->store, m.record.workspace_id, revoke_change, &m, &error)) {
        call_fail(call, &error, nothing_done);
        return;
    }
    add_key(&call->response->body, &m.key, NULL);
    call_answer(call);
}
