#include "store/postgres/errors.h"

#include <stdio.h>
#include <string.h>

#include "store/engine.h"

static bool is(const char *state, const char *prefix) {
    return strncmp(state, prefix, strlen(prefix)) == 0;
}

static bool is_any(const char *state, const char *const *prefixes) {
    while (*prefixes && !is(state, *prefixes)) prefixes++;
    return *prefixes != NULL;
}

/* https://www.postgresql.org/docs/15/errcodes-appendix.html */
static enum trouble kind_of(const char *state, const char *words) {
    static const char *const lost[] = {"08", "57P", "25P03", "25P04", NULL};
    static const char *const repeat[] = {"40001", "40P01", "40003", NULL};
    static const char *const names[] = {"26000", "42P05", NULL};
    if (is_any(state, lost)) return TROUBLE_LOST;
    if (is_any(state, repeat)) return TROUBLE_REPEAT;
    if (is_any(state, names)) return TROUBLE_UNNAMED;
    /* A server that may not be written any more is not the one to talk to; and a plan of before a migration goes with
     * its connection. */
    if (is(state, "25006") || (is(state, "0A000") && strstr(words, "cached plan"))) return TROUBLE_AFRESH;
    return TROUBLE_STATEMENT;
}

static const char *field(const PGresult *result, int which) {
    const char *text = PQresultErrorField(result, which);
    return text ? text : "";
}

static bool already_exists(const PGresult *result, struct error *reterr) {
    const char *table = field(result, PG_DIAG_TABLE_NAME), *rule = field(result, PG_DIAG_CONSTRAINT_NAME);
    return error_set(reterr, ERR_CONFLICT, "already exists (%s of %s)", rule, table);
}

/* What is wrong with the statement or its values, not with the server. */
static bool refused(const PGresult *result, const char *state, const char *words, const char *sql,
                    struct error *reterr) {
    static const char *const missing[] = {"42P01", "42703", "42883", "42704", NULL};
    static const char *const taken[] = {"42P07", "42723", "42710", NULL};
    if (is(state, "23505")) return already_exists(result, reterr);
    if (is(state, "22021") || is(state, "22P05"))
        return error_set(reterr, ERR_INVALID,
                         "a text has a character that the database cannot hold: U+0000, or no"
                         " valid UTF-8");
    if (is_any(state, missing))
        return error_set(reterr, ERR_INTERNAL, "the database is damaged (%s): restore a backup", words);
    if (is(state, "42501"))
        return error_set(reterr, ERR_INTERNAL, "the database's user may not do this (%s): grant it all on the schema",
                         words);
    if (is_any(state, taken))
        return error_set(reterr, ERR_INTERNAL, "the database has something else in it (%s): dfyd needs one of its own",
                         words);
    if (is(state, "42") || is(state, "0A")) store_die(words, sql);
    return error_set(reterr, ERR_INTERNAL, "database: %s (SQLSTATE %s)", words, state);
}

static bool tell(const PGresult *result, const char *state, const char *words, const char *sql, struct error *reterr) {
    if (is(state, "57P") || is(state, "08") || is(state, "25P") || !state[0]) return errors_away(words, NULL, reterr);
    if (is(state, "40")) return error_set(reterr, ERR_UNAVAILABLE, "the database gave up the transaction: %s", words);
    if (is(state, "25006"))
        return error_set(reterr, ERR_UNAVAILABLE,
                         "the database is read-only: name its primary in the URL, or all of its"
                         " nodes");
    if (is(state, "53100")) return error_set(reterr, ERR_UNAVAILABLE, "the disk that holds the database is full");
    if (is(state, "57014")) return error_set(reterr, ERR_UNAVAILABLE, "the database took too long (%s)", words);
    if (is(state, "55P03"))
        return error_set(reterr, ERR_UNAVAILABLE, "the database is locked by another change for too long");
    if (is(state, "53") || is(state, "58"))
        return error_set(reterr, ERR_UNAVAILABLE, "the database's server has a problem: %s", words);
    if (is(state, "XX001") || is(state, "XX002"))
        return error_set(reterr, ERR_INTERNAL, "the database is damaged (%s): restore a backup", words);
    return refused(result, state, words, sql, reterr);
}

enum trouble errors_read(const PGresult *result, const char *sql, struct error *reterr) {
    const char *state = field(result, PG_DIAG_SQLSTATE), *words = field(result, PG_DIAG_MESSAGE_PRIMARY);
    /* libpq's own failures have no state: the connection. */
    enum trouble trouble = state[0] ? kind_of(state, words) : TROUBLE_LOST;
    if (trouble == TROUBLE_UNNAMED || trouble == TROUBLE_AFRESH)
        error_set(reterr, ERR_UNAVAILABLE, "the database gave up the transaction: %s", words);
    if (trouble != TROUBLE_UNNAMED && !is(state, "0A000"))
        tell(result, state, words[0] ? words : PQresultErrorMessage(result), sql, reterr);
    else if (trouble == TROUBLE_STATEMENT)
        refused(result, state, words, sql, reterr);
    return trouble;
}

bool errors_is_full(PGconn *conn) {
    return strstr(PQerrorMessage(conn), "too many") || strstr(PQerrorMessage(conn), "remaining connection slots");
}

bool errors_away(const char *words, const char *password, struct error *reterr) {
    char line[sizeof reterr->message];
    snprintf(line, sizeof line, "%s", words);
    size_t n = strlen(line);
    while (n && strchr("\n \t", line[n - 1])) line[--n] = '\0';
    for (char *at = line; *at; at++)
        if (*at == '\n' || *at == '\t') *at = ' ';
    if (password && password[0])
        for (char *at = strstr(line, password); at; at = strstr(at, password)) memset(at, '*', strlen(password));
    return error_set(reterr, ERR_UNAVAILABLE, "the database is away (%s)", line[0] ? line : "the connection was lost");
}
