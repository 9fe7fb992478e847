#include "store/facts.h"

#include <stdlib.h>

#include "store/rows.h"

enum { SORT_BY_HAND = 16 };

/* An item that wants facts. Sorted by name, as the queries answer; several items may name one domain. */
struct want {
    struct str name;
    size_t item;
    size_t first, n; /* of the rows gathered for it: addresses or stocked mailboxes */
};

struct gathering {
    struct db *db;
    struct domain_facts *facts;
    struct arena *arena;
    struct want *wants;
    struct str *names;
    size_t n;
    struct want *last; /* the one that the latest row belonged to */
};

static int by_name(const void *a, const void *b) {
    const struct want *x = a, *y = b;
    int order = str_cmp(x->name, y->name);
    return order ? order : (x->item > y->item) - (x->item < y->item);
}

/* Few are sorted by hand, as most orders have few. */
static void sort(struct want *wants, size_t n) {
    if (n > SORT_BY_HAND) {
        qsort(wants, n, sizeof *wants, by_name);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        const struct want want = wants[i];
        size_t at = i;
        for (; at > 0 && by_name(&wants[at - 1], &want) > 0; at--) wants[at] = wants[at - 1];
        wants[at] = want;
    }
}

/* The first want of NAME; NULL when none wants it. */
static struct want *find(struct gathering *g, struct str name) {
    if (g->last && str_eq(g->last->name, name)) return g->last;
    size_t low = 0, high = g->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (str_cmp(g->wants[mid].name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == g->n || !str_eq(g->wants[low].name, name)) return NULL;
    return g->last = &g->wants[low];
}

/* Facts found for a name's first want hold for the others of that name. */
static void share(struct gathering *g) {
    for (size_t i = 1; i < g->n; i++)
        if (str_eq(g->wants[i].name, g->wants[i - 1].name)) g->facts[g->wants[i].item] = g->facts[g->wants[i - 1].item];
}

/*
 * Also what lies in stock counts as sold for a new registration: the operator holds it already. The list drives the
 * query, so that each name costs two look-ups and no temporary index; this runs for every simulated order. SQLite opens
 * what EXISTS looks into anew for each name, and what is joined once; PostgreSQL might join by reading all domains.
 */
static bool gather_sold(struct gathering *g, struct error *reterr) {
    struct stmt *stmt = db_stmt(
        g->db, DB_EITHER(g->db,
                         "SELECT j.value FROM list($1) j LEFT JOIN domains d ON d.name = j.value AND d.active = 1"
                         " LEFT JOIN stock s ON s.domain = j.value AND s.order_id IS NULL"
                         " WHERE d.name IS NOT NULL OR s.domain IS NOT NULL",
                         "SELECT j.value FROM list($1) j"
                         " WHERE EXISTS (SELECT 1 FROM domains WHERE name = j.value AND active = 1)"
                         " OR EXISTS (SELECT 1 FROM stock WHERE domain = j.value AND order_id IS NULL)"));
    stmt_list(stmt, 1, g->names, g->n);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        const struct want *want = find(g, stmt_col_text(stmt, 0));
        if (want) g->facts[want->item].sold = true;
    }
    return step == DB_END;
}

static bool gather_stock(struct gathering *g, struct error *reterr) {
    struct rows accounts = {.size = sizeof(struct account)};
    struct stmt *stmt = db_stmt(
        g->db, "SELECT s.domain, s.provider, EXISTS (SELECT 1 FROM domains d WHERE d.name = s.domain AND d.active = 1),"
               " a.prefix, a.first_name, a.last_name"
               " FROM stock s LEFT JOIN stock_accounts a ON a.domain = s.domain"
               " WHERE s.order_id IS NULL AND s.domain IN (SELECT value FROM list($1))"
               " ORDER BY s.domain, a.position");
    stmt_list(stmt, 1, g->names, g->n);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct want *want = find(g, stmt_col_text(stmt, 0));
        if (!want) continue;
        struct domain_facts *facts = &g->facts[want->item];
        facts->stocked = true;
        facts->provider = (enum provider)stmt_col_int(stmt, 1);
        facts->sold = stmt_col_int(stmt, 2) != 0;
        if (stmt_col_is_null(stmt, 3)) continue;
        if (!want->n++) want->first = accounts.n;
        struct account *account = rows_add(&accounts, g->arena);
        account->prefix = row_text(stmt, 3, g->arena);
        account->first_name = row_text(stmt, 4, g->arena);
        account->last_name = row_text(stmt, 5, g->arena);
    }
    if (step == DB_FAIL) return false;
    const struct account *all = accounts.first;
    for (size_t i = 0; i < g->n; i++) {
        const struct want *want = &g->wants[i];
        if (!want->n) continue;
        g->facts[want->item].stock = all + want->first;
        g->facts[want->item].n_stock = want->n;
    }
    return true;
}

