#include "store/sqlite/list.h"

#include <stdlib.h>

/*
 * json_each could do it too. But that writes the list as JSON and reads it again, which costs every simulated order
 * more than the look-ups do.
 */

static const char pointer_type[] = "list";

enum { COLUMN_VALUE, COLUMN_LIST };

struct cursor {
    sqlite3_vtab_cursor base;
    struct list list;
    size_t at;
};

static int connect(sqlite3 *handle, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret, char **reterr) {
    (void)aux, (void)argc, (void)argv, (void)reterr;
    int code = sqlite3_declare_vtab(handle, "CREATE TABLE x (value TEXT, list HIDDEN)");
    if (code != SQLITE_OK) return code;
    *ret = calloc(1, sizeof **ret);
    return *ret ? SQLITE_OK : SQLITE_NOMEM;
}

static int disconnect(sqlite3_vtab *table) {
    free(table);
    return SQLITE_OK;
}

/* The one way to read it is with the list given. */
static int best_index(sqlite3_vtab *table, sqlite3_index_info *info) {
    (void)table;
    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn != COLUMN_LIST || !info->aConstraint[i].usable) continue;
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
        info->estimatedCost = 1;
        info->estimatedRows = 10;
        return SQLITE_OK;
    }
    return SQLITE_CONSTRAINT;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **ret) {
    (void)table;
    void *cursor = calloc(1, sizeof(struct cursor)); /* begins with the base */
    *ret = cursor;
    return cursor ? SQLITE_OK : SQLITE_NOMEM;
}

static int close_cursor(sqlite3_vtab_cursor *base) {
    free(base);
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc, sqlite3_value **argv) {
    (void)number, (void)text;
    struct cursor *cursor = (struct cursor *)base;
    const struct list *list = argc ? sqlite3_value_pointer(argv[0], pointer_type) : NULL;
    cursor->list = list ? *list : (struct list){NULL, 0};
    cursor->at = 0;
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base) {
    ((struct cursor *)base)->at++;
    return SQLITE_OK;
}

static int is_at_end(sqlite3_vtab_cursor *base) {
    const struct cursor *cursor = (const struct cursor *)base;
    return cursor->at >= cursor->list.n;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *result, int number) {
    const struct cursor *cursor = (const struct cursor *)base;
    struct str value = cursor->list.values[cursor->at];
    if (number == COLUMN_VALUE)
        sqlite3_result_text64(result, value.n ? value.p : "", value.n, SQLITE_STATIC, SQLITE_UTF8);
    return SQLITE_OK;
}

static int row_number(sqlite3_vtab_cursor *base, sqlite3_int64 *ret) {
    *ret = (sqlite3_int64)((const struct cursor *)base)->at;
    return SQLITE_OK;
}

int list_register(sqlite3 *handle) {
    static const sqlite3_module module = {
        .xConnect = connect, /* without xCreate: it is there without CREATE VIRTUAL TABLE */
        .xBestIndex = best_index,
        .xDisconnect = disconnect,
        .xOpen = open_cursor,
        .xClose = close_cursor,
        .xFilter = filter,
        .xNext = next,
        .xEof = is_at_end,
        .xColumn = column,
        .xRowid = row_number,
    };
    return sqlite3_create_module(handle, "list", &module, NULL);
}

int list_bind(sqlite3_stmt *stmt, int index, struct list *list) {
    return sqlite3_bind_pointer(stmt, index, list, pointer_type, NULL);
}
