#include "api/listing.h"

#include "api/list_query.h"
#include "core/calendar.h"
#include "core/name.h"

enum { PART_ROWS = 500 };

const char *const listing_format_names[] = {[LISTING_JSON] = "json", [LISTING_CSV] = "csv", NULL};

/* What a call asked for, and a page of it. */
struct job {
    const struct listing *listing;
    struct search search;
    enum listing_format format;
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
        .drift = !query.has_drift ? SEARCH_ANY_DRIFT
                 : query.drift    ? SEARCH_DRIFTED
                                  : SEARCH_NOT_DRIFTED,
        .limit = (size_t)query.limit,
    };
    job->format = (enum listing_format)query.format;
    return true;
}

static const void *row_at(const struct job *job, size_t i) {
    return job->rows + i * job->listing->row_size;
}

static void write_row(const struct job *job, struct buf *out, enum cells_form form, const void *row) {
    struct cells cells;
    cells_begin(&cells, out, form);
    job->listing->write(&cells, row);
    cells_end(&cells);
}

/* ---- a page ---- */

static bool read_page(struct db *db, void *arg, struct error *reterr) {
    struct job *job = arg;
    struct search search = job->search;
    search.limit++; /* one more than asked for tells whether there is another page */
    void *rows = NULL;
    if (!job->listing->read(db, &search, job->arena, &rows, &job->n, reterr)) return false;
    job->rows = rows;
    return true;
}

static void answer_page(struct call *call, struct job *job) {
    job->search.workspace_id = str_of(call->identity->workspace.id);
    job->arena = call->arena;
    if (!list_read_page(call, read_page, job)) return;
    struct buf *out = &call->response->body;
    size_t shown = list_begin(out, job->n, (int64_t)job->search.limit);
    for (size_t i = 0; i < shown; i++) {
        if (i) buf_add_byte(out, ',');
        write_row(job, out, CELLS_JSON, row_at(job, i));
    }
    bool is_last = shown == job->n;
    list_end(out, is_last ? STR("") : job->listing->cursor(row_at(job, shown - 1), call->arena));
    call_answer(call);
}

/* ---- a file ---- */

static bool read_part(struct db *db, void *arg, struct error *reterr) {
    struct job *job = arg;
    void *rows = NULL;
    if (!job->listing->read(db, &job->search, job->arena, &rows, &job->n, reterr)) return false;
    job->rows = rows;
    return true;
}

/* Each part is read anew after the last row of the one before. */
static bool write_part(struct call *call, struct arena *scratch, bool *ret_last, struct error *reterr) {
    struct job *job = call->order;
    job->search.workspace_id = str_of(call->identity->workspace.id);
    job->search.limit = PART_ROWS;
    job->arena = scratch;
    if (!store_read(call->config->world->store, read_part, job, reterr)) return false;
    for (size_t i = 0; i < job->n; i++) write_row(job, &call->response->body, CELLS_CSV, row_at(job, i));
    *ret_last = job->n < PART_ROWS;
    if (!*ret_last) job->search.before = arena_str(call->arena, job->listing->cursor(row_at(job, job->n - 1), scratch));
    return true;
}

static void answer_file(struct call *call, const struct job *job) {
    char day[CALENDAR_TEXT];
    calendar_format(clock_now(call->config->world->clock), day);
    struct str disposition = arena_printf(call->arena, "attachment; filename=\"%s-%s.csv\"", job->listing->name, day);
    call->response->content_type = "text/csv; charset=utf-8";
    http_response_header(call->response, "Content-Disposition", arena_cstr(call->arena, disposition));
    write_row(job, &call->response->body, CELLS_NAMES, arena_alloc(call->arena, job->listing->row_size));
    call_answer_in_parts(call, write_part);
}

/* ---- both ---- */

void listing_run(struct call *call) {
    answer_page(call, call->order);
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
    if (job->format == LISTING_CSV) {
        answer_file(call, job);
        return HTTP_ANSWER;
    }
    /* Who looks for something may have to look at everything. */
    if (listing->is_slow || job->search.text.n || job->search.state.n || job->search.drift) return HTTP_DEFER;
    answer_page(call, job);
    return HTTP_ANSWER;
}
