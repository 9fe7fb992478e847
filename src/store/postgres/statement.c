#include "store/postgres/statement.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/postgres/numbers.h"
#include "store/postgres/text.h"

/* pg_type.dat; they never change. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_OID = 26,
    OID_UNKNOWN = 705,
    OID_TEXTS = 1009,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_NUMERIC = 1700,
};

const int statement_formats[PARAMETERS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

void statement_prepare(struct stmt *stmt) {
    struct statement *own = statement_of(stmt);
    if (!own->text) {
        own->text = text_for_postgres(stmt->sql, &own->n);
        own->hides_change = text_hides_change(own->text);
    }
    for (int i = 0; i < own->n; i++) own->values[i] = NULL;
}

void statement_forget(struct stmt *stmt) {
    struct statement *own = statement_of(stmt);
    PQclear(own->result);
    free(own->text);
    free(own->list);
    free(own->digits);
}

static void bind(struct stmt *base, int parameter, Oid type, const char *value, size_t n) {
    struct statement *stmt = statement_of(base);
    if (parameter < 1 || parameter > stmt->n) store_die("no such parameter", base->sql);
    if (n > INT_MAX) store_die("a value is too long", base->sql);
    int i = parameter - 1;
    if (type) stmt->types[i] = type;
    stmt->values[i] = value;
    stmt->lengths[i] = (int)n;
}

void statement_text(struct stmt *stmt, int parameter, struct str value) {
    bind(stmt, parameter, OID_TEXT, value.n ? value.p : "", value.n);
}

void statement_blob(struct stmt *stmt, int parameter, struct str value) {
    bind(stmt, parameter, OID_BYTEA, value.n ? value.p : "", value.n);
}

void statement_null(struct stmt *stmt, int parameter) {
    bind(stmt, parameter, 0, NULL, 0);
}

void statement_integer(struct stmt *stmt, int parameter, int64_t value) {
    if (parameter < 1 || parameter > PARAMETERS_MAX) store_die("no such parameter", stmt->sql);
    char *to = statement_of(stmt)->integers[parameter - 1];
    number_put64(to, value);
    bind(stmt, parameter, OID_INT8, to, 8);
}

/* Dimensions, whether there are NULLs, the elements' type; of each dimension its length and first index; then each
 * element with its length before it. */
void statement_list(struct stmt *stmt, int parameter, const struct str *values, size_t n) {
    enum { HEADER = 12, DIMENSION = 8 };
    struct statement *own = statement_of(stmt);
    size_t size = HEADER + DIMENSION;
    for (size_t i = 0; i < n; i++) size += 4 + values[i].n;
    if (size > INT_MAX) store_die("a list is too long", stmt->sql);
    if (size > own->list_cap) {
        free(own->list);
        own->list_cap = size * 2;
        own->list = store_alloc(own->list_cap, 1);
    }
    char *to = own->list;
    number_put32(to, n ? 1 : 0);
    number_put32(to + 4, 0);
    number_put32(to + 8, OID_TEXT);
    number_put32(to + HEADER, (int32_t)n);
    number_put32(to + HEADER + 4, 1);
    to += n ? HEADER + DIMENSION : HEADER;
    for (size_t i = 0; i < n; i++) {
        number_put32(to, (int32_t)values[i].n);
        if (values[i].n) memcpy(to + 4, values[i].p, values[i].n);
        to += 4 + values[i].n;
    }
    bind(stmt, parameter, OID_TEXTS, own->list, (size_t)(to - own->list));
}

bool statement_col_is_null(struct stmt *stmt, int column) {
    const struct statement *own = statement_of(stmt);
    assert(stmt->running);
    return PQgetisnull(own->result, own->row, column);
}

static struct str raw(const struct statement *stmt, int column) {
    return (struct str){PQgetvalue(stmt->result, stmt->row, column),
                        (size_t)PQgetlength(stmt->result, stmt->row, column)};
}

static bool is_text(Oid type) {
    return type == OID_TEXT || type == OID_BYTEA || type == OID_NAME || type == OID_VARCHAR || type == OID_BPCHAR ||
           type == OID_UNKNOWN;
}

int64_t statement_col_int(struct stmt *stmt, int column) {
    const struct statement *own = statement_of(stmt);
    assert(stmt->running);
    if (PQgetisnull(own->result, own->row, column)) return 0;
    struct str value = raw(own, column);
    int64_t number;
    switch (PQftype(own->result, column)) {
    case OID_BOOL:
    case OID_INT2:
    case OID_INT4:
    case OID_INT8:
        return number_get(value.p, value.n);
    case OID_OID:
        return number_get(value.p, value.n) & UINT32_MAX;
    case OID_NUMERIC:
        return number_numeric(value.p, value.n);
    default:
        if (!is_text(PQftype(own->result, column))) store_die("a column's type is not known here: CAST it", stmt->sql);
        return str_to_int(value, INT64_MIN, INT64_MAX, &number) ? number : 0;
    }
}

struct str statement_col_text(struct stmt *stmt, int column) {
    struct statement *own = statement_of(stmt);
    assert(stmt->running);
    if (PQgetisnull(own->result, own->row, column)) return STR("");
    if (is_text(PQftype(own->result, column))) return raw(own, column);
    if (!own->digits) own->digits = store_alloc((size_t)PQnfields(own->result), sizeof *own->digits);
    char *to = own->digits[column];
    snprintf(to, sizeof *own->digits, "%" PRId64, statement_col_int(stmt, column));
    return str_of(to);
}

void statement_done(struct stmt *stmt) {
    struct statement *own = statement_of(stmt);
    stmt_runs(stmt, false);
    PQclear(own->result);
    own->result = NULL;
}

void statement_name(const struct statement *stmt, char ret_name[NAME_TEXT]) {
    unsigned char hash[16];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    crypto_generichash_update(&state, (const unsigned char *)stmt->text, strlen(stmt->text));
    crypto_generichash_update(&state, (const unsigned char *)stmt->types, (size_t)stmt->n * sizeof *stmt->types);
    crypto_generichash_final(&state, hash, sizeof hash);
    ret_name[0] = 'd';
    sodium_bin2hex(ret_name + 1, NAME_TEXT - 1, hash, sizeof hash);
}
