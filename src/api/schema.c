#include "api/schema.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "api/js_number.h"
#include "api/utf8.h"
#include "base/buf.h"

enum { FIELDS_MAX = 16 };

enum kind { KIND_ABSENT, KIND_NULL, KIND_BOOLEAN, KIND_NUMBER, KIND_STRING, KIND_ARRAY, KIND_OBJECT };

/* A JSON value, or what coercion made of one. */
struct value {
    enum kind kind;
    union { /* by kind */
        bool boolean;
        double number;
        struct str text;
    };
    yyjson_val *json; /* of arrays and objects */
};

/* Where a value stands; the chain of parents lives on the stack and is written out only for an error. */
struct place {
    const struct place *parent; /* NULL: the root */
    const char *name;           /* NULL: an element of an array */
    size_t index;
};

struct decoder {
    const char *root; /* "body", "querystring" */
    struct arena *arena;
    struct error *error;
};

static void add_place(struct buf *out, const struct place *place) {
    if (!place) return;
    add_place(out, place->parent);
    if (place->name)
        buf_printf(out, "/%s", place->name);
    else
        buf_printf(out, "/%zu", place->index);
}

/* Says "body/items/0 MESSAGE" and returns false. */
static bool fail(const struct decoder *d, const struct place *place, const char *message) {
    struct buf path;
    buf_init(&path, 256);
    add_place(&path, place);
    error_set(d->error, ERR_INVALID, "%s%.*s %s", d->root, STR_ARG(buf_str(&path)), message);
    buf_finish(&path);
    return false;
}

static bool fail_named(const struct decoder *d, const struct place *place, const char *message, const char *name) {
    return fail(d, place, arena_printf(d->arena, "%s '%s'", message, name).p);
}

static bool fail_limit(const struct decoder *d, const struct place *place, const char *message, int64_t limit,
                       const char *unit) {
    return fail(d, place, arena_printf(d->arena, "%s %lld%s", message, (long long)limit, unit).p);
}

static double number_of(yyjson_val *json, struct arena *arena) {
    if (!yyjson_is_raw(json)) return yyjson_get_num(json);
    /* Beyond 64 bits or beyond double; JavaScript rounds it, to infinity if need be. */
    double number;
    struct str text = {yyjson_get_raw(json), yyjson_get_len(json)};
    return js_number_parse(text, arena, &number) ? number : (double)NAN;
}

static struct value value_of(yyjson_val *json, struct arena *arena) {
    static const enum kind kinds[] = {
        [YYJSON_TYPE_NONE] = KIND_NULL,    [YYJSON_TYPE_RAW] = KIND_NUMBER, [YYJSON_TYPE_NULL] = KIND_NULL,
        [YYJSON_TYPE_BOOL] = KIND_BOOLEAN, [YYJSON_TYPE_NUM] = KIND_NUMBER, [YYJSON_TYPE_STR] = KIND_STRING,
        [YYJSON_TYPE_ARR] = KIND_ARRAY,    [YYJSON_TYPE_OBJ] = KIND_OBJECT,
    };
    struct value value = {.kind = kinds[yyjson_get_type(json)], .json = json};
    if (value.kind == KIND_STRING)
        value.text = (struct str){unsafe_yyjson_get_str(json), unsafe_yyjson_get_len(json)};
    else if (value.kind == KIND_NUMBER)
        value.number = number_of(json, arena);
    else if (value.kind == KIND_BOOLEAN)
        value.boolean = yyjson_get_bool(json);
    return value;
}

/* coerceTypes 'array': where a scalar is wanted, an array of one stands for its element. */
static void unwrap(const struct decoder *d, struct value *value) {
    if (value->kind == KIND_ARRAY && yyjson_arr_size(value->json) == 1)
        *value = value_of(yyjson_arr_get_first(value->json), d->arena);
}

static bool to_string(const struct decoder *d, const struct place *place, struct value *value) {
    if (value->kind != KIND_STRING) {
        unwrap(d, value);
        if (value->kind == KIND_NUMBER)
            value->text = js_number_text(value->number, d->arena);
        else if (value->kind == KIND_BOOLEAN)
            value->text = value->boolean ? STR("true") : STR("false");
        else if (value->kind == KIND_NULL)
            value->text = STR("");
        else if (value->kind != KIND_STRING)
            return fail(d, place, "must be string");
        value->kind = KIND_STRING;
    }
    if (value->text.n && memchr(value->text.p, '\0', value->text.n))
        return fail(d, place, "must NOT contain NUL characters");
    return true;
}

