/* statement: values for PostgreSQL and out of its answers; for connection.c. */
#pragma once

#include <libpq-fe.h>

#include "store/engine.h"

enum { NAME_TEXT = 34 };

/* A statement that the server knows, or is told, by this name: a hash of its text and its parameters' types. */
struct prepared {
    struct prepared *next;
    char name[NAME_TEXT];
    enum { PREPARED_NOT, PREPARED_SENT, PREPARED_YES } state;
};

struct statement {
    struct stmt base;
    char *text; /* for PostgreSQL */
    bool hides_change;
    int n;                     /* parameters */
    Oid types[PARAMETERS_MAX]; /* 0: only NULL was bound so far */
    const char *values[PARAMETERS_MAX];
    int lengths[PARAMETERS_MAX];
    char integers[PARAMETERS_MAX][8];
    char *list; /* of stmt_list */
    size_t list_cap;
    struct prepared *prepared; /* for types_then; NULL: not looked up yet */
    Oid types_then[PARAMETERS_MAX];
    PGresult *result; /* while running, or asked for */
    bool is_asked;    /* by stmt_ask, and not read yet */
    int row;
    char (*digits)[24]; /* a text for each column that is a number; NULL: never asked for */
};

static inline struct statement *statement_of(struct stmt *stmt) {
    return (struct statement *)stmt;
}

/* The formats of all parameters: binary. */
extern const int statement_formats[PARAMETERS_MAX];

/* Members of db_ops. */
void statement_prepare(struct stmt *stmt);
void statement_forget(struct stmt *stmt);
void statement_text(struct stmt *stmt, int parameter, struct str value);
void statement_integer(struct stmt *stmt, int parameter, int64_t value);
void statement_blob(struct stmt *stmt, int parameter, struct str value);
void statement_null(struct stmt *stmt, int parameter);
void statement_list(struct stmt *stmt, int parameter, const struct str *values, size_t n);
struct str statement_col_text(struct stmt *stmt, int column);
int64_t statement_col_int(struct stmt *stmt, int column);
bool statement_col_is_null(struct stmt *stmt, int column);
void statement_done(struct stmt *stmt);
/* The name that STMT has with the types that it was bound with now. */
void statement_name(const struct statement *stmt, char ret_name[NAME_TEXT]);
