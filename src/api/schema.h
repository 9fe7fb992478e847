/*
 * schema: decodes JSON bodies and query strings into structs by table rows, with Ajv 8's rules in Fastify's default
 * mode and Ajv's words: coerceTypes 'array', useDefaults, removeAdditional, first error only, keyword order type,
 * required, then properties in row order. Pure: bytes in, struct out.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

enum schema_type {
    SCHEMA_STRING,
    SCHEMA_NUMBER,
    SCHEMA_INTEGER,
    SCHEMA_DECIMAL, /* a number with its fraction, as text that is JSON */
    SCHEMA_BOOLEAN,
    SCHEMA_ARRAY,
    SCHEMA_OBJECT,
    SCHEMA_MAP, /* an object of texts by any name */
};

/* One property of a map. */
struct schema_entry {
    struct str name, value;
};

/*
 * One property. Where its value goes: OFFSET in the struct: struct str for strings; bool for booleans; int64_t for
 * numbers and integers, and for strings with `words` (the index of the word). Arrays: a pointer to the first element at
 * OFFSET and a size_t at COUNT_OFFSET. Elements are structs for SCHEMA_OBJECT items and struct str for string items;
 * those of maps are struct schema_entry.
 */
struct schema_field {
    const char *name;
    enum schema_type type;
    enum schema_type items; /* of arrays: SCHEMA_OBJECT or SCHEMA_STRING */
    size_t offset;
    size_t count_offset;                  /* arrays and maps */
    const struct schema *of;              /* objects, and arrays of them */
    const int64_t *numbers;               /* enum of numbers, ended by 0 */
    const struct schema_pattern *pattern; /* of texts; NULL: any */
    const char *const *words;             /* enum of texts, ended by NULL */
    const char *const *item_words;        /* the same for the texts of an array */
    int64_t minimum, maximum;             /* numbers */
    size_t min_length;                    /* texts, in bytes: only 1 is exact */
    size_t min_items, max_items;          /* arrays */
    int64_t fallback;      /* the default when the property is absent: number, boolean, or index into words */
    size_t present_offset; /* a bool that says whether it was given; 0: none (no struct keeps that bool first) */
    bool required;
    bool has_minimum, has_maximum;
    bool has_min_items, has_max_items;
    bool has_default; /* arrays default to empty */
    bool nullable;    /* strings, decimals and maps: null passes too, as a text or a pointer that is NULL */
    const char *(*fault)(struct str text); /* of a string that is not null: NULL, or what is wrong with it */
};

/* A regular expression of the reference: its text, for messages, and the function that stands for it. */
struct schema_pattern {
    const char *text;
    bool (*matches)(struct str text);
};

/* The row of the whole number MEMBER of struct INTO, from LEAST to MOST; USUAL when it is not sent. */
#define SCHEMA_RANGE(into, member, least, most, usual)                                                                 \
    {                                                                                                                  \
        .name = #member, .type = SCHEMA_INTEGER, .offset = offsetof(struct into, member), .has_minimum = true,         \
        .minimum = (least), .has_maximum = true, .maximum = (most), .has_default = true, .fallback = (usual)           \
    }

struct schema {
    const struct schema_field *fields;
    size_t n_fields;
    size_t size; /* of the struct */
    size_t min_properties;
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
