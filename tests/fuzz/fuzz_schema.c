/* fuzz_schema: bytes as a body or a query string. What is read must be fit for use; what is refused says where. */
#include <stdlib.h>
#include <string.h>

#include "api/list_query.h"
#include "api/place_order.h"
#include "api/utf8.h"
#include "core/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static void must_be_text(struct str text) {
    must(text.p != NULL && utf8_valid_bytes(text) == text.n && memchr(text.p, '\0', text.n) == NULL);
}

static void try_body(struct str body, struct arena *arena) {
    struct order order;
    struct error error = {0};
    if (!schema_body(&place_order_schema, body, arena, &order, &error)) {
        must(error.code == ERR_INVALID && strncmp(error.message, "body", 4) == 0);
        return;
    }
    must(order.type >= ORDER_DFY && order.type <= ORDER_EXTRA_ACCOUNTS);
    for (size_t i = 0; i < order.n_items; i++) {
        const struct order_item *item = &order.items[i];
        must_be_text(item->domain);
        must_be_text(item->forwarding);
        must(item->provider > PROVIDER_NONE && item->provider < PROVIDER_END && item->n_accounts <= 100);
        for (size_t j = 0; j < item->n_accounts; j++) {
            must_be_text(item->accounts[j].prefix);
            must_be_text(item->accounts[j].first_name);
            must_be_text(item->accounts[j].last_name);
        }
    }
}

static void try_query(struct str text, struct arena *arena) {
    struct list_query query;
    struct error error = {0};
    if (!schema_query(&list_accounts_query, text, arena, &query, &error)) {
        must(error.code == ERR_INVALID && strncmp(error.message, "querystring/", 12) == 0);
        return;
    }
    must_be_text(query.starting_after);
    must(query.limit >= 1 && query.limit <= 100);
}

/* A body starts as JSON does; everything else is a query string too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_create(4096);
    struct str text = {(const char *)data, size};
    try_body(text, arena);
    if (size && data[0] != '{') try_query(text, arena);
    arena_destroy(arena);
    return 0;
}
