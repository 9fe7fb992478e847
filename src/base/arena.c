#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct chunk {
    struct chunk *next;
    size_t size, used;
    max_align_t data[]; /* zero beyond USED: cleared once when it is given back, not piece by piece */
};

struct arena {
    struct chunk *chunk; /* the newest first */
    size_t chunk_size;
};

static _Noreturn void out_of_memory(void) {
    fputs("dfyd: out of memory\n", stderr);
    abort();
}

static struct chunk *chunk_create(size_t size, struct chunk *next) {
    if (size > SIZE_MAX - sizeof(struct chunk)) out_of_memory();
    struct chunk *chunk = calloc(1, sizeof *chunk + size);
    if (!chunk) out_of_memory();
    chunk->next = next;
    chunk->size = size;
    return chunk;
}

struct arena *arena_create(size_t chunk) {
    struct arena *arena = malloc(sizeof *arena);
    if (!arena) out_of_memory();
    arena->chunk_size = chunk < 1024 ? 1024 : chunk;
    arena->chunk = chunk_create(arena->chunk_size, NULL);
    return arena;
}

void arena_destroy(struct arena *arena) {
    if (!arena) return;
    for (struct chunk *c = arena->chunk, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(arena);
}

void arena_cleanup(struct arena **arena) {
    arena_destroy(*arena);
    *arena = NULL;
}

void arena_reset(struct arena *arena) {
    while (arena->chunk->next) {
        struct chunk *next = arena->chunk->next;
        free(arena->chunk);
        arena->chunk = next;
    }
    memset(arena->chunk->data, 0, arena->chunk->used);
    arena->chunk->used = 0;
}

void *arena_alloc(struct arena *arena, size_t size) {
    const size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX - align) out_of_memory();
    size = (size + align - 1) / align * align;
    struct chunk *chunk = arena->chunk;
    if (size > chunk->size - chunk->used) {
        chunk = chunk_create(size > arena->chunk_size ? size : arena->chunk_size, chunk);
        arena->chunk = chunk;
    }
    void *p = (char *)chunk->data + chunk->used;
    chunk->used += size;
    return p;
}

void *arena_array(struct arena *arena, size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) out_of_memory();
    return arena_alloc(arena, total);
}

struct str arena_str(struct arena *arena, struct str text) {
    char *copy = arena_alloc(arena, text.n + 1);
    if (text.n) memcpy(copy, text.p, text.n);
    return (struct str){copy, text.n};
}

const char *arena_cstr(struct arena *arena, struct str text) {
    char *copy = arena_alloc(arena, text.n + 1);
    if (text.n) memcpy(copy, text.p, text.n);
    return copy;
}

struct str arena_printf(struct arena *arena, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) abort(); /* only a malformed format can fail */
    char *text = arena_alloc(arena, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return (struct str){text, (size_t)n};
}
