/* fuzz_name: any bytes as a name. What is accepted is clean, stays itself, and reads back to itself. */
#include "base/arena.h"
#include "core/name.h"
#include "core/restricted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct restricted *restricted; /* kept from one input to the next: building it is slow */
    if (!restricted) restricted = restricted_create_default(NULL, 0);
    struct arena *arena = arena_create(4096);
    struct str name, again, keyword;
    if (name_host((struct str){(const char *)data, size}, arena, &name)) {
        if (name.n > NAME_MAX_BYTES) __builtin_trap();
        for (size_t i = 0; i < name.n; i++) {
            char c = name.p[i];
            if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.')) __builtin_trap();
        }
        if (!name_host(name, arena, &again) || !str_eq(name, again)) __builtin_trap();
        if (!name_host(name_unicode(name, arena), arena, &again) || !str_eq(name, again)) __builtin_trap();
        (void)name_is_registrable(name);
        (void)restricted_match(restricted, STR(""), name, &keyword);
    }
    arena_destroy(arena);
    return 0;
}
