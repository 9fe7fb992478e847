#include "api/inventory_body.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/csv_read.h"
#include "api/place_order.h"
#include "api/utf8.h"

enum { COLUMNS = 5, FIRST_ROOM = 16 };

void inventory_body_blame(struct inventory_body *body, size_t line, struct str domain, struct str message) {
    if (body->n_problems == body->room) {
        size_t room = body->room ? 2 * body->room : FIRST_ROOM;
        struct inventory_problem *grown = ARENA_ARRAY(body->arena, room, struct inventory_problem);
        if (body->n_problems) memcpy(grown, body->problems, body->n_problems * sizeof *grown);
        body->problems = grown;
        body->room = room;
    }
    body->problems[body->n_problems++] =
        (struct inventory_problem){.line = line, .domain = domain, .message = arena_str(body->arena, message)};
}

static int by_line(const void *a, const void *b) {
    const struct inventory_problem *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

void inventory_body_sort(struct inventory_body *body) {
    if (body->n_problems) qsort(body->problems, body->n_problems, sizeof *body->problems, by_line);
}

/* ---- JSON ---- */

static const struct schema_field item_fields[] = {
    {.name = "domain", .type = SCHEMA_STRING, .required = true, .offset = offsetof(struct order_item, domain)},
    {.name = "email_provider",
     .type = SCHEMA_NUMBER,
     .required = true,
     .offset = offsetof(struct order_item, provider),
     .numbers = email_providers},
    {.name = "accounts",
     .type = SCHEMA_ARRAY,
     .required = true,
     .offset = offsetof(struct order_item, accounts),
     .count_offset = offsetof(struct order_item, n_accounts),
     .items = SCHEMA_OBJECT,
     .of = &account_schema},
};
static const struct schema item_schema = {item_fields, ARRAY_LEN(item_fields), sizeof(struct order_item)};

struct asked {
    struct order_item *items;
    size_t n;
};
static const struct schema_field body_fields[] = {
    {.name = "items",
     .type = SCHEMA_ARRAY,
     .required = true,
     .offset = offsetof(struct asked, items),
     .count_offset = offsetof(struct asked, n),
     .items = SCHEMA_OBJECT,
     .of = &item_schema,
     .has_min_items = true,
     .min_items = 1},
};
static const struct schema body_schema = {body_fields, ARRAY_LEN(body_fields), sizeof(struct asked)};

bool inventory_body_json(struct str body, struct arena *arena, struct inventory_body *ret, struct error *reterr) {
    struct asked asked;
    if (!schema_body(&body_schema, body, arena, &asked, reterr)) return false;
    *ret = (struct inventory_body){
        .domains = ARENA_ARRAY(arena, asked.n, struct sent_domain), .n = asked.n, .arena = arena};
    for (size_t i = 0; i < asked.n; i++) ret->domains[i] = (struct sent_domain){asked.items[i], i + 1, false};
    return true;
}

/* ---- CSV ---- */

struct line {
    size_t number;
    struct str domain;
    int64_t provider;
    struct account account;
    bool is_bad;
};

static int64_t provider_of(struct str text) {
    int64_t number;
    if (str_to_int(text, PROVIDER_NONE + 1, PROVIDER_END - 1, &number)) return number;
    for (int i = PROVIDER_NONE + 1; i < PROVIDER_END; i++)
        if (text.n == strlen(provider_names[i]) && strncasecmp(text.p, provider_names[i], text.n) == 0) return i;
    return PROVIDER_NONE;
}

static bool is_same(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

/* An address stands for what is before its '@' when the rest is DOMAIN. */
static bool cut_address(struct str text, struct str domain, struct str *ret) {
    struct str rest, prefix = str_cut(text, '@', &rest);
    *ret = prefix;
    return prefix.n == text.n || is_same(rest, domain);
}

/* What is wrong with the cells; NULL: they are in *ret. */
static const char *read_cells(const struct str *cells, size_t n, struct line *ret) {
    if (n != COLUMNS) return "has other than five columns: domain, provider, mailbox, first name, last name";
    ret->domain = cells[0];
    ret->provider = provider_of(cells[1]);
    ret->account = (struct account){.first_name = cells[3], .last_name = cells[4]};
    if (!cells[0].n) return "names no domain";
    if (!ret->provider) return "names no provider: 1 or Google, 2 or AirMail, 3 or Microsoft";
    if (!cut_address(cells[2], cells[0], &ret->account.prefix)) return "has an address that is not of its domain";
    return NULL;
}

static int compare_domains(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? strncasecmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_domain(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    int order = compare_domains(x->domain, y->domain);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static int by_first_line(const void *a, const void *b) {
    const struct sent_domain *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

/* One domain of the N lines about it, which follow each other. */
static struct sent_domain gather(struct inventory_body *body, const struct line *lines, size_t n) {
    struct sent_domain sent = {
        .item = {.domain = lines->domain,
                 .provider = lines->provider,
                 .accounts = ARENA_ARRAY(body->arena, n, struct account),
                 .n_accounts = n},
        .line = lines->number,
    };
    for (size_t i = 0; i < n; i++) {
        sent.item.accounts[i] = lines[i].account;
        if (lines[i].is_bad) sent.is_bad = true;
        if (lines[i].is_bad || lines[i].provider == lines->provider) continue;
        inventory_body_blame(body, lines[i].number, lines[i].domain,
                             STR("has another provider than the first line of this domain"));
        sent.is_bad = true;
    }
    return sent;
}

static size_t count_lines(struct str body) {
    size_t n = 1;
    for (size_t i = 0; i < body.n; i++) n += body.p[i] == '\n';
    return n;
}

/* All lines but those with names; those that are wrong are blamed, and those without a domain left out. */
static size_t read_lines(struct str text, struct inventory_body *body, struct line *lines) {
    struct csv csv = csv_begin(text);
    struct str cells[COLUMNS];
    size_t n = 0, n_cells, number;
    for (bool first = true; csv_next(&csv, body->arena, cells, COLUMNS, &n_cells, &number); first = false) {
        if (first && is_same(cells[0], STR("domain"))) continue;
        struct line line = {.number = number, .domain = cells[0]};
        const char *fault = read_cells(cells, n_cells, &line);
        line.is_bad = fault != NULL;
        if (fault) inventory_body_blame(body, number, line.domain, str_of(fault));
        if (line.domain.n) lines[n++] = line;
    }
    return n;
}

bool inventory_body_csv(struct str text, struct arena *arena, struct inventory_body *ret, struct error *reterr) {
    if (utf8_valid_bytes(text) < text.n || (text.n && memchr(text.p, '\0', text.n)))
        return error_set(reterr, ERR_INVALID, "the CSV is no UTF-8 text; save it as \"CSV UTF-8\"");
    struct inventory_body body = {.arena = arena};
    struct line *lines = ARENA_ARRAY(arena, count_lines(text), struct line);
    size_t n = read_lines(text, &body, lines);
    if (!n && !body.n_problems)
        return error_set(reterr, ERR_INVALID,
                         "the CSV has no line with a mailbox: domain, provider, mailbox, first name, last name");
    if (n) qsort(lines, n, sizeof *lines, by_domain);
    body.domains = ARENA_ARRAY(arena, n, struct sent_domain);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && is_same(lines[end].domain, lines[i].domain);) end++;
        body.domains[body.n++] = gather(&body, lines + i, end - i);
    }
    if (body.n) qsort(body.domains, body.n, sizeof *body.domains, by_first_line);
    *ret = body;
    return true;
}