static bool to_number(const struct decoder *d, const struct place *place, bool integer, struct value *value) {
    bool ok = true;
    if (value->kind != KIND_NUMBER) {
        unwrap(d, value);
        if (value->kind == KIND_BOOLEAN)
            value->number = value->boolean ? 1 : 0;
        else if (value->kind == KIND_NULL)
            value->number = 0;
        else if (value->kind == KIND_STRING)
            ok = value->text.n > 0 && js_number_parse(value->text, d->arena, &value->number);
        else
            ok = value->kind == KIND_NUMBER;
        value->kind = KIND_NUMBER;
    }
    /* Ajv would let the text "Infinity" pass, and then skip the limits: nothing good can come of it here. */
    if (!ok || !isfinite(value->number) || (integer && trunc(value->number) != value->number))
        return fail(d, place, integer ? "must be integer" : "must be number");
    return true;
}

static bool to_boolean(const struct decoder *d, const struct place *place, struct value *value) {
    if (value->kind == KIND_BOOLEAN) return true;
    unwrap(d, value);
    bool is_text = value->kind == KIND_STRING, is_number = value->kind == KIND_NUMBER;
    bool yes = (is_text && str_is(value->text, "true")) || (is_number && value->number == 1);
    bool no = (is_text && str_is(value->text, "false")) || (is_number && value->number == 0);
    if (value->kind == KIND_BOOLEAN) yes = value->boolean;
    if (!yes && !no && value->kind != KIND_NULL && value->kind != KIND_BOOLEAN)
        return fail(d, place, "must be boolean");
    value->kind = KIND_BOOLEAN;
    value->boolean = yes;
    return true;
}

static void put(void *base, size_t offset, const void *from, size_t size) {
    memcpy((char *)base + offset, from, size);
}

static void put_int(void *base, size_t offset, int64_t number) {
    put(base, offset, &number, sizeof number);
}

static int64_t int_of(double number) {
    if (number >= 9223372036854775807.0) return INT64_MAX;
    if (number <= -9223372036854775808.0) return INT64_MIN;
    return (int64_t)number;
}

static bool find_word(struct str text, const char *const *words, int64_t *ret) {
    for (int64_t i = 0; words[i]; i++)
        if (str_is(text, words[i])) {
            *ret = i;
            return true;
        }
    return false;
}

static const char not_allowed[] = "must be equal to one of the allowed values";

static bool decode_string(const struct decoder *d, const struct schema_field *field, const struct place *place,
                          struct value *value, void *base) {
    if (field->nullable) {
        bool was_null = value->kind == KIND_NULL, was_array = value->kind == KIND_ARRAY;
        unwrap(d, value);
        bool is_text = value->kind == KIND_STRING;
        /* Of an array of one Ajv takes only what it can still coerce: a number, a boolean, null to "", and "" to null.
         */
        if (was_null || (was_array && is_text && value->text.n == 0)) {
            static const struct str null = {NULL, 0};
            put(base, field->offset, &null, sizeof null);
            return true;
        }
        if (value->kind == KIND_ARRAY || value->kind == KIND_OBJECT || (was_array && is_text))
            return fail(d, place, "must be string,null");
    }
    if (!to_string(d, place, value)) return false;
    if (value->text.n < field->min_length)
        return fail_limit(d, place, "must NOT have fewer than", (int64_t)field->min_length, " characters");
    if (field->pattern && !field->pattern->matches(value->text))
        return fail(d, place, arena_printf(d->arena, "must match pattern \"%s\"", field->pattern->text).p);
    const char *fault = field->fault ? field->fault(value->text) : NULL;
    if (fault) return fail(d, place, fault);
    if (!field->words) {
        put(base, field->offset, &value->text, sizeof value->text);
        return true;
    }
    int64_t word;
    if (!find_word(value->text, field->words, &word)) return fail(d, place, not_allowed);
    put_int(base, field->offset, word);
    return true;
}

static bool decode_number(const struct decoder *d, const struct schema_field *field, const struct place *place,
                          struct value *value, void *base) {
    if (!to_number(d, place, field->type == SCHEMA_INTEGER, value)) return false;
    if (field->numbers) {
        size_t i = 0;
        while (field->numbers[i] && (double)field->numbers[i] != value->number) i++;
        if (!field->numbers[i]) return fail(d, place, not_allowed);
    }
    if (field->has_maximum && value->number > (double)field->maximum)
        return fail_limit(d, place, "must be <=", field->maximum, "");
    if (field->has_minimum && value->number < (double)field->minimum)
        return fail_limit(d, place, "must be >=", field->minimum, "");
    put_int(base, field->offset, int_of(value->number));
    return true;
}

