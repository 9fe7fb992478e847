/* schema: what bodies and query strings are read as, or refused for (cases/schema.txt). */
#include "api/schema.h"

#include <stddef.h>
#include <string.h>

#include "api/list_query.h"
#include "api/place_order.h"
#include "base/buf.h"
#include "cases.h"

struct tagged {
    struct str *tags, id;
    size_t n_tags;
};

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct schema_field tagged_fields[] = {
    {.name = "tags",
     .type = SCHEMA_ARRAY,
     .required = true,
     .offset = offsetof(struct tagged, tags),
     .count_offset = offsetof(struct tagged, n_tags),
     .items = SCHEMA_STRING,
     .item_words = colours,
     .has_min_items = true,
     .min_items = 1,
     .has_max_items = true,
     .max_items = 3},
    {.name = "id", .type = SCHEMA_STRING, .offset = offsetof(struct tagged, id)},
};

static const struct schema tagged_schema = {tagged_fields, ARRAY_LEN(tagged_fields), sizeof(struct tagged)};

static void show_account(struct buf *out, const struct account *account) {
    BUF_LIT(out, " (");
    buf_add_json(out, account->prefix);
    BUF_LIT(out, " ");
    buf_add_json(out, account->first_name);
    BUF_LIT(out, " ");
    buf_add_json(out, account->last_name);
    BUF_LIT(out, ")");
}

static void show_order(struct buf *out, const struct order *order) {
    buf_printf(out, "%s %s:", order_type_names[order->type], order->simulation ? "simulated" : "real");
    for (size_t i = 0; i < order->n_items; i++) {
        const struct order_item *item = &order->items[i];
        if (i) BUF_LIT(out, ";");
        BUF_LIT(out, " ");
        buf_add_json(out, item->domain);
        buf_printf(out, " %lld", (long long)item->provider);
        if (item->forwarding.n) {
            BUF_LIT(out, " -> ");
            buf_add_json(out, item->forwarding);
        }
        for (size_t j = 0; j < item->n_accounts; j++) show_account(out, &item->accounts[j]);
    }
}

static void show_tagged(struct buf *out, const struct tagged *tagged) {
    for (size_t i = 0; i < tagged->n_tags; i++) {
        if (i) BUF_LIT(out, " ");
        buf_add(out, tagged->tags[i]);
    }
    BUF_LIT(out, ", id ");
    buf_add_json(out, tagged->id);
}

static void show_query(struct buf *out, const struct list_query *query) {
    buf_printf(out, "limit %lld, after ", (long long)query->limit);
    buf_add_json(out, query->starting_after);
    buf_add(out, query->with_passwords ? STR(", passwords yes") : STR(", passwords no"));
}

/* What became of the input on LINE: its error, or what it was read as. */
static bool read_input(const struct case_line *line, struct arena *arena, struct buf *ret) {
    struct str input = cases_text(line->value, arena);
    struct error error = {0};
    struct order order;
    struct tagged tagged;
    struct list_query query;
    bool ok = false;
    if (str_is(line->key, "body")) {
        ok = schema_body(&place_order_schema, input, arena, &order, &error);
        if (ok) show_order(ret, &order);
    } else if (str_is(line->key, "words")) {
        ok = schema_body(&tagged_schema, input, arena, &tagged, &error);
        if (ok) show_tagged(ret, &tagged);
    } else if (str_is(line->key, "orders") || str_is(line->key, "accounts")) {
        const struct schema *schema = str_is(line->key, "orders") ? &list_orders_query : &list_accounts_query;
        ok = schema_query(schema, input, arena, &query, &error);
        if (ok) show_query(ret, &query);
    } else {
        CASE_FAIL(line, "unknown kind of input '%.*s'", STR_ARG(line->key));
    }
    if (ok) return true;
    assert_int_equal(error.code, ERR_INVALID);
    buf_add(ret, str_of(error.message));
    return false;
}

