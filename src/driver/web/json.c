#include "driver/web/json.h"

#include <string.h>

static void *json_alloc(void *arena, size_t size) {
    return arena_alloc(arena, size);
}

static void *json_realloc(void *arena, void *old, size_t old_size, size_t size) {
    if (size <= old_size) return old;
    return memcpy(arena_alloc(arena, size), old, old_size);
}

static void json_free(void *arena, void *old) {
    (void)arena;
    (void)old;
}

yyjson_val *web_json(struct str text, struct arena *arena) {
    const yyjson_alc memory = {json_alloc, json_realloc, json_free, arena};
    char *copy = arena_alloc(arena, text.n + 1);
    if (text.n) memcpy(copy, text.p, text.n);
    return yyjson_doc_get_root(yyjson_read_opts(copy, text.n, 0, &memory, NULL));
}
