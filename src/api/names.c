/* names: which domains are free, which are like one, and which are for sale pre-warmed. */
#include <stddef.h>

#include "api/call.h"
#include "api/schema.h"
#include "base/log.h"
#include "core/name.h"
#include "core/restricted.h"
#include "core/similar.h"
#include "driver/registrar/registrar.h"
#include "store/facts.h"
#include "store/inventory.h"

enum { CHECK_MAX = 50, SIMILAR_MAX = 67 /* an extension */, ASKED_AT_ONCE = 100 /* an extension */ };

/* ---- what is asked of each name ---- */

struct sold_reading {
    const struct str *names;
    size_t n;
    struct arena *arena;
    bool *sold;
};

static bool read_sold(struct db *db, void *arg, struct error *reterr) {
    const struct sold_reading *r = arg;
    return facts_sold(db, r->names, r->n, r->arena, r->sold, reterr);
}

static bool find_sold(struct call *call, const struct str *names, size_t n, bool *ret_sold) {
    struct sold_reading reading = {names, n, call->arena, ret_sold};
    struct error error = {0};
    if (!n || store_read(call->config->world->store, read_sold, &reading, &error)) return true;
    call_fail(call, &error, "");
    return false;
}

static bool ask_registrar(struct call *call, const struct str *names, size_t n, bool *ret_taken) {
    struct answer answer = {0};
    if (!n ||
        registrar_check_many(call->config->world->drivers->registrar, names, n, ret_taken, &answer) == OUTCOME_DONE)
        return true;
    log_event(LOG_WARN, "registrar_check_unknown", LOG_INT("names", n), LOG_TEXT("reason", answer.reason),
              LOG_TEXT("next", "answered 503"));
    struct error error = {0};
    error_set(&error, ERR_UNAVAILABLE, "It could not be checked whether the domains are available. Try again.");
    call_refuse(call, &error);
    return false;
}

static bool find_rules(struct call *call, struct rules *ret) {
    struct error error = {0};
    if (call_rules(call, ret, &error)) return true;
    call_fail(call, &error, "");
    return false;
}

/* ---- check ---- */

struct check_body {
    struct str *domains;
    size_t n;
};

static const struct schema_field check_fields[] = {
    {.name = "domains",
     .type = SCHEMA_ARRAY,
     .items = SCHEMA_STRING,
     .required = true,
     .offset = offsetof(struct check_body, domains),
     .count_offset = offsetof(struct check_body, n),
     .has_max_items = true,
     .max_items = CHECK_MAX},
};

static const struct schema check_schema = {check_fields, ARRAY_LEN(check_fields), sizeof(struct check_body)};

struct checked_name {
    struct str name, keyword;
    unsigned faults;
    bool available;
};

/* Sets available: those that an order for new domains would take now. */
static bool look_up(struct call *call, struct checked_name *checked, size_t n) {
    struct str *names = ARENA_ARRAY(call->arena, n, struct str);
    size_t *at = ARENA_ARRAY(call->arena, n, size_t), n_good = 0, n_asked = 0;
    bool *sold = ARENA_ARRAY(call->arena, n, bool), *taken = ARENA_ARRAY(call->arena, n, bool);
    for (size_t i = 0; i < n; i++)
        if (!checked[i].faults) {
            at[n_good] = i;
            names[n_good++] = checked[i].name;
        }
    if (!find_sold(call, names, n_good, sold)) return false;
    for (size_t i = 0; i < n_good; i++)
        if (!sold[i]) {
            at[n_asked] = at[i];
            names[n_asked++] = names[i];
        }
    if (!ask_registrar(call, names, n_asked, taken)) return false;
    for (size_t i = 0; i < n_asked; i++) checked[at[i]].available = !taken[i];
    return true;
}

static void add_result(struct buf *out, struct str asked, const struct checked_name *checked) {
    BUF_LIT(out, "{\"domain\":");
    buf_add_json(out, asked);
    buf_add(out, checked->available ? STR(",\"available\":true") : STR(",\"available\":false"));
    if (checked->faults & FAULT_BLACKLISTED) BUF_LIT(out, ",\"unavailable_reason\":\"restricted\"");
    if (checked->keyword.n) {
        BUF_LIT(out, ",\"restricted_keyword\":");
        buf_add_json(out, checked->keyword);
    }
    buf_add_byte(out, '}');
}