static void inputs_are_read_as_listed(void **state) {
    (void)state;
    struct arena *arena = arena_create(1 << 16);
    size_t n;
    const struct case_line *lines = cases_rows("schema.txt", arena, &n);
    struct buf got;
    buf_init(&got, 1 << 16);
    for (size_t i = 0; i + 1 < n; i += 2) {
        const struct case_line *wanted = &lines[i + 1];
        if (lines[i].ends_block || !wanted->ends_block) CASE_FAIL(&lines[i], "a block has two lines");
        bool must_pass = str_is(wanted->key, "is"), starts = str_is(wanted->key, "starts");
        if (!must_pass && !starts && !str_is(wanted->key, "error")) CASE_FAIL(wanted, "'is' or 'error' is missing");
        buf_clear(&got);
        bool passed = read_input(&lines[i], arena, &got);
        struct str shown = buf_str(&got);
        if (starts && shown.n > wanted->value.n) shown.n = wanted->value.n;
        if (passed != must_pass || !str_eq(shown, wanted->value))
            CASE_FAIL(&lines[i], "%s: %.*s", passed ? "is" : "error", STR_ARG(buf_str(&got)));
    }
    assert_int_equal(n % 2, 0);
    buf_finish(&got);
    arena_destroy(arena);
}

/* N opening brackets of an unknown property, after SPACES, closed again. */
static struct str nested_after(size_t spaces, size_t n, struct arena *arena) {
    struct buf text;
    buf_init(&text, 1 << 21);
    BUF_LIT(&text, "{\"items\":[],\"order_type\":\"dfy\",\"x\":");
    for (size_t i = 0; i < spaces; i++) buf_add_byte(&text, ' ');
    for (size_t i = 0; i < n; i++) buf_add_byte(&text, '[');
    for (size_t i = 0; i < n; i++) buf_add_byte(&text, ']');
    buf_add_byte(&text, '}');
    struct str ret = arena_str(arena, buf_str(&text));
    buf_finish(&text);
    return ret;
}

static struct str nested(size_t n, struct arena *arena) {
    return nested_after(0, n, arena);
}

static void deep_nesting_is_refused_wherever_it_begins(void **state) {
    (void)state;
    struct arena *arena = arena_create(1 << 16);
    struct order order;
    struct error error = {0};
    for (size_t spaces = 0; spaces < 600; spaces++) {
        struct str deepest = nested_after(spaces, SCHEMA_DEPTH_MAX - 1, arena);
        assert_true(schema_body(&place_order_schema, deepest, arena, &order, &error));
        struct str deeper = nested_after(spaces, SCHEMA_DEPTH_MAX, arena);
        assert_false(schema_body(&place_order_schema, deeper, arena, &order, &error));
        assert_string_equal(error.message, "body must NOT be nested deeper than 64 levels");
    }
    arena_destroy(arena);
}

static void deep_nesting_is_refused_before_it_is_parsed(void **state) {
    (void)state;
    struct arena *arena = arena_create(1 << 16);
    struct order order;
    struct error error = {0};
    assert_true(schema_body(&place_order_schema, nested(SCHEMA_DEPTH_MAX - 1, arena), arena, &order, &error));
    assert_false(schema_body(&place_order_schema, nested(SCHEMA_DEPTH_MAX, arena), arena, &order, &error));
    assert_string_equal(error.message, "body must NOT be nested deeper than 64 levels");
    assert_false(schema_body(&place_order_schema, nested(500000, arena), arena, &order, &error));
    assert_string_equal(error.message, "body must NOT be nested deeper than 64 levels");

    /* Brackets in texts and side by side do not nest. */
    struct buf flat;
    buf_init(&flat, 1 << 16);
    BUF_LIT(&flat, "{\"order_type\":\"dfy\",\"items\":[],\"x\":\"\\\"");
    for (int i = 0; i < 100; i++) BUF_LIT(&flat, "[{\\\\");
    BUF_LIT(&flat, "\",\"y\":[");
    for (int i = 0; i < 100; i++) BUF_LIT(&flat, "[{}],");
    BUF_LIT(&flat, "0]}");
    assert_true(schema_body(&place_order_schema, buf_str(&flat), arena, &order, &error));
    buf_finish(&flat);
    arena_destroy(arena);
}

