/* The session of who signed in to the console: opened with an API key, which the browser does not keep. */
#include <sodium.h>
#include <stddef.h>

#include "api/cookie.h"
#include "api/list_query.h"
#include "api/member.h"
#include "store/audit.h"
#include "store/sessions.h"

struct asked {
    struct str key;
};

static const struct schema_field fields[] = {
    {.name = "key", .type = SCHEMA_STRING, .required = true, .offset = offsetof(struct asked, key)},
};

static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct asked)};

/* ---- what the browser sees ---- */

static void add_named(struct buf *out, const char *id, struct str name) {
    BUF_LIT(out, "{\"id\":");
    buf_add_json(out, str_of(id));
    member_text(out, "name", name);
    BUF_LIT(out, "}");
}

static void add_card(struct buf *out, const struct card *card) {
    if (!card->exists) {
        BUF_LIT(out, "null");
        return;
    }
    BUF_LIT(out, "{\"driver\":");
    buf_add_json(out, card->driver);
    member_text(out, "brand", card->brand);
    member_text(out, "last_4_digits", card->last4);
    member_text(out, "name_on_card", card->name_on_card);
    BUF_LIT(out, "}");
}

static void answer(struct call *call, int64_t expires_ms) {
    const struct identity *identity = call->identity;
    const struct world *world = call->config->world;
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"workspace\":");
    add_named(out, identity->workspace.id, identity->workspace.name);
    BUF_LIT(out, ",\"key\":");
    add_named(out, identity->key.id, identity->key.name);
    member_scopes(out, "scopes", identity->key.scopes);
    BUF_LIT(out, ",\"is_operator\":");
    buf_add(out, identity->key.is_operator ? STR("true") : STR("false"));
    BUF_LIT(out, ",\"card\":");
    add_card(out, &identity->card);
    BUF_LIT(out, ",\"is_sandbox\":");
    buf_add(out, world->sandbox_clock ? STR("true") : STR("false"));
    BUF_LIT(out, ",\"version\":\"" DFYD_VERSION "\"");
    member_time(out, "timestamp_now", clock_now(world->clock));
    member_time(out, "timestamp_expires", expires_ms);
    BUF_LIT(out, "}");
    call_answer(call);
}

static int64_t now_ms(void) {
    struct clock clock = clock_system();
    return clock_now(&clock);
}

enum http_verdict session_defer(struct call *call) {
    (void)call;
    return HTTP_DEFER;
}

/* KEY: by which; its id need not be the call's, which may not have asked who calls. */
static struct audit_record record_of(const struct call *call, enum activity activity, const struct api_key *key) {
    const int64_t now_ms = clock_now(call->config->world->clock);
    struct audit_record record = call_record(call, activity, str_of(key->workspace_id), now_ms);
    record.actor.key_id = str_of(key->id);
    return record;
}

/* ---- GET: who is signed in ---- */

void get_session_run(struct call *call) {
    struct error error = {0};
    if (call_identify_any(call, NULL, &error))
        answer(call, call->identity->session_expires_ms);
    else
        call_fail(call, &error, "");
}

/* ---- POST: sign in ---- */

enum http_verdict sign_in_begin(struct call *call) {
    struct asked *asked = ARENA_NEW(call->arena, struct asked);
    struct error error = {0};
    bool ok = cookie_check_origin(call->request, &error) &&
              schema_body(&schema, call->request->body, call->arena, asked, &error);
    /* Nobody is asked about what cannot be a key. */
    asked->key = str_trim(asked->key);
    if (ok && (asked->key.n != KEY_TEXT - 1 || !str_starts(asked->key, "dfyd_")))
        ok = error_set(&error, ERR_UNAUTHORIZED, "Invalid API key");
    if (!ok) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = asked;
    return HTTP_DEFER;
}

struct opening {
    unsigned char hash[SESSION_HASH], before[SESSION_HASH];
    bool has_before;
    struct str key_id;
    int64_t now_ms, expires_ms;
    struct audit_record record;
};

/* The session that this browser had ends: its cookie is overwritten. */
static bool open_change(struct db *db, void *arg, struct error *reterr) {
    const struct opening *o = arg;
    bool ended;
    return (!o->has_before || session_end(db, o->before, &ended, reterr)) &&
           session_add(db, o->hash, o->key_id, o->now_ms, o->expires_ms, reterr) && audit_add(db, &o->record, reterr);
}

void sign_in_run(struct call *call) {
    const struct world *world = call->config->world;
    const struct asked *asked = call->order;
    struct error error = {0};
    if (!call_identify_any(call, &asked->key, &error)) {
        call_fail(call, &error, "");
        return;
    }
    const struct identity *identity = call->identity;
    char token[SESSION_TEXT];
    struct opening o = {.key_id = str_of(identity->key.id), .now_ms = now_ms()};
    o.expires_ms = o.now_ms + call->config->session_ms;
    o.record = record_of(call, ACTIVITY_SIGNED_IN, &identity->key);
    session_token_make(world->rng, token);
    session_hash(str_of(token), o.hash);
    struct str before = cookie_token(call->request, call_is_https(call));
    o.has_before = before.n > 0;
    session_hash(before, o.before);
    if (store_write_of(world->store, str_of(identity->workspace.id), open_change, &o, &error)) {
        cookie_set(call->response, call_is_https(call), token, call->config->session_ms / 1000);
        answer(call, o.expires_ms);
    } else {
        call_fail(call, &error, "Nobody was signed in.");
    }
    sodium_memzero(token, sizeof token);
}

/* ---- DELETE: sign out ---- */

struct ending {
    unsigned char hash[SESSION_HASH];
    struct arena *arena;
    int64_t now_ms;
    struct api_key key;
    struct audit_record record;
};

static bool look_for_it(struct db *db, void *arg, struct error *reterr) {
    struct ending *e = arg;
    int64_t expires_ms;
    return session_find(db, e->hash, e->now_ms, e->arena, &e->key, &expires_ms, reterr);
}

static bool end_change(struct db *db, void *arg, struct error *reterr) {
    const struct ending *e = arg;
    bool ended;
    return session_end(db, e->hash, &ended, reterr) && (!ended || audit_add(db, &e->record, reterr));
}

/* Also for who is not signed in any more: what the browser keeps has to go. */
void sign_out_run(struct call *call) {
    struct store *store = call->config->world->store;
    struct ending e = {.arena = call->arena, .now_ms = now_ms()};
    struct str token = cookie_token(call->request, call_is_https(call));
    struct error error = {0};
    session_hash(token, e.hash);
    bool ok = cookie_check_origin(call->request, &error);
    if (ok && token.n) {
        ok = store_read(store, look_for_it, &e, &error);
        if (ok) {
            e.record = record_of(call, ACTIVITY_SIGNED_OUT, &e.key);
            ok = store_write_of(store, e.record.workspace_id, end_change, &e, &error);
        } else if (error.code == ERR_NOT_FOUND) {
            ok = true;
        }
    }
    if (!ok) {
        call_fail(call, &error, "You are still signed in.");
        return;
    }
    cookie_set(call->response, call_is_https(call), "", 0);
    call->response->status = 204;
}
