/* fuzz_target: bytes as a request target. Its path and query are pieces of it, clean, and nothing gets lost between. */
#include <stdlib.h>
#include <string.h>

#include "http/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds) abort();
}

static void must_be_clean(struct str text) {
    for (size_t i = 0; i < text.n; i++) must((unsigned char)text.p[i] > ' ' && text.p[i] != 0x7f);
}

/* libmicrohttpd ends a target at the first NUL byte; SENT is then more. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_create(4096);
    struct str all = arena_str(arena, (struct str){(const char *)data, size});
    const char *nul = size ? memchr(all.p, '\0', size) : NULL;
    struct str target = {all.p, nul ? (size_t)(nul - all.p) : size}, path, query;
    struct error error;
    if (target_split(target, size, &path, &query, &error)) {
        must(target.n == size && path.n > 0);
        must_be_clean(path);
        must_be_clean(query);
        must(!memchr(path.p, '?', path.n));
        if (query.n) must(query.p + query.n == target.p + target.n && query.p[-1] == '?');
        if (target.p[0] == '/') must(path.p == target.p);
    } else {
        must(error.code == ERR_INVALID);
    }
    arena_destroy(arena);
    return 0;
}
