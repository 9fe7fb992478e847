/* POST /api/dfyd/v1/operator/inventory: puts pre-warmed domains up for sale, all of them or none; with dry_run it only
 * says what would come of it. */
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

#include "api/inventory_body.h"
#include "api/member.h"
#include "api/operator.h"
#include "api/operator_detail.h"

enum { PROBLEMS_SHOWN = 500 };

struct query {
    bool dry_run;
};
static const struct schema_field fields[] = {
    {.name = "dry_run", .type = SCHEMA_BOOLEAN, .offset = offsetof(struct query, dry_run), .has_default = true},
};
static const struct schema schema = {fields, ARRAY_LEN(fields), sizeof(struct query)};

struct import {
    struct call *call;
    bool dry_run;
    struct inventory_body *body;
    size_t n_known;       /* of the body's problems: those that do not come from the database */
    struct stock *stocks; /* the good ones, by name */
    struct good {
        struct str name; /* A-labels */
        struct sent_domain *sent;
    } * goods; /* theirs, in the same order */
    size_t n;
    size_t n_mailboxes; /* of all that were sent */
    struct audit_record record;
};

static bool is_csv(const struct call *call) {
    static const char wanted[] = "text/csv";
    struct str rest, type = str_trim(str_cut(http_header(call->request, "Content-Type", NULL), ';', &rest));
    return type.n == sizeof wanted - 1 && strncasecmp(type.p, wanted, type.n) == 0;
}

enum http_verdict operator_import_begin(struct call *call) {
    struct import *import = ARENA_NEW(call->arena, struct import);
    struct inventory_body *body = ARENA_NEW(call->arena, struct inventory_body);
    struct query query;
    struct error error = {0};
    struct str text = call->request->body;
    if (!schema_query(&schema, call->request->query, call->arena, &query, &error) ||
        !(is_csv(call) ? inventory_body_csv(text, call->arena, body, &error)
                       : inventory_body_json(text, call->arena, body, &error))) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    *import = (struct import){.dry_run = query.dry_run, .body = body};
    call->order = import;
    call->changes_nothing = query.dry_run;
    return HTTP_DEFER;
}

static void blame(struct import *import, struct sent_domain *sent, struct str message) {
    sent->is_bad = true;
    inventory_body_blame(import->body, sent->line, sent->item.domain, message);
}

struct judged {
    struct stock stock;
    struct sent_domain *sent;
};

static int by_name(const void *a, const void *b) {
    const struct judged *x = a, *y = b;
    int order = str_cmp(x->stock.domain, y->stock.domain);
    return order ? order : (x->sent->line > y->sent->line) - (x->sent->line < y->sent->line);
}

/* Judges each domain by itself, and finds those that are there twice. */
static bool judge(struct import *import, struct error *reterr) {
    struct call *call = import->call;
    struct inventory_body *body = import->body;
    struct judged *all = ARENA_ARRAY(call->arena, body->n, struct judged);
    size_t n = 0;
    struct rules rules;
    if (!call_rules(call, &rules, reterr)) return false;
    rules = (struct rules){.restricted = rules.restricted}; /* they are for everyone, whoever serves them today */
    for (size_t i = 0; i < body->n; i++) {
        struct sent_domain *sent = &body->domains[i];
        struct error error = {0};
        import->n_mailboxes += sent->item.n_accounts;
        if (sent->is_bad) continue;
        if (stock_judge(&sent->item, &rules, "", call->arena, &all[n].stock, &error))
            all[n++].sent = sent;
        else
            blame(import, sent, str_of(error.message));
    }
    if (n) qsort(all, n, sizeof *all, by_name);
    import->stocks = ARENA_ARRAY(call->arena, n, struct stock);
    import->goods = ARENA_ARRAY(call->arena, n, struct good);
    for (size_t i = 0; i < n; i++) {
        if (import->n && str_eq(all[i].stock.domain, import->goods[import->n - 1].name)) {
            blame(import, all[i].sent, STR("is here twice"));
            continue;
        }
        import->goods[import->n] = (struct good){all[i].stock.domain, all[i].sent};
        import->stocks[import->n++] = all[i].stock;
    }
    import->n_known = body->n_problems;
    return true;
}