static bool decode_object(const struct decoder *d, const struct schema *schema, const struct place *place,
                          const struct value *value, void *base);

static bool decode_element(const struct decoder *d, const struct schema_field *field, const struct place *place,
                           struct value *value, void *element) {
    if (field->items == SCHEMA_OBJECT) return decode_object(d, field->of, place, value, element);
    if (!to_string(d, place, value)) return false;
    int64_t word;
    if (field->item_words && !find_word(value->text, field->item_words, &word)) return fail(d, place, not_allowed);
    put(element, 0, &value->text, sizeof value->text);
    return true;
}

static bool decode_array(const struct decoder *d, const struct schema_field *field, const struct place *place,
                         struct value *value, void *base) {
    if (value->kind == KIND_OBJECT) return fail(d, place, "must be array");
    bool is_array = value->kind == KIND_ARRAY;
    size_t n = is_array ? yyjson_arr_size(value->json) : 1;
    if (field->has_max_items && n > field->max_items)
        return fail_limit(d, place, "must NOT have more than", (int64_t)field->max_items, " items");
    if (field->has_min_items && n < field->min_items)
        return fail_limit(d, place, "must NOT have fewer than", (int64_t)field->min_items, " items");

    size_t size = field->items == SCHEMA_OBJECT ? field->of->size : sizeof(struct str);
    char *elements = arena_array(d->arena, n, size);
    struct place at = {.parent = place};
    yyjson_val *json = is_array ? yyjson_arr_get_first(value->json) : NULL;
    for (size_t i = 0; i < n; i++) {
        at.index = i;
        struct value element = is_array ? value_of(json, d->arena) : *value;
        if (!decode_element(d, field, &at, &element, elements + i * size)) return false;
        if (is_array) json = unsafe_yyjson_get_next(json);
    }
    put(base, field->offset, &elements, sizeof elements);
    put(base, field->count_offset, &n, sizeof n);
    return true;
}

/* What Ajv coerces to null where null is allowed and the value does not fit. */
static bool is_like_null(const struct value *value) {
    return (value->kind == KIND_STRING && value->text.n == 0) || (value->kind == KIND_NUMBER && value->number == 0) ||
           (value->kind == KIND_BOOLEAN && !value->boolean);
}

/* Number or null: what fits; then what a number can be made of; then what null can be made of. Of an array of one only
 * the latter two count. */
static bool decode_decimal(const struct decoder *d, const struct schema_field *field, const struct place *place,
                           struct value *value, void *base) {
    struct str text = {NULL, 0};
    bool fits = value->kind == KIND_NUMBER || (field->nullable && value->kind == KIND_NULL);
    if (!fits) unwrap(d, value);
    bool is_empty = value->kind == KIND_STRING && value->text.n == 0;
    bool is_null = fits ? value->kind == KIND_NULL : is_empty || value->kind == KIND_NUMBER;
    if (!field->nullable || !is_null) {
        struct error plain = {0};
        struct decoder inner = {.root = d->root, .arena = d->arena, .error = &plain};
        if (value->kind == KIND_ARRAY || !to_number(&inner, place, false, value))
            return fail(d, place, field->nullable ? "must be number,null" : "must be number");
        text = js_number_text(value->number, d->arena);
    } else if (!fits && !is_like_null(value)) {
        return fail(d, place, "must be number,null");
    }
    put(base, field->offset, &text, sizeof text);
    return true;
}

static bool decode_map(const struct decoder *d, const struct schema_field *field, const struct place *place,
                       struct value *value, void *base) {
    if (field->nullable && value->kind == KIND_NULL) return true; /* zero already */
    if (value->kind != KIND_OBJECT) {
        unwrap(d, value);
        if (field->nullable && is_like_null(value)) return true;
        if (field->nullable || value->kind != KIND_OBJECT)
            return fail(d, place, field->nullable ? "must be object,null" : "must be object");
    }
    size_t n = 0;
    struct schema_entry *entries = ARENA_ARRAY(d->arena, yyjson_obj_size(value->json) + 1, struct schema_entry);
    yyjson_obj_iter iter = yyjson_obj_iter_with(value->json);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter)); n++) {
        struct value text = value_of(yyjson_obj_iter_get_val(key), d->arena);
        struct place at = {.parent = place,
                           .name = arena_cstr(d->arena, (struct str){yyjson_get_str(key), yyjson_get_len(key)})};
        if (!to_string(d, &at, &text)) return false;
        entries[n] = (struct schema_entry){{at.name, yyjson_get_len(key)}, text.text};
    }
    void *first = entries;
    put(base, field->offset, &first, sizeof first);
    put(base, field->count_offset, &n, sizeof n);
    return true;
}

