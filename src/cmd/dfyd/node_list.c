/* dfyd node: the processes that serve or work on the database. */
#include "commands.h"
#include "lock.h"
#include "setup.h"
#include "store/nodes.h"
#include "table.h"
#include "text.h"

struct listing {
    struct arena *arena;
    struct node_row *nodes;
    size_t n;
};

static bool list_read(struct db *db, void *arg, struct error *reterr) {
    struct listing *l = arg;
    return nodes_list(db, l->arena, &l->nodes, &l->n, reterr);
}

static struct str silence_text(int64_t ms, struct arena *arena) {
    int64_t seconds = ms / 1000;
    if (seconds < 120) return arena_printf(arena, "silent for %lld s", (long long)seconds);
    return arena_printf(arena, "silent for %lld min", (long long)(seconds / 60));
}

/* On SQLite a server says nothing while it lives, and holds its folder's lock. */
static struct str state_text(const struct invocation *invocation, const struct node_row *node) {
    if (store_is_shared(invocation->setup->store))
        return node->silent_ms < NODE_ALIVE_MS ? STR("alive") : silence_text(node->silent_ms, invocation->arena);
    return lock_is_held(invocation->settings->data) ? STR("alive") : STR("was killed");
}

bool run_node_list(const struct invocation *invocation, struct error *reterr) {
    static const char *const titles[] = {"NAME",    "ID",        "ROLES", "VERSION", "SCHEMA",
                                         "STARTED", "LAST SEEN", "STATE", NULL};
    struct arena *arena = invocation->arena;
    struct store *store = invocation->setup->store;
    struct listing listing = {.arena = arena};
    if (!store_read(store, list_read, &listing, reterr)) return false;
    struct table *table = table_create(arena, titles);
    for (size_t i = 0; i < listing.n; i++) {
        const struct node_row *node = &listing.nodes[i];
        const struct str cells[] = {
            node->name,
            node->id,
            node->roles,
            node->version,
            arena_printf(arena, "%lld", (long long)node->schema),
            text_second(node->started_ms, arena),
            text_second(node->seen_ms, arena),
            state_text(invocation, node),
        };
        table_add(table, cells);
    }
    table_print(table, stdout);
    return true;
}
