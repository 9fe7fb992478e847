#include "secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES_MAX = 512 };

/* Printable ASCII, as keys are: anything else is another file. */
static bool is_fit(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~') return false;
    return text.n > 0 && text.n <= SECRET_BYTES_MAX;
}

static bool take(const char *where, struct str text, struct arena *arena, struct str *ret, struct error *reterr) {
    text = str_trim(text);
    if (!is_fit(text))
        return error_set(reterr, ERR_INVALID, "%s must hold one word of printable characters, at most %d", where,
                         SECRET_BYTES_MAX);
    *ret = arena_str(arena, text);
    return true;
}

bool secret_read(const char *env, const char *name, const char *path, struct arena *arena, struct str *ret,
                 struct error *reterr) {
    const char *value = getenv(env);
    if (value && value[0]) return take(env, str_of(value), arena, ret, reterr);
    *ret = STR("");
    if (!path) return true;
    FILE *file = fopen(path, "re");
    if (!file) return error_set(reterr, ERR_INVALID, "%s %s: %s", name, path, strerror(errno));
    char text[SECRET_BYTES_MAX + 64];
    size_t n = fread(text, 1, sizeof text, file);
    bool ok = !ferror(file) || error_set(reterr, ERR_INVALID, "%s %s: cannot be read", name, path);
    fclose(file);
    return ok &&
           take(arena_cstr(arena, arena_printf(arena, "%s %s", name, path)), (struct str){text, n}, arena, ret, reterr);
}
