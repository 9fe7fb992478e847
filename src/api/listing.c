#include "api/listing.h"

#include "api/list_query.h"
#include "core/name.h"

/* What a call asked for, and a page of it. */
struct job {
    const struct listing *listing;
    struct search search;
    struct arena *arena;
    char *rows;
    size_t n;
};

/* As names are stored; what is no host name stays as it is, and is nobody's. */
static struct str domain_of(const struct call *call, struct str text) {
    struct str name = str_trim(text);
    return text.n && name_host(name, call->arena, &name) ? name : text;
}

static bool read_query(const struct call *call, struct job *job, struct error *reterr) {
    struct listing_query query;
    if (!schema_query(job->listing->query, call->request->query, call->arena, &query, reterr)) return false;
    if (query.starting_after.n && !job->listing->is_cursor(query.starting_after)) return list_bad_cursor(reterr);
    job->search = (struct search){
        .before = query.starting_after,
        .text = str_trim(query.search),
        .state = query.has_state ? str_of(job->listing->states[query.state]) : STR(""),
        .domain = domain_of(call, query.domain),
        .limit = (size_t)query.limit,
    };
    return true;
}

static bool read_page(struct db *db, void *arg, struct error *reterr) {
    struct job *job = arg;
    struct search search = job->search;
    search.limit++; /* one more than asked for tells whether there is another page */
    void *rows = NULL;
    if (!job->listing->read(db, &search, job->arena, &rows, &job->n, reterr)) return false;
    job->rows = rows;
    return true;
}

void listing_run(struct call *call) {
    struct job *job = call->order;
    const struct listing *listing = job->listing;
    job->search.workspace_id = str_of(call->identity->workspace.id);
    job->arena = call->arena;
    if (!list_read_page(call, read_page, job)) return;
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, job->n, (int64_t)job->search.limit);
    for (size_t i = 0; i < shown; i++) {
        struct cells cells;
        if (i) buf_add_byte(out, ',');
        cells_begin(&cells, out, CELLS_JSON);
        listing->write(&cells, job->rows + i * listing->row_size);
        cells_end(&cells);
    }
    bool is_last = shown == job->n;
    list_end(out, is_last ? STR("") : listing->cursor(job->rows + (shown - 1) * listing->row_size, call->arena));
    call_answer(call);
}

enum http_verdict listing_begin(struct call *call, const struct listing *listing) {
    struct job *job = ARENA_NEW(call->arena, struct job);
    struct error error = {0};
    job->listing = listing;
    if (!read_query(call, job, &error)) {
        call_refuse(call, &error);
        return HTTP_ANSWER;
    }
    call->order = job;
    /* Who looks for something may have to look at everything. */
    if (job->search.text.n || job->search.state.n) return HTTP_DEFER;
    listing_run(call);
    return HTTP_ANSWER;
}