static bool is_among(struct str name, const struct str *sorted, size_t n) {
    for (size_t low = 0, high = n; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(name, sorted[middle]);
        if (order == 0) return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/* Blames those that are stocked or were ordered. */
static bool look(struct db *db, struct import *import, struct error *reterr) {
    struct str *names = ARENA_ARRAY(import->call->arena, import->n, struct str);
    struct known_names known;
    for (size_t i = 0; i < import->n; i++) names[i] = import->goods[i].name;
    if (!inventory_known(db, names, import->n, import->call->arena, &known, reterr)) return false;
    import->body->n_problems = import->n_known; /* it may run again */
    for (size_t i = 0; i < import->n; i++) {
        if (is_among(names[i], known.stocked, known.n_stocked))
            blame(import, import->goods[i].sent, STR("is stocked already"));
        else if (is_among(names[i], known.active, known.n_active))
            blame(import, import->goods[i].sent, STR("was ordered here already"));
    }
    return true;
}

static bool look_read(struct db *db, void *arg, struct error *reterr) {
    return look(db, arg, reterr);
}

static bool import_change(struct db *db, void *arg, struct error *reterr) {
    struct import *import = arg;
    if (!look(db, import, reterr)) return false;
    if (import->body->n_problems) return true;
    return inventory_add_all(db, import->stocks, import->n, import->record.now_ms, reterr) &&
           audit_add(db, &import->record, reterr);
}

static void add_result(struct buf *out, const struct import *import) {
    const struct inventory_body *body = import->body;
    size_t shown = body->n_problems < PROBLEMS_SHOWN ? body->n_problems : PROBLEMS_SHOWN;
    bool is_good = !body->n_problems;
    buf_printf(out,
               "\"dry_run\":%s,\"imported\":%s,\"n_domains\":%zu,\"n_mailboxes\":%zu,\"n_problems\":%zu,\"problems\":[",
               import->dry_run ? "true" : "false", is_good && !import->dry_run ? "true" : "false", body->n,
               import->n_mailboxes, body->n_problems);
    for (size_t i = 0; i < shown; i++) {
        const struct inventory_problem *problem = &body->problems[i];
        buf_printf(out, "%s{\"line\":%zu", i ? "," : "", problem->line);
        member_text(out, "domain", problem->domain);
        member_text(out, "message", problem->message);
        BUF_LIT(out, "}");
    }
    BUF_LIT(out, "]");
}

static void refuse(struct call *call, const struct import *import) {
    struct buf *out = &call->response->body;
    size_t n = import->body->n_problems;
    call->response->status = 422;
    buf_printf(out,
               "{\"statusCode\":422,\"error\":\"Unprocessable Entity\",\"message\":\"%zu thing%s wrong with this list."
               " Nothing was imported.\",",
               n, n == 1 ? " is" : "s are");
    add_result(out, import);
    BUF_LIT(out, "}");
}

void operator_import_run(struct call *call) {
    struct import *import = call->order;
    struct store *store = call->config->world->store;
    struct error error = {0};
    import->call = call;
    bool ok = judge(import, &error);
    bool only_looks = import->dry_run || import->n_known;
    if (ok && !only_looks)
        import->record = operator_record(call, ACTIVITY_INVENTORY_ADDED, (int64_t)import->n,
                                         operator_stock_detail(import->stocks, import->n, call->arena),
                                         clock_now(call->config->world->clock));
    ok = ok && (only_looks ? store_read(store, look_read, import, &error)
                           : store_write(store, import_change, import, &error));
    if (!ok) {
        call_fail(call, &error, "Nothing was imported.");
        return;
    }
    inventory_body_sort(import->body);
    if (import->body->n_problems && !import->dry_run) {
        refuse(call, import);
        return;
    }
    BUF_LIT(&call->response->body, "{");
    add_result(&call->response->body, import);
    BUF_LIT(&call->response->body, "}");
    call_answer(call);
}
