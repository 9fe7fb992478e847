#include "driver/dns/powerdns/inside.h"
#include "driver/web/json.h"

enum { TTL_MAX = 0x7fffffff, WORDS_MAX_BYTES = 140 };

/* ---- reading ---- */

static bool read_text(yyjson_val *object, const char *name, struct str *ret) {
    yyjson_val *value = yyjson_obj_get(object, name);
    if (!yyjson_is_str(value)) return false;
    *ret = (struct str){yyjson_get_str(value), yyjson_get_len(value)};
    return true;
}

/* Printable ASCII alone, and not too much of it; nothing at all when the secret is in it. */
static struct str words_of(yyjson_val *json, struct str secret, struct arena *arena) {
    struct str text;
    if (!yyjson_is_obj(json) || !read_text(json, "error", &text)) return STR("");
    if (secret.n && str_contains(text, arena_cstr(arena, secret))) return STR("");
    if (text.n > WORDS_MAX_BYTES) text.n = WORDS_MAX_BYTES;
    char *to = arena_alloc(arena, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c < ' ' || c > '~') c = '?';
        to[i] = c;
    }
    return (struct str){to, text.n};
}

void powerdns_reply_read(enum web_result result, const struct web_reply *web, struct str secret, struct arena *arena,
                         struct powerdns_reply *ret) {
    *ret = (struct powerdns_reply){.result = result, .status = web->status, .reason = web->reason};
    if (result != WEB_ANSWERED) return;
    ret->json = web->body.n ? web_json(web->body, arena) : NULL;
    if (web->status >= 400) ret->error = words_of(ret->json, secret, arena);
}

static bool read_record(yyjson_val *json, const char *type, struct arena *arena, struct powerdns_record *ret) {
    yyjson_val *disabled = yyjson_obj_get(json, "disabled");
    if (!yyjson_is_obj(json) || !read_text(json, "content", &ret->content)) return false;
    if (disabled && !yyjson_is_bool(disabled)) return false;
    ret->is_disabled = yyjson_get_bool(disabled);
    ret->value = powerdns_value(type, ret->content, arena);
    return true;
}

static bool read_set(yyjson_val *json, struct arena *arena, struct powerdns_set *ret) {
    yyjson_val *ttl = yyjson_obj_get(json, "ttl"), *records = yyjson_obj_get(json, "records"), *record;
    struct str name;
    if (!yyjson_is_obj(json) || !read_text(json, "name", &name) || !read_text(json, "type", &ret->type)) return false;
    if (!yyjson_is_uint(ttl) || yyjson_get_uint(ttl) > TTL_MAX || !yyjson_is_arr(records)) return false;
    ret->name = powerdns_name(name, arena);
    ret->ttl = (int)yyjson_get_uint(ttl);
    ret->records = ARENA_ARRAY(arena, yyjson_arr_size(records) + 1, struct powerdns_record);
    const char *type = arena_cstr(arena, ret->type);
    size_t i, n;
    yyjson_arr_foreach(records, i, n, record) {
        if (!read_record(record, type, arena, &ret->records[ret->n_records++])) return false;
    }
    return true;
}

bool powerdns_zone_read(const struct powerdns_reply *reply, struct str zone, struct arena *arena,
                        struct powerdns_zone *ret) {
    struct str name;
    yyjson_val *sets = yyjson_obj_get(reply->json, "rrsets"), *set;
    *ret = (struct powerdns_zone){0};
    if (reply->result != WEB_ANSWERED || reply->status != 200 || !yyjson_is_obj(reply->json)) return false;
    if (!read_text(reply->json, "name", &name) || !str_eq(powerdns_name(name, arena), zone)) return false;
    if (!read_text(reply->json, "account", &ret->account) || !yyjson_is_arr(sets)) return false;
    ret->sets = ARENA_ARRAY(arena, yyjson_arr_size(sets) + 1, struct powerdns_set);
    size_t i, n;
    yyjson_arr_foreach(sets, i, n, set) {
        if (!read_set(set, arena, &ret->sets[ret->n_sets++])) return false;
    }
    return true;
}

const struct powerdns_set *powerdns_find(const struct powerdns_zone *zone, struct str name, const char *type) {
    for (size_t i = 0; i < zone->n_sets; i++)
        if (str_is(zone->sets[i].type, type) && str_eq(zone->sets[i].name, name)) return &zone->sets[i];
    return NULL;
}

struct rrset powerdns_served(const struct powerdns_zone *zone, struct str name, const char *type, struct arena *arena) {
    struct rrset set = {.name = name, .type = type};
    const struct powerdns_set *found = powerdns_find(zone, name, type);
    if (!found) return set;
    set.data = ARENA_ARRAY(arena, found->n_records + 1, struct str);
    for (size_t i = 0; i < found->n_records; i++)
        if (!found->records[i].is_disabled) set.data[set.n_data++] = found->records[i].value;
    set.ttl = set.n_data ? found->ttl : 0;
    return set;
}

/* ---- judging ---- */

/* What PowerDNS says of these is but the name of the status. */
static bool says_all(int status) {
    return status == 401 || status == 403 || status == 404 || status == 409;
}

/* PowerDNS's own words of what is in the way follow; they name the record. */
static const char *what_to_do(int status) {
    return status == 422 ? "; change or remove what is in the way there" : "";
}

static const char *what_to_mend(int status) {
    switch (status) {
    case 401:
        return "PowerDNS refuses the key: powerdns_key_file or DFYD_POWERDNS_KEY must hold its api-key";
    case 403:
        return "PowerDNS does not let dfyd in: see its webserver-allow-from and powerdns_url";
    case 404:
        return "there is no PowerDNS API at powerdns_url: it needs api=yes there, and powerdns_url its address";
    case 409:
        return "PowerDNS has another zone of that name meanwhile; it is looked at again";
    case 413:
    case 422:
        return "PowerDNS does not take these records";
    default:
        break;
    }
    if (status >= 500) return "PowerDNS failed; it is asked again";
    if (status >= 300 && status < 400)
        return "powerdns_url must be PowerDNS's own address; what is there sends elsewhere";
    return "what answers at powerdns_url is not PowerDNS, or its answer is broken";
}

enum outcome powerdns_unclear(const struct powerdns_reply *reply, struct answer *answer) {
    if (reply->result == WEB_TOO_LONG)
        return answer_set(answer, OUTCOME_UNKNOWN, "the answer of PowerDNS is longer than dfyd reads");
    if (reply->result != WEB_ANSWERED)
        return answer_set(answer, OUTCOME_UNKNOWN, "no answer from PowerDNS: %s; see that it runs, at powerdns_url",
                          reply->reason && reply->reason[0] ? reply->reason : "no connection");
    const char *mend = what_to_mend(reply->status);
    if (!reply->error.n || says_all(reply->status))
        return answer_set(answer, OUTCOME_UNKNOWN, "%s (%d)", mend, reply->status);
    return answer_set(answer, OUTCOME_UNKNOWN, "%s (%d): %.*s%s", mend, reply->status, STR_ARG(reply->error),
                      what_to_do(reply->status));
}
