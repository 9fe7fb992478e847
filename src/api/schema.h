/*
 * schema: decodes JSON bodies and query strings into structs by table rows, with Ajv 8's rules in Fastify's default
 * mode and Ajv's words: coerceTypes 'array', useDefaults, removeAdditional, first error only, keyword order type,
 * required, then properties in row order. Pure: bytes in, struct out.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

enum schema_type { SCHEMA_STRING, SCHEMA_NUMBER, SCHEMA_INTEGER, SCHEMA_BOOLEAN, SCHEMA_ARRAY, SCHEMA_OBJECT };

/*
 * One property. Where its value goes: OFFSET in the struct: struct str for strings; bool for booleans; int64_t for
 * numbers and integers, and for strings with `words` (the index of the word). Arrays: a pointer to the first element at
 * OFFSET and a size_t at COUNT_OFFSET. Elements are structs for SCHEMA_OBJECT items and struct str for string items.
 */
struct schema_field {
    const char *name;
    enum schema_type type;
    enum schema_type items; /* of arrays: SCHEMA_OBJECT or SCHEMA_STRING */
    size_t offset;
    size_t count_offset;           /* arrays */
    const struct schema *of;       /* objects, and arrays of them */
    const int64_t *numbers;        /* enum of numbers, ended by 0 */
    const char *const *words;      /* enum of texts, ended by NULL */
    const char *const *item_words; /* the same for the texts of an array */
    int64_t minimum, maximum;      /* numbers */
    size_t min_items, max_items;   /* arrays */
    int64_t fallback;              /* the default when the property is absent: number, boolean, or index into words */
    size_t present_offset; /* a bool that says whether it was given; 0: none (no struct keeps that bool first) */
    bool required;
    bool has_minimum, has_maximum;
    bool has_min_items, has_max_items;
    bool has_default; /* arrays default to empty */
};

struct schema {
    const struct schema_field *fields;
    size_t n_fields;
    size_t size; /* of the struct */
};

enum { SCHEMA_DEPTH_MAX = 64 };

/*
 * BODY as JSON into *ret_struct (zeroed first). Besides Ajv's errors: not JSON, nested deeper than SCHEMA_DEPTH_MAX,
 * a known property given twice, a text with U+0000: ERR_INVALID, naming the place. Text is from ARENA.
 */
MUST_CHECK bool schema_body(const struct schema *schema, struct str body, struct arena *arena, void *ret_struct,
                            struct error *reterr);
/* QUERY ("a=1&b=2", percent-encoded, '+' is a space) likewise; messages say "querystring". A name given twice is a
 * list, as in the reference, and so never of its field's type. Takes no schema with arrays. */
MUST_CHECK bool schema_query(const struct schema *schema, struct str query, struct arena *arena, void *ret_struct,
                             struct error *reterr);