void check_domains_run(struct call *call) {
    const struct check_body *body = call->order;
    struct rules rules;
    if (!find_rules(call, &rules)) return;
    struct checked_name *checked = ARENA_ARRAY(call->arena, body->n, struct checked_name);
    for (size_t i = 0; i < body->n; i++)
        checked[i].faults =
            check_domain(body->domains[i], ORDER_DFY, &rules, call->arena, &checked[i].name, &checked[i].keyword);
    if (!look_up(call, checked, body->n)) return;
    struct buf *out = &call->response->body;
    BUF_LIT(out, "{\"results\":[");
    for (size_t i = 0; i < body->n; i++) {
        if (i) buf_add_byte(out, ',');
        add_result(out, body->domains[i], &checked[i]);
    }
    BUF_LIT(out, "]}");
    call_answer(call);
}

enum http_verdict check_domains_begin(struct call *call) {
    struct check_body *body = ARENA_NEW(call->arena, struct check_body);
    struct error error = {0};
    call->changes_nothing = true;
    if (!schema_body(&check_schema, call->request->body, call->arena, body, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = body;
    if (!call->config->world->drivers->registrar->ops->check_is_instant) return HTTP_DEFER;
    check_domains_run(call);
    return HTTP_ANSWER;
}

/* ---- similar ---- */

struct similar_body {
    struct str domain;
    struct str *tlds;
    size_t n_tlds;
};

static const char *const new_extensions[] = {"com", "org", NULL};

static const struct schema_field similar_fields[] = {
    {.name = "domain", .type = SCHEMA_STRING, .required = true, .offset = offsetof(struct similar_body, domain)},
    {.name = "tlds",
     .type = SCHEMA_ARRAY,
     .items = SCHEMA_STRING,
     .item_words = new_extensions,
     .offset = offsetof(struct similar_body, tlds),
     .count_offset = offsetof(struct similar_body, n_tlds),
     .has_default = true},
};

static const struct schema similar_schema = {similar_fields, ARRAY_LEN(similar_fields), sizeof(struct similar_body)};

/* Whether EXTENSION is among LIST; an empty list means all. */
static bool is_wanted(struct str extension, const struct str *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i], extension)) return true;
    return n == 0;
}

struct candidate {
    struct str name;
    size_t extension; /* in new_extensions */
    bool is_out;      /* sold or taken */
    bool is_free;     /* the registrar says so */
};

struct similar {
    struct call *call;
    struct candidate *all; /* best first */
    size_t n;
    size_t found[ARRAY_LEN(new_extensions)];
};

static void refuse_restricted(struct call *call, struct str keyword) {
    struct buf *out = &call->response->body;
    call->response->status = 400;
    BUF_LIT(out, "{\"statusCode\":400,\"error\":\"Bad Request\",\"message\":");
    if (keyword.n) {
        buf_add_json(out, arena_printf(call->arena,
                                       "The provided domain contains a restricted keyword: \"%.*s\". Please choose "
                                       "another domain.",
                                       STR_ARG(keyword)));
        BUF_LIT(out, ",\"code\":\"restricted_domain\",\"keyword\":");
        buf_add_json(out, keyword);
        buf_add_byte(out, '}');
    } else {
        BUF_LIT(out, "\"The provided domain is on a block list. Please choose another domain.\""
                     ",\"code\":\"restricted_domain\"}");
    }
}