static bool decode_field(const struct decoder *d, const struct schema_field *field, const struct place *place,
                         struct value *value, void *base) {
    switch (field->type) {
    case SCHEMA_STRING:
        return decode_string(d, field, place, value, base);
    case SCHEMA_NUMBER:
    case SCHEMA_INTEGER:
        return decode_number(d, field, place, value, base);
    case SCHEMA_DECIMAL:
        return decode_decimal(d, field, place, value, base);
    case SCHEMA_MAP:
        return decode_map(d, field, place, value, base);
    case SCHEMA_BOOLEAN:
        if (!to_boolean(d, place, value)) return false;
        put(base, field->offset, &value->boolean, sizeof value->boolean);
        return true;
    case SCHEMA_ARRAY:
        return decode_array(d, field, place, value, base);
    case SCHEMA_OBJECT:
        break;
    }
    return decode_object(d, field->of, place, value, (char *)base + field->offset);
}

static void fill_default(const struct schema_field *field, void *base) {
    bool boolean = field->fallback != 0;
    static const struct str empty = {"", 0};
    if (field->type == SCHEMA_STRING && !field->words)
        put(base, field->offset, &empty, sizeof empty);
    else if (!field->has_default || field->type == SCHEMA_ARRAY || field->type == SCHEMA_DECIMAL)
        return; /* zero already */
    else if (field->type == SCHEMA_BOOLEAN)
        put(base, field->offset, &boolean, sizeof boolean);
    else
        put_int(base, field->offset, field->fallback);
}

/* VALUES: one a field, in their order. Ajv's order: defaults, required, then each property. */
static bool decode_fields(const struct decoder *d, const struct schema *schema, const struct place *place,
                          struct value *values, void *base) {
    for (size_t i = 0; i < schema->n_fields; i++)
        if (schema->fields[i].required && values[i].kind == KIND_ABSENT)
            return fail_named(d, place, "must have required property", schema->fields[i].name);
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct schema_field *field = &schema->fields[i];
        if (values[i].kind == KIND_ABSENT) {
            fill_default(field, base);
            continue;
        }
        struct place at = {.parent = place, .name = field->name};
        static const bool present = true;
        if (field->present_offset) put(base, field->present_offset, &present, sizeof present);
        if (!decode_field(d, field, &at, &values[i], base)) return false;
    }
    return true;
}

/* Index of the field called NAME, searched from FROM on and around; n_fields when there is none. */
static size_t find_field(const struct schema *schema, struct str name, size_t from) {
    const size_t n = schema->n_fields;
    for (size_t i = 0, at = from; i < n; i++, at++) {
        if (at == n) at = 0;
        if (str_is(name, schema->fields[at].name)) return at;
    }
    return n;
}

static bool decode_object(const struct decoder *d, const struct schema *schema, const struct place *place,
                          const struct value *value, void *base) {
    assert(schema->n_fields <= FIELDS_MAX);
    if (value->kind != KIND_OBJECT) return fail(d, place, "must be object");
    if (yyjson_obj_size(value->json) < schema->min_properties)
        return fail_limit(d, place, "must NOT have fewer than", (int64_t)schema->min_properties, " properties");
    struct value values[FIELDS_MAX];
    memset(values, 0, schema->n_fields * sizeof *values);

    yyjson_obj_iter iter = yyjson_obj_iter_with(value->json);
    size_t next = 0; /* clients mostly send properties in the documented order */
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));) {
        struct str name = {yyjson_get_str(key), yyjson_get_len(key)};
        size_t i = find_field(schema, name, next);
        if (i == schema->n_fields) continue;
        if (values[i].kind != KIND_ABSENT)
            return fail_named(d, place, "must NOT have duplicate property", schema->fields[i].name);
        values[i] = value_of(yyjson_obj_iter_get_val(key), d->arena);
        next = i + 1;
    }
    return decode_fields(d, schema, place, values, base);
}

