#include "store/rows.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ids.h"
#include "core/state.h"

bool row_find(struct stmt *stmt, struct error *reterr, const char *missing, ...) {
    enum db_step step = stmt_step(stmt, reterr);
    if (step != DB_END) return step == DB_ROW;
    char words[sizeof reterr->message];
    va_list args;
    va_start(args, missing);
    vsnprintf(words, sizeof words, missing, args);
    va_end(args);
    return error_set(reterr, ERR_NOT_FOUND, "%s", words);
}

struct str row_text(struct stmt *stmt, int column, struct arena *arena) {
    struct str text = stmt_col_text(stmt, column);
    return text.n ? arena_str(arena, text) : STR("");
}

void row_uuid(struct stmt *stmt, int column, char *ret_text) {
    struct str text = stmt_col_text(stmt, column);
    assert(text.n < UUID_TEXT);
    if (text.n) memcpy(ret_text, text.p, text.n);
    ret_text[text.n] = '\0';
}

size_t row_word(struct stmt *stmt, int column, const char *const *names, size_t n) {
    size_t at = state_by_name(stmt_col_text(stmt, column), names, n);
    assert(at < n);
    return at;
}

void *rows_add(struct rows *rows, struct arena *arena) {
    if (rows->n == rows->cap) {
        size_t cap = rows->cap ? rows->cap * 2 : 16;
        char *first = arena_array(arena, cap, rows->size);
        if (rows->n) memcpy(first, rows->first, rows->n * rows->size);
        rows->first = first;
        rows->cap = cap;
    }
    return (char *)rows->first + rows->n++ * rows->size;
}

bool rows_texts(struct stmt *stmt, struct arena *arena, struct str **ret, size_t *ret_n, struct error *reterr) {
    struct rows rows = {.size = sizeof(struct str)};
    enum db_step step;
    while ((step = stmt_step(stmt, reterr)) == DB_ROW) *(struct str *)rows_add(&rows, arena) = row_text(stmt, 0, arena);
    if (step == DB_FAIL) return false;
    *ret = rows.first;
    *ret_n = rows.n;
    return true;
}

struct str row_like(struct str text, struct arena *arena) {
    if (!text.n) return text;
    char *to = arena_alloc(arena, 2 * text.n + 2);
    size_t n = 0;
    to[n++] = '%';
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%' || c == '_' || c == '\\') to[n++] = '\\';
        if (c >= 'A' && c <= 'Z') c = (char)(c | 0x20);
        to[n++] = c;
    }
    to[n++] = '%';
    return (struct str){to, n};
}

struct str rows_before(struct str before) {
    return before.n ? before : STR("~");
}

bool rows_change(struct db *db, const char *sql, struct str id, struct error *reterr) {
    struct stmt *stmt = db_stmt(db, sql);
    stmt_text(stmt, 1, id);
    return stmt_queue(stmt, reterr);
}

bool rows_hold(struct db *db, const char *sql, struct str id, struct error *reterr) {
    if (db_engine(db) == DB_SQLITE) return true;
    struct stmt *stmt = db_stmt(db, sql);
    stmt_text(stmt, 1, id);
    return stmt_queue(stmt, reterr);
}
