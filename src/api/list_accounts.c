#include "api/list_query.h"

struct paging {
    const struct call *call;
    struct str before;
    size_t limit;
    struct account_row *rows;
    size_t n;
};

static bool read_page(struct db *db, void *arg, struct error *reterr) {
    struct paging *p = arg;
    /* One more than asked for tells whether there is another page. */
    return account_page(db, str_of(p->call->identity->workspace.id), p->before, p->limit + 1, p->call->arena, &p->rows,
                        &p->n, reterr);
}

/* The reference's cursors are "<uuid>:<timestamp>"; the id alone is the key here. */
static bool read_cursor(struct str cursor, struct str *ret_before, struct error *reterr) {
    struct str stamp, id = str_cut(cursor, ':', &stamp);
    int64_t ms;
    if (cursor.n && !(uuid_is_valid(id) && time_parse(stamp, &ms))) return list_bad_cursor(reterr);
    *ret_before = id;
    return true;
}

static struct str cursor_of(const struct account_row *row, struct arena *arena) {
    char stamp[TIME_TEXT];
    time_format(row->created_ms, stamp);
    return arena_printf(arena, "%.*s:%s", STR_ARG(row->id), stamp);
}

/* A password is shown only while its mailbox works. */
static bool add_password(struct call *call, const struct account_row *row, struct error *reterr) {
    struct str password = STR("");
    if (row->state == ACCOUNT_READY &&
        !vault_open_sealed(call->config->world->vault, row->sealed_password, call->arena, &password, reterr))
        return false;
    BUF_LIT(&call->response->body, ",\"password\":");
    buf_add_json(&call->response->body, password);
    return true;
}

static bool write_page(struct call *call, const struct paging *p, bool with_passwords, struct error *reterr) {
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, p->n, (int64_t)p->limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        list_add_account(out, &p->rows[i]);
        if (with_passwords && !add_password(call, &p->rows[i], reterr)) return false;
        buf_add_byte(out, '}');
    }
    list_end(out, shown < p->n ? cursor_of(&p->rows[shown - 1], call->arena) : STR(""));
    return true;
}

enum http_verdict list_accounts(struct call *call) {
    struct list_query query;
    struct paging p = {.call = call};
    struct error error = {0};
    if (!schema_query(&list_accounts_query, call->request->query, call->arena, &query, &error) ||
        !read_cursor(query.starting_after, &p.before, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    p.limit = (size_t)query.limit;
    if (store_read(call->config->world->store, read_page, &p, &error) &&
        write_page(call, &p, query.with_passwords, &error))
        call_answer(call);
    else
        call_fail(call, &error, "");
    return HTTP_ANSWER;
}