static void add_candidates(struct similar *s, const struct similar_body *body, struct str name,
                           const struct rules *rules) {
    struct str *labels, keyword;
    size_t n;
    struct arena *arena = s->call->arena;
    similar_labels(name, arena, &labels, &n);
    s->all = ARENA_ARRAY(arena, n * (ARRAY_LEN(new_extensions) - 1), struct candidate);
    for (size_t i = 0; i < n; i++)
        for (size_t e = 0; new_extensions[e]; e++) {
            if (!is_wanted(str_of(new_extensions[e]), body->tlds, body->n_tlds)) continue;
            struct str like = arena_printf(arena, "%.*s.%s", STR_ARG(labels[i]), new_extensions[e]);
            if (str_eq(like, name) || restricted_match(rules->restricted, rules->workspace_id, like, &keyword))
                continue;
            s->all[s->n++] = (struct candidate){.name = like, .extension = e};
        }
}

static bool drop_sold(struct similar *s) {
    struct str *names = ARENA_ARRAY(s->call->arena, s->n, struct str);
    bool *sold = ARENA_ARRAY(s->call->arena, s->n, bool);
    for (size_t i = 0; i < s->n; i++) names[i] = s->all[i].name;
    if (!find_sold(s->call, names, s->n, sold)) return false;
    for (size_t i = 0; i < s->n; i++) s->all[i].is_out = sold[i];
    return true;
}

/* Asks about the best of those that are not asked yet, for each extension that is not full; *ret_asked: how many. */
static bool ask_some(struct similar *s, size_t *ret_asked) {
    struct str *names = ARENA_ARRAY(s->call->arena, s->n, struct str);
    size_t *at = ARENA_ARRAY(s->call->arena, s->n, size_t), n = 0;
    size_t asked[ARRAY_LEN(new_extensions)] = {0};
    for (size_t i = 0; i < s->n; i++) {
        const struct candidate *c = &s->all[i];
        if (c->is_out || c->is_free || s->found[c->extension] >= SIMILAR_MAX || asked[c->extension] == ASKED_AT_ONCE)
            continue;
        asked[c->extension]++;
        at[n] = i;
        names[n++] = c->name;
    }
    bool *taken = ARENA_ARRAY(s->call->arena, n, bool);
    if (!ask_registrar(s->call, names, n, taken)) return false;
    for (size_t i = 0; i < n; i++) {
        struct candidate *c = &s->all[at[i]];
        c->is_out = taken[i];
        c->is_free = !taken[i];
        s->found[c->extension] += c->is_free;
    }
    *ret_asked = n;
    return true;
}

static void write_similar(struct similar *s) {
    struct buf *out = &s->call->response->body;
    size_t shown[ARRAY_LEN(new_extensions)] = {0};
    bool is_first = true;
    BUF_LIT(out, "{\"domains\":[");
    for (size_t i = 0; i < s->n; i++) {
        const struct candidate *c = &s->all[i];
        if (!c->is_free || shown[c->extension]++ >= SIMILAR_MAX) continue;
        if (!is_first) buf_add_byte(out, ',');
        is_first = false;
        buf_add_json(out, c->name);
    }
    BUF_LIT(out, "]}");
    call_answer(s->call);
}

void similar_domains_run(struct call *call) {
    const struct similar_body *body = call->order;
    struct rules rules;
    struct str name, keyword;
    if (!find_rules(call, &rules)) return;
    if (!similar_name(body->domain, call->arena, &name)) {
        struct error error = {0};
        error_set(&error, ERR_INVALID, "The provided domain is not a domain name. Send one such as acme.com.");
        call_refuse(call, &error);
        return;
    }
    if (restricted_match(rules.restricted, rules.workspace_id, name, &keyword)) {
        refuse_restricted(call, keyword);
        return;
    }
    struct similar s = {.call = call};
    add_candidates(&s, body, name, &rules);
    if (!drop_sold(&s)) return;
    size_t asked = 1;
    while (asked)
        if (!ask_some(&s, &asked)) return;
    write_similar(&s);
}