/* Brackets that open in BODY, in its texts too. In runs that a byte can count, so that many are compared at once. */
static size_t count_opened(struct str body) {
    size_t opened = 0;
    for (size_t i = 0; i < body.n;) {
        const size_t end = body.n - i > UINT8_MAX ? i + UINT8_MAX : body.n;
        uint8_t of_run = 0;
        for (; i < end; i++)
            if ((body.p[i] | 0x20) == '{') of_run++; /* '[' too: they differ in that bit */
        opened += of_run;
    }
    return opened;
}

/* Whether the brackets of BODY outside its texts ever stand deeper than SCHEMA_DEPTH_MAX. */
static bool is_too_deep(struct str body) {
    if (count_opened(body) <= SCHEMA_DEPTH_MAX) return false;

    size_t depth = 0;
    bool in_text = false;
    for (size_t i = 0; i < body.n; i++) {
        char c = body.p[i];
        if (c == '"')
            in_text = !in_text;
        else if (in_text && c == '\\')
            i++;
        else if (!in_text && (c == '[' || c == '{') && ++depth > SCHEMA_DEPTH_MAX)
            return true;
        else if (!in_text && (c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return false;
}

static void *json_malloc(void *ctx, size_t size) {
    return arena_alloc(ctx, size);
}

static void *json_realloc(void *ctx, void *old, size_t old_size, size_t size) {
    if (size <= old_size) return old;
    void *grown = arena_alloc(ctx, size);
    memcpy(grown, old, old_size);
    return grown;
}

static void json_free(void *ctx, void *p) {
    (void)ctx;
    (void)p;
}

bool schema_body(const struct schema *schema, struct str body, struct arena *arena, void *ret_struct,
                 struct error *reterr) {
    memset(ret_struct, 0, schema->size);
    if (is_too_deep(body))
        return error_set(reterr, ERR_INVALID, "body must NOT be nested deeper than %d levels", SCHEMA_DEPTH_MAX);
    if (str_starts(body, "\xef\xbb\xbf")) body = (struct str){body.p + 3, body.n - 3}; /* a byte order mark */

    /* Parsed in place in a copy, so that texts live as long as ARENA; the padding stays zero. */
    char *text = arena_alloc(arena, body.n + YYJSON_PADDING_SIZE);
    if (body.n) memcpy(text, body.p, body.n);
    yyjson_alc alc = {.malloc = json_malloc, .realloc = json_realloc, .free = json_free, .ctx = arena};
    yyjson_read_err json_error = {0};
    yyjson_doc *doc = yyjson_read_opts(text, body.n, YYJSON_READ_INSITU | YYJSON_READ_BIGNUM_AS_RAW, &alc, &json_error);
    if (!doc)
        return error_set(reterr, ERR_INVALID, "body is not valid JSON: %s at byte %zu", json_error.msg, json_error.pos);

    struct decoder d = {.root = "body", .arena = arena, .error = reterr};
    struct value root = value_of(yyjson_doc_get_root(doc), arena);
    return decode_object(&d, schema, NULL, &root, ret_struct);
}

static int hex_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* A broken escape stays as it is, as in the reference. */
static struct str percent_decode(struct str text, struct arena *arena) {
    char *to = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        int high = c == '%' && i + 2 < text.n ? hex_of(text.p[i + 1]) : -1;
        int low = high >= 0 ? hex_of(text.p[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        to[n++] = c;
    }
    return (struct str){to, n};
}

bool schema_query(const struct schema *schema, struct str query, struct arena *arena, void *ret_struct,
                  struct error *reterr) {
    assert(schema->n_fields <= FIELDS_MAX);
    memset(ret_struct, 0, schema->size);
    struct value values[FIELDS_MAX];
    memset(values, 0, schema->n_fields * sizeof *values);
    struct decoder d = {.root = "querystring", .arena = arena, .error = reterr};

    for (struct str rest = query; rest.n;) {
        struct str value, pair = str_cut(rest, '&', &rest);
        struct str name = percent_decode(str_cut(pair, '=', &value), arena);
        size_t i = find_field(schema, name, 0);
        if (i == schema->n_fields) continue;
        struct str text = percent_decode(value, arena);
        struct place at = {.name = schema->fields[i].name};
        if (utf8_valid_bytes(text) < text.n) return fail(&d, &at, "must be UTF-8 text");
        /* Repeated names are a list in the reference, and a list of several is neither text, number nor boolean. */
        assert(schema->fields[i].type != SCHEMA_ARRAY);
        values[i] = (struct value){.kind = values[i].kind == KIND_ABSENT ? KIND_STRING : KIND_ARRAY, .text = text};
    }
    return decode_fields(&d, schema, NULL, values, ret_struct);
}