static bool gather_mine(struct gathering *g, struct str workspace_id, struct error *reterr) {
    struct rows addresses = {.size = sizeof(struct str)};
    struct stmt *stmt =
        db_stmt(g->db, "SELECT d.name, d.workspace_id = $2 AND d.state NOT IN ('reserved', 'failed', 'cancelled'),"
                       " d.provider, a.email"
                       " FROM domains d LEFT JOIN accounts a ON a.domain_id = d.id AND a.active = 1"
                       " WHERE d.active = 1 AND d.name IN (SELECT value FROM list($1)) ORDER BY d.name");
    stmt_list(stmt, 1, g->names, g->n);
    stmt_text(stmt, 2, workspace_id);
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) {
        struct want *want = find(g, stmt_col_text(stmt, 0));
        if (!want) continue;
        struct domain_facts *facts = &g->facts[want->item];
        facts->sold = true;
        facts->mine = stmt_col_int(stmt, 1) != 0;
        if (!facts->mine) continue;
        facts->provider = (enum provider)stmt_col_int(stmt, 2);
        if (stmt_col_is_null(stmt, 3)) continue;
        if (!want->n++) want->first = addresses.n;
        *(struct str *)rows_add(&addresses, g->arena) = row_text(stmt, 3, g->arena);
    }
    if (step == DB_FAIL) return false;
    const struct str *all = addresses.first;
    for (size_t i = 0; i < g->n; i++) {
        const struct want *want = &g->wants[i];
        if (!want->n) continue;
        g->facts[want->item].addresses = all + want->first;
        g->facts[want->item].n_addresses = want->n;
    }
    return true;
}

bool facts_gather(struct db *db, const struct check *check, struct str workspace_id, struct arena *arena,
                  struct domain_facts *facts, struct error *reterr) {
    struct gathering g = {.db = db,
                          .facts = facts,
                          .arena = arena,
                          .wants = ARENA_ARRAY(arena, check->n_items, struct want),
                          .names = ARENA_ARRAY(arena, check->n_items, struct str)};
    for (size_t i = 0; i < check->n_items; i++) {
        facts[i] = (struct domain_facts){.sold = false};
        if (!check_needs_facts(check, i)) continue;
        g.names[g.n] = check->items[i].name;
        g.wants[g.n++] = (struct want){.name = check->items[i].name, .item = i};
    }
    if (!g.n) return true;
    sort(g.wants, g.n);
    bool ok = false;
    switch (check->type) {
    case ORDER_DFY:
        ok = gather_sold(&g, reterr);
        break;
    case ORDER_PRE_WARMED_UP:
        ok = gather_stock(&g, reterr);
        break;
    case ORDER_EXTRA_ACCOUNTS:
        ok = gather_mine(&g, workspace_id, reterr);
        break;
    }
    if (ok) share(&g);
    return ok;
}

bool facts_sold(struct db *db, const struct str *names, size_t n, struct arena *arena, bool *ret_sold,
                struct error *reterr) {
    struct gathering g = {.db = db,
                          .facts = ARENA_ARRAY(arena, n, struct domain_facts),
                          .arena = arena,
                          .wants = ARENA_ARRAY(arena, n, struct want),
                          .names = ARENA_ARRAY(arena, n, struct str),
                          .n = n};
    if (!n) return true;
    for (size_t i = 0; i < n; i++) {
        g.names[i] = names[i];
        g.wants[i] = (struct want){.name = names[i], .item = i};
    }
    sort(g.wants, n);
    if (!gather_sold(&g, reterr)) return false;
    share(&g);
    for (size_t i = 0; i < n; i++) ret_sold[i] = g.facts[i].sold;
    return true;
}