enum http_verdict similar_domains_begin(struct call *call) {
    struct similar_body *body = ARENA_NEW(call->arena, struct similar_body);
    struct error error = {0};
    call->changes_nothing = true;
    if (!schema_body(&similar_schema, call->request->body, call->arena, body, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = body;
    return HTTP_DEFER; /* some milliseconds of work at least */
}

/* ---- pre-warmed ---- */

struct pre_warmed_body {
    struct str *extensions;
    size_t n;
    struct str search;
};

static const char *const stock_extensions[] = {"com", "org", "co", NULL};

static const struct schema_field pre_warmed_fields[] = {
    {.name = "extensions",
     .type = SCHEMA_ARRAY,
     .items = SCHEMA_STRING,
     .item_words = stock_extensions,
     .offset = offsetof(struct pre_warmed_body, extensions),
     .count_offset = offsetof(struct pre_warmed_body, n),
     .has_default = true},
    {.name = "search", .type = SCHEMA_STRING, .offset = offsetof(struct pre_warmed_body, search)},
};

static const struct schema pre_warmed_schema = {pre_warmed_fields, ARRAY_LEN(pre_warmed_fields),
                                                sizeof(struct pre_warmed_body)};

struct for_sale_reading {
    struct arena *arena;
    struct stock *stock;
    size_t n;
};

static bool read_for_sale(struct db *db, void *arg, struct error *reterr) {
    struct for_sale_reading *r = arg;
    return inventory_for_sale(db, r->arena, &r->stock, &r->n, reterr);
}

static struct str lower_ascii(struct str text, struct arena *arena) {
    char *to = arena_alloc(arena, text.n + 1);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        to[i] = c;
    }
    return (struct str){to, text.n};
}

static bool holds(struct str text, struct str part, struct arena *arena) {
    return part.n <= text.n && str_contains(text, arena_cstr(arena, part));
}

/* Whether it can be ordered and is asked for. SEARCH is found in the name as people write it and in its A-label. */
static bool is_shown(const struct stock *stock, const struct pre_warmed_body *body, struct str search,
                     const struct rules *rules, struct arena *arena) {
    struct str keyword;
    return is_wanted(name_extension(stock->domain), body->extensions, body->n) &&
           (holds(stock->domain, search, arena) || holds(name_unicode(stock->domain, arena), search, arena)) &&
           !(rules->providers_off & 1U << stock->provider) &&
           !restricted_match(rules->restricted, rules->workspace_id, stock->domain, &keyword);
}

static void write_stock(struct buf *out, const struct stock *const *shown, size_t n) {
    BUF_LIT(out, "{\"domains\":[");
    for (size_t i = 0; i < n; i++) {
        if (i) buf_add_byte(out, ',');
        buf_add_json(out, shown[i]->domain);
    }
    BUF_LIT(out, "],\"domains_with_type\":[");
    for (size_t i = 0; i < n; i++) {
        if (i) buf_add_byte(out, ',');
        BUF_LIT(out, "{\"domain\":");
        buf_add_json(out, shown[i]->domain);
        BUF_LIT(out, ",\"account_type\":");
        buf_add_int(out, (int64_t)shown[i]->provider);
        buf_add_byte(out, '}');
    }
    BUF_LIT(out, "]}");
}

void pre_warmed_run(struct call *call) {
    const struct pre_warmed_body *body = call->order;
    struct for_sale_reading reading = {.arena = call->arena};
    struct rules rules;
    struct error error = {0};
    if (!find_rules(call, &rules)) return;
    if (!store_read(call->config->world->store, read_for_sale, &reading, &error)) {
        call_fail(call, &error, "");
        return;
    }
    struct str search = lower_ascii(str_trim(body->search), call->arena);
    const struct stock **shown = ARENA_ARRAY(call->arena, reading.n, const struct stock *);
    size_t n = 0;
    for (size_t i = 0; i < reading.n; i++)
        if (is_shown(&reading.stock[i], body, search, &rules, call->arena)) shown[n++] = &reading.stock[i];
    write_stock(&call->response->body, shown, n);
    call_answer(call);
}

enum http_verdict pre_warmed_begin(struct call *call) {
    struct pre_warmed_body *body = ARENA_NEW(call->arena, struct pre_warmed_body);
    struct error error = {0};
    call->changes_nothing = true;
    struct str text = call->request->body.n ? call->request->body : STR("{}");
    if (!schema_body(&pre_warmed_schema, text, call->arena, body, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = body;
    return HTTP_DEFER; /* as long as the inventory is large */
}
