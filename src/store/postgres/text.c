#include "store/postgres/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "store/engine.h"

static void count_parameter(const char *at, int *highest) {
    if (!isdigit((unsigned char)at[1])) return;
    long n = strtol(at + 1, NULL, 10);
    if (n < 1 || n > PARAMETERS_MAX) store_die("parameters are $1, $2, ...", at);
    if (n > *highest) *highest = (int)n;
}

/* Past the quoted text or comment that begins at AT; AT itself when none does. */
static const char *skip(const char *at) {
    const char *end = at;
    if (*at == '\'' || *at == '"')
        end = strchr(at + 1, *at);
    else if (at[0] == '-' && at[1] == '-')
        end = strchr(at, '\n');
    else if (at[0] == '/' && at[1] == '*')
        end = strstr(at + 2, "*/");
    else
        return at;
    if (!end) return at + strlen(at);
    return end + (*at == '/' ? 2 : 1);
}

char *text_for_postgres(const char *sql, int *ret_parameters) {
    char *text = store_alloc(strlen(sql) + 1, 1), *to = text;
    int highest = 0;
    bool inside = false; /* such a comment */
    while (*sql) {
        const char *end = skip(sql);
        if (strncmp(sql, "/*pg ", 5) == 0) {
            sql += 4;
            inside = true;
        } else if (inside && sql[0] == '*' && sql[1] == '/') {
            sql += 2;
            inside = false;
            *to++ = ' ';
        } else if (end != sql) {
            memcpy(to, sql, (size_t)(end - sql));
            to += end - sql;
            sql = end;
        } else {
            if (*sql == '$') count_parameter(sql, &highest);
            *to++ = *sql++;
        }
    }
    *ret_parameters = highest;
    return text;
}

bool text_hides_change(const char *sql) {
    for (const char *next; (next = *sql == ' ' || *sql == '\n' ? sql + 1 : sql[0] == '/' ? skip(sql) : sql) != sql;)
        sql = next;
    return strncmp(sql, "WITH", 4) == 0 && (strstr(sql, "INSERT") || strstr(sql, "UPDATE") || strstr(sql, "DELETE"));
}