static void a_hundred_accounts_pass_and_one_more_does_not(void **state) {
    (void)state;
    struct arena *arena = arena_create(1 << 16);
    struct order order;
    struct error error = {0};
    for (int n = 100; n <= 101; n++) {
        struct buf body;
        buf_init(&body, 1 << 16);
        BUF_LIT(&body, "{\"order_type\":\"dfy\",\"items\":[{\"domain\":\"a.com\",\"accounts\":[");
        for (int i = 0; i < n; i++)
            buf_printf(&body, "%s{\"email_address_prefix\":\"u%d\",\"first_name\":\"F\",\"last_name\":\"L\"}",
                       i ? "," : "", i);
        BUF_LIT(&body, "]}]}");
        bool ok = schema_body(&place_order_schema, buf_str(&body), arena, &order, &error);
        assert_int_equal(ok, n == 100);
        if (ok) assert_int_equal(order.items[0].n_accounts, 100);
        buf_finish(&body);
    }
    assert_string_equal(error.message, "body/items/0/accounts must NOT have more than 100 items");
    arena_destroy(arena);
}

/* Every start of a good body is refused, and nothing is read beyond its end. */
static void cut_bodies_are_refused(void **state) {
    (void)state;
    static const char whole[] =
        "{\"items\":[{\"domain\":\"a\\u00e9.com\",\"email_provider\":1.5e0}],\"order_type\":true}";
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        struct arena *arena = arena_create(1024);
        char *exact = malloc(n + 1);
        assert_non_null(exact);
        memcpy(exact, whole, n);
        struct order order;
        struct error error = {0};
        assert_false(schema_body(&place_order_schema, (struct str){exact, n}, arena, &order, &error));
        assert_int_equal(strncmp(error.message, "body is not valid JSON", 22), 0);
        free(exact);
        arena_destroy(arena);
    }
}

struct patch {
    struct str logo;
    int64_t unused;
    bool has_logo;
};

static const struct schema_field patch_fields[] = {
    {.name = "logo",
     .type = SCHEMA_STRING,
     .nullable = true,
     .offset = offsetof(struct patch, logo),
     .present_offset = offsetof(struct patch, has_logo)},
};

static const struct schema patch_schema = {patch_fields, ARRAY_LEN(patch_fields), sizeof(struct patch), 1};

/* Ajv's order and words: the properties are counted first, as they were sent; null stays null. */
static void null_passes_where_it_may(void **state) {
    (void)state;
    static const struct {
        const char *body, *logo, *says; /* logo NULL: null */
        bool has_logo;
    } rows[] = {
        {"{}", NULL, "body must NOT have fewer than 1 properties", false},
        {"{\"other\":1}", "", NULL, false},
        {"{\"logo\":null}", NULL, NULL, true},
        /* Of an array of one Ajv takes what it can coerce, but not what would fit as it is. */
        {"{\"logo\":[null]}", "", NULL, true},
        {"{\"logo\":[\"\"]}", NULL, NULL, true},
        {"{\"logo\":[5]}", "5", NULL, true},
        {"{\"logo\":[[]]}", NULL, "body/logo must be string,null", false},
        {"{\"logo\":\"\"}", "", NULL, true},
        {"{\"logo\":\"x\"}", "x", NULL, true},
        {"{\"logo\":[\"x\"]}", NULL, "body/logo must be string,null", false},
        {"{\"logo\":5}", "5", NULL, true},
        {"{\"logo\":false}", "false", NULL, true},
        {"{\"logo\":{}}", NULL, "body/logo must be string,null", false},
        {"{\"logo\":[]}", NULL, "body/logo must be string,null", false},
        {"{\"logo\":[1,2]}", NULL, "body/logo must be string,null", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena *arena = arena_create(1024);
        struct patch patch;
        struct error error = {0};
        bool ok = schema_body(&patch_schema, str_of(rows[i].body), arena, &patch, &error);
        if (ok != !rows[i].says) fail_msg("%s: %s", rows[i].body, error.message);
        if (!ok) {
            assert_string_equal(error.message, rows[i].says);
        } else {
            assert_int_equal(patch.has_logo, rows[i].has_logo);
            assert_int_equal(!patch.logo.p, !rows[i].logo);
            assert_true(str_is(patch.logo, rows[i].logo ? rows[i].logo : ""));
        }
        arena_destroy(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_are_read_as_listed),
        cmocka_unit_test(deep_nesting_is_refused_before_it_is_parsed),
        cmocka_unit_test(deep_nesting_is_refused_wherever_it_begins),
        cmocka_unit_test(a_hundred_accounts_pass_and_one_more_does_not),
        cmocka_unit_test(cut_bodies_are_refused),
        cmocka_unit_test(null_passes_where_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
