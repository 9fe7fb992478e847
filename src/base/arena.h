/*
 * arena: memory for one request, job or command. Everything short-lived comes from it and goes with it at once.
 * Not safe to share between threads. When the machine has no memory left the process ends with a message: every
 * durable step survives that, and no half-handled allocation failure can corrupt money.
 */
#pragma once

#include <stddef.h>

#include "base/macros.h"
#include "base/str.h"

struct arena;

/* CHUNK: bytes taken at a time, at least 1024. Free with arena_destroy. */
struct arena *arena_create(size_t chunk);
/* NULL is fine. */
void arena_destroy(struct arena *arena);
/* For CLEANUP(arena_cleanup). */
void arena_cleanup(struct arena **arena);
/* Gives back everything but the first chunk; all earlier pointers are dead. */
void arena_reset(struct arena *arena);
/* SIZE zeroed bytes, aligned for any type; never NULL. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((malloc, returns_nonnull));
/* COUNT zeroed elements of SIZE bytes; ends the process when the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size) __attribute__((malloc, returns_nonnull));
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_array((arena), (count), sizeof(type)))
/* A copy, with a NUL after it that its length does not count. */
struct str arena_str(struct arena *arena, struct str text);
/* The same as a C string. */
const char *arena_cstr(struct arena *arena, struct str text) __attribute__((returns_nonnull));
struct str arena_printf(struct arena *arena, const char *fmt, ...) PRINTF_LIKE(2, 3);
