#include "store/postgres/bulk.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bulk {
    PGconn *connection;
};

static struct str first_line(const char *words) {
    struct str rest;
    return str_trim(str_cut(str_of(words), '\n', &rest));
}

static bool fail_connection(struct bulk *bulk, struct error *reterr) {
    return error_set(reterr, ERR_UNAVAILABLE, "the database cannot be reached: %.*s",
                     STR_ARG(first_line(PQerrorMessage(bulk->connection))));
}

/* What the server said, and where in the copied lines. */
static bool fail_result(struct bulk *bulk, const PGresult *result, struct error *reterr) {
    const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (!words) return fail_connection(bulk, reterr);
    const char *where = PQresultErrorField(result, PG_DIAG_CONTEXT);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    struct str at = first_line(where ? where : detail);
    return error_set(reterr, ERR_INTERNAL, "database: %s%s%.*s", words, at.n ? "; " : "", STR_ARG(at));
}

/* Takes RESULT; true when it is of the kind EXPECTED, which is returned in *ret unless that is NULL. */
static bool take(struct bulk *bulk, PGresult *result, ExecStatusType expected, PGresult **ret, struct error *reterr) {
    bool ok = result && PQresultStatus(result) == expected;
    if (!ok) result ? fail_result(bulk, result, reterr) : fail_connection(bulk, reterr);
    if (ok && ret)
        *ret = result;
    else
        PQclear(result);
    return ok;
}

/* -- connecting */

/* libpq's own words for a wrong URL repeat it, with its password. */
static bool read_url(const char *url, PQconninfoOption **ret, struct error *reterr) {
    bool is_url = str_starts(str_of(url), "postgresql://") || str_starts(str_of(url), "postgres://");
    PQconninfoOption *options = is_url ? PQconninfoParse(url, NULL) : NULL;
    if (!options) {
        error_set(reterr, ERR_INVALID,
                  "the target must be postgresql://USER@HOST[,HOST...]/NAME[?...], with %%XX for what has a meaning in"
                  " URLs");
        return false;
    }
    *ret = options;
    return true;
}

static const char *option_of(const PQconninfoOption *options, const char *name) {
    for (; options->keyword; options++)
        if (!strcmp(options->keyword, name)) return options->val;
    return NULL;
}

bool bulk_place(const char *url, struct arena *arena, struct str *ret, struct error *reterr) {
    PQconninfoOption *options;
    if (!read_url(url, &options, reterr)) return false;
    const char *host = option_of(options, "host"), *port = option_of(options, "port"),
               *name = option_of(options, "dbname");
    *ret = arena_printf(arena, "postgresql://%s%s%s/%s", host ? host : "", port ? ":" : "", port ? port : "",
                        name ? name : "");
    PQconninfoFree(options);
    return true;
}

static void ignore_notice(void *arg, const char *words) {
    (void)arg, (void)words;
}

bool bulk_open(const char *url, struct bulk **ret, struct error *reterr) {
    PQconninfoOption *options;
    if (!read_url(url, &options, reterr)) return false;
    PQconninfoFree(options);
    struct bulk *bulk = calloc(1, sizeof *bulk);
    if (!bulk) return error_set(reterr, ERR_UNAVAILABLE, "no memory left");
    /* What the URL says wins over what stands before it. A network that drops everything is noticed within a minute. */
    static const char *const names[] = {"connect_timeout",  "target_session_attrs",
                                        "keepalives_idle",  "tcp_user_timeout",
                                        "application_name", "dbname",
                                        "client_encoding",  NULL};
    const char *const values[] = {"10", "read-write", "10", "60000", "dfyd migrate", url, "UTF8", NULL};
    bulk->connection = PQconnectdbParams(names, values, 1);
    if (!bulk->connection || PQstatus(bulk->connection) != CONNECTION_OK) {
        fail_connection(bulk, reterr);
        bulk_close(bulk);
        return false;
    }
    PQsetNoticeProcessor(bulk->connection, ignore_notice, NULL);
    *ret = bulk;
    return true;
}

void bulk_close(struct bulk *bulk) {
    if (!bulk) return;
    PQfinish(bulk->connection);
    free(bulk);
}

/* -- statements */

bool bulk_run(struct bulk *bulk, const char *sql, struct error *reterr) {
    PGresult *result = PQexec(bulk->connection, sql);
    bool ok = result && (PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK);
    if (!ok) result ? fail_result(bulk, result, reterr) : fail_connection(bulk, reterr);
    PQclear(result);
    return ok;
}

bool bulk_ask(struct bulk *bulk, const char *sql, struct arena *arena, struct str **ret, size_t *ret_n,
              struct error *reterr) {
    PGresult *result;
    if (!take(bulk, PQexec(bulk->connection, sql), PGRES_TUPLES_OK, &result, reterr)) return false;
    int rows = PQntuples(result), columns = PQnfields(result);
    *ret = ARENA_ARRAY(arena, (size_t)rows * (size_t)columns, struct str);
    *ret_n = 0;
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++)
            (*ret)[(*ret_n)++] = arena_str(
                arena, (struct str){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)});
    PQclear(result);
    return true;
}

/* -- streams */

bool bulk_put_begin(struct bulk *bulk, const char *sql, struct error *reterr) {
    return take(bulk, PQexec(bulk->connection, sql), PGRES_COPY_IN, NULL, reterr);
}

bool bulk_put(struct bulk *bulk, struct str text, struct error *reterr) {
    while (text.n) {
        int n = text.n > (1 << 20) ? 1 << 20 : (int)text.n;
        if (PQputCopyData(bulk->connection, text.p, n) != 1)
            return bulk_put_end(bulk, reterr) ? fail_connection(bulk, reterr) : false;
        text = (struct str){text.p + n, text.n - (size_t)n};
    }
    return true;
}

bool bulk_put_end(struct bulk *bulk, struct error *reterr) {
    if (PQputCopyEnd(bulk->connection, NULL) != 1) return fail_connection(bulk, reterr);
    bool ok = take(bulk, PQgetResult(bulk->connection), PGRES_COMMAND_OK, NULL, reterr);
    for (PGresult *more; (more = PQgetResult(bulk->connection));) PQclear(more);
    return ok;
}

bool bulk_get(struct bulk *bulk, const char *sql, void (*fn)(void *arg, struct str line), void *arg,
              struct error *reterr) {
    if (!take(bulk, PQexec(bulk->connection, sql), PGRES_COPY_OUT, NULL, reterr)) return false;
    char *line;
    int n;
    while ((n = PQgetCopyData(bulk->connection, &line, 0)) > 0) {
        fn(arg, (struct str){line, (size_t)n});
        PQfreemem(line);
    }
    if (n == -2) return fail_connection(bulk, reterr);
    bool ok = take(bulk, PQgetResult(bulk->connection), PGRES_COMMAND_OK, NULL, reterr);
    for (PGresult *more; (more = PQgetResult(bulk->connection));) PQclear(more);
    return ok;
}
